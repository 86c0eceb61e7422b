"""The core: post the results of the last calls, get the next calls, run them; until somebody says that it is over.

The transcript is not here. The control plane folds what is posted, asks the model, and answers with calls; this loop is
the agent's hands. The work is kept before each step is posted. Whatever ends the loop unwinds as an `Ending`, or comes
back as `Said`: the agent's last word.
"""

from __future__ import annotations

from dataclasses import dataclass

from runner_image.api import WrongStep
from runner_image.changeset import TooBig
from runner_image.checkpoint import Keeper, Wait
from runner_image.endings import GiveUp
from runner_image.git import GitFailed
from runner_image.job import Job
from runner_image.log import log
from runner_image.tools.box import run_call
from runner_image.tools.contract import Bench
from runner_image.tools.finish import FinishArgs
from runner_image.underway import HARMLESS, UnderWay
from runner_image.waiting import wait_for
from shared.domain.protocol import BODY_MAX_BYTES, CallResult, Reply, StepResults

RESYNCS_AT_MOST = 5
ROOM_FOR_TEXTS = BODY_MAX_BYTES * 3 // 4


@dataclass(frozen=True, slots=True)
class Said:
    """The agent called finish."""

    summary: str
    unmet: tuple[str, ...]


def work(job: Job, bench: Bench, keeper: Keeper, underway: UnderWay) -> Said:
    """Steps from where the claim says until the agent calls finish. Raises Ending."""
    step = job.claimed.resume.step
    results: tuple[CallResult, ...] = ()
    resyncs = 0
    while True:
        job.check_time()
        job.progress.step, job.progress.doing = step, "asking"
        answer = ask(job, step, report(job, keeper, results))
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
        if any(call.tool not in HARMLESS for call in answer.calls):
            begin(job, step)
        underway.begin(step, answer.calls)
        said = run_calls(job, bench, underway, answer)
        if said is not None:
            return said
        step, results = step + 1, tuple(underway.results)


def run_calls(job: Job, bench: Bench, underway: UnderWay, reply: Reply) -> Said | None:
    """In order; what stands after finish is not run. None: the agent goes on."""
    for call in reply.calls:
        job.progress.doing = f"{call.tool} ({call.id})"
        underway.start(call)
        done = run_call(bench, call)
        if isinstance(done, FinishArgs):
            underway.end(CallResult(call=call.id, status="ok"))
            return Said(done.summary[:20_000], tuple(done.unmet or ()))
        underway.end(done)
        log("call.ran", step=reply.step, tool=call.tool, status=done.status, exit=done.exit, bytes=done.bytes)
    return None


def report(job: Job, keeper: Keeper, results: tuple[CallResult, ...], wait: Wait | None = None) -> StepResults:
    """The results with the work after them, stored before they are. What cannot be kept is said and ends nothing."""
    kept, unkept = None, ""
    try:
        kept, unkept = keeper.keep(wait)
    except (TooBig, GitFailed) as error:
        unkept = str(error)
        log("work.not_kept", why=unkept[:300])
    return StepResults(
        results=fit(results),
        tree=kept.tree if kept else None,
        checkpoint=kept,
        unkept=unkept[:500],
        seconds=job.progress.seconds,
    )


def fit(results: tuple[CallResult, ...]) -> tuple[CallResult, ...]:
    """Cuts texts when many results together would be over what one request may hold."""
    if sum(len(each.model_dump_json()) for each in results) <= ROOM_FOR_TEXTS:
        return results
    share = ROOM_FOR_TEXTS // (6 * len(results))  # a character takes at most six bytes of JSON
    return tuple(each.model_copy(update={"text": cut(each.text, share)}) for each in results)


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 3]}\n[... cut ...]\n{text[-(most * 2 // 3) :]}"


def begin(job: Job, step: int) -> None:
    """Raises Ending, also when another runner has the job and may run these calls."""
    wait_for(job, f"begin-{step}", lambda: job.api.begin(step))


def ask(job: Job, step: int, results: StepResults) -> Reply | WrongStep:
    """Waits for the reply, minutes if need be. Raises Ending."""
    answer: Reply | WrongStep = wait_for(job, f"step-{step}", lambda: job.api.step(step, results, job.progress.idled))
    return answer
