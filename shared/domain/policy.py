"""The change policy: what a change may touch before the first write. Problems stop it, flags are shown to people.

Paths are judged as the least careful reader of them would see them: NFKC, without invisible characters, in one case,
because a file system may take `.GitHub` or `.git\u200c` for the real thing.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from shared.domain.changeset import MODES, Change, Changeset
from shared.domain.secret_scan import find_secrets


@dataclass(frozen=True, slots=True)
class Problem:
    """One path and the rule that it meets. `words` say it to a person."""

    path: str
    rule: str
    words: str


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """The operator's; the defaults hold until set."""

    files: int = 300
    total_bytes: int = 5_000_000
    file_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Findings:
    """`problems`: nothing is written. `flags`: written, and pointed at in the pull request."""

    problems: tuple[Problem, ...] = ()
    flags: tuple[Problem, ...] = field(default=())


PROTECTED: tuple[str, ...] = (
    "**/codeowners",
    "**/.gitmodules",
    "**/.gitattributes",
    "**/agents.md",
    "**/agents.override.md",
    "**/agent.md",
    "**/claude.md",
    "**/claude.local.md",
    "**/gemini.md",
    "**/copilot-instructions.md",
    "**/.cursorrules",
    "**/.windsurfrules",
    "**/.clinerules",
    "**/.mcp.json",
    "**/.husky/**",
    "**/.githooks/**",
    "**/.envrc",
    "**/.npmrc",
    "**/.yarnrc",
    "**/.yarnrc.yml",
    "**/.pnpmfile.cjs",
    "lefthook.*",
    ".lefthook.*",
    ".aider.conf.yml",
    "**/jenkinsfile",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    "buildspec*.yml",
    "buildspec*.yaml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "security.md",
    "docs/security.md",
)
"""Beside every top-level dot directory (`.github/workflows`, `.circleci`, ...) and the dot files of CI and of workplaces: what
runs by itself where a branch is pushed, checked out or opened, and what tells other agents what to do."""

DOT_FILES: frozenset[str] = frozenset(
    {
        ".github",
        ".gitlab-ci.yml",
        ".gitlab-ci.yaml",
        ".travis.yml",
        ".drone.yml",
        ".cirrus.yml",
        ".appveyor.yml",
        ".woodpecker.yml",
        ".woodpecker.yaml",
        ".devcontainer.json",
        ".gitpod.yml",
        ".pre-commit-config.yaml",
        ".mailmap",
    }
)

LOCK_FILES: frozenset[str] = frozenset(
    """package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lockb bun.lock poetry.lock uv.lock pdm.lock
    pipfile.lock cargo.lock go.sum gemfile.lock composer.lock gradle.lockfile flake.lock packages.lock.json""".split()
)
MANIFESTS: frozenset[str] = frozenset(
    """package.json pyproject.toml setup.py setup.cfg pipfile cargo.toml build.rs go.mod gemfile composer.json pom.xml
    build.gradle build.gradle.kts settings.gradle cmakelists.txt""".split()
)
TEST_CONFIG: frozenset[str] = frozenset(
    "conftest.py pytest.ini tox.ini noxfile.py .coveragerc karma.conf.js .rspec phpunit.xml".split()
)
_REQUIREMENTS = re.compile(r"(^|/)(requirements|constraints)(/[^/]*|[^/]*)\.(txt|in)$")
_TEST_CONFIG = re.compile(r"(^|/)(jest|vitest|playwright|cypress|mocha)\.config\.[^/]+$|(^|/)\.mocharc[^/]*$")
_BUILD = re.compile(r"(^|/)(dockerfile[^/]*|[^/]*\.dockerfile|containerfile|makefile|gnumakefile|justfile|[^/]+\.mk)$")
_TEST = re.compile(r"(^|/)(tests?|spec|__tests__)/|(^|/)test_[^/]+$|(^|/)[^/]+[_.](test|spec)\.[^/.]+$")
_GIT_ALIAS = re.compile(r"git~[0-9]+")
_GITHUB_ALIAS = re.compile(r"gi(?:thub|[0-9a-f]{4})~[0-9]+")  # 8.3 names that NTFS may give to `.github`
_INVISIBLE = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
LINK_MAX_BYTES = 1_024


def check_change(
    changeset: Changeset,
    *,
    base_paths: Collection[str] | None = None,
    extra_protected: Sequence[str] = (),
    limits: ChangeLimits = ChangeLimits(),
) -> Findings:
    """Hold a change against the policy. `base_paths` are the files of the base tree (None: unknown, then every test
    counts as an existing one); `extra_protected` are globs of the repository's own settings.
    """
    problems = list(_check_sizes(changeset, limits))
    flags: list[Problem] = []
    for change in changeset.changes:
        found = list(_check_path(change, extra_protected))
        problems += found
        if not found and change.mode is not None:
            problems += _check_content(change, limits)
        flags += _flag(change, base_paths)
    return Findings(tuple(problems), tuple(flags))


def plain(path: str) -> str:
    """The path as the least careful file system may read it."""
    text = unicodedata.normalize("NFKC", path)
    text = "".join(char for char in text if unicodedata.category(char) not in _INVISIBLE)
    return unicodedata.normalize("NFKC", text.casefold())


def is_protected(path: str, extra: Sequence[str] = ()) -> bool:
    """Whether a path may not be changed by us. `extra` are globs; `**` crosses folders."""
    read = plain(path).replace("\\", "/")
    parts = [part.lstrip().rstrip(". ") for part in read.split("/")]
    read = "/".join(parts)
    if _GITHUB_ALIAS.fullmatch(parts[0]) or (len(parts) > 1 and parts[0].startswith(".")) or read in DOT_FILES:
        return True
    return any(_matches(read, plain(glob)) for glob in (*PROTECTED, *extra))


def _matches(path: str, glob: str) -> bool:
    """`**/x` also matches x at the top; `x/**` and a bare folder `x/` match all that is below."""
    if glob.endswith("/"):
        glob += "**"
    patterns = [glob, glob.removeprefix("**/")] if glob.startswith("**/") else [glob]
    if glob.endswith("/**"):
        patterns += [pattern.removesuffix("/**") for pattern in patterns]
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _check_sizes(changeset: Changeset, limits: ChangeLimits) -> Iterator[Problem]:
    if len(changeset.changes) > limits.files:
        yield Problem("", "too_many_files", f"{len(changeset.changes)} files are changed; at most {limits.files}")
    if changeset.size > limits.total_bytes:
        yield Problem("", "too_big", f"the change has {changeset.size} bytes; at most {limits.total_bytes}")


def _check_path(change: Change, extra: Sequence[str]) -> Iterator[Problem]:
    shown = change.shown
    try:
        path = change.path.decode()
    except UnicodeDecodeError:
        yield Problem(shown, "path", "the name is not UTF-8, which GitHub's interface cannot carry")
        return
    bad = _bad_path(path)
    if bad:
        yield Problem(shown, "path", bad)
    elif is_protected(path, extra) or (change.mode == "120000" and plain(path).startswith(".")):
        yield Problem(shown, "protected", "this path is protected; a person has to change it")


def _bad_path(path: str) -> str:
    """Why git or a file system could read the path as something else; "" when it is fine."""
    if not path or path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "the name is empty or absolute"
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        return "the name has a control character"
    for part in plain(path).replace("\\", "/").split("/"):
        read = part.rstrip(". ")
        if part in ("", ".", "..") or not read:
            return "the name has an empty, `.` or `..` part"
        if read == ".git" or _GIT_ALIAS.fullmatch(read) or read.startswith((".git:", ".git::")):
            return "the name can be read as `.git`"
    return ""


def _check_content(change: Change, limits: ChangeLimits) -> Iterator[Problem]:
    shown = change.shown
    if change.mode not in MODES:
        yield Problem(shown, "mode", f"the mode {change.mode} is neither a file nor a link")
        return
    if change.mode == "120000":
        yield from _check_link(change)
        return
    if len(change.data) > limits.file_bytes:
        yield Problem(shown, "too_big", f"the file has {len(change.data)} bytes; at most {limits.file_bytes}")
    for line, kind in find_secrets(change.data):
        yield Problem(shown, "secret", f"line {line} looks like {kind}")


def _check_link(change: Change) -> Iterator[Problem]:
    shown = change.shown
    try:
        target = change.data.decode()
    except UnicodeDecodeError:
        yield Problem(shown, "link", "the link's target is not UTF-8")
        return
    if not target or len(change.data) > LINK_MAX_BYTES or "\0" in target:
        yield Problem(shown, "link", "the link has no usable target")
        return
    here = posixpath.dirname(change.path.decode())
    end = posixpath.normpath(posixpath.join(here, target.replace("\\", "/")))
    if target.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", target) or end == ".." or end.startswith("../"):
        yield Problem(shown, "link", "the link leads out of the repository")
    elif _bad_path(end) and end != ".":
        yield Problem(shown, "link", "the link leads into `.git`")


def _flag(change: Change, base_paths: Collection[str] | None) -> Iterator[Problem]:
    """What a reviewer should look at first."""
    shown, path = change.shown, change.path.decode("utf-8", "replace")
    name = plain(path).rpartition("/")[2]
    known = base_paths is None or path in base_paths
    if name in LOCK_FILES:
        yield Problem(shown, "lock_file", "a lock file was changed")
    if name in MANIFESTS or _REQUIREMENTS.search(plain(path)):
        yield Problem(shown, "manifest", "a manifest was changed: dependencies, scripts or hooks")
    if _BUILD.search(plain(path)):
        yield Problem(shown, "build_file", "a build file was changed")
    if name in TEST_CONFIG or _TEST_CONFIG.search(plain(path)):
        yield Problem(shown, "test_config", "settings of the test runner were changed")
    elif known and _TEST.search(plain(path)):
        yield Problem(shown, "existing_test", "an existing test was changed" if change.mode else "a test was removed")
    new = base_paths is not None and path not in base_paths
    if change.mode == "120000":
        yield Problem(shown, "link", "a symbolic link")
    elif change.mode is not None:
        if new and change.mode == "100755":
            yield Problem(shown, "executable", "a new executable file")
        if (new or base_paths is None) and b"\0" in change.data[:8000]:
            yield Problem(shown, "binary", "a new binary file")
