"""The first lines of `up`: how it listens, as which App, where, with which model, sandbox and limits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from local.trial.fence import Fence
from local.trial.play import short
from local.up.lines import Lines
from shared.domain.money import dollars, minutes
from shared.domain.operator import Operator
from shared.github.installations import Place

SHOWN = 3


def tell_opening(
    lines: Lines,
    *,
    app: str,
    places: Sequence[Place] | None,
    install_page: str,
    listens: str,
    operator: Operator,
    fence: Fence,
    home: Path,
    issues: int,
    strange: Sequence[tuple[str, str]] = (),
) -> None:
    """`places` None: GitHub did not say. `strange`: names of the environment that no setting has, and the nearest one."""
    lines.words("Persevere on this machine. Ctrl-C leaves; work goes on at the next start.")
    lines.words()
    lines.head("app", f"{app}, {_where(places)}")
    lines.head("listens", listens)
    lines.head("model", operator.model_shown or operator.model)
    lines.head("sandbox", fence.label)
    asking, job, time = dollars(operator.asking_nano), dollars(operator.job_nano), minutes(operator.job_seconds)
    day, month = (
        dollars(nano) if nano is not None else "unlimited" for nano in (operator.day_nano, operator.month_nano)
    )
    lines.head("limits", f"asking {asking}, job {job} and {time} min, this machine {day} a day, {month} a month")
    for name, near in strange:
        lines.head(
            "settings", f"{name} is no setting, so it does nothing" + (f"; did you mean {near}?" if near else "")
        )
    lines.head("data", f"{short(home)}  (SQLite, {issues} issue{'' if issues == 1 else 's'})")
    lines.words()
    if places:
        lines.words(f"  Try it: comment  {operator.command}  on any issue of {places[0].repository.full_name}")
    elif places is not None:
        lines.words(f"  Install it on a repository, and it is found by itself: {install_page}")
    lines.words()


def _where(places: Sequence[Place] | None) -> str:
    if places is None:
        return "and GitHub does not answer just now"
    if not places:
        return "not installed anywhere yet"
    names = ", ".join(
        each.repository.full_name + (" (private)" if each.repository.private else "") for each in places[:SHOWN]
    )
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    count = "1 repository" if len(places) == 1 else f"{len(places)} repositories"
    return f"on {count}: {names}{more}"
