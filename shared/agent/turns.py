"""One turn of a conversation with a model: plain dictionaries, so that any provider's adapter can read them.

    {role: user, text}                          a word of ours or of a person
    {role: assistant, text, calls, raw, purpose}  what the model said; calls [{id, tool, args | malformed}]
    {role: tool, results}                       results of all its calls, in their order: [{id, tool, status, text}]

Some keys are for readers that find their place by counting: `answers_before` on a user turn says how many answers were
left out before it, by purpose; `evidence` marks the turn that carries a report of proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.step import AskedCall

Turn = dict[str, Any]

NOTHING_SAID = "(an empty answer)"


def user(text: str, *, evidence: bool = False, answers_before: Mapping[str, int] | None = None) -> Turn:
    turn: Turn = {"role": "user", "text": text}
    if evidence:
        turn["evidence"] = True
    if answers_before:
        turn["answers_before"] = dict(sorted(answers_before.items()))
    return turn


def assistant(text: str, calls: Sequence[AskedCall], raw: dict[str, Any] | None, purpose: str) -> Turn:
    """An answer without text and calls is spelt out, because providers refuse an empty turn."""
    shown = text if text or calls else NOTHING_SAID
    return {
        "role": "assistant",
        "text": shown,
        "calls": [_call(call) for call in calls],
        "raw": raw or {},
        "purpose": purpose,
    }


def tool(results: Sequence[dict[str, str]]) -> Turn:
    return {"role": "tool", "results": list(results)}


def size(turn: Turn) -> int:
    """UTF-8 bytes of a turn: no tokenizer makes more tokens of it."""
    return len(json.dumps(turn, ensure_ascii=False).encode())


def _call(call: AskedCall) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": call.id, "tool": call.tool}
    if call.malformed is None:
        shown["args"] = call.args
    else:
        shown["malformed"] = call.malformed
    return shown
