"""A job's conversation so far, folded from its stored steps. A warm process goes on from where it was.

What is cached never changes: steps before the current one are closed. A cold process reads all of it again and comes
to the same bytes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from functions.job_api.contract import read_spec
from functions.job_api.session import Session
from functions.world import World
from shared.agent.fold import begin, close_step, join, open_step
from shared.agent.state import State
from shared.domain import keys
from shared.domain.job import JobState
from shared.domain.step import StepState
from shared.errors import Final
from shared.ports import Store, read_all
from shared.spill import unpack

CACHED_JOBS = 16
CHAIN_MAX = 50  # jobs that continue each other


@dataclass(frozen=True, slots=True)
class Conversation:
    """`state` before step `step` is opened; `tree` is the workspace's as of the last results."""

    step: int
    state: State
    tree: str | None

    def after(self, closed: StepState) -> Conversation:
        """With one more step that has its answer and its results."""
        state = close_step(open_step(self.state, closed.asking), closed)
        return Conversation(closed.step + 1, state, closed.tree or self.tree)


_cache: OrderedDict[tuple[int, str], tuple[Store, Conversation]] = OrderedDict()
_lock = threading.Lock()


def recall(session: Session, step: int) -> Conversation | None:
    """The cached conversation of this job before that step or the one before it."""
    with _lock:
        found = _cache.get((id(session.here.store), session.job.id))
    if found is None or found[0] is not session.here.store or found[1].step not in (step, step - 1):
        return None
    return found[1]


def remember(session: Session, conversation: Conversation) -> None:
    """Keep it for the next step. Only what is committed may be remembered."""
    key = (id(session.here.store), session.job.id)
    with _lock:
        _cache[key] = (session.here.store, conversation)
        _cache.move_to_end(key)
        while len(_cache) > CACHED_JOBS:
            _cache.popitem(last=False)


def forget() -> None:
    """Drop what is cached: the next step is as in a process that knows nothing."""
    with _lock:
        _cache.clear()


def read_conversation(here: World, job: JobState, before: int) -> Conversation:
    """From the table: everything before that step, and the jobs that this one continues. Raises Final."""
    chain = [job]
    while (earlier := chain[-1].continues) is not None:
        record = here.store.get(keys.job_state(earlier))
        if record is None or len(chain) > CHAIN_MAX:
            raise Final(f"job {job.id} continues {earlier}, which is not in the table")
        chain.append(JobState.model_validate(unpack(record, here.blobs).body))
    conversation: Conversation | None = None
    for each in reversed(chain):
        spec = read_spec(here, each)
        if spec is None:
            raise Final(f"job {each.id} has no spec")
        state = begin(each, spec) if conversation is None else join(conversation.state, each, spec)
        conversation = Conversation(0, state, None)
        for step in _steps(here, each, before if each is job else None):
            conversation = conversation.after(step)
    assert conversation is not None
    return conversation


def _steps(here: World, job: JobState, before: int | None) -> list[StepState]:
    found = []
    for record in read_all(here.store, keys.job_pk(job.id), "STEP#"):
        state = StepState.model_validate(unpack(record, here.blobs).body)
        if state.reply is None or (before is not None and state.step >= before):
            break
        found.append(state)
    return found
