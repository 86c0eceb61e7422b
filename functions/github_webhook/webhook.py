"""The webhook door, without any framework: verify, shrink, store, answer. Standard library only, for its cold start.

It writes an inbound, the delivery and the deed's identity in one transaction and answers 202 only after that. A write
that failed is answered with 500, so that GitHub lists the delivery as failed and the watchdog fetches it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared import limits
from shared.domain import keys
from shared.domain.envelope import Envelope, Ignored, enclose
from shared.domain.record import ABSENT, Put, Record
from shared.ports import Clock, Conflict, Ids, OutcomeUnknown, Store

DAY_MS = 24 * 3600 * 1000
MAX_NESTING = 200


@dataclass(frozen=True)
class Door:
    """What the door needs, and nothing else: it acts on nothing."""

    clock: Clock
    ids: Ids
    store: Store
    secrets: Sequence[bytes]
    app_id: int
    command: str
    bots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Answered:
    """HTTP status and the word that GitHub's delivery log shows. `log` has ids only."""

    status: int
    verdict: str
    reason: str
    log: Mapping[str, Any]


def is_authentic(secrets: Sequence[bytes], header: str | None, body: bytes) -> bool:
    """Whether one of the secrets signed these bytes (SHA-256 only). Raises ValueError without a usable secret.

    docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
    """
    if not secrets or not all(secrets):
        raise ValueError("the webhook door has no secret")
    if not header or not header.startswith("sha256="):
        return False
    given = header.encode("ascii", "replace")
    good = False
    for secret in secrets:
        wanted = b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        good |= hmac.compare_digest(wanted, given)
    return good


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were signed. Raises ValueError for a body that says base64 and is not."""
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError("the body is no base64") from error


def answer(event: Mapping[str, Any], door: Door) -> Answered:
    """One delivery, from a Function URL event (payload format 2.0)."""
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    guid = headers.get("x-github-delivery", "")
    name = headers.get("x-github-event", "")
    log: dict[str, Any] = {"delivery": guid[:64], "event": name[:64]}
    try:
        body = raw_body(event)
    except ValueError as error:
        return Answered(400, "refused", str(error), log)
    if len(body) > limits.WEBHOOK_PAYLOAD_MAX_BYTES:
        return Answered(413, "refused", "the body is too large", log)
    if not is_authentic(door.secrets, headers.get("x-hub-signature-256"), body):
        return Answered(401, "refused", "the signature does not fit", log)
    if not guid or not name:
        return Answered(400, "refused", "a GitHub header is missing", log)
    payload = _payload(body)
    if isinstance(payload, str):
        return Answered(400, "refused", payload, log)
    return take(name, payload, guid, door, log)


def take(
    event: str,
    payload: Mapping[str, Any],
    guid: str,
    door: Door,
    log: dict[str, Any],
    late_s: int = 0,
    also: Sequence[Put] = (),
) -> Answered:
    """One event whose origin is beyond doubt: a signature, or our own authenticated call. Shrink, store, answer.

    Also used for deliveries that GitHub could not hand over, and by who polls; `late_s` says how late it is then, and
    `also` is written with the inbound or not at all.
    """
    log["action"] = str(payload.get("action", ""))[:64]
    try:
        envelope = enclose(event, payload, app_id=door.app_id, command=door.command, bots=door.bots)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Answered(400, "refused", f"the body does not fit the event {event}: {type(error).__name__}", log)
    if isinstance(envelope, Ignored):
        return Answered(202, "ignored", envelope.reason, log)
    return store(envelope, guid, door, log, late_s, also)


def _payload(body: bytes) -> dict[str, Any] | str:
    """The payload, or why it is none."""
    if body.count(b"[") + body.count(b"{") > 100_000:
        return "the body is nested too deeply"
    try:
        payload = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return "the body is no JSON"
    return payload if isinstance(payload, dict) else "the body is no JSON object"


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def store(
    envelope: Envelope, guid: str, door: Door, log: dict[str, Any], late_s: int = 0, also: Sequence[Put] = ()
) -> Answered:
    """Write inbound, delivery and identities at once. The same delivery or deed again is answered 202, and not stored."""
    now = door.clock.now()
    key = keys.inbound(envelope.pk, now, door.ids.ulid(now))
    body = envelope.body | {"delivery": guid, "received": now, "late_s": late_s}
    seen = now + keys.SEEN_DAYS * DAY_MS
    changes = [
        Put(Record(key, "inbound", body, due=now), ABSENT),
        Put(Record(keys.delivery(guid), "seen", {"inbound": key.sk, "pk": key.pk}, expires=seen), ABSENT),
    ]
    changes += [
        Put(Record(identity, "seen", {"delivery": guid, "pk": key.pk}, expires=seen), ABSENT)
        for identity in envelope.identities
    ]
    changes += also
    log |= {"pk": envelope.pk, "kind": envelope.kind}
    for _attempt in range(3):
        try:
            door.store.commit(*changes, token=key.sk[-26:])
        except Conflict:
            return Answered(202, "ignored", "this delivery, or this deed, is known already", log)
        except OutcomeUnknown:
            continue
        return Answered(202, "stored", envelope.kind, log)
    return Answered(500, "failed", "the table did not answer", log)
