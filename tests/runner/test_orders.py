"""Orders, signals and the lease: obeyed at once, with the work kept."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.domain.protocol import LEASE_S, Finish
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
    until = time.monotonic() + 300
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


def taken_away(runner: Runner, when: Callable[[], bool]) -> Finish:
    """The last word of a runner whose machine is taken away at that moment. It has 20 s on a quiet machine."""
    process = runner.start()
    wait_until(when)
    process.terminate()
    began = time.monotonic()
    assert runner.wait(process) == 0, runner.stderr
    assert time.monotonic() - began < 100, "it does not wait for what hangs"
    return runner.control.end


def has_put(runner: Runner, kind: str) -> bool:
    control = runner.control
    puts = {path.rpartition("/")[2] for _, path in control.seen if path.startswith("/put/")}
    return any(found == kind and key.rpartition("/")[2] in puts for key, found in control.kinds.items())


@pytest.mark.usefixtures("hanging_put")
def test_a_signal_while_a_hand_over_hangs_still_says_a_word(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [[*bash("echo two > a.txt"), call("0.1", "finish", summary="done")]])
    end = taken_away(runner, lambda: has_put(runner, "bundle"))
    assert (end.outcome, end.reason, end.changeset, end.underway) == ("interrupted", "signal", None, None)


def test_a_hand_over_that_a_signal_ends_is_done_again_from_the_same_answer(
    repo: Repo, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of an answer that only says finish was done, so nobody pays for another one."""
    over = threading.Event()
    real = FakeControl._keep

    def hang(self: FakeControl, sha256: str, body: bytes) -> tuple[int, object]:
        if self.kinds[f"1/job/{sha256}"] == "changeset":
            over.wait(FOR_EVER_S)
        return real(self, sha256, body)

    monkeypatch.setattr(FakeControl, "_keep", hang)
    runner = start(claim_for(repo), [bash("echo two > a.txt"), *DONE])
    end = taken_away(runner, lambda: has_put(runner, "changeset"))
    over.set()
    assert (end.outcome, end.reason, end.underway) == ("interrupted", "signal", None)
    kept = runner.control.steps[1].checkpoint
    assert kept is not None, "the work was kept with the step before"
    assert kept.bundle is not None


@pytest.mark.usefixtures("hanging_put")
def test_a_signal_while_output_is_stored_still_says_a_word(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo), [bash("seq 100000"), *DONE])
    end = taken_away(runner, lambda: has_put(runner, "output"))
    assert (end.outcome, end.reason) == ("interrupted", "signal")


@pytest.mark.usefixtures("hanging_put")
def test_a_signal_while_a_survey_hands_over_its_brief_still_says_a_word(repo: Repo, start: Start) -> None:
    runner = start(claim_for(repo, kind="survey", purpose="brief"))
    end = taken_away(runner, lambda: has_put(runner, "brief"))
    assert (end.outcome, end.reason) == ("interrupted", "signal")


def test_a_signal_while_evidence_is_not_taken_still_says_a_word(
    repo: Repo, start: Start, held_at: Callable[[str], threading.Event]
) -> None:
    held_at("/v1/evidence")
    repo.commit({"a.txt": "two\n"})
    check = {"origin": "spec", "kind": "command", "run": "grep -q two a.txt"}
    criteria = [{"id": "AC-1", "kind": "new", "text": "", "check": check}]
    runner = start(claim_for(repo, kind="verify", clone={"head": repo.head}, criteria=criteria))
    end = taken_away(runner, lambda: ("POST", "/v1/evidence") in runner.control.seen)
    assert (end.outcome, end.reason) == ("interrupted", "signal")


def test_a_last_word_that_is_not_answered_is_said_again_when_the_machine_is_taken_away(
    repo: Repo, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FakeControl.answer
    over = threading.Event()

    def hang_once(self: FakeControl, method: str, at: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        if at == "/v1/finish" and ("POST", at) not in self.seen:
            self.seen.append((method, at))
            over.wait(FOR_EVER_S)
        return real(self, method, at, headers, body)

    monkeypatch.setattr(FakeControl, "answer", hang_once)
    runner = start(claim_for(repo), [bash("echo two > a.txt"), *DONE])
    end = taken_away(runner, lambda: ("POST", "/v1/finish") in runner.control.seen)
    over.set()
    assert end.outcome == "handed_over"


def test_a_signal_behind_an_order_to_stop_hurries_a_store_that_hangs(
    repo: Repo, start: Start, hanging_put: None
) -> None:
    """The order came first, and what is to be kept with it cannot be: the word is said all the same."""
    runner = start(
        claim_for(repo),
        [bash("echo two > a.txt"), *DONE],
        orders_when=lambda control: ["stop"] if any(path[:5] == "/put/" for _, path in control.seen) else [],
    )
    # Twice: by the work, and by whoever keeps it on the way out.
    end = taken_away(runner, lambda: sum(path[:5] == "/put/" for _, path in runner.control.seen) > 1)
    assert (end.outcome, end.reason) == ("interrupted", "stopped")


@pytest.fixture
def trickling_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[socket.socket]]:
    """A blob store that answers a byte a second, so that no time-out of a socket ever passes."""
    met: list[socket.socket] = []
    over = threading.Event()

    def trickle(met_by: socket.socket) -> None:
        with met_by, contextlib.suppress(OSError):
            while not over.wait(1):
                met_by.sendall(b"H")

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                met.append(server.accept()[0])
                threading.Thread(target=trickle, args=(met[-1],), daemon=True).start()

    real = FakeControl._protocol
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, args=(server,), daemon=True).start()

        def elsewhere(self: FakeControl, method: str, path: str, body: dict[str, object]) -> tuple[int, object]:
            status, answer = real(self, method, path, body)
            if path == "/v1/blobs":
                answer["put"] = f"http://127.0.0.1:{server.getsockname()[1]}/"
            return status, answer

        monkeypatch.setattr(FakeControl, "_protocol", elsewhere)
        yield met
        over.set()


def test_a_signal_while_the_blob_store_trickles_still_says_a_word(
    repo: Repo, start: Start, trickling_store: list[socket.socket]
) -> None:
    runner = start(claim_for(repo), [bash("echo two > a.txt"), *DONE])
    end = taken_away(runner, lambda: bool(trickling_store))
    assert (end.outcome, end.reason, end.changeset) == ("interrupted", "signal", None)


def test_a_signal_while_a_command_runs_beside_a_pipe_that_git_would_read_keeps_the_work(
    repo: Repo, start: Start
) -> None:
    runner = start(
        claim_for(repo),
        [bash("echo two > a.txt"), bash("mkdir -p n/.git/refs n/.git/objects; mkfifo n/.git/HEAD; sleep 4717")],
    )
    end = taken_away(
        runner, lambda: any(beat["step"] == 1 and beat["doing"][:4] == "bash" for beat in runner.control.beats)
    )
    assert (end.outcome, end.reason) == ("interrupted", "signal")
    assert runner.control.changes()["a.txt"].data == b"two\n"


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


def test_a_signal_while_a_token_is_given_back_waits_a_little_and_says_a_word(
    repo: Repo, start: Start, held_at: Callable[[str], threading.Event]
) -> None:
    held_at("/installation/token")
    claimed = claim_for(repo)
    runner = start(claimed, DONE)
    claimed["clone"] |= {"token": "t", "revoke_url": f"{runner.control.url}/installation/token"}
    end = taken_away(runner, lambda: any(at == "/installation/token" for _, at in runner.control.seen))
    assert (end.outcome, end.reason) == ("interrupted", "signal")


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


def test_a_heartbeat_that_hangs_does_not_cost_the_lease(
    repo: Repo, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One connection that is stuck must not be waited for as long as the lease lasts."""
    real = FakeControl.answer
    over = threading.Event()
    hung: list[float] = []

    def hang_once(self: FakeControl, method: str, at: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
        if at == "/v1/heartbeat" and not hung:
            hung.append(time.monotonic())
            over.wait(FOR_EVER_S)
        return real(self, method, at, headers, body)

    monkeypatch.setattr(FakeControl, "answer", hang_once)
    line = f"while test ! -e {tmp_path}/heard; do sleep 0.1; done"
    runner = start(claim_for(repo), [bash(line), *DONE], environment={"PERSEVERE_HEARTBEAT_S": "0.5"})
    process = runner.start()
    wait_until(lambda: len(runner.control.beats) > 1)
    assert time.monotonic() - hung[0] < LEASE_S
    (tmp_path / "heard").touch()
    over.set()
    assert runner.wait(process) == 0, runner.stderr


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
