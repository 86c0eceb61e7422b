"""The interpreter of a case: one on this machine that its `python` constraint allows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from local.case.case_file import BadCase

MINORS = range(20, 5, -1)
_CLAUSE = re.compile(r"(<=|>=|==|!=|~=|<|>)\s*(\d+(?:\.\d+)*)(\.\*)?")
_BARE = re.compile(r"\d+(?:\.\d+)?")
_ASK = (
    "import ensurepip, sys, venv\n"
    "print('%d.%d.%d' % sys.version_info[:3], getattr(sys, '_base_executable', sys.executable) or sys.executable)"
)

Version = tuple[int, ...]


@dataclass(frozen=True)
class Python:
    """An interpreter that can make virtual environments. `path` is the real one, not that of an environment."""

    path: Path
    version: str


def allows(constraint: str, version: str) -> bool:
    """Whether a version is within a constraint such as `>=3.8,<3.12` (packaging.python.org/specifications/version-specifiers).

    Final releases only; a bare `3.9` is any 3.9. Raises BadCase for what is no constraint; an empty one allows all.
    """
    return all(_holds(clause.strip(), _numbers(version)) for clause in constraint.split(",") if clause.strip())


def _holds(clause: str, version: Version) -> bool:
    found = _CLAUSE.fullmatch(f"=={clause}.*" if _BARE.fullmatch(clause) else clause)
    if found is None:
        raise BadCase(f"case.toml: {clause!r} is no constraint on Python's version; write one like `>=3.8,<3.12`")
    operator, number, star = found[1], _numbers(found[2]), bool(found[3])
    if star and operator not in ("==", "!="):
        raise BadCase(f"case.toml: {clause!r}: `.*` goes with == and != only")
    width = max(len(version), len(number))
    one, other = _padded(version, width), _padded(number, width)
    match operator:
        case "==" | "!=":
            same = version[: len(number)] == number if star else one == other
            return same if operator == "==" else not same
        case "~=":
            return one >= other and version[: len(number) - 1] == number[:-1]
        case "<=":
            return one <= other
        case ">=":
            return one >= other
        case "<":
            return one < other
        case _:
            return one > other


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))


def _padded(version: Version, width: int) -> Version:
    return version + (0,) * (width - len(version))


def ask(path: str | Path) -> Python | None:
    """What an interpreter says of itself; None where it does not run or cannot make an environment."""
    try:
        ran = subprocess.run([str(path), "-I", "-c", _ASK], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    version, _, real = ran.stdout.strip().partition(" ")
    return Python(Path(real), version) if ran.returncode == 0 and real else None


def candidates() -> Iterable[str | Path]:
    """Where interpreters are usually found: ours, those on PATH, pyenv's, the system's."""
    yield getattr(sys, "_base_executable", None) or sys.executable
    yield from (f"python3.{minor}" for minor in MINORS)
    yield "python3"
    kept = Path.home() / ".pyenv" / "versions"
    if kept.is_dir():
        yield from sorted((path / "bin" / "python3" for path in kept.iterdir()), reverse=True)
    yield from sorted(Path("/usr/bin").glob("python3.*[0-9]"), reverse=True)


def choose(
    constraint: str,
    named: Path | None = None,
    places: Callable[[], Iterable[str | Path]] = candidates,
    question: Callable[[str | Path], Python | None] = ask,
) -> tuple[Python, str]:
    """(interpreter, a line for people or ""). `named` is the operator's choice and is not overruled.

    Ours is taken where it fits, else the newest that does. Raises BadCase where there is none.
    """
    allows(constraint, "3.0.0")
    if named is not None:
        told = question(named)
        if told is None or not allows(constraint, told.version):
            what = f"is {told.version}" if told else "does not run, or cannot make a virtual environment"
            raise BadCase(f"the case wants Python {constraint}; PERSEVERE_PYTHON ({named}) {what}")
        return told, ""
    found: list[Python] = []
    for told in filter(None, map(question, places())):
        found.append(told)
        if told is found[0] and allows(constraint, told.version):
            return told, ""
    fitting = [each for each in found if allows(constraint, each.version)]
    if not fitting:
        seen = ", ".join(sorted({each.version for each in found})) or "none"
        raise BadCase(
            f"the case wants Python {constraint}, and there is none here (found: {seen})",
            "install one, or name it: PERSEVERE_PYTHON=/path/to/python3",
        )
    best = max(fitting, key=lambda each: _numbers(each.version))
    return best, f"the case wants Python {constraint}; ours is {found[0].version}, so {best.version} is taken"
