"""The `Store` on DynamoDB, by pynamodb. One table, one index (`docs/operations.md` says how it is restored)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError
from pynamodb.connection import Connection
from pynamodb.exceptions import VerboseClientError

from shared.aws import transaction
from shared.aws.items import DUE_INDEX, key_item, record_of, shards
from shared.aws.transaction import NoAnswer, Rejected
from shared.domain.record import Change, Key, Record
from shared.errors import PersevereError, Retryable
from shared.ports import Clock, Page

CONNECT_S = 2.0
READ_S = 5.0
TRIES = 3


class DynamoStore:
    """`Store` on one table. Any thread may use it: pynamodb keeps a client for each.

    Of pynamodb it is the connection that is used, not its models: those cannot be answered with the item that failed
    a delete or a check, nor stop at the end of a page.
    """

    def __init__(self, table: str, region: str, clock: Clock, endpoint: str | None = None) -> None:
        """`endpoint` is an emulator's address; None is AWS."""
        self._table = table
        self._clock = clock
        self._connection = Connection(
            region=region,
            host=endpoint,
            connect_timeout_seconds=CONNECT_S,
            read_timeout_seconds=READ_S,
            max_retry_attempts=TRIES,
        )

    def get(self, key: Key) -> Record | None:
        """The record as last committed by anybody. Raises Retryable, Final."""
        answer = self._call("GetItem", {"Key": key_item(key), "ConsistentRead": True})
        return record_of(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "", after: str | None = None, limit: int = 100) -> Page:
        """Records of a partition in byte order of their sort keys, from behind `after`; at most `limit`, or 1 MB."""
        if limit < 1:
            raise ValueError("a page holds at least one record")
        query: dict[str, Any] = {
            "ConsistentRead": True,
            "Limit": limit,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
        }
        if prefix:
            query["KeyConditionExpression"] += " AND begins_with(sk, :prefix)"
            query["ExpressionAttributeValues"][":prefix"] = {"S": prefix}
        if after and not after.startswith(prefix):
            if after.encode() > prefix.encode():
                return Page(())
        elif after:
            query["ExclusiveStartKey"] = key_item(Key(pk, after))
        answer = self._call("Query", query)
        records = tuple(record_of(item) for item in answer["Items"])
        last = answer.get("LastEvaluatedKey")
        return Page(records, last["sk"]["S"] if last else None)

    def due(self, before: int, limit: int = 100) -> Sequence[Key]:
        """Keys whose `due` is at or before that time, earliest first; each of the index's partitions is asked."""
        found = [entry for shard in shards() for entry in self._due_in(shard, before, limit)]
        return [key for _, key in sorted(found)[:limit]]

    def commit(self, *changes: Change, token: str | None = None) -> None:
        """All or nothing. Raises Conflict, TooBig, OutcomeUnknown; Retryable, ValueError and Final as `commit` says."""
        transaction.commit(self._send, self._table, self._clock, changes, token)

    def _due_in(self, shard: str, before: int, limit: int) -> Iterator[tuple[int, Key]]:
        query = {
            "IndexName": DUE_INDEX,
            "Limit": limit,
            "KeyConditionExpression": "#shard = :shard AND #due <= :before",
            "ExpressionAttributeNames": {"#shard": "shard", "#due": "due"},  # SHARD is a reserved word
            "ExpressionAttributeValues": {":shard": {"S": shard}, ":before": {"N": str(before)}},
        }
        for item in self._call("Query", query)["Items"]:
            yield int(item["due"]["N"]), Key(item["pk"]["S"], item["sk"]["S"])

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """A read; botocore has repeated it already."""
        try:
            return self._dispatch(operation, {"TableName": self._table, **request})
        except NoAnswer as error:
            raise Retryable(f"the table did not answer: {error}") from error
        except Rejected as error:
            raise _of_read(error) from error

    def _send(self, request: dict[str, Any]) -> object:
        return self._dispatch("TransactWriteItems", request)

    def _dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Raises Rejected, NoAnswer."""
        try:
            answer: dict[str, Any] = self._connection.dispatch(operation, request)
        except VerboseClientError as error:
            about = error.response.get("Error", {})
            raise Rejected(str(about.get("Code")), str(about.get("Message", "")), _reasons(error)) from error
        except BotoCoreError as error:
            raise NoAnswer(type(error).__name__) from error
        return answer


def _reasons(error: VerboseClientError) -> list[dict[str, Any]]:
    """Why a transaction was cancelled, one entry a change, as DynamoDB spells it."""
    return [
        {} if reason is None else {"Code": reason.code, "Item": reason.raw_item}
        for reason in error.cancellation_reasons
    ]


def _of_read(error: Rejected) -> PersevereError:
    if error.code in transaction.BUSY | transaction.UNCLEAR:
        return Retryable(f"the table is busy: {error.code}", after_s=2)
    return transaction.refusal("the table", error)
