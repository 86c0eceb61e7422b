"""The evidence of a red proof, as the agent reads it at the start of the next round."""

from __future__ import annotations

from shared.domain.evidence import Verdict

TAIL = 4000


def evidence_message(verdicts: tuple[Verdict, ...], round_number: int, rounds: int, head: str) -> str:
    """One line a criterion (`AC-2 failed: ...`), then command, result and output of each that does not hold."""
    lines = [
        f"PROOF of commit {head[:7]} in a fresh container that you never touched. Round {round_number} of {rounds} begins.",
        "",
    ]
    lines += [f"{each.criterion} {each.conclusion}: {each.reason or each.text}" for each in verdicts]
    for each in verdicts:
        if each.holds or each.conclusion == "your_call":
            continue
        lines += ["", f"--- {each.criterion} ({each.kind}): {each.text}", f"command: {each.run}"]
        if each.base is not None:
            lines.append(f"before the change: {each.base.outcome} (exit {each.base.exit})")
        if each.head is not None:
            lines.append(f"after the change: {each.head.outcome} (exit {each.head.exit}) {each.head.reason}".rstrip())
        lines += list(each.findings)
        if each.tail:
            lines += ["output:", each.tail[-TAIL:]]
    lines += ["", "Repair what does not hold without breaking what does, then call finish."]
    return "\n".join(lines)
