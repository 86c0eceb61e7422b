"""What is shown of a command's output: its end, and how much of it that is."""

import pytest

from runner_image.outcome import SHOWN_TAIL, plain_run
from runner_image.sandbox.contract import Ran, really
from runner_image.sandbox.output import Spool, clean
from shared.agent.data import clip


def ran(data: bytes) -> Ran:
    spool = Spool(None, 0)
    spool.feed(data)
    return Ran("exited", 0, 0.1, spool.close())


def test_a_short_output_is_shown_whole() -> None:
    assert plain_run(ran(b"\x1b[31m3 passed\x1b[0m\n")).tail == "3 passed\n"


def test_of_a_long_output_the_end_is_shown_and_the_rest_is_counted() -> None:
    tail = plain_run(ran(b"a" * 1_000_000 + b"the end\n")).tail
    first, _, rest = tail.partition("\n")
    assert first == "[... the first 996,008 of 1,000,008 bytes are left out here ...]"
    assert rest.endswith("the end\n")
    assert len(rest) == SHOWN_TAIL


def test_a_clipped_output_keeps_its_lines_where_the_control_plane_clips_too() -> None:
    spool = Spool(None, 1_000_000)
    spool.feed(b"x" * 999_000 + b"\n")
    shown = spool.close().text(rest="the first 999,001 are in /tmp/output-1.txt") + "[exit code 0]"
    assert clip(shown) == shown
    assert "of 999,001 bytes left out here; the first 999,001 are in /tmp/output-1.txt" in shown


def test_the_network_that_was_really_there_is_what_is_said() -> None:
    assert [really(name, "local") for name in ("bwrap", "uid", "container", "uid:none", "none")] == [
        *("local", "local", "local"),
        "none",
        "open",
    ]
    assert really("uid:none", "open") == "open"


@pytest.mark.parametrize("begin", ["\x1bP", "\x1b_", "\x1b]0;"])
def test_an_escape_without_an_end_hides_nothing(begin: str) -> None:
    """From a binary file, or from a test that would rather not be seen to fail."""
    said = clean(f"before\n{begin}1 FAILED\nafter\n".encode())
    assert "1 FAILED\nafter\n" in said
    assert clean(f"a{begin}title\x1b\\b\x1b[31mc\x1b[0m\n".encode()) == "abc\n"


@pytest.mark.parametrize("flood", [b"\x1b]", b"\x1bP", b"\x1b[1", b"\x1b(", b"\r", b"\x1b]x\x1b", b"\0", b"\xff"])
def test_a_flood_of_escapes_is_cleaned_in_one_pass(flood: bytes) -> None:
    """Twice the flood is twice the work: were it four times, this would run for minutes."""
    assert "\x1b" not in clean(flood * 300_000)
