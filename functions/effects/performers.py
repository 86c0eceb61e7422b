"""Which module performs which kind of effect."""

from __future__ import annotations

from collections.abc import Mapping

from functions.effects import (
    branch,
    checks,
    comment,
    commit,
    hide,
    pull,
    pull_text,
    react,
    spec_comment,
    start_planner,
    start_task,
    status,
    stop_task,
)
from functions.effects.engine import Perform

PERFORMERS: Mapping[str, Perform] = {
    "react": react.perform,
    "comment": comment.perform,
    "status": status.perform,
    "spec_comment": spec_comment.perform,
    "hide": hide.perform,
    "checks": checks.perform,
    "pull_text": pull_text.perform,
    "branch": branch.perform,
    "commit": commit.perform,
    "pull": pull.perform,
    "start_task": start_task.perform,
    "stop_task": stop_task.perform,
    "start_planner": start_planner.perform,
}
