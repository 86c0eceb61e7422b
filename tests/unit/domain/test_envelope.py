"""What each event of GitHub means to us, and that no payload whatsoever gets further than a clean refusal."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.envelope import Envelope, Ignored, enclose

APP = 99
USER = {"id": 1, "login": "octocat", "type": "User"}
BOT = {"id": 9, "login": "renovate[bot]", "type": "Bot"}
REPOSITORY = {"id": 7, "full_name": "octo-org/octo-repo", "private": True, "default_branch": "trunk"}


def payload(action: str, **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "sender": USER,
        "repository": REPOSITORY,
        "installation": {"id": 5},
        "issue": {"number": 42, "state": "open"},
    } | more


def comment(body: str, **more: Any) -> dict[str, Any]:
    return {"id": 11, "node_id": "IC_1", "html_url": "https://github.com/x", "body": body, "user": USER} | more


def read(event: str, whole: dict[str, Any], **more: Any) -> Envelope | Ignored:
    return enclose(event, whole, app_id=APP, command="/persevere", **more)


def test_a_command_carries_what_the_conductor_needs() -> None:
    found = read("issue_comment", payload("created", comment=comment("/persevere approve v2\n\nthanks")))
    assert isinstance(found, Envelope)
    assert (found.pk, found.kind) == ("ISSUE#7#42", "command")
    body = found.body
    assert body["data"] == {"verb": "approve", "arguments": "v2", "rest": "thanks", "issue_state": "open"}
    assert body["sender"] == {"id": 1, "login": "octocat"}
    assert (body["number"], body["installation_id"]) == (42, 5)
    assert body["repository"] == REPOSITORY
    assert body["comment"]["url"] == "https://github.com/x"


def test_the_same_comment_is_the_same_deed_and_another_text_is_another() -> None:
    one, again, other = (
        read("issue_comment", payload("created", comment=comment(body))) for body in ("hi", "hi", "hello")
    )
    assert isinstance(one, Envelope) and isinstance(again, Envelope) and isinstance(other, Envelope)
    assert one.identities == again.identities != other.identities


KINDS = [
    ("/persevere", "command"),
    ("please\n/persevere plan", "near_miss"),
    ("1a 2b", "answer"),
]


@pytest.mark.parametrize(("body", "kind"), KINDS)
def test_a_comment_is_a_command_a_near_miss_or_words(body: str, kind: str) -> None:
    found = read("issue_comment", payload("created", comment=comment(body)))
    assert isinstance(found, Envelope)
    assert found.kind == found.body["kind"] == kind


OURS = {"performed_via_github_app": {"id": APP}}
TICK = {"body": {"from": "- [ ] **Approve v1 and start**"}}
IGNORED: list[tuple[str, str, dict[str, Any]]] = [
    ("our own comment", "issue_comment", payload("created", comment=comment("/persevere", **OURS))),
    ("a bot", "issue_comment", payload("created", sender=BOT, comment=comment("/persevere", user=BOT))),
    (
        "a bot's sender type alone",
        "issue_comment",
        payload("created", sender=USER | {"type": "Bot"}, comment=comment("x")),
    ),
    ("somebody else's comment", "issue_comment", payload("created", comment=comment("x", user=BOT))),
    ("a comment of a ghost", "issue_comment", payload("created", comment=comment("/persevere", user=None))),
    ("no installation", "issue_comment", payload("created", installation=None, comment=comment("/persevere"))),
    ("an empty comment", "issue_comment", payload("created", comment=comment(" \n"))),
    ("an edit of a person's comment", "issue_comment", payload("edited", comment=comment("/persevere"), changes=TICK)),
    ("our own edit", "issue_comment", payload("edited", sender=BOT, comment=comment("x", **OURS), changes=TICK)),
    ("an edit without a text before", "issue_comment", payload("edited", comment=comment("x", **OURS))),
    ("deleted", "issue_comment", payload("deleted", comment=comment("/persevere"))),
    ("opened", "issues", payload("opened")),
    ("assigned", "issues", payload("assigned")),
    ("a bot's push", "pull_request", payload("synchronize", sender=BOT, pull_request={"number": 57})),
    ("opened pull request", "pull_request", payload("opened", pull_request={"number": 57})),
    ("check button", "check_run", payload("rerequested")),
    ("star", "star", payload("created")),
    ("ping", "ping", {"zen": "x"}),
    ("installation", "installation", {"action": "created", "installation": {"id": 5}}),
    ("installation repositories", "installation_repositories", {"action": "added"}),
    ("no sender", "issues", {"action": "closed", "repository": REPOSITORY}),
    ("no issue", "issues", payload("closed", issue=None)),
    ("no pull request", "pull_request", payload("closed")),
]


@pytest.mark.parametrize(("event", "whole"), [row[1:] for row in IGNORED], ids=[row[0] for row in IGNORED])
def test_what_is_not_for_us_is_left_with_a_reason(event: str, whole: dict[str, Any]) -> None:
    found = read(event, whole)
    assert isinstance(found, Ignored)
    assert found.reason


def test_a_bot_that_the_operator_names_counts() -> None:
    whole = payload("created", sender=BOT, comment=comment("/persevere", user=BOT))
    assert isinstance(read("issue_comment", whole, bots=frozenset({"renovate[bot]"})), Envelope)


def test_a_tick_carries_both_texts_and_its_moment() -> None:
    edited = comment("- [x] **Approve v1 and start**", updated_at="2026-01-01T10:00:00Z", **OURS)
    found = read("issue_comment", payload("edited", comment=edited, changes=TICK))
    later = edited | {"updated_at": "2026-01-01T10:01:00Z"}
    again = read("issue_comment", payload("edited", comment=later, changes=TICK))
    assert isinstance(found, Envelope) and isinstance(again, Envelope)
    assert found.kind == "box"
    assert found.body["comment"]["before"].startswith("- [ ]")
    assert found.identities != again.identities


@pytest.mark.parametrize(
    "action", ["edited", "closed", "reopened", "locked", "unlocked", "deleted", "labeled", "transferred"]
)
def test_what_happens_to_an_issue(action: str) -> None:
    found = read("issues", payload(action))
    assert isinstance(found, Envelope)
    assert (found.kind, found.body["action"], found.pk) == ("issue", action, "ISSUE#7#42")


@pytest.mark.parametrize("action", ["closed", "reopened", "synchronize"])
def test_what_happens_to_a_pull_request(action: str) -> None:
    pull = {"number": 57, "merged": True, "head": {"sha": "abc", "ref": "persevere/42-x"}}
    found = read("pull_request", payload(action, pull_request=pull))
    assert isinstance(found, Envelope)
    assert (found.pk, found.body["number"]) == ("ISSUE#7#57", 57)
    assert found.body["data"] == {"number": 57, "merged": True, "head": "abc", "ref": "persevere/42-x"}


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("action", "sender", "repository", "installation", "issue", "comment", "pull_request", "changes")
EVENTS = ("issue_comment", "issues", "pull_request", "check_run", "installation", "star", "")


@st.composite
def bent(draw: st.DrawFn) -> dict[str, Any]:
    """A good payload with some of its parts replaced by anything, down to the fields of its objects."""
    whole = payload(draw(st.sampled_from(["created", "edited", "closed", "synchronize", "x"])))
    whole |= {"comment": comment("/persevere plan", **draw(st.sampled_from([OURS, {}]))), "changes": TICK}
    whole["pull_request"] = {"number": 57, "head": {"sha": "a", "ref": "b"}}
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(NAMES))
        part = whole.get(name)
        if isinstance(part, dict) and part and draw(st.booleans()):
            whole[name] = part | {draw(st.sampled_from(sorted(part))): draw(junk)}
        else:
            whole[name] = draw(junk)
    return whole


@given(st.sampled_from(EVENTS), bent())
def test_a_bent_payload_is_read_left_or_refused_in_a_way_that_the_door_knows(event: str, whole: dict[str, Any]) -> None:
    try:
        found = read(event, whole)
    except (KeyError, TypeError, ValueError, AttributeError):
        return
    assert isinstance(found, Envelope | Ignored)


@given(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(NAMES), junk))
def test_a_payload_of_anything_is_read_left_or_refused(event: str, whole: dict[str, Any]) -> None:
    try:
        read(event, whole)
    except (KeyError, TypeError, ValueError, AttributeError):
        return


# --- reviews -------------------------------------------------------------------------------------------------

PULL = {"number": 57, "state": "open"}


def reviewed(event: str, body: str | None, **more: Any) -> Envelope | Ignored:
    if event == "pull_request_review":
        written = {"action": "submitted", "review": {"id": 11, "body": body, "user": USER, "html_url": "https://x"}}
    else:
        written = {"action": "created", "comment": comment(body or "")}
    return read(event, payload("") | {"issue": None, "pull_request": PULL} | written | more)


@pytest.mark.parametrize("event", ["pull_request_review", "pull_request_review_comment"])
@pytest.mark.parametrize("body", ["/persevere fix", "Nice.\n\n/persevere fix"])
def test_a_command_in_a_review_is_not_run_and_not_passed_over(event: str, body: str) -> None:
    found = reviewed(event, body)
    assert isinstance(found, Envelope)
    assert (found.pk, found.kind) == ("ISSUE#7#57", "near_miss")
    assert found.body["data"]["why"] == "review"
    assert found.body["data"]["quote"] == "/persevere fix"
    assert found.body["comment"]["on_pull"]
    assert found.body["comment"]["in_review"]
    assert found.identities == reviewed(event, body).identities  # type: ignore[union-attr]
    other = "pull_request_review_comment" if event == "pull_request_review" else "pull_request_review"
    assert set(found.identities).isdisjoint(reviewed(other, body).identities)  # type: ignore[union-attr]


@pytest.mark.parametrize("event", ["pull_request_review", "pull_request_review_comment"])
def test_a_review_is_known_again_whatever_its_text_is_by_now(event: str) -> None:
    one, changed = reviewed(event, "/persevere fix"), reviewed(event, "/persevere fix it")
    assert isinstance(one, Envelope) and isinstance(changed, Envelope)
    assert set(one.identities) & set(changed.identities)


@pytest.mark.parametrize("event", ["pull_request_review", "pull_request_review_comment"])
@pytest.mark.parametrize("body", ["Looks good.", "", None, "> /persevere fix"])
def test_a_review_without_a_command_is_left_to_people(event: str, body: str | None) -> None:
    assert isinstance(reviewed(event, body), Ignored)


@pytest.mark.parametrize("event", ["pull_request_review", "pull_request_review_comment"])
@pytest.mark.parametrize(
    "more", [{"sender": BOT}, {"pull_request": None}, {"installation": None}, {"action": "edited"}]
)
def test_only_what_a_person_hands_in_counts(event: str, more: dict[str, Any]) -> None:
    assert isinstance(reviewed(event, "/persevere fix", **more), Ignored)
