"""How `persevere` ends where a command cannot be done: words for people and a code, never a traceback."""

from __future__ import annotations

import errno
import io

import pytest

from local.cli import app
from local.database import Unusable
from local.trial.exits import BAD, RED
from local.trial.terminal import Terminal
from shared.errors import Final, NotConfigured, Retryable
from shared.github.answers import NoAnswer


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


def test_a_long_line_goes_on_below_without_the_blanks_at_which_it_broke() -> None:
    stream = io.StringIO()
    Terminal(stream).block(2, "    kept indent, " + "and a word " * 7 + "\n....." + " " * 80 + "[100%]")
    assert stream.getvalue().splitlines() == [
        "      kept indent, " + "and a word " * 5 + "and a",
        "  word and a word",
        "  .....",
        "  [100%]",
    ]


def test_another_fault_of_the_machine_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def command() -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(app, "app", command)
    with pytest.raises(OSError, match="Input/output"):
        app.main()
