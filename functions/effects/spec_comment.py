"""The comment of one spec version: complete when created, and not touched by us until it is decided.

People approve by ticking its box, so its bytes as posted are kept: once decided, only the box line is replaced.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from functions.effects.attempt import Attempt
from functions.effects.comment import find, remote_of, signed
from functions.effects.outcome import Outcome, done, refused
from shared.domain import keys
from shared.domain.spec import SpecRecord
from shared.github import comments
from shared.github.comments import Comment
from shared.limits import COMMENT_BODY_MAX
from shared.render.spec_comment import render_decided, render_spec
from shared.spill import unpack


def perform(attempt: Attempt) -> Outcome:
    """slot: `spec-v<version>`."""
    version = _version(attempt)
    known = _known(attempt)
    if known is None and attempt.again:
        found = find(attempt, attempt.issue.number)
        known = _remote(attempt, found, version) if found else None
    if known is None:
        return _post(attempt, version)
    return _decide(attempt, version, known)


def _post(attempt: Attempt, version: int) -> Outcome:
    view, spec = attempt.view, _spec(attempt, version)
    if spec is None:
        return refused("final", words=f"there is no spec v{version}")
    whole = replace(view, spec=spec)
    previous = _spec(attempt, version - 1) if version > 1 else None
    text = signed(render_spec(whole, version, previous), attempt.marker)
    if len(text.encode()) > COMMENT_BODY_MAX:  # never clipped: nobody may approve what they could not read
        words = f"the spec's text has {len(text.encode()):,} bytes, and GitHub takes {COMMENT_BODY_MAX:,} in a comment"
        return refused("too_long", words=words)
    posted = comments.create(attempt.github("comment"), attempt.issue.number, text, last_line=attempt.marker)
    return done(_remote(attempt, posted, version))


def _decide(attempt: Attempt, version: int, known: dict[str, Any]) -> Outcome:
    """Replace the box line once there is a decision. Before that a wish means: put our text back (a box ticked in vain)."""
    posted = attempt.outside.blobs.get(str(known["blob"])).decode()
    text = render_decided(posted, attempt.view, version)
    if text == posted:
        live = comments.read(attempt.github("comment"), int(known["id"]))
        if live is not None and live.body.replace("\r\n", "\n") != posted:
            comments.edit(attempt.github("comment"), live.id, posted, last_line=attempt.marker)
        return done(known)
    edited = comments.edit(attempt.github("comment"), int(known["id"]), text, last_line=attempt.marker)
    return done(known | remote_of(edited) | {"decided": True})


def _known(attempt: Attempt) -> dict[str, Any] | None:
    remote = attempt.effect.remote
    return dict(remote) if remote.get("id") and remote.get("blob") else None


def _remote(attempt: Attempt, comment: Comment, version: int) -> dict[str, Any]:
    scope = f"{attempt.issue.repository.id}/{attempt.issue.number}"
    blob = attempt.outside.blobs.put(scope, comment.body.encode())
    return remote_of(comment) | {"blob": blob, "version": version, "decided": False}


def _version(attempt: Attempt) -> int:
    named = re.fullmatch(r"spec-v?(\d+)", attempt.effect.slot)
    return int(attempt.data.get("version") or (named[1] if named else 0))


def _spec(attempt: Attempt, version: int) -> SpecRecord | None:
    view = attempt.view
    for each in (view.spec, view.approved):
        if each is not None and each.spec.version == version:
            return each
    record = attempt.outside.store.get(keys.spec(attempt.pk, version))
    return None if record is None else SpecRecord.model_validate(unpack(record, attempt.outside.blobs).body)
