"""A clipped text fits, says so, keeps its marker, and leaves nothing open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shared.domain.clip import CLIPPED, clip, clip_line

MARKER = "<!-- persevere:0123456789abcdef0123:0123456789abcdef -->"
PIECES = st.sampled_from([
    "word ", "\n", "\n\n", "```\n", "```python\n", "~~~~\n", "````\n", "<details><summary>more</summary>\n\n", "</details>\n",
    "<!-- hidden ", "-->", "é", "日本語", "👩‍👩‍👧", "- item\n", "    indented\n", "`code`", "| a | b |\n",
])  # fmt: skip
TEXTS = st.lists(PIECES, max_size=120).map("".join)


@given(TEXTS, st.integers(min_value=200, max_value=900), st.booleans())
def test_whatever_the_text_it_fits_and_keeps_its_last_line(text: str, size: int, marked: bool) -> None:
    whole = f"{text.rstrip()}\n\n{MARKER}" if marked else text
    short = clip(whole, size, last_line=MARKER if marked else "")
    assert len(short.encode()) <= size
    if len(whole.encode()) <= size:
        assert short == whole
    else:
        assert CLIPPED in short
        assert not marked or short.endswith(f"\n\n{MARKER}")


@given(TEXTS, st.integers(min_value=200, max_value=900))
def test_the_note_is_never_inside_code(text: str, size: int) -> None:
    short = clip(text, size)
    if short != text:
        last = [token for token in MarkdownIt().parse(short) if token.type in ("inline", "fence", "html_block")][-1]
        assert last.type == "inline"
        assert last.content.endswith(CLIPPED)


@given(st.text(max_size=400), st.integers(min_value=60, max_value=300))
def test_no_code_point_is_split(text: str, size: int) -> None:
    clip(text, size).encode("utf-8")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("```python\n", "\n```\n\n"),
        ("~~~~~\n", "\n~~~~~\n\n"),
        ("<details><summary>log</summary>\n\n", "</details>\n\n"),
        ("<details><summary>", "</summary></details>\n\n"),
        ("<details>\n\n```\n", "\n```\n\n</details>\n\n"),
        ("<!-- ", "\n-->\n\n"),
    ],
)
def test_what_is_open_is_closed(start: str, end: str) -> None:
    short = clip(start + "x\n" * 200, 200)
    assert end + CLIPPED in short


def test_a_limit_that_holds_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither"):
        clip("x" * 100, 10)


def test_a_line_is_cut_with_an_ellipsis() -> None:
    assert clip_line("a  b\nc", 10) == "a b c"
    assert clip_line("abcdefghij", 5) == "abcd…"
