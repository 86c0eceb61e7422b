"""What the commands that begin work have in common: the facts they need, and the refusals before anything starts."""

from __future__ import annotations

from shared.domain.chosen import nearest_model
from shared.domain.commands.command import Facts, Given
from shared.domain.facts import (
    DefaultHead,
    HeadFact,
    IssueFact,
    IssueNow,
    Missing,
    Need,
    RoleOf,
    SettingsAt,
    SettingsBroken,
    SettingsFact,
    Unknown,
)
from shared.domain.messages import EmptyRepository, FactMissing, NotNow
from shared.domain.messages import SettingsBroken as SettingsBrokenMessage
from shared.domain.view import View
from shared.domain.workflow.turn import Turn


def start_needs(view: View, given: Given, facts: Facts) -> frozenset[Need]:
    """The issue, its author's role, the newest commit and the settings at it."""
    needs: set[Need] = {IssueNow(), DefaultHead()}
    issue, head = facts.get(IssueNow()), facts.get(DefaultHead())
    if isinstance(issue, IssueFact):
        needs.add(RoleOf(issue.author.id, issue.author.login))
    if isinstance(head, HeadFact) and head.sha:
        needs.add(SettingsAt(head.sha))
    return frozenset(needs)


def refuse_start(turn: Turn) -> bool:
    """Answer and return True when nothing can start here: something unread, an empty repository, broken settings."""
    for need in (IssueNow(), DefaultHead()):
        fact = turn.fact(need)
        if isinstance(fact, Unknown | Missing):
            why = fact.why if isinstance(fact, Unknown) else "it is not there any more"
            what = "the issue" if isinstance(need, IssueNow) else "the default branch"
            turn.reply(FactMissing(verb=_verb(turn), what=what, why=why))
            turn.outcome = "refused: fact missing"
            return True
    issue, head = turn.fact(IssueNow()), turn.fact(DefaultHead())
    assert isinstance(head, HeadFact)
    if isinstance(issue, IssueFact) and issue.is_pull:
        turn.reply(NotNow(verb=_verb(turn), phase=turn.issue.phase, why="pull_request"))
        turn.outcome = "refused: a pull request is no issue"
        return True
    if head.sha is None:
        turn.reply(EmptyRepository())
        turn.outcome = "refused: empty repository"
        return True
    return refuse_settings(turn)


def refuse_settings(turn: Turn) -> bool:
    """Answer and return True when the repository's settings file is wrong or could not be read."""
    for need, fact in turn.facts.items():
        if not isinstance(need, SettingsAt):
            continue
        if isinstance(fact, SettingsFact) and fact.settings.model and _foreign(turn, fact.settings.model):
            words = f"`model` is {fact.settings.model}, which is none of the operator's models"
            near = nearest_model(fact.settings.model, turn.view.operator)
            turn.reply(SettingsBrokenMessage(what=words, line=fact.model_line, nearest=near))
            turn.outcome = "refused: settings"
            return True
        if isinstance(fact, SettingsBroken):
            turn.reply(SettingsBrokenMessage(what=fact.what, line=fact.line, nearest=fact.nearest))
            turn.outcome = "refused: settings"
            return True
        if isinstance(fact, Unknown):
            turn.reply(FactMissing(verb=_verb(turn), what="`.github/persevere.yml`", why=fact.why))
            turn.outcome = "refused: fact missing"
            return True
    return False


def _foreign(turn: Turn, model: str) -> bool:
    return model not in turn.view.operator.models


def _verb(turn: Turn) -> str:
    return str(turn.inbound.data.get("verb", ""))
