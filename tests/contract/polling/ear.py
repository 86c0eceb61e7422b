"""A repository on the simulator, and a poller of it that may be restarted at any moment."""

from __future__ import annotations

from typing import Any

from functions.github_webhook.webhook import Door
from local.github.people import Person
from local.polling.look import Look
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.github.client import GitHubs
from shared.github.installations import Installations, Place
from shared.github.pacing import UNPACED
from shared.ports import read_all
from tests.contract.github_client.stage import REPO, Stage


class Ear:
    """`heard` are the inbounds that were written, oldest first; people act through `stage.octocat` and `stage.hubot`."""

    def __init__(self, url: str) -> None:
        self.stage = Stage(url, UNPACED)
        self.number = self.stage.octocat.open_issue(REPO, "It is broken", "Please mend it")["number"]
        self.githubs = GitHubs(self.stage.wire, self.stage.tokens, self.stage.clock, self.stage.store, UNPACED)
        self.installations = Installations(self.stage.wire, self.stage.tokens)
        (self.place,) = self.installations.places()

    @property
    def octocat(self) -> Person:
        return self.stage.octocat

    @property
    def hubot(self) -> Person:
        return self.stage.hubot

    def door(self, store: Any = None) -> Door:
        stage = self.stage
        return Door(stage.clock, stage.ids, store or stage.store, (b"secret",), stage.app["id"], "/persevere")

    def look(self, store: Any = None, place: Place | None = None) -> int:
        """One look by a poller that knows nothing but the table."""
        github = self.githubs.client("read", self.place.installation.id, self.place.repository)
        return Look(self.door(store), github, place or self.place, "persevere").run().taken

    def until_heard(self, *, patience: int = 12) -> None:
        """Look until twice in a row nothing is new, whatever goes wrong meanwhile."""
        quiet = 0
        for _ in range(patience):
            taken = self.look()
            quiet = 0 if taken else quiet + 1
            if quiet == 2:
                return
        raise AssertionError("it never comes to rest")

    @property
    def heard(self) -> list[dict[str, Any]]:
        pk = keys.issue_pk(self.place.repository.id, self.number)
        return [dict(record.body) for record in read_all(self.stage.store, pk, "INBOUND#")]

    def said(self, kind: str = "") -> list[str]:
        return [each["comment"]["body"] for each in self.heard if each.get("comment") and kind in ("", each["kind"])]

    def time_passes(self, days: int) -> None:
        """The table forgets what it need not remember."""
        self.stage.clock.advance(days * 24 * 3600)
        now, items = self.stage.clock.now(), self.stage.store.items
        for key in [key for key, record in items.items() if record.expires is not None and record.expires <= now]:
            del items[key]

    def our_comment(self, body: str) -> dict[str, Any]:
        """A comment of our App, as an effect posts it."""
        github = self.stage.github("comment")
        return github.post(github.path("issues", self.number, "comments"), {"body": body}).body

    def edit_ours(self, comment: int, body: str) -> None:
        github = self.stage.github("comment")
        github.patch(github.path("issues", "comments", comment), {"body": body})

    def our_pull(self, number: int) -> None:
        """The table knows this pull request as ours."""
        link = keys.pull_link(self.place.repository.id, number)
        self.stage.store.commit(Put(Record(link, "link", {"pk": "-", "job": "-"}), ANY))
