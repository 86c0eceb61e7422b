"""Where the words of a check's line lead to: the files that say what `make test` does, or what `ruff check` passes over."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Collection, Sequence


def _files(pattern: str) -> re.Pattern[bytes]:
    return re.compile(pattern.encode())


_NODE = _files(r"package\.json|(?:jest|vitest|mocha|karma)\.[^/]+|\.mocharc[^/]*")
TASKS = {
    "make": _files(r"(?:GNUm|m|M)akefile|[^/]+\.mk"),
    "just": _files(r"\.?[Jj]ustfile|[^/]+\.just"),
    "task": _files(r"[Tt]askfile\.ya?ml"),
    "nox": _files(r"noxfile\.py"),
    "tox": _files(r"tox\.(?:ini|toml)"),
    "hatch": _files(r"hatch\.toml"),
    "pdm": _files(r"(?!)"),
    "poe": _files(r"poe_tasks\.(?:toml|ya?ml|json)"),
    **dict.fromkeys(("invoke", "inv"), _files(r"tasks\.py")),
    "pre-commit": _files(r"\.pre-commit-config\.yaml"),
    **dict.fromkeys(("npm", "npx", "yarn", "pnpm", "node", "bun"), _NODE),
}
"""By a program that runs others: the file that says which. For Python's, a table of pyproject.toml may say it instead."""
TOOLS = {
    "ruff": _files(r"\.?ruff\.toml"),
    "mypy": _files(r"\.?mypy\.ini"),
    "flake8": _files(r"\.flake8"),
    "pylint": _files(r"\.?pylintrc(?:\.toml)?"),
    "black": _files(r"(?!)"),
    "isort": _files(r"\.isort\.cfg"),
    "pyright": _files(r"pyrightconfig\.json"),
    "bandit": _files(r"\.bandit"),
    "coverage": _files(r"\.coveragerc"),
    "eslint": _files(r"\.eslintrc[^/]*|eslint\.config\.[^/]+|\.eslintignore"),
    "prettier": _files(r"\.prettierrc[^/]*|prettier\.config\.[^/]+|\.prettierignore"),
    "biome": _files(r"biome\.jsonc?"),
    "tsc": _files(r"tsconfig[^/]*\.json"),
    "golangci-lint": _files(r"\.golangci\.[^/]+"),
    "clippy": _files(r"\.?clippy\.toml"),
    "fmt": _files(r"\.?rustfmt\.toml"),
    "rubocop": _files(r"\.rubocop[^/]*\.yml"),
    "shellcheck": _files(r"\.shellcheckrc"),
    "yamllint": _files(r"\.yamllint[^/]*"),
}
"""By a program that judges: the file that says what it passes over. For Python's, `[tool.<name>]` of pyproject.toml as well."""

_GIVES_A_LINE = re.compile(r"-[a-z]*c")


def words_of(line: str) -> list[bytes]:
    """The words of a shell line, in order, and behind them those of a line that it gives to a shell (`bash -c '...'`)."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError:
        words = line.split()
    inner = [word for option, word in itertools.pairwise(words) if _GIVES_A_LINE.fullmatch(option) and " " in word]
    own = [word.removeprefix("./").encode("utf-8", "surrogatepass") for word in words]
    return own + [word for each in inner for word in words_of(each)]


def settings_of(words: Sequence[bytes], paths: Collection[bytes]) -> set[bytes]:
    """Which of `paths` say what the line does, the shell scripts that it names among them."""
    names = _programs(words)
    patterns = [pattern for tool, pattern in {**TASKS, **TOOLS}.items() if tool in names or tool in tables_of(words)]
    scripts = {path for path in paths if path in words and path.endswith((b".sh", b".bash"))}
    return scripts | {
        path for path in paths if any(pattern.fullmatch(path.rpartition(b"/")[2]) for pattern in patterns)
    }


def tables_of(words: Sequence[bytes]) -> set[str]:
    """The tools that the line may run, by their tables; behind a program that runs others, that is each, and its own."""
    names = _programs(words)
    return {*TOOLS, *names, "taskipy"} if names & set(TASKS) else names & set(TOOLS)


def _programs(words: Sequence[bytes]) -> set[str]:
    return {word.rpartition(b"/")[2].decode("utf-8", "replace") for word in words}
