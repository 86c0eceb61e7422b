"""The operator's choices: one file (`infra/choices.toml`), strict and typed; `cdk -c name=value` outdoes a line of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

FILE = Path(__file__).with_name("choices.toml")
NO_CHOICES = ("check", "functions", "image_again")
"""Names of the context that are no operator's: two for tests of the stack, one for an image that the account builds anew."""
_LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)
# cpu -> smallest memory, largest, step; MiB. AWS's table "Task CPU and memory" for Fargate, read 2026-11-22.
_SIZES = {
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16_384, 1024),
    4096: (8192, 30_720, 1024),
    8192: (16_384, 61_440, 4096),
    16_384: (32_768, 122_880, 8192),
}


_SETTINGS_BYTES = 2500
"""Lambda takes 4 KB of all that a function is told (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html); names,
addresses and ARNs of the stack take up to 1.5 of them."""


class BadChoice(ValueError):
    """A choice is none; the text names it, what it is, and what is wanted."""


@dataclass(frozen=True)
class Choices:
    """One field a line of the file; what each means is said there."""

    stack: str = "Persevere"
    app_id: int = 0
    app_slug: str = "persevere"
    github_url: str = "https://github.com"
    command: str = "/persevere"
    quiet_s: int = 120
    model: str = ""
    prices: str = ""
    image: str = "build"
    architecture: str = "x86_64"
    task_cpu: int = 2048
    task_memory_mib: int = 4096
    task_disk_gib: int = 20
    sandbox: str = ""
    egress_ports: tuple[int, ...] = (80, 443)
    alarm_email: str = ""
    budget_usd: int = 25
    log_days: int = 30
    dashboard: bool = True
    webhook_concurrency: int = 0
    settings: tuple[str, ...] = ()

    @classmethod
    def read(cls, context: Mapping[str, Any], file: Path | None = None) -> Self:
        """The file's lines, outdone by the context's. Raises BadChoice; context names of AWS's own are not ours."""
        own = {name: value for name, value in context.items() if not name.startswith(("aws:", "@aws", "cdk-"))}
        path = Path(str(own.pop("choices", file or FILE)))
        try:
            lines = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise BadChoice(f"there is no file {path}") from error
        except tomllib.TOMLDecodeError as error:
            raise BadChoice(f"{path} is no TOML: {error}") from error
        found = {name: _typed(name, value, str(path)) for name, value in lines.items()} | _given(own)
        if found.get("prices"):
            found["prices"] = str(path.parent.absolute() / found["prices"])
        made = cls(**found)
        made._check()
        return made

    def _check(self) -> None:
        _want(self.stack, "stack", r"[A-Za-z][A-Za-z0-9-]{0,31}", "a letter, then up to 31 letters, digits, hyphens")
        _want(self.app_slug, "app_slug", r"[a-z0-9][a-z0-9-]{0,63}", "the App's name in its address on GitHub")
        _want(self.github_url, "github_url", r"https?://[^/\s]+(?<!/)", "an address without a slash at its end")
        _want(self.command, "command", r"/[A-Za-z][A-Za-z0-9_-]{0,38}", "a slash and one word")
        _want(self.model, "model", r"|[a-z]+:\S+", "<provider>:<name>")
        _want(
            self.image,
            "image",
            r"build|docker|codebuild|digest:[^@\s]+@sha256:[0-9a-f]{64}",
            "build, docker, codebuild or digest:<registry>/<name>@sha256:<64 hex>",
        )
        _want(self.architecture, "architecture", "x86_64|arm64", "x86_64 or arm64")
        _want(self.sandbox, "sandbox", r"[a-z]*", "the name of a sandbox")
        if self.prices and not Path(self.prices).is_file():
            raise BadChoice(f"prices is {self.prices}; a file that exists is wanted")
        _want(self.alarm_email, "alarm_email", r"|[^@\s]+@[^@\s]+", "an e-mail address")
        for each in self.settings:
            _want(each, "settings", r"PERSEVERE_[A-Z0-9_]+=.{0,200}", "PERSEVERE_<NAME>=<value>")
        _within(self.app_id, "app_id", 0, 2**53)
        _within(self.quiet_s, "quiet_s", 0, 86_400)
        _within(self.task_disk_gib, "task_disk_gib", 20, 200)
        _within(self.budget_usd, "budget_usd", 0, 1_000_000)
        _within(self.webhook_concurrency, "webhook_concurrency", 0, 1000)
        if self.log_days not in _LOG_DAYS:
            raise BadChoice(f"log_days is {self.log_days}; AWS has {', '.join(map(str, _LOG_DAYS))}")
        if 443 not in self.egress_ports or any(not 0 < port < 65_536 for port in self.egress_ports):
            raise BadChoice(f"egress_ports is {list(self.egress_ports)}; TCP ports with 443 among them are wanted")
        self._check_size()
        self._check_settings()

    def _check_settings(self) -> None:
        """A function's settings can be read by whoever may look at the function: no place for a secret."""
        for each in self.settings:
            name = each.partition("=")[0]
            if re.search(r"KEY|SECRET|TOKEN|PASSWORD", name):
                raise BadChoice(f"settings has {name}, which sounds like a secret; secrets go into Secrets Manager")
        if (size := sum(len(each.encode()) for each in self.settings)) > _SETTINGS_BYTES:
            raise BadChoice(f"settings has {size} bytes together; AWS has room for {_SETTINGS_BYTES}")

    def _check_size(self) -> None:
        if self.task_cpu not in _SIZES:
            raise BadChoice(f"task_cpu is {self.task_cpu}; Fargate has {', '.join(map(str, _SIZES))}")
        least, most, step = _SIZES[self.task_cpu]
        if self.task_memory_mib not in range(least, most + 1, step):
            raise BadChoice(
                f"task_memory_mib is {self.task_memory_mib}; with task_cpu {self.task_cpu} Fargate has {least} to {most} in "
                f"steps of {step}"
            )


_TYPES: dict[str, str] = {field.name: str(field.type) for field in fields(Choices)}


def _typed(name: str, value: Any, where: str) -> Any:
    match _TYPES.get(name), value:
        case None, _:
            raise BadChoice(f"{where} says {name}, which is no choice; there are {', '.join(_TYPES)}")
        case ("bool", bool()) | ("str", str()):
            return value
        case "int", int() if not isinstance(value, bool):
            return value
        case "tuple[int, ...]", list() if all(type(each) is int for each in value):
            return tuple(value)
        case "tuple[str, ...]", list() if all(type(each) is str for each in value):
            return tuple(value)
        case kind, _:
            raise BadChoice(f"{where}: {name} is {value!r}; {_WORDS[str(kind)]} is wanted")


_WORDS = {
    "bool": "true or false",
    "str": "a text",
    "int": "a whole number",
    "tuple[int, ...]": "a list of whole numbers",
    "tuple[str, ...]": "a list of texts",
}


def _given(context: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the command line are texts; those that a file of context holds have a type already."""
    return {name: _typed(name, _parsed(name, value), "the context") for name, value in context.items()}


def _parsed(name: str, value: Any) -> Any:
    kind = _TYPES.get(name)
    if not isinstance(value, str) or kind == "str":
        return value
    if kind == "int" and re.fullmatch(r"\d{1,17}", value):
        return int(value)
    if kind == "bool" and value in ("true", "false"):
        return value == "true"
    if kind == "tuple[int, ...]" and re.fullmatch(r"\d{1,5}(,\d{1,5})*", value):
        return [int(each) for each in value.split(",")]
    return value


def _want(value: str, name: str, pattern: str, wanted: str) -> None:
    if not re.fullmatch(pattern, value):
        raise BadChoice(f"{name} is {value!r}; {wanted} is wanted")


def _within(value: int, name: str, least: int, most: int) -> None:
    if not least <= value <= most:
        raise BadChoice(f"{name} is {value}; {least} to {most} is wanted")
