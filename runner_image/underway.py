"""The calls of the answer at hand: what came of each, and the workspace as it was before the one that runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from runner_image.changeset import Mark, Recorder, TooBig
from runner_image.git import GitFailed
from runner_image.log import log
from shared.domain.protocol import Call, CallResult

HARMLESS = frozenset({"view", "finish"})  # change nothing: whoever comes next may run them again
ALONE = frozenset({"edit", "write"})  # whole or not at all: an order that ends one has come before it wrote


@dataclass
class UnderWay:
    """`step` None: no answer has come yet. `running` is the call that was begun and has not ended."""

    recorder: Recorder
    step: int | None = None
    calls: Sequence[Call] = ()
    results: list[CallResult] = field(default_factory=list)
    running: Call | None = None
    before: Mark | None = None

    def begin(self, step: int, calls: Sequence[Call]) -> None:
        """A new answer; the results of the last one are stored."""
        self.step, self.calls, self.results, self.running = step, calls, [], None
        self._mark()

    def start(self, call: Call) -> None:
        """Before a call runs. What an earlier call of the same answer did is marked, so that it is not undone with this."""
        changed = any(done.tool not in HARMLESS for done in self.calls[: len(self.results)])
        if changed and call.tool not in HARMLESS | ALONE:
            self._mark()
        self.running = call

    def end(self, result: CallResult) -> None:
        self.results.append(result)
        self.running = None

    def undo(self) -> None:
        """The call that was cut short leaves nothing behind, as far as git sees. What ended before it stays."""
        if self.running is None or self.before is None or self.running.tool in ALONE:
            return
        try:
            self.recorder.put_back(self.before)
            log("call.undone", tool=self.running.tool)
        except (TooBig, GitFailed, OSError) as error:
            self.before = None
            log("call.not_undone", tool=self.running.tool, why=str(error)[:300])

    @property
    def is_known(self) -> bool:
        """Whether the workspace is what the results say: nothing ran half, or it was undone."""
        return self.running is None or self.running.tool in ALONE or self.before is not None

    @property
    def is_harmless(self) -> bool:
        """Whether the next runner may be given the same answer: nothing of it changes anything."""
        return self.step is not None and all(call.tool in HARMLESS for call in self.calls)

    def all_results(self, how: Literal["cut", "lost", "not_begun"]) -> tuple[CallResult, ...]:
        """One for each call: those that ended, the one that did not (`how`), those that were not begun."""
        found = list(self.results)
        if self.running is not None:
            found.append(CallResult(call=self.running.id, status="interrupted", data={"how": how}))
        later = self.calls[len(found) :]
        found += [CallResult(call=call.id, status="interrupted", data={"how": "not_begun"}) for call in later]
        return tuple(found)

    def _mark(self) -> None:
        try:
            self.before = self.recorder.mark()
        except (TooBig, GitFailed) as error:
            self.before = None
            log("tree.unknown", why=str(error)[:300])
