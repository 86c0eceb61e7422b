"""`.github/persevere.yml`: strict, with the line of what is wrong."""

from typing import Any

import pytest

from shared.domain.money import NANO
from shared.domain.repository_settings import BadSettings, RepositorySettings, read_settings

LINES = {"budget": 2, "tets": 3, "approval": 4}


def test_an_empty_file_is_all_defaults() -> None:
    assert read_settings(None, {}) == read_settings({}, {}) == RepositorySettings()


def test_every_key_is_read() -> None:
    document = {
        "setup": "make setup",
        "tests": "pytest -q",
        "budget": "$1.50",
        "time": "1h",
        "approval": "exact",
        "approvers": "maintain",
        "two_person": True,
        "pull_request": "early",
        "network": "none",
        "environment": {"CI": "1"},
        "protected": ["db/**"],
        "check_seconds": 300,
        "model": "openai:gpt-6.1-sol",
    }
    assert set(document) == set(RepositorySettings.model_fields)
    found = read_settings(document, {})
    assert (found.nano, found.seconds) == (3 * NANO // 2, 3600)
    assert found.model_dump(mode="json") == document


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        ({"tets": "pytest"}, 3, "no such setting `tets`"),
        ({"budget": 5}, 2, "`budget`"),
        ({"budget": "5"}, 2, "an amount like $5"),
        ({"budget": "$0"}, 2, "an amount like $5"),
        ({"time": "soon"}, 0, "a time like 30m"),
        ({"time": "0m"}, 0, "a time like 30m"),
        ({"approval": "none"}, 4, "`approval`"),
        ({"approvers": "everyone"}, 0, "`approvers`"),
        ({"two_person": "perhaps"}, 0, "`two_person`"),
        ({"network": "open"}, 0, "`network`"),
        ({"environment": {"CI": ["1"]}}, 0, "`environment`"),
        ({"environment": "CI=1"}, 0, "`environment`"),
        ({"protected": "db/**"}, 0, "`protected`"),
        ({"setup": ["make"]}, 0, "`setup`"),
        ({1: "x"}, 0, "`1`"),
        (["setup"], 1, "a mapping"),
        ("setup", 1, "a mapping"),
        (7, 1, "a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(document: Any, line: int, words: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings(document, LINES)
    assert caught.value.line == line
    assert words in caught.value.what


def test_nothing_chosen_is_nothing_said() -> None:
    assert RepositorySettings().nano is None
    assert RepositorySettings().seconds is None
