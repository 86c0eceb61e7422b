"""The operator's own prices: in the place of the published ones, and each fault is named with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import NotConfigured
from shared.llm.prices import Price, published
from shared.llm.prices_file import read_prices
from shared.ports import Usage

TIER = {"above": 0, "input": 100, "output": 200, "cached": 10, "write": 100}
ENTRY: dict[str, Any] = {
    "window": 32_000, "max_output": 8_000, "tiers": [TIER], "source": "our contract", "checked": "2026-11-24",
}  # fmt: skip


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.json"
    path.write_text(text)
    return path


def test_an_entry_stands_beside_the_published_ones_or_in_their_place(tmp_path: Path) -> None:
    models = {"compatible:qwen": ENTRY, "openai:gpt-6.1-sol": ENTRY}
    prices = published().with_more(read_prices(written(tmp_path, json.dumps({"models": models}))))
    assert prices.of("compatible:qwen", 0).tiers[0].input == 100
    assert prices.of("openai:gpt-6.1-sol", 0).tiers[0].output == 200
    assert prices.of("openai:gpt-6-luna", 0) == published().of("openai:gpt-6-luna", 0)


@pytest.mark.parametrize(("says", "per_mille"), [({}, 100), ({"surcharges": {"us": 0}}, 0)])
def test_a_hold_has_room_for_the_surcharge_that_an_entry_does_not_name(
    tmp_path: Path, says: dict[str, Any], per_mille: int
) -> None:
    name = "anthropic:claude-sonnet-5-5"
    path = written(tmp_path, json.dumps({"models": {name: ENTRY | says}}))
    price = published().with_more(read_prices(path)).of(name, 0)
    assert price.cost(Usage(1_000, output=1_000, surcharge="us")) == 300 * (1000 + per_mille)
    assert price.worst(1_000, 1_000) == 300 * (1000 + per_mille)


@pytest.mark.parametrize("surcharge", ["", "us"])
def test_no_price_makes_an_answer_dearer_than_its_hold(surcharge: str) -> None:
    price = Price.model_validate(ENTRY)
    assert price.cost(Usage(1_000, output=1_000, surcharge=surcharge)) <= price.worst(1_000, 1_000)


def _line(entry: dict[str, Any], name: str = "compatible:qwen") -> str:
    return json.dumps({"models": {name: entry}}, indent=1)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (_line(ENTRY | {"windov": 1}), 17, "no such entry `windov`; `window` is one"),
        (_line(ENTRY | {"tiers": [TIER | {"price": 1}]}), 13, "no such entry `price`"),
        (_line(ENTRY | {"tiers": [TIER | {"input": 1.5}]}), 9, "models.compatible:qwen.tiers.0.input"),
        (_line(ENTRY | {"tiers": [TIER | {"input": 0}]}), 9, "greater than 0"),
        (_line(ENTRY | {"tiers": [TIER | {"above": 9}]}), 6, "tiers begin with `above` 0"),
        (_line({key: value for key, value in ENTRY.items() if key != "source"}), 3, "source"),
        (_line(ENTRY | {"checked": "yesterday"}), 16, "checked"),
        (_line(ENTRY, "qwen"), 3, "`qwen` is no model"),
        ('{"modells": {}}', 1, "modells"),
        ('{\n "models": {\n', 3, "no valid JSON or YAML"),
        ("just words", 1, "prices.json line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(NotConfigured) as refused:
        read_prices(written(tmp_path, text))
    assert f"prices.json line {line}: " in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="cannot be read"):
        read_prices(tmp_path)
