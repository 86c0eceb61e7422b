"""edit: exact replacements in one file, all of them or none."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from pydantic import Field

from runner_image.beneath import Outside
from runner_image.tools.contract import Args, Bench, Refused, Result
from runner_image.tools.write import put

MOST_BYTES = 5_000_000
NEAR_LINES = 2_000  # lines that a failed edit is compared with; more would take seconds
SHOWN_AROUND = 2


class EditChange(Args):
    """`count` is how often `old` must stand in the file, all of which are replaced."""

    old: str
    new: str
    count: int = Field(default=1, ge=1)


class EditArgs(Args):
    path: str
    changes: list[EditChange] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text with the line ends and the encoding that it must keep."""

    body: str
    encoding: str
    newline: str

    def encode(self, body: str) -> bytes:
        return (
            body.replace("\n", self.newline).encode(self.encoding)
            if self.newline != "\n"
            else body.encode(self.encoding)
        )


def run_edit(bench: Bench, args: EditArgs) -> Result:
    """Raises Refused; then the file is as it was."""
    path = bench.path(args.path)
    before = _read(bench, path, args.path)
    text = decode(before, args.path)
    body = text.body
    for number, change in enumerate(args.changes, start=1):
        body = apply_change(
            body, change, f"Change {number} of {len(args.changes)}" if len(args.changes) > 1 else "The change"
        )
    if body == text.body:
        raise Refused("Old and new are the same: nothing would change.")
    try:
        data = text.encode(body)
    except UnicodeEncodeError as error:
        raise Refused(
            f"{args.path} is {text.encoding}, which has no {error.object[error.start]!r}. Nothing was changed."
        ) from error
    note = put(bench, path, data, args.path, before)
    count = sum(change.count for change in args.changes)
    return Result(f"{args.path} changed in {count} place{'s' if count > 1 else ''}.{note}")


def _read(bench: Bench, path: bytes, shown: str) -> bytes:
    try:
        data = bench.files.read(path, MOST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Refused(f"{shown} does not exist. Use write to make it.") from error
    except IsADirectoryError as error:
        raise Refused(f"{shown} is a directory or no regular file.") from error
    except Outside as error:
        raise Refused(f"{error}.") from error
    except OSError as error:
        raise Refused(f"{shown} cannot be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise Refused(f"{shown} is longer than {MOST_BYTES:,} bytes; change it with a script through bash.")
    return data


def decode(data: bytes, shown: str) -> Text:
    """UTF-8 (with its mark kept), else Latin-1, which gives every byte back. CRLF only when all lines have it."""
    if b"\0" in data:
        raise Refused(f"{shown} is not text; change it with a script through bash.")
    encoding = "utf-8"
    if data.startswith(b"\xef\xbb\xbf"):
        data, encoding = data[3:], "utf-8-sig"
    try:
        body = data.decode("utf-8")
    except UnicodeDecodeError:
        body, encoding = data.decode("latin-1"), "latin-1"
    lines, crlf = body.count("\n"), body.count("\r\n")
    if crlf and crlf == lines and body.count("\r") == crlf:
        return Text(body.replace("\r\n", "\n"), encoding, "\r\n")
    return Text(body, encoding, "\n")


def apply_change(body: str, change: EditChange, name: str) -> str:
    """Raises Refused with the nearest lines, or with the places, where `old` does not stand exactly `count` times."""
    old, new = change.old, change.new
    if old and "\r\n" in old and "\r\n" not in body:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if not old:
        raise Refused(f"{name} has an empty `old`. Use write for a whole file. Nothing was changed.")
    found = body.count(old)
    if found == change.count:
        return body.replace(old, new)
    if found:
        where = ", ".join(str(line) for line in _places(body, old)[:20])
        raise Refused(
            f"{name}: `old` stands {found} times (lines {where}), not {change.count}. "
            f"Take in more lines around it, or say count={found}. Nothing was changed."
        )
    raise Refused(f"{name}: `old` is not in the file. Nothing was changed.\n{explain_miss(body, old)}")


def _places(body: str, old: str) -> list[int]:
    places, at = [], body.find(old)
    while at >= 0:
        places.append(body.count("\n", 0, at) + 1)
        at = body.find(old, at + len(old))
    return places


def explain_miss(body: str, old: str) -> str:
    """Why it does not match, as far as can be seen, and the lines that come nearest."""
    lines, wanted = body.split("\n"), old.strip("\n").split("\n")
    reason = ""
    for why, plain in REASONS:
        if plain(old).strip() and plain(old).strip() in plain(body):
            reason = f"It differs in {why} only. "
            break
    at = _nearest(lines, wanted)
    if at is None:
        return reason + "No line of the file is like it."
    start, end = max(at - SHOWN_AROUND, 0), min(at + len(wanted) + SHOWN_AROUND, len(lines), at + 40)
    shown = "\n".join(f"{number:6}\t{lines[number - 1]}" for number in range(start + 1, end + 1))
    return f"{reason}The nearest lines are:\n{shown}"


def _nearest(lines: list[str], wanted: list[str]) -> int | None:
    """Index of the line where the wanted lines fit best."""
    anchor = max(wanted, key=lambda line: len(line.strip()))
    offset = wanted.index(anchor)
    best, place = 0.55, None
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(anchor.strip())
    for number, line in enumerate(lines[:NEAR_LINES]):
        matcher.set_seq1(line.strip()[:300])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, place = ratio, number
    return None if place is None else max(place - offset, 0)


REASONS = (
    ("its line ends or the spaces at them", lambda text: "\n".join(line.rstrip() for line in text.split("\n"))),
    ("indentation", lambda text: "\n".join(line.strip() for line in text.split("\n"))),
    ("spaces", lambda text: " ".join(text.split())),
    ("upper and lower case", str.lower),
)
