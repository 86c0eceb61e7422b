"""A case: a real issue of a real project, with criteria and what a language model once answered. Read from a directory.

`case.toml` says repository, release and criteria, `issue.md` is the issue (title in its first line),
`published_trajectory.jsonl` holds the answers, one step a line.
"""

from __future__ import annotations

import json
import re
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from shared.errors import Final

CASE, ISSUE, TRAJECTORY = "case.toml", "issue.md", "published_trajectory.jsonl"

Kind = Literal["new", "keep", "person"]

REPOSITORY_KEYS = ("full_name", "sdist", "python", "setup", "full_tests")
CRITERION_KEYS = ("id", "text", "check", "at_base", "kind")
# docs.github.com/en/rest/issues/issues does not say; its answer to longer ones is 422.
TITLE_MAX, BODY_MAX = 256, 65_536  # characters

_SDIST = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
_FULL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
_CRITERION = re.compile(r"AC-\d{1,3}")
_KIND_AT_BASE: dict[str, Kind] = {"fails": "new", "passes": "keep"}


class BadCase(Final):
    """The directory is no case; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class Criterion:
    """`check` is what a shell is given, word for word. `kind` new fails before the change, keep passes; person has no
    check, since a person judges it."""

    id: str
    text: str
    check: str
    kind: Kind


@dataclass(frozen=True)
class PublishedStep:
    """One answer of the model, and what it saw then. `line` counts from 1 in the file."""

    line: int
    thought: str
    action: str
    observation: str


@dataclass(frozen=True)
class Case:
    """`project` and `version` name the release whose sdist is the repository. `python` constrains the interpreter."""

    full_name: str
    project: str
    version: str
    python: str
    setup: str | None
    full_tests: str | None
    criteria: tuple[Criterion, ...]
    title: str
    body: str
    steps: tuple[PublishedStep, ...]
    unread: tuple[str, ...] = ()  # keys of case.toml that mean nothing here


def read_case(directory: Path) -> Case:
    """Raises BadCase for whatever is missing or cannot be understood."""
    try:
        document = tomllib.loads(_text(directory / CASE))
    except tomllib.TOMLDecodeError as error:
        raise BadCase(f"{CASE}: {error}") from error
    repository = _table(document, "repository")
    full_name, sdist = _string(repository, "repository.full_name"), _string(repository, "repository.sdist")
    release = _SDIST.fullmatch(sdist.replace(" ", ""))
    if release is None:
        raise BadCase(f"{CASE}: repository.sdist is {sdist!r}; a release such as `name==1.0` is wanted")
    if not _FULL_NAME.fullmatch(full_name):
        raise BadCase(f"{CASE}: repository.full_name is {full_name!r}; `owner/name` is wanted")
    title, body = _issue(_text(directory / ISSUE))
    return Case(
        full_name=full_name,
        project=release[1],
        version=release[2],
        python=_string(repository, "repository.python", ""),
        setup=_string(repository, "repository.setup", "") or None,
        full_tests=_string(repository, "repository.full_tests", "") or None,
        criteria=_criteria(document),
        title=title,
        body=body,
        steps=read_steps(directory / TRAJECTORY),
        unread=_unread(document),
    )


def _unread(document: dict[str, Any]) -> tuple[str, ...]:
    """Notes of whoever wrote the case, or a slip: not refused, but told."""
    found = [name for name in document if name not in ("repository", "criteria")]
    found += [f"repository.{name}" for name in document["repository"] if name not in REPOSITORY_KEYS]
    found += [f"criteria.{name}" for each in document["criteria"] for name in each if name not in CRITERION_KEYS]
    return tuple(dict.fromkeys(found))


def _issue(text: str) -> tuple[str, str]:
    """(title, body), as long as GitHub takes them. A first line that can be no title is the body's beginning, too."""
    title, _, rest = text.lstrip("\ufeff\r\n\t ").partition("\n")
    title, body = title.strip().removeprefix("# "), rest.strip("\r\n")
    if not title:
        raise BadCase(f"{ISSUE}: its first line is the issue's title, and there is none")
    if len(title) > TITLE_MAX:
        title, body = textwrap.shorten(title, TITLE_MAX, placeholder="...") or title[:TITLE_MAX], f"{title}\n{body}"
    if len(body) > BODY_MAX:
        note = f"\n\n(cut here; {ISSUE} goes on)"
        body = body[: BODY_MAX - len(note) - 1] + note
    return title, f"{body}\n"


def _criteria(document: dict[str, Any]) -> tuple[Criterion, ...]:
    given = document.get("criteria")
    if not isinstance(given, list) or not given:
        raise BadCase(f"{CASE}: at least one [[criteria]] is wanted")
    found = tuple(_criterion(each, number) for number, each in enumerate(given, start=1))
    ids = [each.id for each in found]
    if len(set(ids)) != len(ids):
        raise BadCase(f"{CASE}: two criteria have the same id ({', '.join(ids)})")
    return found


def _criterion(given: Any, number: int) -> Criterion:
    where = f"criteria, number {number}"
    if not isinstance(given, dict):
        raise BadCase(f"{CASE}: {where} is no table")
    name = _string(given, f"{where}.id")
    if not _CRITERION.fullmatch(name):
        raise BadCase(f"{CASE}: {where}.id is {name!r}; AC- and a number of at most three digits is wanted")
    at_base = str(given.get("at_base", ""))
    kind = given.get("kind") or _KIND_AT_BASE.get(at_base)
    if kind not in ("new", "keep", "person"):
        raise BadCase(f"{CASE}: {name} has neither kind (new, keep, person) nor at_base (fails, passes)")
    if kind != "person" and at_base and at_base not in _KIND_AT_BASE:
        raise BadCase(f"{CASE}: {where}.at_base is {at_base!r}; fails or passes is wanted")
    if kind == "person":
        if given.get("check"):
            raise BadCase(f"{CASE}: {name} is for a person to judge, and has a check all the same")
        return Criterion(name, _string(given, f"{where}.text"), "", "person")
    check = _string(given, f"{where}.check").strip()
    return Criterion(name, _string(given, f"{where}.text"), check, cast("Kind", kind))


def read_steps(path: Path) -> tuple[PublishedStep, ...]:
    """Raises BadCase with the number of a line that is no step."""
    steps = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except ValueError as error:
            raise BadCase(f"{path.name} line {number}: no JSON ({error})") from error
        if not isinstance(given, dict) or not isinstance(given.get("action"), str):
            raise BadCase(f"{path.name} line {number}: an object with a text `action` is wanted")
        thought, observation = given.get("thought") or "", given.get("observation") or ""
        steps.append(PublishedStep(number, str(thought), given["action"], str(observation)))
    if not steps:
        raise BadCase(f"{path.name}: there is no step in it")
    return tuple(steps)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise BadCase(
            f"{path.name} is missing in {path.parent}", "docs/cases.md says what a case consists of"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadCase(f"{path.name} cannot be read: {error}") from error


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise BadCase(f"{CASE}: the table [{name}] is missing")
    return found


def _string(table: dict[str, Any], name: str, default: str | None = None) -> str:
    found = table.get(name.rpartition(".")[2], default)
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise BadCase(f"{CASE}: {name} is missing" if found is None else f"{CASE}: {name} is no text")
    return found
