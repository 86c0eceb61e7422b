"""Reads what a published step did from its text.

Sources: SWE-agent `tools/windowed*`, `tools/edit_anthropic`, `tools/search`, `config/commands` (github.com/SWE-agent/SWE-agent).
"""

from __future__ import annotations

import re
import shlex
import shutil

from local.case.actions import (
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
    View,
    WriteWhole,
)


class UnknownAction(ValueError):
    """Neither a command that is known here nor a shell line; or one whose arguments cannot be read."""


_EDIT_LINES = re.compile(r"edit\s+(\d+):(\d+)[^\S\n]*\n(.*)", re.DOTALL)
_EDIT_CURSORS = re.compile(r"edit[^\S\n]*\n(.*end_of_edit\s*)", re.DOTALL)
_INSERT_LINES = re.compile(r"insert\s+(\d+)[^\S\n]*\n(.*)", re.DOTALL)
_ENDED = re.compile(r"\n?end_of_(?:edit|insert)\s*\Z")
_ENDED_BY_ITSELF = re.compile(r"exit_[a-z_]+|skip")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")

SHELL_WORDS = frozenset(
    """. : [ [[ { ( ! alias awk basename bash break bunzip2 bzip2 cargo case cat cd chgrp chmod chown cmp comm command
    continue cp curl cut date dd declare df diff dirname dirs du echo egrep env eval exec exit export expr false fgrep
    file find fold for function gcc g++ git go grep gunzip gzip hash head hexdump history hostname id if iconv ifconfig
    install jobs join jq kill killall less let ln local locate ls lsof make man md5sum mkdir mktemp more mv mypy nano
    nl node nohup nosetests npm npx nslookup od paste patch perl pgrep pip pip3 pipenv pkill poetry popd printenv printf
    ps pushd pwd py.test pylint flake8 black isort ruff pytest python python2 python3 read readlink realpath return rg rm
    rmdir ruby sed select seq set sh sha256sum shift shopt sleep sort source split stat strings sudo tail tar tee test
    time timeout touch tox tput tr trap tree true tsc tty type typeset uname unalias uniq unset until unzip vim wait wc
    wget whereis which while who whoami xargs xxd yarn yes zcat zip""".split()
)
"""First words that are a shell's beyond doubt, whether or not the program is on this machine."""


def parse(action: str) -> Action:
    """Raises UnknownAction."""
    text = action.strip("\r\n ").replace("\r\n", "\n")
    if not text:
        return Nothing()
    word = re.split(r"\s", text, maxsplit=1)[0]
    reader = _COMMANDS.get(word)
    if reader is not None:
        return reader(text)
    if _ENDED_BY_ITSELF.fullmatch(text.split("(")[0].strip()):
        return Nothing()
    if is_shell(text):
        return Shell(text)
    raise UnknownAction(f"unknown action {_first_word(text)!r}")


def is_shell(text: str) -> bool:
    """Whether the first word that counts is one of a shell's, a path, an assignment, or a program of this machine."""
    word = _first_word(text)
    if not word or word.startswith(('"', "'", "$", "~", "<", ">")) or "/" in word or _ASSIGNMENT.match(word):
        return True
    return word in SHELL_WORDS or re.fullmatch(r"python[\d.]+|pip[\d.]+", word) is not None or bool(shutil.which(word))


def _first_word(text: str) -> str:
    """Of the first line that is no comment, without brackets; "" where there is none."""
    for line in text.split("\n"):
        words = line.split()
        if words and not words[0].startswith("#"):
            return words[0].lstrip("({!").rstrip(";)") or words[0]
    return ""


def _arguments(text: str, least: int, most: int) -> list[str]:
    word = text.split(maxsplit=1)[0]
    try:
        given = shlex.split(text)[1:]
    except ValueError as error:
        raise UnknownAction(f"the arguments of {word!r} cannot be read: {error}") from error
    if not least <= len(given) <= most:
        raise UnknownAction(f"{word!r} with {len(given)} arguments")
    return given


def _number(text: str, word: str) -> int:
    if not text.isdigit():
        raise UnknownAction(f"{word!r} wants a line number, not {text!r}")
    return int(text)


def _open(text: str) -> Action:
    path, *line = _arguments(text, 1, 2)
    return Open(path, _number(line[0], "open") if line else None)


def _goto(text: str) -> Action:
    return Goto(_number(_arguments(text, 1, 1)[0], "goto"))


def _set_cursors(text: str) -> Action:
    first, last = _arguments(text, 2, 2)
    return SetCursors(_number(first, "set_cursors"), _number(last, "set_cursors"))


def _create(text: str) -> Action:
    return Create(_arguments(text, 1, 1)[0])


def _insert(text: str) -> Action:
    block = _INSERT_LINES.fullmatch(text)
    if block:
        return Insert(_ENDED.sub("", block[2]), int(block[1]))
    words, *line = _arguments(text, 1, 2)
    return Insert(words, _number(line[0], "insert") if line else None)


def _edit(text: str) -> Action:
    block = _EDIT_LINES.fullmatch(text)
    if block:
        return EditLines(int(block[1]), int(block[2]), _block_lines(block[3]))
    between = _EDIT_CURSORS.fullmatch(text)
    if between:
        return EditCursors(_block_lines(between[1]))
    given = _arguments(text, 1, 3)
    if len(given) == 1:
        return EditWindow(given[0])
    return Replace(given[0], given[1], given[2:] not in ([], ["False"], ["false"], ["0"]))


def _block_lines(block: str) -> tuple[str, ...]:
    """The lines before `end_of_edit`; none at all is a deletion."""
    lines = block.split("\n")
    while lines and re.fullmatch(r"\s*|end_of_edit\s*", lines[-1]) and "end_of_edit" in block:
        if lines.pop().startswith("end_of_edit"):
            break
    return tuple(lines)


def _find_file(text: str) -> Action:
    name, *below = _arguments(text, 1, 2)
    return Find(name, below[0] if below else None)


def _search_dir(text: str) -> Action:
    words, *below = _arguments(text, 1, 2)
    return Search(words, below=below[0] if below else ".")


def _search_file(text: str) -> Action:
    words, *path = _arguments(text, 1, 2)
    return Search(words, path=path[0] if path else None)


def _filemap(text: str) -> Action:
    return View(_arguments(text, 1, 1)[0])


def _str_replace_editor(text: str) -> Action:
    command, path, *rest = _arguments(text, 2, 30)
    options: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--") and word[2:].split("=")[0] in (
            "file_text",
            "old_str",
            "new_str",
            "insert_line",
            "view_range",
        ):
            name, equals, value = word[2:].partition("=")
            options[name] = [value] if equals else []
        elif options:
            list(options.values())[-1].append(word)
        else:
            raise UnknownAction(f"str_replace_editor: {word!r} is no option")

    def one(name: str) -> str:
        if name not in options:
            raise UnknownAction(f"str_replace_editor {command} without --{name}")
        return " ".join(options[name])

    match command:
        case "view":
            lines = [int(number) for number in re.findall(r"-?\d+", " ".join(options.get("view_range", [])))]
            if len(lines) not in (0, 2):
                raise UnknownAction("str_replace_editor view: --view_range wants two numbers")
            return View(path, lines[0], lines[1] if lines[1] > 0 else None) if lines else View(path)
        case "create":
            return WriteWhole(path, one("file_text"))
        case "str_replace":
            return ReplaceOnce(path, one("old_str"), one("new_str") if "new_str" in options else "")
        case "insert":
            return Insert(one("new_str"), _number(one("insert_line"), "insert"), path)
        case _:
            raise UnknownAction(f"unknown action 'str_replace_editor {command}'")


_COMMANDS = {
    "open": _open,
    "goto": _goto,
    "scroll_down": lambda text: Scroll(1),
    "scroll_up": lambda text: Scroll(-1),
    "set_cursors": _set_cursors,
    "create": _create,
    "insert": _insert,
    "edit": _edit,
    "find_file": _find_file,
    "search_dir": _search_dir,
    "search_file": _search_file,
    "filemap": _filemap,
    "str_replace_editor": _str_replace_editor,
    "submit": lambda text: Submit(),
}
