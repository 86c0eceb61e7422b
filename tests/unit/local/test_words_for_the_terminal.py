"""How `persevere` ends where a command cannot be done: words for people and a code, never a traceback."""

from __future__ import annotations

import io

import pytest

from local.cli import app
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
