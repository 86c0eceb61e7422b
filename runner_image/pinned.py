"""Which of the changed files could make a test pass without making the program right, and what they were at the base."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from runner_image.findings import Files
from runner_image.git import Git
from runner_image.judge import wants_record
from runner_image.trees import changed_paths, files_of, paths_of
from shared.domain.protocol import Change, CriterionToRun, shown_path

SETTINGS = frozenset(
    b"conftest.py sitecustomize.py usercustomize.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini setup.cfg".split()
)
# `python -m pytest` looks in the working directory first: a module of such a name there is taken for pytest's own
# (unless the repository is that project).
SHADOW = re.compile(rb"((?:src/)?(?:pytest|_pytest|py|pluggy|iniconfig))(?:/.*|\.(?:py|pyc|so))")
TASKS = {
    b"make": re.compile(rb"(?:.*/)?(?:GNUm|m|M)akefile"),
    b"just": re.compile(rb"(?:.*/)?\.?[Jj]ustfile"),
    b"task": re.compile(rb"(?:.*/)?[Tt]askfile\.ya?ml"),
    b"nox": re.compile(rb"(?:.*/)?noxfile\.py"),
    **dict.fromkeys(
        (b"npm", b"npx", b"yarn", b"pnpm", b"node", b"bun"),
        re.compile(rb"(?:.*/)?(?:package\.json|(?:jest|vitest|mocha|karma)\.[^/]+|\.mocharc[^/]*)"),
    ),
}
"""Where a check's first words lead to: the files that say what `make test` or `npm test` does."""
TEST_FILE = re.compile(
    rb"(?:^|/)(?:tests?|testing|__tests__|spec)/|(?:^|/)(?:test_[^/]*|[^/]*_test\.\w+|[^/]*\.(?:test|spec)\.\w+)$"
)
JUDGES = re.compile(rb"\bos\._exit\b|\b_?pytest\b|\bPYTEST_\w+|\bjunitxml\b|\bsitecustomize\b")
"""Words by which a program can decide what a check says of it: no file of the base undoes that, a person must read it."""
CODE = (b".py", b".pth", b".pyi", b".pyx", b".toml", b".cfg")


@dataclass(frozen=True, slots=True)
class Pins:
    """`settings` and `tests` existed at base or change how tests run; `new_tests` did not exist. `others` are all other
    changed paths: some are what a check's line runs, such as a Makefile or a shell script. `suspects` are (path, word)
    of code beside the tests that now names the judge."""

    git: Git
    base: str
    settings: tuple[bytes, ...]
    tests: tuple[bytes, ...]
    new_tests: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()
    suspects: tuple[tuple[bytes, str], ...] = ()

    def changes_for(self, criterion: CriterionToRun) -> tuple[Change, ...]:
        """What to lay over head. Not the files that the criterion's own (agent's) test is made of. For a `keep`
        criterion the change's new tests go too: they may need the settings that are taken back, and whatever is
        imported in the tests' process (a new test, a helper beside it) can make the other tests pass."""
        touched = self._touched(criterion)
        if criterion.kind == "keep" and criterion.check is not None and (touched or wants_record(criterion.check)):
            touched |= set(self.new_tests) - _own(criterion)
        if not touched:
            return ()
        kept = files_of(self.git, self.base, touched)
        return (*kept, *(Change(path, None) for path in sorted(touched - {each.path for each in kept})))

    def finding_for(self, criterion: CriterionToRun) -> str:
        """For people; empty where only new tests were laid aside."""
        touched = [shown_path(path) for path in sorted(self._touched(criterion))]
        if not touched:
            return ""
        more = f" and {len(touched) - 5} more" if len(touched) > 5 else ""
        return f"The change touches {', '.join(touched[:5])}{more}; run again with the base's versions of them."

    @property
    def warning(self) -> str:
        """For people; empty where there is nothing to warn of."""
        if not self.suspects:
            return ""
        path, word = self.suspects[0]
        more = f", and {len(self.suspects) - 1} more" if len(self.suspects) > 1 else ""
        return (
            f"The change's own code names what decides a check ({shown_path(path)}: {word}{more}); read it before you "
            "believe a pass."
        )

    def _touched(self, criterion: CriterionToRun) -> set[bytes]:
        found = {*self.settings, *self.tests}
        if criterion.kind == "keep" and criterion.check is not None:
            found |= _run_by(criterion.check.run, self.others)
        return found - _own(criterion)


def _own(criterion: CriterionToRun) -> set[bytes]:
    return {path.encode() for path in criterion.check.files} if criterion.check else set()


def _run_by(line: str, paths: tuple[bytes, ...]) -> set[bytes]:
    """Which of `paths` say what a check's line does: the task runner's files, and shell scripts that it names."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        words = {word.removeprefix("./").encode() for word in reader}
    except ValueError:
        words = {word.removeprefix("./").encode() for word in line.split()}
    tools = [pattern for tool, pattern in TASKS.items() if any(word.rpartition(b"/")[2] == tool for word in words)]
    scripts = {path for path in paths if path in words and path.endswith((b".sh", b".bash"))}
    return scripts | {path for path in paths if any(pattern.fullmatch(path) for pattern in tools)}


def find_pins(git: Git, base: str, head: str) -> Pins:
    changed = changed_paths(git, base, head)
    before = set(paths_of(git, base))
    own_names = {found[1] for found in map(SHADOW.fullmatch, before) if found}
    settings: list[bytes] = []
    tests: list[bytes] = []
    new_tests: list[bytes] = []
    others: list[bytes] = []
    for path in sorted(changed):
        name = path.rpartition(b"/")[2]
        shadow = SHADOW.fullmatch(path)
        if (
            name in SETTINGS
            or (shadow and shadow[1] not in own_names)
            or (name == b"pyproject.toml" and _pytest_differs(git, base, head, path))
        ):
            settings.append(path)
        elif TEST_FILE.search(path):
            (tests if path in before else new_tests).append(path)
        else:
            others.append(path)
    suspects = _find_suspects(git, base, head, others)
    return Pins(git, base, tuple(settings), tuple(tests), tuple(new_tests), tuple(others), suspects)


def _find_suspects(git: Git, base: str, head: str, paths: list[bytes]) -> tuple[tuple[bytes, str], ...]:
    code = [path for path in paths if path.endswith(CODE)]
    if not code:
        return ()
    before = {each.path: set(JUDGES.findall(each.data)) for each in files_of(git, base, code)}
    now = [
        (each.path, set(JUDGES.findall(each.data)) - before.get(each.path, set())) for each in files_of(git, head, code)
    ]
    return tuple((path, min(words).decode()) for path, words in now if words)


def _pytest_differs(git: Git, base: str, head: str, path: bytes) -> bool:
    return _pytest_settings(git, base, path) != _pytest_settings(git, head, path)


def _pytest_settings(git: Git, commit: str, path: bytes) -> object:
    found = files_of(git, commit, [path])
    if not found:
        return None
    text = found[0].data.decode("utf-8", "replace")
    read = Files({"pyproject.toml": text}, ["pyproject.toml"]).toml("pyproject.toml")
    # Not readable as TOML: take any difference for one.
    return read.get("tool", {}).get("pytest") if read else text
