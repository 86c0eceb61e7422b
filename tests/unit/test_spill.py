"""Long texts are stored away and come back as they were, whatever the record looks like."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.record import ABSENT, Change, Key, Put, Record
from shared.errors import Retryable
from shared.ports import BlobDamaged, OutcomeUnknown
from shared.spill import BODY_MAX_BYTES, TEXT_MAX_BYTES, SpillingStore, pack, unpack
from tests.fakes.memory_store import MemoryStore
from tests.fakes.ports import MemoryBlobs
from tests.functions.job_api.house import HandClock

KEY = Key("JOB#a", "STEP#000001")

_text = st.one_of(
    st.text(max_size=30),
    st.builds(lambda char, n: char * n, st.sampled_from("aé漢😀"), st.integers(4_000, 40_000)),
)
_stand_in = st.fixed_dictionaries(
    {
        "blob": _text,
        "sha256": _text,
        "bytes": st.integers(),
        "head": _text,
        "of": st.sampled_from(["text", "json", "x"]),
    }
)
_value = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _text, _stand_in
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


@given(st.one_of(st.dictionaries(st.text(max_size=8), _value, max_size=4), _stand_in))
@settings(max_examples=80, deadline=None)
def test_what_was_packed_comes_back(body: dict[str, Any]) -> None:
    blobs = MemoryBlobs()
    packed = pack(Record(KEY, "step", body), blobs, "7/a")
    assert len(json.dumps(packed.body, ensure_ascii=False).encode()) <= BODY_MAX_BYTES * 1.1
    assert unpack(packed, blobs).body == body
    stored = json.loads(json.dumps(packed.body))
    assert unpack(Record(KEY, "step", stored), blobs).body == body


@pytest.mark.parametrize(
    ("text", "spilled"),
    [
        ("x" * TEXT_MAX_BYTES, False),
        ("x" * (TEXT_MAX_BYTES + 1), True),
        ("é" * (TEXT_MAX_BYTES // 2), False),
        ("é" * (TEXT_MAX_BYTES // 2 + 1), True),
    ],
)
def test_sixteen_kilobytes_of_utf8_are_the_limit_of_a_text(text: str, spilled: bool) -> None:
    packed = pack(Record(KEY, "step", {"text": text}), MemoryBlobs(), "7/a")
    assert (packed.body["text"] != text) is spilled
    if spilled:
        assert packed.body["text"]["bytes"] == len(text.encode())
        assert packed.body["text"]["blob"].startswith("7/a/")
        assert packed.body["text"]["head"] == text[:200]


def test_a_body_of_many_short_texts_is_stored_away_as_a_whole() -> None:
    blobs = MemoryBlobs()
    body = {"results": ["y" * 10_000 for _ in range(20)]}
    packed = pack(Record(KEY, "step", body), blobs, "7/a")
    assert set(packed.body) == {"blob", "sha256", "bytes", "head", "of"}
    assert unpack(packed, blobs).body == body


def test_a_short_record_is_left_as_it_is() -> None:
    blobs = MemoryBlobs()
    record = Record(KEY, "step", {"a": [1, {"b": "c"}]})
    assert pack(record, blobs, "7/a") is record
    assert unpack(record, blobs) is record
    assert not blobs.data


def test_a_blob_that_was_altered_is_found_out() -> None:
    blobs = MemoryBlobs()
    packed = pack(Record(KEY, "step", {"text": "x" * 20_000}), blobs, "7/a")
    packed.body["text"]["bytes"] -= 1
    with pytest.raises(BlobDamaged):
        unpack(packed, blobs)


class Unclear(MemoryStore):
    """Does not say whether its first commits landed."""

    def __init__(self, times: int, landed: bool) -> None:
        super().__init__(HandClock())
        self.times, self.landed = times, landed

    def commit(self, *changes: Change, token: str | None = None) -> None:
        if self.times:
            self.times -= 1
            if self.landed:
                super().commit(*changes, token=token)
            raise OutcomeUnknown("no answer")
        super().commit(*changes, token=token)


@pytest.mark.parametrize("landed", [True, False])
def test_an_unclear_commit_is_repeated_and_lands_once(landed: bool) -> None:
    below = Unclear(2, landed)
    store = SpillingStore(below, MemoryBlobs(), "7/a", lambda: "token")
    store.commit(Put(Record(KEY, "step", {"text": "z" * 20_000}), ABSENT))
    assert below.items[KEY].version == 1
    found = store.get(KEY)
    assert found is not None
    assert found.body["text"] == "z" * 20_000
    assert store.query(KEY.pk).records == (found,)


def test_a_commit_that_stays_unclear_is_said_to_be() -> None:
    store = SpillingStore(Unclear(9, landed=False), MemoryBlobs(), "7/a", lambda: "token")
    with pytest.raises(Retryable):
        store.commit(Put(Record(KEY, "step", {}), ABSENT))
