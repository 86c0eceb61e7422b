"""The conversation of a case: the spec with the case's own criteria, the published steps, then the operator's answers."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from functions.planner.answer import Unusable, read_answer
from local.case.case_file import CASE, BadCase, Case, Criterion
from local.case.translate import Translated
from local.scripted_model import read_script
from runner_image.junit import PYTEST_WORD, runs_pytest
from shared.errors import NotConfigured

IDS_MAX = 50  # that a check may name
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_WITH_VALUE = frozenset(
    "-c -k -m -n -o -p -r -W --cov --deselect --ignore --maxfail --rootdir --tb --timeout --durations".split()
)


def conversation(
    case: Case, steps: Sequence[Translated], answers: Path | None, more: Sequence[Translated] = ()
) -> list[str]:
    """Lines of a conversation file (`local/scripted_model.py`): the spec, the steps, then either the file `answers` or
    `more` steps. Raises BadCase when the answers cannot be used.
    """
    lines = [_line("planner", json=_accepted(spec_of(case)))]
    lines += [_line("build", text=step.text, calls=list(step.calls)) for step in (*steps, *more)]
    return lines + (_answers(answers) if answers else [])


def is_published(answers: Path) -> bool:
    """Whether a file of answers holds steps in the published form, by its first line."""
    try:
        first = next((line for line in answers.read_text("utf-8-sig").split("\n") if line.strip()), "")
        given = json.loads(first)
    except (OSError, ValueError):
        return False  # whoever reads it says what is wrong
    return isinstance(given, dict) and "action" in given and "for" not in given


def _line(purpose: str, **said: Any) -> str:
    return json.dumps({"for": purpose, **said}, ensure_ascii=False)


def _accepted(spec: dict[str, Any]) -> dict[str, Any]:
    """The planner's answer, held against what the planner takes, so that a case that cannot become a spec says why."""
    try:
        read_answer(json.dumps({"spec": spec}), "spec", 0)
    except Unusable as error:
        raise BadCase(f"{CASE} cannot become a spec: {error}") from error
    return {"spec": spec}


def _answers(path: Path) -> list[str]:
    try:
        lines = [line for line in path.read_text("utf-8-sig").split("\n") if line.strip()]
        read_script(lines, path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"{path} cannot be read: {error}") from error
    except NotConfigured as error:
        raise BadCase(str(error), error.advice) from error
    return lines


def spec_of(case: Case) -> dict[str, Any]:
    """What the planner answers: the issue's title as the goal, and the criteria, their checks word for word."""
    return {
        "title": textwrap.shorten(case.title, 70, placeholder="...") or case.title[:70],
        "goals": [case.title],
        "criteria": [_criterion(each, case.full_tests) for each in case.criteria],
        "out_of_scope": [],
        "assumptions": [],
        "stack": [],
        "touches": [],
        "sources": [{"line": each.id, "kind": "issue"} for each in case.criteria],
    }


def _criterion(given: Criterion, full_tests: str | None) -> dict[str, Any]:
    criterion = {"id": given.id, "kind": given.kind, "text": given.text}
    return criterion if given.kind == "person" else criterion | {"check": check_of(given, full_tests)}


def check_of(criterion: Criterion, full_tests: str | None) -> dict[str, Any]:
    """The check, and what it is by its command.

    Runs pytest over everything, or over whole files, and holds today: a suite, every test that passed must still pass.
    Names tests and nothing else: those tests. Anything else: a command, by its exit code (and, where it runs pytest, by its record).

    A case's "fails at base" may be that the tested thing, or the test, is not there yet: what is missing is the work.
    """
    run = criterion.check
    check: dict[str, Any] = {"origin": "spec", "kind": "command", "run": run}
    if criterion.kind == "new":
        check["may_be_missing"] = True
    if full_tests is not None and run == full_tests.strip():
        check["origin"] = "existing"
    named = _named_tests(run) if runs_pytest(run) else None
    if named is None:
        return check
    if not any("::" in word for word in named):
        return check | ({"kind": "suite"} if criterion.kind == "keep" else {})
    if len(named) <= IDS_MAX and all("::" in word for word in named):
        return check | {"kind": "test", "ids": named}
    return check


def _named_tests(run: str) -> list[str] | None:
    """The paths and ids that a single pytest command names; None when the line is more than that, or selects otherwise."""
    if "\n" in run or "`" in run or "$(" in run:
        return None
    try:
        words = list(_words(run))
    except ValueError:  # a quotation that is never closed: the shell will say so
        return None
    if any(set(word) <= set("|&;<>()") for word in words):
        return None
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    at = next((number for number, word in enumerate(words) if PYTEST_WORD.fullmatch(word)), None)
    if at is None or (at > 0 and words[at - 1] != "-m"):
        return None
    named: list[str] = []
    rest = iter(words[at + 1 :])
    for word in rest:
        if word in ("-k", "-m") or word.startswith(("--deselect", "--ignore", "--lf", "--ff", "--last-failed", "--sw")):
            return None
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            named.append(word)
    return named


def _words(line: str) -> Iterable[str]:
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = ""
    return reader
