"""How a pull request came about: money and time by part, rounds, model, sandbox, what is not counted."""

from __future__ import annotations

from shared.domain.money import dollars, minutes
from shared.domain.view import View
from shared.render.forms import clock, count
from shared.render.markdown import cell, fold, prose, table
from shared.render.model_words import cached_share, models_used

PARTS = {
    "brief": "First look",
    "ask": "Reading, questions, spec",
    "asking": "Reading, questions, spec",
    "planner": "Reading, questions, spec",
    "build": "Building",
    "fix": "Building",
    "verify": "Proof",
    "proof": "Proof",
}
VERDICTS_MAX = 24  # the newest; two rounds of twelve criteria
KINDS = {"build": "Building", "fix": "Building", "verify": "Proof"}


def how_it_went(view: View) -> str:
    """Folded: a row for each part, then the sentences that a reviewer may want."""
    ledger = view.ledger
    if ledger is None:
        return ""
    steps = sum(line.steps for line in view.issue.jobs if line.kind in ("build", "fix"))
    summary = f"{count(steps, 'step')}, {minutes(ledger.spent_seconds)} min, {dollars(ledger.spent_nano)}"
    sentences = [
        _rounds(view),
        _model(view),
        _lost(view),
        "Not counted: this repository's own CI minutes, the operator's bill for hosting.",
    ]
    body = table(("Part", "Money", "Time"), _rows(view)) + "\n\n" + "\n".join(each for each in sentences if each)
    return fold(f"How it went: {summary}", body)


def _rows(view: View) -> list[tuple[str, ...]]:
    assert view.ledger is not None
    money: dict[str, int] = {}
    for part, nano in view.ledger.parts.items():
        name = PARTS.get(part) or cell(part, 40)
        money[name] = money.get(name, 0) + nano
    seconds: dict[str, float] = {}
    for line in view.issue.jobs:
        if name := KINDS.get(line.kind, ""):
            seconds[name] = seconds.get(name, 0.0) + line.seconds
    rows: list[tuple[str, ...]] = []
    if view.ask is not None:
        rows.append(("Reading, questions, spec", dollars(view.ask.spent_nano), "not counted"))
    names = [name for name in dict.fromkeys(["Building", "Proof", *money]) if name in money or name in seconds]
    return rows + [(each, dollars(money.get(each, 0)), f"{minutes(seconds.get(each, 0.0))} min") for each in names]


def _rounds(view: View) -> str:
    told = [event for event in view.events if event.kind == "verdict"][-VERDICTS_MAX:]
    lines = [f"- {clock(event.at)}: {prose(event.title, 160)}" for event in told]
    return (
        "\n".join(["Proof, in order:", "", *lines, ""]) if lines else f"Proof took {count(view.issue.round, 'round')}."
    )


def _model(view: View) -> str:
    job = view.build
    model = models_used(view)
    parts = [f"Model: {model}." if model else ""]
    cached = cached_share(view.ledger) if view.ledger is not None else ""
    if cached:
        parts.append(f"{cached} of what it read came from the provider's cache.")
    if job is not None and (job.sandbox or job.network):
        parts.append(
            f"Sandbox: {prose(job.sandbox or 'unknown', 120)}; network while building: {prose(job.network or 'unknown', 60)}."
        )
    return " ".join(part for part in parts if part)


def _lost(view: View) -> str:
    ledger = view.ledger
    return f"Lost to crashes: {dollars(ledger.lost_nano)}." if ledger and ledger.lost_nano else ""
