"""Setting money aside under the ceilings, before a job is launched or a planner is asked; and giving back what is left."""

from __future__ import annotations

from shared.domain.job import JobState
from shared.domain.ledger import Ledger
from shared.domain.money import dollars
from shared.domain.operator import Operator
from shared.domain.usage import ALL, Charge, Line, NoRoom, Per, Waiter, day_of, line_key, room, scopes
from shared.domain.workflow.turn import Turn

LOOK_AGAIN_MS = 10 * 60_000  # with money in the way; somebody may give back what was not needed
PLACE_MS = 30_000  # with jobs in the way
BUILDING: tuple[Per, ...] = ("day", "month")
ASKING: tuple[Per, ...] = ("asking", "day", "month")
SPENDING = frozenset({"build", "fix"})


def pass_gate(turn: Turn) -> None:
    """Whatever takes a place or money is written one after the other."""
    turn.gates |= {ALL, str(turn.issue.installation_id)}


def no_place(turn: Turn, job: JobState) -> str:
    """Why a queued job cannot be launched now for want of a place, in words, or ""."""
    view, operator = turn.view, turn.view.operator
    for ahead, most, where in (
        (view.jobs_ahead, operator.jobs_a_repository, "in this repository"),
        (view.jobs_ahead_here, operator.jobs_an_installation, "here"),
    ):
        if most is not None and ahead >= most:
            verb = "job is" if ahead == 1 else "jobs are"
            at_once = "one runs" if most == 1 else f"{most} run"
            return f"{ahead} {verb} ahead {where}, and {at_once} at once"
    return ""


def set_aside(turn: Turn, job: JobState) -> JobState | NoRoom:
    """The job with what its ledger may still spend set aside, or the ceiling that is in the way."""
    ledger = turn.ledger
    if job.kind not in SPENDING or ledger is None or job.charge is not None:
        return job
    nano = max(0, ledger.left_nano)
    full = room(turn.view.purses, BUILDING, job.id, nano, turn.now)
    if full is not None:
        _wait(turn, job.id, full.per, nano)
        return full
    charge = Charge(day=day_of(turn.now), before=_gone(ledger), nano=nano, installation=turn.issue.installation_id)
    _write(turn, BUILDING, job.id, charge)
    return job.model_copy(update={"charge": charge})


def give_back(turn: Turn, job: JobState) -> None:
    """A job is over: it counts with what its ledger has spent, and with what is still held."""
    charge, ledger, approval = job.charge, turn.ledger, turn.issue.approval
    if charge is None:
        return
    if ledger is not None and approval is not None and approval.ledger == job.ledger:
        turn.settled = True
        charge = charge.model_copy(update={"nano": _gone(ledger) - charge.before})
    # of another approval's ledger the whole stays counted
    _write(turn, BUILDING, job.id, charge, installation=job.installation_id, at_work=False)


def more_for(turn: Turn, job: JobState, nano: int) -> NoRoom | None:
    """Set more aside for a job at work whose limit is raised; the ceiling that is in the way, or None.

    On a later day all that it may still spend is set aside anew, and the day before keeps what was spent by then: it may
    be full, and nothing may be added to what its ceiling has let pass.
    """
    charge, ledger, today = job.charge, turn.ledger, day_of(turn.now)
    if charge is None or ledger is None or job.over:
        return None
    purses = turn.view.job_purses
    old = charge.model_copy(update={"nano": _gone(ledger) - charge.before})
    if charge.day == today:
        more = charge.model_copy(update={"nano": charge.nano + nano})
    else:
        left = max(0, ledger.left_nano) + nano
        line = f"{job.id}-{today}"
        more = Charge(day=today, before=_gone(ledger), nano=left, line=line, installation=job.counts_under)
        purses = {per: purse.with_line(charge.line or job.id, old.nano) for per, purse in purses.items()}
    full = room(purses, BUILDING, job.id, more.nano, turn.now, line=more.line, in_turn=False)
    if full is None:
        if more.day != charge.day:
            _write(turn, BUILDING, job.id, old, installation=job.installation_id, at_work=False)
        _write(turn, BUILDING, job.id, more, installation=job.installation_id)
        turn.put_job(job.model_copy(update={"charge": more}))
    return full


def set_asking_aside(turn: Turn) -> NoRoom | None:
    """Set aside what asking may still spend on this issue; the ceiling that is in the way, or None."""
    ask, old, today = turn.ask, turn.issue.asking_charge, day_of(turn.now)
    if ask is None:
        return None
    name, here = _asker(turn), turn.issue.installation_id
    line = f"{name}-{today}-{here}"
    begun = None
    if old is not None and old.day == today and (old.line in ("", line) or old.installation == here):
        begun = old
    if begun is None:
        give_asking_back(turn)  # of another day or installation: it counts there with what was spent until now
        before = _gone(ask)
        if any(line in purse.taken for purse in turn.view.purses.values()):
            line = f"{line}-{before}"  # it was here today already, and moved away and back: that line stays as it is
        begun = Charge(day=today, before=before, nano=0, line=line, installation=here)
    charge = begun.model_copy(update={"nano": _gone(ask) - begun.before + max(0, ask.left_nano)})
    full = room(turn.view.purses, ASKING, name, charge.nano, turn.now, line=charge.line)
    if full is None:
        _write(turn, ASKING, name, charge)
        turn.change(asking_charge=charge)
    else:
        _wait(turn, name, full.per, charge.nano, asking=True, line=charge.line)
    return full


def give_asking_back(turn: Turn) -> None:
    """The planner has answered, or shall ask no more: asking counts with what it has spent, and with what is held."""
    charge, ask = turn.issue.asking_charge, turn.ask
    if charge is not None and ask is not None:
        turn.asking_settled = True
        charge = charge.model_copy(update={"nano": _gone(ask) - charge.before})
        turn.change(asking_charge=charge)
        _write(turn, ASKING, _asker(turn), charge, at_work=False)


def too_much(operator: Operator, nano: int) -> tuple[int, str] | None:
    """The ceiling that one job alone is above (nano-dollars, what it is for), or None: such a job would wait for ever."""
    limits = ((operator.day_nano, "a day"), (operator.month_nano, "a month"))
    return next(((limit, per) for limit, per in limits if limit is not None and nano > limit), None)


WORDS: dict[Per, str] = {
    "day": "today's {limit}",
    "month": "this month's {limit}",
    "asking": "the {limit} for asking here today",
}


def no_room_words(full: NoRoom) -> str:
    """`$18.20 of today's $20.00 is spent or set aside, and this may need $5.00`."""
    of = WORDS[full.per].format(limit=dollars(full.limit))
    kept = f", {dollars(full.kept)} is kept for what has waited longer" if full.kept else ""
    return f"{dollars(full.taken)} of {of} is spent or set aside{kept}, and this may need {dollars(full.asked)}"


def look_again(full: NoRoom, now: int) -> int:
    return min(full.until, now + LOOK_AGAIN_MS)


def _gone(ledger: Ledger) -> int:
    """Spent, or about to be."""
    return ledger.spent_nano + ledger.held_nano


def _asker(turn: Turn) -> str:
    issue = turn.issue
    return f"ask-{issue.repository.id}-{issue.number}"


def _write(
    turn: Turn, pers: tuple[Per, ...], name: str, charge: Charge, *, installation: int = 0, at_work: bool = True
) -> None:
    """The lines of a charge, under the installation that it was set aside under; `installation` (else the issue's of
    today) is for a charge that does not say. A ceiling that is unlimited has them, too: it may be set before it renews,
    and what was spent by then counts. What is over (`at_work` False) gives nothing back any more, and needs no
    gate.
    """
    issue = turn.issue
    where = charge.installation or installation or issue.installation_id
    for per, pk, _ in scopes(turn.view.operator, where, issue.repository.id, charge.day):
        if per in pers:
            turn.usage[line_key(pk, charge.line or name)] = Line(charge.nano, at_work)
    if at_work:
        pass_gate(turn)


def _wait(turn: Turn, name: str, per: Per, nano: int, *, asking: bool = False, line: str = "") -> None:
    """Take a place in the order of those who wait, or keep it."""
    known = next((each for each in turn.view.waiters if each.name == name), None)
    turn.waiters[name] = Waiter(
        name=name,
        pk=turn.view.pk,
        per=per,
        nano=nano,
        since=known.since if known is not None else turn.now,
        looked=turn.now,
        installation=turn.issue.installation_id,
        repository=turn.issue.repository.id,
        asking=asking,
        line=line,
    )
