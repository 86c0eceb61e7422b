"""POST /v1/blobs: where a runner may put exactly one blob of its own job."""

from __future__ import annotations

from functions.job_api.refusal import Refused
from functions.job_api.session import Session, must_be_open
from shared.domain.protocol import CHANGESET_MAX_BYTES, CHECKPOINT_MAX_BYTES, BlobGrant, BlobWish

MB = 1_000_000
# A changeset is base64 in JSON lines, and deletions and paths come on top.
MAX_BYTES = {
    "changeset": 2 * CHANGESET_MAX_BYTES,
    "bundle": CHECKPOINT_MAX_BYTES,
    "output": 20 * MB,
    "junit": 20 * MB,
    "brief": 2 * MB,
    "log": 20 * MB,
}


def grant(session: Session, wish: BlobWish) -> BlobGrant:
    """Raises Refused: job_over, too_big."""
    must_be_open(session)
    if wish.bytes > MAX_BYTES[wish.kind]:
        raise Refused("too_big", f"a {wish.kind} of {wish.bytes} bytes; at most {MAX_BYTES[wish.kind]} are taken")
    key = f"{session.job.repository.id}/{session.job.id}/{wish.sha256}"
    if session.here.blobs.has(key):
        return BlobGrant(key=key, have=True)
    upload = session.here.blobs.upload(key, wish.bytes)
    return BlobGrant(key=key, put=upload.url, headers=dict(upload.headers))
