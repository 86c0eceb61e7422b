"""The rules that every text of ours keeps, as functions that list what breaks them."""

from __future__ import annotations

import re
from collections.abc import Iterator

VERBS = frozenset(
    "help interview plan revise spec approve status say stop resume retry extend verify accept include model".split()
)
LINES = {"status": 12, "comment": 12, "spec": 25, "pull": 20, "check": 20}  # before anything folded

_DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
_FENCE = re.compile(r"^(\s*)(`{3,})(\w*)\n(.*?)\n\1\2$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_TURN = re.compile(r"turn\b|octocat|anyone|nobody")
_EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B50\u2705]")
_MENTION = re.compile(r"(?<![\w`])@\w")
_SKIP = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|skip-checks:\s*true", re.IGNORECASE)
_LOCAL = re.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}\b(?! UTC)")
_MONEY = re.compile(r"\$\d[\d.,]*")
_COMMAND = re.compile(r"/persevere ([a-z]+)")
_OTHER_TOOLS = re.compile(r"persevere (report|config|image|history)\b")
_HTML = re.compile(r"<(?!/?(?:details|summary)>)[A-Za-z/!][^>\n]*>")


def prose_of(text: str) -> str:
    """The text without code blocks and inline code."""
    return _CODE.sub("code", _FENCE.sub("", text))


def first_paragraph(text: str) -> str:
    return text.split("\n\n", maxsplit=1)[0]


def visible_lines(text: str) -> list[str]:
    """What a phone shows before anything is unfolded."""
    lines = _DETAILS.sub("", text).split("\n")
    return [line for line in lines if line.strip() and not re.match(r"\s*`{3,}|\|(?:---\|)+$", line)]


def broken_rules(text: str, kind: str) -> Iterator[str]:
    """Every broken rule of one text; `kind` is a key of LINES."""
    prose = prose_of(text)
    unfolded = _DETAILS.sub("", text)
    if kind == "status":
        head = first_paragraph(text)
        if not re.match(r"\*\*[^*]+\*\* · ", head):
            yield f"the first line does not say state and turn: {head!r}"
        if "@" in text:
            yield "a status mentions somebody"
    elif kind != "pull" and "**" not in first_paragraph(text):
        yield "the first line says nothing in bold"
    if kind == "comment" and len(_MENTION.findall(prose)) > 1:
        yield "more than one mention"
    bold = re.search(r"\*\*(.+?)\*\*", first_paragraph(text))
    if kind == "comment" and bold and len(bold[1].split()) > 13:
        yield f"the headline is long: {bold[1]!r}"
    if len(visible_lines(text)) > LINES[kind]:
        yield f"{len(visible_lines(text))} lines before a fold"
    for line in text.split("\n"):
        if line.startswith("|") and len(re.findall(r"(?<!\\)\|", line)) > 4:
            yield f"more than three columns: {line!r}"
    for indent, _, language, body in _FENCE.findall(text):
        if language == "diff" and any(len(line) > 40 for line in body.split("\n")) and not indent and body in unfolded:
            yield "a line of a difference is longer than 40 characters"
    yield from _words(text, prose, kind)


def _words(text: str, prose: str, kind: str) -> Iterator[str]:
    for name, pattern in (
        ("an emoji", _EMOJI),
        ("a skip marker", _SKIP),
        ("an address that nobody else can open", _LOCAL),
        ("a tool that does not exist", _OTHER_TOOLS),
    ):
        if found := pattern.search(text):
            yield f"{name}: {found[0]!r}"
    if "!" in prose:
        yield "an exclamation mark"
    if re.search(r"\bjust\b|\bsorry\b|\bunfortunately\b", prose, re.IGNORECASE):
        yield "a word that says nothing"
    if found := _HTML.search(prose):
        yield f"HTML: {found[0]!r}"
    times = prose if kind != "check" else re.sub(r"^\| \d\d:\d\d \|", "|", prose, flags=re.MULTILINE)
    if found := _CLOCK.search(times):
        yield f"a clock time without UTC: {found[0]!r}"
    for money in _MONEY.findall(prose):
        if not re.fullmatch(r"\$\d+\.\d\d", money.rstrip(".,")):
            yield f"money in another form: {money!r}"
    yield from unknown_verbs(text)


def unknown_verbs(text: str) -> Iterator[str]:
    for verb in _COMMAND.findall(text):
        if verb not in VERBS:
            yield f"a verb that this version does not have: {verb!r}"
