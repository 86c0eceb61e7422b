"""A commit as a transaction: what is repeated, and what each refusal means. Standard library only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.aws.items import Item, record_of, transact_item
from shared.domain.record import Change
from shared.errors import Final, PersevereError, Retryable
from shared.ports import Clock, Conflict, OutcomeUnknown, TooBig, check_commit

TRIES = 9
PAUSE_S = 0.03
PAUSE_MAX_S = 1.5

# docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html and CommonErrors.html
BUSY = frozenset(
    "ThrottlingException ThrottlingError ProvisionedThroughputExceeded ProvisionedThroughputExceededException "
    "RequestLimitExceeded TransactionConflict TransactionConflictException TransactionInProgressException "
    "LimitExceededException".split()
)
UNCLEAR = frozenset("InternalServerError InternalFailure ServiceUnavailable ServiceUnavailableException".split())
FAILED = "ConditionalCheckFailed"


@dataclass
class Rejected(Exception):
    """AWS answered with an error. `reasons` are those of a cancelled transaction, one a change."""

    code: str
    message: str
    reasons: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class NoAnswer(Exception):
    """The connection broke or nothing came in time: the call may have been carried out."""


Send = Callable[[dict[str, Any]], object]
"""One TransactWriteItems, repeated by its client as it sees fit. Raises Rejected or NoAnswer."""


def commit(send: Send, table: str, clock: Clock, changes: Sequence[Change], token: str | None) -> None:
    """Write all or nothing. Conflicts between transactions and throttling are waited out, for some seconds.

    Without a token the commit still has one for its own repetitions. Raises Conflict, TooBig, OutcomeUnknown;
    Retryable when the table stays busy, with nothing written; ValueError for a token of another commit; Final.
    """
    check_commit(changes)
    request = {
        "TransactItems": [transact_item(change, table) for change in changes],
        "ClientRequestToken": request_token(table, token),
    }
    for attempt in range(TRIES):
        if attempt:
            clock.wait(_pause(attempt))
        try:
            send(request)
        except NoAnswer as error:
            raise OutcomeUnknown(f"the table did not say whether the commit landed: {error}") from error
        except Rejected as error:
            if error.code in UNCLEAR:
                raise OutcomeUnknown(f"the table did not say whether the commit landed: {error.code}") from error
            if not _is_busy(error):
                raise _meaning(error, len(changes)) from error
        else:
            return
    raise Retryable("the table is busy", after_s=5)


def request_token(table: str, token: str | None) -> str:
    """What stands for a token of ours: it may be longer than the 36 characters that DynamoDB takes, and DynamoDB knows
    tokens of a whole account, ours are a table's. None: one of its own.
    """
    if token is None:
        return secrets.token_hex(16)
    return hashlib.sha256(f"{table}\n{token}".encode()).hexdigest()[:36]


def _is_busy(error: Rejected) -> bool:
    codes = {str(reason.get("Code")) for reason in error.reasons}
    return error.code in BUSY or bool(codes & BUSY and FAILED not in codes)


def _meaning(error: Rejected, count: int) -> PersevereError | ValueError:
    failed = [(index, reason) for index, reason in enumerate(error.reasons) if reason.get("Code") == FAILED]
    if failed:
        return Conflict([(index, _current(reason.get("Item"))) for index, reason in failed])
    codes = {error.code} | {str(reason.get("Code")) for reason in error.reasons}
    if error.code == "IdempotentParameterMismatchException":
        return ValueError("the token was used for another commit within the last ten minutes")
    if "ItemCollectionSizeLimitExceeded" in codes or "size" in error.message.lower():
        return TooBig(f"the table refuses {count} changes: {error.message}")
    return refusal("the table", error)


def _current(item: Item | None) -> Any:
    return record_of(item) if item else None


def refusal(what: str, error: Rejected) -> Final:
    """An error that no repetition mends, with what to look at."""
    advice = {
        "AccessDeniedException": "the function's role lacks a permission; run `persevere deploy`, then `persevere doctor`",
        "ResourceNotFoundException": "it is not in this account and region; run `persevere doctor`",
        "UnrecognizedClientException": "the AWS credentials are not valid here",
        "ExpiredTokenException": "the AWS credentials have expired",
    }.get(error.code, "run `persevere doctor`")
    return Final(f"{what} refused: {error.code}: {error.message}"[:500], advice)


def _pause(attempt: int) -> float:
    """Full jitter, doubling."""
    most: float = min(PAUSE_MAX_S, PAUSE_S * 2**attempt)
    return most * (0.5 + secrets.randbelow(1000) / 2000)
