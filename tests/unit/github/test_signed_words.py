"""Tickets, session tokens and markers: only our keys make them, and one is never taken for the other."""

import base64
import json

import pytest

from shared.domain.tickets import (
    MARGIN_MS,
    TICKET_S,
    Rejected,
    Session,
    Ticket,
    make_session,
    make_ticket,
    read_session,
    read_ticket,
)
from shared.github.markers import bears, marker

KEYS = (b"new", b"old")
EFFECT = "0123456789abcdef0123"
NOW = 1_780_000_000_000


def test_a_ticket_is_read_back() -> None:
    text = make_ticket(KEYS, "job0000001", 2, NOW)
    assert read_ticket(KEYS, text, NOW) == Ticket("job0000001", 2, NOW + TICKET_S * 1000)
    assert len(text) < 200


def test_a_key_may_be_changed_under_load() -> None:
    assert isinstance(read_ticket(KEYS, make_ticket((b"old",), "j", 1, NOW), NOW), Ticket)
    assert read_ticket(KEYS, make_ticket((b"else",), "j", 1, NOW), NOW) == Rejected("forged")


def test_time_runs_out_with_a_margin() -> None:
    text, end = make_ticket(KEYS, "j", 1, NOW), NOW + TICKET_S * 1000
    assert isinstance(read_ticket(KEYS, text, end + MARGIN_MS), Ticket)
    assert read_ticket(KEYS, text, end + MARGIN_MS + 1) == Rejected("expired")


def test_a_ticket_is_no_session_and_a_session_no_ticket() -> None:
    ticket, session = make_ticket(KEYS, "j", 1, NOW), make_session(KEYS, "j", 1, NOW + 1000)
    assert read_session(KEYS, session, NOW) == Session("j", 1, NOW + 1000)
    assert read_session(KEYS, ticket, NOW) == Rejected("malformed")
    assert read_session(KEYS, "s1" + ticket[2:], NOW) == Rejected("forged")
    assert read_ticket(KEYS, session, NOW) == Rejected("malformed")


@pytest.mark.parametrize("text", ["", ".", "t1..", "t1.a.b.c", "t1.é.x", "x" * 5000, "t1." + "A" * 3000 + ".x"])
def test_nonsense_is_rejected(text: str) -> None:
    assert isinstance(read_ticket(KEYS, text, NOW), Rejected)


def test_a_changed_payload_is_forged() -> None:
    kind, body, mac = make_ticket(KEYS, "j", 1, NOW).split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | {"n": 2}
    other = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    assert read_ticket(KEYS, f"{kind}.{other}.{mac}", NOW) == Rejected("forged")


@pytest.mark.parametrize("keys", [(), (b"",), (b"good", b"")])
def test_an_empty_key_signs_nothing(keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="key"):
        make_ticket(keys, "j", 1, NOW)
    with pytest.raises(ValueError, match="key"):
        marker(keys, EFFECT)


def test_a_marker_counts_with_any_of_our_keys_only() -> None:
    assert bears(KEYS, EFFECT, f"text\n\n{marker(KEYS, EFFECT)}")
    assert bears(KEYS, EFFECT, marker((b"old",), EFFECT))
    assert not bears(KEYS, EFFECT, marker((b"else",), EFFECT))
    assert not bears(KEYS, "f" * 20, marker(KEYS, EFFECT))
    assert bears(KEYS, EFFECT, marker((b"else",), EFFECT) + marker(KEYS, EFFECT))
