"""Which of the changed files could make a test pass without making the program right, and what they were at the base."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner_image.findings import Files
from runner_image.git import Git
from runner_image.trees import changed_paths, files_of, paths_of
from shared.domain.protocol import Change, CriterionToRun, shown_path

SETTINGS = frozenset(
    b"conftest.py sitecustomize.py usercustomize.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini setup.cfg".split()
)
TEST_FILE = re.compile(
    rb"(?:^|/)(?:tests?|testing|__tests__|spec)/|(?:^|/)(?:test_[^/]*|[^/]*_test\.\w+|[^/]*\.(?:test|spec)\.\w+)$"
)


@dataclass(frozen=True, slots=True)
class Pins:
    """`settings` and `tests` existed at base or change how tests run; `new_tests` did not exist."""

    git: Git
    base: str
    settings: tuple[bytes, ...]
    tests: tuple[bytes, ...]
    new_tests: tuple[bytes, ...]

    def changes_for(self, criterion: CriterionToRun) -> tuple[Change, ...]:
        """What to lay over head. Not the files that the criterion's own (agent's) test is made of. For a `keep`
        criterion the change's new tests go too: they may need the settings that are taken back."""
        own = {path.encode() for path in criterion.check.files} if criterion.check else set()
        touched = {path for path in (*self.settings, *self.tests) if path not in own}
        if not touched:
            return ()
        if criterion.kind == "keep":
            touched |= set(self.new_tests) - own
        kept = files_of(self.git, self.base, touched)
        return (*kept, *(Change(path, None) for path in sorted(touched - {each.path for each in kept})))

    def finding_for(self, criterion: CriterionToRun) -> str:
        own = {path.encode() for path in criterion.check.files} if criterion.check else set()
        touched = [shown_path(path) for path in sorted({*self.settings, *self.tests}) if path not in own]
        more = f" and {len(touched) - 5} more" if len(touched) > 5 else ""
        return f"The change touches {', '.join(touched[:5])}{more}; run again with the base's versions of them."


def find_pins(git: Git, base: str, head: str) -> Pins:
    changed = changed_paths(git, base, head)
    before = set(paths_of(git, base))
    settings: list[bytes] = []
    tests: list[bytes] = []
    new_tests: list[bytes] = []
    for path in sorted(changed):
        name = path.rpartition(b"/")[2]
        if name in SETTINGS or (name == b"pyproject.toml" and _pytest_differs(git, base, head, path)):
            settings.append(path)
        elif TEST_FILE.search(path):
            (tests if path in before else new_tests).append(path)
    return Pins(git, base, tuple(settings), tuple(tests), tuple(new_tests))


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
