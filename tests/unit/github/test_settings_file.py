"""`.github/persevere.yml`: plain YAML only, and every error names its line."""

import pytest

from shared.domain.facts import SettingsBroken, SettingsFact
from shared.github.settings_file import parse


def broken(text: str | bytes) -> SettingsBroken:
    found = parse(text if isinstance(text, bytes) else text.encode(), "sha", "path")
    assert isinstance(found, SettingsBroken), found
    return found


def test_settings_are_read() -> None:
    found = parse(b"# ours\nbudget: $5\ntime: 30m\nprotected:\n  - db/**\n", "sha", "path")
    assert isinstance(found, SettingsFact)
    assert found.settings.seconds == 1800
    assert found.settings.protected == ("db/**",)
    assert found.model_line == 0


def test_where_the_model_stands_is_known() -> None:
    found = parse(b"# ours\n\nbudget: $5\nmodel: nobody:nothing\n", "sha", "path")
    assert isinstance(found, SettingsFact)
    assert (found.settings.model, found.model_line) == ("nobody:nothing", 4)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_is_the_defaults(text: str) -> None:
    assert isinstance(parse(text.encode(), "sha", "path"), SettingsFact)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("setup: a\nbugdet: $5\n", 2, "no such setting `bugdet`"),
        ("budget: lots\n", 1, "an amount like"),
        ("setup: a\nsetup: b\n", 2, "stands twice"),
        ("environment:\n  A: x\n  A: y\n", 3, "stands twice"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("setup: !!python/object:os.system x\n", 1, "tags"),
        ("setup: !!str x\n", 1, "tags"),
        ("environment:\n  <<: {A: b}\n", 2, "merge keys"),
        ("setup: [\n", 2, "YAML"),
        ("setup:\n\tx: y\n", 2, "YAML"),
        ("- a\n- b\n", 1, "mapping"),
        ("just words\n", 1, "mapping"),
        ("two_person: maybe\n", 1, "two_person"),
        ("setup: a\n---\nsetup: b\n", 2, "YAML"),
        ("[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]\n", 1, "deeply"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, words: str) -> None:
    found = broken(text)
    assert found.line == line
    assert words in found.what


def test_the_nearest_key_is_offered() -> None:
    assert broken("bugdet: $5\n").nearest == "budget"
    assert broken("zzz: 1\n").nearest == ""


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfsetup: a\n", "setup: a\n".encode("utf-16"), b"setup: \xff\n", b"setup: \x00\n"]
)
def test_other_encodings_are_refused(data: bytes) -> None:
    assert broken(data).line <= 1
