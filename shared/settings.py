"""The operator's settings, read from the environment once and typed. Nothing else of ours reads the environment.

The runner is the exception: it is told two names by whoever starts it (`runner_image/settings.py`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, SecretStr

from shared.errors import NotConfigured
from shared.limits import WRITE_PACE_S

WorldName = Literal["aws", "local", "sim"]
Consumer = Literal["effects", "conductor", "watchdog"]

GITHUB = "https://github.com"
GITHUB_API = "https://api.github.com"
_COMMAND = re.compile(r"/[A-Za-z][A-Za-z0-9_-]{0,38}")


KEY_NAMES: Mapping[str, str] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "compatible": "PERSEVERE_COMPATIBLE_KEY",
}
"""What each provider's key is called; `PERSEVERE_` before it wins. Names as the providers' own pages have them."""

URL_NAMES: Mapping[str, str] = {
    "anthropic": "ANTHROPIC_BASE_URL",
    "openai": "OPENAI_BASE_URL",
    "gemini": "GEMINI_BASE_URL",
    "compatible": "PERSEVERE_COMPATIBLE_URL",
}
"""Where a provider is reached when not at its own address (a proxy, a server on this machine); prefixed as above."""

UNLIMITED = "unlimited"
NANO = 1_000_000_000  # of a dollar


class Settings(BaseModel):
    """One field a variable; `PERSEVERE_QUIET_S` is `quiet_s`, and so on.

    home: database, blobs, keys, logs of a local world. world: who the ports are. github_url: where GitHub's pages are.
    model, script: the model's name and, for `scripted`, its conversation file. sandbox: a backend by name ("" finds the
    best). python: the interpreter that `python` is inside the sandbox. port: of the host (0 takes a free one).
    public_url: where people's browsers reach us (None: no text on GitHub links to us). command: what people type.
    poll_s: how often GitHub is asked where it cannot call. quiet_s: how long it must be quiet before answers are read. write_pace_s: between two writes to GitHub. without:
    consumers that the host leaves out, for tests that must see what happens then.

    keys and urls: of model providers, by provider. fallbacks: models that go on when `model` is out, in order (None: the
    balanced models of the other keys; `none`: nobody). models: those that may be chosen (none named: all that can be
    paid for here). prices: a file of the operator's own prices. ceilings: fields of `Operator` that are set, by the table
    below; nothing is unlimited but by that word, which is None there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    world: WorldName = "local"
    github_url: str = GITHUB
    model: str = ""
    script: Path | None = None
    sandbox: str = ""
    python: Path | None = None
    port: int = 0
    public_url: str | None = None
    command: str = "/persevere"
    quiet_s: float = 120.0
    poll_s: float = 10.0
    write_pace_s: float = WRITE_PACE_S
    without: frozenset[Consumer] = frozenset()
    keys: dict[str, SecretStr] = {}
    urls: dict[str, str] = {}
    fallbacks: tuple[str, ...] | None = None
    models: tuple[str, ...] = ()
    prices: Path | None = None
    ceilings: dict[str, int | None] = {}

    @property
    def github_api_url(self) -> str:
        """Root of the REST API: a host of its own for github.com, a path on a GitHub Enterprise Server.

        docs.github.com/enterprise-server/rest/using-the-rest-api/getting-started-with-the-rest-api
        """
        return GITHUB_API if self.github_url == GITHUB else f"{self.github_url}/api/v3"


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from `PERSEVERE_*`; an empty value is no value. Raises NotConfigured naming the variable."""
    given = {name: value.strip() for name, value in environment.items() if value.strip()}
    found: dict[str, object] = {"home": _home(given)}
    for field, parse in _PARSERS.items():
        name = f"PERSEVERE_{field.upper()}"
        if name in given:
            found[field] = parse(name, given[name])
    found["keys"] = {provider: given[name] for provider, name in _named(KEY_NAMES, given)}
    found["urls"] = {provider: _url(name, given[name]) for provider, name in _named(URL_NAMES, given)}
    found["ceilings"] = {field: parse(name, given[name]) for name, (field, parse) in _CEILINGS.items() if name in given}
    return Settings.model_validate(found)


def _named(names: Mapping[str, str], given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Provider and the variable that is set for it, ours before the provider's."""
    for provider, name in names.items():
        found = next((each for each in (f"PERSEVERE_{name}", name) if each in given), None)
        if found is not None:
            yield provider, found


def unknown(environment: Mapping[str, str], *, on_aws: bool = False) -> list[tuple[str, str]]:
    """Names that look like ours and that nothing reads, each with the nearest that is read ("": none is near)."""
    ours = {f"PERSEVERE_{field.upper()}" for field in _PARSERS} | set(_CEILINGS) | (_ON_AWS if on_aws else _OTHERS)
    for name in (*KEY_NAMES.values(), *URL_NAMES.values()):
        ours |= {name, f"PERSEVERE_{name}"}
    strange = sorted(name for name in environment if name.startswith("PERSEVERE_") and name not in ours)
    return [(name, next(iter(difflib.get_close_matches(name, sorted(ours), 1, 0.85)), "")) for name in strange]


def without_keys(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a child that asks no model."""
    secret = {prefix + name for name in KEY_NAMES.values() for prefix in ("", "PERSEVERE_")}
    return {name: value for name, value in environment.items() if name not in secret}


def _home(given: Mapping[str, str]) -> Path:
    """`PERSEVERE_HOME`, else where the XDG base directories keep a program's data."""
    if "PERSEVERE_HOME" in given:
        named = given["PERSEVERE_HOME"]  # no shell has read what comes from a file of settings
        in_home = "HOME" in given and named.partition("/")[0] == "~"
        return Path(given["HOME"] + named[1:] if in_home else named).absolute()
    data = given.get("XDG_DATA_HOME") or (given["HOME"] + "/.local/share" if "HOME" in given else "")
    if not data:
        raise NotConfigured("there is no place for data", "set PERSEVERE_HOME to a directory of its own")
    return Path(data).absolute() / "persevere"


def _refuse(name: str, value: str, wanted: str) -> NotConfigured:
    return NotConfigured(f"{name} is {value!r}; {wanted} is wanted", f"set {name} to {wanted}")


def _word(name: str, value: str) -> str:
    del name
    return value


def _world(name: str, value: str) -> WorldName:
    if value not in get_args(WorldName):
        raise _refuse(name, value, "aws, local or sim")
    return cast("WorldName", value)


def _url(name: str, value: str) -> str:
    if not re.match(r"https?://[^/\s]", value):
        raise _refuse(name, value, "an address that begins with http:// or https://")
    return value.rstrip("/")


def _file(name: str, value: str) -> Path:
    path = Path(value).absolute()
    if not path.is_file():
        raise _refuse(name, value, "a file that exists")
    return path


def _port(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) > 65_535:
        raise _refuse(name, value, "a port number, or 0 for a free one")
    return int(value)


def _command(name: str, value: str) -> str:
    if not _COMMAND.fullmatch(value):
        raise _refuse(name, value, "a slash and one word")
    return value


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise _refuse(name, value, "a number of seconds, 0 or more")
    return seconds


def _without(name: str, value: str) -> frozenset[Consumer]:
    words = frozenset(word for word in re.split(r"[,\s]+", value) if word)
    if not words <= set(get_args(Consumer)):
        raise _refuse(name, value, "a list of effects, conductor, watchdog")
    return cast("frozenset[Consumer]", words)


def _names(name: str, value: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[,\s]+", value) if word)


def _fallbacks(name: str, value: str) -> tuple[str, ...]:
    return () if value.lower() == "none" else _names(name, value)


def _amount(name: str, value: str) -> int:
    """Nano-dollars of `$5`, `5` or `0.50`."""
    found = re.fullmatch(r"\$?(\d{1,6})(?:\.(\d{1,2}))?", value)
    nano = int(found[1]) * NANO + int((found[2] or "").ljust(2, "0")) * (NANO // 100) if found else 0
    if nano <= 0:
        raise _refuse(name, value, "an amount of dollars, such as 5 or $0.50")
    return nano


def _minutes(name: str, value: str) -> int:
    found = re.fullmatch(r"(\d{1,5})\s?(m|min|h)?", value)
    if not found or not int(found[1]):
        raise _refuse(name, value, "a time in minutes, such as 60 or 90m, or in hours, such as 2h")
    return int(found[1]) * (3600 if found[2] == "h" else 60)


def _count(name: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 10_000:
        raise _refuse(name, value, "a number of jobs, 1 or more")
    return int(value)


def _or_unlimited(parse: Callable[[str, str], int]) -> Callable[[str, str], int | None]:
    return lambda name, value: None if value == UNLIMITED else parse(name, value)


_CEILINGS: dict[str, tuple[str, Callable[[str, str], int | None]]] = {
    "PERSEVERE_ASKING": ("asking_nano", _amount),
    "PERSEVERE_ASKING_DAY": ("asking_repository_day_nano", _or_unlimited(_amount)),
    "PERSEVERE_JOB_MONEY": ("job_nano", _amount),
    "PERSEVERE_JOB_TIME": ("job_seconds", _minutes),
    "PERSEVERE_JOB_MONEY_MAX": ("ceiling_nano", _amount),
    "PERSEVERE_JOB_TIME_MAX": ("ceiling_seconds", _minutes),
    "PERSEVERE_DAY": ("day_nano", _or_unlimited(_amount)),
    "PERSEVERE_MONTH": ("month_nano", _or_unlimited(_amount)),
    "PERSEVERE_JOBS_REPOSITORY": ("jobs_a_repository", _or_unlimited(_count)),
    "PERSEVERE_JOBS_INSTALLATION": ("jobs_an_installation", _or_unlimited(_count)),
}
"""Variable -> field of `Operator`, and how it is read."""

_OTHERS = {"PERSEVERE_HOME", "PERSEVERE_IMAGE", "PERSEVERE_WORK", "PERSEVERE_ALLOW_FILE_CLONE"}
"""Read elsewhere: the home above, the others by a runner that is started from here."""

_ON_AWS = {
    f"PERSEVERE_{name}"
    for name in (
        "APP_ID APP_SECRET APP_SLUG BLOBS_URL BUCKET CLUSTER GITHUB_API_URL JOB_API_URL KEYS_SECRET MODEL_SECRET "
        "PLANNER_FUNCTION PURPOSES SECURITY_GROUP SPOT SUBNETS TABLE TASK_DEFINITION TOKENS_READ TOKENS_WRITE WEBHOOK_SECRET"
    ).split()
}
"""Read by `functions/aws` alone."""

_PARSERS: dict[str, Callable[[str, str], object]] = {
    "world": _world,
    "github_url": _url,
    "model": _word,
    "script": _file,
    "sandbox": _word,
    "python": _file,
    "port": _port,
    "public_url": _url,
    "command": _command,
    "quiet_s": _seconds,
    "poll_s": _seconds,
    "write_pace_s": _seconds,
    "without": _without,
    "fallbacks": _fallbacks,
    "models": _names,
    "prices": _file,
}
