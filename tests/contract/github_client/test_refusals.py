"""What GitHub refuses, and that our client meets each with the right typed answer. Each refusal is a row of one list."""

import pytest

from shared import limits
from shared.domain.facts import CommentFact
from shared.domain.people import Repository
from shared.github import checks, comments, commits, facts, pulls, reactions, refs
from shared.github.answers import Forbidden, GraphqlRefusal, NotFound, RateLimited, Refusal
from shared.github.checks import RunText
from shared.github.graphql import make_draft
from shared.github.pacing import Bucket, Patience
from shared.github.pulls import AlreadyThere, DraftsUnsupported, NoCommits
from shared.ports import TokenRefused
from tests.contract.github_client.stage import REPO, Stage

listed = pytest.mark.listed("GitHub refusals met by the client", of=18)


def run_text(**more) -> RunText:
    return RunText("Persevere", "job:timeline", "completed", "neutral", "Title", "Summary", **more)


@listed
def test_a_pull_request_without_commits(stage: Stage) -> None:
    github = stage.github("publish")
    assert refs.make_ref(github, "empty", stage.head())
    with pytest.raises(NoCommits):
        pulls.open_pull(github, branch="empty", base="main", title="t", body="b", draft=False)


@listed
def test_a_pull_request_that_exists(stage: Stage) -> None:
    stage.work()
    github = stage.github("publish")
    made = pulls.open_pull(github, branch="work", base="main", title="t", body="b", draft=False)
    with pytest.raises(AlreadyThere):
        pulls.open_pull(github, branch="work", base="main", title="t", body="b", draft=False)
    assert [pull.number for pull in pulls.by_branch(github, "work")] == [made.number]
    assert made.author == "persevere[bot]"


@listed
def test_a_ref_that_exists(stage: Stage) -> None:
    github = stage.github("publish")
    assert refs.make_ref(github, "ours", stage.head())
    assert not refs.make_ref(github, "ours", stage.head())


@listed
def test_a_ref_that_moved_meanwhile(stage: Stage) -> None:
    """Not from the expected commit: refused, and the branch stays where it is."""
    github = stage.github("publish")
    theirs = stage.work()
    tree = commits.read_commit(github, stage.head()).tree
    ours = commits.make_commit(github, "ours", tree, [stage.head()])
    with pytest.raises(Refusal):
        refs.move_ref(github, "work", stage.head(), ours.sha)
    assert refs.read_ref(github, "work") == theirs
    refs.move_ref(github, "work", theirs, ours.sha)
    assert refs.read_ref(github, "work") == ours.sha


@listed
def test_a_workflow_file_without_the_permission(stage: Stage) -> None:
    github = stage.github("publish")
    base = commits.read_commit(github, stage.head())
    entry = {"path": ".github/workflows/ci.yml", "mode": "100644", "type": "blob", "content": "on: push\n"}
    made = commits.make_commit(github, "ci", commits.make_tree(github, base.tree, [entry]), [base.sha])
    with pytest.raises(Forbidden, match="workflows"):
        refs.make_ref(github, "ci", made.sha)
    assert refs.read_ref(github, "ci") is None


@listed
def test_a_repository_outside_the_installation(stage: Stage) -> None:
    elsewhere = stage.st.repository("octocat", "elsewhere", files={"a": "b"})
    outside = Repository(id=elsewhere["id"], full_name="octocat/elsewhere")
    with pytest.raises(TokenRefused) as refused:
        stage.github("read", outside).get("/repos/octocat/elsewhere")
    assert "Add it" in refused.value.advice


@listed
def test_a_repository_outside_the_token(stage: Stage) -> None:
    """The token is for one repository: another one of the same installation is not there for it."""
    stage.st.repository("octo-org", "other", files={"a": "b"}, private=True)
    with pytest.raises(NotFound):
        stage.github("read").get("/repos/octo-org/other")


@listed
def test_a_permission_outside_the_token(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    with pytest.raises(Forbidden) as refused:
        stage.github("read").post(f"/repos/{REPO}/issues/1/comments", {"body": "x"})
    assert refused.value.permission_missing


@listed
def test_a_permission_that_the_installation_lacks(stage: Stage) -> None:
    stage.st.configure_installation(stage.installation["id"], permissions={"metadata": "read", "issues": "write"})
    with pytest.raises(TokenRefused) as refused:
        stage.github("publish").get(f"/repos/{REPO}")
    assert "contents: write" in refused.value.advice


@listed
def test_a_body_of_one_character_too_many(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    body = "x" * (limits.COMMENT_BODY_MAX + 1)
    made = comments.create(stage.github("comment"), 1, body)
    assert len(made.body) <= limits.COMMENT_BODY_MAX
    assert "Clipped" in made.body


@listed
def test_fifty_one_annotations(stage: Stage) -> None:
    notes = [
        {"path": "src/a.py", "start_line": n, "end_line": n, "annotation_level": "notice", "message": f"note {n}"}
        for n in range(1, 52)
    ]
    github = stage.github("check")
    made = checks.create(github, stage.head(), run_text(annotations=notes))
    kept = list(github.pages(github.path("check-runs", made.id, "annotations")))
    assert len(kept) == 51


@listed
def test_four_actions(stage: Stage) -> None:
    actions = [
        {"label": "A label that is far too long", "description": "d" * 60, "identifier": f"act-{n}"} for n in range(4)
    ]
    made = checks.create(stage.github("check"), stage.head(), run_text(actions=actions))
    assert made.conclusion == "neutral"


@listed
def test_more_than_a_page_of_thirty(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    for n in range(35):
        stage.octocat.comment(REPO, 1, f"comment {n}")
    github = stage.github("read")
    assert len(list(github.pages(github.path("issues", 1, "comments"), {"per_page": 30}))) == 35
    assert len(list(github.pages(github.path("issues", 1, "comments")))) == 35


@listed
def test_drafts_on_a_private_repository_of_the_free_plan(simulator) -> None:
    stage = Stage(simulator.url, private=True, plan="free")
    stage.work()
    github = stage.github("publish")
    with pytest.raises(DraftsUnsupported):
        pulls.open_pull(github, branch="work", base="main", title="t", body="b", draft=True)
    made = pulls.open_pull(github, branch="work", base="main", title="t", body="b", draft=False)
    with pytest.raises((GraphqlRefusal, Forbidden)):
        make_draft(github, made.node_id)
    pulls.add_label(github, made.number, pulls.DRAFT_LABEL)
    read = pulls.read(github, made.number)
    assert read is not None
    assert read.labels == (pulls.DRAFT_LABEL,)


@listed
def test_a_comment_on_a_locked_issue(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    stage.octocat.lock(REPO, 1)
    with pytest.raises(Forbidden) as refused:
        comments.create(stage.github("comment"), 1, "x")
    assert refused.value.locked


@listed
def test_a_secondary_limit_without_a_header_stops_everybody(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault("secondary_limit", method="POST", path="/comments$", header=False)
    with pytest.raises(RateLimited) as limit:
        comments.create(stage.github("comment"), 1, "x")
    assert limit.value.secondary
    assert limit.value.after_s == limits.SECONDARY_LIMIT_WAIT_S
    bucket = Bucket(stage.store, stage.clock, stage.installation["id"])
    with pytest.raises(RateLimited):
        bucket.turn(Patience(stage.clock, 35), notifying=False)
    stage.clock.advance(61)
    bucket.turn(Patience(stage.clock, 35), notifying=False)


@listed
def test_a_list_that_lags_ten_seconds(stage: Stage) -> None:
    """What was just made is not in the list: so nobody decides by it before it has settled."""
    stage.octocat.open_issue(REPO, "one")
    stage.st.settings(lag_s={"comments": 10})
    github, began = stage.github("comment"), stage.clock.now()
    made = comments.create(github, 1, "x")
    assert list(comments.ours_since(github, 1, stage.app["id"], began - 60_000)) == []
    stage.clock.advance(11)
    found = list(comments.ours_since(github, 1, stage.app["id"], began - 60_000))
    assert [each.id for each in found] == [made.id]


@listed
def test_an_object_that_is_not_there_for_two_seconds(stage: Stage) -> None:
    stage.st.settings(flicker_s=2, flicker_writes=True)
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "/persevere")
    fact = facts.comment(stage.github("read"), comment["id"])
    assert isinstance(fact, CommentFact)
    assert fact.body == "/persevere"
    comment = stage.octocat.comment(REPO, 1, "/persevere help")
    assert reactions.react(stage.github("comment"), "comment", comment["id"], "eyes") > 0


def test_a_commit_is_verified_and_two_requests_are_two_commits(stage: Stage) -> None:
    github = stage.github("publish")
    base = commits.read_commit(github, stage.head())
    made = [commits.make_commit(github, "m", base.tree, [base.sha]).sha for _ in range(2)]
    stage.clock.advance(2)
    made.append(commits.make_commit(github, "m", base.tree, [base.sha]).sha)
    assert len(set(made)) >= 2
    shown = github.get(github.path("commits", made[-1]))
    assert shown["commit"]["verification"]["verified"]


def test_a_suspended_installation_says_what_to_click(stage: Stage) -> None:
    stage.st.configure_installation(stage.installation["id"], suspended=True)
    with pytest.raises(TokenRefused) as refused:
        stage.github("read").get(f"/repos/{REPO}")
    assert "Unsuspend" in refused.value.advice


def test_an_uninstalled_app_says_what_to_click(stage: Stage) -> None:
    stage.st.uninstall(stage.installation["id"])
    with pytest.raises(TokenRefused) as refused:
        stage.github("read").get(f"/repos/{REPO}")
    assert "Install it again" in refused.value.advice


def test_a_revoked_token_is_minted_anew(stage: Stage) -> None:
    github = stage.github("read")
    token = stage.tokens.token("read", stage.installation["id"], stage.repository.id)
    stage.wire.send("DELETE", "/installation/token", token.value)
    assert github.get(f"/repos/{REPO}")["full_name"] == REPO
    stage.tokens.revoke(token)


def test_a_kept_token_is_used_until_ten_minutes_before_its_end(stage: Stage) -> None:
    who = ("read", stage.installation["id"], stage.repository.id)
    first = stage.tokens.token(*who)
    stage.clock.advance(49 * 60)
    assert stage.tokens.token(*who) == first
    stage.clock.advance(2 * 60)
    assert stage.tokens.token(*who).value != first.value


def test_reading_is_repeated_after_5xx_and_writing_is_not(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault("status", method="GET", path="/issues/1$", status=502, count=2)
    assert stage.github("read").get(f"/repos/{REPO}/issues/1")["number"] == 1
    stage.st.fault("bad_gateway_after_effect", method="POST", path="/comments$")
    github = stage.github("comment")
    with pytest.raises(Exception, match="502"):
        comments.create(github, 1, "once")
    assert github.wrote
    assert [each["body"] for each in stage.octocat.comments(REPO, 1)] == ["once"]


def test_people_are_not_asked_twice_for_a_review(stage: Stage) -> None:
    stage.work()
    github = stage.github("publish")
    made = pulls.open_pull(github, branch="work", base="main", title="t", body="b", draft=False)
    assert pulls.request_reviews(github, made.number, ["octocat"]) == ""
    assert pulls.request_reviews(github, made.number, ["nobody-here"]) != ""
