"""The umbrella check's body: what happened, in order, with the money at each point; and every step, folded."""

from __future__ import annotations

from collections.abc import Sequence

from shared.domain.events import Event
from shared.domain.money import dollars
from shared.domain.protocol import Call
from shared.domain.step import StepState
from shared.domain.view import View
from shared.render.criteria import current
from shared.render.forms import clock, count, login
from shared.render.links import spec_link
from shared.render.markdown import cell, cell_code, fold, paragraphs, prose, table
from shared.render.pull import results

SHOWN_EVENTS = 10
SHOWN_STEPS = 250
QUIET_KINDS = frozenset({"step", "tool", "checkpoint"})  # too many for a table that a person reads


def render_timeline(view: View, title: str) -> str:
    """The summary of the umbrella: state, evidence when there is some, the timeline, what it ran in."""
    issue, approval = view.issue, view.issue.approval
    spec = ""
    if approval is not None:
        spec = f" Spec {spec_link(view, approval.version)} `{approval.sha256[:8]}`, approved by {login(approval.by)}."
    told = [event for event in view.events if event.kind not in QUIET_KINDS]
    recent, early = told[-SHOWN_EVENTS:], told[:-SHOWN_EVENTS]
    rounds = (
        f", round {issue.round} of at most {view.operator.rounds}" if issue.phase in ("building", "verifying") else ""
    )
    return paragraphs(
        f"**{prose(title.split(' · ', maxsplit=1)[0], 120)}**{rounds}.{spec}",
        results(current(view)),
        _events(recent),
        where(view),
        fold(f"{count(len(early), 'earlier event')}", _events(early[-200:])) if early else "",
        _at_home(view),
    )


def _at_home(view: View) -> str:
    """What the operator can type to see all of it: without a public address nothing here links to us."""
    issue, job = view.issue, view.issue.job or view.issue.build
    if not job:
        return ""
    return f"On the operator's machine: `persevere show {issue.number} evidence`, `persevere events {job}`"


def _events(events: Sequence[Event]) -> str:
    if not events:
        return ""
    money = any("spent_nano" in event.data for event in events)
    head = ("UTC", "What happened", "Spent") if money else ("UTC", "What happened")
    rows = []
    for event in events:
        row = (clock(event.at).removesuffix(" UTC"), cell(event.title, 120))
        rows.append((*row, _spent(event)) if money else row)
    return table(head, rows)


def _spent(event: Event) -> str:
    nano = event.data.get("spent_nano")
    return dollars(nano) if isinstance(nano, int) else ""


def where(view: View) -> str:
    """Which sandbox and network were really there, said by the runner itself; and the model."""
    job = view.job or view.proof or view.build
    operator = view.operator
    sandbox = (job.sandbox if job else "") or "not known before the machine reports it"
    network = (job.network if job else "") or "not known yet"
    parts = [f"Sandbox: {prose(sandbox, 160)}", f"Network: {prose(network, 80)}"]
    model = operator.shown(job.model if job else "")
    if model:
        parts.append(f"Model: {prose(model, 80)}")
    return " · ".join(parts)


def all_steps(view: View) -> str:
    """Every step of the job at hand, folded: what the agent did, how it ended, what it cost."""
    steps = [step for step in view.steps if step.reply is not None]
    if not steps:
        return ""
    shown = steps[-SHOWN_STEPS:]
    rows = [(str(step.step), _did(step), dollars(step.billed.nano)) for step in shown]
    words = (
        f"All {count(len(steps), 'step')}"
        if len(shown) == len(steps)
        else f"The last {len(shown)} of {len(steps)} steps"
    )
    return fold(words, table(("Step", "What the agent did", "Cost"), rows)) + "\n"


def _did(step: StepState) -> str:
    assert step.reply is not None
    calls = [_call(call) for call in step.reply.calls[:4]]
    if not calls:
        return cell(step.reply.text, 80) or "said nothing"
    results = {result.call: result for result in step.results or ()}
    ends = []
    for call in step.reply.calls[:4]:
        result = results.get(call.id)
        if result is not None and result.exit not in (None, 0):
            ends.append(f"exit {result.exit}")
        elif result is not None and result.status != "ok":
            ends.append(result.status)
    return ", ".join(calls) + (f" ({', '.join(ends)})" if ends else "")


def _call(call: Call) -> str:
    """The tool, and the argument that says most."""
    main = next((call.args[key] for key in ("command", "path", "criterion") if isinstance(call.args.get(key), str)), "")
    return f"{cell(call.tool, 20)} {cell_code(main, 70)}".strip() if main else cell(call.tool, 20)
