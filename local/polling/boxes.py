"""The box of a spec comment, where no webhook says what stood there before.

What we posted is kept when it is seen, or else made from the text by clearing its box; either way the workflow holds
its hash against what was really posted, so a tick counts only where that one box differs. Who ticked it GraphQL alone
says: it counts where one person, and nobody else, edited the comment since our App last wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.domain.box import untick
from shared.domain.record import ANY, Key, Put, Record
from shared.github.edits import Edits
from shared.ports import Store

UNKNOWN = ""
"""Stands for the text before, where several people edited: no tick can follow from it, and it is put back."""
KEPT_DAYS = 35


@dataclass(frozen=True, slots=True)
class Deed:
    """An edit by a person: their id and login, and what stood there before."""

    id: int
    login: str
    before: str


def _key(repository_id: int, comment_id: int) -> Key:
    return Key(f"POLLED#{repository_id}", f"BOX#{comment_id}")


def seen_text(store: Store, repository_id: int, comment_id: int) -> str | None:
    """The comment as it was when we looked last."""
    record = store.get(_key(repository_id, comment_id))
    return None if record is None else str(record.body["text"])


def text_kept(repository_id: int, comment_id: int, text: str, now: int) -> Put:
    """The change that keeps how it is now. What a person did is stored with it or not at all: a text that was kept
    before would hide the deed, one that is kept after could hide the next.
    """
    expires = now + KEPT_DAYS * 86_400_000
    return Put(Record(_key(repository_id, comment_id), "polled", {"text": text}, expires=expires), ANY)


def read_deed(kept: str | None, edits: Edits, app_slug: str) -> Deed | None:
    """What a person did to our comment since; None where our App wrote last."""
    people = edits.people_since(app_slug)
    if not people:
        return None
    last = people[0]
    one_person = all(each.person and each.id == last.id for each in people)
    before = (kept if kept is not None else untick(edits.body)) if one_person else UNKNOWN
    return Deed(last.id, last.login, before)
