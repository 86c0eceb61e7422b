"""OpenAI's Responses, as a server sees them: the rules of its reference for a client that has nothing stored there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.model_server.refusal import Refused, check_schema, demand, only
from local.model_server.script import Spoken, Told, arguments_of, line_of_id, mark, pieces, read_mark
from shared.llm.schema import DIALECTS

_ID_MAX = 64
_BODIES = {
    "key": ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-scri****ted."),
    "model": (
        "invalid_request_error",
        "model_not_found",
        "The model `scripted` does not exist or you do not have access to it.",
    ),
    "too_long": (
        "invalid_request_error",
        "context_length_exceeded",
        "Your input exceeds the context window of this model.",
    ),
    "spend_cap": (
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "429": ("requests", "rate_limit_exceeded", "Rate limit reached for scripted"),
    "500": ("server_error", None, "The server had an error while processing your request."),
}


def error(refused: Refused) -> dict[str, Any]:
    kind, code, words = _BODIES.get(refused.problem, ("invalid_request_error", None, refused.words or "failed"))
    return {"error": {"message": words, "type": kind, "param": None, "code": code}}


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    del headers
    known = "model instructions input tools tool_choice stream text max_output_tokens store include reasoning"
    only(body, f"{known} prompt_cache_key service_tier parallel_tool_calls", "body")
    demand(body.get("store") is False, "store: this server stores nothing")
    demand(body["input"], "input: must not be empty")
    open_ids: list[str] = []
    seen: set[str] = set()
    for place, item in enumerate(body["input"]):
        where = f"input[{place}]"
        kind = item.get("type", "message")
        following = body["input"][place + 1] if place + 1 < len(body["input"]) else None
        match kind:
            case "message":
                demand(not open_ids, f"No tool output found for function call {', '.join(open_ids)}.")
                _check_message(item, where)
            case "reasoning":
                made_by = read_mark(item.get("encrypted_content"))
                ours = made_by is not None and made_by[1] == body["model"]
                demand(ours, f"{where}: The encrypted content could not be verified.")
                after = following is not None and (
                    following.get("type") in {"function_call", "reasoning"} or following.get("role") == "assistant"
                )
                demand(after, f"{where} of type 'reasoning' was provided without its required following item.")
            case "function_call":
                demand(0 < len(item["call_id"]) <= _ID_MAX, f"{where}.call_id: string too long")
                demand(item["call_id"] not in seen, f"{where}.call_id: duplicate")
                demand(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", item["name"]), f"{where}.name does not match pattern")
                demand(isinstance(json.loads(item["arguments"]), dict), f"{where}.arguments: not an object")
                seen.add(item["call_id"])
                open_ids.append(item["call_id"])
            case "function_call_output":
                demand(item["call_id"] in open_ids, f"No tool call found for function call output {item['call_id']}")
                open_ids.remove(item["call_id"])
            case _:
                demand(False, f"{where}.type: unknown")
    demand(not open_ids, f"No tool output found for function call {', '.join(open_ids)}.")
    demand(body["input"][-1].get("role") != "assistant", "input: the last item must not be the assistant's")
    if "text" in body:
        check_schema(body["text"]["format"]["schema"], DIALECTS["openai"], strict=True)


def _check_message(item: Mapping[str, Any], where: str) -> None:
    demand(item["role"] in {"user", "assistant"}, f"{where}.role: invalid")
    demand(item["content"], f"{where}.content: must not be empty")
    demand(item.get("phase") is None or item["role"] == "assistant", f"{where}.phase: not for this role")
    if isinstance(item["content"], list):
        demand(item.get("id") and item.get("status"), f"{where}: id and status are required")


def told(body: Mapping[str, Any]) -> Iterator[Told]:
    answer: list[int | None] | None = None
    for item in body["input"]:
        said = item.get("type") in {"reasoning", "function_call"} or item.get("role") == "assistant"
        if said:
            found = read_mark(item.get("encrypted_content"))
            line = found[0] if found else line_of_id(item.get("call_id"))
            answer = [*(answer or []), line]
            continue
        if answer is not None:
            yield Told(answer=True, line=next((line for line in answer if line is not None), None))
            answer = None
        if item.get("role") == "user":
            yield Told(item["content"])


def events(spoken: Spoken, body: Mapping[str, Any], *, bill: bool) -> Iterator[dict[str, Any]]:
    items = _items(spoken, body["model"])
    base: dict[str, Any] = {"id": f"resp_s{spoken.line}", "object": "response", "model": body["model"], "error": None}
    number = 0

    def event(kind: str, **more: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {"type": kind, "sequence_number": number, **more}

    yield event("response.created", response=base | {"status": "in_progress", "output": [], "usage": None})
    for index, item in enumerate(items):
        yield event("response.output_item.added", output_index=index, item=item | {"status": "in_progress"})
        if item["type"] == "message":
            for each in pieces(spoken.text):
                yield event("response.output_text.delta", output_index=index, item_id=item["id"], delta=each)
        if item["type"] == "function_call":
            for each in pieces(item["arguments"]):
                yield event(
                    "response.function_call_arguments.delta", output_index=index, item_id=item["id"], delta=each
                )
        yield event("response.output_item.done", output_index=index, item=item)
    done = spoken.stop != "cut"
    usage = spoken.usage
    final = base | {
        "status": "completed" if done else "incomplete",
        "incomplete_details": None if done else {"reason": "max_output_tokens"},
        "output": items,
        "usage": None
        if not bill
        else {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.output // 3},
            "total_tokens": usage.input + usage.output,
        },
    }
    yield event("response.completed" if done else "response.incomplete", response=final)


def _items(spoken: Spoken, model: str) -> list[dict[str, Any]]:
    line = spoken.line
    thought = {"type": "summary_text", "text": spoken.thought}
    items: list[dict[str, Any]] = [
        {"type": "reasoning", "id": f"rs_s{line}", "summary": [thought], "encrypted_content": mark(line, model)}
    ]
    part: dict[str, Any] = {"type": "output_text", "text": spoken.text, "annotations": []}
    if spoken.stop == "refused":
        part = {"type": "refusal", "refusal": spoken.text or "I cannot help with that."}
    if spoken.text or spoken.stop == "refused":
        message = {"type": "message", "id": f"msg_s{line}", "role": "assistant", "status": "completed"}
        phase = "commentary" if spoken.calls else "final_answer"
        items.append(message | {"phase": phase, "content": [part]})
    for place, call in enumerate(spoken.calls):
        made = {"type": "function_call", "id": f"fc_s{line}_{place}", "call_id": spoken.call_id(place, "call")}
        items.append(made | {"name": call.tool, "arguments": arguments_of(call), "status": "completed"})
    return items


def broken_off(words: str) -> dict[str, Any]:
    """An error within a stream."""
    return {
        "type": "response.failed",
        "response": {"status": "failed", "error": {"code": "server_error", "message": words}},
    }
