"""Money and time as people write them, roles as GitHub names them, records' keys, what steers and what changes the contract."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import keys
from shared.domain.commands.say import touches_contract
from shared.domain.money import NANO, dollars, minutes, parse_dollars, parse_seconds
from shared.domain.people import Role, role_from
from shared.domain.record import Key


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("$2", 2 * NANO),
        ("+$2", 2 * NANO),
        ("2$", 2 * NANO),
        ("$1.5", 3 * NANO // 2),
        ("$1.50", 3 * NANO // 2),
        (" $0.05 ", NANO // 20),
        ("$0", 0),
        ("2", None),
        ("$", None),
        ("-$2", None),
        ("$1.505", None),
        ("$1,50", None),
        ("$1e3", None),
        ("$9999999", None),
        ("€2", None),
        ("$2 $3", None),
        ("", None),
    ],
)
def test_an_amount_of_money_is_read_or_refused(text: str, nano: int | None) -> None:
    assert parse_dollars(text) == nano


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20m", 1200),
        ("+20m", 1200),
        ("20 min", 1200),
        ("20 Minutes", 1200),
        ("1h", 3600),
        ("2 hours", 7200),
        ("20", None),
        ("-5m", None),
        ("1.5h", None),
        ("20s", None),
        ("1h30m", None),
        ("99999m", None),
    ],
)
def test_an_amount_of_time_is_read_or_refused(text: str, seconds: int | None) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize(
    ("nano", "shown"),
    [(0, "$0.00"), (1, "$0.01"), (NANO, "$1.00"), (NANO + 1, "$1.01"), (1_840_000_000, "$1.84"), (NANO - 1, "$1.00")],
)
def test_money_never_looks_cheaper_than_it_was(nano: int, shown: str) -> None:
    assert dollars(nano) == shown


@given(st.integers(0, 999_999))
def test_what_is_written_is_read_back(cents: int) -> None:
    nano = cents * NANO // 100
    assert parse_dollars(dollars(nano)) == nano


@pytest.mark.parametrize(("seconds", "shown"), [(0, 0), (0.4, 1), (59.5, 1), (60, 1), (60.2, 2), (3600, 60)])
def test_minutes_are_rounded_up(seconds: float, shown: int) -> None:
    assert minutes(seconds) == shown


@pytest.mark.parametrize(
    ("role_name", "permission", "role"),
    [
        ("admin", "admin", Role.ADMIN),
        ("maintain", "write", Role.MAINTAIN),
        ("write", "write", Role.WRITE),
        ("triage", "read", Role.TRIAGE),
        ("read", "read", Role.READ),
        ("none", "none", Role.NONE),
        ("security-team", "write", Role.WRITE),
        ("security-team", "read", Role.READ),
        ("Admin", "read", Role.ADMIN),
        ("owner", "owner", Role.NONE),
        ("", "", Role.NONE),
    ],
)
def test_a_role_is_never_more_than_github_says(role_name: str, permission: str, role: Role) -> None:
    assert role_from(role_name, permission) == role


@pytest.mark.parametrize(
    ("text", "touches"),
    [
        ("use the csv module", ""),
        ("AC-2 is about the old test in tests/test_export.py", ""),
        ("AC-2: warn instead of failing", "AC-2"),
        ("skip ac-3", "AC-3"),
        ("you may ignore AC-1 for now", "AC-1"),
        ("take $5 more", "the limits"),
        ("the budget is too small", "the limits"),
        ("French is out of scope", "the scope"),
        ("also implement Swiss formats", "the scope"),
        ("replace the loop by a comprehension", ""),
    ],
)
def test_steering_and_changing_the_contract_are_told_apart(text: str, touches: str) -> None:
    assert touches_contract(text) == touches


def test_keys_read_back_and_sort_by_time() -> None:
    assert keys.issue_of(keys.issue_pk(7, 42)) == (7, 42)
    with pytest.raises(ValueError, match="not an issue"):
        keys.issue_of("JOB#1#2")
    early, late = keys.inbound("P", 5, "B"), keys.inbound("P", 10**12, "A")
    assert early < late
    assert keys.handled(early) == Key("P", early.sk.replace("INBOUND", "HANDLED"))


def test_a_tick_an_untick_and_a_tick_are_three_deeds() -> None:
    body = "- [x] **Approve v1 and start**"
    first, again = (keys.command_identity("ic", 1, body, at) for at in ("10:00", "10:02"))
    assert len({first, again, keys.command_identity("ic", 1, body)}) == 3
    assert keys.command_identity("ic", 1, body) == keys.command_identity("ic", 1, body)
