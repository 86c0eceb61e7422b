"""Which of the changed files could make a test pass without making the program right, and what they were at the base."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner_image.findings import Files
from runner_image.git import Git
from runner_image.judge import NOT_RUN_BEFORE, Before, wants_record
from runner_image.led_by import settings_of, tables_of, words_of
from runner_image.trees import changed_paths, files_of, paths_of
from shared.domain.protocol import Change, CheckToRun, CriterionToRun, shown_path

SETTINGS = frozenset(
    b"conftest.py sitecustomize.py usercustomize.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini setup.cfg".split()
)
# `python -m pytest` looks in the working directory first: a module of such a name there is taken for pytest's own, or for the
# plugin that is installed (unless the repository is that project).
PYTEST_MODULES = frozenset(b"pytest _pytest py pluggy iniconfig".split())
ROOTS = (b"", b"src/", b"lib/")
STDLIB = frozenset(name.encode() for name in sys.stdlib_module_names)
PYTHON = re.compile(rb"(?:.*/)?(?:python|pypy)[\d.]*")
TEST_FILE = re.compile(
    rb"(?:^|/)(?i:tests?|testing|__tests__|spec)/"
    rb"|(?:^|/)(?:test_[^/]*|[^/]*_(?:unit)?tests?\.\w+|[^/]*\.(?:test|spec)\.\w+|[^/]*Tests?\.(?:java|kt|cs|scala|swift|php|groovy))$"
)
NAMED_TESTS = re.compile(rb"(?:^|/)tests?\.py$")
"""Django's and unittest's tests, or code that is about tests: its text says which."""
OF_TESTS = re.compile(rb"\bunittest\b|TestCase\b|\bpytest\b")
DEFINED = re.compile(rb"^[ \t]*(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^[ \t]*(\w+)[ \t]*=", re.MULTILINE)
LIKE_TESTS = re.compile(rb"(?i:test|check|spec)")
AMONG_OTHERS = re.compile(
    r"\bgo\s+test\b|-m\s+unittest\b|\b(?:manage\.py|django-admin)\s+test\b|\b(?:rspec|phpunit|nose2|trial|stestr)\b"
)
"""Runners in whose process, or package, a new test runs together with the old ones. pytest is one; it has its record."""
JUDGES = re.compile(rb"\bos\._exit\b|\b_?pytest\b|\bPYTEST_\w+|\bjunitxml\b|\bsitecustomize\b")
"""Words by which a program can decide what a check says of it: no file of the base undoes that, a person must read it."""
CODE = (b".py", b".pth", b".pyi", b".pyx", b".toml", b".cfg")


@dataclass(frozen=True, slots=True)
class Pins:
    """`known` are the base's paths. `settings` and `tests` existed at base or change how tests run; `new_tests` did not exist. `others` are all other
    changed paths: some are what a check's line runs, such as a Makefile or a shell script. `suspects` are (path, word)
    of code beside the tests that now names the judge."""

    git: Git
    base: str
    head: str
    known: frozenset[bytes]
    settings: tuple[bytes, ...]
    tests: tuple[bytes, ...]
    new_tests: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()
    suspects: tuple[tuple[bytes, str], ...] = ()

    def changes_for(self, criterion: CriterionToRun, before: Before = NOT_RUN_BEFORE) -> tuple[Change, ...]:
        """What to lay over head; `before` are the tests that ran at base. Not the files that the criterion's own (agent's)
        test is made of. For a `keep` criterion the change's new tests go too: they may need the settings that are taken
        back, and whatever is imported in the tests' process (a new test, a helper beside it) can make the other tests pass.
        """
        touched = self._touched(criterion, before)
        if criterion.kind == "keep" and criterion.check is not None and (touched or _runs_among(criterion.check)):
            touched |= set(self.new_tests) - _own(criterion)
        if not touched:
            return ()
        kept = files_of(self.git, self.base, touched)
        return (*kept, *(Change(path, None) for path in sorted(touched - {each.path for each in kept})))

    def finding_for(self, criterion: CriterionToRun, before: Before = NOT_RUN_BEFORE) -> str:
        """For people; empty where only new tests were laid aside."""
        said = []
        if touched := sorted(self._touched(criterion, before)):
            said.append(f"The change touches {_some(touched)}; run again with the base's versions of them.")
        if inside := sorted(self._standing(before) - set(touched) - _own(criterion)):
            said.append(
                f"Tests of this check stand in {_some(inside)}, which the change touches; read what became of them."
            )
        return " ".join(said)

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

    def _touched(self, criterion: CriterionToRun, before: Before) -> set[bytes]:
        found = {*self.settings, *self.tests, *(path for path in self._standing(before) if LIKE_TESTS.search(path))}
        if criterion.check is not None:
            words = words_of(criterion.check.run)
            found |= self._taken_for(words, any_program=criterion.kind == "keep")
            if criterion.kind == "keep":
                found |= settings_of(words, self.others)
                found |= {path for path in self.others if self._tables_differ(path, words)}
        return found - _own(criterion)

    def _standing(self, before: Before) -> set[bytes]:
        """Which of the other changed files had tests of the check in them at base, by its record."""
        tests = before.passed | before.failed
        where = {place for each in tests for place in _places(each)}
        found = {path for path in self.others if path in self.known and _is_place(path, where)} if where else set()
        return {each.path for each in files_of(self.git, self.base, found) if _defines(each.data, tests)}

    def _taken_for(self, words: Collection[bytes], any_program: bool) -> set[bytes]:
        """New files that `python -m NAME` would find before the program which is installed: of the standard library; of
        any where the check passed before, so that the program must have been there."""
        names = {name for name in _run_as_modules(words) if any_program or name in STDLIB}
        own = {found for path in self.known if (found := _module_of(path, (b"",)))}
        return {path for path in self.others if _module_of(path, (b"",)) in names - own}

    def _tables_differ(self, path: bytes, words: Sequence[bytes]) -> bool:
        if path.rpartition(b"/")[2] != b"pyproject.toml":
            return False
        before, now = (_tool_tables(self.git, commit, path) for commit in (self.base, self.head))
        if before is None or now is None:
            return before != now
        return any(before.get(name) != now.get(name) for name in tables_of(words))


def _runs_among(check: CheckToRun) -> bool:
    return wants_record(check) or bool(AMONG_OTHERS.search(check.run))


def _own(criterion: CriterionToRun) -> set[bytes]:
    return {path.encode() for path in criterion.check.files} if criterion.check else set()


def _some(paths: Collection[bytes]) -> str:
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(shown_path(path) for path in list(paths)[:5]) + more


def _places(test: str) -> Iterable[bytes]:
    """`tests.test_x.TestA::test_y` stands in tests.test_x, or in tests.test_x.TestA if that is a file. A name with dots is
    a doctest's, whose file is the program."""
    where, _, name = test.partition("[")[0].partition("::")
    parts = where.split(".")
    while parts and "." not in name:
        yield ".".join(parts).encode()
        if not parts.pop()[:1].isupper():
            return


def _names(test: str) -> Iterable[str]:
    """Its own and, if it is in a class, that of the class."""
    where, _, name = test.partition("[")[0].partition("::")
    yield name
    yield from itertools.takewhile(lambda part: part[:1].isupper(), reversed(where.split(".")))


def _is_place(path: bytes, places: set[bytes]) -> bool:
    """Ids are relative to where pytest was run."""
    parts = path.removesuffix(b".py").split(b"/") if path.endswith(b".py") else []
    return any(b".".join(parts[first:]) in places for first in range(len(parts)))


def _defines(text: bytes, tests: Collection[str]) -> bool:
    """Whether a file has a name of one of the tests, or of its class. A doctest of a whole module, and what a plugin finds in
    each file (`mypy`, `FLAKE8`), go by other names: that file is the program."""
    defined = {name.decode() for names in DEFINED.findall(text) for name in names if name}
    return any(name in defined for each in tests for name in _names(each))


def _run_as_modules(words: Collection[bytes]) -> set[bytes]:
    """The NAME of each `python -m NAME`, its first part alone."""
    found, after_python, after_m = set(), False, False
    for word in words:
        if after_m:
            found.add(word.partition(b".")[0])
        after_m = after_python and word == b"-m"
        after_python = bool(PYTHON.fullmatch(word)) or (after_python and word.startswith(b"-") and not after_m)
    return found


def _module_of(path: bytes, roots: tuple[bytes, ...] = ROOTS[:2]) -> bytes:
    """The name under which a program that runs in the repository's root may import it; empty where it cannot."""
    for root in roots:
        first, slash, _ = path.removeprefix(root).partition(b"/")
        stem, _, kind = first.rpartition(b".")
        if path.startswith(root) and root != first + b"/":
            if slash:
                return first
            if kind in (b"py", b"pyc", b"so"):
                return stem
    return b""


def find_pins(git: Git, base: str, head: str, modules: frozenset[bytes] = frozenset()) -> Pins:
    """`modules` are those of the plugins that the base's set-up installs, which pytest imports without being asked."""
    changed = changed_paths(git, base, head)
    known = frozenset(paths_of(git, base))
    judging = (PYTEST_MODULES | modules) - {name for path in known for name in _modules_of(path)}
    stand_ins = _stand_ins(git, head, changed, known)
    settings: list[bytes] = []
    tests: list[bytes] = []
    new_tests: list[bytes] = []
    others: list[bytes] = []
    for path in sorted(changed):
        name = path.rpartition(b"/")[2]
        if (
            name in SETTINGS
            or path in stand_ins
            or judging & _modules_of(path)
            or (name == b"pyproject.toml" and _pytest_differs(git, base, head, path))
        ):
            settings.append(path)
        elif TEST_FILE.search(path) or (NAMED_TESTS.search(path) and _is_of_tests(git, path, base, head)):
            (tests if path in known else new_tests).append(path)
        else:
            others.append(path)
    suspects = _find_suspects(git, base, head, others)
    return Pins(git, base, head, known, tuple(settings), tuple(tests), tuple(new_tests), tuple(others), suspects)


def _modules_of(path: bytes) -> set[bytes]:
    return {_module_of(path, (root,)) for root in ROOTS[:2]} - {b""}


def _is_of_tests(git: Git, path: bytes, base: str, head: str) -> bool:
    found = files_of(git, base, [path]) or files_of(git, head, [path])
    return any(OF_TESTS.search(each.data) for each in found)


def _stand_ins(git: Git, head: str, changed: Mapping[bytes, str | None], known: Collection[bytes]) -> set[bytes]:
    """New modules beside the tests that are imported in the place of the program's own: pytest puts the first directory
    that is no package before everything else where modules are looked for."""
    present = set(known).union(changed) - {path for path, mode in changed.items() if mode is None}
    found = set()
    for path in present - set(known):
        if not TEST_FILE.search(path) or not path.endswith(b".py") or path.rpartition(b"/")[2].startswith(b"test_"):
            continue
        parts = path.split(b"/")
        for first in range(1, len(parts)):
            inside = b"/".join(parts[first:])
            is_package = b"/".join([*parts[:first], b"__init__.py"]) in present
            if not is_package and any(root + inside in known for root in ROOTS):
                found.add(path)
    empty = {each.path for each in files_of(git, head, found) if not each.data.strip()} if found else set()
    return found - empty


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
    before, now = (_tool_tables(git, commit, path) for commit in (base, head))
    return before != now if before is None or now is None else before.get("pytest") != now.get("pytest")


def _tool_tables(git: Git, commit: str, path: bytes) -> dict[str, Any] | None:
    """What pyproject.toml has under `tool`; None where it is not readable as TOML: take any difference for one."""
    found = files_of(git, commit, [path])
    if not found:
        return {}
    text = found[0].data.decode("utf-8", "replace")
    read = Files({"pyproject.toml": text}, ["pyproject.toml"]).toml("pyproject.toml")
    tables = read.get("tool", {})
    return tables if isinstance(tables, dict) and (read or not text.strip()) else None
