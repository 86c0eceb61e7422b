"""One request of a runner: route, body, session, answer. Shapes are those of a Lambda Function URL, payload 2.0.

docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from functions.job_api.begin import begin
from functions.job_api.blobs import grant
from functions.job_api.claim import claim
from functions.job_api.evidence import store_evidence
from functions.job_api.finish import finish
from functions.job_api.heartbeat import beat
from functions.job_api.refusal import Refused
from functions.job_api.session import Session, in_turn, open_session
from functions.job_api.steps import put_step
from functions.world import World
from shared.agent.data import clean_all, read_json
from shared.domain.protocol import (
    BODY_MAX_BYTES,
    Begin,
    BlobWish,
    Claim,
    EvidenceReport,
    Finish,
    Heartbeat,
    Later,
    Refusal,
    StepResults,
)
from shared.errors import Retryable

_STEP = re.compile(r"^/v1/steps/(\d{1,6})$")

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answered:
    """`facts` go to the log: keys and codes, never bodies or tokens."""

    status: int
    body: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)


def answer(event: Mapping[str, Any], here: World) -> Answered:
    """Raises nothing that is expected: a refusal is an answer."""
    method = event["requestContext"]["http"]["method"]
    route = f"{method} {event.get('rawPath', '')}"
    try:
        return _route(method, str(event.get("rawPath", "")), event, here)
    except Refused as refused:
        return _refusal(refused.status, refused.refusal, route)
    except Retryable as later:
        refusal = Refusal(code="busy", message=str(later), retry_after_s=later.after_s)
        return _refusal(503, refusal, route)


def _route(method: str, path: str, event: Mapping[str, Any], here: World) -> Answered:
    if (method, path) == ("POST", "/v1/claim"):
        wish = _read(event, Claim)
        claimed = in_turn(lambda: claim(here, wish))
        facts = {"job": claimed.job, "epoch": claimed.epoch, "kind": claimed.kind}
        return Answered(200, claimed.model_dump(mode="json"), {"event": "job.claimed", **facts})
    step = _STEP.match(path)
    if method == "PUT" and step:
        number, results = int(step[1]), _read(event, StepResults)
        reply = _for_session(event, here, lambda session: put_step(session, number, results))
        status = 202 if isinstance(reply, Later) else 200
        return Answered(status, reply.model_dump(mode="json"), {"event": "job.stepped", "step": number})
    if method == "POST":
        match path:
            case "/v1/heartbeat":
                heartbeat = _read(event, Heartbeat)
                orders = _for_session(event, here, lambda session: beat(session, heartbeat))
                return Answered(200, orders.model_dump(mode="json"), {"event": "job.beat", "orders": orders.orders})
            case "/v1/begin":
                started = _read(event, Begin)
                _for_session(event, here, lambda session: begin(session, started))
                return Answered(200, {}, {"event": "job.begun", "step": started.step})
            case "/v1/blobs":
                blob = _read(event, BlobWish)
                granted = _for_session(event, here, lambda session: grant(session, blob))
                return Answered(200, granted.model_dump(mode="json"), {"event": "job.blob", "have": granted.have})
            case "/v1/evidence":
                report = _read(event, EvidenceReport)
                _for_session(event, here, lambda session: store_evidence(session, report))
                return Answered(200, {}, {"event": "job.evidence", "observations": len(report.observations)})
            case "/v1/finish":
                word = _read(event, Finish)
                _for_session(event, here, lambda session: finish(session, word))
                return Answered(200, {}, {"event": "job.finished", "outcome": word.outcome, "reason": word.reason})
    raise Refused("not_found", f"there is no {method} {path[:100]} here")


Result = TypeVar("Result")


def _for_session(event: Mapping[str, Any], here: World, work: Callable[[Session], Result]) -> Result:
    """Each try begins with a fresh reading of job and lease."""
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    return in_turn(lambda: work(open_session(here, headers)))


def _read(event: Mapping[str, Any], shape: type[Body]) -> Body:
    """The request's body. Raises Refused: too_big, bad_request."""
    raw = event.get("body") or ""
    try:
        data = base64.b64decode(raw, validate=True) if event.get("isBase64Encoded") else str(raw).encode()
    except ValueError as error:
        raise Refused("bad_request", "the body is not what its encoding says") from error
    if len(data) > BODY_MAX_BYTES:
        raise Refused(
            "too_big", f"a body of {len(data)} bytes; at most {BODY_MAX_BYTES} are taken, larger things as blobs"
        )
    try:
        return shape.model_validate(clean_all(read_json(data.decode("utf-8"))))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise Refused("bad_request", f"{where}: {first['msg']}") from error
    except ValueError as error:
        raise Refused("bad_request", "the body is not JSON in UTF-8") from error


def _refusal(status: int, refusal: Refusal, route: str) -> Answered:
    facts = {"event": "job.refused", "code": refusal.code, "route": route}
    return Answered(status, refusal.model_dump(mode="json"), facts)
