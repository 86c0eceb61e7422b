"""Gemini's generateContent, as a server sees it: the rules of its reference, with signatures demanded on calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.model_server.refusal import Refused, check_schema, demand, only
from local.model_server.script import Spoken, Told, arguments_of, mark, pieces, read_mark
from shared.llm.gemini_model import NO_SIGNATURE
from shared.llm.schema import DIALECTS

_STATUSES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
_WORDS = {
    "key": "API key not valid. Please pass a valid API key.",
    "model": "models/scripted is not found for API version v1beta, or is not supported for generateContent.",
    "too_long": "The input token count (1048999) exceeds the maximum number of tokens allowed (1048576).",
    "spend_cap": "Your project has reached its monthly spending cap.",
    "429": "Resource has been exhausted (e.g. check quota).",
    "503": "The model is overloaded. Please try again later.",
}
_STOPS = {"end": "STOP", "tools": "STOP", "cut": "MAX_TOKENS", "refused": "SAFETY"}
_KINDS = frozenset({"text", "functionCall", "functionResponse"})


def error(refused: Refused) -> dict[str, Any]:
    status = 400 if refused.problem == "key" else refused.status
    words = _WORDS.get(refused.problem, refused.words or "failed")
    made: dict[str, Any] = {"code": status, "message": words, "status": _STATUSES.get(status, "UNKNOWN")}
    if refused.problem == "key":
        made["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    return {"error": made}


def check(body: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    """Raises Refused."""
    del headers
    only(body, "contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent", "body")
    contents = body["contents"]
    demand(contents and contents[-1]["role"] == "user", "contents: the last turn must be the user's")
    called: list[str] = []
    for place, content in enumerate(contents):
        where = f"contents[{place}]"
        demand(content["role"] == ("model" if place % 2 else "user"), f"{where}: turns must alternate, the user first")
        demand(content["parts"], f"{where}.parts: must not be empty")
        for part in content["parts"]:
            demand(len(_KINDS.intersection(part)) == 1, f"{where}: a part has exactly one kind of data")
        answered = [part["functionResponse"]["name"] for part in content["parts"] if "functionResponse" in part]
        if content["role"] == "user":
            demand(answered == called, f"{where}: function response parts must equal the function call parts before")
            called = []
        else:
            demand(not answered, f"{where}: a model turn has no function responses")
            called = _check_said(content["parts"], where)
    config = body["generationConfig"]
    only(config, "maxOutputTokens responseMimeType responseJsonSchema thinkingConfig", "generationConfig")
    if "responseJsonSchema" in config:
        demand(config.get("responseMimeType") == "application/json", "responseMimeType must be application/json")
        check_schema(config["responseJsonSchema"], DIALECTS["gemini"], strict=False)


def _check_said(parts: list[dict[str, Any]], where: str) -> list[str]:
    calls = [part for part in parts if "functionCall" in part]
    for part in calls:
        name = part["functionCall"]["name"]
        demand(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", name), f"{where}: invalid function name")
        demand(isinstance(part["functionCall"].get("args", {}), dict), f"{where}: args must be an object")
    if calls:
        demand("thoughtSignature" in calls[0], f"{where}: Function call is missing a thought_signature")
    for part in parts:
        signature = part.get("thoughtSignature")
        known = signature is None or signature == NO_SIGNATURE or read_mark(signature)
        demand(known, f"{where}: Invalid thought signature")
        demand(part.get("text") != "" or signature, f"{where}: empty text parameter")
    return [part["functionCall"]["name"] for part in calls]


def told(body: Mapping[str, Any]) -> Iterator[Told]:
    for content in body["contents"]:
        if content["role"] == "user":
            yield from (Told(part["text"]) for part in content["parts"] if "text" in part)
            continue
        marks = [found for part in content["parts"] if (found := read_mark(part.get("thoughtSignature")))]
        yield Told(answer=True, line=marks[0][0] if marks else None)


def events(spoken: Spoken, body: Mapping[str, Any], *, bill: bool) -> Iterator[dict[str, Any]]:
    """The signature comes with the first call, else in an empty part at the end."""
    thought = spoken.usage.output // 3

    def chunk(*parts: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        made: dict[str, Any] = {"candidates": [candidate], "modelVersion": "scripted"}
        if bill:
            made["usageMetadata"] = {
                "promptTokenCount": spoken.usage.input,
                "cachedContentTokenCount": spoken.usage.cached,
                "candidatesTokenCount": spoken.usage.output - thought if finish else 0,
                "thoughtsTokenCount": thought,
                "totalTokenCount": spoken.usage.input + (spoken.usage.output if finish else thought),
            }
        return made

    del body
    yield chunk({"text": spoken.thought, "thought": True})
    for each in pieces(spoken.text):
        yield chunk({"text": each})
    signature = {"thoughtSignature": mark(spoken.line)}
    finish = _STOPS[spoken.stop]
    if any(isinstance(call.args, str) for call in spoken.calls):  # it never gives out a call that it cannot read
        finish = finish if spoken.stop == "cut" else "MALFORMED_FUNCTION_CALL"
    elif spoken.calls:
        calls = [{"functionCall": {"name": call.tool, "args": call.args}} for call in spoken.calls]
        yield chunk(calls[0] | signature, *calls[1:])
        signature = {}
    last = chunk(*([{"text": ""} | signature] if signature else []), finish=finish)
    if finish == "MALFORMED_FUNCTION_CALL":
        words = ", ".join(f"{call.tool}({arguments_of(call)})" for call in spoken.calls)
        last["candidates"][0]["finishMessage"] = f"Malformed function call: {words}"
    yield last


def broken_off(words: str) -> dict[str, Any]:
    """An error within a stream."""
    return {"error": {"code": 503, "message": words, "status": "UNAVAILABLE"}}
