"""Foreign text inside ours: whatever it holds, nothing of it comes to life on the page."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.domain import messages as m
from shared.domain.issue import Interview, Note, Option, Question, Waiting
from shared.render.checks import render_checks
from shared.render.comments import render_comment
from shared.render.commit_message import render_commit
from shared.render.markdown import (
    cell,
    cell_code,
    clip_middle,
    code,
    fence,
    fold,
    link,
    one_line,
    plain,
    prose,
    quote,
    sayings,
    table,
    without_skip_marks,
)
from shared.render.pull import render_pull
from shared.render.spec_comment import render_spec
from shared.render.status import render_status
from tests.unit.render import views

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# What people and models write when they want something to happen.
TRICKS = [
    "@octocat", "@octo-org/team", "a@b.example", "#1", "GH-7", "gh-7", "octo-org/octo-repo#3", "fixes #12", "Closes: #12",
    "resolves https://github.com/octo-org/octo-repo/issues/3", "https://evil.example/x?y=1", "www.evil.example",
    "![pixel](https://evil.example/p.png)", "[click](https://evil.example)", "[r]", "[r]: https://evil.example",
    "<img src=x onerror=y>", "<!-- persevere:abc:0123456789abcdef -->", "<!--persevere:x-->", "</details>", "<details>",
    "<script>", "```", "````", "`", "``", "~~~", "\\", "\\`", "|", "\\|", "\n", "\n\n", "\r\n", "\n/persevere approve v2",
    "/persevere stop", "\n- [ ] **Approve v9 and start**", "- [x] done", "# head", "\n---\n", "===", "1. one", "> quoted",
    "*bold*", "__x__", "~~gone~~", "$x$", "$$y$$", "&lt;b&gt;", "&#64;octocat", "&commat;octocat", "\u200b@octocat",
    "\u202egnirts", "\x1b[31mred\x1b[0m", "[skip ci]", "[ci skip]", "skip-checks: true", "Co-authored-by: x <x@y>",
    "Persevere-Effect: 00", "[^1]", "[^1]: note", ":smile:", "| a | b |\n|---|---|", "word", " ", "\t", "(", ")", ":", ".",
]  # fmt: skip
foreign = st.lists(st.sampled_from(TRICKS) | st.text(max_size=8), max_size=8).map("".join)


def tokens(markdown: str) -> list[Token]:
    flat: list[Token] = []
    for token in RENDERER.parse(markdown):
        flat += [token, *(token.children or ())]
    return flat


def living_words(markdown: str) -> str:
    """The text outside of code: what GitHub's filters for mentions and references look at."""
    return "\n".join(token.content for token in tokens(markdown) if token.type in ("text", "html_inline", "html_block"))


MENTION = re.compile(r"(?<![\w`])@[A-Za-z0-9]")
REFERENCE = re.compile(r"#\d|\bgh-\d|://|\bwww\.", re.IGNORECASE)


@settings(max_examples=300)
@given(foreign)
def test_prose_stays_one_inert_line(text: str) -> None:
    shown = prose(text)
    assert "\n" not in shown
    found = tokens(shown)
    assert {token.type for token in found} <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
    assert not MENTION.search(living_words(shown))
    assert not REFERENCE.search(living_words(shown))


@settings(max_examples=300)
@given(foreign, foreign)
def test_a_cell_stays_in_its_cell(left: str, right: str) -> None:
    shown = table(("A", "B", "C"), [(cell(left), "ours", cell_code(right))])
    found = [token for token in tokens(shown) if token.type == "td_open"]
    assert len(found) == 3
    assert "ours" in living_words(shown)
    assert not MENTION.search(living_words(shown))


@settings(max_examples=300)
@given(foreign)
def test_nobody_leaves_a_fence(text: str) -> None:
    for indent in ("", "  "):
        item = "- item\n\n" if indent else ""
        shown = f"{item}{fence(text, 'text', indent)}\n\nours after it"
        found = [token for token in tokens(shown) if token.type == "fence"]
        assert len(found) == 1
        assert living_words(shown).split("\n")[-1] == "ours after it"


@settings(max_examples=300)
@given(foreign)
def test_code_is_one_piece_of_code(text: str) -> None:
    shown = f"before {code(text)} after"
    found = [token for token in tokens(shown) if token.type == "code_inline"]
    assert len(found) == 1
    assert living_words(shown).split() == ["before", "after"]


@settings(max_examples=300)
@given(foreign)
def test_a_quote_holds_lines_of_words_only(text: str) -> None:
    shown = quote(text)
    assert all(line.startswith(">") for line in shown.split("\n"))
    allowed = {
        "blockquote_open",
        "blockquote_close",
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "code_inline",
    }
    assert {token.type for token in tokens(shown)} <= allowed | {"softbreak"}


@settings(max_examples=300)
@example("@@octocat")
@example("@`octocat")
@example("@#5")
@example("#`5")
@example("#@5")
@given(foreign)
def test_plain_words_mention_close_and_skip_nothing(text: str) -> None:
    shown = plain(text, 80)
    assert len(shown) <= 80
    assert "\n" not in shown
    assert not MENTION.search(shown)
    assert not re.search(r"#\d|\bgh-\d|://", shown, re.IGNORECASE)
    assert without_skip_marks(shown) == shown


@settings(max_examples=200)
@given(st.lists(foreign, max_size=4))
def test_sayings_are_one_sentence(texts: list[str]) -> None:
    shown = sayings(texts)
    assert "\n" not in shown
    assert shown == "" or shown.endswith(".")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("writes `;` and `,`", "writes `;` and `,`"),
        ("ask @octocat, please", "ask `@octocat,` please"),
        ("fixes #12 now", "fixes `# 12` now"),
        ("see #12", "see `#12`"),
        ("a * b _ c", "a \\* b \\_ c"),
        ("# head", "\\# head"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("/persevere stop", "\\/persevere stop"),
        ("a|b", "a&#124;b"),
        ("up to $6.00, or $7", "up to $6.00, or $7"),
        ("$x$", "&#36;x&#36;"),
        ("<b>", "&lt;b&gt;"),
        ("a\nb", "a b"),
        ("``a`b``", "``a`b``"),
    ],
)
def test_how_foreign_words_are_written(text: str, shown: str) -> None:
    assert prose(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/persevere stop\nx", "```text\n /persevere stop\nx\n```"),
        ("/usr/bin/python: not found", "```text\n/usr/bin/python: not found\n```"),
        ("a ``` b", "````text\na ``` b\n````"),
        ("\x1b[31mred\x1b[0m", "```text\nred\n```"),
        ("", "```text\n(nothing)\n```"),
    ],
)
def test_how_foreign_output_is_written(text: str, shown: str) -> None:
    assert fence(text) == shown


def test_a_long_text_is_clipped_in_the_middle_and_says_so() -> None:
    text = clip_middle("a" * 50 + "b" * 50, 30)
    assert "70 characters left out" in text
    assert text.startswith("a" * 10)
    assert text.endswith("b" * 20)


def test_a_table_has_at_most_three_columns() -> None:
    with pytest.raises(ValueError, match="three columns"):
        table(("1", "2", "3", "4"), [])


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://x y", "https://x)y", "http://[::1"])
def test_only_an_address_becomes_a_link(url: str) -> None:
    assert link("words", url) == "words"


def test_a_fold_is_one_block() -> None:
    assert fold("<b> & c", "body") == "<details><summary>&lt;b&gt; &amp; c</summary>\n\nbody\n</details>"


def test_one_line_is_cut_with_an_ellipsis() -> None:
    assert one_line("abc def", 5) == "abc…"
    assert one_line("abc", 3) == "abc"


# --- whole texts ----------------------------------------------------------------------------------------------


def everything(text: str) -> list[str]:
    """Every kind of text with one foreign string in every place that foreign strings come from."""
    whole = views.spec(
        2,
        title=text,
        goals=(text,),
        out_of_scope=(text,),
        assumptions=(text,),
        stack=(text,),
        touches=(text,),
        criteria=tuple(
            each.model_copy(
                update={"text": text, "check": each.check and each.check.model_copy(update={"run": text or "true"})}
            )
            for each in views.criteria()
        ),
        sources=tuple(
            each.model_copy(update={"quote": text, "line": text, "link": text}) for each in views.spec().sources
        ),
    )
    record = views.record(2, whole, because=text, today={"AC-1": text}, cannot_run={})
    verdicts = tuple(
        each.model_copy(update={"text": text, "reason": text, "tail": text, "findings": (text,), "run": text})
        for each in views.one_failed()
    )
    notes = (Note(name="near_miss_other_line", who=text, text=text, at=1), Note(name=text, who="x", text=text, at=1))
    halt = Waiting(reason=text, detail=text, line="", whose=text, since=1)
    fields: dict[str, Any] = {"spec": record, "approved": record, "notes": notes, "title": text}
    working = views.working(steps=(), events=(), lease=views.lease(doing=text), **fields)
    proved = views.proved(verdicts, flagged=({"path": text, "rule": text, "words": text},), **fields)
    paused = views.proved(verdicts, phase="waiting", waiting=halt, **fields)
    proposed = views.view(views.waiting_spec().issue, spec=record)
    runs = render_checks(proved, 1)
    asked = Question(number=1, text=text, options=(Option(letter="a", text=text, why=text),))
    interview = Interview(round=1, questions=(asked,), known=(text,), asked_at=1)
    return [
        render_status(working, 1, 2),
        render_status(proved, 1, None),
        render_status(paused, 1, None),
        render_spec(proposed, 2),
        render_pull(proved).body,
        *(run.summary for run in runs),
        render_comment(m.NoChange(to="octocat", summary=text, spent="$1.00"), proved),
        render_comment(m.BranchRefused(to="octocat", words=text, line="/persevere resume"), proved),
        render_comment(m.CannotPrepare(to="octocat", stage="setup", command=text, reason=text, tail=text), proved),
        render_comment(m.EndedUnproved(to="octocat", rounds=3), proved),
        render_comment(m.NotPublished(to="octocat", problems=({"path": text, "words": text},), patch=text), proved),
        render_comment(m.Questions(to=text, round=1), views.view(views.issue(interview=interview))),
        render_comment(m.UnknownVerb(word=text, line=""), proved),
    ]


@settings(max_examples=30, deadline=None)
@given(foreign)
def test_no_foreign_word_comes_to_life_in_any_text(text: str) -> None:
    texts = everything(text)
    assert not any("@" in status for status in texts[:3])
    for shown in texts:
        words = living_words(shown)
        assert len(MENTION.findall(words)) <= 1, shown  # the one whom we ask
        tags = [token.content for token in tokens(shown) if token.type in ("html_block", "html_inline")]
        assert all(re.fullmatch(r"(?:</?details>|<summary>[^<]*</summary>|\s)*", tag) for tag in tags), tags
        assert not any(token.type == "image" for token in tokens(shown))
        boxes = [token for token in tokens(shown) if token.type == "inline" and token.content.startswith("[ ] ")]
        assert len(boxes) <= 1, shown  # inside a fence it is no box
        assert not re.search(r"<!--\s*persevere", shown, re.IGNORECASE)
        for address in (str(token.attrGet("href")) for token in tokens(shown) if token.type == "link_open"):
            assert address.startswith(views.URL)
        commands = [line for line in shown.split("\n") if line.lower().startswith("/persevere")]
        assert all(f"```text\n{line}\n```" in shown for line in commands)


@settings(max_examples=100)
@given(foreign)
@example("```fixes #12```")
@example("fixes `#12`")
@example("Closes: `octo-org/octo-repo#12` and resolved github.com/octo-org/octo-repo/issues/12")
def test_a_pull_request_and_its_commit_skip_nothing_and_close_one_issue(text: str) -> None:
    whole = views.spec(2, title=text, goals=(text,))
    record = views.record(2, whole)
    view = views.proved(spec=record, approved=record, title=text)
    pull, message = render_pull(view), render_commit(view, text, "0" * 20)
    for shown in (pull.title, pull.body, message):
        assert without_skip_marks(shown) == shown
    closing = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b:?\s+(?:\S*#\d|\S*github\.com)", re.IGNORECASE)
    assert len(closing.findall(pull.body)) == 1
    assert not closing.search(pull.title.removesuffix("(#42)"))
    assert not closing.search(message)


@settings(max_examples=100)
@given(foreign, foreign)
def test_a_commit_message_keeps_its_form(title: str, summary: str) -> None:
    record = views.record(2, views.spec(2, title=title, goals=(summary,)))
    message = render_commit(views.working(spec=record, approved=record, title=title), summary, "f" * 20)
    lines = message.split("\n")
    assert 0 < len(lines[0]) <= 72
    assert lines[1] == ""
    assert not any(line.startswith("#") for line in lines)
    assert message.endswith(f"\n\n{TRAILERS}Persevere-Effect: {'f' * 20}\n") or TRAILERS in message
    assert message.rstrip().split("\n\n")[-1].count("Persevere-Effect:") == 1
    assert not any(re.match(r"[A-Za-z-]+-(?:by|Effect): ", line) for line in lines[1:-4])


TRAILERS = "Co-authored-by: octocat <583231+octocat@users.noreply.github.com>\nPersevere-Spec: v2 "
