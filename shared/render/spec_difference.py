"""What differs between two versions of a spec, in lines short enough for a phone."""

from __future__ import annotations

import textwrap

from shared.domain.money import dollars, minutes
from shared.domain.protocol import CheckToRun
from shared.domain.spec import Spec, SpecRecord
from shared.render.markdown import one_line

WIDTH = 40  # characters a phone shows without scrolling, the sign included


def difference(old: SpecRecord, new: SpecRecord) -> tuple[int, str]:
    """(how many lines of the contract differ, the inside of a diff block)."""
    before, after = _lines(old.spec), _lines(new.spec)
    blocks = []
    for name in [*before, *(each for each in after if each not in before)]:
        was, now = before.get(name), after.get(name)
        if was != now:
            blocks.append((name, was, now))
    return len(blocks), "\n".join(_block(*each) for each in blocks)


def _lines(spec: Spec) -> dict[str, str]:
    """Each line of the contract under a short name."""
    lines = {f"Goal {number}": goal for number, goal in enumerate(spec.goals, start=1)}
    for each in spec.criteria:
        lines[each.id] = f"{each.kind}: {each.text}"
        if each.check is not None:
            lines[f"{each.id} check"] = _check(each.check)
    for title, words in (
        ("Not part of it", spec.out_of_scope),
        ("Assumed", spec.assumptions),
        ("Built with", spec.stack),
    ):
        lines |= {f"{title} {number}": text for number, text in enumerate(words, start=1)}
    lines["Limits"] = f"{dollars(spec.limits.nano)}, {minutes(spec.limits.seconds)} min"
    if spec.touches:
        lines["Touches"] = ", ".join(spec.touches)
    return {name: one_line(text) for name, text in lines.items()}


def _check(check: CheckToRun) -> str:
    return " ".join(part for part in (check.run, f"({check.origin}, {check.kind})", " ".join(check.ids)) if part)


def _block(name: str, was: str | None, now: str | None) -> str:
    """The name, then what went and what came: both without the beginning that they share, so the change is seen."""
    shared = 0
    if was is not None and now is not None:
        shared = _common_start(was, now)
        name = f"{name} {was[:shared].strip()}" if shared else name
    lines = _wrapped("  ", name)
    if was is not None:
        lines += _wrapped("- ", was[shared:] or "(nothing more)")
    if now is not None:
        lines += _wrapped("+ ", now[shared:] or "(nothing more)")
    return "\n".join(lines)


def _wrapped(sign: str, text: str) -> list[str]:
    lines = textwrap.wrap(text.replace("```", "'''"), WIDTH - len(sign)) or [""]
    return [(sign + line).rstrip() for line in lines]


def _common_start(was: str, now: str) -> int:
    """How many characters of whole words two lines begin with in common."""
    length = 0
    for number, (left, right) in enumerate(zip(was, now, strict=False)):
        if left != right:
            break
        if left == " ":
            length = number + 1
    return length
