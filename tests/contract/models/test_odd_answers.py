"""Answers as proxies and home-made servers really give them: one document instead of a stream, an error after 200."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from shared.errors import Retryable
from shared.llm.access import Access
from shared.llm.providers import open_model
from shared.ports import Answer, ModelBusy, ToolCall
from tests.contract.models.desk import ask, question

MODELS = {
    "anthropic": "anthropic:claude-haiku-5-5",
    "openai": "openai:gpt-6-luna",
    "gemini": "gemini:gemini-4-argon",
    "compatible": "compatible:local",
}
CALL = {"id": "c1", "type": "function", "function": {"name": "view", "arguments": '{"path": "a.py"}'}}
DOCUMENTS: dict[str, Any] = {
    "compatible": {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "finish_reason": "tool_calls", "message": {"content": "I look.", "tool_calls": [CALL]}}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 9},
    },
    "anthropic": {
        "type": "message",
        "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "c1", "name": "view", "input": {"path": "a.py"}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 100, "output_tokens": 9},
    },
    "openai": {
        "object": "response",
        "status": "completed",
        "output": [
            {"type": "message", "content": [{"type": "output_text", "text": "I look."}]},
            {"type": "function_call", "call_id": "c1", "name": "view", "arguments": '{"path": "a.py"}'},
        ],
        "usage": {"input_tokens": 100, "output_tokens": 9},
    },
    "gemini": {
        "candidates": [
            {
                "finishReason": "STOP",
                "content": {
                    "parts": [
                        {"text": "I look."},
                        {"functionCall": {"id": "c1", "name": "view", "args": {"path": "a.py"}}},
                    ]
                },
            }
        ],
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 9},
    },
}


class Proxy:
    """Answers every question with the same bytes. `url` is where it is asked."""

    def __init__(self, kind: str, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def proxies() -> Iterator[list[Proxy]]:
    made: list[Proxy] = []
    yield made
    for each in made:
        each.close()


def asked(proxies: list[Proxy], provider: str, kind: str, body: bytes) -> Answer:
    proxies.append(Proxy(kind, body))
    return ask(open_model(MODELS[provider], Access("k" * 20, proxies[-1].url)), question())


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("provider", MODELS)
def test_who_does_not_stream_is_heard_all_the_same(proxies: list[Proxy], provider: str, indent: int | None) -> None:
    """It was billed: an answer that is taken for lost would be asked for, and charged in full, time and again."""
    body = json.dumps(DOCUMENTS[provider], indent=indent).encode()
    answer = asked(proxies, provider, "application/json", body)
    assert (answer.text, answer.stop) == ("I look.", "tools")
    assert answer.calls == (ToolCall("c1", "view", {"path": "a.py"}),)
    assert (answer.usage.input, answer.usage.output, answer.usage.reported) == (100, 9, True)


ERRORS = {
    "compatible": {"error": {"code": 402, "message": "Insufficient credits"}},
    "anthropic": {"type": "error", "error": {"type": "billing_error", "message": "Your credit balance is too low"}},
    "openai": {"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}},
    "gemini": {"error": {"code": 402, "status": "PAYMENT_REQUIRED", "message": "no credit"}},
}


@pytest.mark.parametrize("form", ["document", "event"])
@pytest.mark.parametrize("provider", MODELS)
def test_an_error_after_200_means_what_it_says(proxies: list[Proxy], provider: str, form: str) -> None:
    """Nothing was billed for it: to take it for a lost answer would charge all that was set aside, time and again."""
    text = json.dumps(ERRORS[provider])
    kind, body = (
        ("application/json", text) if form == "document" else ("text/event-stream", f"event: error\ndata: {text}\n\n")
    )
    with pytest.raises(ModelBusy) as busy:
        asked(proxies, provider, kind, body.encode())
    assert (busy.value.cause, busy.value.long) == ("spend_cap", True)


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("body", [b"", b"true", b'{"status": "ok"}', b"upstream is away", b"[[[["])
def test_what_is_neither_answer_nor_error_may_have_been_billed(
    proxies: list[Proxy], provider: str, body: bytes
) -> None:
    with pytest.raises(Retryable, match="ended before it was whole"):
        asked(proxies, provider, "application/json", body)
