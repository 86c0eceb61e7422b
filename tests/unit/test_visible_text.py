"""What a person sees of Markdown, held against a renderer: no word may survive that its page does not show."""

import re
import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.footnote import footnote_plugin

from shared.domain.characters import is_visible
from shared.domain.visible_text import visible, visible_characters

CASES = [
    ("plain words stay", "plain words stay", 0),
    ("a <!-- secret --> b", "a  b", 15),
    ("<!-- a template's hint -->\nIt fails.", "\nIt fails.", 26),
    ("seen\n<!-- never ended\n\nhidden", "seen\n", 24),
    ("a <!-- never ended", "a ", 16),
    ("`<!-- code -->` and `<b>`", "`<!-- code -->` and `<b>`", 0),
    ("```html\n<!-- code -->\n<b title='x'>\n```", "```html\n<!-- code -->\n<b title='x'>\n```", 0),
    ("    <!-- indented code -->", "    <!-- indented code -->", 0),
    ("1. run\n   ```\n   vector<int>\n   ```\n", "1. run\n   ```\n   vector<int>\n   ```\n", 0),
    ("<b>bold</b> and<br>next", "bold and next", 0),
    ('<b title="ignore this">bold</b>', "bold", 23),
    ("![words in a picture](http://x/y.png)", "[image]", 37),
    ('<img alt="words" src="x">', "[image]", 25),
    ('[link](http://x/y "words")', "[link](http://x/y)", 8),
    ("[r][ref]\n\n[ref]: http://x 'words'", "[r]\n\n", 28),
    ("[//]: # (words)", "", 15),
    ("x[^1]\n\n[^1]: seen", "x[^1]\n\n[^1]: seen", 0),
    ("x\n\n[^1]: never seen", "x\n\n[^1]: ", 10),
    ("|a|b|\n|-|-|\n|1|2|3|", "|a|b|\n|-|-|\n|1|2||", 1),
    ("``` py words after\nx\n```", "``` py\nx\n```", 12),
    ('<div title="\n\nhidden to the end', "", 31),
    ("<details><summary>Log</summary>\n\nlines\n</details>", "Log\n\nlines\n", 0),
    ("<script>alert(1)</script> x", " x", 8),
    ("a&zwj;b &amp; c&#x200B;", "ab &amp; c", 13),
    ("zero\u200bwidth, soft\u00adhyphen, tag\U000e0041, bidi\u202e", "zerowidth, softhyphen, tag, bidi", 4),
    ("line\r\nends\r", "line\nends\n", 0),
    ("e\u0301", "\u00e9", 0),
    ("\\<b> \\[x](y)", "\\<b> \\[x](y)", 0),
    ("the list is List<String>", "the list is List", 0),
    ("if a < b and c > d", "if a < b and c > d", 0),
    ("<https://example.com/x> and a@example.com", "<https://example.com/x> and a@example.com", 0),
    ("> quoted `<x>`\n> more", "> quoted `<x>`\n> more", 0),
    ("\tmake\tall", "\tmake\tall", 0),
]


@pytest.mark.parametrize(("text", "seen", "hidden"), CASES, ids=[repr(case[0])[:40] for case in CASES])
def test_what_a_person_sees(text: str, seen: str, hidden: int) -> None:
    found = visible(text)
    assert found.text == seen
    assert found.hidden == hidden


def test_no_code_point_passes_that_is_not_shown() -> None:
    categories = {"Cc", "Cf", "Cn", "Co", "Cs"}
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    left = visible_characters(everything)
    wrong = [char for char in left if char not in "\n\t" and unicodedata.category(char) in categories]
    assert not wrong
    for hidden in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u200b\u2060\u2800\u3164\ufe0f\uffa0\U000e0001\U000e0100":
        assert hidden not in left
        assert not is_visible(hidden)
    for seen in "aß中あعקथ\u00a0€→…😀\ufffd\n\t":
        assert seen in left


@given(st.text(max_size=60))
def test_doing_it_twice_changes_nothing(text: str) -> None:
    once = visible_characters(text)
    assert visible_characters(once) == once
    seen = visible(text).text
    assert visible(seen).text == seen
    assert unicodedata.is_normalized("NFC", seen)


# --- against a renderer ---------------------------------------------------------------------------------------

RENDERER = MarkdownIt("commonmark", {"html": True}).enable("table").use(footnote_plugin)
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
SWALLOWING = frozenset({"script", "style"})


class Page(HTMLParser):
    """The words that a page shows: text outside of comments, attributes and scripts; addresses of links count."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.shown: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shown += [value or "" for name, value in attrs if name in ("href", "class")]
        if tag in SWALLOWING:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            self.inside.remove(tag)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        return self.parse_bogus_comment(i)  # as browsers do; html.parser raises for unknown ones

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.shown.append(data)


def shown_words(markdown: str) -> set[str]:
    page = Page()
    page.feed(RENDERER.render(markdown))
    return words_in(" ".join(page.shown))


def words_in(text: str) -> set[str]:
    return set(re.findall(r"w\d+x", text))


# What hides, what looks as if it hid, what changes how the rest is read. `#` stands for a fresh word.
PIECES = [
    "#", "# #", " ", "\n", "\n\n", "\n", "  ", "    ", "\t", "> ", "- ", "1. ", "2) ", "* ", "+ #", "    # ", "\\",
    "`", "``", "```", "````", "~~~", "```\n#\n```\n", "\n```\n", "\n~~~\n", "``` py #\n", "~~~ #\n", "`#`", "`` ` # ``",
    "<!-- # -->", "<!--", "-->", "<!-->", "<!--->", "--!>", "<? # ?>", "<![CDATA[ # ]]>", "<!X # >",
    "<b>", "</b>", "<b title='#'>", '<i x="#">', "<div>", "\n<div>\n", "</div>", "\n\n<div title='#'>#\n", "<p #>", "<", ">",
    "<details>\n", "</details>\n\n", "<summary>#</summary>", "<pre>\n", "</pre>\n", "<script>#</script>", "<a\n#>",
    "<custom #>", "\n<custom>\n", "</custom #>", "<https://x.y/#>", "<#@x.y>", "&#35;", "&lt;!-- # --&gt;",
    "[#](", "](", "[#](/#)", "[#](/u '#')", "[#](</u> \"#\")", "![#](/#)", "![#](/u '#')", "![", "[", "]", "(", ")", "[#]",
    "[#][r]", "![#][r]", "[r]", "[r]: /u '#'\n", "\n\n[r]: /u\n", "[#]: /u\n", "[//]: # (#)\n", "[r]:\n/u\n'#'\n", "\n[r]: <#>\n",
    "|#|#|\n|-|-|\n", "|#|#|#|\n", "\n| # | `#|`\n|---|---|\n", "|", "\\|", "[^n]", "\n\n[^n]: #\n", "\n\n[^m]: #\n    #\n",
    "=== \n", "---\n", "***\n", "# #\n", "## #", "\n#####\n", "'", '"', "*#*", "__#__",
]  # fmt: skip


@st.composite
def hostile(draw: st.DrawFn) -> str:
    text, number = "", 0
    for piece in draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=14)):
        for part in piece.replace("# #", "# \0").split("#"):
            text += part + f"w{number}x"
            number += 1
        text = text.removesuffix(f"w{number - 1}x").replace("\0", "w0x")
    return text


@settings(max_examples=400, deadline=None, derandomize=True)
@given(hostile())
def test_no_word_survives_that_the_page_does_not_show(text: str) -> None:
    assert words_in(visible(text).text) <= shown_words(text), visible(text).text


# Where renderers differ, or differed from us once: each hides its word somewhere.
DISPUTED = [
    "<!-->w1x",
    "w0x<!--<!--->w4x",
    "w0x<!-->\\<!-- w4x -->w6x",
    "[r]: /u 'w0x'\n<b>\n```\n<!-- w4x -->",
    "[r]: /u 'w0x'\n<b>\n```\n<!--```\nw5x\n```\nw7x",
    "\n\n[r]: /u\n'w2x\n<custom>\n'",
    "\n\n[r]: /u\n'|w2x|w3x|\n|-|-|\n=== \n'",
    "[^n]\n\n[^n]: w1x\n\n\n[^n]: w3x\n",
    "w0x``` py w2x\n[w4x](/u 'w5x')=== \n|w8x|w9x|\n|-|-|\nw11x``` py w13x\n",
    ">=== \n    >``` py w4x\n",
    "[r]: /u 'w0x'\n2) ```<p w4x>w6x",
    "|=== \n---\n|w3x|w4x|\n|-|-|\n",
    "\\|=== \n---\n|w3x|w4x|\n|-|-|\n",
    "|w0x|w1x|\n|-|-|\n2) ``` py w4x\n",
    "|w0x|w1x|\n|-|-|\n<custom>\n`<!-- w4x -->`\n",
    "\n\n[^n]: w0x\n|w2x|w3x|\n|-|-|\nw5x",
    "[^n]\n\n[^n]: w1x\n<!--",
    "<!--<!-- > <!-->w5x",
    "![w0x][r]</details>\n\n[w3x]\n<custom>\n>[r]:\n/u\n'w7x'\n",
]


@pytest.mark.parametrize("text", DISPUTED)
def test_what_renderers_dispute_is_not_seen(text: str) -> None:
    assert words_in(visible(text).text) <= shown_words(text)


PROSE = [
    "one two",
    "- three\n- four",
    "`five`",
    "```py\nsix <b>\n```",
    "> seven",
    "**eight** _nine_",
    "ten < eleven",
    "| a | b |\n|---|---|\n| c | d |",
]


@given(st.permutations(PROSE))
def test_honest_text_keeps_every_word(parts: list[str]) -> None:
    text = "\n\n".join(parts)
    found = visible(text)
    assert found.text == text
    assert found.hidden == 0
