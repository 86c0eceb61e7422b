"""Pull requests: opening, drafts, following their branch, reviews and threads."""

import pytest

from tests.contract.github_simulator.stage import REPO, R, errors_of

READY = "mutation($id:ID!){markPullRequestReadyForReview(input:{pullRequestId:$id}){pullRequest{isDraft}}}"
DRAFT = "mutation($id:ID!){convertPullRequestToDraft(input:{pullRequestId:$id}){pullRequest{isDraft}}}"


def test_no_commits_no_pull_request(stage):
    client = stage.here()
    client.post(f"{R}/git/refs", json={"ref": "refs/heads/same", "sha": stage.head()})
    answer = client.post(f"{R}/pulls", json={"title": "x", "head": "same", "base": "main"})
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation Failed"
    assert errors_of(answer) == ["No commits between main and same"]


def test_a_second_pull_request_for_a_branch_is_refused_while_one_is_open(stage):
    client = stage.here()
    first = stage.pull(client)
    body = {"title": "again", "head": "octo-org:work", "base": "main"}
    answer = client.post(f"{R}/pulls", json=body)
    assert answer.status_code == 422
    assert errors_of(answer) == ["A pull request already exists for octo-org:work."]
    client.patch(f"{R}/pulls/{first['number']}", json={"state": "closed"})
    assert client.post(f"{R}/pulls", json=body).status_code == 201
    found = client.get(f"{R}/pulls", params={"head": "octo-org:work", "state": "all"}).json()
    assert [one["state"] for one in found] == ["open", "closed"]


@pytest.mark.parametrize(
    ("change", "field"), [({"head": "none"}, "head"), ({"base": "none"}, "base"), ({"title": ""}, "title")]
)
def test_wrong_fields_are_named(stage, change, field):
    client = stage.here()
    stage.branch(client, "work", {"w": "1"})
    answer = client.post(f"{R}/pulls", json={"title": "x", "head": "work", "base": "main", **change})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize(
    ("private", "plan", "taken"), [(True, "free", False), (True, "team", True), (False, "free", True)]
)
def test_drafts_are_not_for_free_private_repositories(stage, private, plan, taken):
    stage.st.configure(REPO, private=private, plan=plan)
    client = stage.here()
    stage.branch(client, "work", {"w": "1"})
    answer = client.post(f"{R}/pulls", json={"title": "x", "head": "work", "base": "main", "draft": True})
    assert answer.status_code == (201 if taken else 422)
    if not taken:
        assert answer.json()["message"] == "Draft pull requests are not supported in this repository."


def test_a_body_of_65537_characters_is_refused(stage):
    client = stage.here()
    stage.branch(client, "work", {"w": "1"})
    answer = client.post(f"{R}/pulls", json={"title": "x", "head": "work", "base": "main", "body": "x" * 65_537})
    assert errors_of(answer) == ["body is too long (maximum is 65536 characters)"]


def test_drafts_turn_ready_and_back_through_graphql_only(stage):
    client = stage.here()
    pull = stage.pull(client, draft=True)
    client.patch(f"{R}/pulls/{pull['number']}", json={"draft": False})
    assert client.get(f"{R}/pulls/{pull['number']}").json()["draft"] is True
    ready = stage.graphql(client, READY, id=pull["node_id"])
    assert ready["data"]["markPullRequestReadyForReview"]["pullRequest"]["isDraft"] is False
    assert "pull_request.ready_for_review" in stage.events()
    assert stage.graphql(client, DRAFT, id=pull["node_id"])["data"]["convertPullRequestToDraft"]["pullRequest"][
        "isDraft"
    ]
    without = stage.graphql(stage.here(contents="write"), READY, id=pull["node_id"])
    assert without["errors"][0]["type"] == "FORBIDDEN"


def test_a_pull_request_follows_its_branch(stage):
    client = stage.here()
    pull = stage.pull(client)
    before = pull["head"]["sha"]
    after = stage.octocat.push(REPO, "work", {"more.txt": "x"})
    told = stage.last("pull_request.synchronize").payload
    assert (told["before"], told["after"], told["pull_request"]["head"]["sha"]) == (before, after, after)
    now = client.get(f"{R}/pulls/{pull['number']}").json()
    assert (now["commits"], now["changed_files"], now["mergeable"]) == (2, 2, True)
    assert [one["filename"] for one in client.get(f"{R}/pulls/{pull['number']}/files").json()] == [
        "more.txt",
        "work.txt",
    ]
    client.delete(f"{R}/git/refs/heads/work")
    assert client.get(f"{R}/pulls/{pull['number']}").json()["state"] == "closed"


def test_a_merge_closes_and_is_guarded_by_the_head(stage):
    client = stage.here()
    pull = stage.pull(client)
    moved = stage.person(stage.octocat).put(f"{R}/pulls/{pull['number']}/merge", json={"sha": "0" * 40})
    assert moved.status_code == 409
    assert stage.octocat.merge(REPO, pull["number"])["merged"]
    now = client.get(f"{R}/pulls/{pull['number']}").json()
    assert (now["state"], now["merged"], now["merged_by"]["login"]) == ("closed", True, "octocat")
    assert stage.last("pull_request.closed").payload["pull_request"]["merged"]
    assert "work.txt" in stage.st.files(REPO)


def test_reviews_with_their_comments_threads_and_replies(stage):
    client = stage.here()
    pull = stage.pull(client)
    number = pull["number"]
    asked = client.post(f"{R}/pulls/{number}/requested_reviewers", json={"reviewers": ["octocat"]})
    assert [one["login"] for one in asked.json()["requested_reviewers"]] == ["octocat"]
    stranger = client.post(f"{R}/pulls/{number}/requested_reviewers", json={"reviewers": ["hubot"]})
    assert stranger.status_code == 422
    stage.octocat.review(REPO, number, "REQUEST_CHANGES", "Please", [{"path": "work.txt", "line": 1, "body": "why?"}])
    assert stage.last("pull_request_review.submitted").payload["review"]["state"] == "changes_requested"
    top = client.get(f"{R}/pulls/{number}/comments").json()[0]
    assert (top["path"], top["line"], top["body"]) == ("work.txt", 1, "why?")
    answer = client.post(f"{R}/pulls/{number}/comments/{top['id']}/replies", json={"body": "because"}).json()
    assert answer["in_reply_to_id"] == top["id"]
    deeper = client.post(f"{R}/pulls/{number}/comments/{answer['id']}/replies", json={"body": "x"})
    assert deeper.status_code == 422
    query = """query($n:Int!){repository(owner:"octo-org",name:"octo-repo"){pullRequest(number:$n){
        reviewThreads(first:10){nodes{id isResolved isOutdated comments(first:5){totalCount nodes{databaseId author{login}}}}}}}}"""
    threads = stage.graphql(client, query, n=number)["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    assert (threads[0]["isResolved"], threads[0]["comments"]["totalCount"]) == (False, 2)
    resolved = stage.graphql(
        client, "mutation($t:ID!){resolveReviewThread(input:{threadId:$t}){thread{isResolved}}}", t=threads[0]["id"]
    )
    assert resolved["data"]["resolveReviewThread"]["thread"]["isResolved"]
    own = client.post(f"{R}/pulls/{number}/reviews", json={"event": "APPROVE"})
    assert errors_of(own) == ["Can not approve your own pull request"]


def test_comments_are_minimised_through_graphql(stage):
    client = stage.here()
    stage.octocat.open_issue(REPO, "one")
    node = client.post(f"{R}/issues/1/comments", json={"body": "old"}).json()["node_id"]
    hide = "mutation($i:ID!){minimizeComment(input:{subjectId:$i,classifier:OUTDATED}){minimizedComment{isMinimized minimizedReason}}}"
    assert stage.graphql(client, hide, i=node)["data"]["minimizeComment"]["minimizedComment"] == {
        "isMinimized": True,
        "minimizedReason": "outdated",
    }
    page = stage.client().get(f"/{REPO}/issues/1").text
    assert "marked as outdated" in page
    show = "mutation($i:ID!){unminimizeComment(input:{subjectId:$i}){unminimizedComment{isMinimized}}}"
    assert (
        stage.graphql(client, show, i=node)["data"]["unminimizeComment"]["unminimizedComment"]["isMinimized"] is False
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{viewer{shoeSize}}", "Field 'shoeSize' doesn't exist on type 'Actor'"),
        ('{repository(owner:"octo-org"){id}}', "missing required arguments: name"),
        ("{viewer(x:1){login}}", "doesn't accept argument 'x'"),
        ('mutation{updateRefs(input:{repositoryId:"x",refUpdates:[],colour:1}){clientMutationId}}', "colour"),
        ("{viewer", "Expected"),
        ('{node(id:"nope"){id}}', "Could not resolve to a node with the global id of 'nope'"),
        ('{repository(owner:"octo-org",name:"octo-repo"){pullRequests{totalCount}}}', "`first` or `last`"),
    ],
)
def test_graphql_refuses_what_it_does_not_know(stage, query, message):
    answer = stage.graphql(stage.here(), query)
    assert message in answer["errors"][0]["message"]
