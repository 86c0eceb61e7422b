"""Chat Completions, as a server sees them: what the many compatible servers agree upon."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.model_server.openai_format import error as openai_error
from local.model_server.refusal import Refused, check_schema, demand, only
from local.model_server.script import Spoken, Told, arguments_of, line_of_id, mark, pieces, read_mark
from shared.llm.schema import DIALECTS

_STOPS = {"end": "stop", "tools": "tool_calls", "cut": "length", "refused": "content_filter"}


def error(refused: Refused) -> dict[str, Any]:
    return openai_error(refused)


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    del headers
    only(body, "model messages tools tool_choice stream stream_options max_tokens response_format", "body")
    open_ids: list[str] = []
    last = ""
    for place, message in enumerate(body["messages"]):
        where = f"messages[{place}]"
        role = message["role"]
        demand((role == "system") == (place == 0), f"{where}: one system message, and first")
        if role == "tool":
            demand(message["tool_call_id"] in open_ids, f"{where}: no such tool call")
            open_ids.remove(message["tool_call_id"])
        else:
            demand(not open_ids, f"{where}: tool_calls must be followed by tool messages for {open_ids}")
        if role == "assistant":
            demand(last in {"user", "tool"}, f"{where}: roles must alternate")
            open_ids = _check_calls(message, where)
        demand(role != "user" or last != "user", f"{where}: roles must alternate")
        demand(message.get("content") or open_ids, f"{where}: content must not be empty")
        last = role
    demand(not open_ids and last in {"user", "tool"}, "messages: the last one must be the user's or a tool's")
    if "response_format" in body:
        check_schema(body["response_format"]["json_schema"]["schema"], DIALECTS["openai"], strict=True)


def _check_calls(message: Mapping[str, Any], where: str) -> list[str]:
    calls = message.get("tool_calls") or []
    ids = [call["id"] for call in calls]
    demand(all(ids) and len(set(ids)) == len(ids), f"{where}: ids of tool calls must differ")
    for call in calls:
        demand(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", call["function"]["name"]), f"{where}: invalid function name")
        demand(isinstance(call["function"]["arguments"], str), f"{where}: arguments must be text")
    return ids


def told(body: Mapping[str, Any]) -> Iterator[Told]:
    for message in body["messages"]:
        if message["role"] == "user":
            yield Told(message["content"])
        if message["role"] == "assistant":
            found = read_mark((message.get("extra_content") or {}).get("signature"))
            ids = [line_of_id(call["id"]) for call in message.get("tool_calls") or ()]
            yield Told(answer=True, line=found[0] if found else next(iter(ids), None))


def events(spoken: Spoken, body: Mapping[str, Any], *, bill: bool) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": f"chatcmpl-s{spoken.line}", "object": "chat.completion.chunk", "choices": [choice]}

    del body
    yield chunk({"role": "assistant", "content": "", "extra_content": {"signature": mark(spoken.line)}})
    yield chunk({"reasoning_content": spoken.thought})
    for each in pieces(spoken.text):
        yield chunk({"content": each})
    for place, call in enumerate(spoken.calls):
        function = {"name": call.tool, "arguments": ""}
        head = {"index": place, "id": spoken.call_id(place, "call"), "type": "function", "function": function}
        yield chunk({"tool_calls": [head]})
        for each in pieces(arguments_of(call)):
            yield chunk({"tool_calls": [{"index": place, "function": {"arguments": each}}]})
    yield chunk({}, _STOPS[spoken.stop])
    if bill:
        usage = {
            "prompt_tokens": spoken.usage.input,
            "completion_tokens": spoken.usage.output,
            "total_tokens": spoken.usage.input + spoken.usage.output,
            "prompt_tokens_details": {"cached_tokens": spoken.usage.cached},
        }
        yield {"id": f"chatcmpl-s{spoken.line}", "object": "chat.completion.chunk", "choices": [], "usage": usage}


def broken_off(words: str) -> dict[str, Any]:
    """An error within a stream."""
    return {"error": {"message": words, "type": "server_error", "code": None}}
