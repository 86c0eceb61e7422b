"""What comes to the webhook door and is not GitHub's, or not what it should be, or comes again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from local.host import handler_of
from local.lambda_context import LambdaContext
from shared.domain import keys
from shared.ports import read_all
from tests.e2e.place import Place
from tests.e2e.row import Row

HELP = "**No such command: `hlp`.** Did you mean `/persevere help`?"


@dataclass
class Post:
    """A delivery as somebody sends it to the door: signed as GitHub does, until a row takes that away."""

    place: Place
    body: bytes
    event: str = "issue_comment"
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))
    changed: dict[str, str | None] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        secret = self.place.product.app.webhook_secret.encode()
        signed = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Event": self.event,
            "X-GitHub-Delivery": self.guid,
            "X-Hub-Signature-256": f"sha256={hmac.new(secret, self.body, hashlib.sha256).hexdigest()}",
        }
        return {name: value for name, value in (signed | self.changed).items() if value is not None}

    def send(self) -> tuple[int, dict[str, Any]]:
        """Over HTTP, with just these headers."""
        address = urlsplit(self.place.product.host_url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=120)
        try:
            connection.request("POST", "/webhook", self.body, self.headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def invoke(self, body: str) -> tuple[int, dict[str, Any]]:
        """As a Function URL hands over a body that it takes for binary: in base64."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        event = {"version": "2.0", "rawPath": "/webhook", "headers": headers, "body": body, "isBase64Encoded": True}
        answer = handler_of("github_webhook")(event, LambdaContext("github_webhook", 10.0))
        return answer["statusCode"], json.loads(answer["body"])

    @property
    def is_known(self) -> bool:
        return self.place.product.world.store.get(keys.delivery(self.guid)) is not None


def delivered(place: Place) -> dict[str, Any]:
    """The payload by which GitHub told us of the newest comment of the story."""
    payloads = (
        each["request"]["payload"] for each in place.product.steering.deliveries() if each["event"] == "issue_comment"
    )
    return next(each for each in payloads if each["comment"]["id"] == place.spoken["id"])


def comment(place: Place, text: str = "/persevere hlp") -> bytes:
    """The payload of a comment as GitHub would send it; `text` was never written there."""
    place.open_issue()
    place.say("Who can have a look?")
    place.settle()
    payload = delivered(place)
    payload["comment"] |= {"id": payload["comment"]["id"] + 1_000_000, "body": text}
    return json.dumps(payload).encode()


def stored(place: Place) -> int:
    """Inbounds of the issue, open or handled."""
    store = place.product.world.store
    return sum(1 for prefix in ("INBOUND#", "HANDLED#") for _ in read_all(store, place.pk, prefix))


def refused(name: str, status: int, reason: str, change: Callable[[Post], None]) -> Row:
    """The door answers so, and the table is as it was."""

    def deeds(place: Place) -> None:
        post = Post(place, comment(place))
        change(post)
        before = stored(place)
        assert post.send() == (status, {"verdict": "ignored" if status == 202 else "refused", "reason": reason})
        assert not post.is_known
        assert stored(place) == before

    return Row(name, deeds, "unknown", replies=0, reactions=())


def altered(**headers: str | None) -> Callable[[Post], None]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda post: post.changed.update(names)


def sha1_only(post: Post) -> None:
    secret = post.place.product.app.webhook_secret.encode()
    old = hmac.new(secret, post.body, hashlib.sha1).hexdigest()
    post.changed.update({"X-Hub-Signature-256": None, "X-Hub-Signature": f"sha1={old}"})


def not_json(post: Post) -> None:
    post.body = b"payload=%7B%22action%22%3A%22created%22%7D"


def unknown_event(post: Post) -> None:
    post.event = "star"


def in_base64(place: Place) -> None:
    """Signed are the bytes, not their wrapping. What is no base64 is refused, what holds no JSON as well."""
    post = Post(place, comment(place))
    post.changed["X-GitHub-Delivery"] = post.guid
    assert post.invoke("{not base64}")[0] == 400
    odd = Post(place, "{}".encode("utf-16"))
    assert odd.send() == (400, {"verdict": "refused", "reason": "the body is no JSON"})
    assert not post.is_known
    assert not odd.is_known
    place.say("/persevere hlp")  # this comment is there, and GitHub's own delivery of it is what comes again
    place.settle()
    again = Post(place, json.dumps(delivered(place)).encode())
    assert again.invoke(base64.b64encode(again.body).decode())[0] == 202


def answered(place: Place) -> None:
    place.open_issue()
    place.say("/persevere hlp")
    place.settle()


KNOWN = (202, {"verdict": "ignored", "reason": "this delivery, or this deed, is known already"})


def delivered_twice(place: Place) -> None:
    """Once more with everything that it had."""
    answered(place)
    payload = delivered(place)
    guid = next(each["guid"] for each in place.product.steering.deliveries() if each["request"]["payload"] == payload)
    assert Post(place, json.dumps(payload).encode(), guid=guid).send() == KNOWN


def under_two_guids(place: Place) -> None:
    answered(place)
    assert Post(place, json.dumps(delivered(place)).encode()).send() == KNOWN


def once(name: str, deeds: Callable[[Place], None]) -> Row:
    """Whatever comes again, a person is answered once."""
    return Row(name, deeds, "idle", reply=HELP, replies=1, reactions=("confused",))


NO_FIT = "the signature does not fit"
ROWS = (
    refused("a wrong signature", 401, NO_FIT, altered(X_Hub_Signature_256="sha256=" + "0" * 64)),
    refused("a missing signature", 401, NO_FIT, altered(X_Hub_Signature_256=None)),
    refused("a signature of SHA-1 only", 401, NO_FIT, sha1_only),
    once("a body in base64", in_base64),
    refused("a body that is no JSON", 400, "the body is no JSON", not_json),
    refused("an unknown event", 202, "star.created is not of interest", unknown_event),
    once("the same delivery twice", delivered_twice),
    once("the same comment under two GUIDs", under_two_guids),
)
