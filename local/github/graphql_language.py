"""The part of the GraphQL language that clients of the simulator write: operations, fragments, variables, values."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'(?P<skip>[\s,\ufeff]+|#[^\n]*)|(?P<name>[_A-Za-z]\w*)|(?P<spread>\.\.\.)|(?P<block>"""(?:.|\n)*?""")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<mark>[!$():=@\[\]{}|&])'
)


class SyntaxProblem(Exception):
    """The text is not GraphQL."""


@dataclass(frozen=True)
class Variable:
    """`$name` in the place of a value."""

    name: str


@dataclass
class Field:
    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selections: list["Selection"] = field(default_factory=list)
    directives: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Spread:
    """`...Name`."""

    name: str


@dataclass
class Inline:
    """`... on Type { … }`; without a type it is of the type around it."""

    type: str | None
    selections: list["Selection"]


Selection = Field | Spread | Inline


@dataclass
class Operation:
    kind: str
    name: str | None
    variables: dict[str, tuple[str, Any]]
    selections: list[Selection]


@dataclass
class Document:
    operations: list[Operation]
    fragments: dict[str, Inline]


def parse(text: str) -> Document:
    """Read a document. Raises SyntaxProblem."""
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SyntaxProblem(f'Parse error on "{text[at]}" at {at}')
            if match.lastgroup != "skip":
                self._tokens.append((str(match.lastgroup), match[0]))
            at = match.end()
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self, wanted: str | None = None) -> str:
        if self._at >= len(self._tokens):
            raise SyntaxProblem("Unexpected end of document")
        token = self._tokens[self._at][1]
        if wanted is not None and token != wanted:
            raise SyntaxProblem(f'Expected "{wanted}", found "{token}"')
        self._at += 1
        return token

    def _name(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "name":
            raise SyntaxProblem(f'Expected a name, found "{self._peek()}"')
        return self._next()

    def document(self) -> Document:
        made = Document([], {})
        while self._at < len(self._tokens):
            word = self._peek()
            if word == "{":
                made.operations.append(Operation("query", None, {}, self._selections()))
            elif word in ("query", "mutation"):
                made.operations.append(self._operation())
            elif word == "fragment":
                self._next()
                name = self._name()
                self._next("on")
                made.fragments[name] = Inline(self._name(), self._selections())
            else:
                raise SyntaxProblem(f'Parse error on "{word}"')
        if not made.operations:
            raise SyntaxProblem("Unexpected end of document")
        return made

    def _operation(self) -> Operation:
        kind = self._next()
        name = self._name() if self._peek() not in ("(", "{", "@") else None
        variables: dict[str, tuple[str, Any]] = {}
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                self._next("$")
                variable = self._name()
                self._next(":")
                kind_of = self._type()
                default = None
                if self._peek() == "=":
                    self._next()
                    default = self._value()
                variables[variable] = (kind_of, default)
            self._next(")")
        return Operation(kind, name, variables, self._selections())

    def _type(self) -> str:
        if self._peek() == "[":
            self._next()
            text = f"[{self._type()}]"
            self._next("]")
        else:
            text = self._name()
        if self._peek() == "!":
            text += self._next()
        return text

    def _selections(self) -> list[Selection]:
        self._next("{")
        found: list[Selection] = []
        while self._peek() != "}":
            if self._peek() == "...":
                self._next()
                if self._peek() == "on":
                    self._next()
                    found.append(Inline(self._name(), self._selections()))
                elif self._peek() == "{":
                    found.append(Inline(None, self._selections()))
                else:
                    found.append(Spread(self._name()))
                continue
            found.append(self._field())
        self._next("}")
        if not found:
            raise SyntaxProblem("A selection is empty")
        return found

    def _field(self) -> Field:
        name = alias = self._name()
        if self._peek() == ":":
            self._next()
            name = self._name()
        made = Field(name, alias, self._arguments())
        while self._peek() == "@":
            self._next()
            made.directives.append((self._name(), self._arguments()))
        if self._peek() == "{":
            made.selections = self._selections()
        return made

    def _arguments(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self._peek() == "(":
            self._next()
            while self._peek() != ")":
                name = self._name()
                self._next(":")
                found[name] = self._value()
            self._next(")")
        return found

    def _value(self) -> Any:
        if self._at >= len(self._tokens):
            raise SyntaxProblem("Unexpected end of document")
        kind, token = self._tokens[self._at]
        self._at += 1
        if kind == "block":
            return token[3:-3].strip("\n")
        if kind == "string":
            return json.loads(token)
        if kind == "number":
            return float(token) if any(c in token for c in ".eE") else int(token)
        if kind == "name":
            return {"true": True, "false": False, "null": None}.get(token, token)
        if token == "$":
            return Variable(self._name())
        if token == "[":
            items = []
            while self._peek() != "]":
                items.append(self._value())
            self._next("]")
            return items
        if token == "{":
            given: dict[str, Any] = {}
            while self._peek() != "}":
                name = self._name()
                self._next(":")
                given[name] = self._value()
            self._next("}")
            return given
        raise SyntaxProblem(f'Parse error on "{token}"')
