"""The spec: what people agree to. Immutable once stored; approval names its exact bytes."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any, Literal

from pydantic import Field

from shared.domain.protocol import CheckToRun, CriterionToRun
from shared.domain.shape import Shape


class Criterion(Shape):
    """One thing that is true when the work is done.

    `new` must fail at base and pass at head; `keep` must pass at both; `person` is judged by a person.
    `author` is who wrote the check's words: a login, or "planner".
    """

    id: str = Field(pattern=r"^AC-\d{1,3}$")
    kind: Literal["new", "keep", "person"]
    text: str
    check: CheckToRun | None = None
    author: str = "planner"

    def to_run(self) -> CriterionToRun:
        return CriterionToRun(id=self.id, kind=self.kind, text=self.text, check=self.check)


class SpecLimits(Shape):
    """Nano-dollars and container seconds that approval allows."""

    nano: int
    seconds: int


class Source(Shape):
    """Where a line comes from. `line` is a criterion id or a few words; `kind` assumed has neither author nor link."""

    line: str
    kind: Literal["issue", "answer", "comment", "repository", "command", "assumed"]
    author: str = ""
    link: str = ""
    quote: str = ""


class Spec(Shape):
    """One version. `base` is the commit that it was tried on."""

    version: int
    title: str = ""
    goals: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    out_of_scope: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()
    limits: SpecLimits
    touches: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    base: str

    def criterion(self, id: str) -> Criterion | None:
        return next((each for each in self.criteria if each.id == id), None)


CONTRACT_FIELDS = (
    "version",
    "goals",
    "criteria",
    "out_of_scope",
    "assumptions",
    "stack",
    "limits",
    "touches",
    "sources",
    "base",
)


def canonical_text(spec: Spec) -> str:
    """The text whose hash is approved: JSON, keys sorted, no spaces, NFC, LF."""
    document: dict[str, Any] = {"v": 1} | spec.model_dump(mode="json", include=set(CONTRACT_FIELDS))
    for criterion in document["criteria"]:
        criterion.pop("author")
    return json.dumps(_canonical(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _canonical(value: Any) -> Any:
    """Every text inside in NFC with LF. Done before encoding: a `\\r` that a check spells out is no line end."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value).replace("\r\n", "\n").replace("\r", "\n")
        case list():
            return [_canonical(each) for each in value]
        case dict():
            return {name: _canonical(each) for name, each in value.items()}
        case _:
            return value


def sha256_of(spec: Spec) -> str:
    return hashlib.sha256(canonical_text(spec).encode()).hexdigest()


def fingerprint(spec: Spec) -> str:
    """The first eight hex digits: for people's eyes."""
    return sha256_of(spec)[:8]


class SpecRecord(Shape):
    """A stored snapshot. `today` holds what each criterion's check did at base when it was tried (see `evidence.py`)."""

    spec: Spec
    sha256: str
    text: str
    made_at: int
    asked_by: str = ""
    because: str = ""
    today: dict[str, str] = Field(default_factory=dict)  # criterion id -> words such as "fails, as it should"
    cannot_run: dict[str, str] = Field(default_factory=dict)  # criterion id -> the reason
