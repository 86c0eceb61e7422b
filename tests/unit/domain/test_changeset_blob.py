"""A changeset is read back as it was written, and nothing that a hostile runner sends gets past its reader."""

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.changeset import MODES, BadChangeset, Change, Changeset, decode, encode, shown_path

change = st.builds(Change, st.binary(min_size=1, max_size=20), st.sampled_from([*MODES, None]), st.binary(max_size=50))


def tidy(changes: list[Change]) -> tuple[Change, ...]:
    """One change a path, sorted; a deletion has no content."""
    by_path = {each.path: Change(each.path, each.mode, each.data if each.mode else b"") for each in changes}
    return tuple(by_path[path] for path in sorted(by_path))


@given(st.lists(change, max_size=6), st.text(max_size=40), st.text(max_size=40))
def test_it_is_read_back_as_it_was_written(changes: list[Change], base: str, tree: str) -> None:
    one = Changeset(base, tree, tidy(changes))
    blob = encode(one)
    assert decode(blob) == one
    assert encode(Changeset(base, tree, tuple(reversed(one.changes)))) == blob
    assert one.size == sum(len(each.data) for each in one.changes)


HEADER = {"v": 1, "base": "b", "tree": "t"}


def row(**changed: Any) -> dict[str, Any]:
    data = b"hello\n"
    whole = {
        "path": base64.b64encode(b"a.txt").decode(),
        "mode": "100644",
        "data": base64.b64encode(data).decode(),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {name: value for name, value in (whole | changed).items() if value is not None}


def blob(*rows: Any, header: Any = HEADER) -> bytes:
    return "\n".join(json.dumps(each) for each in (header, *rows)).encode()


BAD: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("no JSON", b"hello"),
    ("no UTF-8", b"\xff\xfe"),
    ("nested without end", b"[" * 100_000),
    ("no object", blob(header=[1])),
    ("no version", blob(header={})),
    ("another version", blob(header={"v": 2})),
    ("a row that is no object", blob([])),
    ("a row of null", blob(None)),
    ("no path", blob(row(path=None))),
    ("a path that is a number", blob(row(path=7))),
    ("a path that is no base64", blob(row(path="a.txt"))),
    ("a path with junk", blob(row(path="YQ==!!"))),
    ("no mode", blob(row(mode=None))),
    ("a gitlink", blob(row(mode="160000"))),
    ("a tree", blob(row(mode="040000"))),
    ("setuid", blob(row(mode="104755"))),
    ("a mode that is a list", blob(row(mode=["100644"]))),
    ("no data", blob(row(data=None))),
    ("data that is null", blob({**row(), "data": None})),
    ("no checksum", blob(row(sha256=None))),
    ("a wrong checksum", blob(row(sha256="0" * 64))),
    ("a path twice", blob(row(), row(mode="100755"))),
    ("written and deleted", blob(row(), {"path": row()["path"], "deleted": "yes"})),
    ("cut off", blob(row())[:-20]),
]


@pytest.mark.parametrize("data", [each for _, each in BAD], ids=[name for name, _ in BAD])
def test_a_damaged_or_hostile_blob_is_refused(data: bytes) -> None:
    with pytest.raises(BadChangeset):
        decode(data)


json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*row(), "deleted"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.lists(json_value, max_size=4))
def test_rows_of_any_shape_are_read_or_refused(rows: list[Any]) -> None:
    try:
        found = decode(blob(*rows))
    except BadChangeset:
        return
    assert all(each.mode in (*MODES, None) for each in found.changes)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(BadChangeset):
        decode(data)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"src/a.py", "src/a.py"),
        (b"a\nb", "a\\nb"),
        (b"a\x1b[31m", "a\\x1b[31m"),
        (b"\xff", "\\xff"),
        ("\u202ea".encode(), "\\u202ea"),
        ("Grüße".encode(), "Grüße"),
    ],
)
def test_a_path_is_shown_without_what_nobody_sees(path: bytes, shown: str) -> None:
    assert shown_path(path) == Change(path, None).shown == shown
