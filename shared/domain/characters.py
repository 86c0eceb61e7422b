"""Which characters a person sees. An allow-list: nothing of the categories Cc (but newline and tab), Cf, Cn, Co, Cs,
nothing that is made to be ignored by a display, no filler that shows as nothing.
"""

from __future__ import annotations

import unicodedata

# Shown as nothing although their category says letter, mark or symbol: default-ignorables (unicode.org, property
# Default_Ignorable_Code_Point), fillers, variation selectors, the braille blank, the null notehead.
BLANK_RANGES = (
    (0x034F, 0x034F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0),
    (0x16FE4, 0x16FE4),
    (0x1D159, 0x1D159),
    (0xE0000, 0xE0FFF),
)
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})


def is_visible(char: str) -> bool:
    """Whether one character may stay. Newline and tab may; line and paragraph separators may not."""
    if char in "\n\t":
        return True
    if unicodedata.category(char) in HIDDEN_CATEGORIES or char in "\u2028\u2029":
        return False
    return not any(low <= ord(char) <= high for low, high in BLANK_RANGES)


def unified(text: str) -> str:
    """LF line ends; the two Unicode separators that no Markdown takes for a line end as blanks."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\u2028", " ").replace("\u2029", " ")


def visible_characters(text: str) -> str:
    """The text in NFC with LF, without any character that no person sees. Doing it twice changes nothing."""
    text = unified(text)
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", "".join(char for char in text if is_visible(char)))
