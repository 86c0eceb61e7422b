"""Facts: what is there, what is not, and what could not be read are three different things."""

import pytest

from shared.domain import facts as f
from shared.domain.people import Repository, Role
from shared.github import facts
from tests.contract.github_client.stage import REPO, Stage


def test_the_role_is_that_of_the_numeric_account(stage: Stage) -> None:
    stage.st.person("maintainer")
    stage.st.configure(REPO, roles={"hubot": "triage", "maintainer": "maintain"})
    github = stage.github()
    ids = {login: github.get(f"/users/{login}")["id"] for login in ("octocat", "hubot", "maintainer")}
    assert facts.role(github, ids["octocat"], "octocat").role == Role.ADMIN
    assert facts.role(github, ids["hubot"], "hubot").role == Role.TRIAGE
    assert facts.role(github, ids["maintainer"], "maintainer") == f.RoleFact(Role.MAINTAIN, "maintain")
    assert facts.role(github, ids["hubot"], "octocat") == f.RoleFact(Role.NONE, "", "other_account")
    assert facts.role(github, 1, "nobody-at-all").role == Role.NONE


def test_a_custom_role_counts_as_what_it_permits(stage: Stage) -> None:
    stage.st.configure(REPO, custom_roles={"reviewer": "triage"}, roles={"hubot": "reviewer"})
    github = stage.github()
    fact = facts.role(github, github.get("/users/hubot")["id"], "hubot")
    assert (fact.role, fact.role_name) == (Role.READ, "reviewer")


def test_a_stranger_has_no_more_than_reading(stage: Stage) -> None:
    stage.st.person("stranger")
    github = stage.github()
    assert facts.role(github, github.get("/users/stranger")["id"], "stranger").role <= Role.READ


def test_an_issue_with_its_title_and_its_lock(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "Title", "Body")
    stage.octocat.lock(REPO, 1)
    fact = facts.issue(stage.github(), 1)
    assert isinstance(fact, f.IssueFact)
    assert (fact.title, fact.body, fact.state, fact.locked, fact.author.login) == (
        "Title",
        "Body",
        "open",
        True,
        "octocat",
    )
    assert facts.issue(stage.github(), 99) == f.Missing()


def test_a_pull_request_and_its_head(stage: Stage) -> None:
    sha = stage.work()
    number = stage.octocat.open_pull(REPO, "work", "main")["number"]
    fact = facts.pull(stage.github(), number)
    assert isinstance(fact, f.PullFact)
    assert (fact.head_sha, fact.head_ref, fact.base_ref, fact.merged, fact.app_made) == (
        sha,
        "work",
        "main",
        False,
        False,
    )
    stage.octocat.merge(REPO, number)
    merged = facts.pull(stage.github(), number)
    assert isinstance(merged, f.PullFact)
    assert merged.merged
    assert facts.pull(stage.github(), 99) == f.Missing()


def test_refs_and_the_default_head(stage: Stage) -> None:
    github = stage.github()
    assert facts.read(github, 1, f.RefNow("main")) == f.RefFact(stage.head())
    assert facts.read(github, 1, f.RefNow("nowhere")) == f.RefFact(None)
    head = facts.default_head(github)
    assert isinstance(head, f.HeadFact)
    assert (head.branch, head.sha) == ("main", stage.head())
    assert head.tree == github.get(github.path("git", "commits", stage.head()))["tree"]["sha"]


def test_an_empty_repository_has_a_name_and_no_commit(simulator) -> None:
    stage = Stage(simulator.url, files=None)
    head = facts.default_head(stage.github())
    assert isinstance(head, f.HeadFact)
    assert head.sha is None
    assert facts.read(stage.github(), 1, f.RefNow("main")) == f.RefFact(None)


def test_settings_at_a_commit(stage: Stage) -> None:
    github = stage.github()
    assert facts.settings(github, stage.head()).path == ""
    sha = stage.octocat.push(REPO, "main", {".github/persevere.yml": "budget: $2\n"}, "Set")
    fact = facts.settings(github, sha)
    assert isinstance(fact, f.SettingsFact)
    assert (fact.settings.budget, fact.path, fact.sha) == ("$2", ".github/persevere.yml", sha)
    sha = stage.octocat.push(REPO, "main", {".github/persevere.yml": "a: 1\nbugdet: $2\n"}, "Break")
    assert isinstance(facts.settings(github, sha), f.SettingsBroken)
    sha = stage.octocat.push(
        REPO, "main", {".github/persevere.yml": "budget: $2\n", ".github/persevere.yaml": "budget: $2\n"}, "Both"
    )
    both = facts.settings(github, sha)
    assert isinstance(both, f.SettingsBroken)
    assert "keep one" in both.what
    sha = stage.octocat.push(
        REPO, "main", {".github/persevere.yaml": None, ".github/persevere.yml": "x" * 70_000}, "Big"
    )
    big = facts.settings(github, sha)
    assert isinstance(big, f.SettingsBroken)
    assert "at most" in big.what


def test_a_comment_as_it_is_now(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    comment = stage.octocat.comment(REPO, 1, "first")
    stage.octocat.edit_comment(REPO, comment["id"], "second")
    fact = facts.comment(stage.github(), comment["id"])
    assert isinstance(fact, f.CommentFact)
    assert (fact.body, fact.issue_number, fact.app_id, fact.author_type) == ("second", 1, None, "User")
    stage.octocat.delete_comment(REPO, comment["id"])
    assert facts.comment(stage.github(), comment["id"]) == f.Missing()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"what": "status", "status": 502}, "502"),
        ({"what": "drop"}, "no connection"),
        ({"what": "secondary_limit", "header": False}, "asks to wait 60 s"),
        ({"what": "status", "status": 403, "message": "Resource not accessible by integration"}, "not accessible"),
    ],
)
def test_what_cannot_be_read_is_unknown_with_a_reason(stage: Stage, fault: dict, words: str) -> None:
    stage.octocat.open_issue(REPO, "one")
    stage.st.fault(fault.pop("what"), method="GET", path="/(collaborators|issues|git)/", count=0, **fault)
    needs: list[f.Need] = [f.RoleOf(1, "octocat"), f.IssueNow(), f.RefNow("main")]
    found = facts.fetch(stage.github(), 1, needs, stage.clock)
    for need in needs:
        fact = found[need]
        assert isinstance(fact, f.Unknown)
        assert words in fact.why


def test_a_token_that_is_refused_is_unknown_with_advice(stage: Stage) -> None:
    stage.st.configure_installation(stage.installation["id"], suspended=True)
    fact = facts.read(stage.github(), 1, f.IssueNow())
    assert isinstance(fact, f.Unknown)
    assert "Unsuspend" in fact.why


def test_the_time_for_all_facts_together_is_limited(stage: Stage) -> None:
    stage.st.fault("status", method="GET", path="/collaborators/", status=500, count=0)
    needs: list[f.Need] = [*(f.RoleOf(n, f"person-{n}") for n in range(20)), f.DefaultHead()]
    found = facts.fetch(stage.github(), 1, needs, stage.clock, budget_s=5)
    assert set(found) == set(needs)
    last = found[f.DefaultHead()]
    assert isinstance(last, f.Unknown)
    assert "slowly" in last.why


def test_every_need_has_facts_that_answer_it(stage: Stage) -> None:
    stage.octocat.open_issue(REPO, "one")
    for need in (f.RoleOf(1, "octocat"), f.IssueNow(), f.PullNow(9), f.RefNow("main"), f.DefaultHead(),
                 f.SettingsAt(stage.head()), f.CommentNow(9), f.CommentNow(9, review=True)):  # fmt: skip
        assert isinstance(facts.read(stage.github(), 1, need), f.ANSWERS[type(need)])


def test_a_repository_that_is_gone(stage: Stage) -> None:
    gone = Repository(id=stage.repository.id, full_name="octo-org/renamed-away")
    assert facts.default_head(stage.github("read", gone)) == f.Missing()
