"""How the keys of every kind are spelt, once. Standard library only: the webhook door uses it."""

from __future__ import annotations

import hashlib

from shared.domain.record import Key

SEEN_DAYS = 35  # deliveries, command identities and handled inbounds are kept so long
ASK_LEDGER = "LEDGER#ASK"
STATE = "STATE"
LEASE = "LEASE"
WAITING = "WAITING#ALL"


def issue_pk(repository_id: int, number: int) -> str:
    """The partition of an issue (or of a pull request that no job of ours made)."""
    return f"ISSUE#{repository_id}#{number}"


def issue_of(pk: str) -> tuple[int, int]:
    """(repository id, number) of an issue's partition. Raises ValueError for another kind of partition."""
    kind, repository_id, number = pk.split("#")
    if kind != "ISSUE":
        raise ValueError(f"not an issue partition: {pk}")
    return int(repository_id), int(number)


def job_pk(job: str) -> str:
    return f"JOB#{job}"


def issue_state(pk: str) -> Key:
    return Key(pk, STATE)


def job_state(job: str) -> Key:
    return Key(job_pk(job), STATE)


def job_lease(job: str) -> Key:
    return Key(job_pk(job), LEASE)


def spec(pk: str, version: int) -> Key:
    return Key(pk, f"SPEC#{version:04d}")


def message(pk: str, at: int, ulid: str) -> Key:
    return Key(pk, f"MESSAGE#{at:013d}#{ulid}")


def inbound(pk: str, at: int, ulid: str) -> Key:
    return Key(pk, f"INBOUND#{at:013d}#{ulid}")


def handled(inbound_key: Key) -> Key:
    return Key(inbound_key.pk, inbound_key.sk.replace("INBOUND#", "HANDLED#", 1))


def once_effect(pk: str, effect: str) -> Key:
    return Key(pk, f"EFFECT#{effect}")


def level_effect(pk: str, effect: str) -> Key:
    return Key(pk, f"EFFECT#L#{effect}")


def ledger(pk: str, approval: int) -> Key:
    return Key(pk, f"LEDGER#{approval:04d}")


def ask_ledger(pk: str) -> Key:
    return Key(pk, ASK_LEDGER)


def plan(pk: str, effect: str) -> Key:
    return Key(pk, f"PLAN#{effect}")


def plan_call(pk: str, effect: str, number: int) -> Key:
    """One question of the planner to a model."""
    return Key(pk, f"PLAN#{effect}#{number:04d}")


def step(job: str, number: int) -> Key:
    return Key(job_pk(job), f"STEP#{number:06d}")


def evidence(job: str, criterion: str, side: str) -> Key:
    return Key(job_pk(job), f"EVIDENCE#{criterion}#{side}")


def event(job: str, at: int, writer: str, number: int) -> Key:
    return Key(job_pk(job), f"EVENT#{at:013d}#{writer}#{number:04d}")


def inbox(job: str, ulid: str) -> Key:
    return Key(job_pk(job), f"INBOX#{ulid}")


def pull_link(repository_id: int, number: int) -> Key:
    return Key(f"PULL#{repository_id}#{number}", "-")


def task_link(started_by: str) -> Key:
    return Key(f"TASK#{started_by}", "-")


def delivery(guid: str) -> Key:
    return Key(f"DELIVERY#{guid}", "-")


def command_identity(kind: str, comment_id: int, body: str, edited_at: str | None = None) -> Key:
    """The identity of one deed of a person. `kind`: ic (issue comment), rc (review comment), rv (review), is (issue).

    The signature covers the body only, so the delivery's GUID proves nothing; the comment and its text do.
    """
    digest = hashlib.sha256(body.encode()).hexdigest()
    middle = f"{edited_at}#" if edited_at else ""
    return Key(f"COMMAND#{kind}:{comment_id}#{middle}{digest}", "-")


def comment_taken(kind: str, comment_id: int) -> Key:
    """That a new comment was taken in, by whichever way it was heard of, and whatever its text is by now."""
    return Key(f"COMMENT#{kind}:{comment_id}", "-")


def turned(pk: str, action: str, at: str) -> Key:
    """That an issue or a pull request was closed or reopened at a moment (ISO 8601, whole seconds)."""
    return Key(f"TURNED#{pk}#{action}#{at}", "-")


def waiting(name: str) -> Key:
    """Work that waits for money under a ceiling."""
    return Key(WAITING, f"JOB#{name}")


def active(installation_id: int, job: str) -> Key:
    return Key(f"ACTIVE#{installation_id}", f"JOB#{job}")


def history(repository_id: int, started: int, job: str) -> Key:
    return Key(f"REPO#{repository_id}", f"JOB#{started:013d}#{job}")


def bucket(installation_id: int) -> Key:
    """Pacing of GitHub writes: one item an installation holds `next_at`."""
    return Key(f"RATE#{installation_id}", "GITHUB")


def cursor(name: str) -> Key:
    """Where a sweep stopped last (failed deliveries, comments)."""
    return Key(f"CURSOR#{name}", "-")


def usage_pk(day: str, scope: str) -> str:
    """Money that counts against a ceiling: one item a job, `JOB#<job>`, summed by query. `day` is YYYY-MM-DD or YYYY-MM
    (UTC), `scope` ALL, an installation or a repository.
    """
    return f"USAGE#{scope}#{day}"


def gate(scope: str) -> Key:
    """Written by everything that takes a place or sets money aside in an installation (or ALL), one after the other."""
    return Key(f"GATE#{scope}", "-")
