"""Anthropic's Messages API.

Thinking is replayed as it came, and only where nothing before it has changed: newer models refuse it elsewhere
(platform.claude.com/docs/en/build-with-claude/preserved-thinking). So every answer keeps a digest of what stood before it.
Thinking is adaptive by default for every model of the price list; no parameter of it is sent.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from anthropic import Anthropic, AnthropicError

from shared.agent.data import clean
from shared.agent.turns import NOTHING_SAID
from shared.llm.access import Access
from shared.llm.conversation import Heard, Said, exchanges, recorded
from shared.llm.counting import MISSING, count, has_count, read_call
from shared.llm.events import Broken, events, legible
from shared.llm.provider_errors import ENDED, Trouble
from shared.llm.schema import translated
from shared.llm.sdk import chunks_of, speaking, timeout_of
from shared.ports import Answer, Request, Usage

BASE_URL = "https://api.anthropic.com"
MARKED = 2  # of the last messages that the model hears: what was written for the last step is read for this one
_STOPS = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tools",
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "pause_turn": "cut",
    "refusal": "refused",
}
_STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicModel:
    def __init__(self, model: str, access: Access) -> None:
        self._model, self._access, self._name = model, access, f"anthropic:{model}"
        self._client = Anthropic(
            api_key=access.key,
            base_url=access.base_url or BASE_URL,
            max_retries=0,
            timeout=timeout_of(access),
        )

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        until = time.monotonic() + deadline_s
        body, after = render(request, self._model)
        with (
            speaking(AnthropicError, self._name, self._access),
            self._client.messages.with_streaming_response.create(**body, stream=True) as response,
            legible(),
        ):
            return read(events(chunks_of(response), alive, until), self._model, after)


def render(request: Request, model: str) -> tuple[dict[str, Any], str]:
    """The call's parameters, and the digest of everything that stands before its answer."""
    tools = [
        {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
        for tool in request.tools
    ]
    system = clean(request.system)
    digest = hashlib.sha256(_bytes([system, tools]))
    messages: list[dict[str, Any]] = []
    for each in exchanges(request.turns, "anthropic", model):
        if isinstance(each, Heard):
            message = {"role": "user", "content": _heard(each)}
        else:
            message = {"role": "assistant", "content": _said(each, digest.hexdigest())}
        digest.update(_bytes(message))
        messages.append(message)
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_output,
        "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
        "messages": _marked(messages),
        "service_tier": "standard_only",
    }
    if tools:
        body["tools"] = tools
    if request.schema is not None:
        schema = translated(request.schema, "anthropic")
        body["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return body, digest.hexdigest()


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _heard(heard: Heard) -> list[dict[str, Any]]:
    """Results come first: a text before them is refused."""
    results = [
        {"type": "tool_result", "tool_use_id": result.id, "content": result.text, "is_error": not result.ok}
        for result in heard.results
    ]
    return [*results, *({"type": "text", "text": text} for text in heard.texts)]


def _said(said: Said, after: str) -> list[dict[str, Any]]:
    if said.own is not None:
        kept = [block for block in said.own if _can_be_replayed(block, unchanged=said.after == after)]
        said_something = any(block["type"] in {"text", "tool_use"} for block in kept)
        return kept if said_something else [*kept, {"type": "text", "text": NOTHING_SAID}]
    text = [{"type": "text", "text": said.text}] if said.text else []
    return [*text, *({"type": "tool_use", "id": each.id, "name": each.tool, "input": each.args} for each in said.calls)]


def _can_be_replayed(block: Mapping[str, Any], *, unchanged: bool) -> bool:
    match block["type"]:
        case "thinking":
            return unchanged and bool(block.get("signature"))
        case "redacted_thinking":
            return unchanged
        case "text":
            return bool(block["text"].strip())  # blank ones are said, but refused when they are sent back
        case _:
            return True


def _marked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a cache breakpoint at the end of the last messages that the model hears. They move forward only."""
    places = [place for place, message in enumerate(messages) if message["role"] == "user"][-MARKED:]
    for place in places:
        *before, last = messages[place]["content"]
        content = [*before, last | {"cache_control": {"type": "ephemeral"}}]
        messages[place] = messages[place] | {"content": content}
    return messages


def read(stream: Iterable[Mapping[str, Any]], model: str, after: str) -> Answer:
    """The answer of a stream. Raises Broken where it ends early or tells of a failure."""
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, str] = {}
    bill: dict[str, Any] = {}
    stop, whole = "", False
    for event in stream:
        match event.get("type"):
            case "message_start":
                bill |= event["message"].get("usage") or {}
            case "content_block_start":
                blocks[event["index"]] = dict(event["content_block"])
            case "content_block_delta":
                _grow(blocks[event["index"]], event["delta"], arguments, event["index"])
            case "message_delta":
                stop = event["delta"].get("stop_reason") or stop
                bill |= {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
            case "message_stop":
                whole = True
            case "message":  # all of it at once, from who does not stream
                blocks = {place: dict(block) for place, block in enumerate(event["content"])}
                bill, stop, whole = dict(event.get("usage") or {}), event.get("stop_reason") or "", True
            case "error":
                raise Broken(_failure(event, begun=bool(blocks)))
            case _:
                pass
    if not whole or not stop:
        raise Broken(Trouble(0, ENDED, begun=True))
    turn = [blocks[index] for index in sorted(blocks)]
    calls = []
    for place, index in enumerate(index for index in sorted(blocks) if blocks[index]["type"] == "tool_use"):
        block = blocks[index]
        call = read_call(block.get("id"), block.get("name"), arguments.get(index, block.get("input")), place)
        block["input"] = dict(call.args)
        calls.append(call)
    word = _STOPS.get(stop, "cut")
    if word == "end" and calls:
        word = "tools"
    text = "".join(block["text"] for block in turn if block["type"] == "text")
    raw = recorded("anthropic", model, word, turn, after)
    return Answer(clean(text), tuple(calls), usage_of(bill), word, raw)


def _grow(block: dict[str, Any], delta: Mapping[str, Any], arguments: dict[int, str], index: int) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] = block.get("text", "") + delta["text"]
        case "input_json_delta":
            arguments[index] = arguments.get(index, "") + delta["partial_json"]
        case "thinking_delta":
            block["thinking"] = block.get("thinking", "") + delta["thinking"]
        case "signature_delta":
            block["signature"] = block.get("signature", "") + delta["signature"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case _:
            pass


def _failure(event: Mapping[str, Any], *, begun: bool) -> Trouble:
    error = event.get("error") or {}
    kind = str(error.get("type") or "")
    return Trouble(_STATUS_OF_TYPE.get(kind, 500), kind, str(error.get("message") or "")[:1000], begun=begun)


def usage_of(bill: Mapping[str, Any]) -> Usage:
    """`input_tokens` is without what was read from or written to the cache. Compaction is in `iterations` alone."""
    rounds = bill.get("iterations")
    if isinstance(rounds, list) and any(isinstance(each, dict) and each.get("type") == "compaction" for each in rounds):
        parts = [_counted(each) for each in rounds if isinstance(each, dict)]
        counted = Usage(
            input=sum(each.input for each in parts),
            cached=sum(each.cached for each in parts),
            written=sum(each.written for each in parts),
            output=sum(each.output for each in parts),
        )
    else:
        counted = _counted(bill)
    return replace(counted, surcharge="us" if bill.get("inference_geo") == "us" else "", priced=_is_as_asked(bill))


def _counted(bill: Mapping[str, Any]) -> Usage:
    if not has_count(bill, "input_tokens") or not has_count(bill, "output_tokens"):
        return MISSING
    cached, written = count(bill, "cache_read_input_tokens"), count(bill, "cache_creation_input_tokens")
    return Usage(
        input=count(bill, "input_tokens") + cached + written,
        cached=cached,
        written=written,
        output=count(bill, "output_tokens"),
    )


def _is_as_asked(bill: Mapping[str, Any]) -> bool:
    """Standard tier and speed, caches of five minutes, a place whose price is known. Old models know no place."""
    asked = {
        "service_tier": {None, "standard"},
        "speed": {None, "standard"},
        "inference_geo": {None, "", "global", "us", "not_available"},
    }
    same = all(bill.get(name) in values for name, values in asked.items() if isinstance(bill.get(name), str | None))
    return same and not count(bill, "cache_creation", "ephemeral_1h_input_tokens")
