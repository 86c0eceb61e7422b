"""The planner's answer as a model gives it, checked, and as the conductor takes it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.agent.data import clean_all, read_json
from shared.domain.inbound import PlannerAnswer
from shared.domain.money import NANO

Want = Literal["questions", "spec", "either"]


class _Answered(BaseModel):
    """What a model adds beside is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


def _one_line(text: str) -> str:
    if any(char in text for char in "\n\r\0"):
        raise ValueError("must be one line")
    return text


def _no_nul(text: str) -> str:
    """A shell takes several lines (a here-document); a NUL nobody takes, and a lone CR hides what stands before it."""
    if "\0" in text or "\r" in text:
        raise ValueError("must have neither NUL nor CR in it")
    return text


def _inside(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must be a path inside the repository")
    return path


Short = Annotated[str, Field(min_length=1, max_length=500)]
Line = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_one_line)]
Command = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_no_nul)]
Path = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_one_line), AfterValidator(_inside)]


class AnsweredOption(_Answered):
    text: Annotated[str, Field(min_length=1, max_length=300)]
    why: Annotated[str, Field(max_length=300)] = ""


class AnsweredQuestion(_Answered):
    text: Short
    options: tuple[AnsweredOption, ...] = Field(default=(), max_length=5)


class AnsweredCheck(_Answered):
    origin: Literal["existing", "spec", "agent"] = "spec"
    kind: Literal["command", "test", "suite"] = "command"
    run: Command
    ids: tuple[Line, ...] = Field(default=(), max_length=50)
    files: tuple[Path, ...] = Field(default=(), max_length=20)
    may_be_missing: bool = False

    @model_validator(mode="after")
    def _whole(self) -> AnsweredCheck:
        if self.kind == "test" and not self.ids:
            raise ValueError("a check of kind test needs `ids` (classname::name)")
        if self.origin == "agent" and not self.files:
            raise ValueError("a check of origin agent needs `files`: the test files that the agent will write")
        return self


class AnsweredCriterion(_Answered):
    id: Annotated[str, Field(pattern=r"^AC-\d{1,3}$")] | None = None
    kind: Literal["new", "keep", "person"]
    text: Short
    check: AnsweredCheck | None = None

    @model_validator(mode="after")
    def _decidable(self) -> AnsweredCriterion:
        if self.kind == "person" and self.check is not None:
            raise ValueError("a criterion of kind person has no check")
        if self.kind != "person" and self.check is None:
            raise ValueError(f"a criterion of kind {self.kind} needs a check")
        return self


class AnsweredSource(_Answered):
    line: Annotated[str, Field(max_length=500)]
    kind: Literal["issue", "answer", "comment", "repository", "command", "assumed"] = "assumed"
    author: str = ""
    link: str = ""
    quote: Annotated[str, Field(max_length=1000)] = ""


class AnsweredLimits(_Answered):
    """Only what people named."""

    dollars: Annotated[Decimal, Field(gt=0, le=100_000)] | None = None
    minutes: Annotated[int, Field(gt=0, le=100_000)] | None = None


class AnsweredSpec(_Answered):
    title: Annotated[str, Field(min_length=1, max_length=120)]
    goals: tuple[Short, ...] = Field(min_length=1, max_length=5)
    criteria: tuple[AnsweredCriterion, ...] = Field(min_length=1, max_length=20)
    out_of_scope: tuple[Short, ...] = Field(default=(), max_length=20)
    assumptions: tuple[Short, ...] = Field(default=(), max_length=20)
    stack: tuple[Short, ...] = Field(default=(), max_length=10)
    touches: tuple[Short, ...] = Field(default=(), max_length=30)
    sources: tuple[AnsweredSource, ...] = Field(default=(), max_length=60)
    limits: AnsweredLimits | None = None

    @model_validator(mode="after")
    def _distinct(self) -> AnsweredSpec:
        ids = [each.id for each in self.criteria if each.id]
        if len(set(ids)) != len(ids):
            raise ValueError("two criteria have the same id")
        return self


class PlanReply(_Answered):
    """Exactly one of the two."""

    questions: tuple[AnsweredQuestion, ...] | None = None
    known: tuple[Short, ...] = Field(default=(), max_length=20)
    spec: AnsweredSpec | None = None

    @model_validator(mode="after")
    def _one(self) -> PlanReply:
        if bool(self.questions) == (self.spec is not None):
            raise ValueError("answer with either `questions` (at least one) or `spec`")
        return self


class Unusable(ValueError):
    """The text is no answer; the words go back to the model."""


def read_answer(text: str, want: Want, questions_max: int) -> PlanReply:
    """Raises Unusable."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise Unusable("There is no JSON object in it.")
    try:
        reply = PlanReply.model_validate(clean_all(read_json(text[start : end + 1])))
    except ValidationError as error:
        raise Unusable(_words(error)) from error
    except ValueError as error:
        raise Unusable(f"The JSON cannot be read: {error}.") from error
    if want == "questions" and not reply.questions:
        raise Unusable("Questions are wanted now, not a spec.")
    if want == "spec" and reply.spec is None:
        raise Unusable("The spec is wanted now; there is no further round of questions.")
    if reply.questions and len(reply.questions) > questions_max:
        raise Unusable(f"At most {questions_max} questions can be asked in a round.")
    return reply


def to_planner_answer(reply: PlanReply, known_ids: Sequence[str], spent_nano: int) -> PlannerAnswer:
    """As the conductor takes it: options lettered, criteria numbered, amounts in nano-dollars and seconds.

    `known_ids` are the criteria of the version before. They keep their ids; new ones never get one that was taken.
    """
    if reply.spec is None:
        questions = tuple(_question(each) for each in reply.questions or ())
        return PlannerAnswer(outcome="questions", questions=questions, known=reply.known, spent_nano=spent_nano)
    document = reply.spec.model_dump(mode="json", exclude={"limits", "criteria"})
    document["criteria"] = [
        each.model_dump(mode="json") | {"id": name}
        for name, each in zip(_ids(reply.spec, known_ids), reply.spec.criteria, strict=True)
    ]
    limits = _limits(reply.spec.limits)
    if limits:
        document["limits"] = limits
    return PlannerAnswer(outcome="spec", spec=document, spent_nano=spent_nano)


def _question(question: AnsweredQuestion) -> dict[str, Any]:
    options = [
        {"letter": chr(ord("a") + index), "text": each.text, "why": each.why}
        for index, each in enumerate(question.options)
    ]
    return {"text": question.text, "options": options}


def _ids(spec: AnsweredSpec, known: Sequence[str]) -> list[str]:
    """An id that the version before had is kept. Without such a version the model's numbering counts only if whole."""
    taken = set(known)
    if not taken:
        given = [criterion.id for criterion in spec.criteria if criterion.id]
        whole = len(set(given)) == len(spec.criteria)
        return given if whole else [f"AC-{number}" for number in range(1, len(spec.criteria) + 1)]
    last = max(int(each.removeprefix("AC-")) for each in taken)
    ids = []
    for criterion in spec.criteria:
        if criterion.id in taken:
            ids.append(criterion.id)
        else:
            last += 1
            ids.append(f"AC-{last}")
    return [str(each) for each in ids]


def _limits(limits: AnsweredLimits | None) -> dict[str, int]:
    named: dict[str, int] = {}
    if limits is not None and limits.dollars is not None:
        named["nano"] = int(limits.dollars * NANO)
    if limits is not None and limits.minutes is not None:
        named["seconds"] = limits.minutes * 60
    return named


def _words(error: ValidationError) -> str:
    parts = []
    for each in error.errors(include_url=False)[:5]:
        where = ".".join(str(part) for part in each["loc"])
        message = each["msg"].removeprefix("Value error, ")
        parts.append(f"`{where}`: {message}." if where else f"{message}.")
    return " ".join(parts)
