"""Webhooks: signatures, order, what an edit tells, deliveries and redelivery."""

import hashlib
import hmac

import pytest

from tests.contract.github_simulator.stage import REPO, R


def test_signatures_cover_the_raw_bytes(stage):
    stage.octocat.open_issue(REPO, "Ünïcode 🐙")
    stage.events()
    for one in stage.hook.received:
        assert stage.signed(one)
        assert one.headers["x-github-hook-installation-target-id"] == str(stage.app["id"])
        assert one.headers["x-github-hook-installation-target-type"] == "integration"
        assert one.headers["user-agent"].startswith("GitHub-Hookshot/")
    assert len({one.headers["x-github-delivery"] for one in stage.hook.received}) == len(stage.hook.received)
    assert "Ünïcode 🐙".encode() in stage.last("issues.opened").raw


def test_the_common_keys_are_there(stage):
    stage.octocat.open_issue(REPO, "one")
    payload = stage.last("issues.opened").payload
    assert payload["sender"]["login"] == "octocat"
    assert payload["repository"]["full_name"] == REPO
    assert payload["organization"]["login"] == "octo-org"
    assert payload["installation"]["id"] == stage.installation["id"]


def test_a_ticked_box_tells_the_body_before(stage):
    stage.octocat.open_issue(REPO, "one")
    text = "Spec\n\n- [ ] **Approve v1**\n- [ ] other\n"
    comment = stage.here().post(f"{R}/issues/1/comments", json={"body": text}).json()
    stage.octocat.tick(REPO, comment["id"], "Approve v1")
    told = stage.last("issue_comment.edited").payload
    assert told["changes"]["body"]["from"] == text
    assert told["comment"]["body"] == text.replace("[ ] **Approve", "[x] **Approve")
    assert told["sender"]["login"] == "octocat"
    assert told["comment"]["user"]["login"] == "persevere[bot]"


def test_deliveries_of_a_repository_come_in_order(stage):
    stage.octocat.open_issue(REPO, "one")
    for number in range(12):
        stage.octocat.comment(REPO, 1, f"c{number}")
    stage.events()
    bodies = [one.payload["comment"]["body"] for one in stage.hook.received if one.event == "issue_comment"]
    assert bodies == [f"c{number}" for number in range(12)]


def test_held_deliveries_can_come_backwards_and_twice(stage):
    stage.st.webhooks(hold=True, order="lifo")
    stage.octocat.open_issue(REPO, "one")
    stage.st.webhooks(duplicate=1)
    stage.octocat.comment(REPO, 1, "two")
    assert not stage.st.quiet()
    stage.st.webhooks(hold=False)
    told = [name for name in stage.events() if name.startswith("issue")]
    assert told == ["issue_comment.created", "issue_comment.created", "issues.opened"]


@pytest.mark.parametrize("how", ["refused", "lost"])
def test_failed_deliveries_are_listed_and_redelivered_under_their_guid(stage, how):
    stage.events()
    if how == "refused":
        stage.hook.status = 500
    else:
        stage.st.webhooks(lose=1)
    stage.octocat.open_issue(REPO, "one")
    assert stage.st.quiet(wait=45)
    app = stage.itself()
    failed = app.get("/app/hook/deliveries", params={"status": "failure"}).json()
    assert [(one["event"], one["action"], one["redelivery"]) for one in failed] == [("issues", "opened", False)]
    full = app.get(f"/app/hook/deliveries/{failed[0]['id']}").json()
    assert full["request"]["payload"]["issue"]["title"] == "one"
    stage.hook.status = 202
    assert app.post(f"/app/hook/deliveries/{failed[0]['id']}/attempts").status_code == 202
    again = stage.last("issues.opened")
    assert again.headers["x-github-delivery"] == failed[0]["guid"]
    assert stage.signed(again)
    listed = app.get("/app/hook/deliveries").json()
    assert (listed[0]["guid"], listed[0]["redelivery"], listed[0]["status"]) == (failed[0]["guid"], True, "OK")


def test_deliveries_are_paged_by_cursor(stage):
    stage.octocat.open_issue(REPO, "one")
    for number in range(5):
        stage.octocat.comment(REPO, 1, str(number))
    stage.events()
    app = stage.itself()
    first = app.get("/app/hook/deliveries", params={"per_page": 3})
    second = app.get(first.links["next"]["url"])
    ids = [one["id"] for one in first.json() + second.json()]
    assert len(ids) == 6
    assert ids == sorted(ids, reverse=True)
    assert stage.here().get("/app/hook/deliveries").status_code == 401


def test_a_rotated_secret_signs_what_comes_next(stage):
    stage.itself().patch("/app/hook/config", json={"secret": "another"})
    stage.octocat.open_issue(REPO, "one")
    one = stage.last("issues.opened")
    mac = hmac.new(b"another", one.raw, hashlib.sha256).hexdigest()
    assert one.headers["x-hub-signature-256"] == f"sha256={mac}"


def test_ping_and_installation_events_always_come(stage):
    assert stage.events()[:2] == ["ping", "installation.created"]
    stage.st.repository("octo-org", "second", files={"a": "1"})
    stage.st.configure_installation(stage.installation["id"], add=["second"])
    added = stage.last("installation_repositories.added").payload
    assert [one["name"] for one in added["repositories_added"]] == ["second"]
    stage.st.configure_installation(stage.installation["id"], permissions={"issues": "write"})
    stage.st.uninstall(stage.installation["id"])
    assert stage.events()[-2:] == ["installation.new_permissions_accepted", "installation.deleted"]
    stage.octocat.open_issue(REPO, "one")
    assert "issues.opened" not in stage.events()


def test_an_app_hears_only_what_it_subscribed_to(stage):
    stage.st.app("quiet", owner="octocat", hook_url=stage.hook.url, events=["push"])
    stage.st.install("quiet", "octo-org")
    stage.octocat.open_issue(REPO, "one")
    stage.events()
    to = {one.headers["x-github-hook-installation-target-id"] for one in stage.hook.received if one.event == "issues"}
    assert to == {str(stage.app["id"])}
