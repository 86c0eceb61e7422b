"""Any order of people, looks, restarts, lost answers, limits and edits: every comment is heard once, and so is every tick."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from local.github.wire import Refused
from shared.domain.record import Change
from shared.errors import PersevereError
from shared.ports import Conflict, OutcomeUnknown
from tests.contract.github_client.stage import REPO
from tests.contract.polling.ear import Ear

FAULTS: tuple[dict[str, Any], ...] = (
    {"what": "drop"},
    {"what": "drop_after_effect"},
    {"what": "status", "status": 502},
    {"what": "status", "status": 500},
    {"what": "secondary_limit"},
    {"what": "primary_limit"},
)
SPEC = "- [ ] **Approve v1 and start**\n\nthe text"


class Killed(BaseException):
    """The process is gone: nothing that it would have done after that is done."""


class MortalStore:
    """The table, with a process in front of it that dies before or after a write, or does not learn of its outcome."""

    def __init__(self, store: Any, chance: random.Random) -> None:
        self._store = store
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def commit(self, *changes: Change, token: str | None = None) -> None:
        fate = self._chance.random()
        if fate < 0.05:
            raise Killed
        if fate < 0.08:
            raise OutcomeUnknown("not written")
        self._store.commit(*changes, token=token)
        if fate > 0.95:
            raise Killed
        if fate > 0.92:
            raise OutcomeUnknown("written")


class Evening:
    """Octocat talks, ticks and edits; the ear looks, dies and looks again."""

    def __init__(self, ear: Ear, seed: int) -> None:
        self.ear = ear
        self.chance = random.Random(seed)
        self.said: list[str] = []
        self.editable: list[int] = []
        self.ours = ear.our_comment(SPEC)["id"]
        self.ticks = 0

    def run(self, steps: int) -> None:
        deeds = [
            self.speak,
            self.speak,
            self.edit,
            self.tick,
            self.wait,
            self.look,
            self.look,
            self.look,
            self.break_it,
        ]
        for _ in range(steps):
            self.chance.choice(deeds)()
        self.ear.stage.st.clear_faults()
        self.ear.stage.st.settings(lag_s={})
        self.ear.stage.clock.advance(400)
        self.ear.until_heard()

    def speak(self) -> None:
        verb = self.chance.choice(["/persevere", "/persevere stop", "some words"])
        body = f"{verb} {len(self.said)}"
        self.editable.append(self.ear.octocat.comment(REPO, self.ear.number, body)["id"])
        self.said.append(body)

    def edit(self) -> None:
        """One's own comment, after it was heard or before: it is no second one."""
        if self.editable:
            comment = self.chance.choice(self.editable)
            self.ear.octocat.edit_comment(REPO, comment, f"edited {self.chance.random()}")

    def tick(self) -> None:
        """Tick, and un-tick again: a deed each, as long as a look comes between. Nobody clicks twice in a second."""
        self.ear.stage.clock.advance(1.1)
        body = self.ear.octocat.get(f"/repos/{REPO}/issues/comments/{self.ours}")["body"]
        self.ear.octocat.tick(REPO, self.ours, untick="[x]" in body)

    def wait(self) -> None:
        self.ear.stage.clock.advance(self.chance.choice([0.4, 3, 30, 90]))

    def break_it(self) -> None:
        fault = self.chance.choice(FAULTS)
        skip = self.chance.randrange(4)
        self.ear.stage.st.fault(
            **fault, method="GET|POST", path="comments|events|pulls|issues|graphql", actor="app", skip=skip
        )
        self.ear.stage.st.settings(lag_s={"comments": self.chance.choice([0, 0, 8]), "issue_events": 8})

    def look(self) -> None:
        try:
            self.ear.look(MortalStore(self.ear.stage.store, self.chance))
        except (Killed, PersevereError, Conflict, OutcomeUnknown, Refused):
            return


@pytest.mark.parametrize("seed", range(12))
def test_every_comment_is_heard_exactly_once_whatever_happens(ear: Ear, seed: int) -> None:
    evening = Evening(ear, seed)
    evening.run(steps=45)
    heard = [each["comment"]["id"] for each in ear.heard if each["kind"] in ("command", "answer", "near_miss")]
    assert Counter(heard) == Counter(evening.editable)
    # A comment counts as it was written, or as its author had changed it before it was heard.
    bodies = {each["comment"]["id"]: each["comment"]["body"] for each in ear.heard}
    for comment, body in zip(evening.editable, evening.said, strict=True):
        assert bodies[comment] == body or bodies[comment].startswith("edited ")
    # No tick is told twice, each change of the box is told from what stood there before, and the last one is heard.
    boxes = [each["comment"] for each in ear.heard if each["kind"] == "box"]
    texts = [SPEC, *[each["body"] for each in boxes]]
    assert [each["before"] for each in boxes] == texts[:-1]
    now = ear.octocat.get(f"/repos/{REPO}/issues/comments/{evening.ours}")["body"]
    assert texts[-1] == now
