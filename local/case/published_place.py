"""Where a published run took place: its repository's root, its shell's directory, the programs of its environment."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable

from local.case.case_file import Case

_ABSOLUTE = re.compile(r"(?<![\w./~-])/[\w.+-]+(?:/[\w.+-]+)+")
_PROGRAM = re.compile(r"(?<![\w/.-])((?:\.?[\w-][\w.-]*/)*bin)/[\w.-]+")
_LEADING_CD = re.compile(r"\s*cd(?:[^\S\n]+([^\s;&|]+))?[^\S\n]*(?:&&|;|\n|\Z)[^\S\n]*")
NEVER_A_ROOT = frozenset({"/usr", "/bin", "/etc", "/lib", "/opt", "/tmp", "/var", "/dev", "/proc", "/home"})


def find_root(case: Case, files: Iterable[str]) -> str:
    """The directory that the repository lay in, by the paths that the steps name and that exist in it."""
    known = set(files)
    votes: Counter[str] = Counter()
    for step in case.steps:
        for path in _ABSOLUTE.findall(f"{step.action}\n{step.observation}"):
            parts = path.split("/")
            for cut in range(2, len(parts)):
                root = "/".join(parts[:cut])
                if "/".join(parts[cut:]) in known and root not in NEVER_A_ROOT:
                    votes[root] += 1
    if votes:
        return max(votes, key=lambda root: (votes[root], -len(root)))
    return "/testbed"  # where the published environments put a repository


def bin_directory(case: Case) -> str | None:
    """The directory, relative to the root, that the checks (else the set-up) take their programs from."""
    lines = [criterion.check for criterion in case.criteria] + [case.full_tests or ""]
    for text in ("\n".join(lines), case.setup or ""):
        found = Counter(match[1] for match in _PROGRAM.finditer(text))
        if found:
            return found.most_common(1)[0][0]
    return None


class Place:
    """The shell of a published run goes on from step to step (`apart`: each step had its own); each command of ours
    begins in the root.
    """

    def __init__(self, root: str, bin_directory: str | None, *, apart: bool = False) -> None:
        self.root = root.rstrip("/")
        self.apart = apart
        self._bin = bin_directory
        self.directory = "."

    def resolve(self, path: str) -> str:
        """A path as the run meant it: relative to the root, or absolute where it lies elsewhere."""
        if path == self.root or path.startswith(f"{self.root}/"):
            return posixpath.normpath(path[len(self.root) :].lstrip("/") or ".")
        joined = posixpath.normpath(posixpath.join(self.directory, path))
        return joined if not joined.startswith("..") else posixpath.normpath(posixpath.join(self.root, joined))

    def inside(self, path: str) -> bool:
        return not path.startswith("/")

    def command(self, text: str) -> str:
        """The line for our shell: same directory, same programs first, no path of the other machine."""
        while leading := _LEADING_CD.match(text):
            self.directory = self.resolve(_unquoted(leading[1] or self.root))
            text = text[leading.end() :]
            if not text.strip():
                text = "pwd"
                break
        lines = [f'export PATH="$PWD/{self._bin}:$PATH"'] if self._bin else []
        if self.directory != ".":
            lines.append(f"cd {_quoted(self.directory)} || exit")
        return "\n".join([*lines, self._relative(text)])

    def _relative(self, text: str) -> str:
        # Elsewhere on the machine, the root is where the line's own `cd` came from.
        up = "$OLDPWD" if self.directory.startswith("/") else posixpath.relpath(".", self.directory)
        pattern = rf"(?<![\w./~-]){re.escape(self.root)}(?=$|[/\s\"';:)&|,>`])"
        return re.sub(pattern, lambda _: up, text, flags=re.MULTILINE)


def _unquoted(word: str) -> str:
    return word.strip("\"'")


def _quoted(path: str) -> str:
    return path if re.fullmatch(r"[\w./+-]+", path) else "'" + path.replace("'", "'\"'\"'") + "'"
