"""Any server that speaks OpenAI's Chat Completions: models on this machine (llama.cpp, vLLM, Ollama) or behind a gateway.

What such an answer has beside text and calls (a signature in `extra_content`, say) goes back as it came; reasoning does
not, since most of these servers refuse or double it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from shared.agent.data import clean
from shared.llm.access import Access
from shared.llm.conversation import Said, exchanges, recorded
from shared.llm.counting import MISSING, count, has_count, read_call
from shared.llm.events import Broken
from shared.llm.http import Place, speak
from shared.llm.provider_errors import ENDED, Trouble, trouble_of
from shared.llm.schema import translated
from shared.ports import Answer, Request, Usage

_LEFT_OUT = frozenset(
    {"reasoning", "reasoning_content", "reasoning_details", "refusal", "role", "content", "tool_calls"}
)
_STOPS = {"stop": "end", "tool_calls": "tools", "function_call": "tools", "content_filter": "refused"}


class CompatibleModel:
    def __init__(self, model: str, access: Access) -> None:
        self._model = model
        url = f"{(access.base_url or '').rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {access.key}"} if access.key else {}
        self._place = Place(f"compatible:{model}", url, headers, access)

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        body = render(request, self._model)
        return speak(self._place, body, deadline_s, alive, lambda stream, _: read(stream, self._model))


def render(request: Request, model: str) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": clean(request.system)}]
    for each in exchanges(request.turns, "compatible", model):
        if isinstance(each, Said):
            messages.append(_said(each))
            continue
        messages += [{"role": "tool", "tool_call_id": one.id, "content": one.text} for one in each.results]
        if each.texts:
            messages.append({"role": "user", "content": "\n\n".join(each.texts)})
    body: dict[str, Any] = {
        "model": model,
        "messages": messages,
        "max_tokens": request.max_output,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.tools:
        body["tools"] = [{"type": "function", "function": dict(tool)} for tool in request.tools]
    if request.schema is not None:
        schema = translated(request.schema, "openai")
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    return body


def _said(said: Said) -> dict[str, Any]:
    if said.own is not None:
        return dict(said.own)
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    if said.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.tool, "arguments": json.dumps(call.args, ensure_ascii=False)},
            }
            for call in said.calls
        ]
    return message


def read(stream: Iterable[Mapping[str, Any]], model: str) -> Answer:
    """The answer of a stream. Raises Broken where it ends early or tells of a failure."""
    texts: list[str] = []
    refusals: list[str] = []
    beside: dict[str, Any] = {}
    called = _Calls()
    finish, bill = "", None
    for event in stream:
        if event.get("error"):
            trouble = trouble_of(_status(event["error"]), {}, event)
            raise Broken(replace(trouble, begun=bool("".join(texts) or called.begun)))
        bill = event.get("usage") or bill
        for choice in (event.get("choices") or ())[:1]:
            finish = choice.get("finish_reason") or finish
            delta = choice.get("delta") or choice.get("message") or {}
            texts.append(delta.get("content") or "")
            refusals.append(delta.get("refusal") or "")
            beside |= {name: value for name, value in delta.items() if name not in _LEFT_OUT and value is not None}
            for piece in delta.get("tool_calls") or ():
                called.add(piece)
    if not finish:
        raise Broken(Trouble(0, ENDED, begun=True))
    turn: dict[str, Any] = {"role": "assistant", "content": "".join(texts) or None} | beside
    calls = []
    for place, piece in enumerate(called.begun):
        call = read_call(piece.get("id"), piece["function"].get("name"), piece["function"]["arguments"], place)
        piece["id"] = call.id
        piece["function"]["arguments"] = piece["function"]["arguments"] or "{}"
        turn.setdefault("tool_calls", []).append(piece)
        calls.append(call)
    text = clean("".join(texts) or "".join(refusals))
    stop = "refused" if any(refusals) else _STOPS.get(finish, "cut")
    if stop in {"end", "tools"}:
        stop = "tools" if calls else "end"
    kept = turn if calls or text.strip() else None
    return Answer(text, tuple(calls), usage_of(bill), stop, recorded("compatible", model, stop, kept))


class _Calls:
    """The calls of an answer, put together from their pieces, in the order in which they began."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self._newest: dict[int, dict[str, Any]] = {}  # of an index

    def add(self, piece: Mapping[str, Any]) -> None:
        """A piece without index begins a call when it has an id, else it belongs to the last one. Some servers number
        every call 0 (Gemini's parts come one an event, say): a piece with another id is another call.
        """
        index, name = piece.get("index"), piece.get("id")
        if isinstance(index, int):
            known = self._newest.get(index)
            known = None if known is not None and name and known.get("id") not in {None, name} else known
        else:
            index, known = -1, self.begun[-1] if self.begun and not name else None
        if known is None:
            known = {"type": "function", "function": {"arguments": ""}}
            self.begun.append(known)
            self._newest[index] = known
        known |= {name: value for name, value in piece.items() if name not in {"index", "function"} and value}
        inner, function = known["function"], piece.get("function") or {}
        inner["name"] = inner.get("name") or function.get("name")
        inner["arguments"] += function.get("arguments") or ""


def _status(error: Any) -> int:
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


def usage_of(bill: Any) -> Usage:
    if not has_count(bill, "prompt_tokens") or not has_count(bill, "completion_tokens"):
        return MISSING
    return Usage(
        input=count(bill, "prompt_tokens"),
        cached=count(bill, "prompt_tokens_details", "cached_tokens"),
        output=count(bill, "completion_tokens"),
    )
