"""What `persevere init --aws` writes into the operator's choices, however few lines those have."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import pytest

from local.cloud.choices_file import note_app, note_model
from local.trial.terminal import Terminal

WHOLE = '# 0 until it exists\napp_id = 0\napp_slug = "persevere"\nmodel = ""\nlog_days = 14\n'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WHOLE, id="as it comes"),
        pytest.param("log_days = 14\n", id="lines left out, as they may be"),
        pytest.param("log_days = 14", id="no end of line"),
        pytest.param("log_days=14\napp_id=0\nmodel=''\n", id="written otherwise"),
        pytest.param("# app_id = 1\nlog_days = 14\n", id="a comment"),
    ],
)
def test_app_and_model_stand_in_the_choices_and_the_rest_stays(tmp_path: Path, text: str) -> None:
    file, said = tmp_path / "choices.toml", io.StringIO()
    file.write_text(text)
    assert note_app(7, "octo-app", file, Terminal(said))
    assert "app_id = 7" in said.getvalue()
    assert note_model("anthropic:one", file)
    wanted = {"app_id": 7, "app_slug": "octo-app", "model": "anthropic:one", "log_days": 14}
    assert tomllib.loads(file.read_text("utf-8")) == wanted
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in file.read_text("utf-8").splitlines() if line.startswith("#")
    ]
    assert not note_app(7, "octo-app", file, Terminal(said)), "it stands there"
    assert not note_model("openai:other", file), "one is chosen"
