"""The two functions as they are called: stream records in, a token out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from functions import world
from functions.effects import handler as effects
from functions.tokens import handler as tokens
from functions.world import World
from shared.domain.messages import StartFirst
from tests.contract.github_client.stage import REPO
from tests.functions.effects.bench import Bench

MESSAGE = StartFirst(verb="plan").model_dump(mode="json")


@pytest.fixture
def here(bench: Bench) -> Iterator[Bench]:
    """The bench's ports as this process's world."""
    out = bench.outside
    fields: dict[str, Any] = dict.fromkeys(World.__dataclass_fields__) | {
        "clock": out.clock,
        "ids": out.ids,
        "store": out.store,
        "blobs": out.blobs,
        "tasks": out.tasks,
        "planner": out.planner,
        "tokens": bench.tokens,
        "operator": out.operator,
        "ticket_keys": out.ticket_keys,
        "marker_keys": out.marker_keys,
        "github_url": bench.url,
        "api_url": bench.url,
        "app_id": out.app_id,
        "write_pace_s": 0.0,
    }
    world.use(World(**fields))
    yield bench
    world.use(None)


def record(pk: str, sk: str) -> dict[str, Any]:
    return {"eventName": "INSERT", "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}}}


def test_a_bell_makes_all_open_effects_of_its_issue_happen(here: Bench) -> None:
    here.wish("comment", "a", **MESSAGE)
    here.wish("comment", "b", **MESSAGE)
    event = {"Records": [record(here.pk, "EFFECT#one"), record("ISSUE#9#9", "EFFECT#x"), record(here.pk, "EFFECT#two")]}
    assert effects.handler(event, None) == {"issues": 2, "attempts": 2, "batchItemFailures": []}
    assert len(here.octocat.comments(REPO, 1)) == 2
    assert effects.handler(event, None)["attempts"] == 0


def test_one_issue_in_trouble_does_not_stop_another(here: Bench) -> None:
    here.wish("comment", "a", **MESSAGE)
    broken = "ISSUE#77#1"
    name = here.wish("comment", "b", **MESSAGE)
    key = next(key for key in here.store.items if key.sk.endswith(name))
    stray = here.store.items.pop(key)
    here.store.items[type(key)(broken, key.sk)] = type(stray)(
        type(key)(broken, key.sk), "effect", {"nonsense": 1}, due=1
    )
    effects.handler({"Records": [record(broken, key.sk), record(here.pk, "EFFECT#one")]}, None)
    assert len(here.octocat.comments(REPO, 1)) == 1


def test_a_fault_of_ours_is_numbered_tried_again_and_given_up(here: Bench) -> None:
    name = here.wish("comment", "a", name="no_such_message")
    here.settle(40)
    outcome = here.outcome(name)
    assert (outcome["state"], outcome["error"]) == ("gave_up", "fault")
    assert outcome["remote"]["fault"]
    assert here.open_effects() == []


def test_github_away_for_good_is_given_up_in_the_end(here: Bench) -> None:
    here.st.fault("status", method="POST", path="/comments$", status=502, count=0)
    name = here.wish("comment", "a", **MESSAGE)
    here.settle(40)
    outcome = here.outcome(name)
    assert (outcome["state"], outcome["error"]) == ("gave_up", "trouble")
    assert "502" in outcome["remote"]["words"]


def test_a_token_for_a_purpose(here: Bench) -> None:
    event = {"purpose": "read", "installation_id": here.installation["id"], "repository_id": here.repository.id}
    first = tokens.handler(event, None)
    assert first["expires"] > here.clock.now()
    assert tokens.handler(event, None) == first
    assert tokens.handler(event | {"drop": True}, None)["token"] != first["token"]
    clones = {tokens.handler(event | {"purpose": "clone"}, None)["token"] for _ in range(2)}
    assert len(clones) == 2, "who gets one revokes it"
    with pytest.raises(KeyError):
        tokens.handler(event | {"purpose": "everything"}, None)


def test_a_refused_token_is_a_value_with_advice(here: Bench) -> None:
    here.st.uninstall(here.installation["id"])
    event = {"purpose": "clone", "installation_id": here.installation["id"], "repository_id": here.repository.id}
    assert "Install it again" in tokens.handler(event, None)["advice"]
