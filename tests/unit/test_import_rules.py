"""Who may import whom, read from the syntax tree of every module; nothing is imported to find out.

A rule belongs to the longest prefix that a module's name begins with. It says which rooms of the project and which
packages the module may name. What a module imports when it is loaded is followed further for the two that must stay
light: the GitHub door (its cold start is a person's wait) and the runner (its image holds two packages).
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("shared", "functions", "runner_image", "infra", "local", "bench", "tests")
PURE = ("shared.domain", "shared.agent")
WORLD = "functions.world"
ON_AWS = "functions.aws"
"""The half of it that is about AWS: `functions.world` alone imports it, and inside functions only."""
WORLDS = ("local", "shared.aws")
FREE = ("local", "bench", "tests")

RUNTIME = frozenset(
    "aws_lambda_powertools boto3 botocore githubkit hishel httpx pynamodb pydantic requests jwt cryptography yaml".split()
)
ANY = None
"""Every package that is installed."""


@dataclass(frozen=True)
class Rule:
    rooms: frozenset[str]
    """Prefixes of our own modules; a module may always import its own room."""
    packages: frozenset[str] | None


def rule(rooms: str, packages: frozenset[str] | None = frozenset()) -> Rule:
    return Rule(frozenset(rooms.split()) | {"shared.limits", "shared.errors"}, packages)


PYDANTIC = frozenset({"pydantic"})
RULES = {
    "shared.domain": rule("", PYDANTIC),
    "shared.agent": rule("shared.domain", PYDANTIC),
    "shared.ports": rule("shared.domain", PYDANTIC),
    "shared.github": rule("shared.domain shared.ports shared.settings", RUNTIME),
    "shared.llm": rule(
        "shared.domain shared.agent shared.ports shared.settings",
        RUNTIME | {"openai", "anthropic", "httpx2", "urllib3"},
    ),
    "shared.meetings": rule("shared.domain shared.ports shared.settings", RUNTIME),
    "shared.aws": rule("shared.domain shared.ports shared.settings", RUNTIME),
    "shared.render": rule("shared.domain", PYDANTIC),
    "shared.settings": rule("", PYDANTIC | {"yaml"}),
    "shared.limits": rule(""),
    "shared.errors": rule(""),
    "shared": rule("shared.domain shared.ports shared.settings", RUNTIME),
    "functions.world": rule("shared functions local", RUNTIME),
    "functions.aws": rule("shared functions", RUNTIME),
    "functions.github_webhook": rule("shared functions.world", frozenset({"aws_lambda_powertools", "botocore"})),
    "functions": rule("shared functions.world functions.load", RUNTIME),
    "functions.watchdog": rule("shared functions.world functions.load functions.github_webhook", RUNTIME),
    "runner_image": rule("shared.domain.protocol", PYDANTIC | {"requests"}),
    "infra": rule("", frozenset({"aws_cdk", "cdk_nag", "constructs", "packaging"})),
    "infra.image_build": rule("", frozenset({"boto3"})),
    "local": rule("shared functions runner_image infra.synth infra.cost infra.choices", ANY),
    "bench": rule("shared functions runner_image infra local", ANY),
    "tests": rule("shared functions runner_image infra local bench", ANY),
}

# Modules of the standard library that read the clock, chance or the machine.
IO_MODULES = frozenset(
    """asyncio builtins concurrent ctypes fcntl fileinput ftplib getpass glob http importlib io locale logging mmap
    multiprocessing os platform pty queue random sched secrets select selectors shelve shutil signal smtplib socket
    socketserver sqlite3 ssl subprocess sys tempfile threading time uuid webbrowser zoneinfo""".split()
)
IO_NAMES = frozenset({"urllib.request", "urllib.error", "pathlib.Path", "pathlib"})
IO_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})


@dataclass(frozen=True)
class Import:
    name: str
    """Dotted; `from a import b` gives `a.b`."""
    line: int
    nested: bool
    """Inside a function: not run when the module is loaded."""
    typing_only: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, ast.Module]:
    found = {}
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if not {"cases", "node_modules"} & set(path.relative_to(ROOT).parts):
                found[module_name(path)] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def imports(tree: ast.AST, *, nested: bool = False, typing_only: bool = False) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno, nested, typing_only)
            case ast.ImportFrom():
                for alias in node.names:
                    yield Import(
                        f"{'.' * node.level}{node.module or ''}.{alias.name}", node.lineno, nested, typing_only
                    )
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from imports(node, nested=nested, typing_only=True)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from imports(node, nested=True, typing_only=typing_only)
            case _:
                yield from imports(node, nested=nested, typing_only=typing_only)


def within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def rule_of(module: str) -> tuple[str, Rule]:
    prefix = max((p for p in RULES if within(module, p)), key=len)
    return prefix, RULES[prefix]


def breach(module: str, found: Import) -> str | None:
    """Why this import is not allowed, or None."""
    prefix, law = rule_of(module)
    top = found.name.partition(".")[0]
    if top == "":
        return "relative import; write the whole name"
    if top in sys.stdlib_module_names:
        return None
    if top not in ROOMS:
        return package_breach(module, found.name, law)
    home = ".".join(module.split(".")[:2]) if prefix == "functions" else prefix
    if within(found.name, home):
        return None
    if prefix not in FREE and prefix != ON_AWS and any(within(found.name, world) for world in (*WORLDS, ON_AWS)):
        if prefix != WORLD:
            return f"{WORLD} alone may choose a world"
        return None if found.nested or found.typing_only else "a world may be imported inside a function only"
    if any(within(found.name, room) for room in law.rooms):
        return None
    return f"{home} may not import this room"


def package_breach(module: str, name: str, law: Rule) -> str | None:
    if law.packages is not None and name.partition(".")[0] not in law.packages:
        return "not a package of this room"
    if within(module, "functions.github_webhook") and within(name, "aws_lambda_powertools"):
        light = within(name, "aws_lambda_powertools.logging") or name == "aws_lambda_powertools.Logger"
        return None if light else "of powertools this door takes the Logger only"
    return None


def impurities(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What reaches for the world outside: modules, built-in calls, the clock of `datetime`."""
    for found in imports(tree):
        if found.name.split(".")[0] in IO_MODULES or found.name in IO_NAMES:
            yield found.line, f"imports {found.name}"
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in IO_CALLS:
                yield node.lineno, f"calls {name}()"
            case ast.Call(func=ast.Attribute(attr="now" | "utcnow" | "today" as verb, value=of)) if ast.unparse(
                of
            ).split(".")[-1] in ("datetime", "date"):
                yield node.lineno, f"asks the clock: {ast.unparse(of)}.{verb}()"


def loaded_packages(start: str, known: dict[str, ast.Module]) -> dict[str, str]:
    """Package -> module of ours that imports it, for all that runs when `start` is loaded."""
    packages: dict[str, str] = {}
    seen: set[str] = set()
    todo = [start]
    while todo:
        module = todo.pop()
        if module in seen or module not in known:
            continue
        seen.add(module)
        parts = module.split(".")
        todo += [".".join(parts[:n]) for n in range(1, len(parts))]
        for found in imports(known[module]):
            if found.nested or found.typing_only:
                continue
            top = found.name.split(".")[0]
            if top in ROOMS:
                todo += [found.name, found.name.rpartition(".")[0]]
            elif top not in sys.stdlib_module_names:
                packages.setdefault(top, module)
    return packages


KNOWN = modules()


@pytest.mark.parametrize("module", sorted(KNOWN))
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    breaches = [
        f"line {found.line}: {found.name}: {why}" for found in imports(KNOWN[module]) if (why := breach(module, found))
    ]
    assert not breaches, f"{module}\n" + "\n".join(breaches)


@pytest.mark.parametrize("module", sorted(m for m in KNOWN if m.startswith(PURE)))
def test_the_core_does_no_io(module: str) -> None:
    found = [f"line {line}: {what}" for line, what in impurities(KNOWN[module])]
    assert not found, f"{module}\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("start", "allowed"),
    [("functions.github_webhook", {"aws_lambda_powertools", "botocore"}), ("runner_image", {"pydantic", "requests"})],
)
def test_what_must_start_fast_loads_few_packages(start: str, allowed: set[str]) -> None:
    for module in sorted(m for m in KNOWN if within(m, start)):
        loaded = loaded_packages(module, KNOWN)
        extra = {package: by for package, by in loaded.items() if package not in allowed}
        assert not extra, f"loading {module} loads {extra}"


@pytest.mark.parametrize(
    ("module", "source", "allowed"),
    [
        ("shared.domain.spec", "import json, pydantic", True),
        ("shared.domain.spec", "import requests", False),
        ("shared.domain.spec", "from shared import limits", True),
        ("shared.domain.spec", "from shared.ports import Clock", False),
        ("shared.domain.spec", "from shared.agent.prompts import X", False),
        ("shared.domain.spec", "from . import states", False),
        ("shared.agent.fold", "from shared.domain.spec import Spec", True),
        ("shared.github.client", "def f():\n import local.store", False),
        ("shared.github.client", "import shared.aws.store", False),
        ("shared.aws.store", "import shared.aws.items, pynamodb", True),
        ("functions.world", "def f():\n from local.store import SqliteStore", True),
        ("functions.world", "def f():\n from shared.aws import store", True),
        ("functions.world", "from local.store import SqliteStore", False),
        ("functions.conductor.handler", "def f():\n import local.store", False),
        ("functions.conductor.handler", "import functions.effects.handler", False),
        ("functions.world", "def f():\n from functions.aws.world import build", True),
        ("functions.world", "from functions.aws.world import build", False),
        ("functions.conductor.handler", "def f():\n import functions.aws.world", False),
        ("functions.aws.world", "import shared.aws.store, boto3", True),
        ("functions.aws.world", "def f():\n import local.store", False),
        ("functions.github_webhook.handler", "from aws_lambda_powertools import Logger", True),
        ("functions.github_webhook.handler", "from aws_lambda_powertools import Metrics", False),
        ("functions.github_webhook.handler", "import boto3", False),
        ("runner_image.loop", "from shared.domain import protocol", True),
        ("runner_image.loop", "from shared.domain import spec", False),
        ("runner_image.loop", "import boto3", False),
        ("infra.app", "import shared.limits", True),
        ("infra.app", "import shared.domain.spec", False),
        ("local.host", "import functions.world, shared.aws, rich", True),
        ("local.host", "import tests.fakes", False),
    ],
)
def test_the_rules_themselves(module: str, source: str, allowed: bool) -> None:
    found = [breach(module, each) for each in imports(ast.parse(source))]
    assert (found == [None] * len(found)) is allowed, found


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("import json\nfrom pathlib import PurePosixPath\nfrom urllib.parse import urlsplit", 0),
        ("import time", 1),
        ("from os import environ", 1),
        ("from pathlib import Path", 1),
        ("def f():\n    import uuid\n    return open('x')", 2),
        ("import datetime\ndatetime.datetime.now()", 1),
        ("from datetime import datetime, date\ndatetime.utcnow()\ndate.today()", 2),
        ("from datetime import datetime\ndatetime.fromtimestamp(0)", 0),
    ],
)
def test_impurities_are_seen(source: str, count: int) -> None:
    assert len(list(impurities(ast.parse(source)))) == count


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/handler.py")), ids=lambda p: p.parent.name)
def test_a_handler_is_thin(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < 60
