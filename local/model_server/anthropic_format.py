"""Anthropic's Messages, as a server sees them: the rules of its reference, with thinking bound to what stood before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.model_server.refusal import Refused, check_schema, demand, only
from local.model_server.script import Spoken, Told, arguments_of, line_of_id, mark, pieces, read_mark
from shared.llm.schema import DIALECTS

_TYPES = {401: "authentication_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
_TYPES |= {500: "api_error", 529: "overloaded_error", 400: "invalid_request_error", 403: "permission_error"}
_WORDS = {
    "key": "invalid x-api-key",
    "model": "model: scripted",
    "too_long": "prompt is too long: 1000001 tokens > 1000000 maximum",
    "spend_cap": "Your credit balance is too low to access the Anthropic API.",
    "429": "This request would exceed your organization's rate limit",
    "529": "Overloaded",
}
_STOPS = {"end": "end_turn", "tools": "tool_use", "cut": "max_tokens", "refused": "refusal"}
_CACHED_MAX = 4


def error(refused: Refused) -> dict[str, Any]:
    words = _WORDS.get(refused.problem, refused.words or "Internal server error")
    kind = _TYPES.get(refused.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_scripted"}


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    demand(headers.get("anthropic-version"), "anthropic-version: header is required")
    known = "model max_tokens messages system tools tool_choice stream output_config service_tier thinking metadata"
    only(body, known, "body")
    demand(body.get("max_tokens", 0) >= 1, "max_tokens: must be at least 1")
    messages = body["messages"]
    demand(messages and messages[0]["role"] == "user", "messages: first message must use the user role")
    demand(messages[-1]["role"] == "user", "messages: this model does not support assistant message prefill")
    seen: set[str] = set()
    open_ids: list[str] = []
    before = _begun(body)
    for place, message in enumerate(messages):
        demand(message["role"] == ("assistant" if place % 2 else "user"), "messages: roles must alternate")
        demand(message["content"], f"messages.{place}: content must not be empty")
        if message["role"] == "user":
            _check_heard(message["content"], open_ids, place)
            open_ids = []
        else:
            open_ids = _check_said(before.hexdigest(), message["content"], place)
            demand(not seen.intersection(open_ids), "messages: `tool_use` ids must be unique")
            seen |= set(open_ids)
        before.update(_bytes(message))
    demand(json.dumps(body).count('"cache_control"') <= _CACHED_MAX, "a maximum of 4 blocks with cache_control")
    names = [tool["name"] for tool in body.get("tools", ())]
    demand(len(set(names)) == len(names), "tools: names must be unique")
    if "output_config" in body:
        check_schema(body["output_config"]["format"]["schema"], DIALECTS["anthropic"], strict=False)


def _check_heard(content: list[dict[str, Any]], open_ids: list[str], place: int) -> None:
    results = [block for block in content if block["type"] == "tool_result"]
    demand(content[: len(results)] == results, f"messages.{place}: tool_result blocks must come first")
    given = [block["tool_use_id"] for block in results]
    demand(sorted(given) == sorted(open_ids), f"messages.{place}: `tool_use` ids without `tool_result`, or others")
    for block in content:
        only(block, "type text tool_use_id content is_error cache_control", f"messages.{place}")
        if block["type"] == "text":
            demand(block["text"].strip(), f"messages.{place}: text content blocks must contain non-whitespace text")


def _check_said(before: str, content: list[dict[str, Any]], place: int) -> list[str]:
    ids = []
    for number, block in enumerate(content):
        where = f"messages.{place}.content.{number}"
        match block["type"]:
            case "text":
                demand(block["text"].strip(), f"{where}: text content blocks must contain non-whitespace text")
            case "tool_use":
                demand(re.fullmatch(r"[a-zA-Z0-9_-]+", block["id"]), f"{where}.id: string should match pattern")
                demand(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", block["name"]), f"{where}.name: should match pattern")
                demand(isinstance(block["input"], dict), f"{where}.input: should be a valid dictionary")
                ids.append(block["id"])
            case "thinking" | "redacted_thinking":
                found = read_mark(block.get("signature") or block.get("data"))
                demand(found, f"{where}: Invalid `signature` in `thinking` block")
                bound = found is not None and found[1] == before
                demand(bound, f"{where}: Invalid `signature`. The block is bound to a different conversation.")
            case _:
                demand(False, f"{where}: unknown type")
    demand(content[-1]["type"] in {"text", "tool_use"}, f"messages.{place}: final block cannot be `thinking`")
    return ids


def prefix(body: Mapping[str, Any]) -> str:
    """A digest of the model and everything that it is sent, but for cache breakpoints."""
    digest = _begun(body)
    for message in body["messages"]:
        digest.update(_bytes(message))
    return digest.hexdigest()


def _begun(body: Mapping[str, Any]) -> Any:
    return hashlib.sha256(_bytes([body["model"], body.get("system"), body.get("tools")]))


def _bytes(value: Any) -> bytes:
    return json.dumps(_bare(value)).encode()


def _bare(value: Any) -> Any:
    match value:
        case dict():
            return {key: _bare(each) for key, each in value.items() if key != "cache_control"}
        case list():
            return [_bare(each) for each in value]
        case _:
            return value


def told(body: Mapping[str, Any]) -> Iterator[Told]:
    for message in body["messages"]:
        if message["role"] == "user":
            yield from (Told(block["text"]) for block in message["content"] if block["type"] == "text")
            continue
        lines = [line_of_id(block.get("id")) for block in message["content"]]
        lines += [found[0] for block in message["content"] if (found := read_mark(block.get("signature")))]
        yield Told(answer=True, line=next((line for line in lines if line is not None), None))


def events(spoken: Spoken, body: Mapping[str, Any], *, bill: bool) -> Iterator[dict[str, Any]]:
    usage = spoken.usage
    start = {
        "input_tokens": usage.input - usage.cached,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": 1,
    }
    message = {
        "id": f"msg_s{spoken.line}",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": body["model"],
    }
    message |= {"stop_reason": None, "stop_sequence": None}
    yield {"type": "message_start", "message": message | ({"usage": start} if bill else {})}
    signature = mark(spoken.line, prefix(body))
    yield from _block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        [{"type": "thinking_delta", "thinking": each} for each in pieces(spoken.thought)]
        + [{"type": "signature_delta", "signature": signature}],
    )
    yield {"type": "ping"}
    index = 1
    if spoken.text:
        deltas = [{"type": "text_delta", "text": each} for each in pieces(spoken.text)]
        yield from _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for place, call in enumerate(spoken.calls):
        block = {"type": "tool_use", "id": spoken.call_id(place, "toolu"), "name": call.tool, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": each} for each in ["", *pieces(arguments_of(call))]]
        yield from _block(index + place, block, deltas)
    delta = {"type": "message_delta", "delta": {"stop_reason": _STOPS[spoken.stop], "stop_sequence": None}}
    yield delta | ({"usage": {"output_tokens": usage.output}} if bill else {})
    yield {"type": "message_stop"}


def _block(index: int, block: dict[str, Any], deltas: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "index": index, "content_block": block}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def broken_off(words: str) -> dict[str, Any]:
    """An error within a stream."""
    return {"type": "error", "error": {"type": "overloaded_error", "message": words}}
