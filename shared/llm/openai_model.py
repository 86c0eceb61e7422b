"""OpenAI's Responses API, without anything stored there.

Items of an answer are sent back as they came, encrypted reasoning and `phase` among them: an item of reasoning must be
followed by what it led to, and a lost phase makes later answers worse (both by the SDK's own descriptions).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from openai import BadRequestError, OpenAI, OpenAIError

from shared.agent.data import clean
from shared.llm.access import Access
from shared.llm.conversation import Said, exchanges, recorded
from shared.llm.counting import MISSING, count, has_count, read_call
from shared.llm.events import Broken, events, legible
from shared.llm.provider_errors import ENDED, Trouble
from shared.llm.schema import translated
from shared.llm.sdk import chunks_of, speaking, timeout_of
from shared.ports import Answer, Request, ToolCall, Usage

BASE_URL = "https://api.openai.com/v1"
_STATUS_OF_CODE = {
    "server_error": 500,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "invalid_encrypted_content": 400,
}
"""What a failure that a stream tells of would have been as an answer of its own; the list in the SDK is not whole."""


class OpenAIModel:
    def __init__(self, model: str, access: Access) -> None:
        self._model, self._access, self._name = model, access, f"openai:{model}"
        self._summary = True
        self._client = OpenAI(
            api_key=access.key,
            base_url=access.base_url or BASE_URL,
            max_retries=0,
            timeout=timeout_of(access),
        )

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        until = time.monotonic() + deadline_s
        with speaking(OpenAIError, self._name, self._access):
            if self._summary:
                try:
                    return self._send(request, alive, until)
                except BadRequestError as error:  # summaries are for organizations that were verified
                    if not str(error.param).startswith("reasoning"):
                        raise
                    self._summary = False
                    alive()
            return self._send(request, alive, until)

    def _send(self, request: Request, alive: Callable[[], None], until: float) -> Answer:
        body = render(request, self._model)
        if self._summary:
            body["reasoning"] = {"summary": "auto"}  # it makes bytes come while the model thinks
        with self._client.responses.with_streaming_response.create(**body, stream=True) as response, legible():
            return read(events(chunks_of(response), alive, until), self._model)


def render(request: Request, model: str) -> dict[str, Any]:
    """The call's parameters. `prompt_cache_key` is the same for every step of a conversation."""
    items: list[dict[str, Any]] = []
    system = clean(request.system)
    for each in exchanges(request.turns, "openai", model):
        if isinstance(each, Said):
            items += _said(each)
            continue
        items += [{"type": "function_call_output", "call_id": one.id, "output": one.text} for one in each.results]
        items += [{"role": "user", "content": text} for text in each.texts]
    begun = hashlib.sha256(json.dumps([system, items[0]]).encode()).hexdigest()
    body: dict[str, Any] = {
        "model": model,
        "instructions": system,
        "input": items,
        "max_output_tokens": request.max_output,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": begun[:32],
        "service_tier": "default",
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool["name"],
                "description": tool["description"],
                "parameters": tool["parameters"],
                "strict": False,
            }
            for tool in request.tools
        ]
    if request.schema is not None:
        schema = translated(request.schema, "openai")
        body["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}}
    return body


def _said(said: Said) -> list[dict[str, Any]]:
    if said.own is not None:
        return list(said.own)
    phase = "commentary" if said.calls else "final_answer"
    text = [{"role": "assistant", "content": said.text, "phase": phase}] if said.text else []
    calls = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.tool,
            "arguments": json.dumps(call.args, ensure_ascii=False),
        }
        for call in said.calls
    ]
    return [*text, *calls]


def read(stream: Iterable[Mapping[str, Any]], model: str) -> Answer:
    """The answer of a stream. Raises Broken where it ends early or tells of a failure.

    Items are taken when they are done: only then is their encrypted reasoning whole.
    """
    items: dict[int, dict[str, Any]] = {}
    final: Mapping[str, Any] | None = None
    for event in stream:
        match event.get("type"):
            case "response.output_item.done":
                items[event["output_index"]] = dict(event["item"])
            case "response.completed" | "response.incomplete":
                final = event["response"]
            case "response.failed":
                error = event["response"].get("error") or {}
                raise Broken(_failure(error, begun=bool(items)))
            case "error":
                raise Broken(_failure(event.get("error") or event, begun=bool(items)))
            case None if event.get("error"):  # as a body of its own, and as the SDK takes it in a stream, too
                raise Broken(_failure(event["error"], begun=bool(items)))
            case None if event.get("object") == "response":
                final = event
            case _:
                pass
    if final is None:
        raise Broken(Trouble(0, ENDED, begun=True))
    for index, item in enumerate(final.get("output") or ()):
        items.setdefault(index, item)  # one that was cut is never done
    turn = [items[index] for index in sorted(items)]
    text, refused = _words(turn)
    calls = _calls(turn)
    why = (final.get("incomplete_details") or {}).get("reason")
    if refused or why == "content_filter":
        stop = "refused"
    elif final.get("status") != "completed":
        stop = "cut"
    else:
        stop = "tools" if calls else "end"
    if turn and turn[-1].get("type") == "reasoning":
        turn = []  # nothing followed it, so it would not be taken back
    return Answer(
        clean(text),
        calls,
        usage_of(final.get("usage"), final.get("service_tier")),
        stop,
        recorded("openai", model, stop, turn),
    )


def _words(turn: Iterable[Mapping[str, Any]]) -> tuple[str, bool]:
    """All text that is said, and whether a part of it is a refusal."""
    parts = [part for item in turn if item.get("type") == "message" for part in item.get("content") or ()]
    refused = any(part.get("type") == "refusal" for part in parts)
    return "\n\n".join(str(part.get("text") or part.get("refusal") or "") for part in parts), refused


def _calls(turn: Iterable[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    called = [item for item in turn if item.get("type") == "function_call"]
    return tuple(
        read_call(item.get("call_id"), item.get("name"), item.get("arguments"), place)
        for place, item in enumerate(called)
    )


def _failure(error: Any, *, begun: bool) -> Trouble:
    error = error if isinstance(error, Mapping) else {"message": error}
    code = str(error.get("code") or error.get("type") or "")
    status = _STATUS_OF_CODE.get(code, 500)
    return Trouble(status, code, str(error.get("message") or "")[:1000], begun=begun)


def usage_of(bill: Any, tier: Any = None) -> Usage:
    """`input_tokens` has what was read from and written to the cache in it, `output_tokens` has the reasoning. `tier` is
    the one that served the answer, whatever was asked for.
    """
    if not has_count(bill, "input_tokens") or not has_count(bill, "output_tokens"):
        return MISSING
    long = count(bill, "input_tokens_details", "cache_write_tokens_details", "ttl_12h_tokens")
    return Usage(
        input=count(bill, "input_tokens"),
        cached=count(bill, "input_tokens_details", "cached_tokens"),
        written=count(bill, "input_tokens_details", "cache_write_tokens"),
        output=count(bill, "output_tokens"),
        priced=tier in (None, "default", "auto") and not long,
    )
