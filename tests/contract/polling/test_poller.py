"""Who polls is polite: it slows down with trouble, waits as long as GitHub asks, and finds new repositories by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.polling.poller import LITTLE_LEFT_S, PLACES_EVERY_MS, Poller
from local.up.teller import again_words
from tests.contract.github_client.stage import REPO
from tests.contract.polling.ear import Ear

EVERY_S = 10.0


def poller_of(ear: Ear, every_s: float = EVERY_S) -> Poller:
    return Poller(ear.door, ear.githubs, ear.installations, "persevere", every_s)


def looks(ear: Ear, poller: Poller, seconds: int) -> int:
    """Second by second; how often the comments were asked for."""
    asked, send = 0, ear.stage.wire.send

    def counted(method: str, path: str, *args: Any, **more: Any) -> Any:
        nonlocal asked
        asked += path.endswith("/issues/comments")
        return send(method, path, *args, **more)

    ear.stage.wire.send = counted  # type: ignore[method-assign]
    try:
        for _ in range(seconds):
            poller.turn()
            ear.stage.clock.advance(1)
    finally:
        ear.stage.wire.send = send  # type: ignore[method-assign]
    return asked


def test_it_looks_every_ten_seconds(ear: Ear) -> None:
    assert looks(ear, poller_of(ear), 60) == 6


def test_trouble_makes_it_ask_less_often_and_an_answer_ends_that(ear: Ear) -> None:
    poller = poller_of(ear)
    ear.stage.st.fault("status", status=502, path="issues/comments", count=0)
    many = looks(ear, poller, 100) // 3  # a read is tried three times
    assert 2 <= many <= 4
    assert poller.heartbeat.repositories[ear.place.repository.id].trouble
    ear.octocat.comment(REPO, ear.number, "/persevere")
    ear.stage.st.clear_faults()
    looks(ear, poller, 100)
    assert ear.said("command") == ["/persevere"]
    assert not poller.heartbeat.repositories[ear.place.repository.id].trouble
    assert looks(ear, poller, 60) == 6


def test_a_clock_that_jumps_is_named_and_not_a_claim_of_a_token(ear: Ear) -> None:
    poller = poller_of(ear)
    poller.turn()
    ear.stage.st.advance(7200)
    ear.stage.tokens.drop_installation(ear.stage.installation["id"])
    ear.stage.clock.advance(10)
    poller.turn()
    trouble = poller.heartbeat.repositories[ear.place.repository.id].trouble
    assert trouble.startswith("this machine's clock is wrong"), trouble


def test_a_clock_that_is_set_right_makes_nobody_deaf(ear: Ear) -> None:
    """GitHub refused it while it was two hours ahead: a wait until a moment of that clock would last two hours."""
    poller = poller_of(ear)
    looks(ear, poller, 15)
    ear.stage.clock.ms += 7200_000  # this machine's alone
    looks(ear, poller, 15)
    assert "this machine's clock is wrong" in poller.heartbeat.trouble, poller.heartbeat
    ear.stage.clock.ms -= 7200_000
    ear.octocat.comment(REPO, ear.number, "/persevere")
    looks(ear, poller, 30)
    assert ear.said("command") == ["/persevere"]
    assert not poller.heartbeat.trouble


@pytest.mark.parametrize(
    ("wait_s", "words"), [(5, "it is asked again"), (59, "it is asked again"), (3600, "it is asked again at ")]
)
def test_a_long_wait_says_until_when(wait_s: int, words: str) -> None:
    told = again_words("GitHub asks to wait: too many requests.", wait_s * 1000, 0)
    assert told.startswith(f"GitHub asks to wait: too many requests; {words}")
    assert told.endswith("again") == (wait_s < 60)


def test_it_waits_as_long_as_github_asks(ear: Ear) -> None:
    poller = poller_of(ear)
    poller.turn()
    ear.stage.clock.advance(11)
    ear.stage.st.settings(retry_after_s=90)
    ear.stage.st.fault("secondary_limit", path="issues/comments")
    assert looks(ear, poller, 80) == 1
    assert looks(ear, poller, 20) >= 1


def test_with_little_left_in_the_hour_it_looks_once_a_minute(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.polling.poller.LITTLE_LEFT", 5000)  # the simulator has 4,990 left
    assert LITTLE_LEFT_S == 60
    assert looks(ear, poller_of(ear), 120) == 2


def test_a_repository_that_is_added_is_heard_and_one_that_is_gone_is_left(ear: Ear) -> None:
    ear.stage.st.repository("octo-org", "second", files={"a": "b\n"}, roles={"octocat": "admin"})
    ear.stage.st.configure_installation(ear.stage.installation["id"], add=["octo-repo"], remove=["second"])
    poller = poller_of(ear)
    poller.turn()
    assert [each.place.repository.full_name for each in poller.heartbeat.repositories.values()] == [REPO]
    ear.stage.st.configure_installation(ear.stage.installation["id"], add=["second"], remove=["octo-repo"])
    ear.stage.clock.advance(PLACES_EVERY_MS / 1000 + 1)
    poller.turn()
    names = [each.place.repository.full_name for each in poller.heartbeat.repositories.values()]
    assert names == ["octo-org/second"]


def test_an_app_that_is_not_installed_yet_is_waited_for(ear: Ear) -> None:
    ear.stage.st.uninstall(ear.stage.installation["id"])
    poller = poller_of(ear)
    assert looks(ear, poller, 20) == 0
    ear.stage.st.install("persevere", "octo-org", ["octo-repo"])
    assert looks(ear, poller, 20) >= 1


def test_an_account_that_suspended_the_app_is_named_and_heard_again_when_it_is_let_in(ear: Ear) -> None:
    poller = poller_of(ear)
    ear.stage.st.configure_installation(ear.stage.installation["id"], suspended=True)
    assert looks(ear, poller, 20) == 0
    assert poller.heartbeat.trouble.startswith("octo-org does not let us in: the App is suspended there; http")
    ear.stage.st.configure_installation(ear.stage.installation["id"], suspended=False)
    assert looks(ear, poller, 20) >= 1
    assert not poller.heartbeat.trouble


def test_an_app_that_was_deleted_on_github_is_told_with_what_to_do(ear: Ear) -> None:
    poller = poller_of(ear)
    ear.stage.st.fault("status", status=404, path="app/installations")
    poller.turn()
    assert "was the App deleted" in poller.heartbeat.trouble
    assert "persevere init --local --again" in poller.heartbeat.trouble


def test_an_app_that_is_taken_away_and_installed_again_is_heard_at_once(ear: Ear) -> None:
    poller = poller_of(ear)
    looks(ear, poller, 3)
    ear.stage.st.uninstall(ear.stage.installation["id"])
    ear.stage.tokens.drop_installation(ear.stage.installation["id"])
    looks(ear, poller, 40)
    assert REPO not in {each.place.repository.full_name for each in poller.heartbeat.repositories.values()}
    ear.stage.st.install("persevere", "octo-org", ["octo-repo"])
    ear.octocat.comment(REPO, ear.number, "/persevere stop")
    looks(ear, poller, 15)
    assert ear.said("command") == ["/persevere stop"]


def test_another_installation_does_not_inherit_the_pause_of_the_one_before(ear: Ear) -> None:
    poller = poller_of(ear)
    looks(ear, poller, 3)
    ear.stage.st.uninstall(ear.stage.installation["id"])
    ear.stage.tokens.drop_installation(ear.stage.installation["id"])
    ear.stage.st.install("persevere", "octo-org", ["octo-repo"])
    ear.octocat.comment(REPO, ear.number, "/persevere stop")
    looks(ear, poller, 15)
    assert ear.said("command") == ["/persevere stop"]


def test_while_github_does_not_say_where_we_are_installed_the_known_ones_are_looked_at(ear: Ear) -> None:
    poller = poller_of(ear)
    poller.turn()
    ear.stage.st.fault("status", status=503, path="app/installations", count=0)
    assert looks(ear, poller, 120) >= 10
    assert poller.heartbeat.trouble


def test_what_cannot_be_read_of_one_repository_makes_us_deaf_to_no_other(ear: Ear) -> None:
    """GitHub shows something in a shape that we do not know: it is told, asked less often, and holds up nobody."""
    ear.stage.st.repository("octo-org", "second", files={"a": "b\n"}, roles={"octocat": "admin"})
    ear.stage.st.configure_installation(ear.stage.installation["id"], add=["octo-repo", "second"])
    poller, send = poller_of(ear), ear.stage.wire.send
    first = f"{REPO}/issues/events"

    def odd(method: str, path: str, *args: Any, **more: Any) -> Any:
        answer = send(method, path, *args, **more)
        return replace(answer, body=[{"id": 1}]) if path.endswith(first) else answer

    ear.stage.wire.send = odd  # type: ignore[method-assign]
    number = ear.octocat.open_issue("octo-org/second", "It is broken", "")["number"]
    ear.octocat.comment("octo-org/second", number, "/persevere")
    assert poller.turn() == 1
    troubles = {each.place.repository.full_name: each.trouble for each in poller.heartbeat.repositories.values()}
    assert "KeyError" in troubles[REPO] and not troubles["octo-org/second"]
    ear.stage.wire.send = send  # type: ignore[method-assign]
    ear.octocat.comment(REPO, ear.number, "/persevere")
    looks(ear, poller, 30)
    assert ear.said("command") == ["/persevere"]


def test_an_account_that_does_not_let_us_in_keeps_us_out_of_no_other(ear: Ear) -> None:
    """An organisation with a list of allowed addresses, say."""
    ear.stage.st.repository("hubot", "closed", files={"a": "b\n"})
    closed = ear.stage.st.install("persevere", "hubot")["id"]
    path = f"app/installations/{closed}/access_tokens"
    ear.stage.st.fault("status", status=403, message="your address is not allowed", path=path, count=0)
    poller = poller_of(ear)
    poller.turn()
    assert [each.place.repository.full_name for each in poller.heartbeat.repositories.values()] == [REPO]
    assert "hubot does not let us in" in poller.heartbeat.trouble
    assert "your address is not allowed" in poller.heartbeat.trouble
    ear.stage.st.clear_faults()
    ear.stage.clock.advance(PLACES_EVERY_MS / 1000 + 1)
    poller.turn()
    assert len(poller.heartbeat.repositories) == 2
    assert not poller.heartbeat.trouble
