"""A recorded conversation made ready for one provider: what can be replayed as it was, and the rest from text and calls.

Turns come from any provider, any model, any step (`shared/agent/turns.py`). What comes out always alternates, begins and
ends with what the model hears, and has exactly one result for every call, in the order of the calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.agent.data import clean, clean_all
from shared.agent.turns import NOTHING_SAID

GO_ON = "Go on."
NO_OUTPUT = "(no output)"
NO_RESULT = "(nothing is known of this call's result)"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Result:
    """Of one call. `ok` is False where it failed or was cut short."""

    id: str
    tool: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """Results of the calls just before, then words. Never empty."""

    results: tuple[Result, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SaidCall:
    id: str
    tool: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. `own` is the turn as this provider's model gave it, where it can be replayed; `after` what stood before.

    Without `own` the answer is told by `text` (not blank, unless there are calls) and `calls`.
    """

    text: str
    calls: tuple[SaidCall, ...]
    own: Any = None
    after: str = ""


Exchange = Heard | Said


def recorded(provider: str, model: str, stop: str, turn: Any, after: str = "") -> dict[str, Any]:
    """What is kept as an answer's `raw`. `after` names what stood before it, where replay depends on that."""
    kept = {"provider": provider, "model": model, "stop": stop, "turn": clean_all(turn)}
    return kept | {"after": after} if after else kept


def exchanges(
    turns: Iterable[Mapping[str, Any]], provider: str, model: str, *, unique: bool = True
) -> tuple[Exchange, ...]:
    """`unique`: ids of calls must differ in the whole conversation (else only within one answer)."""
    return _Reader(provider, model, unique).read(turns)


class _Reader:
    def __init__(self, provider: str, model: str, unique: bool) -> None:
        self._provider, self._model, self._unique = provider, model, unique
        self._done: list[Exchange] = []
        self._results: list[Result] = []
        self._texts: list[str] = []
        self._open: tuple[tuple[str, SaidCall], ...] = ()  # calls without result, with their ids as recorded
        self._used: set[str] = set()

    def read(self, turns: Iterable[Mapping[str, Any]]) -> tuple[Exchange, ...]:
        for turn in turns:
            match turn["role"]:
                case "assistant":
                    self._close()
                    self._say(turn)
                case "tool":
                    self._answer(turn["results"])
                case _:
                    self._texts.append(clean(str(turn["text"])))
        self._close()
        return tuple(self._done)

    def _close(self) -> None:
        """End what the model hears here, so that it is whole and not empty."""
        self._results += [Result(call.id, call.tool, False, NO_RESULT) for _, call in self._open]
        self._open = ()
        texts = tuple(text for text in self._texts if text.strip())
        if not self._results and not texts:
            texts = (GO_ON,)
        self._done.append(Heard(tuple(self._results), texts))
        self._results, self._texts = [], []

    def _answer(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Results belong to the open calls by their order; one that is left over is told as text."""
        for result in results:
            text = clean(str(result.get("text", ""))) or NO_OUTPUT
            if self._open and self._open[0][0] == result.get("id", self._open[0][0]):
                call = self._open[0][1]
                self._open = self._open[1:]
                self._results.append(Result(call.id, call.tool, result.get("status") == "ok", text))
            else:
                self._texts.append(text)

    def _say(self, turn: Mapping[str, Any]) -> None:
        calls = turn.get("calls") or ()
        raw = turn.get("raw") or {}
        ids = [str(call["id"]) for call in calls]
        own = raw.get("turn") if self._is_own(raw, calls, ids) else None
        said = tuple(
            SaidCall(
                id=ids[place] if own is not None else self._new_id(place),
                tool=str(call["tool"]) if own is not None else _name(str(call["tool"])),
                args=_args(call),
            )
            for place, call in enumerate(calls)
        )
        self._used |= {call.id for call in said}
        text = clean(str(turn.get("text") or ""))
        if not text.strip():
            text = "" if said else NOTHING_SAID
        self._done.append(Said(text, said, own, str(raw.get("after") or "")))
        self._open = tuple(zip(ids, said, strict=True))

    def _is_own(self, raw: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], ids: list[str]) -> bool:
        """Whether it can be sent as it came: from this very model, whole, and with names and ids that are taken."""
        here = raw.get("provider") == self._provider and raw.get("model") == self._model
        if not here or not raw.get("turn") or raw.get("stop") not in {"end", "tools"}:
            return False
        whole = all("malformed" not in call and _NAME.fullmatch(str(call["tool"])) for call in calls)
        if not self._unique:
            return whole
        valid = all(_ID.fullmatch(each) for each in ids) and len(set(ids)) == len(ids)
        return whole and valid and not self._used.intersection(ids)

    def _new_id(self, place: int) -> str:
        made = f"call_{sum(isinstance(each, Said) for each in self._done)}_{place}"
        while made in self._used:
            made += "x"
        return made


def _name(tool: str) -> str:
    """A name that every provider takes, as near to it as can be."""
    made = re.sub(r"[^A-Za-z0-9_-]", "_", tool)[:64]
    return made if _NAME.fullmatch(made) else f"_{made}"[:64]


def _args(call: Mapping[str, Any]) -> Mapping[str, Any]:
    if "malformed" in call:
        return {"malformed": clean(str(call["malformed"]))}
    args: Mapping[str, Any] = clean_all(dict(call.get("args") or {}))
    return args
