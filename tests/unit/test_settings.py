"""Settings from the environment: typed, and what is wrong is named."""

from pathlib import Path

import pytest

from shared.errors import NotConfigured
from shared.settings import Settings, read

HOME = {"PERSEVERE_HOME": "/somewhere/persevere"}


def test_defaults() -> None:
    assert read(HOME) == Settings(home=Path("/somewhere/persevere"))
    assert (read(HOME).world, read(HOME).quiet_s, read(HOME).write_pace_s) == ("local", 120.0, 1.0)


def test_everything_can_be_set(tmp_path: Path) -> None:
    script = tmp_path / "talk.jsonl"
    script.touch()
    settings = read({
        **HOME,
        "PERSEVERE_WORLD": "sim",
        "PERSEVERE_GITHUB_URL": "http://127.0.0.1:8931/",
        "PERSEVERE_MODEL": "scripted:demo",
        "PERSEVERE_SCRIPT": str(script),
        "PERSEVERE_SANDBOX": "bwrap",
        "PERSEVERE_PYTHON": str(script),
        "PERSEVERE_PORT": "8080",
        "PERSEVERE_PUBLIC_URL": "https://persevere.example",
        "PERSEVERE_COMMAND": "/bot",
        "PERSEVERE_QUIET_S": "0.5",
        "PERSEVERE_POLL_S": "2",
        "PERSEVERE_WRITE_PACE_S": "0",
        "PERSEVERE_WITHOUT": "effects, watchdog",
    })  # fmt: skip
    assert settings.model_dump() == {
        "home": Path("/somewhere/persevere"),
        "world": "sim",
        "github_url": "http://127.0.0.1:8931",
        "model": "scripted:demo",
        "script": script,
        "sandbox": "bwrap",
        "python": script,
        "port": 8080,
        "public_url": "https://persevere.example",
        "command": "/bot",
        "quiet_s": 0.5,
        "poll_s": 2.0,
        "write_pace_s": 0.0,
        "without": frozenset({"effects", "watchdog"}),
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORLD", "mars"),
        ("GITHUB_URL", "github.com"),
        ("SCRIPT", "/nowhere/talk.jsonl"),
        ("PYTHON", "/nowhere/python"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PUBLIC_URL", "http://"),
        ("COMMAND", "persevere"),
        ("COMMAND", "/two words"),
        ("QUIET_S", "soon"),
        ("QUIET_S", "-1"),
        ("QUIET_S", "nan"),
        ("WRITE_PACE_S", "inf"),
        ("WITHOUT", "everything"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(NotConfigured, match=f"PERSEVERE_{name} is {value!r}") as refused:
        read({**HOME, f"PERSEVERE_{name}": value})
    assert refused.value.advice.startswith(f"set PERSEVERE_{name} to ")


@pytest.mark.parametrize(
    ("environment", "home"),
    [
        ({"XDG_DATA_HOME": "/data"}, "/data/persevere"),
        ({"HOME": "/home/octocat"}, "/home/octocat/.local/share/persevere"),
        ({"HOME": "/home/octocat", "PERSEVERE_HOME": "  "}, "/home/octocat/.local/share/persevere"),
    ],
)
def test_where_data_goes(environment: dict[str, str], home: str) -> None:
    assert read(environment).home == Path(home)


def test_no_place_for_data_is_said() -> None:
    with pytest.raises(NotConfigured, match="no place for data"):
        read({})


@pytest.mark.parametrize(
    ("url", "api"),
    [("https://github.com", "https://api.github.com"), ("https://ghe.example", "https://ghe.example/api/v3")],
)
def test_where_the_api_is(url: str, api: str) -> None:
    assert read({**HOME, "PERSEVERE_GITHUB_URL": url}).github_api_url == api
