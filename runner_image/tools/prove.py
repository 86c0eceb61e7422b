"""prove: the command that the agent offers as its own check of one criterion, run once now."""

from __future__ import annotations

from runner_image.tools.bash import check_line
from runner_image.tools.contract import Args, Bench, Refused, Result


class ProveArgs(Args):
    criterion: str
    command: str


def run_prove(bench: Bench, args: ProveArgs) -> Result:
    """Raises Refused for a criterion that the contract does not have; Ending."""
    known = [each.id for each in bench.job.claimed.criteria]
    if args.criterion not in known:
        raise Refused(f"There is no criterion {args.criterion!r}. There are: {', '.join(known) or 'none'}.")
    if not args.command.strip():
        raise Refused("The command is empty.")
    check_line(args.command)
    ran = bench.run(args.command, bench.job.claimed.limits.check_seconds)
    passed = ran.status == "ok"
    word = "passes" if passed else "does not pass"
    data = {"criterion": args.criterion, "command": args.command, "passed": passed}
    return Result(
        f"{ran.text}\n{args.criterion} {word} by this command.", ran.status, ran.exit, ran.bytes, ran.artifact, data
    )
