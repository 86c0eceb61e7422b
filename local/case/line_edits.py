"""Edits by line numbers and windows, which our `edit` does not know: small programs for the agent's shell.

They are run by whatever `python` the repository has, so they are written for any Python 3.
"""

from __future__ import annotations

from collections.abc import Sequence

_PROGRAM = """\
python - <<'END_OF_PROGRAM'
import io, sys
path, first, last, old, new, before, every = {data}
with io.open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
    lines = file.read().split("\\n")
{body}
with io.open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
    file.write("\\n".join(lines))
END_OF_PROGRAM"""

# Where the lines have moved, they are found again by what stood in them.
_LINES = """\
def bare(some):
    return [line.rstrip() for line in some]
before = None if before is None else bare(before)
if before is not None and bare(lines[first - 1:last]) != before:
    found = [at for at in range(len(lines)) if bare(lines[at:at + len(before)]) == before]
    if len(found) != 1:
        sys.exit("lines %d to %d of %s are not what was to be replaced" % (first, last, path))
    first, last = found[0] + 1, found[0] + len(before)
lines[first - 1:last] = new"""

_TEXT = """\
shown = "\\n".join(lines[first - 1:last])
if old not in shown:
    first, last, shown = 1, len(lines), "\\n".join(lines)
if old not in shown:
    sys.exit("%s does not have the text that was to be replaced" % path)
lines[first - 1:last] = shown.replace(old, new, -1 if every else 1).split("\\n")"""

_INSERT = """\
if first is None:
    lines = (lines[:-1] if lines[-1] == "" else lines) + new + [""]
else:
    lines[first:first] = new"""

_WRITE = """\
python - <<'END_OF_PROGRAM'
import io
with io.open({path}, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
    file.write({text})
END_OF_PROGRAM"""


# Kept in the workspace's own `.git`, which is in no change that is handed over. The first look holds.
_NEW_BEFORE = "new-before-the-steps"
_REMEMBER = f"""\
known="$(git rev-parse --git-path {_NEW_BEFORE})"
[ -e "$known" ] || git ls-files -z --others --exclude-standard > "$known\""""

# All in bytes, as git gives names. What a patch says of a file may be in its first lines alone: an empty file, a
# rename, a mode, bytes.
_KEEP = """\
python - <<'END_OF_PROGRAM'
import io, os, re, subprocess, sys
patch, known = {data}
MEANING = dict(zip(b"abtnvfr", (b"\\a", b"\\b", b"\\t", b"\\n", b"\\v", b"\\f", b"\\r")))
def plain(name):
    def meant(found):
        code = found.group(1)
        return bytes([int(code, 8) & 255]) if len(code) == 3 else MEANING.get(code[0], code)
    if name[:1] != b'"':
        return name.split(b"\\t")[0]
    return re.sub(b"(?s)\\\\\\\\([0-7]{{3}}|.)", meant, name[1:-1])
def named(line):
    # "diff --git a/NAME b/NAME": where the two differ, other lines tell them.
    if line.startswith(b"diff --git "):
        both = line[11:]
        half = len(both) // 2
        names = [plain(both[:half]), plain(both[half + 1:])]
        return [names[0][2:]] if [names[0][:2], names[1]] == [b"a/", b"b/" + names[0][2:]] else []
    for start in (b"rename from ", b"rename to ", b"copy to "):
        if line.startswith(start):
            return [plain(line[len(start):])]
    name = plain(line[4:])
    return [name[2:]] if line[:4] in (b"+++ ", b"--- ") and name[:2] in (b"a/", b"b/") else []
with io.open(patch, "rb") as file:
    heads = set(name for line in file.read().split(b"\\n") for name in named(line.rstrip(b"\\r")))
def git(*command):
    return subprocess.check_output(("git",) + command)
def listed(*command):
    return [path for path in git(*command).split(b"\\0") if path and path not in heads]
if not heads:
    sys.exit("%s names no file" % patch)
known = git("rev-parse", "--git-path", known).rstrip(b"\\n")
before = None
if os.path.exists(known):
    with io.open(known, "rb") as file:
        before = set(file.read().split(b"\\0"))
added = listed("diff", "--no-renames", "--diff-filter=A", "--name-only", "-z", "HEAD")
for path in added + listed("ls-files", "-z", "--others", "--exclude-standard"):
    if before is not None and path not in before and os.path.lexists(path) and not path.endswith(b"/"):
        os.remove(path)
for path in listed("diff", "--no-renames", "--diff-filter=a", "--name-only", "-z", "HEAD"):
    subprocess.call(("git", "checkout", "-q", "HEAD", "--", path))
if before is None:
    sys.exit("what was new before the steps is not known, so new files stay")
END_OF_PROGRAM"""


def _program(
    body: str,
    path: str,
    *,
    first: int | None = None,
    last: int | None = None,
    old: str | None = None,
    new: str | list[str] = "",
    before: list[str] | None = None,
    every: bool = False,
) -> str:
    return _PROGRAM.format(data=ascii((path, first, last, old, new, before, every)), body=body)


def replace_lines(path: str, first: int, last: int, new: Sequence[str], before: Sequence[str] | None) -> str:
    """Lines `first` to `last` (from 1, both included) become `new`; `before` is what is known to stand there."""
    return _program(
        _LINES, path, first=first, last=last, new=list(new), before=None if before is None else list(before)
    )


def replace_text(path: str, first: int, last: int, old: str, new: str, *, every: bool) -> str:
    """The first `old` within these lines, else within the file."""
    return _program(_TEXT, path, first=first, last=last, old=old, new=new, every=every)


def insert_lines(path: str, after: int | None, text: str) -> str:
    """Behind line `after` (0: before all), or at the end."""
    return _program(_INSERT, path, first=after, new=text.split("\n"))


def write_file(path: str, text: str) -> str:
    """A file outside the repository, which the agent's `write` does not reach."""
    return _WRITE.format(path=ascii(path), text=ascii(text))


def remember_new_files() -> str:
    """Before the first step: which files are there that git does not know. They are set-up's."""
    return _REMEMBER


def keep_what_a_patch_says(path: str) -> str:
    """Takes every change back that is not in the patch, and every new file that `remember_new_files` has not seen.

    The program fails, and leaves the new files, where nothing was remembered (the workspace was made afresh).
    """
    return _KEEP.format(data=ascii((path, _NEW_BEFORE)))
