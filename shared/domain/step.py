"""One step of a job's conversation: asking, then the reply, then the results of its calls. Each written once."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shared.domain.protocol import CallResult, Checkpoint, Reply
from shared.domain.shape import Shape


class Said(Shape):
    """A word of a person to the agent at work, taken in before an ask. `by` is a login."""

    by: str
    text: str
    at: int


class Out(Shape):
    """A model that is done without, since a time (UTC ms). `cause`: as `ports.ModelBusy` and `ModelFailed` name it.

    `passing`: it may come back within minutes.
    """

    model: str
    cause: str
    since: int
    passing: bool = False


class Asking(Shape):
    """A request that is under way. `until` (UTC ms) is moved while bytes stream; past it, the asker is dead.

    `messages` and `note` were taken in for this ask and belong to the transcript for ever, whoever asks again.
    `hold` is the reservation in the ledger, empty when nothing is held (the provider was busy). `launch` is the
    runner's, `lost` counts answers that a crash took, `folded` says how many of the last steps were kept when the
    history before them was folded for this ask (None: it was not), `shortened` how often the model found it too long.

    `busy_since` (UTC ms; 0: it is not) and `busy_tries` tell of a provider that puts us off, `busy` why; `outs` are the
    models that are done without, `told_at` is when people were told of any of that.
    """

    asker: str
    until: int
    hold: str
    attempt: int = 1
    model: str = ""
    messages: tuple[Said, ...] = ()
    note: str = ""
    wrap_up: bool = False
    launch: int = 1
    lost: int = 0
    folded: int | None = None
    shortened: int = 0
    busy: str = ""
    busy_since: int = 0
    busy_tries: int = 0
    outs: tuple[Out, ...] = ()
    told_at: int = 0


class AskedCall(Shape):
    """A call as the model made it. `error` says why it was given back to the model and not to the runner; a call
    without error is in the reply under `name`. `malformed` holds text that was no JSON object.
    """

    id: str
    name: str
    tool: str
    args: dict[str, Any] = Field(default_factory=dict)
    malformed: str | None = None
    error: str = ""


class Billed(Shape):
    """Tokens and nano-dollars of the answer that was stored."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    nano: int = 0


class StepState(Shape):
    """The body of a STEP record. `raw` is the provider's own turn, verbatim, and `stop` why it ended (`ports.Answer`).

    `calls` are all calls of that turn, those that never reached the runner among them. `ran_on` is the launch whose
    runner brought the results; 0: none of them ran, as far as is known.
    """

    step: int
    asking: Asking | None = None
    reply: Reply | None = None
    calls: tuple[AskedCall, ...] = ()
    stop: str = ""
    raw: dict[str, Any] | None = None
    billed: Billed = Billed()
    results: tuple[CallResult, ...] | None = None
    tree: str | None = None
    checkpoint: Checkpoint | None = None
    ran_on: int = 0
    changed: bool = False  # the results' tree differs from the step before

    @property
    def answered(self) -> bool:
        """Whether a model said something; a reply of ours (nobody could be asked, it is over) has no turn behind it."""
        return self.reply is not None and self.raw is not None
