"""What waits for the account's own build of the image: built where it is not there, and every request of AWS is answered.

Registry and builder are stand-ins with state: no emulator here builds an image.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from infra.image_build import handler as module
from infra.image_build.handler import handler


class NotThere(Exception):
    """ECR's ImageNotFoundException."""


@dataclass
class Account:
    """A registry, and a project whose builds end as `ends` says; each success pushes another digest."""

    ends: str = "SUCCEEDED"
    images: dict[str, str] = field(default_factory=dict)
    builds: int = 0

    class exceptions:  # noqa: N801 - boto3's name
        ImageNotFoundException = NotThere

    def describe_images(self, *, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        (wanted,) = imageIds
        if wanted["imageTag"] not in self.images:
            raise NotThere
        return {"imageDetails": [{"imageDigest": self.images[wanted["imageTag"]]}]}

    def start_build(self, *, projectName: str) -> dict[str, Any]:  # noqa: N803
        self.builds += 1
        return {"build": {"id": f"{projectName}:{self.builds}", "buildStatus": "IN_PROGRESS"}}

    def batch_get_builds(self, *, ids: list[str]) -> dict[str, Any]:
        if self.ends == "SUCCEEDED":
            self.images["abc"] = f"sha256:{self.builds}"
        return {"builds": [{"id": ids[0], "buildStatus": self.ends, "logs": {"deepLink": "https://example.com/log"}}]}


class Answers(BaseHTTPRequestHandler):
    """Where CloudFormation takes answers."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append(json.loads(body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Context:
    aws_request_id = "request"

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(boto3, "client", lambda service: made)
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0)
    return made


@pytest.fixture
def formation() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.taken = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def asked(server: ThreadingHTTPServer, kind: str, **properties: str) -> dict[str, Any]:
    """CloudFormation's request, and the answer that it took."""
    handler(
        {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{server.server_port}/",
            "StackId": "s",
            "RequestId": "r",
            "LogicalResourceId": "Digest",
            "PhysicalResourceId": "image-1",
            "ResourceProperties": {"Project": "p", "Repository": "images", "Tag": "abc"} | properties,
        },
        Context(),
    )
    answer: dict[str, Any] = server.taken.pop()  # type: ignore[attr-defined]
    return answer


def test_an_image_is_built_once_and_again_only_where_it_is_gone(
    account: Account, formation: ThreadingHTTPServer
) -> None:
    for kind, properties in (("Create", {}), ("Update", {"Again": "1"})):
        answer = asked(formation, kind, **properties)
        assert (answer["Status"], answer["Data"]) == ("SUCCESS", {"Digest": "sha256:1"})
    account.images.clear()
    assert asked(formation, "Update", Again="2")["Data"] == {"Digest": "sha256:2"}
    assert account.builds == 2


def test_a_build_that_fails_is_answered_with_the_place_of_its_log(
    account: Account, formation: ThreadingHTTPServer
) -> None:
    account.ends = "FAILED"
    answer = asked(formation, "Create")
    assert (answer["Status"], "https://example.com/log" in answer["Reason"]) == ("FAILED", True)
    assert asked(formation, "Delete")["Status"] == "SUCCESS"
