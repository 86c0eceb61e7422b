"""Published steps become calls of our agent's tools, from the data alone, when a case is run.

Reading and searching become `view` and `bash`, editing keeps the published run's open file and window, what its
environment did not apply is left out, the last `submit` is `finish`. A bare `python` finds the case's own environment.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from local.case import calls, line_edits
from local.case.actions import (
    EDITING,
    Action,
    Create,
    EditCursors,
    EditLines,
    EditWindow,
    Find,
    Goto,
    Insert,
    Nothing,
    Open,
    Replace,
    ReplaceOnce,
    Scroll,
    Search,
    SetCursors,
    Shell,
    Submit,
    Undo,
    View,
    WriteWhole,
)  # fmt: skip
from local.case.calls import Call
from local.case.case_file import TRAJECTORY, BadCase, Case, PublishedStep
from local.case.display import Display, edit_was_refused, read_display, was_not_run, was_refused
from local.case.programs import programs_of
from local.case.published_place import Place, bin_directory, find_root
from local.case.read_action import UnknownAction, parse_all, read_hand_over

WINDOW = 100  # lines that the published interface shows at once

# Commands that may change any file: what we know of the files' texts is void after them.
_WIDE = re.compile(
    r"\bgit\s+(?:checkout|stash|reset|apply|restore|clean|revert|am|merge|switch|pull)\b|\bpatch\b|\bsed\b.*-i"
    r"|\b(?:black|isort|autopep8|ruff|pre-commit)\b|\bfind\b.*-(?:exec|ok|delete)"
)
# What mini-swe-agent's environment puts around an output; each of its lines has a shell of its own.
_ONE_SHELL_A_STEP = re.compile(r"\s*<returncode>-?\d+</returncode>")
# Signs that a command writes to the files that it names.
_WRITES = re.compile(
    r">(?!>?\s*/dev/null|&\d)|\b(?:tee|mv|cp|rm|truncate|dd|perl|ed|touch)\b|\bsed\b.*-i|\bpython[\d.]*\s+-"
)


@dataclass(frozen=True)
class _Undoing:
    """What takes an edit back: `new` becomes `old` where `new` stands once, else all becomes `text` (None: unknown)."""

    text: str | None
    old: str = ""
    new: str = ""


@dataclass(frozen=True)
class Translated:
    """One answer of the scripted model: the published words, and the calls they come to."""

    line: int
    text: str
    calls: tuple[Call, ...]


def translate(case: Case, files: Iterable[str], read: Callable[[str], str | None]) -> list[Translated]:
    """All steps. `files` are the repository's paths, `read` gives a text of it (None: none such, or no text).

    Raises BadCase naming the line of a step that cannot be understood.
    """
    parsed = _parse_all(case.steps, programs_of(files := list(files), read), TRAJECTORY)
    # An interface that asks for a second look takes the first `submit` as a question.
    handing_over = {
        max((number for number, (_, action) in enumerate(parsed) if isinstance(action, Submit)), default=-1)
    }
    return _translated(case.steps, parsed, handing_over, Translator(_place(case, files, case.steps), read, TRAJECTORY))


def translate_answers(
    case: Case, files: Iterable[str], read: Callable[[str], str | None], steps: Sequence[PublishedStep], name: str
) -> list[Translated]:
    """Steps of the file `name` that go on after the case's own: each `submit` ends a round. Raises BadCase."""
    parsed = _parse_all(steps, programs_of(files := list(files), read), name)
    handing_over = {number for number, (_, action) in enumerate(parsed) if isinstance(action, Submit)}
    return _translated(steps, parsed, handing_over, Translator(_place(case, files, steps), lambda _: None, name))


def _place(case: Case, files: Sequence[str], steps: Sequence[PublishedStep]) -> Place:
    apart = any(_ONE_SHELL_A_STEP.match(step.observation) for step in steps)
    return Place(find_root(case, files), bin_directory(case), apart=apart)


def _translated(
    steps: Sequence[PublishedStep],
    parsed: Sequence[tuple[PublishedStep, Action]],
    handing_over: Collection[int],
    translator: Translator,
) -> list[Translated]:
    actions = Counter(step.line for step, _ in parsed)
    patches = any(isinstance(action, Submit) and action.patch for _, action in parsed)
    found: list[Translated] = []
    for number, (step, action) in enumerate(parsed):
        made = translator.translate(step, action, with_others=actions[step.line] > 1)
        if isinstance(action, Submit) and number in handing_over:
            made += translator.keep(action.patch) if action.patch else []
            made.append(calls.finish(_summary([each for each in steps if each.line <= step.line])))
        if made and not found and patches:
            made = [*translator.begin(), *made]
        if made and found and found[-1].line == step.line:
            made = [*found.pop().calls, *made]
        if made:
            found.append(Translated(step.line, step.thought, tuple(made)))
    return found


def _parse_all(
    steps: Iterable[PublishedStep], programs: frozenset[str], name: str
) -> list[tuple[PublishedStep, Action]]:
    return [(step, action) for step in steps for action in _parse(step, programs, name)]


def _summary(steps: Sequence[PublishedStep]) -> str:
    """The most that was said at the end: the step that hands over often says no more than that it does."""
    return max((step.thought.strip() for step in steps[-3:]), key=len) or "Handed over."


def _parse(step: PublishedStep, programs: frozenset[str], name: str) -> tuple[Action, ...]:
    if _ONE_SHELL_A_STEP.match(step.observation):
        return (read_hand_over(step.action) or (Shell(step.action.strip()) if step.action.strip() else Nothing()),)
    try:
        return parse_all(step.action)
    except UnknownAction as error:
        if error.word in programs:
            return (Shell(step.action.strip()),)
        if was_refused(step.observation):
            return (Nothing(),)  # the published interface could not read it either
        raise BadCase(f"{name} line {step.line}: {error}", "known: SWE-agent's commands, and shell lines") from error


class Translator:
    """Keeps what the published interface kept: the open file and the lines of it that are shown."""

    def __init__(self, place: Place, read: Callable[[str], str | None], name: str) -> None:
        """`name` is the steps' file, for errors."""
        self._name = name
        self._place = place
        self._read = read
        self._open: str | None = None
        self._cursors = (1, 1)
        self._shown: Display | None = None
        self._texts: dict[str, str | None] = {}  # by path, where they are not as in the repository; None: unknown
        self._undoing: dict[str, list[_Undoing]] = {}  # by path, the newest last
        self._writing: list[str] = []  # shell lines that may have written to what they name
        self._sure = True  # nothing ran that may have changed any file

    def translate(self, step: PublishedStep, action: Action, *, with_others: bool = False) -> list[Call]:
        """The calls of one action of a step, which may have others (none: it did nothing).

        Raises BadCase when there is no open file for it.
        """
        if _did_nothing(step, action, with_others):
            return []
        shown = read_display(step.observation)
        if self._place.apart:
            self._place.directory = "."
        try:
            return self._calls(action, shown)
        except LookupError as error:
            if not isinstance(action, EDITING) and was_refused(step.observation):
                return []
            raise BadCase(f"{self._name} line {step.line}: {error}") from error
        finally:
            self._look(shown)

    def _calls(self, action: Action, shown: Display | None) -> list[Call]:  # noqa: PLR0912 - one table
        match action:
            case Open(path, line):
                self._open, self._shown = self._place.resolve(path), None
                return [self._view(shown, (line or 1) - WINDOW // 6)]
            case Goto(line):
                return [self._view(shown, line - WINDOW // 6)]
            case Scroll(by):
                first = (self._shown.first if self._shown else 1) + by * WINDOW
                return [self._view(shown, first)]
            case Create(path):
                self._open, self._shown = self._place.resolve(path), None
                return [self._write(self._open, "\n")]
            case WriteWhole(path, text):
                return [self._write(self._place.resolve(path), text)]
            case Insert(text, line, path):
                return [self._insert(self._place.resolve(path) if path else self._opened(), text, line)]
            case EditLines(first, last, lines):
                return [self._edit_lines(first, last, lines)]
            case SetCursors(first, last):
                self._cursors = first, last
                return []
            case EditCursors(lines):
                return [self._edit_lines(*self._cursors, lines)]
            case EditWindow(text):
                first, last = self._window()
                return [self._edit_lines(first, last, tuple(text.split("\n")))]
            case Replace(old, new, every):
                return [self._replace(old, new, every)]
            case ReplaceOnce(path, old, new):
                return [self._replace_once(self._place.resolve(path), old, new)]
            case View(path, first, last):
                return [self._look_at(self._place.resolve(path), first, last)]
            case Find(name, below):
                return [self._bash(f"find {shlex.quote(below or '.')} -name {shlex.quote(name)}")]
            case Search(text, below, path):
                return [self._search(text, below, path)]
            case Shell(command):
                return [self._bash(command)]
            case Undo(path):
                return [self._undo(self._place.resolve(path))]
            case Submit(before):
                return [self._bash(before)] if before else []
            case Nothing():
                return []
            case _:
                assert_never(action)

    def begin(self) -> list[Call]:
        """Before the first step of a run that hands over a patch."""
        return [self._program(line_edits.remember_new_files())]

    def keep(self, patch: str) -> list[Call]:
        """A run that hands over a patch has left its notes and trials out of it."""
        return [self._program(line_edits.keep_what_a_patch_says(self._place.resolve(patch)))]

    # --- the open file ----------------------------------------------------------------------------------

    def _opened(self) -> str:
        if self._open is None:
            raise LookupError("no file is open")
        return self._open

    def _window(self) -> tuple[int, int]:
        if self._shown is None:
            return 1, 10**9
        return self._shown.first, self._shown.last

    def _look(self, shown: Display | None) -> None:
        """What the observation shows is what the next edit is about."""
        if shown is not None:
            self._open, self._shown = self._place.resolve(shown.path), shown

    def _view(self, shown: Display | None, first: int) -> Call:
        path = self._opened()
        if shown is not None:
            return self._look_at(path, shown.first, shown.last)
        first = max(1, first)
        return self._look_at(path, first, first + WINDOW - 1)

    def _look_at(self, path: str, first: int | None, last: int | None) -> Call:
        if not self._place.inside(path):
            lines = f" | sed -n '{first},{last or '$'}p'" if first else ""
            return calls.bash(f"cat {shlex.quote(path)}{lines}")
        return calls.view(path, first, last)

    # --- texts ------------------------------------------------------------------------------------------

    def _text(self, path: str) -> str | None:
        if path in self._texts:
            return self._texts[path]
        as_it_was = self._sure and not any(_names(command, path) for command in self._writing)
        return self._read(path) if as_it_was else None

    def _write(self, path: str, text: str) -> Call:
        # The published editor's history has what was created, not what stood there: `create` refuses what exists.
        self._undoing.setdefault(path, []).append(_Undoing(text))
        return self._put(path, text)

    def _put(self, path: str, text: str) -> Call:
        self._texts[path] = text
        if not self._place.inside(path):
            return calls.bash(line_edits.write_file(path, text))
        return calls.write(path, text)

    def _replace(self, old: str, new: str, every: bool) -> Call:
        path = self._opened()
        text = self._text(path)
        if text is not None and old and text.count(old) == 1 and self._place.inside(path):
            self._texts[path] = text.replace(old, new)
            return calls.edit(path, old, new)
        self._texts[path] = None
        return self._program(line_edits.replace_text(path, *self._window(), old, new, every=every))

    def _replace_once(self, path: str, old: str, new: str) -> Call:
        text = self._text(path)
        known = text if text is not None and old and text.count(old) == 1 else None
        self._undoing.setdefault(path, []).append(_Undoing(known, old, new))
        return self._exchange(path, old, new, known)

    def _exchange(self, path: str, old: str, new: str, text: str | None) -> Call:
        self._texts[path] = text.replace(old, new) if text is not None else None
        if self._place.inside(path) and old:
            return calls.edit(path, old, new)
        return self._program(line_edits.replace_text(path, 1, 10**9, old, new, every=False))

    def _undo(self, path: str) -> Call:
        edits = self._undoing.get(path)
        if not edits:
            raise LookupError(f"what `undo_edit` of {path} takes back is not known here")
        newest, text = edits.pop(), self._text(path)
        if newest.new and (text is None or text.count(newest.new) == 1):
            return self._exchange(path, newest.new, newest.old, text)
        if newest.text is None:
            raise LookupError(
                f"what `undo_edit` of {path} takes back is not known here: the edit left nothing that stands there once"
            )
        return self._put(path, newest.text)

    def _edit_lines(self, first: int, last: int, lines: tuple[str, ...]) -> Call:
        path = self._opened()
        known = self._shown.lines if self._shown else {}
        before = [known[number] for number in range(first, last + 1)] if self._all_shown(first, last) else None
        self._texts[path] = None
        return self._program(line_edits.replace_lines(path, first, last, lines, before))

    def _all_shown(self, first: int, last: int) -> bool:
        known = self._shown.lines if self._shown else {}
        return first <= last and first in known and last in known

    def _insert(self, path: str, text: str, line: int | None) -> Call:
        self._undoing.setdefault(path, []).append(_Undoing(self._text(path)))
        before = self._texts.get(path)
        if line is None and before is not None and self._place.inside(path):
            return self._put(path, (before if before.endswith("\n") else f"{before}\n") + text + "\n")
        self._texts[path] = None
        return self._program(line_edits.insert_lines(path, line, text))

    def _program(self, command: str) -> Call:
        """An edit of ours: it runs in the root, whatever directory the published shell is in."""
        directory, self._place.directory = self._place.directory, "."
        made = calls.bash(self._place.command(command))
        self._place.directory = directory
        return made

    # --- the shell --------------------------------------------------------------------------------------

    def _search(self, text: str, below: str | None, path: str | None) -> Call:
        if below is not None:
            return self._bash(f"grep -rnIF -e {shlex.quote(text)} {shlex.quote(below)}")
        where = self._place.resolve(path) if path else self._opened()
        return calls.bash(f"grep -nF -e {shlex.quote(text)} {shlex.quote(where)}")

    def _bash(self, command: str) -> Call:
        self._sure = self._sure and not _WIDE.search(command)
        writes = _WRITES.search(command) is not None
        self._writing += [command] if writes else []
        for path in self._texts:
            if not self._sure or (writes and _names(command, path)):
                self._texts[path] = None
        return calls.bash(self._place.command(command))


def _names(command: str, path: str) -> bool:
    """Whether a shell line has the file's name: it may stand in any directory."""
    name = re.escape(path.rpartition("/")[2])
    return re.search(rf"(?<![\w-]){name}(?![\w-])", command) is not None


def _did_nothing(step: PublishedStep, action: Action, with_others: bool) -> bool:
    """Whether the published environment said that it did not apply an edit, or did not run a line."""
    if isinstance(action, EDITING):
        makes_file = isinstance(action, Create | WriteWhole)
        return edit_was_refused(step.observation, makes_file=makes_file, with_others=with_others)
    return isinstance(action, Shell) and was_not_run(step.observation)
