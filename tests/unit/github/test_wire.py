"""Every answer of HTTP becomes one typed thing."""

from collections.abc import Callable

import httpx
import pytest

from shared.github import answers
from shared.github.wire import Wire
from tests.contract.manual_clock import ManualClock

Handler = Callable[[httpx.Request], httpx.Response]


def wire(handler: Handler, url: str = "https://api.github.com") -> Wire:
    return Wire(ManualClock(), url, transport=httpx.MockTransport(handler))


def answering(status: int, body: object = None, **headers: str) -> Wire:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return wire(lambda request: httpx.Response(status, json=body or {}, headers=named))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, answers.OtherRefusal),
        (401, answers.BadCredentials),
        (403, answers.Forbidden),
        (404, answers.NotFound),
        (409, answers.Conflicting),
        (410, answers.Gone),
        (422, answers.Unprocessable),
        (451, answers.OtherRefusal),
        (500, answers.ServerTrouble),
        (502, answers.ServerTrouble),
    ],
)
def test_a_status_is_an_error_with_githubs_words(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        answering(status, {"message": "Why", "errors": [{"message": "deeper"}]}).send("GET", "/x", "t")
    if isinstance(error.value, answers.Refusal):
        assert (error.value.words, error.value.details) == ("Why", ("deeper",))


@pytest.mark.parametrize(
    ("status", "message", "headers", "after", "secondary"),
    [
        (403, "You have exceeded a secondary rate limit", {"retry_after": "30"}, 30, True),
        (403, "You have exceeded a secondary rate limit", {"x_ratelimit_remaining": "4000"}, 60, True),
        (429, "", {}, 60, True),
        (403, "API rate limit exceeded", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1780000100"}, 101, False),
        (403, "API rate limit exceeded", {"x_ratelimit_remaining": "0"}, 60, False),
        (403, "API rate limit exceeded", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "1"}, 1, False),
        (403, "You have triggered an abuse detection mechanism", {}, 60, True),
    ],
)
def test_limits_in_all_their_forms(status, message, headers, after, secondary) -> None:
    with pytest.raises(answers.RateLimited) as limit:
        answering(status, {"message": message}, **headers).send("POST", "/x", "t", json={})
    assert (limit.value.after_s, limit.value.secondary) == (after, secondary)


@pytest.mark.parametrize(
    "body", [None, "text", [1], {"errors": "plain"}, {"errors": [{"code": "x"}]}, {"errors": None}]
)
def test_odd_error_bodies_do_no_harm(body: object) -> None:
    with pytest.raises(answers.Unprocessable):
        answering(422, body).send("POST", "/x", "t")


def test_a_page_of_html_is_no_json() -> None:
    with pytest.raises(answers.ServerTrouble):
        wire(lambda request: httpx.Response(503, text="<html>")).send("GET", "/x", "t")


@pytest.mark.parametrize(
    ("error", "method", "doubt"),
    [
        (httpx.ReadTimeout("late"), "POST", True),
        (httpx.ReadTimeout("late"), "GET", False),
        (httpx.ConnectError("refused"), "POST", False),
        (httpx.ConnectTimeout("refused"), "POST", False),
        (httpx.RemoteProtocolError("cut"), "POST", True),
        (httpx.RemoteProtocolError("cut"), "PATCH", True),
    ],
)
def test_no_answer_says_whether_the_request_may_have_landed(error: Exception, method: str, doubt: bool) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(answers.NoAnswer) as trouble:
        wire(fail).send(method, "/x", "t")
    assert trouble.value.in_doubt == doubt


def test_nothing_is_ever_sent_twice_by_the_wire() -> None:
    sent = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.method)
        return httpx.Response(502)

    for method in ("GET", "POST"):
        with pytest.raises(answers.ServerTrouble):
            wire(handle).send(method, "/x", "t")
    assert sent == ["GET", "POST"]


def test_the_version_is_pinned_and_the_token_goes_along() -> None:
    seen: dict[str, str] = {}

    def handle(request: httpx.Request) -> httpx.Response:
        seen.update(request.headers)
        return httpx.Response(200, json={})

    wire(handle).send("GET", "/x", "secret")
    assert seen["x-github-api-version"] == "2026-03-10"
    assert seen["authorization"] == "Bearer secret"


def test_the_next_page_is_a_query_never_an_address() -> None:
    link = '<https://evil.example/repos?page=2&per_page=100>; rel="next", <https://evil.example/?page=9>; rel="last"'
    assert answering(200, [], link=link).send("GET", "/x", "t").next == {"page": "2", "per_page": "100"}


@pytest.mark.parametrize(
    ("url", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example/api/v3/", "https://ghe.example/api/graphql"),
    ],
)
def test_graphql_lives_beside_rest(url: str, graphql: str) -> None:
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200, json={})

    wire(handle, url).send("POST", "/graphql", "t", json={})
    assert seen == [graphql]
