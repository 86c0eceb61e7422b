"""Markdown as GitHub shows it: tables, strike-through, task boxes; of HTML only a few harmless tags."""

import html
import re
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.tasklists import tasklists_plugin

_ALLOWED = {
    "details", "summary", "sub", "sup", "br", "hr", "b", "strong", "i", "em", "code", "kbd", "ins", "del", "p",
    "blockquote", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_PIECE = re.compile(r"<!--.*?(?:-->|\Z)|</?([a-zA-Z][a-zA-Z0-9]*)\b[^<>]*>|[^<]+|<", re.DOTALL)
# What the task list plugin itself writes; not an input that anybody could use.
_BOX = re.compile(
    r'<input class="task-list-item-checkbox"(?: checked="checked")?(?: disabled="disabled")? type="checkbox">'
)
_MENTION = re.compile(r"(?<![\w/@.-])@([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))(?!\w)")


def clean(text: str) -> str:
    """Raw HTML with the allowed tags bare of attributes (but `open`), comments gone, the rest escaped."""
    made = []
    for match in _PIECE.finditer(text):
        piece, name = match[0], (match[1] or "").lower()
        if piece.startswith("<!--"):
            continue
        if not name:
            # Text between tags keeps the entities that its author wrote.
            made.append("&lt;" if piece == "<" else piece.replace(">", "&gt;"))
        elif name in _ALLOWED:
            opened = " open" if name == "details" and re.search(r"\sopen\b", piece) else ""
            made.append(f"</{name}>" if piece.startswith("</") else f"<{name}{opened}>")
        else:
            made.append(html.escape(piece))
    return "".join(made)


def _html(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    content = tokens[index].content
    return content if _BOX.fullmatch(content) else clean(content)


def _text(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    escaped = html.escape(tokens[index].content, quote=False)
    return _MENTION.sub(r'<span class="mention">@\1</span>', escaped)


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": True, "breaks": False}).enable(["table", "strikethrough"])
    reader.use(tasklists_plugin)
    reader.add_render_rule("html_block", _html)
    reader.add_render_rule("html_inline", _html)
    reader.add_render_rule("text", _text)
    return reader


def render(text: str | None, *, breaks: bool = False) -> str:
    """HTML of a Markdown text; `breaks` keeps line ends, as in comments."""
    reader = _reader()
    reader.options["breaks"] = breaks
    return str(reader.render(text or ""))
