"""Orders, signals and the lease: obeyed at once, with the work kept."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runner.conftest import BACKENDS, Repo, Runner, claim_for
from tests.runner.fake_control import FakeControl, call, refusal

Start = Callable[..., Runner]
DONE = [[call("9.0", "finish", summary="done")]]
FOR_EVER_S = 600.0
"""Longer than a runner is waited for (`Runner.wait`)."""


@pytest.fixture
def repo(repo: Repo) -> Repo:
    repo.commit({"a.txt": "one\n", "gone.txt": "x"})
    return repo


def bash(command: str) -> list[dict[str, object]]:
    return [call("0.0", "bash", command=command)]


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not what():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def stop_in_the_second_call(control: FakeControl) -> list[str]:
    if not control.beats[-1]["doing"].startswith("bash (0.1)"):
        return []
    control.stopped_at = control.stopped_at or time.monotonic()
    return ["stop"]


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_stop_reaches_a_long_command_which_is_undone_and_keeps_the_work(repo: Repo, start: Start, sandbox: str) -> None:
    """As one that has run for ten minutes: it is ended within a second or so of the answer that says stop."""
    line = "rm gone.txt; echo three > a.txt; echo half > b.txt; (setsid sleep 4712 &); sleep 4712"
    runner = start(
        claim_for(repo),
        [
            [
                call("0.0", "bash", command="echo two > a.txt"),
                call("0.1", "bash", command=line),
                call("0.2", "bash", command="true"),
            ]
        ],
        orders_when=stop_in_the_second_call,
        environment={"PERSEVERE_SANDBOX": sandbox, "PERSEVERE_HEARTBEAT_S": "0.5"},
    )
    assert runner.run() == 0, runner.stderr
    control, end = runner.control, runner.control.end
    assert (end.outcome, end.reason) == ("interrupted", "stopped")
    assert {name: change.data for name, change in control.changes().items()} == {"a.txt": b"two\n"}
    assert end.underway is not None
    assert [(each.call, each.status, each.data) for each in end.underway.done.results] == [
        ("0.0", "ok", {}),
        ("0.1", "interrupted", {"how": "cut"}),
        ("0.2", "interrupted", {"how": "not_begun"}),
    ]
    assert end.underway.done.checkpoint is not None
    assert end.underway.done.checkpoint.tree == end.tree
    assert control.finished_at - control.stopped_at < 100, "two bundles and a word, and not the command's 4712 s"


@pytest.fixture
def hanging_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The control plane takes step 1 and does not answer as long as anybody waits."""
    over = threading.Event()
    real = FakeControl._step

    def hang(self: FakeControl, number: int, results: object) -> tuple[int, object]:
        if number == 1:
            over.wait(FOR_EVER_S)
        return real(self, number, results)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeControl, "_step", hang)
    yield
    over.set()


@pytest.mark.usefixtures("hanging_step")
def test_stop_is_obeyed_while_a_reply_is_waited_for(repo: Repo, start: Start) -> None:
    runner = start(
        claim_for(repo),
        [bash("echo two > a.txt"), *DONE],
        orders_when=lambda control: ["stop"] if control.beats[-1]["step"] == 1 else [],
    )
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.reason == "stopped"
    assert runner.control.changes()["a.txt"].data == b"two\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_a_command_keeps_the_work(
    repo: Repo, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    begun = tmp_path / "begun"
    line = f"echo three > a.txt; touch {begun}; sleep 4713"
    runner = start(claim_for(repo), [bash("echo two > a.txt"), bash(line)])
    process = runner.start()
    wait_until(begun.exists)
    os.kill(process.pid, number)
    assert runner.wait(process) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")
    assert runner.control.changes()["a.txt"].data == b"two\n"


def test_a_signal_while_the_blob_store_hangs_still_says_a_word(repo: Repo, start: Start, hanging_put: None) -> None:
    runner = start(claim_for(repo), [bash("echo two > a.txt"), *DONE])
    process = runner.start()
    wait_until(lambda: any(path.startswith("/put/") for _, path in runner.control.seen))
    process.terminate()
    assert runner.wait(process) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")
    assert runner.control.end.changeset is None


@pytest.fixture
def hanging_put(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A blob store that takes what it is given and never answers."""
    over = threading.Event()
    real = FakeControl._keep

    def hang(self: FakeControl, sha256: str, body: bytes) -> tuple[int, object]:
        over.wait(FOR_EVER_S)
        return real(self, sha256, body)

    monkeypatch.setattr(FakeControl, "_keep", hang)
    yield
    over.set()


@pytest.mark.usefixtures("hanging_step")
def test_a_signal_while_a_reply_is_waited_for_keeps_the_work(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("echo two > a.txt"), *DONE])
    process = runner.start()
    wait_until(lambda: ("PUT", "/v1/steps/1") in runner.control.seen)
    process.terminate()
    assert runner.wait(process) == 0, runner.stderr
    assert runner.control.end.reason == "signal"
    assert runner.control.changes()["a.txt"].data == b"two\n"


def test_a_signal_while_the_work_is_restored_does_not_lose_it(repo: Repo, start: Start) -> None:
    claimed = claim_for(repo, resume={"step": 3, "tree": "t" * 40, "bundle": "later", "kind": "bundle"})
    runner = start(claimed, DONE, first_step=3)
    claimed["resume"]["bundle"] = f"{runner.control.url}/get/slow"
    runner.control.faults["GET", "/get/slow"] = [refusal(503, "busy")] * 500
    process = runner.start()
    wait_until(lambda: ("GET", "/get/slow") in runner.control.seen)
    process.terminate()
    assert runner.wait(process) == 0, runner.stderr
    end = runner.control.end
    assert (end.reason, end.changeset, end.tree, end.underway) == ("signal", None, None, None), (
        "an empty workspace is not the work"
    )


def test_a_signal_during_setup_says_so(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, setup={"setup": "sleep 4714"}))
    process = runner.start()
    wait_until(lambda: any(beat["doing"] == "set-up" for beat in runner.control.beats))
    process.terminate()
    assert runner.wait(process) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")


@pytest.fixture
def held_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], threading.Event]]:
    """The control plane, or what stands for GitHub, answers at a path once the event is set."""
    answers = threading.Event()

    def make(path: str) -> threading.Event:
        real = FakeControl.answer

        def held(self: FakeControl, method: str, at: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
            if at.startswith(path):
                self.seen.append((method, path))
                answers.wait(FOR_EVER_S)
            return real(self, method, at, headers, body)

        monkeypatch.setattr(FakeControl, "answer", held)
        return answers

    yield make
    answers.set()


@pytest.mark.parametrize(
    ("path", "answered"), [("/v1/claim", True), ("/slow.git/info/refs", False)], ids=["claim", "clone"]
)
def test_a_signal_before_there_is_a_workspace_is_told_and_gives_the_token_back(
    repo: Repo, start: Start, held_at: Callable[[str], threading.Event], path: str, answered: bool
) -> None:
    """A claim is waited for, since it brings the token; a clone is not."""
    answers = held_at(path)
    claimed = claim_for(repo)
    runner = start(claimed, DONE)
    claimed["clone"] |= {
        "url": f"{runner.control.url}/slow.git",
        "token": "t",
        "revoke_url": f"{runner.control.url}/installation/token",
    }
    process = runner.start()
    wait_until(lambda: any(at == path for _, at in runner.control.seen))
    process.terminate()
    if answered:
        answers.set()
    assert runner.wait(process) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")
    assert runner.control.revoked == ["Bearer t"]


@pytest.mark.parametrize(("doing", "seen"), [("AC-1 at base", 0), ("AC-1 at head, run 1", 1)])
def test_a_signal_during_a_proof_keeps_what_was_seen_and_takes_nothing_cut_short_for_seen(
    repo: Repo, start: Start, tmp_path: Path, doing: str, seen: int
) -> None:
    repo.commit({"a.txt": "two\n"})
    begun = tmp_path / "begun"
    line = f"grep -q {'one' if seen else 'two'} a.txt || {{ touch {begun}; sleep 4716; }}"
    check = {"origin": "spec", "kind": "command", "run": line}
    criteria = [{"id": "AC-1", "kind": "new", "text": "", "check": check}]
    runner = start(claim_for(repo, kind="verify", clone={"head": repo.head}, criteria=criteria))
    process = runner.start()
    wait_until(lambda: begun.exists() and any(beat["doing"] == doing for beat in runner.control.beats))
    process.terminate()
    assert runner.wait(process) == 0, runner.stderr
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "signal")
    assert [each.side for each in runner.control.observations] == ["base"] * seen


def test_a_heartbeat_that_is_refused_ends_it_in_silence(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("sleep 4715")])
    process = runner.start()
    wait_until(lambda: any(beat["doing"].startswith("bash") for beat in runner.control.beats))
    runner.control.faults["POST", "/v1/heartbeat"] = [refusal(409, "stale_epoch")]
    assert runner.wait(process) == 0, runner.stderr
    assert runner.control.finished is None


def test_wrap_up_alone_ends_nothing(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("sleep 0.3"), *DONE], orders_when=lambda control: ["wrap_up"])
    assert runner.run() == 0, runner.stderr
    assert runner.control.end.outcome == "handed_over"
