"""Foreign text inside our Markdown: titles, criteria, summaries, outputs, names that somebody else wrote.

Whatever stands in them stays text: no link, picture, tag, mention, reference, closing keyword, task box, fence, marker
or command line of theirs comes to life. GitHub's filters for mentions and references work on the rendered page and
leave code alone (github.com/gjtorikian/html-pipeline, `MentionFilter.IGNORE_PARENTS`), so what could come to life is
shown as code; an escape or an entity would not help.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shared.domain.visible_text import visible_characters

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LIVE = re.compile(r"@|#\d|gh-\d|://|www\.|mailto:|xmpp:|github\.com", re.IGNORECASE)
_CLOSING_WORD = r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?"
_CLOSING = re.compile(rf"{_CLOSING_WORD}$", re.IGNORECASE)
_CLOSES = re.compile(rf"{_CLOSING_WORD}\s+\S+", re.IGNORECASE)
_REFERENCE = re.compile(r"#|:(?=//)|github(?=\.com)", re.IGNORECASE)
_AMOUNT = re.compile(r"\(?\+?\$\d[\d.,]*[).,;:]*")  # alone it is no formula
_ESCAPED = {
    "\\": "\\\\",
    "*": "\\*",
    "_": "\\_",
    "[": "\\[",
    "]": "\\]",
    "~": "\\~",
    "#": "\\#",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "|": "&#124;",  # an escaped bar after a backslash splits the cell in one parser and not in another
    "`": "&#96;",  # never a backtick beside a code span of ours
    "$": "&#36;",  # two of them are a formula
}
_MARKER = re.compile(r"<!--(?=\s*persevere)", re.IGNORECASE)
_COMMAND_LINE = re.compile(r"^(?=/[A-Za-z][\w-]*(?:[ \t]|$))", re.MULTILINE)
_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
_SKIP_TRAILER = re.compile(r"skip-checks:(?=\s*true)", re.IGNORECASE)


def printable(text: str) -> str:
    """Only what a person sees, without terminal colours, LF, no blanks at line ends, no marker of ours."""
    text = visible_characters(_ANSI.sub("", text))
    return _MARKER.sub("<! --", "\n".join(line.rstrip() for line in text.split("\n")))


def one_line(text: str, limit: int | None = None) -> str:
    """Blanks and line ends as single spaces, cut to `limit` characters with an ellipsis."""
    line = " ".join(printable(text).split())
    if limit is None or len(line) <= limit:
        return line
    return line[: limit - 1].rstrip() + "…"


def prose(text: str, limit: int | None = None) -> str:
    """One line of foreign words. Code spans in it stay code; words that GitHub would bring to life become code."""
    line = one_line(text, limit)
    out, at, before = "", 0, ""
    for span in _CODE_SPAN.finditer(line):
        words, before = _inert(line[at : span.start()], before)
        out = _join(_join(out, words), code(_closing_nothing(span[2], before)))
        at, before = span.end(), span[2]
    words, _ = _inert(line[at:], before)
    return _at_start(_join(out, words))


def _join(left: str, right: str) -> str:
    return f"{left} {right}" if left.endswith("`") and right.startswith("`") else left + right


def _inert(text: str, before: str) -> tuple[str, str]:
    """Escaped words, live ones as code; and the last word, since a closing keyword may stand before a code span."""
    out = ""
    for part in re.split(r"( +)", text):
        if not part or part.isspace():
            out += part
            continue
        out = _join(out, _word(part, before))
        before = part
    return out, before


def _word(word: str, before: str) -> str:
    if _AMOUNT.fullmatch(word):
        return word
    if not _LIVE.search(word):
        return "".join(_ESCAPED.get(char, char) for char in word)
    return code(_closing_nothing(word, before))


def _closing_nothing(text: str, before: str) -> str:
    """References behind a closing keyword are broken up, in code as well: it is not documented that GitHub skips code."""
    if _CLOSING.search(before):
        text = _REFERENCE.sub(r"\g<0> ", text)
    return _CLOSES.sub(lambda found: _REFERENCE.sub(r"\g<0> ", found[0]), text)


def _at_start(text: str) -> str:
    """A line that begins a list item or paragraph must not begin another block, nor look like a command of ours."""
    if re.match(r"[-+=]|/[A-Za-z]", text):
        return "\\" + text
    return re.sub(r"^(\d{1,9})([.)])", r"\1\\\2", text)


def cell(text: str, limit: int = 60) -> str:
    """Foreign words in a table cell."""
    return _bars(prose(text, limit))


def _bars(text: str) -> str:
    """Bars can be left in code only: escaped there, and no backslash directly before one."""
    return re.sub(r"\\+$", r"\g<0> ", re.sub(r"\\(?=\|)", r"\\ ", text).replace("|", "\\|"))


def code(text: str, limit: int | None = None) -> str:
    """Foreign text as inline code, whatever backticks it holds."""
    line = one_line(text, limit) or " "
    ticks = "`" * (max((len(run) for run in re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def cell_code(text: str, limit: int = 60) -> str:
    """Foreign text as inline code in a table cell."""
    return _bars(code(text, limit))


def fence(text: str, info: str = "text", indent: str = "") -> str:
    """Foreign lines in a code block that they cannot leave. A line that looks like a command is moved by one blank,
    unless `indent` (for a list item) moves all of them.
    """
    body = printable(text).strip("\n")
    if not indent:
        body = _COMMAND_LINE.sub(" ", body)
    ticks = "`" * max(3, max((len(run) for run in re.findall("`+", body)), default=0) + 1)
    lines = [ticks + info, *(body.split("\n") if body else ["(nothing)"]), ticks]
    return "\n".join((indent + line).rstrip() if line else line for line in lines)


def command_fence(line: str) -> str:
    """One command of ours to copy."""
    return f"```text\n{one_line(line, 200).replace('`', '')}\n```"


def quoted(text: str, limit: int = 160) -> str:
    """Foreign words inside a sentence, in quotation marks."""
    return f'"{prose(text, limit)}"'


def quote(text: str, limit: int = 4000) -> str:
    """Foreign paragraphs as a block quote: each line its own, inert."""
    shown = clip_middle(printable(text), limit)
    lines = [f"> {prose(line)}".rstrip() for line in shown.strip().split("\n")]
    return "\n".join(lines)


def sayings(words: Sequence[str], limit: int | None = None) -> str:
    """Several short foreign sayings as one sentence with its full stop."""
    said = [shown.rstrip(".") for shown in (prose(each, limit) for each in words) if shown]
    comma = "; " if any(sign in each for each in said for sign in ",.;") else ", "
    return f"{comma.join(said)}." if said else ""


def plain(text: str, limit: int) -> str:
    """Foreign words where no Markdown is rendered (titles, commit messages): nothing there can be code, so what would
    mention, refer or close is broken up.
    """
    line = _mentioning_nobody(one_line(text).replace("`", ""))
    line = re.sub(r"#(?=\d)", "no. ", line)
    line = re.sub(r"\bgh-(?=\d)", "GH ", line, flags=re.IGNORECASE)
    line = _closing_nothing(_mentioning_nobody(line).replace("://", ": //"), "")
    return one_line(without_skip_marks(line), limit)


def _mentioning_nobody(line: str) -> str:
    return re.sub(r"(?<!\w)@+(?=\w)", "", line)


def without_skip_marks(text: str) -> str:
    """Words that make CI skip a commit (docs.github.com, "Skipping workflow runs") must not reach a branch."""
    return _SKIP_TRAILER.sub("skip-checks is", _SKIP.sub(r"(\1)", text))


def clip_middle(text: str, limit: int) -> str:
    """At most about `limit` characters: head and tail, and how much is left out between them."""
    if len(text) <= limit:
        return text
    head, tail = limit // 3, limit - limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[… {left_out} characters left out …]\n{text[-tail:]}"


def link(words: str, url: str) -> str:
    """A link of ours to GitHub; only the words when there is no address."""
    return f"[{words}]({url})" if re.fullmatch(r"https?://[^\s()<>\[\]\"'`\\]+", url) else words


def fold(summary: str, body: str) -> str:
    """What is longer than a phone's screen. `summary` is ours: plain words without Markdown."""
    words = summary.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<details><summary>{words}</summary>\n\n{body}\n</details>"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """At most three columns; cells must already be safe."""
    if len(head) > 3:
        raise ValueError("a phone shows three columns")
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("|" + "|".join(f" {each} " if each else " " for each in line) + "|" for line in lines).replace(
        "| --- ", "|---"
    )


def paragraphs(*parts: str) -> str:
    """Blocks with one blank line between them; empty ones fall out."""
    return "\n\n".join(part for part in parts if part) + "\n"
