"""Facts for one decision: what `needs` asks for, read from GitHub until nothing new is wanted."""

from __future__ import annotations

from shared.domain.facts import Fact, Need, Unknown
from shared.domain.inbound import Inbound
from shared.domain.view import View
from shared.domain.workflow.needs import needs
from shared.github.client import GitHubs
from shared.github.facts import fetch
from shared.ports import Clock

ROUNDS = 4  # a fact may make another one wanted (the issue's author, the settings at a commit)


def gather(view: View, inbound: Inbound, github: GitHubs, clock: Clock) -> dict[Need, Fact]:
    """Everything wanted, each read once. What cannot be had is Unknown; later needs that hang on it stay unasked."""
    known: dict[Need, Fact] = {}
    for _ in range(ROUNDS):
        wanted = needs(view, inbound, known) - known.keys()
        if not wanted:
            break
        client = github.client("read", view.issue.installation_id, view.issue.repository)
        known |= fetch(client, view.issue.number, sorted(wanted, key=repr), clock)
        if any(isinstance(known[need], Unknown) for need in wanted):
            break
    return known


def unknown(facts: dict[Need, Fact]) -> tuple[Need, Unknown] | None:
    """The first fact that could not be had."""
    return next(((need, fact) for need, fact in facts.items() if isinstance(fact, Unknown)), None)
