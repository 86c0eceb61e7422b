"""What an ask takes in (words of people, notes, the order to wrap up), and the request that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from functions.job_api.contract import read_issue
from functions.job_api.events import of_answer, of_lost_hold, of_trouble, of_words, put_events
from functions.job_api.session import Session
from functions.job_api.tell import tell_provider
from functions.job_api.time_left import read_ledger
from shared.agent.data import clean
from shared.agent.fold import open_step
from shared.agent.history import KEPT_STEPS
from shared.agent.render_request import must_fold, render
from shared.agent.replies import check_calls, for_runner
from shared.agent.state import State
from shared.agent.task import given_text, replaced_text
from shared.domain import keys
from shared.domain.ledger import Ledger
from shared.domain.protocol import Reply
from shared.domain.record import AtVersion, Change, Delete
from shared.domain.step import Asking, Said, StepState
from shared.errors import Final
from shared.llm.prices import Price
from shared.llm.slot import Ask, Slot, Taken
from shared.llm.trouble import may_ask
from shared.ports import Answer, Request

MAX_OUTPUT = 16_000  # tokens of one answer
WORDS_AT_ONCE = 20
TOO_LONG = "the conversation no longer fits the model's window"


@dataclass(frozen=True, slots=True)
class Prepared:
    slot: Slot
    ask: Ask


def prepare(
    session: Session, number: int, state: State, step: StepState, before: StepState | None, changes: Sequence[Change]
) -> Prepared | str:
    """The ask of a step, or why there can be none any more. `before` is the step before, closed. Raises UnknownPrice."""
    job = session.job
    asking, taken_in = _take_in(session, number, state, step.asking, before)
    others = may_ask(job.model, session.here.operator)
    model, asking = _model(asking, step.asking, before, others)
    price = session.here.models.price(model, session.now)
    if asking.shortened:
        asking = _shorter(state, asking)
    fitting = _fitted(state, asking, model, price.window, min(MAX_OUTPUT, price.max_output))
    if fitting is None:
        return TOO_LONG
    asking, opened = fitting
    rendered = render(opened, model)
    ledger, _ = read_ledger(session.here, job)
    if ledger is not None and not asking.wrap_up and _clamped(ledger, rendered.bound, price):
        asking = asking.model_copy(update={"wrap_up": True})
        opened = open_step(state, asking)
        rendered = render(opened, model)
    request = Request(
        model=model,
        system=rendered.system,
        tools=rendered.tools,
        turns=rendered.turns,
        max_output=MAX_OUTPUT,
        purpose=job.kind,
    )

    def take(answer: Answer) -> Taken:
        if answer.stop == "refused":
            return Taken(
                Reply(
                    step=number,
                    text=clean(answer.text),
                    over="gave_up",
                    why="the model refused to answer",
                    cause="refused",
                )
            )
        calls = check_calls(answer.calls, number, opened.criteria)
        return Taken(Reply(step=number, text=clean(answer.text), calls=for_runner(calls)), calls)

    def note(answered: StepState, nano: int) -> Sequence[Change]:
        now = session.here.clock.now()
        told = answered.asking is not None and answered.asking.told_at  # the status speaks of a wait that is over
        news = [tell_provider(session.here, job, now)] if told else []
        return [*put_events(job, now, f"a{number:06d}", of_answer(job, now, answered, nano)), *news]

    def tell(troubled: StepState) -> Sequence[Change]:
        now = session.here.clock.now()
        asked = troubled.asking
        assert asked is not None
        events = put_events(
            job, now, f"p{number:06d}-{asked.attempt:03d}", [of_trouble(job, now, number, model, asked)]
        )
        return [*events, tell_provider(session.here, job, now)]

    fence = [] if any(change.key == session.fence.key for change in changes) else [session.fence]
    lost = _lost(session, number, step, ledger)
    return Prepared(
        Slot(
            key=keys.step(job.id, number),
            kind="step",
            ledger=keys.ledger(job.issue, job.ledger),
            name=f"{job.id}/{number}",
            part=job.kind,
        ),
        Ask(
            request=request,
            bound=rendered.bound,
            sent=opened.size,
            asking=asking,
            take=take,
            changes=[*changes, *taken_in, *lost, *fence, session.still_wanted],
            note=note,
            others=others,
            tell=tell,
            may_shorten=True,
        ),
    )


def _take_in(
    session: Session, number: int, state: State, old: Asking | None, before: StepState | None
) -> tuple[Asking, list[Change]]:
    """What this ask tells beside the results. What an earlier attempt took in stays; new words are added to it."""
    now, job = session.now, session.job
    page = session.store.query(keys.job_pk(job.id), "INBOX#", limit=WORDS_AT_ONCE)
    words = tuple(Said.model_validate(record.body) for record in page.records)
    changes: list[Change] = [Delete(record.key, AtVersion(record.version)) for record in page.records]
    changes += put_events(job, now, f"w{number:06d}", of_words(job, now, number, words))
    note = old.note if old is not None else _first_note(session, number)
    if state.launch is not None and state.launch != session.lease.launch:
        ran = before is not None and before.ran_on == session.lease.launch
        replaced = replaced_text(session.lease.restored_step, ran=ran, unkept=session.lease.unkept)
        if replaced not in note:
            note = f"{note}\n\n{replaced}".strip()
    asking = Asking(
        asker="",
        until=0,
        hold="",
        messages=(*(old.messages if old is not None else ()), *words),
        note=note,
        wrap_up=session.lease.wrap_up or (old is not None and old.wrap_up),
        launch=session.lease.launch,
        folded=old.folded if old is not None else None,
    )
    return asking, changes


def _first_note(session: Session, number: int) -> str:
    """The issue and the brief, for the first ask of a conversation."""
    if number or session.job.continues is not None:
        return ""
    issue = read_issue(session.here, session.job)
    brief = ""
    if issue.survey is not None and issue.survey.brief:
        try:
            brief = session.here.blobs.get(issue.survey.brief).decode("utf-8", "replace")
        except Final as gone:
            brief = f"(the brief of the repository is gone: {gone})"
    return given_text(issue, brief)


def _shorter(state: State, asking: Asking) -> Asking:
    """With so much of the history folded that half of its bytes are left, each time that the model found it too long."""
    whole = asking.model_copy(update={"folded": None})
    most, kept = open_step(state, whole).size >> asking.shortened, KEPT_STEPS
    folded = whole
    while kept >= 1 and open_step(state, folded).size > most:
        folded = whole.model_copy(update={"folded": kept})
        kept //= 2
    return folded


def _fitted(state: State, asking: Asking, model: str, window: int, output: int) -> tuple[Asking, State] | None:
    """The ask with as much of the history folded as the window demands; None when nothing helps."""
    opened = open_step(state, asking)
    kept = KEPT_STEPS
    while must_fold(opened, model, window, output):
        if kept < 1:
            return None
        asking = asking.model_copy(update={"folded": kept})
        opened = open_step(state, asking)
        kept //= 2
    return asking, opened


def _model(asking: Asking, old: Asking | None, before: StepState | None, others: Sequence[str]) -> tuple[str, Asking]:
    """The model that is asked, and the asking with what is known of the others: as the slot says, else as the step
    before went, else the job's own.
    """
    if old is not None:
        kept = {"outs": old.outs, "shortened": old.shortened}
        return (old.model if old.model in others else others[0]), asking.model_copy(update=kept)
    last = before.asking if before is not None else None
    if last is None or last.model not in others:
        return others[0], asking
    return last.model, asking.model_copy(update={"outs": last.outs})


def _clamped(ledger: Ledger, bound: int, price: Price) -> bool:
    """Whether the money left no longer pays for a full answer: the agent had better come to its end."""
    return price.affordable_output(bound, ledger.building_nano) < min(MAX_OUTPUT, price.max_output)


def _lost(session: Session, number: int, step: StepState, ledger: Ledger | None) -> list[Change]:
    """A line of the timeline for an answer that a crash took, where its hold is still in the ledger."""
    held = ledger.holds.get(step.asking.hold) if ledger is not None and step.asking is not None else None
    if held is None:
        return []
    event = of_lost_hold(session.job, session.now, number, held)
    return list(put_events(session.job, session.now, f"l{number:06d}", [event]))
