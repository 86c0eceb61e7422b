"""Where pip looks for packages on this machine, asked of pip itself."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from shared.errors import NotConfigured

# `pip download --help` shows the value that counts now, with every settings file and variable read.
_INDEX = re.compile(r"--index-url <url>(.*?)\n\s*--", re.DOTALL)
_DEFAULT = re.compile(r"\(default\s+(\S+?)\)")
SECTIONS = (":env:", "download", "install", "global")
"""Of settings with the same name, that of the first counts. `install` is none that pip looks at here, but people set it there."""
_SETTING = re.compile(r"([\w:.-]+)='(.*)'")


@dataclass(frozen=True)
class Places:
    """`directories` hold files side by side; `indexes` are roots of the simple API (http, https, file)."""

    directories: tuple[Path, ...] = ()
    indexes: tuple[str, ...] = ()


def ask_pip() -> Places:
    """Raises NotConfigured where there is no pip to ask."""
    shown = _pip("download", "--help")
    index = _DEFAULT.search(found[1]) if (found := _INDEX.search(shown)) else None
    settings = [match for line in _pip("config", "list").splitlines() if (match := _SETTING.fullmatch(line.strip()))]

    def words(option: str) -> list[str]:
        given = {match[1].rpartition(".")[0]: match[2] for match in settings if match[1].rpartition(".")[2] == option}
        counts = next((given[section] for section in SECTIONS if section in given), "")
        return counts.replace("\\n", " ").split()

    indexes = [] if words("no-index") in (["1"], ["true"], ["yes"]) else [index[1]] if index else []
    if indexes:
        indexes += words("extra-index-url")
    return Places(tuple(_directory(word) for word in words("find-links") if _is_local(word)), tuple(indexes))


def _is_local(word: str) -> bool:
    return word.startswith(("/", "file:", "."))


def _directory(word: str) -> Path:
    return Path(url2pathname(urlsplit(word).path)) if word.startswith("file:") else Path(word)


def _pip(*arguments: str) -> str:
    """Ours, else the one of the interpreter that our environment was made from."""
    said = ""
    for python in dict.fromkeys((sys.executable, getattr(sys, "_base_executable", None) or sys.executable)):
        command: Sequence[str] = (python, "-m", "pip", "--disable-pip-version-check", *arguments)
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if ran.returncode == 0:
            return ran.stdout
        said = ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else f"exit {ran.returncode}"
    raise NotConfigured(f"pip does not answer: {said}", "run `make setup`")
