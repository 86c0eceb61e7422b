"""What every `Store` does, whatever it is made of."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.record import ABSENT, ANY, AtEpoch, AtVersion, Change, Check, Delete, Expect, Key, Put, Record
from shared.ports import MAX_CHANGES, Conflict, Store, TooBig, read_all
from tests.contract.manual_clock import ManualClock
from tests.contract.store_openings import (
    Opening,
    claim_once,
    count_up,
    needs,
    open_emulator,
    open_moto,
    open_sqlite,
    write_pairs,
)

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(
    params=[
        pytest.param((open_sqlite, ()), id="sqlite"),
        pytest.param((open_moto, ("moto",)), id="moto"),
        pytest.param((open_emulator, ("running_emulator",)), id="emulator"),
    ]
)
def opening(request: pytest.FixtureRequest) -> Opening:
    opening, fixtures = request.param
    for name in fixtures:
        request.getfixturevalue(name)
    return opening


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@contextmanager
def opened(opening: Opening, place: Path, clock: ManualClock) -> Iterator[Store]:
    store = opening(place, clock)
    try:
        yield store
    finally:
        if close := getattr(store, "close", None):
            close()


@pytest.fixture
def store(opening: Opening, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    with opened(opening, tmp_path, clock) as store:
        yield store


def record(sk: str, body: dict[str, Any] | None = None, pk: str = "P", **fields: Any) -> Record:
    return Record(Key(pk, sk), "thing", {} if body is None else body, **fields)


def put(store: Store, *records: Record) -> None:
    store.commit(*(Put(each, ANY) for each in records))


# --- what is kept ---


def test_a_record_comes_back_as_it_was_written(store: Store) -> None:
    body = {"text": 'é\u0000\n"\U0001f600', "n": 2**60, "f": 0.1, "none": None, "list": [{"a": []}], "": True}
    written = record("A", body, v=3, due=17, expires=18, epoch=4)
    put(store, written)
    found = store.get(written.key)
    assert found == Record(written.key, "thing", body, 3, 1, 17, 18, 4)


def test_no_record_is_none(store: Store) -> None:
    assert store.get(Key("P", "A")) is None


def test_what_is_read_is_the_readers_own(store: Store) -> None:
    put(store, record("A", {"list": [1]}))
    first = store.get(Key("P", "A"))
    assert first is not None
    first.body["list"].append(2)
    again = store.get(Key("P", "A"))
    assert again is not None
    assert again.body == {"list": [1]}


def test_version_counts_the_writes_of_an_item(store: Store) -> None:
    for expected in (1, 2, 3):
        put(store, record("A", version=99))
        assert (found := store.get(Key("P", "A"))) is not None
        assert found.version == expected
    store.commit(Delete(Key("P", "A"), ANY))
    put(store, record("A"))
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.version == 1


def test_another_opening_sees_it(store: Store, opening: Opening, tmp_path: Path, clock: ManualClock) -> None:
    put(store, record("A", {"n": 1}))
    with opened(opening, tmp_path, clock) as other:
        assert (found := other.get(Key("P", "A"))) is not None
        assert found.body == {"n": 1}


def test_what_has_expired_is_still_there(store: Store, clock: ManualClock) -> None:
    put(store, record("A", expires=clock.now() - 1))
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.expires == clock.now() - 1


# --- expectations ---

HOLDING = [
    pytest.param(None, ABSENT, True, id="absent, is"),
    pytest.param(record("A"), ABSENT, False, id="absent, is not"),
    pytest.param(record("A"), AtVersion(1), True, id="version, is"),
    pytest.param(record("A"), AtVersion(2), False, id="version, another"),
    pytest.param(record("A"), AtVersion(0), False, id="version 0 is not absent"),
    pytest.param(None, AtVersion(0), False, id="version 0, nothing there"),
    pytest.param(None, AtVersion(1), False, id="version, nothing there"),
    pytest.param(record("A", epoch=5), AtEpoch(5), True, id="epoch, is"),
    pytest.param(record("A", epoch=6), AtEpoch(5), False, id="epoch, later"),
    pytest.param(record("A"), AtEpoch(0), False, id="epoch, has none"),
    pytest.param(None, AtEpoch(5), False, id="epoch, nothing there"),
    pytest.param(None, ANY, True, id="anything, nothing there"),
    pytest.param(record("A"), ANY, True, id="anything"),
]


@pytest.mark.parametrize(("before", "expect", "holds"), HOLDING)
@pytest.mark.parametrize("kind", [Put, Delete, Check])
def test_an_expectation(store: Store, before: Record | None, expect: Expect, holds: bool, kind: type) -> None:
    if before is not None:
        put(store, before)
    key = Key("P", "A")
    stored = store.get(key)
    change: Change = Put(record("A", {"new": True}), expect) if kind is Put else kind(key, expect)
    if not holds:
        with pytest.raises(Conflict) as raised:
            store.commit(change, Put(record("B"), ANY))
        assert raised.value.current == ((0, stored),)
        assert store.get(key) == stored
        assert store.get(Key("P", "B")) is None
        return
    store.commit(change, Put(record("B"), ANY))
    found = store.get(key)
    if kind is Put:
        assert found is not None
        assert found.body == {"new": True}
    else:
        assert found == (None if kind is Delete else stored)
    assert store.get(Key("P", "B")) is not None


def test_a_conflict_names_every_change_that_did_not_hold(store: Store) -> None:
    put(store, record("A"), record("C"))
    with pytest.raises(Conflict) as raised:
        store.commit(
            Put(record("A"), ABSENT),
            Put(record("B"), ABSENT),
            Check(Key("P", "C"), AtVersion(7)),
            Delete(Key("P", "D"), AtVersion(1)),
        )
    assert raised.value.current == ((0, store.get(Key("P", "A"))), (2, store.get(Key("P", "C"))), (3, None))
    assert store.get(Key("P", "B")) is None


# --- what no transaction may be ---


def test_what_no_transaction_may_be_is_refused_and_writes_nothing(store: Store) -> None:
    first = Put(record("FIRST"), ANY)
    with pytest.raises(ValueError, match="at least one"):
        store.commit()
    with pytest.raises(ValueError, match="twice"):
        store.commit(first, Check(Key("P", "FIRST"), ANY))
    with pytest.raises(TooBig):
        store.commit(first, *(Put(record(f"{n}"), ANY) for n in range(MAX_CHANGES)))
    with pytest.raises(TooBig):
        store.commit(first, Put(record("A", {"text": "é" * 180_000}), ANY))
    with pytest.raises(TooBig):
        store.commit(first, *(Put(record(f"{n}", {"text": "x" * 310_000}), ANY) for n in range(10)))
    with pytest.raises(ValueError, match="surrogates"):
        store.commit(first, Put(record("A", {"text": "\ud800"}), ANY))
    assert store.query("P").records == ()


def test_the_largest_transaction_fits(store: Store) -> None:
    put(store, *(record(f"{n:02d}", {"text": "x" * 37_000}) for n in range(MAX_CHANGES)))
    assert len(list(read_all(store, "P", ""))) == MAX_CHANGES


# --- repeated tokens ---


def test_a_repeated_token_does_nothing_for_ten_minutes(opening: Opening, store: Store, clock: ManualClock) -> None:
    needs(opening, "time")
    change = Put(record("A", {"n": 1}), ANY)
    store.commit(change, token="once")
    clock.ms += 599_000
    store.commit(change, token="once")
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.version == 1
    clock.ms += 2_000
    store.commit(change, token="once")
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.version == 2


def test_a_repeated_token_is_no_conflict_with_what_it_wrote_itself(opening: Opening, store: Store) -> None:
    needs(opening, "token")
    change = Put(record("A"), ABSENT)
    store.commit(change, token="once")
    store.commit(change, token="once")
    with pytest.raises(Conflict):
        store.commit(change, token="another")
    with pytest.raises(Conflict):
        store.commit(change)


def test_a_token_of_a_commit_that_failed_may_be_used(store: Store) -> None:
    with pytest.raises(Conflict):
        store.commit(Put(record("A"), AtVersion(1)), token="once")
    put(store, record("A"))
    store.commit(Put(record("A", {"n": 2}), AtVersion(1)), token="once")
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.body == {"n": 2}


def test_a_token_of_another_commit_is_refused(opening: Opening, store: Store) -> None:
    needs(opening, "token")
    store.commit(Put(record("A", {"n": 1}), ANY), token="once")
    with pytest.raises(ValueError, match="token"):
        store.commit(Put(record("A", {"n": 2}), ANY), token="once")
    assert (found := store.get(Key("P", "A"))) is not None
    assert found.body == {"n": 1}


# --- queries ---


def sks(store: Store, prefix: str = "", after: str | None = None, limit: int = 100) -> list[str]:
    return [each.key.sk for each in store.query("P", prefix, after, limit).records]


def test_sort_keys_are_ordered_by_their_bytes(store: Store) -> None:
    names = ["a", "B", "é", "z", "\U0001f600", "\uffff", "a\x00", "aa", "A#2", "A#10", "A"]
    put(store, *(record(name) for name in names))
    assert sks(store) == sorted(names, key=str.encode)


@pytest.mark.parametrize(
    "prefix", ["", "A", "A#", "é", "\ud7ff", "\U0010ffff", "A\U0010ffff", "%", "_", "A_", "*", "["]
)
def test_a_prefix_is_taken_as_it_is_written(store: Store, prefix: str) -> None:
    names = [
        "A",
        "A#1",
        "A#2",
        "A$",
        "A_x",
        "Ax",
        "B",
        "é",
        "éa",
        "\ud7ff!",
        "\ue000",
        "\U0010ffff",
        "A\U0010ffffz",
        "%a",
        "_",
        "*b",
        "[c",
    ]
    put(store, *(record(name) for name in names), record("A", pk="Q"), record("A", pk="PP"))
    assert sks(store, prefix) == sorted((name for name in names if name.startswith(prefix)), key=str.encode)


def test_pages_follow_each_other_without_gap_or_repeat(store: Store) -> None:
    put(store, *(record(f"S#{n:02d}") for n in range(25)), record("R"), record("T"))
    for limit in (1, 7, 24, 25, 26):
        found: list[str] = []
        after: str | None = None
        for _ in count():
            page = store.query("P", "S#", after, limit)
            assert len(page.records) <= limit
            found += [each.key.sk for each in page.records]
            after = page.after
            if after is None:
                break
            assert after == found[-1]
        assert found == [f"S#{n:02d}" for n in range(25)]


def test_after_is_exclusive_and_need_not_exist(store: Store) -> None:
    put(store, record("A"), record("C"))
    assert sks(store, after="A") == ["C"]
    assert sks(store, after="B") == ["C"]
    assert sks(store, after="C") == []
    assert sks(store, prefix="A", after="B") == []


def test_a_page_ends_at_a_megabyte(store: Store) -> None:
    for n in range(6):
        put(store, record(f"{n}", {"text": "x" * 300_000}))
    page = store.query("P")
    assert len(page.records) < 6
    assert page.after is not None
    assert [each.key.sk for each in read_all(store, "P", "")] == list("012345")


def test_a_page_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="at least one"):
        store.query("P", limit=0)


def test_due_names_what_is_due_and_nothing_later(store: Store) -> None:
    put(store, record("A", due=30), record("B", due=10), record("C"), record("D", due=31), record("E", due=5, pk="Q"))
    assert sorted(store.due(30)) == [Key("P", "A"), Key("P", "B"), Key("Q", "E")]
    assert len(store.due(30, limit=2)) == 2
    put(store, record("A"), record("B", due=99))
    store.commit(Delete(Key("Q", "E"), ANY))
    assert list(store.due(30)) == []


# --- against a plain dict ---

SORT_KEYS = ["A", "A#1", "A#2", "B", "é", "A\U0010ffff"]
keys = st.builds(Key, st.sampled_from(["P", "Q"]), st.sampled_from(SORT_KEYS))
expects = st.one_of(
    st.just(ABSENT),
    st.just(ANY),
    st.just("as it is"),
    st.builds(AtVersion, st.integers(0, 3)),
    st.builds(AtEpoch, st.integers(0, 2)),
)
small = st.none() | st.integers(0, 2)
puts = st.tuples(st.just("put"), keys, expects, st.integers(0, 9), small, small)
others = st.tuples(st.sampled_from(["delete", "check"]), keys, expects, st.just(0), st.none(), st.none())
commits = st.lists(st.one_of(puts, puts, others), min_size=1, max_size=4, unique_by=lambda change: change[1])


def holds(expect: Expect, current: Record | None) -> bool:
    if isinstance(expect, AtVersion):
        return current is not None and current.version == expect.version
    if isinstance(expect, AtEpoch):
        return current is not None and current.epoch == expect.epoch
    return expect == ANY or current is None


def as_change(drawn: tuple[Any, ...], model: dict[Key, Record]) -> Change:
    kind, key, expect, n, due, epoch = drawn
    if expect == "as it is":
        expect = AtVersion(model[key].version) if key in model else ABSENT
    if kind == "put":
        return Put(Record(key, "thing", {"n": n}, due=due, epoch=epoch), expect)
    return Delete(key, expect) if kind == "delete" else Check(key, expect)


histories = given(
    history=st.lists(commits, max_size=12), limit=st.integers(1, 4), prefix=st.sampled_from(["", "A", "A#", "é"])
)


@settings(max_examples=60, deadline=None)
@histories
def test_any_history_of_commits_is_what_a_plain_dict_says(
    tmp_path_factory: pytest.TempPathFactory, history: list[list[tuple[Any, ...]]], limit: int, prefix: str
) -> None:
    check_history(open_sqlite, tmp_path_factory.mktemp("store"), history, limit, prefix)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@histories
def test_any_history_on_aws_is_the_same(
    opening: Opening,
    tmp_path_factory: pytest.TempPathFactory,
    history: list[list[tuple[Any, ...]]],
    limit: int,
    prefix: str,
) -> None:
    check_history(opening, tmp_path_factory.mktemp("store"), history, limit, prefix)


def check_history(opening: Opening, place: Path, history: list[list[tuple[Any, ...]]], limit: int, prefix: str) -> None:
    model: dict[Key, Record] = {}
    with opened(opening, place, ManualClock()) as store:
        for drawn in history:
            changes = [as_change(each, model) for each in drawn]
            failed = [(i, model.get(c.key)) for i, c in enumerate(changes) if not holds(c.expect, model.get(c.key))]
            if failed:
                with pytest.raises(Conflict) as raised:
                    store.commit(*changes)
                assert raised.value.current == tuple(failed)
                continue
            store.commit(*changes)
            for change in changes:
                if isinstance(change, Delete):
                    model.pop(change.key, None)
                elif isinstance(change, Put):
                    new = change.record
                    version = model[new.key].version + 1 if new.key in model else 1
                    model[new.key] = Record(new.key, new.kind, new.body, 1, version, new.due, None, new.epoch)
        for pk in ("P", "Q"):
            wanted = sorted((k for k in model if k.pk == pk and k.sk.startswith(prefix)), key=lambda k: k.sk.encode())
            assert list(pages(store, pk, prefix, limit)) == [model[key] for key in wanted]
        for before in range(3):
            due = {key for key, each in model.items() if each.due is not None and each.due <= before}
            assert set(store.due(before)) == due


def pages(store: Store, pk: str, prefix: str, limit: int) -> Iterator[Record]:
    page = store.query(pk, prefix, None, limit)
    yield from page.records
    while page.after is not None:
        page = store.query(pk, prefix, page.after, limit)
        yield from page.records


# --- several at once ---


def test_no_increment_is_lost_between_processes(store: Store, opening: Opening, tmp_path: Path) -> None:
    needs(opening, "processes")
    others = [SPAWN.Process(target=count_up, args=(opening, tmp_path, 40)) for _ in range(3)]
    for each in others:
        each.start()
    count_up(opening, tmp_path, 40)
    for each in others:
        each.join()
    assert [each.exitcode for each in others] == [0, 0, 0]
    assert (number := store.get(Key("P", "NUMBER"))) is not None
    assert (number.body["n"], number.version) == (160, 160)
    won = list(read_all(store, "P", "WON#"))
    assert [each.key.sk for each in won] == [f"WON#{n:06d}" for n in range(1, 161)]
    assert {each.version for each in won} == {1}
    assert len({each.body["by"] for each in won}) == 4


def test_each_name_is_won_by_one_process(store: Store, opening: Opening, tmp_path: Path) -> None:
    needs(opening, "processes")
    names = [f"{n:03d}" for n in range(40)]
    won = SPAWN.SimpleQueue()
    others = [SPAWN.Process(target=claim_once, args=(opening, tmp_path, names, won)) for _ in range(3)]
    for each in others:
        each.start()
    found = sorted(won.get() for _ in names)
    for each in others:
        each.join()
    assert found == names
    assert won.empty()


def test_threads_share_one_store(store: Store) -> None:
    lost: list[str] = []

    def add() -> None:
        done = 0
        while done < 25:
            seen = store.get(Key("P", "N"))
            expect = ABSENT if seen is None else AtVersion(seen.version)
            try:
                store.commit(Put(record("N", {"n": 1 + (seen.body["n"] if seen else 0)}), expect))
                done += 1
            except Conflict as conflict:
                lost.append(str(conflict))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (found := store.get(Key("P", "N"))) is not None
    assert (found.body["n"], found.version) == (100, 100)


def at_rest(store: Store) -> tuple[Record | None, Record | None, list[int]]:
    """The pair and the log, once they stay the same: a server may get to what a dead client sent while we look."""
    before = None
    while True:
        log = [int(each.key.sk) for each in read_all(store, "LOG", "")]
        found = store.get(Key("PAIR", "LEFT")), store.get(Key("PAIR", "RIGHT")), log
        if found == before:
            return found
        before = found
        time.sleep(0.1)


def test_a_process_killed_at_any_moment_leaves_whole_commits(
    opening: Opening, tmp_path: Path, clock: ManualClock
) -> None:
    needs(opening, "processes")
    said = 0
    for round_ in range(4):
        ours, theirs = SPAWN.Pipe(duplex=False)
        writer = SPAWN.Process(target=write_pairs, args=(opening, tmp_path, theirs))
        writer.start()
        theirs.close()
        for _ in range(5 + 7 * round_):
            said = ours.recv()
        writer.kill()
        writer.join()
        while True:  # what it still said before it died
            try:
                said = ours.recv()
            except EOFError:
                break
        with opened(opening, tmp_path, clock) as store:
            left, right, log = at_rest(store)
            assert left is not None
            assert right is not None
            assert left.body["n"] == right.body["n"]
            assert said <= left.body["n"] <= said + 1, "what was acknowledged is there; at most one commit more"
            assert log == list(range(1, left.body["n"] + 1))
            put(store, record("AFTER", {"round": round_}))
