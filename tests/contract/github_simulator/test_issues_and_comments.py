"""Issues, comments, reactions, labels: what they look like, and what is refused."""

import pytest

from local.github.wire import Refused
from tests.contract.github_simulator.stage import REPO, R, errors_of


def test_comment_numbers_do_not_fit_31_bits(stage):
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "hello")
    assert comment["id"] > 2**31
    assert comment["html_url"] == f"{stage.url}/{REPO}/issues/1#issuecomment-{comment['id']}"
    assert comment["author_association"] == "MEMBER"
    assert comment["created_at"].endswith("Z")
    assert comment["performed_via_github_app"] is None


def test_pages_hold_thirty_unless_told_and_a_hundred_at_most(stage):
    stage.octocat.open_issue(REPO, "one")
    for number in range(105):
        stage.octocat.comment(REPO, 1, f"c{number}")
    client = stage.here()
    first = client.get(f"{R}/issues/1/comments")
    assert [one["body"] for one in first.json()] == [f"c{n}" for n in range(30)]
    assert 'rel="next"' in first.headers["link"]
    assert 'rel="last"' in first.headers["link"]
    assert len(client.get(f"{R}/issues/1/comments", params={"per_page": 500}).json()) == 100
    second = client.get(first.links["next"]["url"])
    assert second.json()[0]["body"] == "c30"
    last = client.get(second.links["last"]["url"])
    assert [one["body"] for one in last.json()] == [f"c{n}" for n in range(90, 105)]
    assert "next" not in last.links


def test_repository_wide_list_sorts_by_update_and_takes_since(stage):
    stage.octocat.open_issue(REPO, "one")
    old = stage.octocat.comment(REPO, 1, "old")
    new = stage.octocat.comment(REPO, 1, "new")
    stage.st.advance(10)
    edited = stage.octocat.edit_comment(REPO, old["id"], "old, edited")
    found = stage.octocat.get(f"{R}/issues/comments", sort="updated", direction="desc")
    assert [one["id"] for one in found] == [old["id"], new["id"]]
    found = stage.octocat.get(f"{R}/issues/comments", since=edited["updated_at"])
    assert [one["id"] for one in found] == [old["id"]]


@pytest.mark.parametrize(("size", "taken"), [(65_536, True), (65_537, False)])
def test_a_body_has_a_limit_in_characters(stage, size, taken):
    client = stage.here()
    body = "ü" * size
    stage.octocat.open_issue(REPO, "one")
    answers = [
        client.post(f"{R}/issues/1/comments", json={"body": body}),
        client.post(f"{R}/issues", json={"title": "x", "body": body}),
    ]
    for answer in answers:
        assert answer.status_code == (201 if taken else 422)
        if not taken:
            assert "is too long (maximum is 65536 characters)" in errors_of(answer)[0]
    if not taken:
        assert len(stage.octocat.comments(REPO, 1)) == 0
        assert client.patch(f"{R}/issues/1", json={"body": body}).status_code == 422


def test_an_app_cannot_comment_on_a_locked_issue_unless_switched(stage):
    stage.octocat.open_issue(REPO, "one")
    stage.octocat.lock(REPO, 1)
    client = stage.here()
    answer = client.post(f"{R}/issues/1/comments", json={"body": "x"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Unable to create comment because issue is locked.")
    with pytest.raises(Refused, match="issue is locked"):
        stage.hubot.comment(REPO, 1, "me too")
    stage.octocat.comment(REPO, 1, "collaborators may")
    stage.st.configure(REPO, apps_may_comment_locked=True)
    assert client.post(f"{R}/issues/1/comments", json={"body": "x"}).status_code == 201


def test_archived_and_disabled(stage):
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    stage.st.configure(REPO, has_issues=False)
    answer = client.post(f"{R}/issues/1/comments", json={"body": "x"})
    assert (answer.status_code, answer.json()["message"]) == (410, "Issues has been disabled in this repository.")
    stage.st.configure(REPO, has_issues=True, archived=True)
    answer = client.post(f"{R}/issues/1/comments", json={"body": "x"})
    assert (answer.status_code, answer.json()["message"]) == (403, "Repository was archived so is read-only.")
    assert client.get(f"{R}/issues/1").status_code == 200


def test_a_reaction_is_made_once(stage):
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "x")
    client = stage.here()
    for path in (f"{R}/issues/comments/{comment['id']}/reactions", f"{R}/issues/1/reactions"):
        first, second = (client.post(path, json={"content": "eyes"}) for _ in range(2))
        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
        assert len(client.get(path).json()) == 1
    assert client.get(f"{R}/issues/1").json()["reactions"]["eyes"] == 1
    assert client.post(f"{R}/issues/1/reactions", json={"content": "wow"}).status_code == 422


def test_labels_come_and_go(stage):
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    assert client.post(f"{R}/labels", json={"name": "draft", "color": "ffffff"}).status_code == 201
    again = client.post(f"{R}/labels", json={"name": "Draft"})
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "already_exists")
    added = client.post(f"{R}/issues/1/labels", json={"labels": ["draft", "new"]})
    assert [one["name"] for one in added.json()] == ["draft", "new"]
    assert [one["name"] for one in client.delete(f"{R}/issues/1/labels/draft").json()] == ["new"]
    assert client.delete(f"{R}/issues/1/labels/draft").status_code == 404


def test_people_without_the_role_cannot_change_what_others_wrote(stage):
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "mine")
    with pytest.raises(Refused) as refused:
        stage.hubot.edit_comment(REPO, comment["id"], "yours")
    assert refused.value.status == 403
    with pytest.raises(Refused):
        stage.hubot.close_issue(REPO, 1)
    stage.octocat.edit_comment(REPO, comment["id"], "mine, better")


def test_roles_coarse_and_fine(stage):
    client = stage.here(metadata="read")
    stage.st.configure(REPO, custom_roles={"reviewer": "triage"})
    for role, coarse in [
        ("admin", "admin"),
        ("maintain", "write"),
        ("write", "write"),
        ("triage", "read"),
        ("read", "read"),
        ("reviewer", "read"),
    ]:
        stage.st.configure(REPO, roles={"hubot": role})
        found = client.get(f"{R}/collaborators/hubot/permission").json()
        assert (found["permission"], found["role_name"]) == (coarse, role)
        assert found["user"]["login"] == "hubot"
    stage.st.person("stranger")
    assert client.get(f"{R}/collaborators/stranger/permission").json()["permission"] == "read"
    stage.st.configure(REPO, private=True)
    assert client.get(f"{R}/collaborators/stranger/permission").json()["permission"] == "none"
    assert client.get(f"{R}/collaborators/nobody-here/permission").status_code == 404


def test_a_renamed_repository_redirects_to_its_number(stage):
    stage.st.configure(REPO, name="renamed")
    client = stage.here()
    moved = client.get(R)
    assert moved.status_code == 301
    assert moved.headers["location"] == f"{stage.url}/repositories/{stage.repository['id']}"
    assert client.get(R, follow_redirects=True).json()["full_name"] == "octo-org/renamed"
    assert client.get(f"/repositories/{stage.repository['id']}/issues").status_code == 200


def test_not_json_and_wrong_types_are_refused(stage):
    client = stage.here()
    assert client.post(f"{R}/issues", content=b"{").status_code == 400
    assert client.post(f"{R}/issues", json={"title": 7}).status_code == 422
    assert client.post(f"{R}/issues", json={}).json()["errors"][0]["code"] == "missing_field"
    assert client.get(R, headers={"X-GitHub-Api-Version": "1999-01-01"}).status_code == 400


def test_a_lone_surrogate_breaks_nothing(stage):
    stage.octocat.open_issue(REPO, "one")
    answer = stage.here().post(
        f"{R}/issues/1/comments", content=b'{"body": "a \\ud83d b"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201
    assert stage.last("issue_comment.created").payload["comment"]["body"] == "a ? b"


def test_an_unchanged_list_is_304(stage):
    client = stage.here()
    first = client.get(f"{R}/issues")
    assert client.get(f"{R}/issues", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    stage.octocat.open_issue(REPO, "one")
    assert client.get(f"{R}/issues", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_the_newer_api_version_has_dropped_some_fields(stage):
    stage.octocat.open_issue(REPO, "one")
    client = stage.here()
    old = client.get(f"{R}/issues/1", headers={"X-GitHub-Api-Version": "2022-11-28"}).json()
    new = client.get(f"{R}/issues/1", headers={"X-GitHub-Api-Version": "2026-03-10"}).json()
    assert set(old) - set(new) == {"assignee"}


def test_the_enterprise_prefix_leads_to_the_same(stage):
    client = stage.here()
    assert client.get(f"/api/v3{R}").json()["id"] == client.get(R).json()["id"]
    assert "data" in client.post("/api/graphql", json={"query": "{viewer{login}}"}).json()
