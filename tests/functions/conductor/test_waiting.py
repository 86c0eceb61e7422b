"""What cannot be decided yet is kept, and looked at again when what it waits for has come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from functions.conductor.conduct import PATIENCE_MS, Conductor
from shared.domain import keys
from shared.domain.record import ABSENT, ANY, Put, Record
from shared.errors import Retryable
from tests.fakes.ports import CountingIds, MemoryBlobs
from tests.unit.domain.places import at
from tests.unit.domain.world_in_memory import HUBOT, PK, World, spec_body

BOX = keys.inbound(PK, 1_700_000_900_000, "0" * 26)


class NoGitHub:
    """Nothing is answered now."""

    def client(self, *_: Any) -> NoGitHub:
        return self

    def __getattr__(self, name: str) -> Any:
        raise Retryable("GitHub answers nothing")


def ticked_early() -> tuple[World, Record, Conductor]:
    """A spec stands on GitHub, its comment's id is not known here yet, and its box is ticked."""
    world = at("proposed")
    comment = world.issue.slots["spec-v1"].id
    state = world.store.get(keys.issue_state(PK))
    assert state is not None
    slots = {name: remote for name, remote in state.body["slots"].items() if name != "spec-v1"}
    world.store.commit(Put(replace(state, body=state.body | {"slots": slots}), ANY))
    body = spec_body(1)
    box = {
        "kind": "box",
        "received": 1_700_000_900_000,
        "sender": HUBOT.model_dump(),
        "number": 42,
        "repository": world.repository.model_dump(),
        "installation_id": 5,
        "comment": {"id": comment, "before": body, "body": body.replace("[ ]", "[x]")},
    }
    world.store.commit(Put(Record(BOX, "inbound", box), ABSENT))
    world.store._clock.ms = 1_700_000_901_000  # type: ignore[attr-defined]
    conductor = Conductor(
        world.store,
        MemoryBlobs(),
        world.store._clock,
        CountingIds(),
        world.operator,
        NoGitHub(),  # type: ignore[arg-type]
        lambda *_, **__: None,
    )
    return world, state, conductor


def test_a_box_that_is_ticked_before_our_comment_is_known_waits_for_it() -> None:
    world, state, conductor = ticked_early()
    assert conductor.conduct(PK) == 0
    kept = world.store.get(BOX)
    assert kept is not None and kept.due is not None
    now = world.store.get(keys.issue_state(PK))
    assert now is not None
    world.store.commit(Put(replace(now, body=state.body), ANY))
    world.store._clock.ms = kept.due  # type: ignore[attr-defined]
    conductor.conduct(PK)
    waiting = world.store.get(BOX)
    assert waiting is not None, "now it waits for the role, which is another matter"
    world.store._clock.ms = 1_700_000_900_000 + PATIENCE_MS + 60_000  # type: ignore[attr-defined]
    assert conductor.conduct(PK) == 1
    assert world.messages()[-1] == "role_unknown"


def test_it_does_not_wait_for_ever() -> None:
    world, _, conductor = ticked_early()
    world.store._clock.ms = 1_700_000_900_000 + PATIENCE_MS  # type: ignore[attr-defined]
    assert conductor.conduct(PK) == 1
    assert world.store.get(BOX) is None
