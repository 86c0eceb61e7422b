"""bash: a shell line in the workspace's root, fenced off, its processes ended when it ends."""

from __future__ import annotations

from pydantic import Field

from runner_image.tools.contract import Args, Bench, Refused, Result


class BashArgs(Args):
    command: str
    timeout_s: float | int | None = Field(default=None, gt=0)


def run_bash(bench: Bench, args: BashArgs) -> Result:
    """At most the job's seconds a command. Raises Refused, Ending."""
    if not args.command.strip():
        raise Refused("The command is empty.")
    check_line(args.command)
    most = bench.job.claimed.limits.command_seconds
    return bench.run(args.command, min(args.timeout_s or most, most))


def check_line(line: str) -> None:
    if "\0" in line:
        raise Refused("A command cannot hold a zero byte.")
    if len(line.encode("utf-8", "surrogatepass")) > 100_000:
        raise Refused(
            "A command of more than 100,000 bytes cannot be started; write a script with `write` and run that."
        )
