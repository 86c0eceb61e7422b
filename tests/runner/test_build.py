"""A build against a control plane: from claim to last word, and everything that can come between."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner_image.settings import BadSettings, read_settings
from shared.domain.protocol import Change, Changeset, decode, encode
from tests.runner.conftest import BACKENDS, Repo, Runner, claim_for
from tests.runner.fake_control import Answer, FakeControl, call, refusal

Start = Callable[..., Runner]
DONE = [[call("9.0", "finish", summary="done")]]


@pytest.fixture
def repo(repo: Repo) -> Repo:
    repo.commit({"a.txt": "one\n", "gone.txt": "x"})
    return repo


def bash(command: str) -> list[dict[str, object]]:
    return [call("0.0", "bash", command=command)]


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


# --- the road ---------------------------------------------------------------------------------------------


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
    assert control.self_test["network_unreachable"] is (sandbox == "bwrap")


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
    assert runner.control.seen.index(("DELETE", "/installation/token")) < runner.control.seen.index(("PUT", "/v1/steps/0"))
    assert "clone-token" not in runner.stderr
    assert "session" not in runner.stderr


def test_a_later_reply_is_waited_for(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), DONE)
    runner.control.faults["PUT", "/v1/steps/0"] = [(202, {"retry_after_ms": 10}), (202, {"retry_after_ms": 10})]
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"


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


def test_a_checkpoint_every_ten_steps(repo: Repo, start: Start) -> None:
    replies = [*[bash(f"echo {number} > n") for number in range(11)], *DONE]
    runner = start(claim_for(repo), replies)
    assert runner.run() == 0, runner.stderr
    kept = {number: step.checkpoint for number, step in runner.control.steps.items() if step.checkpoint}
    assert list(kept) == [10]
    checkpoint = kept[10]
    assert checkpoint is not None
    assert checkpoint.tree == runner.control.steps[10].tree
    (change,) = decode(runner.control.blob(checkpoint.bundle)).changes
    assert change.data == b"9\n"


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


# --- ends -------------------------------------------------------------------------------------------------


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
def test_refusals_that_end_it_without_a_word(repo: Repo, start: Start, request_at: tuple[str, str], answer: Answer, code: int) -> None:
    runner = start(claim_for(repo), [bash("true"), *DONE])
    runner.control.faults[request_at] = [answer]
    assert runner.run() == code, runner.stderr
    assert runner.control.finished is None


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
def test_refusals_that_end_it_with_the_work_kept(repo: Repo, start: Start, answer: Answer, reason: str, words: str) -> None:
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
    assert runner.control.steps[1].tree is None


def test_the_jobs_time_ends_a_command_and_the_job(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, limits={"seconds": 22}), [bash("echo two > a.txt; sleep 100")])
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("gave_up", "out_of_time")
    assert runner.control.changes()["a.txt"].data == b"two\n"


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


# --- orders -----------------------------------------------------------------------------------------------


def stop_when_begun(control: FakeControl) -> list[str]:
    return ["stop"] if control.beats[-1]["doing"].startswith("bash") else []


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_stop_reaches_a_long_command_and_keeps_the_work(repo: Repo, start: Start, sandbox: str) -> None:
    line = "echo two > a.txt; (setsid sleep 4712 &); sleep 4712"
    runner = start(claim_for(repo), [bash(line)], orders_when=stop_when_begun, environment={"PERSEVERE_SANDBOX": sandbox, "PERSEVERE_HEARTBEAT_S": "0.5"})
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("interrupted", "stopped")
    assert runner.control.changes()["a.txt"].data == b"two\n"


@pytest.fixture
def slow_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control plane takes its time with step 1."""
    real = FakeControl._step

    def slow(self: FakeControl, number: int, results: object) -> tuple[int, object]:
        if number == 1:
            time.sleep(5)
        return real(self, number, results)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeControl, "_step", slow)
    yield


@pytest.mark.usefixtures("slow_step")
def test_stop_is_obeyed_while_a_reply_is_waited_for(repo: Repo, start: Start) -> None:
    runner = start(
        claim_for(repo),
        [bash("echo two > a.txt"), *DONE],
        orders_when=lambda control: ["stop"] if control.beats[-1]["step"] == 1 else [],
    )
    began = time.monotonic()
    assert runner.run() == 0, runner.stderr
    assert time.monotonic() - began < 5
    assert runner.control.end.reason == "stopped"
    assert runner.control.changes()["a.txt"].data == b"two\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_command_keeps_the_work(repo: Repo, start: Start, number: signal.Signals) -> None:
    runner = start(claim_for(repo), [bash("echo two > a.txt; sleep 4713")])
    process = runner.start()
    wait_until(lambda: any(beat["doing"].startswith("bash") for beat in runner.control.beats))
    time.sleep(0.3)
    os.kill(process.pid, number)
    assert runner.wait(process, 20) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")
    assert runner.control.changes()["a.txt"].data == b"two\n"


def test_a_signal_during_setup_says_so(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, setup={"setup": "sleep 4714"}))
    process = runner.start()
    wait_until(lambda: any(beat["doing"] == "set-up" for beat in runner.control.beats))
    process.terminate()
    assert runner.wait(process, 20) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")


def test_a_heartbeat_that_is_refused_ends_it_in_silence(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("sleep 4715")])
    process = runner.start()
    wait_until(lambda: any(beat["doing"].startswith("bash") for beat in runner.control.beats))
    runner.control.faults["POST", "/v1/heartbeat"] = [refusal(409, "stale_epoch")]
    assert runner.wait(process, 20) == 0, runner.stderr
    assert runner.control.finished is None


def test_wrap_up_alone_ends_nothing(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("sleep 0.3"), *DONE], orders_when=lambda control: ["wrap_up"])
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"


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
