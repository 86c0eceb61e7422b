"""Trouble on order: refuse, drop, delay, or lose the answer of the requests that match."""

import re
import time
from dataclasses import dataclass, field
from typing import Any

from local.github import access
from local.github.call import Call
from local.github.refusals import Refusal

KINDS = ("status", "secondary_limit", "primary_limit", "drop", "drop_after_effect", "bad_gateway_after_effect", "delay")
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "For more on scraping GitHub and how it may affect your rights, please review our Terms of Service."
)
SECONDARY_DOCS = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"

# What counts as making content, and tells people of it.
CONTENT = re.compile(
    r"/repos/[^/]+/[^/]+/(issues|issues/\d+/comments|pulls|pulls/\d+/(comments|comments/\d+/replies|reviews"
    r"|requested_reviewers)|commits/[^/]+/comments)"
)


@dataclass
class Fault:
    """One order. It hits requests whose method, path and body match, after `skip` hits, `count` times (0: always).

    What a delay holds goes on at once when the order is taken back.
    """

    what: str
    path: str = ".*"
    method: str = ".*"
    body: str | None = None
    actor: str | None = None
    count: int = 1
    skip: int = 0
    status: int = 502
    message: str = "Server Error"
    answer: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    header: bool = True
    delay_s: float = 0.0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.what not in KINDS:
            raise Refusal(422, f"no fault named {self.what}; there are {', '.join(KINDS)}")

    def matches(self, call: Call) -> bool:
        """Whether this order is for the request (regular expressions: whole method, part of path and body)."""
        if not re.fullmatch(self.method, call.request.method, re.IGNORECASE) or not re.search(self.path, call.path):
            return False
        if self.actor is not None and self.actor not in (call.actor.name, _kind(call.actor)):
            return False
        if self.body is not None:
            return re.search(self.body, call.request.get_data(as_text=True, cache=True)) is not None
        return True


def _kind(actor: access.Actor) -> str:
    match actor:
        case access.Person():
            return "person"
        case access.AppHere() | access.AppItself():
            return "app"
        case _:
            return "nobody"


def take(call: Call) -> Fault | None:
    """The first order that hits this request; uses one of its hits up. The world's lock is held."""
    for fault in call.world.faults:
        if not fault.matches(call):
            continue
        if fault.skip > 0:
            fault.skip -= 1
            continue
        if fault.count and fault.hits >= fault.count:
            continue
        fault.hits += 1
        return fault  # type: ignore[no-any-return]
    return None


def secondary_limit(*, header: bool, retry_after_s: int = 60) -> Refusal:
    """GitHub's answer to who is too quick; not every one carries `retry-after`."""
    return Refusal(403, SECONDARY, headers={"Retry-After": str(retry_after_s)} if header else {}, docs=SECONDARY_DOCS)


def before(call: Call, fault: Fault) -> None:
    """What the fault does instead of the request, as a Refusal; nothing for those that act afterwards."""
    match fault.what:
        case "status":
            raise Refusal(fault.status, fault.message, headers=fault.headers)
        case "secondary_limit":
            raise secondary_limit(header=fault.header, retry_after_s=call.world.settings.retry_after_s)
        case "primary_limit":
            reset = str(int(call.world.now()) + call.world.settings.retry_after_s)
            headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
            raise Refusal(403, f"API rate limit exceeded for {call.actor.name}.", headers=headers)
        case "delay":
            until = time.monotonic() + fault.delay_s
            while time.monotonic() < until and any(each is fault for each in call.world.faults):
                time.sleep(0.02)


def count_content(call: Call) -> None:
    """Count a write that makes content; raises the secondary limit when the limits are on and passed."""
    if call.request.method != "POST" or not CONTENT.fullmatch(call.path):
        return
    world = call.world
    now = world.now()
    made = world.content_writes[call.actor.name]
    made[:] = [at for at in made if at > now - 3600]
    settings = world.settings
    if settings.content_limits:
        in_minute = sum(1 for at in made if at > now - 60)
        if in_minute >= settings.content_per_minute or len(made) >= settings.content_per_hour:
            raise secondary_limit(header=settings.limit_header, retry_after_s=settings.retry_after_s)
    made.append(now)
