"""Trouble on order: limits, lag, flicker, lost answers; and the ground truth that stays."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.github.wire import Refused
from tests.contract.github_simulator.stage import REPO, R


@pytest.mark.parametrize("header", [True, False])
def test_the_secondary_limit_with_and_without_its_header(stage, header):
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault("secondary_limit", method="POST", path="/comments$", header=header)
    client = stage.here()
    answer = client.post(f"{R}/issues/1/comments", json={"body": "x"})
    assert answer.status_code == 403
    assert answer.json()["message"].startswith("You have exceeded a secondary rate limit")
    assert ("retry-after" in answer.headers) == header
    assert answer.headers["x-ratelimit-remaining"] != "0"
    assert client.post(f"{R}/issues/1/comments", json={"body": "x"}).status_code == 201
    assert len(stage.octocat.comments(REPO, 1)) == 1


def test_content_limits_count_and_bite_when_switched_on(stage):
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    client.post(f"{R}/issues/1/comments", json={"body": "x"})
    assert stage.st.limits()["persevere[bot]"] == {"minute": 1, "hour": 1}
    stage.st.settings(content_limits=True, content_per_minute=3, limit_header=False)
    codes = [client.post(f"{R}/issues/1/comments", json={"body": "x"}).status_code for _ in range(4)]
    assert codes == [201, 201, 403, 403]
    stage.st.advance(61)
    assert client.post(f"{R}/issues/1/comments", json={"body": "x"}).status_code == 201


def test_lists_lag_behind_and_objects_do_not(stage):
    stage.octocat.open_issue(REPO, "one")
    stage.st.settings(lag_s={"comments": 10, "pulls": 10})
    client = stage.here()
    made = client.post(f"{R}/issues/1/comments", json={"body": "x"}).json()
    pull = stage.pull(client)
    assert client.get(f"{R}/issues/1/comments").json() == []
    assert client.get(f"{R}/issues/comments").json() == []
    assert client.get(f"{R}/pulls", params={"head": "octo-org:work"}).json() == []
    assert client.get(f"{R}/issues/comments/{made['id']}").status_code == 200
    assert client.get(f"{R}/pulls/{pull['number']}").status_code == 200
    stage.st.advance(11)
    assert len(client.get(f"{R}/issues/1/comments").json()) == 1
    assert len(client.get(f"{R}/pulls").json()) == 1


def test_what_a_webhook_named_is_not_there_yet_for_apps(stage):
    client = stage.here()
    stage.st.settings(flicker_s=2)
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "x")
    assert client.get(f"{R}/issues/1").status_code == 404
    assert client.get(f"{R}/issues/comments/{comment['id']}").status_code == 404
    assert stage.octocat.issue(REPO, 1)["number"] == 1
    stage.st.advance(3)
    assert client.get(f"{R}/issues/1").status_code == 200
    assert client.get(f"{R}/issues/comments/{comment['id']}").status_code == 200


@pytest.mark.parametrize(
    ("what", "landed"), [("drop", 0), ("drop_after_effect", 1), ("bad_gateway_after_effect", 1), ("status", 0)]
)
def test_an_answer_may_be_lost_before_or_after_the_effect(stage, what, landed):
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault(what, method="POST", path="/issues/1/comments$")
    client = stage.here()
    if what.startswith("drop"):
        with pytest.raises(httpx.TransportError):
            client.post(f"{R}/issues/1/comments", json={"body": "x"})
    else:
        assert client.post(f"{R}/issues/1/comments", json={"body": "x"}).status_code == 502
    assert len(stage.octocat.comments(REPO, 1)) == landed
    assert len(stage.st.log(kind="comment")) == landed
    assert stage.st.faults()[0]["hits"] == 1


def test_what_a_delay_holds_goes_on_when_it_is_taken_back(stage):
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault("delay", path="/issues/1$", actor="app", delay_s=600)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(stage.here().get, f"{R}/issues/1")
        while not stage.st.faults()[0]["hits"]:
            assert not asked.done()
            time.sleep(0.02)
        stage.st.clear_faults()
        assert asked.result().status_code == 200


def test_faults_can_be_aimed(stage):
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault("status", path="/issues/1$", actor="app", skip=1, count=2, status=503, message="Unicorn")
    client = stage.here()
    assert [client.get(f"{R}/issues/1").status_code for _ in range(4)] == [200, 503, 503, 200]
    stage.octocat.issue(REPO, 1)
    stage.st.fault("status", path="/graphql", body="updateRefs", count=0)
    assert client.post("/graphql", json={"query": "{viewer{login}}"}).status_code == 200
    assert client.post("/graphql", json={"query": "mutation{updateRefs}"}).status_code == 502
    stage.st.fault("status", path=r"\.git/", count=0, status=503)
    assert client.get(f"/{REPO}.git/info/refs?service=git-upload-pack").status_code == 503


def test_people_hear_of_new_things_never_of_edits(stage):
    stage.st.configure(REPO, roles={"hubot": "write"})
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    comment = client.post(f"{R}/issues/1/comments", json={"body": "@hubot `@nobody` have a look"}).json()
    heard = [(one["login"], one["reason"], one["of"]) for one in stage.st.notifications()]
    assert heard == [("hubot", "mention", "comment"), ("octocat", "author", "comment")]
    client.patch(f"{R}/issues/comments/{comment['id']}", json={"body": "@octocat @hubot edited"})
    client.post(f"{R}/check-runs", json={"name": "x", "head_sha": stage.head()})
    assert len(stage.st.notifications()) == 2
    pull = stage.pull(client)
    client.post(f"{R}/pulls/{pull['number']}/requested_reviewers", json={"reviewers": ["octocat"]})
    asked = stage.st.notifications("octocat")[-1]
    assert (asked["reason"], asked["of"], asked["number"]) == ("review_requested", "review_request", pull["number"])
    assert [one["of"] for one in stage.st.notifications("hubot")] == ["comment"]


def test_the_log_holds_every_write_that_landed(stage):
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    client.post(f"{R}/issues/1/comments", json={"body": "x"})
    client.post(f"{R}/issues/1/comments", json={"body": ""})
    client.patch(f"{R}/issues/comments/1", json={"body": "x"})
    rows = [(one["actor"], one["kind"], one["what"], one["notifying"]) for one in stage.st.log()]
    assert rows == [
        ("octocat", "issue", "opened", True),
        ("persevere", "token", "minted", False),
        ("persevere[bot]", "comment", "created", True),
    ]
    assert [one["kind"] for one in stage.st.log(notifying="true")] == ["issue", "comment"]


def test_reset_empties_all(stage):
    stage.octocat.open_issue(REPO, "one")
    stage.st.reset()
    assert stage.st.log() == []
    assert stage.client().get(R).status_code == 404


def test_the_primary_limit_says_when_it_ends(stage):
    stage.st.fault("primary_limit", path="/issues$")
    answer = stage.here().get(f"{R}/issues")
    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert int(answer.headers["x-ratelimit-reset"]) > 0
    assert "API rate limit exceeded" in answer.json()["message"]


def test_unknown_orders_are_refused(stage):
    for order in (
        lambda: stage.st.fault("explode"),
        lambda: stage.st.settings(lag=1),
        lambda: stage.st.webhooks(lag=1),
    ):
        with pytest.raises(Refused) as refused:
            order()
        assert refused.value.status == 422
