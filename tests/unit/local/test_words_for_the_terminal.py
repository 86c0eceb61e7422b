"""How `persevere` ends where a command cannot be done: words for people and a code, never a traceback."""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Callable

import pytest

from local.cli import app
from local.database import Unusable
from local.doctor.finding import Context, Named, fail
from local.doctor.run import doctor
from local.trial.exits import BAD, RED
from local.trial.terminal import Terminal
from shared.errors import Final, NotConfigured, Retryable
from shared.github.answers import NoAnswer
from shared.settings import read


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        pytest.param(Final("it is so", "do that"), RED, ("FAIL  it is so", "do that"), id="final"),
        pytest.param(NotConfigured("no App", "make one"), BAD, ("FAIL  no App", "make one"), id="not-configured"),
        pytest.param(
            NoAnswer("no connection", in_doubt=False),
            RED,
            ("FAIL  GitHub does not answer: no connection", "persevere doctor"),
            id="github-away",
        ),
        pytest.param(Retryable("the table is busy"), RED, ("FAIL  the table is busy", "try again"), id="busy"),
        pytest.param(
            Unusable("the database cannot be used: database or disk is full"),
            RED,
            ("disk is full", "make room"),
            id="database-full",
        ),
        pytest.param(
            OSError(errno.ENOSPC, "No space left on device", "/home/octocat/host.lock"),
            RED,
            ("FAIL  /home/octocat/host.lock: No space left on device", "make room"),
            id="disk-full",
        ),
        pytest.param(
            OSError(errno.EROFS, "Read-only file system", "/home/octocat/keys"),
            RED,
            ("FAIL  /home/octocat/keys: Read-only file system", "PERSEVERE_HOME"),
            id="read-only",
        ),
        pytest.param(
            PermissionError(errno.EACCES, "Permission denied", "/x"), RED, ("Permission denied",), id="denied"
        ),
    ],
)
def test_what_cannot_be_done_is_words_and_a_code(
    error: Exception,
    code: int,
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command() -> None:
        raise error

    monkeypatch.setattr(app, "app", command)
    with pytest.raises(SystemExit) as ended:
        app.main()
    said = capsys.readouterr().err
    assert ended.value.code == code
    assert all(each in said for each in words)
    assert "Traceback" not in said


class Screen(io.StringIO):
    """A terminal: `shown` is what stands on it, without its colours."""

    def isatty(self) -> bool:
        return True

    @property
    def shown(self) -> list[str]:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.getvalue()).splitlines()


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Screen]:
    """As wide as wanted, whatever this machine's own terminal is."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LINES", "24")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)

    def of(width: int) -> Screen:
        monkeypatch.setenv("COLUMNS", str(width))
        return Screen()

    return of


LONG = "`persevere up` begins there; to look at the demo: `persevere demo --keep`, then set PERSEVERE_HOME=.demo/home"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_hint_is_as_wide_as_the_terminal(
    width: int, screen: Callable[[int], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = screen(width)
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(app, "app", lambda: _raise(Final("nothing has run here yet", LONG)))
    with pytest.raises(SystemExit):
        app.main()
    assert stream.shown[0] == "FAIL  nothing has run here yet"
    assert all(line.startswith("      ") and len(line) < width for line in stream.shown[1:])
    assert max(map(len, stream.shown)) > width // 2, "it uses the room that there is"
    assert " ".join(line.strip() for line in stream.shown[1:]) == LONG
    assert "\x1b[1;31mFAIL" in stream.getvalue()


def test_without_colours_where_they_are_not_wanted(
    screen: Callable[[int], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = screen(80)
    monkeypatch.setenv("NO_COLOR", "1")
    Terminal(stream).entry("FAIL  ", LONG)
    assert "\x1b[1;31m" not in stream.getvalue() and "[31m" not in stream.getvalue()


def test_in_a_pipe_a_hint_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(app, "app", lambda: _raise(Final("M\xfcller has no job here", LONG)))
    with pytest.raises(SystemExit):
        app.main()
    assert capsys.readouterr().err == f"FAIL  M\xfcller has no job here\n      {LONG}\n"


def test_what_a_program_printed_keeps_its_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(app, "app", lambda: _raise(Final("npm ci failed: ERR one\nERR two", "mend that")))
    with pytest.raises(SystemExit):
        app.main()
    assert capsys.readouterr().err == "FAIL  npm ci failed: ERR one\n      ERR two\n      mend that\n"


def _raise(error: Exception) -> None:
    raise error


def test_a_long_line_goes_on_below_without_the_blanks_at_which_it_broke(screen: Callable[[int], Screen]) -> None:
    stream = screen(80)
    Terminal(stream).block(2, "    kept indent, " + "and a word " * 7 + "\n....." + " " * 80 + "[100%]")
    assert stream.shown == [
        "      kept indent, " + "and a word " * 5 + "and a",
        "  word and a word",
        "  .....",
        "  [100%]",
    ]


def test_a_label_stands_once_and_the_mark_of_a_quotation_before_each_line(screen: Callable[[int], Screen]) -> None:
    stream = screen(40)
    terminal = Terminal(stream)
    terminal.block(4, "python -m octo export --locale de samples.json | grep semicolon\ntrue", "spec: ")
    terminal.block(4, "a line that is longer than the terminal is wide\nand another", "| ")
    assert stream.shown == [
        "    spec: python -m octo export",
        "          --locale de samples.json |",
        "          grep semicolon",
        "          true",
        "    | a line that is longer than the",
        "    | terminal is wide",
        "    | and another",
    ]


def test_in_a_pipe_a_command_stays_whole() -> None:
    stream, command = io.StringIO(), "python -m octo export --locale de samples/invoices.json " * 4
    Terminal(stream).block(4, command, "spec: ")
    assert stream.getvalue() == f"    spec: {command}".rstrip() + "\n"


def test_a_finding_and_its_fix_are_as_wide_as_the_terminal_and_whole_in_a_pipe(
    screen: Callable[[int], Screen], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    what, fix = "the home is open to " + "everybody and " * 8, "take the rights away from " + "everybody and " * 8
    checks = [Named("home", lambda _: fail(what.strip(), fix.strip()))]
    context = Context(read({"PERSEVERE_HOME": "/home/octocat/p"}), {})
    stream = screen(60)
    with monkeypatch.context() as on_screen:
        on_screen.setattr("sys.stdout", stream)
        assert doctor({}, json_line=False, checks=checks, context=context) == 1
    found = [line for line in stream.shown if line.startswith("  ")]
    assert found[0].startswith("  FAIL  home          the home is open")
    assert max(map(len, found)) < 60
    assert doctor({}, json_line=False, checks=checks, context=context) == 1
    said = capsys.readouterr().out
    assert f"  FAIL  home          {what.strip()}\n{'':<22}Fix: {fix.strip()}\n" in said
    assert "\x1b" not in said


def test_another_fault_of_the_machine_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(app, "app", command)
    with pytest.raises(OSError, match="Input/output"):
        app.main()
