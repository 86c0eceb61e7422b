"""The core: post the results of the last calls, get the next calls, run them; until somebody says that it is over.

The transcript is not here. The control plane folds what is posted, asks the model, and answers with calls; this loop is
the agent's hands. Whatever ends it unwinds as an `Ending`, or comes back as `Said`: the agent's last word.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from queue import Empty
from typing import Any

from runner_image.api import WrongStep
from runner_image.changeset import Recorder, TooBig
from runner_image.endings import GiveUp
from runner_image.git import GitFailed
from runner_image.job import Job
from runner_image.log import log
from runner_image.tools.box import run_call
from runner_image.tools.contract import Bench
from runner_image.tools.finish import FinishArgs
from shared.domain.protocol import (
    BODY_MAX_BYTES,
    CHECKPOINT_EVERY,
    CallResult,
    Checkpoint,
    Reply,
    StepResults,
)

RESYNCS_AT_MOST = 5
ROOM_FOR_TEXTS = BODY_MAX_BYTES * 3 // 4


@dataclass(frozen=True, slots=True)
class Said:
    """The agent called finish."""

    summary: str
    unmet: tuple[str, ...]


def work(job: Job, bench: Bench, recorder: Recorder) -> Said:
    """Steps from where the claim says until the agent calls finish. Raises Ending."""
    step = start = job.claimed.resume.step
    results: tuple[CallResult, ...] = ()
    resyncs = 0
    while True:
        job.check_time()
        job.progress.step, job.progress.doing = step, "asking"
        checkpoint = step > start and step % CHECKPOINT_EVERY == 0
        answer = ask(job, step, report(job, recorder, results, checkpoint=checkpoint))
        if isinstance(answer, WrongStep):
            resyncs += 1
            if resyncs > RESYNCS_AT_MOST:
                raise GiveUp("refused", f"step {step} is refused again and again; {answer.expected} is expected")
            # What was stored of the step before stays; what we hold belongs to another step.
            step, results = answer.expected, ()
            continue
        resyncs = 0
        if answer.over:
            raise GiveUp("model", answer.why or answer.text or "the model could not go on")
        done = run_calls(job, bench, answer)
        if isinstance(done, Said):
            return done
        step, results = step + 1, done


def run_calls(job: Job, bench: Bench, reply: Reply) -> tuple[CallResult, ...] | Said:
    """In order; what stands after finish is not run."""
    results = []
    for call in reply.calls:
        job.progress.doing = f"{call.tool} ({call.id})"
        done = run_call(bench, call)
        if isinstance(done, FinishArgs):
            return Said(done.summary[:20_000], tuple(done.unmet or ()))
        log("call.ran", step=reply.step, tool=call.tool, status=done.status, exit=done.exit, bytes=done.bytes)
        results.append(done)
    return tuple(results)


def report(job: Job, recorder: Recorder, results: tuple[CallResult, ...], *, checkpoint: bool) -> StepResults:
    """The results with the tree after them, and now and then the changeset that restores it."""
    tree, kept = None, None
    try:
        tree = recorder.tree()
        kept = save(job, recorder) if checkpoint else None
    except (TooBig, GitFailed) as error:
        log("tree.unknown", why=str(error))
    return StepResults(results=fit(results), tree=tree, checkpoint=kept, seconds=job.progress.seconds)


def save(job: Job, recorder: Recorder) -> Checkpoint:
    """Raises TooBig, Ending."""
    taken = recorder.take()
    return Checkpoint(tree=taken.changeset.tree, bundle=job.api.store(taken.blob, "changeset"))


def fit(results: tuple[CallResult, ...]) -> tuple[CallResult, ...]:
    """Cuts texts when many results together would be over what one request may hold."""
    if sum(len(each.model_dump_json()) for each in results) <= ROOM_FOR_TEXTS:
        return results
    share = ROOM_FOR_TEXTS // (6 * len(results))  # a character takes at most six bytes of JSON
    return tuple(each.model_copy(update={"text": cut(each.text, share)}) for each in results)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 3]}\n[... cut ...]\n{text[-(most * 2 // 3) :]}"


def ask(job: Job, step: int, results: StepResults) -> Reply | WrongStep:
    """Waits for the reply in a thread of its own, so that an order to leave is obeyed at once. Raises Ending."""
    with job.orders.inbox() as inbox:

        def fetch() -> None:
            answer: Any
            try:
                answer = job.api.step(step, results)
            except Exception as error:  # noqa: BLE001  # handed over to the thread that waits
                answer = error
            inbox.put(answer)

        threading.Thread(target=fetch, name=f"step-{step}", daemon=True).start()
        try:
            answer = inbox.get(timeout=max(job.seconds_left, 0.0))
        except Empty:
            job.check_time()
            raise
    job.orders.check()
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, Reply | WrongStep)
    return answer
