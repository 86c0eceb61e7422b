"""Branch, commit, pull request and checks: what ends up on GitHub, and what is refused before anything is written."""

import pytest

from shared.domain.issue import Pull
from shared.github.pulls import DRAFT_LABEL
from tests.contract.github_client.stage import REPO
from tests.functions.effects.bench import BRANCH, Bench


def checks_of(bench: Bench, sha: str) -> dict[str, str]:
    return {run["name"]: run["conclusion"] or run["status"] for run in bench.octocat.checks(REPO, sha)}


def opened(bench: Bench, **data) -> dict:
    wish = {"branch": BRANCH, "base": "main", "draft": False, "reviewers": ["octocat"]} | data
    remote = bench.did("pull", BRANCH, **wish)
    bench.state(pull=Pull(number=remote["number"], node_id=remote["node_id"], draft=remote["draft"]))
    return remote


# --- branch ---------------------------------------------------------------------------------------------------


def test_a_branch_begins_with_an_empty_commit_on_the_base(bench: Bench) -> None:
    sha = bench.branched()
    assert bench.head(BRANCH) == sha
    commit = bench.octocat.get(f"/repos/{REPO}/commits/{sha}")
    assert [parent["sha"] for parent in commit["parents"]] == [bench.base]
    assert commit["files"] == []
    assert commit["commit"]["verification"]["verified"]


def test_a_branch_of_that_name_by_somebody_else_is_left_alone(bench: Bench) -> None:
    bench.approve()
    theirs = bench.octocat.push(REPO, BRANCH, {"x": "y\n"}, "Mine", base="main")
    outcome = bench.refused("branch", BRANCH, branch=BRANCH, base=bench.base, job="j")
    assert (outcome["error"], outcome["remote"]["found"]) == ("moved", theirs)
    assert bench.head(BRANCH) == theirs


# --- commit ---------------------------------------------------------------------------------------------------


def test_a_change_replaces_the_empty_commit_whole(bench: Bench) -> None:
    big, binary = "line\n" * 30_000, b"\x00\x01\xff"
    sha = bench.committed({
        "src/b.py": "y = 2\n", "src/a.py": None, "bin/run": "#!/bin/sh\n", "data.bin": binary, "big.txt": big,
    })  # fmt: skip
    files = bench.st.files(REPO, BRANCH)
    assert files["src/b.py"] == b"y = 2\n"
    assert files["data.bin"] == binary
    assert files["big.txt"] == big.encode()
    assert "src/a.py" not in files
    commit = bench.octocat.get(f"/repos/{REPO}/commits/{sha}")
    assert [parent["sha"] for parent in commit["parents"]] == [bench.base]
    assert commit["commit"]["verification"]["verified"]
    assert commit["commit"]["message"].splitlines()[-1].startswith("Persevere-Effect: ")


def test_modes_and_links_are_kept(bench: Bench) -> None:
    before = bench.branched()
    blob = bench.changeset({"run.sh": "true\n", "link": "src/a.py"}, modes={"run.sh": "100755", "link": "120000"})
    remote = bench.did("commit", "c", branch=BRANCH, before=before, changeset=blob, job="j")
    tree = bench.octocat.get(f"/repos/{REPO}/git/trees/{remote['tree']}")["tree"]
    assert {each["path"]: each["mode"] for each in tree}["run.sh"] == "100755"
    assert {each["path"]: each["mode"] for each in tree}["link"] == "120000"
    assert {"executable", "link"} <= {flag["rule"] for flag in remote["flagged"]}


def test_many_files_go_in_several_trees(bench: Bench) -> None:
    files: dict[str, str | bytes | None] = {f"many/{n:03d}.txt": f"{n}\n" for n in range(250)}
    bench.committed(files)
    assert sum(path.startswith("many/") for path in bench.st.files(REPO, BRANCH)) == 250


def test_a_second_round_replaces_the_first(bench: Bench) -> None:
    first = bench.committed()
    blob = bench.changeset({"src/b.py": "y = 3\n"}, base=first)
    second = bench.did("commit", "c2", branch=BRANCH, before=first, parent=bench.base, changeset=blob, job="j")["sha"]
    assert bench.head(BRANCH) == second
    assert bench.st.files(REPO, BRANCH)["src/b.py"] == b"y = 3\n"
    assert [p["sha"] for p in bench.octocat.get(f"/repos/{REPO}/commits/{second}")["parents"]] == [bench.base]


def test_a_persons_push_is_never_overwritten(bench: Bench) -> None:
    before = bench.branched()
    theirs = bench.octocat.push(REPO, BRANCH, {"x": "y\n"}, "Mine too")
    blob = bench.changeset({"src/b.py": "y = 2\n"})
    outcome = bench.refused("commit", "c", branch=BRANCH, before=before, changeset=blob, job="j")
    assert (outcome["error"], outcome["remote"]["found"]) == ("moved", theirs)
    assert bench.head(BRANCH) == theirs


def test_a_push_between_look_and_move_is_not_overwritten_either(bench: Bench) -> None:
    before = bench.branched()
    blob = bench.changeset({"src/b.py": "y = 2\n"})
    bench.st.fault("status", path="/graphql", body="updateRefs", status=502)
    name = bench.wish("commit", "c", branch=BRANCH, before=before, changeset=blob, job="j")
    bench.drain()
    assert bench.effect(name).stage["commit"]
    theirs = bench.octocat.push(REPO, BRANCH, {"x": "y\n"}, "Mine too")
    bench.settle()
    assert bench.outcome(name)["error"] == "moved"
    assert bench.head(BRANCH) == theirs


def test_a_moved_branch_whose_answer_was_lost_is_recognised(bench: Bench) -> None:
    before = bench.branched()
    blob = bench.changeset({"src/b.py": "y = 2\n"})
    bench.st.fault("bad_gateway_after_effect", path="/graphql", body="updateRefs")
    name = bench.wish("commit", "c", branch=BRANCH, before=before, changeset=blob, job="j")
    bench.settle()
    outcome = bench.outcome(name)
    assert outcome["state"] == "done"
    assert outcome["remote"]["sha"] == bench.head(BRANCH)
    assert outcome["remote"]["files"] == 1


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ({".github/workflows/ci.yml": "on: push\n"}, "protected"),
        ({"../escape": "x"}, "path"),
        ({"key.txt": "-----BEGIN RSA PRIVATE KEY-----\n"}, "secret"),
        ({f"f{n}": "x" for n in range(301)}, "too_many_files"),
    ],
)
def test_what_policy_forbids_is_refused_before_the_first_write(bench: Bench, files, rule) -> None:
    before = bench.branched()
    written = len(bench.st.log())
    outcome = bench.refused("commit", "c", branch=BRANCH, before=before, changeset=bench.changeset(files), job="j")
    assert outcome["error"] == "policy"
    assert {problem["rule"] for problem in outcome["remote"]["problems"]} == {rule}
    assert len(bench.st.log()) == written
    assert bench.head(BRANCH) == before


def test_a_change_that_changes_nothing_is_said(bench: Bench) -> None:
    before = bench.branched()
    for files in ({}, {"src/a.py": "x = 1\n"}, {"gone.py": None}):
        blob = bench.changeset(files)
        outcome = bench.refused("commit", f"c{len(files)}{blob}", branch=BRANCH, before=before, changeset=blob, job="j")
        assert outcome["error"] == "no_change"


def test_a_damaged_changeset_is_said(bench: Bench) -> None:
    before = bench.branched()
    blob = bench.blobs.put("1/j", b"not json")
    outcome = bench.refused("commit", "c", branch=BRANCH, before=before, changeset=blob, job="j")
    assert outcome["error"] == "bad_changeset"


# --- pull request ---------------------------------------------------------------------------------------------


def test_a_proved_pull_request_asks_for_review(bench: Bench) -> None:
    bench.committed()
    remote = opened(bench)
    pull = bench.octocat.pull(REPO, remote["number"])
    assert not pull["draft"]
    assert [user["login"] for user in pull["requested_reviewers"]] == ["octocat"]
    assert not remote["adopted"]


def test_a_pull_request_that_is_there_is_adopted_and_a_closed_one_ends_it(bench: Bench) -> None:
    bench.committed()
    first = opened(bench)
    again = bench.wish("pull", "again", branch=BRANCH, base="main", draft=False, reviewers=[])
    bench.drain()
    assert bench.outcome(again)["remote"]["number"] == first["number"]
    assert bench.outcome(again)["remote"]["adopted"]
    bench.octocat.close_pull(REPO, first["number"])
    outcome = bench.refused("pull", "third", branch=BRANCH, base="main", draft=False, reviewers=[])
    assert (outcome["error"], outcome["remote"]["number"]) == ("closed", first["number"])
    assert len(bench.octocat.pulls(REPO, state="all")) == 1


def test_a_lagging_list_does_not_make_a_second_pull_request(bench: Bench) -> None:
    bench.committed()
    bench.st.settings(lag_s={"pulls": 10})
    bench.st.fault("bad_gateway_after_effect", method="POST", path="/pulls$")
    name = bench.wish("pull", BRANCH, branch=BRANCH, base="main", draft=False, reviewers=[])
    bench.settle()
    assert bench.outcome(name)["state"] == "done"
    assert len(bench.octocat.pulls(REPO, state="all")) == 1


def test_a_pull_request_by_a_person_from_our_branch_is_not_ours(bench: Bench) -> None:
    bench.committed()
    bench.octocat.open_pull(REPO, BRANCH, "main")
    outcome = bench.refused("pull", BRANCH, branch=BRANCH, base="main", draft=False, reviewers=[])
    assert outcome["error"] == "unprocessable"
    assert "octocat opened" in outcome["remote"]["words"]


def test_no_commits_is_no_change(bench: Bench) -> None:
    bench.approve()
    bench.octocat.do("POST", f"/repos/{REPO}/git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": bench.base})
    outcome = bench.refused("pull", BRANCH, branch=BRANCH, base="main", draft=True, reviewers=[])
    assert outcome["error"] == "no_change"


def test_a_draft_where_there_are_none_is_an_ordinary_one_with_a_label(simulator) -> None:
    bench = Bench(simulator.url, private=True, plan="free")
    bench.committed()
    remote = opened(bench, draft=True)
    assert not remote["draft"]
    assert [label["name"] for label in bench.octocat.pull(REPO, remote["number"])["labels"]] == [DRAFT_LABEL]
    assert not bench.did("pull_text", "pull", draft=False, reviewers=["octocat"])["draft"]
    assert bench.octocat.pull(REPO, remote["number"])["labels"] == []


def test_a_draft_becomes_ready_and_back_and_reviewers_are_asked_once(bench: Bench) -> None:
    bench.committed()
    number = opened(bench, draft=True)["number"]
    assert bench.octocat.pull(REPO, number)["draft"]
    assert not bench.did("pull_text", "pull", draft=False, reviewers=["octocat"])["draft"]
    assert not bench.octocat.pull(REPO, number)["draft"]
    bench.did("pull_text", "pull", draft=False, reviewers=["octocat"])
    asked = [entry for entry in bench.st.log() if "requested_reviewers" in entry["path"]]
    assert len(asked) == 1
    assert bench.did("pull_text", "pull", draft=True, reviewers=[])["draft"]


# --- checks ---------------------------------------------------------------------------------------------------


def test_checks_stand_on_the_newest_head_and_old_ones_end_neutral(bench: Bench) -> None:
    marker = bench.branched()
    first = bench.did("checks", "checks")
    assert first["head"] == marker
    assert checks_of(bench, marker)["Persevere"] == "in_progress"
    blob = bench.changeset({"src/b.py": "y = 2\n"})
    sha = bench.did("commit", "c1", branch=BRANCH, before=marker, changeset=blob, job="j")["sha"]
    bench.state(head=sha)
    second = bench.did("checks", "checks")
    assert checks_of(bench, marker)["Persevere"] == "neutral"
    assert "Persevere" in checks_of(bench, sha)
    assert all(name.startswith(f"{sha}:") for name in second["checks"])


def test_checks_that_did_not_change_are_not_written_again(bench: Bench) -> None:
    bench.branched()
    bench.did("checks", "checks")
    written = len(bench.st.log())
    bench.did("checks", "checks")
    assert len(bench.st.log()) - written <= 1


def test_a_check_whose_answer_was_lost_is_found_again(bench: Bench) -> None:
    sha = bench.branched()
    bench.st.settings(lag_s={"check_runs": 10})
    bench.st.fault("bad_gateway_after_effect", method="POST", path="/check-runs$")
    name = bench.wish("checks", "checks")
    bench.settle()
    assert bench.outcome(name)["state"] == "done"
    runs = [run for run in bench.octocat.checks(REPO, sha) if run["name"] == "Persevere"]
    assert len(runs) == 1


def test_a_finished_check_is_left_to_its_job_and_the_next_one_gets_its_own(bench: Bench) -> None:
    sha = bench.branched()
    bench.state(job="job0000001")
    bench.did("checks", "checks")
    bench.state(job=None, build="job0000001", phase="paused")
    bench.did("checks", "checks")
    assert checks_of(bench, sha)["Persevere"] == "action_required"
    bench.state(job="job0000002", phase="building")
    bench.did("checks", "checks")
    assert checks_of(bench, sha)["Persevere"] == "in_progress"
    found = bench.octocat.get(f"/repos/{REPO}/commits/{sha}/check-runs", filter="all")["check_runs"]
    told = {run["external_id"]: run["conclusion"] for run in found if run["name"] == "Persevere"}
    assert sorted(told.values(), key=str) == [None, "action_required"]
    assert len(told) == 2
