"""Settings from the environment: typed, and what is wrong is named."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from local.world import runner_environment
from shared.domain.money import NANO
from shared.domain.operator import Operator
from shared.errors import NotConfigured
from shared.llm import providers
from shared.settings import _CEILINGS, KEY_NAMES, URL_NAMES, Settings, read, unknown, without_keys

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
        "PERSEVERE_FALLBACKS": "openai:gpt-6.1-sol, gemini:gemini-4-argon",
        "PERSEVERE_MODELS": "openai:gpt-6.1-sol",
        "PERSEVERE_PRICES": str(script),
        "OPENAI_API_KEY": "of-the-shell",
        "PERSEVERE_OPENAI_API_KEY": "ours",
        "GEMINI_BASE_URL": "http://127.0.0.1:9/",
        "PERSEVERE_DAY": "unlimited",
        "PERSEVERE_MONTH": "$100",
        "PERSEVERE_JOB_TIME": "2h",
        "PERSEVERE_JOBS_REPOSITORY": "1",
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
        "keys": {"openai": SecretStr("ours")},
        "urls": {"gemini": "http://127.0.0.1:9"},
        "fallbacks": ("openai:gpt-6.1-sol", "gemini:gemini-4-argon"),
        "models": ("openai:gpt-6.1-sol",),
        "prices": script,
        "ceilings": {"day_nano": None, "month_nano": 100 * NANO, "job_seconds": 7200, "jobs_a_repository": 1},
    }


def test_a_key_is_neither_printed_nor_dumped_nor_handed_on() -> None:
    environment = {**HOME, **{name: f"canary-{name}" for name in KEY_NAMES.values()}, "PATH": "/bin"}
    settings = read(environment)
    assert set(settings.keys) == set(KEY_NAMES)
    for text in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        json.dumps(runner_environment(settings, environment)),
    ):
        assert "canary" not in text
    assert without_keys(environment) == {**HOME, "PATH": "/bin"}


def test_every_ceiling_is_a_field_of_the_operators_choices() -> None:
    words = {name: "unlimited" if "MAX" not in name else "5" for name in _CEILINGS}
    words |= {"PERSEVERE_ASKING": "0.50", "PERSEVERE_JOB_MONEY": "$5", "PERSEVERE_JOB_TIME": "60m"}
    found = read(HOME | words).ceilings
    assert set(found) <= set(Operator.model_fields)
    assert [name for name, value in found.items() if value is None] == [
        "asking_repository_day_nano", "day_nano", "month_nano", "jobs_a_repository", "jobs_an_installation",
    ]  # fmt: skip
    assert found["asking_nano"] == NANO // 2


def test_no_fallback_must_be_said() -> None:
    assert read(HOME).fallbacks is None
    assert read(HOME | {"PERSEVERE_FALLBACKS": "none"}).fallbacks == ()


def test_every_provider_has_a_key_and_an_address_by_name() -> None:
    assert set(KEY_NAMES) == set(URL_NAMES) == set(providers.PROVIDERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORLD", "mars"),
        ("GITHUB_URL", "github.com"),
        ("SCRIPT", "/nowhere/talk.jsonl"),
        ("PYTHON", "/nowhere/python"),
        ("PORT", "70000"),
        ("PORT", "-1"),
        ("PORT", "²"),
        ("JOBS_REPOSITORY", "³"),
        ("PUBLIC_URL", "http://"),
        ("COMMAND", "persevere"),
        ("COMMAND", "/two words"),
        ("QUIET_S", "soon"),
        ("QUIET_S", "-1"),
        ("QUIET_S", "nan"),
        ("WRITE_PACE_S", "inf"),
        ("WITHOUT", "everything"),
        ("PRICES", "/nowhere/prices.json"),
        ("DAY", "Unlimited"),
        ("DAY", "no limit"),
        ("DAY", "0"),
        ("DAY", "-5"),
        ("ASKING", "unlimited"),
        ("JOB_MONEY", "5 dollars"),
        ("JOB_TIME", "soon"),
        ("JOBS_INSTALLATION", "0"),
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
        ({"HOME": "/home/octocat", "PERSEVERE_HOME": "~/work"}, "/home/octocat/work"),
        ({"HOME": "/home/octocat", "PERSEVERE_HOME": "/data/~/work"}, "/data/~/work"),
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


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("PERSEVERE_DAYY", "PERSEVERE_DAY", id="a-letter-too-many"),
        pytest.param("PERSEVERE_MONHT", "PERSEVERE_MONTH", id="letters-changed"),
        pytest.param("PERSEVERE_ZEBRA_CROSSING", "", id="nothing-near"),
    ],
)
def test_a_name_that_nothing_reads_is_found_with_the_nearest(name: str, near: str) -> None:
    assert unknown({**HOME, name: "3", "PATH": "/bin"}) == [(name, near)]


def test_every_name_that_is_read_is_known() -> None:
    names = [*_CEILINGS, *KEY_NAMES.values(), *URL_NAMES.values()]
    names += [
        f"PERSEVERE_{field.upper()}" for field in Settings.model_fields if field not in ("keys", "urls", "ceilings")
    ]
    names += [f"PERSEVERE_{name}" for name in KEY_NAMES.values()]
    assert unknown(dict.fromkeys(names, "1")) == []
