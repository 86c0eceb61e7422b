"""One look at one repository: everything that changed, in the order in which it happened, through the door."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from functions.github_webhook.webhook import DAY_MS, Door, take
from local.polling import boxes, cursor, payloads
from local.polling.boxes import Deed
from local.polling.cursor import Cursor, Reached, Seen
from local.polling.payloads import Heard, Json
from shared.domain import keys
from shared.domain.box import has_box, has_ticked_box
from shared.domain.record import Put
from shared.errors import Retryable
from shared.github.answers import NotFound
from shared.github.changes import Changed, Kind, changed, iso, milliseconds
from shared.github.client import GitHub
from shared.github.edits import Edits, read_edits
from shared.github.installations import Place

FIRST_LOOK_MS = 3600_000
"""A repository that was never read is read from an hour ago, and not from before the App was installed there."""
REMEMBERED_MS = keys.SEEN_DAYS * DAY_MS
"""That a word was heard is known for so long. A list shows older ones again when they are edited, or when the next one
comes after weeks of quiet: they are passed over, also those that nobody listened to for all that time.
"""
KINDS: tuple[Kind, ...] = ("comments", "review_comments", "events", "pulls")


class NotTaken(Retryable):
    """The table did not take in what was heard; the next look hears it again."""


@dataclass(slots=True)
class Looked:
    """`taken` inbounds were written; `left` is how many requests the hour still has, where GitHub said so."""

    taken: int = 0
    left: int | None = None


@dataclass(slots=True)
class Look:
    """Reads everything first, then hands it over in order, then moves the cursor: a look that breaks off anywhere is
    begun again, and what it had handed over is known to the door.
    """

    door: Door
    github: GitHub
    place: Place
    app_slug: str
    _issues: dict[int, Json] = field(default_factory=dict)

    def run(self) -> Looked:
        """Raises Refusal, Retryable, TokenRefused, Conflict; the cursor stands where it stood then."""
        found, record = cursor.load(self.door.store, self.place.repository.id)
        looked, fresh, heard = Looked(), Cursor(pulls=dict(found.pulls)), list[Callable[[], Iterator[Heard]]]()
        moments: list[tuple[int, int]] = []
        for kind in KINDS:
            reached = found.reached.get(kind) or Reached(since=self._beginning())
            seen = changed(self.github, kind, reached.since, reached.etag)
            looked.left = seen.left if seen.left is not None else looked.left
            for at, what in self._things(kind, seen, fresh, reached.since):
                moments.append((at, len(heard)))
                heard.append(what)
            fresh.reached[kind] = cursor.moved_on(reached, seen.newest, seen.etag)
        for _, number in sorted(moments):
            for each in heard[number]():
                looked.taken += self._take(each)
        cursor.save(self.door.store, record, fresh)
        return looked

    def _beginning(self) -> int:
        installed = milliseconds(self.place.installation.since) if self.place.installation.since else 0
        return max(installed, self.door.clock.now() - FIRST_LOOK_MS)

    def _take(self, heard: Heard) -> int:
        late = max(0, (self.door.clock.now() - heard.at) // 1000)
        answered = take(heard.event, heard.payload, heard.guid, self.door, {}, late, heard.also)
        if answered.status >= 500:
            raise NotTaken(f"the table did not take in {heard.guid}: {answered.reason}")
        return int(answered.verdict == "stored")

    def _things(
        self, kind: Kind, seen: Changed, fresh: Cursor, since: int
    ) -> Iterator[tuple[int, Callable[[], Iterator[Heard]]]]:
        """(moment, how to hear it) of what a list has from `since` on; what is heard may need more questions."""
        for item in seen.items:
            match kind:
                case "comments":
                    own = (item.get("performed_via_github_app") or {}).get("id") == self.door.app_id
                    at = milliseconds(str(item["updated_at" if own else "created_at"]))
                    yield at, lambda item=item, own=own: self._own(item) if own else self._comment(item)  # type: ignore[misc]
                case "review_comments":
                    yield milliseconds(str(item["created_at"])), lambda item=item: self._review_comment(item)  # type: ignore[misc]
                case "events":
                    yield milliseconds(str(item["created_at"])), lambda item=item: self._event(item)  # type: ignore[misc]
                case "pulls":
                    at = milliseconds(str(item["updated_at"]))
                    yield at, lambda item=item: self._pull(item, fresh, since)  # type: ignore[misc]

    # --- comments ----------------------------------------------------------------------------------------------

    def _comment(self, comment: Json) -> Iterator[Heard]:
        """A new comment of a person, once. One that its own author changed before we read it counts as it reads now;
        one that somebody else changed is not run in its author's name. Who wrote it is asked each time: moments have
        whole seconds, and an edit in the second of the comment would not show.
        """
        user, at = comment.get("user") or {}, milliseconds(str(comment["created_at"]))
        if user.get("type") != "User" or self._is_forgotten(at):
            return
        if self.door.store.get(keys.comment_taken("ic", comment["id"])) is not None:
            return
        edits = read_edits(self.github, str(comment["node_id"]))
        issue = self._issue(comment) if edits is not None else None
        if edits is not None and issue is not None:
            author = int(user["id"])
            edited_by = None if edits.only_by(author) else _other(edits, author)
            now = {**comment, "body": edits.body}
            payload = payloads.comment_made(self.place, now, issue, edited_by)
            yield Heard(at, "issue_comment", f"poll-ic-{comment['id']}", payload)

    def _own(self, comment: Json) -> Iterator[Heard]:
        """A comment of ours with a box: somebody may have ticked it."""
        text, number = str(comment.get("body") or ""), int(comment["id"])
        kept = boxes.seen_text(self.door.store, self.place.repository.id, number)
        if kept == text or (kept is None and not has_box(text)):
            return
        if kept is not None or comment["updated_at"] != comment["created_at"] or has_ticked_box(text):
            edits = read_edits(self.github, str(comment["node_id"]))
            if edits is None:
                return
            text = edits.body
            deed = boxes.read_deed(kept, edits, self.app_slug)
            issue = self._issue(comment) if deed and deed.before != text else None
            if deed and issue is not None:
                yield self._box(comment, issue, deed, edits)
        if boxes.seen_text(self.door.store, self.place.repository.id, number) != text:
            self.door.store.commit(self._kept(number, text))

    def _box(self, comment: Json, issue: Json, deed: Deed, edits: Edits) -> Heard:
        number, at = int(comment["id"]), milliseconds(edits.updated_at)
        now = {**comment, "body": edits.body, "updated_at": edits.updated_at}
        editor = {"id": deed.id, "login": deed.login, "type": "User"}
        payload = payloads.comment_edited(self.place, now, issue, deed.before, editor)
        guid = f"poll-box-{number}-{edits.updated_at}-{_hash_of(edits.body)}"
        return Heard(at, "issue_comment", guid, payload, (self._kept(number, edits.body),))

    def _kept(self, comment: int, text: str) -> Put:
        return boxes.text_kept(self.place.repository.id, comment, text, self.door.clock.now())

    def _review_comment(self, comment: Json) -> Iterator[Heard]:
        """Its moment is that of writing; it is shown when its review is handed in, which may be days later."""
        at = milliseconds(str(comment["created_at"]))
        if (comment.get("user") or {}).get("type") == "User" and not self._is_forgotten(at):
            payload = payloads.review_comment_made(self.place, comment)
            yield Heard(at, "pull_request_review_comment", f"poll-rc-{comment['id']}", payload)

    def _is_forgotten(self, at: int) -> bool:
        return at <= self.door.clock.now() - REMEMBERED_MS

    def _issue(self, comment: Json) -> Json | None:
        """The issue of a comment, read once a look; None where it is gone."""
        number = payloads.number_of(str(comment.get("issue_url", "")))
        if number not in self._issues:
            try:
                self._issues[number] = self.github.get(self.github.path("issues", number), fresh=True)
            except NotFound:
                return None
        return self._issues[number]

    # --- issues and pull requests --------------------------------------------------------------------------------

    def _event(self, event: Json) -> Iterator[Heard]:
        """Closed, reopened, locked, labeled ... with who did it. Of pull requests, those that are ours."""
        at, guid = milliseconds(str(event["created_at"])), f"poll-ie-{event['id']}"
        issue, name = event.get("issue") or {}, str(event.get("event"))
        if not issue or self.door.store.get(keys.delivery(guid)) is not None or self._was_told(event):
            return
        if not issue.get("pull_request"):
            payload = payloads.issue_changed(self.place, event)
            if payload is not None:
                yield Heard(at, "issues", guid, payload)
        elif name in ("closed", "reopened") and self._is_ours(int(issue["number"])):
            pull = self.github.find(self.github.path("pulls", int(issue["number"])))
            if pull is not None:
                merged = name == "closed" and bool(pull.get("merged"))
                payload = payloads.pull_turned(self.place, event, pull, merged=merged)
                yield Heard(at, "pull_request", guid, payload)

    def _was_told(self, event: Json) -> bool:
        """Whether a webhook told it: its moment and that of the list may be a second or two apart."""
        action, at = str(event.get("event")), milliseconds(str(event["created_at"]))
        if action not in ("closed", "reopened"):
            return False
        pk = keys.issue_pk(self.place.repository.id, int(event["issue"]["number"]))
        near = (self.door.store.get(keys.turned(pk, action, iso(at + apart))) for apart in range(-2000, 2001, 1000))
        return any(each is not None and not str(each.body["delivery"]).startswith("poll-") for each in near)

    def _pull(self, pull: Json, fresh: Cursor, since: int) -> Iterator[Heard]:
        """A pull request of ours: pushes by people, and reviews that were handed in at `since` or later. The list does not
        say who pushed; the commit does.
        """
        number, head = int(pull["number"]), str((pull.get("head") or {}).get("sha", ""))
        before = fresh.pulls.get(str(number))
        now = Seen(head=head, updated_at=str(pull["updated_at"]))
        if now == before or not self._is_ours(number):
            return
        at = milliseconds(now.updated_at)
        if before is None or before.head != head:
            # Seen for the first time, it may have been pushed to already; the workflow knows its own commits.
            payload = payloads.pull_changed(self.place, "synchronize", pull, self._who_pushed(head), merged=False)
            was = before.head[:12] if before else "new"
            yield Heard(at, "pull_request", f"poll-push-{number}-{was}-{head[:12]}-{now.updated_at}", payload)
        for review in self.github.pages(self.github.path("pulls", number, "reviews")):
            submitted = str(review.get("submitted_at") or "")
            if not submitted or (review.get("user") or {}).get("type") != "User":
                continue
            handed_in = milliseconds(submitted)
            if handed_in >= since and not self._is_forgotten(handed_in):
                payload = payloads.reviewed(self.place, pull, review)
                yield Heard(handed_in, "pull_request_review", f"poll-rv-{review['id']}", payload)
        if pull.get("state") == "open":
            fresh.pulls[str(number)] = now
        else:
            fresh.pulls.pop(str(number), None)

    def _who_pushed(self, sha: str) -> Json:
        """Only for the words about it: what follows from a push does not depend on who it was, unless an App pushed."""
        commit = self.github.find(self.github.path("commits", sha)) or {}
        return commit.get("author") or payloads.NOBODY

    def _is_ours(self, number: int) -> bool:
        return self.door.store.get(keys.pull_link(self.place.repository.id, number)) is not None


def _other(edits: Edits, author: int) -> Json:
    """Who wrote in somebody's comment; without a name where GitHub does not say."""
    other = next((each for each in edits.editors if each.id != author), None)
    return {"login": other.login if other else ""}


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
