"""What a commit repeats, what it reports, and what each refusal of the table is to the caller."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.aws.transaction import TRIES, NoAnswer, Rejected, commit
from shared.domain.record import ABSENT, Key, Put, Record
from shared.errors import Final, Retryable
from shared.ports import Conflict, OutcomeUnknown
from tests.contract.manual_clock import ManualClock

A, B = (Put(Record(Key("P", sk), "thing", {"n": 1}), ABSENT) for sk in "AB")
STORED = {
    "pk": {"S": "P"},
    "sk": {"S": "A"},
    "kind": {"S": "thing"},
    "v": {"N": "1"},
    "version": {"N": "3"},
    "body": {"S": '{"n":2}'},
}
NONE: dict[str, Any] = {"Code": "None"}
BUSY: dict[str, Any] = {"Code": "TransactionConflict"}
FAILED: dict[str, Any] = {"Code": "ConditionalCheckFailed", "Item": STORED}


def cancelled(*reasons: dict[str, Any]) -> Rejected:
    return Rejected("TransactionCanceledException", "cancelled", reasons)


class Table:
    """Answers each call with the next of these; None is success."""

    def __init__(self, *answers: Exception | None) -> None:
        self._answers: Iterator[Exception | None] = iter(answers)
        self.tokens: list[str] = []

    def __call__(self, request: dict[str, Any]) -> None:
        self.tokens.append(request["ClientRequestToken"])
        if (answer := next(self._answers)) is not None:
            raise answer


def test_a_conflict_between_transactions_is_waited_out_with_the_same_token() -> None:
    clock, table = ManualClock(), Table(cancelled(NONE, BUSY), Rejected("ThrottlingException", ""), None)
    begun = clock.ms
    commit(table, "t", clock, [A, B], "mine")
    assert len(table.tokens) == 3
    assert len(set(table.tokens)) == 1
    assert len(table.tokens[0]) <= 36
    assert clock.ms > begun, "it waited"


def test_a_table_that_stays_busy_is_retryable() -> None:
    with pytest.raises(Retryable):
        commit(Table(*[cancelled(BUSY)] * TRIES), "t", ManualClock(), [A], None)


def test_a_failed_expectation_beside_a_busy_item_is_a_conflict() -> None:
    with pytest.raises(Conflict) as raised:
        commit(Table(cancelled(BUSY, FAILED)), "t", ManualClock(), [B, A], None)
    ((index, current),) = raised.value.current
    assert (index, current.version if current else 0) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(NoAnswer("timeout"), OutcomeUnknown, id="no answer"),
        pytest.param(Rejected("InternalServerError", ""), OutcomeUnknown, id="500"),
        pytest.param(Rejected("IdempotentParameterMismatchException", ""), ValueError, id="another commit's token"),
        pytest.param(Rejected("AccessDeniedException", "no"), Final, id="no right"),
        pytest.param(Rejected("ResourceNotFoundException", "no"), Final, id="no table"),
    ],
)
def test_what_a_refusal_means(answer: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        commit(Table(answer), "t", ManualClock(), [A], "mine")
    if isinstance(raised.value, Final):
        assert raised.value.advice


def test_tokens_of_two_tables_differ() -> None:
    one, two = Table(None), Table(None)
    commit(one, "t1", ManualClock(), [A], "same")
    commit(two, "t2", ManualClock(), [A], "same")
    assert one.tokens != two.tokens
