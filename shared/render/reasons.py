"""Why nothing moves, in at most a dozen words each: the reasons that `Waiting.reason` may name.

A reason without words here is shown by its name, so that a halt is never silent.
"""

from __future__ import annotations

from shared.domain.issue import Waiting
from shared.domain.view import View
from shared.render.criteria import current, holding, ids
from shared.render.forms import count, listed
from shared.render.markdown import prose

REASONS: dict[str, str] = {
    "unproved": "not everything could be proved",
    "out_of_money": "the money is used up",
    "out_of_time": "the time is used up",
    "asking_used_up": "the money for asking is used up",
    "not_published": "the change was not published",
    "nothing_to_build": "what was asked for is already there",
    "no_change": "the agent handed over no change",
    "cannot_prepare": "the repository could not be prepared",
    "branch_refused": "GitHub refused the branch",
    "branch_moved": "somebody else changed the branch",
    "pull_refused": "GitHub refused the pull request",
    "model_stopped": "the model does not go on",
    "provider_out": "the model's provider does not answer",
    "no_machine": "there is no machine",
    "permission": "a permission is missing",
    "fault": "a fault in Persevere itself",
    "expired": "nobody decided about the spec",
    "spec_not_posted": "the spec could not be posted",
    "closed": "the issue was closed",
    "reopened": "the issue is open again",
    "stopped": "by a person",
    "merged": "merged",
    "pull_closed": "the pull request was closed",
    "asleep": "nobody answered",
}

# What is said where the halt itself carries no detail.
TOLD: dict[str, str] = {
    "asking_used_up": "The operator of this installation sets that allowance.",
    "expired": "A spec stays open for a limited time, because the code moves on. To write it anew:",
    "no_change": "The agent called itself done and had changed no file.",
    "nothing_to_build": "Its checks pass already. If something is still wrong, say what:",
}


def headline(halt: Waiting, view: View) -> str:
    """The words after "Waiting:", "Paused:" or "Ended:"."""
    verdicts = current(view)
    if halt.reason == "unproved":
        open_ones = ids(verdicts, "failed", "unproven", "already_true")
        if open_ones:
            return f"{listed(open_ones)} could not be proved in {count(view.issue.round, 'round')}"
    words = REASONS.get(halt.reason) or prose(halt.reason.replace("_", " "), 60) or "for a person"
    if halt.reason.startswith("out_of") and verdicts:
        return f"{words}, {holding(verdicts)} of {count(len(verdicts), 'criterion', 'criteria')} hold"
    return words
