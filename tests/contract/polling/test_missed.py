"""What GitHub could not hand over is fetched from its log of deliveries: once, and however long GitHub itself was away."""

from __future__ import annotations

import pytest

from functions.watchdog.missed import SWEEP_EVERY_MS, sweep
from shared.errors import PersevereError
from shared.github.deliveries import AppDeliveries
from tests.contract.github_client.stage import REPO
from tests.contract.polling.ear import Ear

NOBODY_THERE = "http://127.0.0.1:9/webhook"
HOUR_S = 3600


def deaf(ear: Ear) -> AppDeliveries:
    """The log of an App whose door does not answer."""
    deliveries = AppDeliveries(ear.stage.wire, ear.stage.tokens)
    ear.stage.wire.send("PATCH", "/app/hook/config", ear.stage.tokens.app_jwt(), json={"url": NOBODY_THERE})
    sweep(ear.door(), deliveries)
    return deliveries


def later(ear: Ear, seconds: float = SWEEP_EVERY_MS / 1000) -> None:
    assert ear.stage.st.quiet(45)
    ear.stage.clock.advance(seconds)


def test_a_comment_that_was_not_handed_over_is_taken_in_once_with_how_late_it_is(ear: Ear) -> None:
    deliveries = deaf(ear)
    ear.octocat.comment(REPO, ear.number, "/persevere plan")
    later(ear)
    assert [sweep(ear.door(), deliveries), sweep(ear.door(), deliveries)] == [1, 0]
    later(ear)
    assert sweep(ear.door(), deliveries) == 0
    (heard,) = ear.heard
    assert (heard["kind"], heard["data"]["verb"]) == ("command", "plan")
    assert heard["late_s"] >= SWEEP_EVERY_MS / 1000


def test_what_was_missed_while_github_itself_was_away_for_hours_is_found_afterwards(ear: Ear) -> None:
    deliveries = deaf(ear)
    ear.octocat.comment(REPO, ear.number, "/persevere plan")
    later(ear)
    ear.stage.st.fault("status", status=503, path="app/hook/deliveries", count=0)
    for _ in range(4):
        with pytest.raises(PersevereError):
            sweep(ear.door(), deliveries)
        later(ear, HOUR_S)
    ear.stage.st.clear_faults()
    assert sweep(ear.door(), deliveries) == 1
    assert ear.said("command") == ["/persevere plan"]


def test_a_payload_that_does_not_come_is_asked_for_until_it_does(ear: Ear) -> None:
    deliveries = deaf(ear)
    ear.octocat.comment(REPO, ear.number, "/persevere plan")
    later(ear)
    ear.stage.st.fault("status", status=503, path="app/hook/deliveries/", count=0)
    for _ in range(4):
        assert sweep(ear.door(), deliveries) == 0
        later(ear, HOUR_S)
    ear.stage.st.clear_faults()
    assert sweep(ear.door(), deliveries) == 1
    assert ear.said("command") == ["/persevere plan"]
