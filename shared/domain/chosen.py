"""Which model the next piece of work of an issue is for."""

from __future__ import annotations

from shared.domain.issue import IssueState
from shared.domain.operator import Operator


def chosen_model(issue: IssueState, operator: Operator) -> str:
    """What a person chose here, else the repository's settings, else the operator's; never outside of the operator's."""
    wishes = (issue.model, issue.settings.model or "")
    return next((each for each in wishes if each and each in operator.models), operator.model)
