"""Whether a provider takes the key: its list of models is asked, and nothing that costs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.doctor.model import LISTS, try_key


class Provider(ThreadingHTTPServer):
    """Has one key and two models, in any of the three forms of a list."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        given = self.headers.get("x-api-key") or self.headers.get("x-goog-api-key")
        given = given or (self.headers.get("authorization") or "").removeprefix("Bearer ")
        status = self.server.status if given == "right" else 401
        gemini = "v1beta" in self.path
        body: Any = (
            {"models": [{"name": "models/big"}, {"name": "models/small"}]}
            if gemini
            else {"data": [{"id": "big"}, {"id": "small"}]}
        )
        text = json.dumps(body if status == 200 else {"error": "no"}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("name", LISTS)
def test_a_good_key_and_a_model_that_is_there(provider: Provider, name: str) -> None:
    found = try_key(name, "big", "right", provider.url)
    assert (found.level, found.what) == ("ok", f"{name} takes the key and has big")
    assert provider.asked == [LISTS[name][1]]


@pytest.mark.parametrize("name", LISTS)
def test_a_key_that_is_refused(provider: Provider, name: str) -> None:
    found = try_key(name, "big", "wrong", provider.url)
    assert found.level == "FAIL"
    assert "refuses the key" in found.what and "new key" in found.fix
    assert "wrong" not in f"{found.what}{found.fix}"


def test_a_model_that_the_key_has_not(provider: Provider) -> None:
    found = try_key("openai", "huge", "right", provider.url)
    assert found.level == "FAIL" and "does not offer huge" in found.what and "big" in found.fix


def test_a_provider_with_trouble_is_no_fault_of_the_key(provider: Provider) -> None:
    provider.status = 529
    assert try_key("anthropic", "big", "right", provider.url).level == "warn"


def test_a_provider_that_is_not_reached() -> None:
    found = try_key("gemini", "big", "right", "http://127.0.0.1:9")
    assert found.level == "FAIL" and "does not answer" in found.what
