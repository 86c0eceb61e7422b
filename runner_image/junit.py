"""pytest's JUnit record: asked for without touching the command, and believed only where it can be that run's own.

It is asked for through PYTEST_ADDOPTS, so that the approved command runs word for word, behind pipes and `&&` too, and
is written into a directory made for that one run, under a name that cannot be known before. What it cannot show: of
several pytest runs in one line the last overwrites the others, so a line that does not end with the first that fails is not
believed; a command with a `--junitxml` of its own wins over ours.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import stat
import time
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from runner_image import here_documents
from shared.domain.protocol import TestIds, stem

MAX_BYTES = 20_000_000  # what is kept of it as a blob
MAX_TAGS = 500_000  # each takes some hundred bytes of our memory, whatever its size in the file
LISTED = 2_000
PASSED_BYTES = 80_000  # of the ids in one run: six runs, each with its output, must fit one request
PASSED_FIRST_BYTES = 70_000  # of the run that later ones are held against: some of their ids are longer
OTHERS_BYTES = 24_000
QUARTER_HOUR = 900  # time zones differ by multiples of it
SLACK_S = 2.0
Result = Literal["passed", "failed", "skipped"]
WORST: dict[Result, int] = {"passed": 0, "skipped": 1, "failed": 2}
SHOWING = frozenset({"--version", "--help", "--collect-only", "--co", "--fixtures", "--markers"})
NAMES_ONLY = frozenset("install show list which command type hash echo printf grep".split())
_CONTROL = re.compile(r"&&|\|\||.")
_BEFORE_A_WORD = frozenset(" \t;&|()<>")
PYTEST_WORD = re.compile(r"(?:.*/)?(?:pytest|py\.test)(?:-\d[\d.]*)?")


class NoRecord(Exception):
    """There is no record that this run can have written; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Record:
    """Result by id, `classname::name`, the worst where an id stands twice. `uncollected` are the ids among them that are
    no tests: what pytest could not collect, whose names are `collection_errors`."""

    results: Mapping[str, Result]
    collection_errors: tuple[str, ...]
    uncollected: frozenset[str] = frozenset()

    def ids(self, result: Result) -> list[str]:
        return sorted(each for each, found in self.results.items() if found == result)

    def tests(self, first: Collection[str] = ()) -> TestIds:
        """As the wire takes them; of what passed those in `first` come first: a cut list must not look like a lost test."""
        return TestIds(
            passed=_cut_off(
                _in_order(self.ids("passed"), first)[:LISTED], PASSED_BYTES if first else PASSED_FIRST_BYTES
            ),
            failed=_shortened(self.ids("failed")[:LISTED], OTHERS_BYTES),
            skipped=_shortened(self.ids("skipped")[:LISTED], OTHERS_BYTES),
            count=len(self.results),
        )


def _in_order(passed: list[str], first: Collection[str]) -> list[str]:
    """Those in `first` before all others. One whose parameters are never twice the same stands in the place of one that is
    gone, so that the list ends where the list of those in `first` ends."""
    fresh: dict[str, list[str]] = {}
    for each in passed:
        if each not in first and stem(each) != each:
            fresh.setdefault(stem(each), []).append(each)
    gone = [each for each in sorted(set(first).difference(passed)) if fresh.get(stem(each))]
    place = {fresh[stem(each)].pop(0): each for each in gone if fresh[stem(each)]}
    return sorted(passed, key=lambda each: (each not in first and each not in place, place.get(each, each)))


def _cut_off(ids: list[str], room: int) -> tuple[str, ...]:
    """As many of the first as fit, each as it is: they are compared with those of other runs."""
    ends = itertools.accumulate(map(_weight, ids))
    return tuple(each for each, end in zip(ids, ends, strict=True) if end <= room)


def _shortened(ids: list[str], room: int) -> tuple[str, ...]:
    """All of them, since they are counted; where that is too much, the beginning of each."""
    if sum(map(_weight, ids)) <= room:
        return tuple(ids)
    share = room // len(ids) - _weight("")
    return tuple(each.encode("utf-8", "ignore")[:share].decode("utf-8", "ignore") for each in ids)


def _weight(test: str) -> int:
    return len(test.encode("utf-8", "ignore")) + len('"",') + test.count("\\") + test.count('"')


def runs_pytest(line: str) -> bool:
    """Whether a shell line names pytest as a program or as the module to run, and not merely to show something."""
    return bool(_runs_in(_words(line)))


def overwrites_a_record(line: str) -> bool:
    """Whether a line may run pytest more than once, so that what its record does not have may have run all the same."""
    words = _words(line)
    return len(_run_themselves(words)) > 1 or _is_in_a_loop(words)


def hides_a_run(line: str) -> bool:
    """Whether a line runs pytest more than once so that one may fail and the next is run all the same: that one's record is
    overwritten, and its exit code is lost. Behind `&&`, or behind `set -e` where no list excuses it, none can be; a loop
    may leave by itself (`|| exit 1`)."""
    words = list(itertools.dropwhile(lambda word: word == ";", _words(line)))
    runs = _run_themselves(words)
    between = [_controls(words[run:after]) for run, after in itertools.pairwise(runs)]
    goes_on = _is_in_a_loop(words) and ("||", "exit") not in itertools.pairwise(words)
    if not goes_on and all(set(each) == {"&&"} for each in between):
        return False
    # A shell forgives all but the last of a list.
    each_ends_its_list = all(each[:1] == [";"] and set(each) <= {";", "&&"} for each in between)
    return not (each_ends_its_list and _ends_at_once(words[:2]))


def _is_in_a_loop(words: list[str]) -> bool:
    before = words[: next(iter(_run_themselves(words)), 0)]
    begins = any(word == "do" and _is_control(last) for last, word in itertools.pairwise(before))
    return begins and "done" not in before


def _ends_at_once(first: list[str]) -> bool:
    return first[:1] == ["set"] and bool(re.fullmatch(r"-\w*e\w*", "".join(first[1:])))


def _controls(words: list[str]) -> list[str]:
    """What stands between commands, one by one, without the parentheses around some."""
    marks = [mark for word in words if _is_control(word) for mark in _CONTROL.findall(word)]
    return [mark for mark in marks if mark not in "()"]


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(_one_line(line), posix=True, punctuation_chars=True)
    lexer.commenters = ""  # its own begin in the middle of a word, too, and know no end of a line here
    try:
        return list(lexer)
    except ValueError:
        return line.split()


def _runs_in(words: list[str]) -> list[int]:
    """Where in the words each run stands."""
    at = [number for number, word in enumerate(words) if PYTEST_WORD.fullmatch(word)]
    ends = [*at[1:], len(words)] if at else []
    return [start for start, end in zip(at, ends, strict=True) if not _shows_only(words[start + 1 : end])]


def _run_themselves(words: list[str]) -> list[int]:
    """Those of them that are more than a name which another program is given."""
    return [at for at in _runs_in(words) if not any(map(_takes_names, _same_command(words, at)))]


def _takes_names(word: str) -> bool:
    """Whether what stands behind this word in its command is not run itself."""
    return word in NAMES_ONLY or bool(PYTEST_WORD.fullmatch(word))


def _same_command(words: list[str], at: int) -> list[str]:
    """The words before that one, back to where its command begins."""
    return list(itertools.takewhile(lambda word: not _is_control(word), reversed(words[:at])))


def _is_control(word: str) -> bool:
    return bool(word) and set(word) <= set("();|&")


def _one_line(script: str) -> str:
    """Without comments (POSIX, Shell Command Language, 2.3) and what is in here-documents for other programs, its lines one
    behind the other; what is quoted stays."""
    made, quote, position, line = [], "", 0, 0
    opened: list[re.Match[str]] = []
    while position < len(script):
        char = script[position]
        if not quote and (here := here_documents.opens(script, position)):
            opened.append(here)
        position += 1
        if char == "\\" and quote != "'":
            after = script[position : position + 1]
            position += 1
            if after != "\n":
                made.append(char + after)
        elif char in ("'", '"') and quote in ("", char):
            quote = "" if quote else char
            made.append(char)
        elif quote:
            made.append(char)
        elif char == "#" and (not made or made[-1][-1:] in _BEFORE_A_WORD):
            end = script.find("\n", position)
            position = len(script) if end < 0 else end
        elif char == "\n":
            made.append(" ; ")
            position = (
                here_documents.after(script, script[line : position - 1], position, opened) if opened else position
            )
            opened, line = [], position
        else:
            made.append(char)
    return "".join(made)


def _shows_only(words: list[str]) -> bool:
    """Whether the first command in these words has an option with which pytest runs no test, and so leaves no record."""
    own = itertools.takewhile(lambda word: not set(word) <= set("();<>|&"), words)
    return any(word in SHOWING for word in own)


def ask_for_record(environment: Mapping[str, str], path: str) -> dict[str, str]:
    """The environment that makes pytest write its record to `path`."""
    before = environment.get("PYTEST_ADDOPTS", "")
    return {**environment, "PYTEST_ADDOPTS": f"{before} --junitxml={shlex.quote(path)}".strip()}


def read_record(path: Path, began: float, seconds: float) -> Record:
    """The record of a run that began at `began` (time.time()) and took `seconds`. Raises NoRecord."""
    suites = _parse(_read(path))
    cases: list[ET.Element] = []
    for suite in suites:
        _check_times(suite, began, seconds)
        own = suite.findall("testcase")
        _check_counts(suite, own)
        cases += own
    results: dict[str, Result] = {}
    broken, uncollected = [], set()
    for case in cases:
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        if any("collection failure" in error.get("message", "") for error in case.findall("error")):
            broken.append(case.get("name", ""))
            uncollected.add(name)
        found = _result(case)
        results[name] = max(results.get(name, found), found, key=WORST.__getitem__)
    return Record(results, tuple(sorted(broken)), frozenset(uncollected))


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NoRecord("it left no JUnit record") from error
    except OSError as error:
        raise NoRecord("what it left as its JUnit record is no file") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise NoRecord("what it left as its JUnit record is no file of its own")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > MAX_BYTES:
            raise NoRecord(f"its JUnit record has {status.st_size:,} bytes; I read {MAX_BYTES:,}")
        return file.read(MAX_BYTES)


def _parse(data: bytes) -> list[ET.Element]:
    if b"\0" in data:  # UTF-16 or UTF-32, in which nothing below would be seen
        raise NoRecord("its JUnit record is not in UTF-8, as pytest's always is")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise NoRecord("its JUnit record declares entities, which pytest's never does")
    if (tags := data.count(b"<")) > MAX_TAGS:
        raise NoRecord(f"its JUnit record has {tags:,} tags; I read {MAX_TAGS:,}")
    try:
        root = ET.fromstring(data)  # noqa: S314  # no entities are left to expand
    except ET.ParseError as error:
        raise NoRecord(f"its JUnit record is cut off or no XML: {error}") from error
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    if not suites:
        raise NoRecord("its JUnit record has no test suite in it")
    return suites


def _check_times(suite: ET.Element, began: float, seconds: float) -> None:
    """The record must say that it was written during this run (pytest >= 5.1 writes when it began, and how long)."""
    try:
        at = datetime.fromisoformat(suite.get("timestamp", ""))
        took = float(suite.get("time", ""))
    except ValueError as error:
        raise NoRecord("its JUnit record does not say when it was made (pytest 5.1 or newer does)") from error
    after = at.timestamp() - began
    if at.tzinfo is None:  # the clock on the wall of whatever zone the tests were in
        after = (after + SLACK_S) % QUARTER_HOUR - SLACK_S
    if not -SLACK_S <= after <= seconds + SLACK_S or not 0 <= took <= seconds + SLACK_S:
        raise NoRecord("its JUnit record was not made by this run: its times are others")


def _check_counts(suite: ET.Element, cases: list[ET.Element]) -> None:
    """What it says of itself must be what it holds."""
    try:
        said = {name: int(suite.get(name, "")) for name in ("tests", "failures", "errors", "skipped")}
    except ValueError as error:
        raise NoRecord("its JUnit record does not count its tests") from error
    marks = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    held = {name: sum(len(case.findall(tag)) for case in cases) for name, tag in marks.items()}
    # A test that fails and then fails again in tear-down is one case or two, by version. Subtests (pytest 9) are counted,
    # but no cases: those that do not pass stand in their test's. A passed test that is not listed is lost all the same.
    if (said["tests"] == 0 and cases) or any(held[name] != said[name] for name in held):
        raise NoRecord("its JUnit record is incomplete: it counts other tests than it lists")


def _result(case: ET.Element) -> Result:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


# --- ids --------------------------------------------------------------------------------------------------


def normal_id(text: str) -> str:
    """`tests/test_x.py::TestA::test_y` as JUnit has it: `tests.test_x.TestA::test_y`; a file alone: `tests.test_x`."""
    bare, bracket, parameters = text.strip().partition("[")
    first, *rest = bare.split("::")
    module = first.removeprefix("./").removesuffix(".py").replace("/", ".") if _is_path(first) else first
    if not rest:
        return module + bracket + parameters
    return ".".join([module, *rest[:-1]]) + "::" + rest[-1] + bracket + parameters


def _is_path(text: str) -> bool:
    return text.endswith(".py") or "/" in text


def matching(wanted: str, ids: Iterable[str]) -> list[str]:
    """The ids that `wanted` means: itself, all its parameters, or all of a class or file."""
    exact = normal_id(wanted)
    group = exact.replace("::", ".", 1)
    within = (exact + "[",) if "[" in exact else (exact + "[", group + "::", group + ".")
    return [each for each in ids if each == exact or each.startswith(within)]


def now() -> float:
    """The wall clock, which only the times inside a record are compared with."""
    return time.time()
