"""How a build ends when it does not end well: what is said, what is kept, and the exit code."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from runner_image.job import CLOSING_S
from runner_image.settings import BadSettings, read_settings
from tests.runner.conftest import Repo, Runner, claim_for
from tests.runner.fake_control import Answer, call, refusal

Start = Callable[..., Runner]
IMPATIENT = {"PERSEVERE_UNREACHABLE_AFTER_S": "3"}
DONE = [[call("9.0", "finish", summary="done")]]


@pytest.fixture
def repo(repo: Repo) -> Repo:
    repo.commit({"a.txt": "one\n", "gone.txt": "x"})
    return repo


def bash(command: str) -> list[dict[str, object]]:
    return [call("0.0", "bash", command=command)]


@pytest.mark.parametrize(
    ("request_at", "answer", "code"),
    [
        (("POST", "/v1/claim"), refusal(401, "bad_token"), 3),
        (("POST", "/v1/claim"), refusal(409, "claimed"), 0),
        (("PUT", "/v1/steps/1"), refusal(401, "bad_token"), 3),
        (("PUT", "/v1/steps/1"), refusal(409, "stale_epoch"), 0),
        (("PUT", "/v1/steps/1"), refusal(410, "job_over"), 0),
        (("POST", "/v1/finish"), refusal(410, "job_over"), 0),
        (("POST", "/v1/finish"), refusal(422, "bad_request"), 5),
    ],
)
def test_refusals_that_end_it_without_a_word(
    repo: Repo, start: Start, request_at: tuple[str, str], answer: Answer, code: int
) -> None:
    runner = start(claim_for(repo), [bash("true"), *DONE])
    runner.control.faults[request_at] = [answer]
    assert runner.run() == code, runner.stderr
    assert runner.control.finished is None


def test_a_blob_store_that_is_away_does_not_hold_a_job_whose_heartbeats_are_heard(repo: Repo, start: Start) -> None:
    """Another machine tries again later; this one would be held, and paid for, as long as the store is away."""
    runner = start(claim_for(repo), [[*bash("echo two > a.txt"), *DONE[0]]], environment=IMPATIENT)
    runner.control.puts[:] = [(503, b"SlowDown")] * 1000
    assert runner.run() == 4, runner.stderr
    assert runner.control.finished is None
    seen = runner.control.seen
    first = next(number for number, (_, path) in enumerate(seen) if path.startswith("/put/"))
    assert ("POST", "/v1/heartbeat") in seen[first:]


def test_evidence_that_is_never_taken_does_not_hold_a_job_whose_heartbeats_are_heard(repo: Repo, start: Start) -> None:
    repo.commit({"a.txt": "two\n"})
    check = {"origin": "spec", "kind": "command", "run": "true"}
    criteria = [{"id": "AC-1", "kind": "new", "text": "", "check": check}]
    claimed = claim_for(repo, kind="verify", clone={"head": repo.head}, criteria=criteria)
    runner = start(claimed, environment=IMPATIENT)
    runner.control.faults["POST", "/v1/evidence"] = [refusal(503, "busy")] * 1000
    assert runner.run() == 4, runner.stderr


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (refusal(402, "out_of_money"), "out_of_money", "says out_of_money"),
        (refusal(402, "out_of_time"), "out_of_time", "says out_of_time"),
        (refusal(413, "too_big"), "refused", "too_big: says too_big"),
        (refusal(422, "bad_request"), "refused", "bad_request"),
        ((200, {"step": "x"}), "refused", "no Reply"),
        ((200, {"step": 1, "over": "gave_up", "why": "no model"}), "model", "no model"),
    ],
)
def test_refusals_that_end_it_with_the_work_kept(
    repo: Repo, start: Start, answer: Answer, reason: str, words: str
) -> None:
    runner = start(claim_for(repo), [bash("echo two > a.txt")])
    runner.control.faults["PUT", "/v1/steps/1"] = [answer]
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("gave_up", reason)
    assert words in end.summary
    assert runner.control.changes()["a.txt"].data == b"two\n"


def test_nobody_there_for_too_long_is_exit_4(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE, environment={"PERSEVERE_UNREACHABLE_AFTER_S": "0.3"})
    for request in (("PUT", "/v1/steps/0"), ("POST", "/v1/heartbeat")):
        runner.control.faults[request] = [refusal(503, "busy")] * 500
    assert runner.run() == 4, runner.stderr
    assert runner.control.finished is None


def test_setup_that_fails_ends_it_with_the_reason(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, setup={"setup": "echo no such tool >&2; nonesuch"}), DONE)
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("gave_up", "no_setup")
    assert "127" in end.summary
    assert end.setup_run is not None
    assert "no such tool" in end.setup_run.tail
    assert runner.control.asked == []


def test_an_earlier_rounds_commit_that_breaks_setup_can_be_mended(repo: Repo, start: Start) -> None:
    base, head = repo.head, repo.commit({"a.txt": "broken\n"})
    claimed = claim_for(repo, clone={"base": base, "head": head}, setup={"setup": "grep -q one a.txt"})
    runner = start(claimed, [bash("echo one more > a.txt"), *DONE])
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("handed_over", "")
    assert end.setup_run is not None
    assert end.setup_run.outcome == "fail"
    assert runner.control.changes()["a.txt"].data == b"one more\n"


@pytest.mark.parametrize(
    ("clone", "words"),
    [
        ({"base": "0" * 40}, "could not be cloned"),
        ({"base": "HEAD"}, "no commit id"),
        ({"url": "file:///nonexistent"}, "could not be cloned"),
        ({"url": "ext::sh -c true"}, "no address"),
        ({"url": "--upload-pack=true"}, "no address"),
    ],
)
def test_a_repository_that_cannot_be_had_is_said(repo: Repo, start: Start, clone: dict[str, str], words: str) -> None:
    runner = start(claim_for(repo, clone=clone), DONE)
    assert runner.run() == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("gave_up", "no_workspace")
    assert words in runner.control.end.summary


def test_a_change_too_big_to_hand_over_is_said_with_numbers(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, limits={"changeset_files": 2}), [bash("touch 1 2 3 4 5"), *DONE])
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason, end.changeset) == ("gave_up", "too_big", None)
    assert "5 files; the limit is 2" in end.summary
    assert runner.control.steps[1].checkpoint is not None, "too much to hand over is not too much to keep"


def test_the_jobs_time_ends_a_command_and_the_job(repo: Repo, start: Start) -> None:
    calls = [call("0.0", "bash", command="echo two > a.txt; sleep 100"), call("0.1", "bash", command="echo > b.txt")]
    for seconds in (2, 20, 60):  # a machine that has not even cloned by then is given more
        runner = start(claim_for(repo, limits={"seconds": CLOSING_S + seconds}), [calls])
        assert runner.run() == 0, runner.stderr
        end = runner.control.end
        assert (end.outcome, end.reason) == ("gave_up", "out_of_time")
        if end.underway is not None and runner.control.changes():
            break
    assert {path: each.data for path, each in runner.control.changes().items()} == {"a.txt": b"two\n"}
    assert end.underway is not None
    ended = re.search(r"\[ended after (\d+) s with all", end.underway.done.results[0].text)
    assert ended is not None and int(ended[1]) < 100, "and not the 100 it asked for"
    assert [(each.status, each.data) for each in end.underway.done.results] == [
        ("timeout", {}),
        ("interrupted", {"how": "not_begun"}),
    ]


def test_without_a_fence_it_says_so_and_runs_nothing(repo: Repo, start: Start, tmp_path: Path) -> None:
    git = subprocess.run(["sh", "-c", "command -v git"], check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    runner = start(claim_for(repo), DONE, environment={"PERSEVERE_SANDBOX": "", "PATH": str(tmp_path / "bin")})
    assert runner.run() == 5
    assert runner.control.end.outcome == "gave_up"
    assert runner.control.end.reason == "refused"
    assert "cannot fence off" in runner.control.end.summary
    assert "PERSEVERE_SANDBOX=none" in runner.control.self_test["refused"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "PERSEVERE_API is not set"),
        ({"PERSEVERE_API": "x"}, "PERSEVERE_TICKET is not set"),
        ({"PERSEVERE_API": "x", "PERSEVERE_TICKET": "y", "PERSEVERE_HEARTBEAT_S": "often"}, "not a number"),
        ({"PERSEVERE_API": "x", "PERSEVERE_TICKET": "y", "PERSEVERE_HEARTBEAT_S": "0"}, "more than 0"),
    ],
)
def test_settings_that_do_not_say_enough(environment: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        read_settings(environment)
