"""finish: the agent's last word. The loop ends the job with it."""

from __future__ import annotations

from runner_image.tools.contract import Args, Bench, Refused


class FinishArgs(Args):
    summary: str
    unmet: list[str] | None = None


def check_finish(bench: Bench, args: FinishArgs) -> FinishArgs:
    """Raises Refused when `unmet` names what the contract does not have."""
    known = {each.id for each in bench.job.claimed.criteria}
    if strange := sorted(set(args.unmet or ()) - known):
        raise Refused(f"unmet names {', '.join(strange)}; the criteria are: {', '.join(sorted(known)) or 'none'}.")
    if not args.summary.strip():
        raise Refused("The summary is empty: say in a few lines what was changed and how it was checked.")
    return args
