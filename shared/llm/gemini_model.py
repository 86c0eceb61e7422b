"""Google's Gemini API, in its own format: the OpenAI-like one loses thought signatures.

A function call without its signature is refused (ai.google.dev/gemini-api/docs/thought-signatures), so parts go back as
they came. A call that another model made has none; it gets the value that the same page gives for that.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from shared.agent.data import clean
from shared.agent.turns import NOTHING_SAID
from shared.llm.access import Access
from shared.llm.conversation import Heard, Said, exchanges, recorded
from shared.llm.counting import MISSING, count, has_count, read_call
from shared.llm.events import Broken
from shared.llm.http import Place, speak
from shared.llm.provider_errors import ENDED, Trouble, trouble_of
from shared.llm.schema import translated
from shared.ports import Answer, Request, ToolCall, Usage

BASE_URL = "https://generativelanguage.googleapis.com"
NO_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
TIER = "x-gemini-service-tier"  # ai.google.dev/gemini-api/docs/priority-inference
_AS_ASKED = frozenset({"standard", "unspecified", "service_tier_unspecified"})
_REFUSED = frozenset(
    """SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT
    IMAGE_RECITATION MODEL_ARMOR""".split()
)
_GARBLED = frozenset({"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"})


class GeminiModel:
    def __init__(self, model: str, access: Access) -> None:
        self._model = model
        base = (access.base_url or BASE_URL).rstrip("/")
        url = f"{base}/v1beta/models/{quote(model, safe='')}:streamGenerateContent?alt=sse"
        self._place = Place(f"gemini:{model}", url, {"x-goog-api-key": access.key}, access)

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        body = render(request, self._model)
        return speak(
            self._place, body, deadline_s, alive, lambda stream, headers: read(stream, self._model, headers.get(TIER))
        )


def render(request: Request, model: str) -> dict[str, Any]:
    contents: list[dict[str, Any]] = []
    ids: list[str | None] = []
    for each in exchanges(request.turns, "gemini", model, unique=False):
        if isinstance(each, Heard):
            contents.append({"role": "user", "parts": _heard(each, ids)})
        else:
            parts = _said(each)
            ids = [part["functionCall"].get("id") for part in parts if "functionCall" in part]
            contents.append({"role": "model", "parts": parts})
    config: dict[str, Any] = {
        "maxOutputTokens": request.max_output,
        "thinkingConfig": {"includeThoughts": True},  # it makes bytes come while the model thinks
    }
    body: dict[str, Any] = {
        "systemInstruction": {"parts": [{"text": clean(request.system)}]},
        "contents": contents,
        "generationConfig": config,
    }
    if request.tools:
        declarations = [
            {
                "name": tool["name"],
                "description": tool["description"],
                "parametersJsonSchema": tool["parameters"],
            }
            for tool in request.tools
        ]
        body["tools"] = [{"functionDeclarations": declarations}]
    if request.schema is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = translated(request.schema, "gemini")
    return body


def _heard(heard: Heard, ids: Sequence[str | None]) -> list[dict[str, Any]]:
    """`ids` are those of the calls just before, as they were sent: most calls have none."""
    parts: list[dict[str, Any]] = []
    for result, identity in zip(heard.results, ids, strict=False):
        response: dict[str, Any] = {"name": result.tool, "response": {"output" if result.ok else "error": result.text}}
        parts.append({"functionResponse": response | ({"id": identity} if identity else {})})
    return [*parts, *({"text": text} for text in heard.texts)]


def _said(said: Said) -> list[dict[str, Any]]:
    if said.own is not None:
        aloud = any("functionCall" in part or (part.get("text") and not part.get("thought")) for part in said.own)
        return [*said.own, *([] if aloud else [{"text": NOTHING_SAID}])]  # it thought, and said nothing
    text = [{"text": said.text}] if said.text else []
    calls: list[dict[str, Any]] = [{"functionCall": {"name": each.tool, "args": each.args}} for each in said.calls]
    if calls:
        calls[0]["thoughtSignature"] = NO_SIGNATURE
    return [*text, *calls]


def read(stream: Iterable[Mapping[str, Any]], model: str, tier: str | None = None) -> Answer:
    """The answer of a stream; `tier` is what its headers say. Raises Broken where it ends early or tells of a failure."""
    parts: list[dict[str, Any]] = []
    finish, words, bill, blocked = "", "", None, ""
    for event in stream:
        if "error" in event:
            code = event["error"].get("code")
            trouble = trouble_of(code if isinstance(code, int) else 500, {}, event)
            raise Broken(replace(trouble, begun=bool(parts)))
        bill = event.get("usageMetadata") or bill
        blocked = (event.get("promptFeedback") or {}).get("blockReason") or blocked
        for candidate in (event.get("candidates") or ())[:1]:
            finish = candidate.get("finishReason") or finish
            words = candidate.get("finishMessage") or words
            for part in (candidate.get("content") or {}).get("parts") or ():
                _add(parts, dict(part))
    if not finish and not blocked:
        raise Broken(Trouble(0, ENDED, begun=True))
    if finish == "MISSING_THOUGHT_SIGNATURE":
        raise Broken(Trouble(400, finish, words))
    calls: list[ToolCall] = []
    for part in parts:
        if "functionCall" in part:
            call = part["functionCall"]
            calls.append(read_call(call.get("id"), call.get("name"), call.get("args") or {}, len(calls)))
    text = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    if blocked or finish in _REFUSED:
        stop = "refused"
    elif finish in _GARBLED:
        stop = "garbled"
    elif finish == "STOP":
        stop = "tools" if calls else "end"
    else:
        stop = "cut"
    return Answer(
        clean(text or words), tuple(calls), usage_of(bill, tier), stop, recorded("gemini", model, stop, _whole(parts))
    )


def _add(parts: list[dict[str, Any]], part: dict[str, Any]) -> None:
    """Pieces of one text are put together; a part with a signature stays as it is."""
    last = parts[-1] if parts else {}
    plain = {"text", "thought"}
    same = set(last) <= plain and set(part) <= plain and last.get("thought") == part.get("thought")
    if "text" in last and "text" in part and same:
        parts[-1] = last | {"text": last["text"] + part["text"]}
    else:
        parts.append(part)


def _whole(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without empty parts that carry nothing. One that carries a signature is kept, as the empty text that it is: a part
    without any data is refused.
    """
    kept = [part for part in parts if part.get("text") or part.keys() - {"text", "thought"}]
    return [part if part.keys() - {"thought", "thoughtSignature"} else {"text": ""} | part for part in kept]


def usage_of(bill: Any, tier: str | None = None) -> Usage:
    """Thoughts are billed as output and counted apart; cached input is a part of the prompt. Which tier served it stands
    in a header, and by some in the bill, too.
    """
    if not has_count(bill, "promptTokenCount"):
        return MISSING
    given = count(bill, "promptTokenCount") + count(bill, "toolUsePromptTokenCount")
    said = count(bill, "candidatesTokenCount") + count(bill, "thoughtsTokenCount")
    return Usage(
        input=given,
        cached=count(bill, "cachedContentTokenCount"),
        output=max(said, count(bill, "totalTokenCount") - given),
        priced=all(str(each or "standard").lower() in _AS_ASKED for each in (tier, bill.get("serviceTier"))),
    )
