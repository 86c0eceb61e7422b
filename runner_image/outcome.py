"""What the end of a command means: pass, fail, or could not run and why. The table is protocol.Run's."""

from __future__ import annotations

import signal

from runner_image.sandbox.contract import Ran
from runner_image.sandbox.output import Output
from shared.domain.protocol import Outcome, Run, TestIds

SHOWN_TAIL = 4_000


def read_exit(ran: Ran) -> tuple[Outcome, str]:
    """By the exit code alone, with the reason in words where it could not run."""
    match ran.end:
        case "timeout":
            return "could_not_run", f"it did not end within {ran.seconds:.0f} s"
        case "killed":
            return "could_not_run", "it was stopped"
        case "unstarted":
            return "could_not_run", "the shell could not be started"
        case "exited":
            return _read_code(ran.exit or 0)


def _read_code(code: int) -> tuple[Outcome, str]:
    if code == 0:
        return "pass", ""
    if code == 126:
        return "could_not_run", "exit code 126: found, but it cannot be executed"
    if code == 127:
        return "could_not_run", "exit code 127: a command was not found"
    if code > 127:
        return "could_not_run", f"exit code {code}{_signal(code - 128)}"
    return "fail", f"exit code {code}"


def _signal(number: int) -> str:
    try:
        return f": ended by {signal.Signals(number).name}"
    except ValueError:
        return ", which no check means as an answer"


def plain_run(ran: Ran, artifact: str | None = None, tests: TestIds | None = None) -> Run:
    """The Run of a command that is judged by its exit code."""
    outcome, reason = read_exit(ran)
    return make_run(ran, outcome, reason, artifact, tests)


def _end_of(output: Output) -> str:
    """The end of what was printed, where failures are told; a first line says how much is not shown."""
    tail = output.last(SHOWN_TAIL)
    if output.is_whole and len(tail) < SHOWN_TAIL:
        return tail
    missing = max(output.size - len(tail.encode()), 0)
    return f"[... the first {missing:,} of {output.size:,} bytes are left out here ...]\n{tail}"


def make_run(ran: Ran, outcome: Outcome, reason: str, artifact: str | None = None, tests: TestIds | None = None) -> Run:
    return Run(
        outcome=outcome,
        exit=ran.exit,
        reason=reason[:500],
        seconds=round(ran.seconds, 3),
        tail=_end_of(ran.output),
        tests=tests,
        artifact=artifact,
    )
