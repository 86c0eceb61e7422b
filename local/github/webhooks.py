"""Signed webhooks: made when the state changes, handed over in order for each repository, recorded."""

import hashlib
import hmac
import http.client
import json
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from local.github.refusals import Refusal
from local.github.shapes import organization_shape, repository_shape, user_shape
from local.github.state import Account, App, Installation, Repository, World, iso

TIMEOUT_S = 10.0
# Sent to every App, whatever it subscribed to.
ALWAYS = {"ping", "installation", "installation_repositories", "installation_target", "github_app_authorization"}


@dataclass(eq=False)
class Delivery:
    """One attempt to hand an event over."""

    id: int
    guid: str
    app: App
    event: str
    action: str | None
    body: bytes
    created_at: float
    url: str
    secret: str
    installation_id: int | None = None
    repository_id: int | None = None
    redelivery: bool = False
    done: bool = False
    status: str = "Pending"
    status_code: int = 0
    duration: float = 0.0
    delivered_at: float = 0.0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""


@dataclass
class Trouble:
    """How webhooks go wrong: `hold` keeps them, `lose` fails the next n unsent, `duplicate` sends the next n twice."""

    hold: bool = False
    lose: int = 0
    duplicate: int = 0
    delay_s: float = 0.0
    order: str = "fifo"
    timeout_s: float = TIMEOUT_S


class Courier:
    """Hands deliveries over in threads of its own: one queue for each App and repository."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wake = threading.Condition()
        self._queues: dict[tuple[int, int | None], deque[Delivery]] = {}
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._over = False
        self.trouble = Trouble()
        self.deliveries: list[Delivery] = []

    def reset(self) -> None:
        """Forget the past and drop what waits."""
        with self._wake:
            for queue in self._queues.values():
                queue.clear()
            self.deliveries = []
            self.trouble = Trouble()
            self._wake.notify_all()

    def configure(self, **changes: Any) -> Trouble:
        """Change how deliveries go; releasing a hold wakes the queues."""
        with self._wake:
            for name, value in changes.items():
                if not hasattr(self.trouble, name):
                    raise Refusal(422, f"no webhook switch named {name}")
                setattr(self.trouble, name, value)
            self._wake.notify_all()
            return self.trouble

    def post(self, delivery: Delivery) -> None:
        """Queue one delivery; `lose` records it as failed instead."""
        with self._wake:
            self.deliveries.append(delivery)
            if self.trouble.lose > 0 and not delivery.redelivery:
                self.trouble.lose -= 1
                self._finish(delivery, "failed to connect to host", 502)
                return
            key = (delivery.app.id, delivery.repository_id)
            if key not in self._queues:
                self._queues[key] = deque()
                thread = threading.Thread(target=self._work, args=(key,), daemon=True, name=f"webhooks-{key}")
                self._threads.append(thread)
                thread.start()
            self._queues[key].append(delivery)
            if self.trouble.duplicate > 0 and not delivery.redelivery:
                self.trouble.duplicate -= 1
                self._queues[key].append(delivery)
            self._wake.notify_all()

    def pending(self) -> int:
        """How many wait or are on their way."""
        with self._wake:
            return self._busy + sum(len(queue) for queue in self._queues.values())

    def wait_quiet(self, seconds: float) -> int:
        """Wait until nothing is in flight, `seconds` at most; what is left."""
        until = time.monotonic() + seconds
        with self._wake:
            while (left := self._busy + sum(len(q) for q in self._queues.values())) and time.monotonic() < until:
                self._wake.wait(max(until - time.monotonic(), 0.01))
            return left

    def stop(self) -> None:
        """End the threads; what is queued is not sent."""
        with self._wake:
            self._over = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)

    def _work(self, key: tuple[int, int | None]) -> None:
        while True:
            with self._wake:
                queue = self._queues[key]
                while not self._over and (not queue or self.trouble.hold):
                    self._wake.wait()
                if self._over:
                    return
                delivery = queue.pop() if self.trouble.order == "lifo" else queue.popleft()
                self._busy += 1
                delay, timeout = self.trouble.delay_s, self.trouble.timeout_s
            try:
                if delay:
                    time.sleep(delay)
                self._send(delivery, timeout)
            finally:
                with self._wake:
                    self._busy -= 1
                    self._wake.notify_all()

    def _send(self, delivery: Delivery, timeout: float) -> None:
        began = time.monotonic()
        parts = urlsplit(delivery.url)
        delivery.request_headers = headers_of(delivery)
        maker = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = maker(parts.hostname or "", parts.port, timeout=timeout)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", target, body=delivery.body, headers=delivery.request_headers)
            answer = connection.getresponse()
            delivery.response_body = answer.read(100_000).decode("utf-8", "replace")
            delivery.response_headers = dict(answer.getheaders())
            ok = 200 <= answer.status < 300
            status, code = ("OK" if ok else f"Invalid HTTP Response: {answer.status}"), answer.status
        except TimeoutError:
            status, code = "timed out", 504
        except (OSError, http.client.HTTPException) as error:
            status, code = f"failed to connect to host: {type(error).__name__}", 502
        finally:
            connection.close()
        delivery.duration = round(time.monotonic() - began, 3)
        self._finish(delivery, status, code)

    def _finish(self, delivery: Delivery, status: str, code: int) -> None:
        delivery.status, delivery.status_code = status, code
        delivery.delivered_at = self._world.now()
        delivery.done = True


def headers_of(delivery: Delivery) -> dict[str, str]:
    """The headers of a webhook request, signatures over the raw bytes included."""
    secret = delivery.secret.encode()
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Delivery": delivery.guid,
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(delivery.app.hook_id),
        "X-GitHub-Hook-Installation-Target-ID": str(delivery.app.id),
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-Hub-Signature": "sha1=" + hmac.new(secret, delivery.body, hashlib.sha1).hexdigest(),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, delivery.body, hashlib.sha256).hexdigest(),
    }


def emit(
    world: World,
    event: str,
    repository: Repository | None,
    sender: Account,
    payload: dict[str, Any],
    *,
    only: App | None = None,
    named: tuple[tuple[str, int], ...] = (),
) -> None:
    """Tell every App that is installed here and subscribed. `named` objects flicker for Apps from now on."""
    if repository is None:
        return
    for key in named:
        world.flicker_until[key] = world.now() + world.settings.flicker_s
    for installation in world.installations_on(repository):
        if only is not None and installation.app is not only:
            continue
        if event not in ALWAYS and event not in installation.events:
            continue
        body = dict(payload)
        body["repository"] = repository_shape(world, repository)
        if repository.owner.type == "Organization":
            body["organization"] = organization_shape(world, repository.owner)
        body["sender"] = user_shape(world, sender)
        body["installation"] = {"id": installation.id, "node_id": installation.node_id}
        send(world, installation.app, event, body, installation, repository)


def send(
    world: World,
    app: App,
    event: str,
    payload: dict[str, Any],
    installation: Installation | None = None,
    repository: Repository | None = None,
) -> None:
    """Queue one event for one App; an App without an active hook gets nothing."""
    if not app.hook_url or not app.hook_active:
        return
    delivery = Delivery(
        world.next_id("delivery"),
        str(uuid.uuid4()),
        app,
        event,
        payload.get("action"),
        json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        world.now(),
        app.hook_url,
        app.webhook_secret,
        installation.id if installation else None,
        repository.id if repository else None,
    )
    world.courier.post(delivery)


def redeliver(world: World, delivery: Delivery) -> Delivery:
    """Hand the same bytes over again, under the same GUID, to where the hook points now."""
    again = Delivery(
        world.next_id("delivery"),
        delivery.guid,
        delivery.app,
        delivery.event,
        delivery.action,
        delivery.body,
        world.now(),
        delivery.app.hook_url or delivery.url,
        delivery.app.webhook_secret,
        delivery.installation_id,
        delivery.repository_id,
        redelivery=True,
    )
    world.courier.post(again)
    return again


def delivery_shape(delivery: Delivery, *, full: bool = False) -> dict[str, Any]:
    """A row of the deliveries list, with request and response when `full`."""
    shape: dict[str, Any] = {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": iso(delivery.delivered_at or delivery.created_at),
        "redelivery": delivery.redelivery,
        "duration": delivery.duration,
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }
    if full:
        shape["url"] = delivery.url
        shape["request"] = {
            "headers": delivery.request_headers or headers_of(delivery),
            "payload": json.loads(delivery.body),
        }
        shape["response"] = {"headers": delivery.response_headers, "payload": delivery.response_body}
    return shape
