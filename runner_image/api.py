"""The control plane as the runner sees it: protocol version 1 over HTTP, with its errors made into ways on or out.

401 -> Leave 3 · 409 stale_epoch, claimed -> Leave 0 · 409 wrong_step -> WrongStep · 410 -> Leave 0 · 402 -> GiveUp with
its code · 413, 422 and every other refusal -> GiveUp "refused" · 429, 5xx, no answer -> again, until nothing was heard
for `patience` seconds, then Leave 4.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import requests
from pydantic import BaseModel, ValidationError

from runner_image.endings import GiveUp, Leave, bad_token, replaced, unreachable
from shared.domain.protocol import (
    PROTOCOL,
    Begin,
    BlobGrant,
    BlobWish,
    Claim,
    Claimed,
    EvidenceReport,
    Finish,
    Heartbeat,
    Later,
    Orders,
    Refusal,
    Reply,
    StepResults,
)

CONNECT_S = 10
ANSWER_S = 60
STEP_S = 540  # an ask may take its full eight minutes before the control plane cuts it off
BLOB_S = 300
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
LATER_AT_MOST_S = 30.0

BlobKind = Literal["changeset", "bundle", "output", "junit", "brief", "log"]
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class WrongStep:
    """The step that the control plane expects instead."""

    expected: int


class _Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that a .netrc never does."""

    def __init__(self, token: str | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Api:
    """One runner's talk with the control plane. Safe to use from two threads (each has its own connection).

    `patience` is for how many seconds it goes on without a usable answer.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._token: str | None = None
        self._read_at_most = float(STEP_S)
        self._hurried = False
        self._heard = time.monotonic()
        self._local = threading.local()

    def hurry(self, seconds: float) -> None:
        """From now on no request is waited for longer than that, nor tried again: we are about to be killed."""
        self._patience = self._read_at_most = seconds
        self._hurried = True

    def claim(self, claim: Claim) -> Claimed:
        claimed: Claimed = self._ask("POST", "/v1/claim", claim, Claimed)
        self._token = claimed.token
        return claimed

    def beat(self, heartbeat: Heartbeat, answer_s: float) -> Orders:
        orders: Orders = self._ask("POST", "/v1/heartbeat", heartbeat, Orders, answer_s=answer_s)
        return orders

    def step(self, number: int, results: StepResults, idled: Callable[[float], None]) -> Reply | WrongStep:
        """Posts the results of step `number` - 1 and waits for the reply, minutes if need be.

        `idled` is told for how many seconds there is no model to be asked.
        """
        while True:
            status, body = self._send("PUT", f"/v1/steps/{number}", results, read_s=STEP_S)
            if status == 202:
                later: Later = _read(Later, body)
                pause = min(later.retry_after_ms / 1000, LATER_AT_MOST_S)
                if later.idle:
                    idled(pause)  # before, so that the wait itself cannot be what uses the time up
                time.sleep(pause)
            elif status == 200:
                return _read(Reply, body)
            elif (refusal := _refusal(status, body)).code == "wrong_step" and refusal.expected is not None:
                return WrongStep(refusal.expected)
            else:
                raise _ending(status, refusal)

    def begin(self, step: int) -> None:
        """Nothing of a step's calls may be run before this returns."""
        self._ask("POST", "/v1/begin", Begin(step=step), None)

    def evidence(self, report: EvidenceReport) -> None:
        self._ask("POST", "/v1/evidence", report, None, alone=True)

    def finish(self, finish: Finish) -> None:
        self._ask("POST", "/v1/finish", finish, None)

    def store(self, data: bytes, kind: BlobKind) -> str:
        """Uploads a blob and returns its key."""
        wish = BlobWish(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), kind=kind)
        grant: BlobGrant = self._ask("POST", "/v1/blobs", wish, BlobGrant)
        if not grant.have:
            if grant.put is None:
                raise GiveUp("refused", "the control plane gave no place to put a blob")
            self._put(grant.put, grant.headers, data)
        return grant.key

    def store_file(self, path: Path, kind: BlobKind) -> str:
        return self.store(path.read_bytes(), kind)

    def fetch(self, url: str, at_most: int) -> bytes:
        """A granted download. Raises GiveUp when it is longer than `at_most` bytes."""
        data = bytearray()

        def get() -> requests.Response:
            data.clear()  # of one that broke off
            with self._session.get(url, timeout=self._timeout(BLOB_S), auth=_Bearer(None), stream=True) as response:
                if response.status_code != 200:
                    response.content  # noqa: B018  # read for who reads the refusal once the connection is closed
                    return response
                for piece in response.iter_content(1 << 16):
                    data.extend(piece)
                    if len(data) > at_most:
                        break
            return response

        response = self._again(get, "download", alone=True)
        if response.status_code != 200:
            raise GiveUp("refused", f"a blob could not be fetched: {response.status_code}")
        if len(data) > at_most:
            raise GiveUp("too_big", f"the stored changeset is longer than {at_most:,} bytes")
        return bytes(data)

    # --- requests ---------------------------------------------------------------------------------------

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session

    def _timeout(self, read_s: float) -> tuple[float, float]:
        return min(CONNECT_S, self._read_at_most), min(read_s, self._read_at_most)

    def _ask(
        self,
        method: str,
        path: str,
        body: BaseModel,
        answer: type[Answer] | None,
        *,
        answer_s: float = ANSWER_S,
        alone: bool = False,
    ) -> Any:
        status, raw = self._send(method, path, body, read_s=answer_s, alone=alone)
        if status != 200:
            raise _ending(status, _refusal(status, raw))
        return _read(answer, raw) if answer else None

    def _send(
        self, method: str, path: str, body: BaseModel, read_s: float, *, alone: bool = False
    ) -> tuple[int, bytes]:
        data = body.model_dump_json().encode()
        headers = {"Content-Type": "application/json", "Persevere-Protocol": str(PROTOCOL)}

        def send() -> requests.Response:
            return self._session.request(
                method,
                self._url + path,
                data=data,
                headers=headers,
                auth=_Bearer(self._token),
                timeout=self._timeout(read_s),
                allow_redirects=False,
            )

        response = self._again(send, path, alone=alone)
        return response.status_code, response.content

    def _put(self, url: str, headers: dict[str, str], data: bytes) -> None:
        def put() -> requests.Response:
            return self._session.put(
                url,
                data=data,
                headers=headers,
                timeout=self._timeout(BLOB_S),
                auth=_Bearer(None),
                allow_redirects=False,
            )

        # 409: somebody, perhaps we, is at the very same (ConditionalRequestConflict).
        response = self._again(put, "blob", busy=(409,), alone=True)
        # 412: write-once, and it is there already.
        if response.status_code not in (200, 201, 204, 412):
            raise GiveUp("refused", f"a blob could not be stored: {response.status_code} {response.text[:300]}")

    def _again(
        self, send: Callable[[], requests.Response], what: str, *, busy: tuple[int, ...] = (), alone: bool = False
    ) -> requests.Response:
        """Repeats until an answer that means something; what is repeated is safe to repeat by the protocol. `alone`: that
        heartbeats are heard says nothing of whether this one ever will be. Raises Leave.
        """
        wait, began = FIRST_WAIT_S, time.monotonic()
        while True:
            said = self._try(send)
            if isinstance(said, requests.Response) and not (_is_busy(said.status_code) or said.status_code in busy):
                self._heard = time.monotonic()
                return said
            # In a hurry each request has its own time as well: a heartbeat that is heard helps no upload that hangs.
            quiet = time.monotonic() - (began if alone or self._hurried else self._heard)
            if quiet > self._patience:
                why = said if isinstance(said, str) else f"status {said.status_code}"
                raise unreachable(f"{what}: nothing usable heard for {quiet:.0f} s: {why}")
            pause = wait if isinstance(said, str) else max(wait, _retry_after(said))
            time.sleep(min(pause, LONGEST_WAIT_S, max(self._patience - quiet, 0.05)))
            wait = min(wait * 2, LONGEST_WAIT_S)

    def _try(self, send: Callable[[], requests.Response]) -> requests.Response | str:
        try:
            return send()
        except requests.RequestException as error:
            return f"{type(error).__name__}: {error}"


def _is_busy(status: int) -> bool:
    return status == 429 or status >= 500


def _retry_after(response: requests.Response) -> float:
    refusal = _refusal(response.status_code, response.content)
    return refusal.retry_after_s or 0.0


def _read(model: type[Answer], body: bytes) -> Answer:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise GiveUp("refused", f"the control plane's answer is no {model.__name__}: {error}"[:1000]) from error


def _refusal(status: int, body: bytes) -> Refusal:
    try:
        return Refusal.model_validate_json(body)
    except ValidationError:
        return Refusal(code=f"http_{status}", message=body[:300].decode("utf-8", "replace"))


def _ending(status: int, refusal: Refusal) -> Leave | GiveUp:
    text = f"{refusal.code}: {refusal.message}"
    match status:
        case 401:
            return bad_token(text)
        case 409 | 410:
            return replaced(text)
        case 402:
            return GiveUp(refusal.code, refusal.message)
        case _:
            return GiveUp("refused", text)
