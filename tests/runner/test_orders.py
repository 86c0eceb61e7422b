"""Orders, signals and the lease: obeyed at once, with the work kept."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.runner.conftest import BACKENDS, Repo, Runner, claim_for
from tests.runner.fake_control import FakeControl, call, refusal

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


def stop_when_begun(control: FakeControl) -> list[str]:
    return ["stop"] if control.beats[-1]["doing"].startswith("bash") else []


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_stop_reaches_a_long_command_and_keeps_the_work(repo: Repo, start: Start, sandbox: str) -> None:
    line = "echo two > a.txt; (setsid sleep 4712 &); sleep 4712"
    runner = start(
        claim_for(repo),
        [bash(line)],
        orders_when=stop_when_begun,
        environment={"PERSEVERE_SANDBOX": sandbox, "PERSEVERE_HEARTBEAT_S": "0.5"},
    )
    assert runner.run() == 0, runner.stderr
    end = runner.control.end
    assert (end.outcome, end.reason) == ("interrupted", "stopped")
    assert runner.control.changes()["a.txt"].data == b"two\n"


@pytest.fixture
def slow_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control plane takes its time with step 1."""
    real = FakeControl._step

    def slow(self: FakeControl, number: int, results: object) -> tuple[int, object]:
        if number == 1:
            time.sleep(5)
        return real(self, number, results)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeControl, "_step", slow)


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
