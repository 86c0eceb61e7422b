"""The main flow through the client library that production uses, as against api.github.com."""

import pytest
from githubkit import AppAuthStrategy, AppInstallationAuthStrategy, GitHub, TokenAuthStrategy
from githubkit.exception import RequestFailed
from pydantic import ValidationError

from tests.contract.github_simulator.stage import REPO, R

AT = {"owner": "octo-org", "repo": "octo-repo"}


@pytest.fixture
def app(stage):
    auth = AppInstallationAuthStrategy(
        stage.app["id"], stage.app["pem"], stage.installation["id"], client_id=stage.app["client_id"]
    )
    with GitHub(auth, base_url=stage.url, auto_retry=False, timeout=60, http_cache=False) as client:
        yield client


def test_from_issue_to_ready_pull_request(stage, app):
    stage.octocat.open_issue(REPO, "Slow start", "/persevere")
    rest = app.rest
    assert rest.apps.get_repo_installation  # the surface that production calls is there
    issue = rest.issues.get(**AT, issue_number=1).json()
    assert issue["title"] == "Slow start"
    status = rest.issues.create_comment(**AT, issue_number=1, body="working").json()
    rest.issues.update_comment(**AT, comment_id=status["id"], body="done")
    rest.reactions.create_for_issue_comment(**AT, comment_id=status["id"], content="eyes")
    role = rest.repos.get_collaborator_permission_level(**AT, username="octocat").json()
    assert role["role_name"] == "admin"

    base = rest.git.get_ref(**AT, ref="heads/main").json()["object"]["sha"]
    parent = rest.git.get_commit(**AT, commit_sha=base).json()
    entry = {"path": "docs/ü.md", "mode": "100644", "type": "blob", "content": "text\n"}
    tree = rest.git.create_tree(**AT, base_tree=parent["tree"]["sha"], tree=[entry]).json()
    commit = rest.git.create_commit(**AT, message="Add", tree=tree["sha"], parents=[base]).json()
    assert commit["verification"]["verified"]
    rest.git.create_ref(**AT, ref="refs/heads/persevere/1-abc", sha=commit["sha"])
    pull = rest.pulls.create(**AT, title="Add", head="persevere/1-abc", base="main", draft=True).json()
    run = rest.checks.create(**AT, name="Persevere", head_sha=commit["sha"], status="in_progress").json()
    output = {"title": "Proved", "summary": "all of it"}
    rest.checks.update(**AT, check_run_id=run["id"], status="completed", conclusion="success", output=output)
    found = rest.checks.list_for_ref(**AT, ref="persevere/1-abc", check_name="Persevere").json()
    assert [one["conclusion"] for one in found["check_runs"]] == ["success"]
    ready = app.graphql(
        "mutation($id:ID!){markPullRequestReadyForReview(input:{pullRequestId:$id}){pullRequest{isDraft}}}",
        {"id": pull["node_id"]},
    )
    assert ready["markPullRequestReadyForReview"]["pullRequest"]["isDraft"] is False
    rest.pulls.request_reviewers(**AT, pull_number=pull["number"], reviewers=["octocat"])
    assert rest.repos.get_content(**AT, path="docs/ü.md", ref="persevere/1-abc").json()["name"] == "ü.md"
    assert rest.repos.get_branch(**AT, branch="persevere/1-abc").json()["name"] == "persevere/1-abc"
    assert app.rest.paginate(rest.issues.list_comments, owner="octo-org", repo="octo-repo", issue_number=1)


def test_refusals_arrive_as_the_library_has_them(stage, app):
    with pytest.raises(RequestFailed) as refused:
        app.rest.pulls.create(**AT, title="x", head="none", base="main")
    assert refused.value.response.status_code == 422
    stage.st.fault("secondary_limit", path="/issues$", header=False)
    with pytest.raises(RequestFailed) as limited:
        app.rest.issues.create(**AT, title="x")
    assert "secondary rate limit" in limited.value.response.text


READS = {
    "issue": lambda rest, at: rest.issues.get(**AT, issue_number=1),
    "issues": lambda rest, at: rest.issues.list_for_repo(**AT),
    "comment": lambda rest, at: rest.issues.get_comment(**AT, comment_id=at["comment"]),
    "comments": lambda rest, at: rest.issues.list_comments(**AT, issue_number=1),
    "comments of the repository": lambda rest, at: rest.issues.list_comments_for_repo(**AT),
    "reactions": lambda rest, at: rest.reactions.list_for_issue(**AT, issue_number=1),
    "labels": lambda rest, at: rest.issues.list_labels_for_repo(**AT),
    "pull": lambda rest, at: rest.pulls.get(**AT, pull_number=2),
    "pulls": lambda rest, at: rest.pulls.list(**AT),
    "files": lambda rest, at: rest.pulls.list_files(**AT, pull_number=2),
    "commits of a pull": lambda rest, at: rest.pulls.list_commits(**AT, pull_number=2),
    "reviews": lambda rest, at: rest.pulls.list_reviews(**AT, pull_number=2),
    "review comments": lambda rest, at: rest.pulls.list_review_comments(**AT, pull_number=2),
    "requested": lambda rest, at: rest.pulls.list_requested_reviewers(**AT, pull_number=2),
    "check": lambda rest, at: rest.checks.get(**AT, check_run_id=at["run"]),
    "checks": lambda rest, at: rest.checks.list_for_ref(**AT, ref=at["sha"]),
    "annotations": lambda rest, at: rest.checks.list_annotations(**AT, check_run_id=at["run"]),
    "suites": lambda rest, at: rest.checks.list_suites_for_ref(**AT, ref=at["sha"]),
    "repository": lambda rest, at: rest.repos.get(**AT),
    "branch": lambda rest, at: rest.repos.get_branch(**AT, branch="main"),
    "branches": lambda rest, at: rest.repos.list_branches(**AT),
    "rules": lambda rest, at: rest.repos.get_branch_rules(**AT, branch="main"),
    "commit": lambda rest, at: rest.repos.get_commit(**AT, ref=at["sha"]),
    "commits": lambda rest, at: rest.repos.list_commits(**AT),
    "compare": lambda rest, at: rest.repos.compare_commits(**AT, basehead=f"main...{at['sha']}"),
    "permission": lambda rest, at: rest.repos.get_collaborator_permission_level(**AT, username="octocat"),
    "file": lambda rest, at: rest.repos.get_content(**AT, path="README.md"),
    "directory": lambda rest, at: rest.repos.get_content(**AT, path="src"),
    "git commit": lambda rest, at: rest.git.get_commit(**AT, commit_sha=at["sha"]),
    "git tree": lambda rest, at: rest.git.get_tree(**AT, tree_sha=at["sha"], recursive="1"),
    "git ref": lambda rest, at: rest.git.get_ref(**AT, ref="heads/main"),
    "matching refs": lambda rest, at: rest.git.list_matching_refs(**AT, ref="heads/"),
    "repositories of a token": lambda rest, at: rest.apps.list_repos_accessible_to_installation(),
    "user": lambda rest, at: rest.users.get_by_username(username="persevere[bot]"),
    "rate limit": lambda rest, at: rest.rate_limit.get(),
}
READS_BY_THE_APP = {
    "app": lambda rest, at: rest.apps.get_authenticated(),
    "installations": lambda rest, at: rest.apps.list_installations(),
    "installation": lambda rest, at: rest.apps.get_repo_installation(**AT),
    "token": lambda rest, at: rest.apps.create_installation_access_token(installation_id=at["installation"]),
    "deliveries": lambda rest, at: rest.apps.list_webhook_deliveries(),
    "delivery": lambda rest, at: rest.apps.get_webhook_delivery(delivery_id=at["delivery"]),
    "hook": lambda rest, at: rest.apps.get_webhook_config_for_app(),
}


def test_strict_models_read_what_the_simulator_sends(stage, app):
    """Not how production reads, but a good judge of shapes: the models are made from GitHub's own description."""
    stage.octocat.open_issue(REPO, "one", labels=["bug"])
    client = stage.here()
    comment = stage.octocat.comment(REPO, 1, "x")
    client.post(f"{R}/issues/1/comments", json={"body": "by the App"})
    client.post(f"{R}/issues/1/reactions", json={"content": "eyes"})
    pull = stage.pull(client, draft=True)
    client.post(f"{R}/pulls/2/requested_reviewers", json={"reviewers": ["octocat"]})
    stage.octocat.review(REPO, 2, "COMMENT", "hm", [{"path": "work.txt", "line": 1, "body": "why?"}])
    note = {"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "m"}
    body = {
        "name": "x",
        "head_sha": pull["head"]["sha"],
        "conclusion": "success",
        "output": {"title": "T", "summary": "S", "annotations": [note]},
    }
    run = client.post(f"{R}/check-runs", json=body).json()
    assert stage.st.quiet(wait=45)
    at = {
        "comment": comment["id"],
        "run": run["id"],
        "sha": pull["head"]["sha"],
        "installation": stage.installation["id"],
        "delivery": stage.st.deliveries()[-1]["id"],
    }
    own = GitHub(AppAuthStrategy(stage.app["id"], stage.app["pem"]), base_url=stage.url, http_cache=False)
    wrong = {}
    for rest, reads in ((app.rest, READS), (own.rest, READS_BY_THE_APP)):
        for name, read in reads.items():
            try:
                assert read(rest, at).parsed_data is not None
            except ValidationError as error:
                wrong[name] = str(error)
    assert wrong == {}


def test_webhooks_pass_the_strict_models_too(stage):
    from githubkit.webhooks import parse, verify

    stage.octocat.open_issue(REPO, "one", labels=["bug"])
    comment = stage.octocat.comment(REPO, 1, "- [ ] a")
    stage.octocat.tick(REPO, comment["id"], "a")
    client = stage.here()
    pull = stage.pull(client, draft=True)
    client.post(f"{R}/check-runs", json={"name": "x", "head_sha": pull["head"]["sha"], "conclusion": "success"})
    client.post(f"{R}/pulls/2/requested_reviewers", json={"reviewers": ["octocat"]})
    stage.octocat.review(REPO, 2, "APPROVE", "fine", [{"path": "work.txt", "line": 1, "body": "why?"}])
    stage.octocat.push(REPO, "work", {"x": "1"})
    stage.octocat.lock(REPO, 1)
    stage.octocat.close_issue(REPO, 1)
    stage.octocat.reopen_issue(REPO, 1)
    stage.octocat.delete_comment(REPO, comment["id"])
    stage.st.configure_installation(stage.installation["id"], suspended=True)
    stage.st.configure_installation(stage.installation["id"], suspended=False)
    stage.st.configure_installation(stage.installation["id"], remove=["octo-repo"])
    assert stage.st.quiet(wait=45)
    names = {one.name for one in stage.hook.received}
    assert len(names) >= 20, names
    for one in stage.hook.received:
        assert verify(stage.app["webhook_secret"], one.raw, one.headers["x-hub-signature-256"])
        parse(one.event, one.raw)


def test_a_person_with_a_token(stage):
    with GitHub(TokenAuthStrategy(stage.octocat.token), base_url=stage.url, auto_retry=False) as client:
        assert client.rest.users.get_authenticated().json()["login"] == "octocat"
