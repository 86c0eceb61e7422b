"""A build against a control plane: from claim to last word."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner_image.endings import GiveUp
from runner_image.heartbeat import Progress
from runner_image.job import CLOSING_S, Job
from runner_image.orders import Orders
from runner_image.waiting import wait_for
from shared.domain.protocol import Change, Changeset, RunnerLimits, encode
from tests.runner.conftest import BACKENDS, Repo, Runner, claim_for
from tests.runner.fake_control import Answer, call, refusal

Start = Callable[..., Runner]
DONE = [[call("9.0", "finish", summary="done")]]


@pytest.fixture
def repo(repo: Repo) -> Repo:
    repo.commit({"a.txt": "one\n", "gone.txt": "x"})
    return repo


def bash(command: str) -> list[dict[str, object]]:
    return [call("0.0", "bash", command=command)]


def test_the_work_of_the_last_answer_is_kept_as_well_as_handed_over(repo: Repo, start: Start) -> None:
    """A change may be refused, and who goes on with it then begins from what was kept."""
    last = [call("1.0", "write", path="b.txt", content="new\n"), call("1.1", "finish", summary="done")]
    runner = start(claim_for(repo), [bash("echo two > a.txt"), last])
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert end.outcome == "handed_over"
    assert end.underway is not None
    assert [each.status for each in end.underway.done.results] == ["ok", "ok"]
    assert end.underway.done.checkpoint is not None
    assert end.underway.done.tree == end.underway.done.checkpoint.tree == end.tree


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_a_build_hands_over_what_the_agent_changed(repo: Repo, start: Start, sandbox: str) -> None:
    edit = call("1.0", "edit", path="a.txt", changes=[{"old": "one", "new": "two"}])
    replies = [
        [call("0.0", "view", path="a.txt")],
        [edit, call("1.1", "bash", command="rm gone.txt; mkdir d; echo new > d/e; exit 3")],
        [],
        [call("3.0", "prove", criterion="AC-1", command="grep -q two a.txt"), call("3.1", "nonsense", x=1)],
        [call("4.0", "finish", summary="done", unmet=["AC-2"]), call("4.1", "bash", command="rm a.txt")],
    ]
    criteria = [{"id": name, "kind": "new", "text": ""} for name in ("AC-1", "AC-2")]
    runner = start(claim_for(repo, criteria=criteria), replies, environment={"PERSEVERE_SANDBOX": sandbox})
    assert runner.run() == 0, runner.stderr
    control, end = runner.control, runner.control.end
    assert (end.outcome, end.summary, end.unmet, end.files) == ("handed_over", "done", ("AC-2",), 3)
    assert end.setup_run is not None
    assert end.setup_run.outcome == "pass"
    assert end.sandbox.startswith("bubblewrap" if sandbox == "bwrap" else "none")
    assert {path: (each.mode, each.data) for path, each in control.changes().items()} == {
        "a.txt": ("100644", b"two\n"),
        "d/e": ("100644", b"new\n"),
        "gone.txt": (None, b""),
    }
    assert control.asked == [0, 1, 2, 3, 4]
    assert control.steps[0].results == ()
    assert control.results(1) == [("ok", "     1\tone")]
    assert control.results(2) == [("ok", "a.txt changed in 1 place."), ("error", "[exit code 3]")]
    assert control.results(3) == []
    assert control.steps[4].results[0].data == {"criterion": "AC-1", "command": "grep -q two a.txt", "passed": True}
    assert control.steps[4].results[1].status == "refused"
    assert control.steps[1].tree != control.steps[2].tree == end.tree
    assert control.self_test["door_reached"] is (sandbox == "none")
    tested = next(json.loads(line) for line in runner.stderr.splitlines() if '"sandbox.tested"' in line)
    assert tested == {"event": "sandbox.tested", **control.self_test}


def test_the_ticket_and_the_tokens_are_nowhere(repo: Repo, start: Start) -> None:
    line = f"env; cat /proc/self/environ; git config --list --show-origin; grep -r clone-token . ~ {Path.home()}/.gitconfig; true"
    claimed = claim_for(repo, clone={"token": "clone-token", "revoke_url": "{url}/installation/token"})
    runner = start(claimed, [bash(line), *DONE])
    claimed["clone"]["revoke_url"] = f"{runner.control.url}/installation/token"
    claimed["setup"]["setup"] = "echo set-up"
    assert runner.run() == 0, runner.stderr
    said = runner.control.results(1)[0][1]
    assert "clone-token" not in said.replace("grep -r clone-token", "")
    assert "PERSEVERE_" not in said
    assert runner.control.revoked == ["Bearer clone-token"]
    assert runner.control.seen.index(("DELETE", "/installation/token")) < runner.control.seen.index(
        ("PUT", "/v1/steps/0")
    )
    assert "clone-token" not in runner.stderr
    assert "session" not in runner.stderr


def test_a_later_reply_is_waited_for(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE)
    runner.control.faults["PUT", "/v1/steps/0"] = [(202, {"retry_after_ms": 10}), (202, {"retry_after_ms": 10})]
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"


def test_while_no_model_can_be_asked_the_jobs_clock_stands_still(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE)
    runner.control.faults["PUT", "/v1/steps/0"] = [(202, {"retry_after_ms": 1500, "idle": True})]
    began = time.monotonic()
    assert runner.run() == 0, runner.stderr
    assert 0 < runner.control.end.seconds <= time.monotonic() - began - 1.5


@pytest.mark.parametrize(("idle", "ends"), [(True, False), (False, True)])
def test_a_wait_in_which_the_clock_stands_is_not_ended_by_it(tmp_path: Path, idle: bool, ends: bool) -> None:
    """All time but the idle one was used up an hour ago."""
    limits = RunnerLimits(seconds=CLOSING_S)
    parts: Any = {"claimed": SimpleNamespace(limits=limits), "api": None, "sandbox": None}
    job = Job(**parts, orders=Orders(), progress=Progress(), directory=tmp_path, began=time.monotonic() - 3600)
    if idle:
        job.progress.idled(4000)
    ended = threading.Event()

    def slow() -> str:
        if not idle:
            ended.wait(600)
        return "there"

    if ends:
        with pytest.raises(GiveUp, match="used up"):
            wait_for(job, "test", slow)
        ended.set()
    else:
        assert wait_for(job, "test", slow) == "there"


def test_busy_and_lost_answers_are_asked_for_again(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE)
    busy: Answer = refusal(503, "busy", retry_after_s=0.01)
    for request in (("POST", "/v1/claim"), ("PUT", "/v1/steps/0"), ("POST", "/v1/finish")):
        runner.control.faults[request] = [busy, refusal(429, "busy")]
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"
    assert len(set(runner.control.nonces)) == 1


def test_a_wrong_step_is_gone_along_with(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE, first_step=5)
    runner.control.faults["PUT", "/v1/steps/0"] = [refusal(409, "wrong_step", expected=5)]
    assert runner.run() == 0, runner.stderr
    assert runner.control.asked == [5]


def test_a_large_output_is_clipped_and_kept_whole(repo: Repo, start: Start) -> None:
    replies = [bash("seq 100000; echo the end"), bash("tail -n 1 $TMPDIR/output-1.txt"), *DONE]
    runner = start(claim_for(repo), replies)
    assert runner.run() == 0, runner.stderr
    (result,) = runner.control.steps[1].results
    assert len(result.text) < 12_300
    assert "output-1.txt" in result.text
    assert result.bytes == 588_903
    assert runner.control.blob(result.artifact).endswith(b"the end\n")
    assert runner.control.results(2) == [("ok", "the end\n[exit code 0]")]


def test_a_resumed_job_goes_on_from_its_stored_change(repo: Repo, start: Start) -> None:
    stored = encode(Changeset(repo.head, "", (Change(b"a.txt", None), Change(b"b.txt", "100755", b"kept"))))
    claimed = claim_for(repo, resume={"step": 7, "tree": "t", "bundle": "later"})
    runner = start(claimed, [bash("ls; test -x b.txt"), *DONE], first_step=7)
    runner.control.blobs["stored"] = stored
    claimed["resume"]["bundle"] = f"{runner.control.url}/get/stored"
    assert runner.run() == 0, runner.stderr
    assert runner.control.asked == [7, 8]
    assert runner.control.results(8) == [("ok", "b.txt\ngone.txt\n[exit code 0]")]
    assert set(runner.control.changes()) == {"a.txt", "b.txt"}


def test_a_fix_goes_on_from_the_pushed_commit_and_counts_from_the_base(repo: Repo, start: Start) -> None:
    head = repo.commit({"a.txt": "pushed\n"})
    claimed = claim_for(repo, "fix", clone={"head": head}, setup={"setup": "grep -q pushed a.txt"})
    runner = start(claimed, [bash("echo more >> a.txt"), *DONE])
    assert runner.run() == 0, runner.stderr
    assert runner.control.changeset().base == repo.commits[0]
    assert runner.control.changes()["a.txt"].data == b"pushed\nmore\n"
