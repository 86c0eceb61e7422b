"""Reads what a published step did from its text.

Sources: SWE-agent `tools/windowed*`, `tools/edit_anthropic`, `tools/search`, `config/commands` (github.com/SWE-agent/SWE-agent);
how a run of mini-swe-agent hands over: `agents/default.py` (github.com/SWE-agent/mini-swe-agent).
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
    Undo,
    View,
    WriteWhole,
)


class UnknownAction(ValueError):
    """Neither a command that is known here nor a shell line; or one whose arguments cannot be read.

    `word` is the unknown one, "" where the command is known.
    """

    def __init__(self, words: str, word: str = "") -> None:
        super().__init__(words)
        self.word = word


_EDIT_LINES = re.compile(r"edit\s+(\d+):(\d+)[^\S\n]*(?:<<[^\n]*)?\n(.*)", re.DOTALL)
_EDIT_CURSORS = re.compile(r"edit[^\S\n]*\n(.*end_of_edit\s*)", re.DOTALL)
_INSERT_LINES = re.compile(r"insert\s+(\d+)[^\S\n]*\n(.*)", re.DOTALL)
_ENDED = re.compile(r"\n?end_of_(?:edit|insert)\s*\Z")
_ENDED_BY_ITSELF = re.compile(r"exit_[a-z_]+|skip")
_HANDED_OVER = re.compile(
    r"(?P<before>.*?)(?:&&|;|\n|\A)\s*echo\s+[\"']?(?:COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT|MINI_SWE_AGENT_FINAL_OUTPUT)\b[\"']?"
    r"(?:\s*&&\s*cat\s+(?P<patch>[\w./-]+)\s*\Z)?.*",
    re.DOTALL,
)
_BETWEEN = re.compile(r"(\s*(?:&&|;|\n)\s*)")
# What goes on over the next lines without a quotation.
_SEVERAL_LINES = re.compile(r"\bedit\s+\d+:\d+[^\n]*\n|\b(?:edit|insert\s+\d+)[^\S\n]*\n|<<")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")

SHELL_WORDS = frozenset(
    """! ( . 7z : [ [[ ack ag alias apt apt-get ar at awk bandit base32 base64 basename bash bat bc bg black
    break brew bunzip2 bzcat bzip2 cargo case cat cd chgrp chmod chown chsh cksum clear cmake cmp column comm
    command compgen conda continue coverage cp cpio ctags curl cut cython dash date dc dd declare df diff
    dirname dirs disown django-admin dmesg docker dos2unix dpkg du echo ed egrep emacs enable env eval ex exec
    exit expand expect export expr f2py fallocate false fc fd fg fgrep file find flake8 flock fmt fold for free
    function g++ gawk gcc gdb getconf getent getfacl getopt getopts gfortran git go gpg grep groups gunzip gzip
    hash hatch head help hexdump hg history hostname htop http iconv id if ifconfig install ip ipython isort
    java javac jobs join jq jupyter kill killall ksh last ld ldconfig ldd less let link ln local locale locate
    logger logname logout look ls lsattr lsblk lscpu lsof lzma m4 make mamba man mapfile mawk md5sum meson
    micromamba mkdir mkfifo mknod mktemp more mount mv mypy mysql namei nano nc netstat nice ninja nl nm node
    nohup nosetests npm npx nslookup objdump od openssl passwd paste patch pdb pdm perf perl pgrep pico pidof
    pinentry ping pip pip3 pipenv pipx pkill poetry popd pr pre-commit printenv printf ps psql pstree pushd pwd
    pwsh py.test pydoc pyenv pyflakes pylint pyright pytest python python-config python2 python3 rbenv read
    readarray readelf readlink realpath rename reset return rev rg rm rmdir rpm rsync ruby ruff rustc scp screen
    script sed select seq set sh sha256sum shasum shift shopt shred shuf size sleep sort source sphinx-build
    split sqlite3 ssh stat stdbuf strace strings stty su sudo sum suspend svn sync systemctl tac tail tar tclsh
    tee telnet test time timeout times tmux top touch tox tput tr trap tree true tsc tsort tty type typeset
    ulimit umask unalias uname unexpand uniq unlink unset until unxz unzip unzstd uptime users uv uvx vi view
    vim virtualenv vmstat wait watch wc wget whatis whereis which while who whoami xargs xdg-open xmllint xxd xz
    xzcat yapf yarn yes yum zcat zip zsh zstd {""".split()
)
"""First words that are a shell's beyond doubt, whether or not the program is on this machine."""


def parse_all(action: str) -> tuple[Action, ...]:
    """What a step did, in order: its interface's commands may stand one behind the other. Raises UnknownAction."""
    text = action.strip("\r\n ").replace("\r\n", "\n")
    pieces = [] if _SEVERAL_LINES.search(text) else _pieces(text)
    if any(piece.split()[0] in _COMMANDS for piece in pieces):
        return tuple(parse(piece) for piece in pieces)
    return (parse(text),)


def _pieces(text: str) -> list[str]:
    """The commands of a text, cut where no quotation goes on; none where one is never closed."""
    pieces: list[str] = []
    words = ""
    for number, part in enumerate(_BETWEEN.split(text)):
        between = number % 2 == 1
        words += part if words or not between else ""
        if not between and words.strip() and _is_whole(words):
            pieces.append(words)
            words = ""
    return pieces if not words.strip() else []


def _is_whole(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def parse(action: str) -> Action:
    """Raises UnknownAction."""
    text = action.strip("\r\n ").replace("\r\n", "\n")
    if not text:
        return Nothing()
    if (handing_over := read_hand_over(text)) is not None:
        return handing_over
    word = re.split(r"\s", text, maxsplit=1)[0]
    reader = _COMMANDS.get(word)
    if reader is not None:
        return reader(text)
    if _ENDED_BY_ITSELF.fullmatch(text.split("(")[0].strip()):
        return Nothing()
    if is_shell(text):
        return Shell(text)
    raise UnknownAction(f"unknown action {_first_word(text)!r}", _first_word(text))


def read_hand_over(action: str) -> Submit | None:
    """How a run whose only tool is a shell says that it has ended."""
    found = _HANDED_OVER.fullmatch(action.replace("\r\n", "\n"))
    return Submit(found["before"].strip(), found["patch"] or "") if found else None


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
        case "undo_edit":
            return Undo(path)
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
