"""One signed call of an AWS service that speaks JSON, with the standard library alone.

For the webhook door: importing botocore and making a client costs more than all else that it does. Signature Version 4:
docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; a test holds it against botocore's.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared.aws.transaction import NoAnswer, Rejected

TIMEOUT_S = 3.0
TRIES = 2


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a function's role has; never printed."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Credentials:
        """Lambda puts them there before each start. Raises KeyError where they are not."""
        token = environment.get("AWS_SESSION_TOKEN", "")
        return cls(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], token)


class Service:
    """One service in one region. Keeps its connection; one thread at a time, as in a function."""

    def __init__(self, name: str, prefix: str, content: str, region: str, endpoint: str | None = None) -> None:
        """`name` as it is signed, `prefix` of X-Amz-Target, `content` type; `endpoint` is an emulator's address."""
        self._name = name
        self._prefix = prefix
        self._content = content
        self._region = region
        self._url = urlsplit(endpoint or f"https://{name}.{region}.amazonaws.com")
        self._connection: http.client.HTTPConnection | None = None

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's JSON. Raises Rejected, and NoAnswer when nothing came after a second try.

        Only what may be repeated is called by this: a read, or a transaction with its token.
        """
        body = json.dumps(request, ensure_ascii=False).encode()
        for last in (*[False] * (TRIES - 1), True):
            headers = self._headers(operation, body)
            try:
                return self._send(body, headers)
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if last:
                    raise NoAnswer(type(error).__name__) from error
        raise AssertionError("unreachable")

    def _headers(self, operation: str, body: bytes) -> dict[str, str]:
        headers = {
            "content-type": self._content,
            "host": self._url.netloc,
            "x-amz-target": f"{self._prefix}.{operation}",
        }
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        return sign(headers, body, self._name, self._region, Credentials.of(os.environ), at)

    def _send(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        if self._connection is None:
            self._connection = self._open()
        self._connection.request("POST", self._url.path or "/", body, headers)
        with self._connection.getresponse() as response:
            data = response.read()
            status = response.status
        answer: dict[str, Any] = json.loads(data or b"{}") if status < 500 or data.startswith(b"{") else {}
        if status == 200:
            return answer
        code = str(answer.get("__type", "")).rpartition("#")[2] or (
            "ServiceUnavailable" if status >= 500 else str(status)
        )
        message = str(answer.get("message") or answer.get("Message") or "")
        raise Rejected(code, message, answer.get("CancellationReasons", ()))

    def _open(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=ssl.create_default_context())

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def dynamodb(region: str, endpoint: str | None = None) -> Service:
    return Service("dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0", region, endpoint)


def secrets_manager(region: str, endpoint: str | None = None) -> Service:
    return Service("secretsmanager", "secretsmanager", "application/x-amz-json-1.1", region, endpoint)


def sign(
    headers: Mapping[str, str], body: bytes, service: str, region: str, credentials: Credentials, at: str
) -> dict[str, str]:
    """The headers with those that prove who asks. `headers` are in lower case, `at` is YYYYMMDDTHHMMSSZ; path is `/`."""
    named = {**headers, "x-amz-date": at}
    if credentials.token:
        named["x-amz-security-token"] = credentials.token
    signed = ";".join(sorted(named))
    lines = "".join(f"{name}:{named[name].strip()}\n" for name in sorted(named))
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in (at[:8], region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    who = f"Credential={credentials.access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
    return {**named, "authorization": f"AWS4-HMAC-SHA256 {who}"}
