"""Start a runner for one launch of a job. The client token makes a second start the same one."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done
from shared.domain import keys
from shared.domain.record import ANY, Put, Record
from shared.domain.tickets import make_ticket


def perform(attempt: Attempt) -> Outcome:
    """data: {job, launch}. No machine to be had is no failure: it stays open."""
    out, job, launch = attempt.outside, str(attempt.data["job"]), int(attempt.data["launch"])
    # The same ticket at every attempt: a start that is repeated with other words is refused, not recognised.
    ticket = make_ticket(out.ticket_keys, job, launch, attempt.since)
    task = out.tasks.start(f"{job}-{launch}", job, ticket)
    link = Put(
        Record(keys.task_link(job), "link", {"pk": attempt.pk, "job": job, "task": task.id, "launch": launch}), ANY
    )
    return done({"task": task.id, "started_by": task.started_by, "job": job, "launch": launch}, link)
