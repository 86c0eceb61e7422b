"""Everything that can go wrong at a provider, as one table: what it is, what becomes of it, and the words for the person.

Three things can become of it. *busy*: nothing was billed, the same question may be asked after a while. *failed*: asking
again is no use. *lost*: no answer will come, and it may have been billed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NoReturn

from shared.agent.data import clean
from shared.errors import Retryable
from shared.ports import ModelBusy, ModelFailed
from shared.settings import KEY_NAMES, URL_NAMES

LONG_S = 120.0  # a wait above this is no pause but an outage
QUOTED_CHARS = 200

CONNECT, SILENT, BROKEN, ENDED, GARBLED, LATE, HUGE = "connect silent broken ended garbled late huge".split()
"""What happened where the provider gave no status: codes of a trouble whose status is 0."""

PRIVATE = "private"
"""The cause where a provider does not take back what it signed or encrypted itself."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """As the provider said it. `status` 0: it said nothing, `code` is one of ours. `begun`: an answer had begun."""

    status: int
    code: str = ""
    message: str = ""
    after_s: float | None = None
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Matches a status (None: any) and words in code or message (None: any). `words` and `advice` are for the person."""

    statuses: str | None
    says: str | None
    becomes: Literal["busy", "failed", "lost"]
    cause: str
    words: str
    advice: str = ""
    after_s: float = 0.0
    long: bool = False

    def matches(self, trouble: Trouble) -> bool:
        if self.statuses is not None and not re.fullmatch(self.statuses, str(trouble.status)):
            return False
        said = f"{trouble.code} {trouble.message}"
        return self.says is None or re.search(self.says, said, re.IGNORECASE) is not None


TABLE: tuple[Row, ...] = (
    Row(
        "413|400|422",
        r"request_too_large|context_length_exceeded|string_above_max_length|prompt is too long|context (window|length|size)"
        r"|context limit|maximum context|(input|prompt) token count|too many tokens|input is too long",
        "failed",
        "too_long",
        "the conversation is too long for {model}",
        "choose a model with a larger window, or let a smaller task be built",
    ),
    Row(
        "429",
        r"request too large",  # for the account's tokens a minute: waiting does not make it smaller
        "failed",
        "too_long",
        "the conversation is larger than this account may send to {model} in a minute",
        "raise the account's limit at {provider}, choose another model, or let a smaller task be built",
    ),
    Row(
        "400|404|422",
        r"invalid_encrypted_content|encrypted content.{0,200}(could not|cannot) be|thought[_ ]signature"
        r"|invalid `?signature|thinking`? blocks?.{0,80}cannot be modified|items are not persisted"
        r"|'reasoning'.{0,40}without its required|without its required 'reasoning'",
        "failed",
        PRIVATE,
        "{provider} does not take back what it signed itself",
        "choose another model; this one goes on where a conversation begins anew",
    ),
    Row(
        "400|403",
        r"location is not supported|unsupported_country|(country|region|territory).{0,30}not supported",
        "failed",
        "place",
        "{provider} does not serve the place that it is asked from",
        "the operator's turn: choose a model of another provider",
    ),
    Row("413", None, "failed", "too_long", "the request is too large for {provider}", "let a smaller task be built"),
    Row(
        "4..",
        r"api[_ ]key[_ ](invalid|not valid|not found|expired)|invalid_api_key|incorrect api key|invalid x-api-key",
        "failed",
        "key",
        "{provider} does not take the key",
        "the operator's turn: set {key_name} to a key that is valid",
    ),
    Row(
        "402|403|429|400",
        r"insufficient_quota|billing_hard_limit|billing_not_active|billing_error|credit balance|spend(ing)?[ _](limit|cap)"
        r"|usage limits?\b|payment.required",
        "busy",
        "spend_cap",
        "no money or quota is left at {provider}",
        after_s=3600.0,
        long=True,
    ),
    Row("402", None, "busy", "spend_cap", "{provider} wants to be paid first", after_s=3600.0, long=True),
    Row("429", r"PerDay|per day", "busy", "rate", "today's quota at {provider} is used up", after_s=3600.0, long=True),
    Row("429", None, "busy", "rate", "{provider} asks for a pause", after_s=15.0),
    Row(
        "529|503|500",
        r"overload|unavailable|high demand",
        "busy",
        "overloaded",
        "{provider} is overloaded",
        after_s=10.0,
    ),
    Row("529|503", None, "busy", "overloaded", "{provider} is overloaded", after_s=10.0),
    Row("500|400", r"rate_limit_exceeded", "busy", "rate", "{provider} asks for a pause", after_s=15.0),
    Row(
        "4..|5..",
        r"content_policy|content_filter|invalid_prompt|bio_policy|misalignment_policy|usage polic|was flagged",
        "failed",
        "refused",
        "{provider} refuses this request",
        "say it in other words, or choose another model",
    ),
    Row(
        "4..",
        r"model_not_found|model.{0,80}(does not exist|not found|not supported|no longer|deprecated|retired|shut ?down)"
        r"|access to (the )?model|not_found_error",
        "failed",
        "model",
        "{provider} has no model {model} for this key",
        "choose a model that it has",
    ),
    Row(
        "404",
        None,
        "failed",
        "model",
        "{provider} answers 404 for {model}",
        "choose a model that it has; with an address of your own, check {url_name}",
    ),
    Row(
        "401|403",
        None,
        "failed",
        "key",
        "{provider} does not take the key",
        "the operator's turn: set {key_name} to a key that may use this model",
    ),
    Row("408|504|524", None, "lost", "late", "{provider} did not come to an answer in its time"),
    Row("409|5..", None, "busy", "overloaded", "{provider} has a failure of its own", after_s=5.0),
    Row("0", rf"^{CONNECT}\b", "busy", "overloaded", "{provider} cannot be reached", after_s=10.0),
    Row("0", rf"^{SILENT}\b", "lost", SILENT, "{provider} sent nothing for too long, and was cut off"),
    Row("0", rf"^{LATE}\b", "lost", LATE, "{provider} took too long for the whole answer, and was cut off"),
    Row("0", rf"^{BROKEN}\b", "lost", BROKEN, "the connection to {provider} broke within the answer"),
    Row("0", rf"^{ENDED}\b", "lost", ENDED, "the answer of {provider} ended before it was whole"),
    Row("0", rf"^{GARBLED}\b", "lost", GARBLED, "{provider} sent something that cannot be read"),
    Row("0", rf"^{HUGE}\b", "lost", HUGE, "{provider} sent far more than was asked for, and was cut off"),
    Row(
        "2..",
        None,
        "failed",
        "request",
        "{provider} answers with something that is no stream of events",
        "the operator's turn: check {url_name}",
    ),
    Row(
        "3..",
        None,
        "failed",
        "request",
        "{provider} answers from another address",
        "the operator's turn: check {url_name}",
    ),
    Row(
        None,
        None,
        "failed",
        "request",
        "{provider} takes this request for wrong",
        "this looks like a defect of Persevere or a model that works otherwise: choose another model, and report it",
    ),
)


def row_of(trouble: Trouble) -> Row:
    """The first row that matches. What had begun when it broke may have been billed: it is lost, never busy."""
    row = next(row for row in TABLE if row.matches(trouble))
    return replace(row, becomes="lost") if trouble.begun and row.becomes == "busy" else row


def fail(trouble: Trouble, name: str, secret: str = "") -> NoReturn:
    """Raise what the row says, in words. `name` is `<provider>:<model>`; `secret` is never shown."""
    row = row_of(trouble)
    provider, _, model = name.partition(":")
    known = {"provider": provider, "model": model, "key_name": KEY_NAMES[provider], "url_name": URL_NAMES[provider]}
    words = row.words.format(**known) + _quote(trouble, secret)
    match row.becomes:
        case "busy":
            after_s = trouble.after_s if trouble.after_s is not None else row.after_s
            raise ModelBusy(words, after_s, row.cause, long=row.long or after_s > LONG_S)
        case "failed":
            raise ModelFailed(words, row.advice.format(**known), row.cause)
        case "lost":
            raise Retryable(words, trouble.after_s or 1.0)


def _quote(trouble: Trouble, secret: str) -> str:
    said = " ".join(clean(trouble.message).split())
    if len(secret) >= 4:
        said = said.replace(secret, "(the key)")
    said = re.sub(r"\b(sk-|AIza)[\w*-]{4,}", "(a key)", said)
    said = re.sub(r"\b(org-|proj_|projects?[/ ](?=\d))\w{4,}", "(an account)", said)[:QUOTED_CHARS]
    parts = [str(trouble.status) if trouble.status else "", said]
    shown = ": ".join(part for part in parts if part)
    return f" ({shown})" if shown else ""


def trouble_of(status: int, headers: Any, body: Any) -> Trouble:
    """From an answer that is an error. `headers` is a mapping that ignores letter case, `body` JSON or text."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(body, list) and body and isinstance(body[0], dict):  # Gemini, when asked for a stream
        error = body[0].get("error", body[0])
    if not isinstance(error, dict):
        return Trouble(status, "", str(error or "")[:1000], _after(headers))
    details = error.get("details")
    reasons, delay = _details(details if isinstance(details, list) else [])
    code_of_details = details.get("error_code") if isinstance(details, dict) else None
    codes = [error.get("type"), error.get("code"), error.get("status"), code_of_details, *reasons]
    code = " ".join(str(each) for each in codes if each)
    after = _after(headers)
    return Trouble(status, code, str(error.get("message") or "")[:1000], after if after is not None else delay)


def check_stream(status: int, headers: Any) -> Trouble | None:
    """What is wrong with the head of an answer that should be a stream: a page of some proxy, for example."""
    kind = str(headers.get("content-type") or "").lower()
    return Trouble(status, "page", kind) if kind.startswith("text/html") else None


def _details(details: list[Any]) -> tuple[list[str], float | None]:
    """Google's error details: reasons and quota names, and after how many seconds to come again.

    github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
    """
    reasons: list[str] = []
    delay: float | None = None
    for detail in details:
        if not isinstance(detail, dict):
            continue
        reasons.append(str(detail.get("reason") or ""))
        violations = detail.get("violations")
        found = [each for each in violations if isinstance(each, dict)] if isinstance(violations, list) else []
        reasons += [str(each.get("quotaId") or "") for each in found]
        delay = _seconds(str(detail.get("retryDelay") or "").removesuffix("s")) if delay is None else delay
    return reasons, delay


def _after(headers: Any) -> float | None:
    """Seconds that `retry-after-ms` or `retry-after` (seconds, or a date against the answer's own) ask for."""
    ms = _seconds(headers.get("retry-after-ms"))
    if ms is not None:
        return ms / 1000
    given = headers.get("retry-after")
    seconds = _seconds(given)
    if seconds is not None or not given or not headers.get("date"):
        return seconds
    try:
        left = (parsedate_to_datetime(given) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(left, 0.0)


def _seconds(text: Any) -> float | None:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value < 1e7 else None
