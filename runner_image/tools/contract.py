"""What a tool is given and what it gives back."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from runner_image.beneath import Beneath, Outside, parts_of
from runner_image.job import Job
from runner_image.log import log
from runner_image.sandbox.contract import Ran
from runner_image.tools.files import SandboxFiles
from runner_image.waiting import see_through
from runner_image.workspace import Checkout
from shared.domain.protocol import CallResult

Status = Literal["ok", "error", "refused", "interrupted", "timeout"]
Arguments = TypeVar("Arguments", bound="Args")


class Args(BaseModel):
    """Arguments of a tool. Types are taken strictly: a model that sends a number for a path is told so."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Refused(Exception):
    """Nothing was done; the text tells the agent why and what it can do instead."""


@dataclass(frozen=True, slots=True)
class Result:
    """`bytes` is the whole length of what there was to show; `artifact` the key of the blob that holds all of it."""

    text: str
    status: Status = "ok"
    exit: int | None = None
    bytes: int = 0
    artifact: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def of(self, call: str) -> CallResult:
        return CallResult(
            call=call,
            status=self.status,
            exit=self.exit,
            text=self.text,
            bytes=self.bytes or len(self.text.encode("utf-8", "surrogatepass")),
            artifact=self.artifact,
            data=dict(self.data),
        )


@dataclass(frozen=True, slots=True)
class Bench:
    """The agent's workbench: one workspace and what reaches it."""

    job: Job
    checkout: Checkout
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def files(self) -> SandboxFiles:
        return SandboxFiles(self.job, self.checkout)

    def path(self, text: str) -> bytes:
        """A path as the agent writes it (relative, or beneath the workspace as it sees it) as a relative one.

        Raises Refused.
        """
        root = self.checkout.sandbox.workspace_path(self.checkout.place).rstrip("/")
        relative = text.removeprefix(root).lstrip("/") if text == root or text.startswith(root + "/") else text
        try:
            path = b"/".join(parts_of(relative.encode("utf-8", "surrogateescape")))
        except (Outside, UnicodeEncodeError) as error:
            raise Refused(f"{text!r} is not inside the workspace {root}. Use bash for other places.") from error
        if path.split(b"/")[0] == b".git":
            raise Refused("The file tools leave .git alone; use git through bash.")
        return path

    def run(self, line: str, seconds: float) -> Result:
        """A shell line as the agent's command, clipped; what was clipped is kept for the agent and as an artifact."""
        job, number = self.job, next(self.numbers)
        spool = self.checkout.directory / "output"
        if job.orders.wrap_up:
            seconds = min(seconds, WRAP_UP_COMMAND_S)
        seconds = min(seconds, max(job.seconds_left, 0.0))
        ran = job.run(self.checkout.place, line, seconds, spool=spool)
        rest, artifact = "", None
        if len(ran.output.text()) < ran.output.size and not _fits(ran):
            artifact = see_through(job.orders, "output", lambda: job.api.store_file(spool, "output"))
            where = self._keep(spool, number)
            rest = f"the first {ran.output.kept:,} are in {where}" if where else ""
        text = ran.output.text(rest=rest)
        return Result(_with_end(ran, text, seconds), _status(ran), ran.exit, ran.output.size, artifact)

    def _keep(self, spool: Path, number: int) -> str:
        """Where the agent finds it, empty where it could not be kept: that directory is the agent's to fill or to lock."""
        place, sandbox = self.checkout.place, self.checkout.sandbox
        name = f"output-{number}.txt"
        try:
            Beneath(place.scratch or place.home).put(name.encode(), "100644", spool.read_bytes())
        except (OSError, Outside) as error:
            log("output.not_kept", why=type(error).__name__)
            return ""
        return f"{sandbox.scratch_path(place)}/{name}"


WRAP_UP_COMMAND_S = 60


def _fits(ran: Ran) -> bool:
    return ran.output.is_whole and "left out here" not in ran.output.text()


def _status(ran: Ran) -> Status:
    match ran.end:
        case "exited":
            return "ok" if ran.exit == 0 else "error"
        case "timeout":
            return "timeout"
        case "killed":
            return "interrupted"
        case "unstarted":
            return "refused"


def _with_end(ran: Ran, text: str, seconds: float) -> str:
    text = text if not text or text.endswith("\n") else text + "\n"
    match ran.end:
        case "exited":
            return f"{text}[exit code {ran.exit}]"
        case "timeout":
            return f"{text}[ended after {seconds:.0f} s with all that it had started: it took too long]"
        case "killed" | "unstarted":
            return f"{text}[{ran.end}]"


def read_arguments(model: type[Arguments], tool: str, raw: Mapping[str, Any]) -> Arguments:
    """Raises Refused with every argument that is wrong, in words."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}" for each in error.errors())
        raise Refused(f"{tool} was not run: {wrong}. It takes: {_usage(model)}.") from error


def _usage(model: type[Args]) -> str:
    return ", ".join(name if info.is_required() else f"{name}?" for name, info in model.model_fields.items())
