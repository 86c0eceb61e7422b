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


_KEEP = """\
python - <<'END_OF_PROGRAM'
import io, os, subprocess, sys
patch, named = {data}
with io.open(patch, encoding="utf-8", errors="surrogateescape") as file:
    heads = [line.rstrip()[6:] for line in file if line.startswith(("+++ b/", "--- a/"))]
def listed(*command):
    found = subprocess.check_output(("git", "-c", "core.quotePath=false") + command)
    return [path for path in os.fsdecode(found).split("\\0") if path and path not in heads]
if not heads:
    sys.exit("%s names no file" % patch)
for path in listed("ls-files", "-z", "--others", "--exclude-standard"):
    if os.path.basename(path) in named:
        os.remove(path)
for path in listed("diff", "--name-only", "-z", "HEAD"):
    subprocess.call(("git", "checkout", "-q", "HEAD", "--", path))
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


def keep_what_a_patch_says(path: str, named: Sequence[str]) -> str:
    """Takes every change back that is not in the patch. Of new files only those called one of `named` go: the others
    are set-up's.
    """
    return _KEEP.format(data=ascii((path, tuple(named))))
