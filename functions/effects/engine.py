"""The effect protocol: claim, look where an earlier attempt may have landed, perform, and one transaction for the end.

A claim lasts longer than any invocation may live, and whoever takes over after it looks first; so whatever is killed,
cut off or repeated, an effect happens once. What is certain not to have happened is tried again sooner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from aws_lambda_powertools import Logger

from functions.effects.attempt import Attempt, Outside
from functions.effects.outcome import Lost, Outcome, of_refusal, of_token, refused
from functions.load import IssueMissing
from shared.domain.effects import MAX_ATTEMPTS, PRIORITY, Effect
from shared.domain.record import Key, Record
from shared.errors import Final, Retryable
from shared.github.answers import RateLimited, Refusal
from shared.github.pacing import Patience
from shared.ports import Conflict, NoCapacity, OutcomeUnknown, TokenRefused, read_all
from shared.spill import unpack

DRAIN_S = 40.0  # no effect is begun later in an invocation
WAIT_S = 35.0  # all waiting of an invocation together
LAST_WRITE_S = 50.0  # a write that begins later could outlive the claim
NO_CAPACITY_S = 30.0
# Found again by a list that lags only, so a late landing must have settled before anybody looks. The others are found
# by a name that GitHub itself keeps unique, or do the same thing when repeated.
SETTLES = frozenset({"comment", "spec_comment", "status", "checks"})
BACKOFF_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0)

Perform = Callable[[Attempt], Outcome]
logger = Logger(service="effects", child=True)


class Engine:
    """Performs the open effects of issues during one invocation."""

    def __init__(self, outside: Outside, performers: Mapping[str, Perform]) -> None:
        self._out = outside
        self._performers = performers
        self._began = outside.clock.now()
        self._patience = outside.githubs.patience(WAIT_S, self._began + round(LAST_WRITE_S * 1000))

    @property
    def patience(self) -> Patience:
        return self._patience

    def drain(self, pks: Iterable[str]) -> int:
        """Perform what is open and due of these issues, most urgent first; returns how many attempts were made."""
        made = 0
        for pk in dict.fromkeys(pks):
            try:
                made += self._drain_one(pk)
            except (Retryable, OutcomeUnknown) as error:  # the table is away; the watchdog rings again
                logger.warning("effects.not_drained", extra={"pk": pk, "error": type(error).__name__})
            except Exception as error:  # one issue's trouble must not stop the others
                logger.exception("effects.drain_failed", extra={"pk": pk, "error": type(error).__name__})
        return made

    def _drain_one(self, pk: str) -> int:
        tried: set[tuple[Key, int]] = set()
        while self._out.clock.now() - self._began < DRAIN_S * 1000:
            record = self._next(pk, tried)
            if record is None:
                break
            effect = Effect.model_validate(unpack(record, self._out.blobs).body)
            tried.add((record.key, effect.wanted))
            self._attempt(record, effect)
        return len(tried)

    def _next(self, pk: str, tried: set[tuple[Key, int]]) -> Record | None:
        """The most urgent effect that is open, due, unclaimed, and that this invocation has not tried yet."""
        now = self._out.clock.now()
        found: list[tuple[int, str, Record]] = []
        for record in read_all(self._out.store, pk, "EFFECT#"):
            if record.kind != "effect" or record.due is None or record.due > now:
                continue
            claimed = record.body.get("claimed_until")
            if (record.key, record.body.get("wanted", 0)) in tried or (claimed is not None and claimed > now):
                continue
            found.append((PRIORITY.get(str(record.body.get("kind")), 9), str(record.body.get("cause", "")), record))
        return min(found, key=lambda each: (each[0], each[1], each[2].key.sk))[2] if found else None

    def _attempt(self, record: Record, effect: Effect) -> None:
        attempt = Attempt(self._out, record, effect, self._patience)
        extra = {"pk": record.key.pk, "effect": effect.id, "kind": effect.kind, "slot": effect.slot}
        if not effect.open:
            return
        try:
            attempt.claim()
        except (Conflict, Lost):
            return  # somebody was quicker
        except (OutcomeUnknown, Retryable) as error:
            logger.warning("effect.not_claimed", extra=extra | {"error": type(error).__name__})
            return
        try:
            self._finish(attempt, extra)
        except Lost:
            logger.warning("effect.lost", extra=extra)
        except (OutcomeUnknown, Retryable) as error:
            # What happened outside is not recorded; the claim runs out, and who comes next looks for it.
            logger.warning("effect.not_recorded", extra=extra | {"error": type(error).__name__})

    def _finish(self, attempt: Attempt, extra: dict[str, str]) -> None:
        outcome = self._perform(attempt, extra)
        if outcome is None:
            return
        attempt.finish(outcome)
        told = {"state": outcome.state, "error": outcome.error, "again": str(attempt.again)}
        logger.info("effect.ended", extra=extra | told)

    def _perform(self, attempt: Attempt, extra: dict[str, str]) -> Outcome | None:
        """The outcome, or None when the effect stays open."""
        perform = self._performers.get(attempt.effect.kind)
        if perform is None:
            return refused("final", words=f"this version has no effect of kind {attempt.effect.kind}")
        try:
            return perform(attempt)
        except Lost:
            raise
        except RateLimited as limit:
            self._later(attempt, limit.after_s, "paced", counts=False)
            return None
        except NoCapacity as trouble:
            self._later(attempt, NO_CAPACITY_S, str(trouble)[:200], counts=False)
            return None
        except TokenRefused as error:
            return of_token(error)
        except Refusal as refusal:
            return of_refusal(refusal)
        except (Retryable, OutcomeUnknown, Conflict) as trouble:
            return self._failed(attempt, Outcome("gave_up", {"words": str(trouble)[:300]}, "trouble"))
        except IssueMissing as error:
            return self._fault(attempt, error, extra)
        except Final as error:
            return refused("final", words=str(error)[:300], advice=error.advice)
        except Exception as error:  # noqa: BLE001 - a mistake of ours: said with a number, tried again, given up at last
            return self._fault(attempt, error, extra)

    def _fault(self, attempt: Attempt, error: Exception, extra: dict[str, str]) -> Outcome | None:
        number = self._out.ids.ulid(self._out.clock.now())[-10:]
        logger.error("effect.fault", exc_info=error, extra=extra | {"fault": number, "error": type(error).__name__})
        words = f"a fault in Persevere itself ({type(error).__name__})"
        return self._failed(attempt, Outcome("gave_up", {"words": words, "fault": number}, "fault"))

    def _failed(self, attempt: Attempt, last: Outcome) -> Outcome | None:
        """Give up after the last attempt. Else: what is in doubt keeps its claim, the rest is tried again soon."""
        made = attempt.effect.attempts
        if made > MAX_ATTEMPTS or (made == MAX_ATTEMPTS and not attempt.in_doubt):
            return last
        wait = BACKOFF_S[min(made, len(BACKOFF_S)) - 1]
        self._later(attempt, wait, str(last.remote.get("words", ""))[:200], counts=True)
        return None

    def _later(self, attempt: Attempt, after_s: float, error: str, *, counts: bool) -> None:
        if attempt.in_doubt and attempt.effect.kind in SETTLES:
            return  # the claim holds until nothing can be on its way any more
        due = self._out.clock.now() + round(after_s * 1000)
        attempt.release(due, error, counts=counts, again=attempt.in_doubt)
