"""Purposes, pacing, and how a changeset is cut into tree requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.changeset import Change
from shared.github import commits
from shared.github.answers import RateLimited
from shared.github.pacing import UNPACED, Bucket, Pace, Patience
from shared.github.purposes import PERMISSIONS
from tests.contract.manual_clock import ManualClock
from tests.fakes.memory_store import MemoryStore


def test_no_purpose_may_touch_workflows_or_settings() -> None:
    for permissions in PERMISSIONS.values():
        assert not {"workflows", "administration", "secrets", "actions", "members"} & permissions.keys()
        assert permissions["metadata"] == "read"
    assert set(PERMISSIONS["clone"].values()) == set(PERMISSIONS["read"].values()) == {"read"}


def writes_at(pace: Pace, kinds: str) -> list[int]:
    """Seconds after the first write at which each of `kinds` (n: notifying, w: not) has its turn."""
    clock = ManualClock()
    start, bucket, at = clock.now(), Bucket(MemoryStore(clock), clock, 1, pace), []
    for kind in kinds:
        bucket.turn(Patience(clock, 35), notifying=kind == "n")
        at.append((clock.now() - start) // 1000)
    return at


@pytest.mark.parametrize(
    ("kinds", "at"), [("www", [0, 1, 2]), ("nnn", [0, 3, 6]), ("nwnw", [0, 1, 3, 4]), ("wn", [0, 1])]
)
def test_writes_are_a_second_apart_and_notifying_ones_three(kinds: str, at: list[int]) -> None:
    assert writes_at(Pace(), kinds) == at


def test_without_a_pace_nothing_waits_but_a_limit_still_holds() -> None:
    assert writes_at(UNPACED, "nnnn") == [0, 0, 0, 0]
    clock = ManualClock()
    store = MemoryStore(clock)
    Bucket(store, clock, 1, UNPACED).hold(60)
    with pytest.raises(RateLimited) as limit:
        Bucket(store, clock, 1, UNPACED).turn(Patience(clock, 35), notifying=False)
    assert limit.value.after_s == 60
    Bucket(store, clock, 2, UNPACED).turn(Patience(clock, 35), notifying=False)


def test_patience_ends_and_no_write_begins_too_late() -> None:
    clock = ManualClock()
    patience = Patience(clock, 6, clock.now() + 5_000)
    patience.wait(4)
    patience.check()
    with pytest.raises(RateLimited):
        patience.wait(3)
    patience.wait(2)
    with pytest.raises(RateLimited):
        patience.check()


CHANGES = st.lists(
    st.builds(
        lambda n, size, gone: Change(f"d/{n:05d}".encode(), None if gone else "100644", b"" if gone else b"x" * size),
        st.integers(0, 99_999),
        st.sampled_from([0, 10, 50_000, 99_000, 150_000]),
        st.booleans(),
    ),
    max_size=450,
    unique_by=lambda change: change.path,
)


@given(CHANGES)
def test_pieces_are_small_enough_and_lose_nothing(changes: list[Change]) -> None:
    pieces = list(commits.chunks(changes))
    assert sorted(c.path for piece in pieces for c in piece) == sorted(c.path for c in changes)
    for piece in pieces:
        assert 0 < len(piece) <= commits.TREE_ENTRIES_MAX
        inline = sum(len(c.data) for c in piece if not commits.needs_blob(c))
        assert inline <= commits.TREE_BYTES_MAX
    order = [change.mode is None for piece in pieces for change in piece]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("data", "blob"),
    [(b"text", False), (b"\xff", True), (b"a\0b", True), (b"x" * 100_001, True), ("é".encode(), False)],
)
def test_what_needs_a_blob_of_its_own(data: bytes, blob: bool) -> None:
    assert commits.needs_blob(Change(b"p", "100644", data)) == blob
    assert not commits.needs_blob(Change(b"p", None))


EFFECT = "a" * 20


@pytest.mark.parametrize(
    ("message", "end"),
    [
        ("Subject", f"Subject\n\nPersevere-Effect: {EFFECT}\n"),
        ("Subject\n\nBody of words.", f"words.\n\nPersevere-Effect: {EFFECT}\n"),
        ("S\n\nCo-authored-by: octocat <o@x>", f"octocat <o@x>\nPersevere-Effect: {EFFECT}\n"),
        ("Fix: colon in subject", f"subject\n\nPersevere-Effect: {EFFECT}\n"),
    ],
)
def test_the_trailer_is_the_last_line(message: str, end: str) -> None:
    assert commits.with_trailer(message, EFFECT).endswith(end)


def test_a_commit_is_known_by_a_whole_line() -> None:
    made = commits.Commit("s", "t", (), f"S\n\nPersevere-Effect: {EFFECT}\n")
    assert made.bears(EFFECT)
    assert not made.bears("b" * 20)
    assert not commits.Commit("s", "t", (), f"quoted: Persevere-Effect: {EFFECT}").bears(EFFECT)
