"""The webhook door: what it verifies, stores and answers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.github_webhook.webhook import Door, answer, is_authentic
from local.ids import SystemIds
from local.store import SqliteStore
from shared.domain import keys
from shared.ports import read_all
from tests.contract.manual_clock import ManualClock

SECRET = b"It's a Secret to Everybody"
APP = 7


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    clock = ManualClock()
    store = SqliteStore(tmp_path / "door.db", clock)
    yield Door(clock, SystemIds(), store, (SECRET, b"older"), APP, "/persevere")
    store.close()


def payload(body: str = "/persevere", **changes: Any) -> dict[str, Any]:
    """A created comment of octocat, as far as the door reads it."""
    octocat = {"id": 1, "login": "octocat", "type": "User"}
    document: dict[str, Any] = {
        "action": "created",
        "sender": octocat,
        "repository": {"id": 10, "full_name": "octo-org/octo-repo", "private": False, "default_branch": "main"},
        "installation": {"id": 5},
        "issue": {"number": 42, "state": "open"},
        "comment": {"id": 9_000_000_001, "body": body, "user": octocat, "created_at": "2026-01-01T00:00:00Z"},
    }
    return document | changes


def delivery(
    document: Any, *, guid: str = "g-1", event: str = "issue_comment", secret: bytes = SECRET, **headers: str
) -> dict[str, Any]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    signature = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    known = {"X-Hub-Signature-256": signature, "X-GitHub-Delivery": guid, "X-GitHub-Event": event}
    return {"headers": known | headers, "body": body.decode("utf-8", "replace"), "isBase64Encoded": False}


def stored(door: Door) -> list[dict[str, Any]]:
    return [record.body for record in read_all(door.store, keys.issue_pk(10, 42), "INBOUND#")]


def test_githubs_published_vector_is_authentic() -> None:
    header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_authentic([b"It's a Secret to Everybody"], header, b"Hello, World!")


@pytest.mark.parametrize(
    "header", [None, "", "sha1=0123", "sha256=", "sha256=ééé", "SHA256=757107", "sha256=" + "0" * 64]
)
def test_anything_else_is_not(header: str | None) -> None:
    assert not is_authentic([SECRET], header, b"Hello, World!")


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b""]])
def test_a_door_without_a_secret_refuses_to_judge(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="no secret"):
        is_authentic(secrets, "sha256=00", b"")


def test_a_command_is_stored_before_it_is_answered(door: Door) -> None:
    result = answer(delivery(payload("/persevere approve v2")), door)
    assert (result.status, result.verdict, result.reason) == (202, "stored", "command")
    (inbound,) = stored(door)
    assert inbound["data"] == {"verb": "approve", "arguments": "v2", "rest": "", "issue_state": "open"}
    assert inbound["sender"] == {"id": 1, "login": "octocat"}


def test_either_of_two_secrets_is_good_while_one_is_rotated(door: Door) -> None:
    assert answer(delivery(payload(), secret=b"older"), door).status == 202


def test_a_base64_body_is_judged_by_its_bytes(door: Door) -> None:
    event = delivery(payload("/persevere say ä€😀"))
    event["body"] = base64.b64encode(json.dumps(payload("/persevere say ä€😀")).encode()).decode()
    event["isBase64Encoded"] = True
    assert answer(event, door).status == 202
    assert stored(door)[0]["data"]["arguments"] == "ä€😀"


@pytest.mark.parametrize(
    ("event", "status", "reason"),
    [
        (delivery(payload(), secret=b"wrong"), 401, "signature"),
        (delivery(payload()) | {"headers": {"X-GitHub-Event": "issue_comment", "X-GitHub-Delivery": "g"}}, 401, "sign"),
        (delivery(b"not json"), 400, "no JSON"),
        (delivery(b'{"a": NaN}'), 400, "no JSON"),
        (delivery(b"[1, 2]"), 400, "no JSON object"),
        (delivery(b"[" * 20_000), 400, "JSON"),
        (delivery(payload() | {"comment": "x"}), 202, "no comment"),
        (delivery(payload(), guid=""), 400, "header is missing"),
        (delivery(payload(), event="unheard_of"), 202, "not of interest"),
        (delivery({"zen": "x", "hook_id": 1}, event="ping"), 202, "no repository"),
        ({"headers": {}, "body": "!!!", "isBase64Encoded": True}, 400, "base64"),
    ],
)
def test_what_is_no_delivery_of_ours_is_answered_and_not_stored(
    door: Door, event: dict[str, Any], status: int, reason: str
) -> None:
    result = answer(event, door)
    assert result.status == status
    assert reason in result.reason
    assert stored(door) == []


def test_the_same_delivery_twice_and_the_same_comment_under_two_guids_are_one_inbound(door: Door) -> None:
    first = answer(delivery(payload()), door)
    again = answer(delivery(payload()), door)
    other = answer(delivery(payload(), guid="g-2"), door)
    assert [first.verdict, again.verdict, other.verdict] == ["stored", "ignored", "ignored"]
    assert len(stored(door)) == 1


def bot(login: str) -> dict[str, Any]:
    return {"id": 3, "login": login, "type": "Bot"}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (payload(sender=bot("renovate[bot]")), "a bot"),
        (payload(sender={"id": 8, "login": "hubot", "type": "User"}), "not the comment's author"),
        (payload(comment=payload()["comment"] | {"performed_via_github_app": {"id": APP}}), "our own"),
        (payload(action="edited", changes={"body": {"from": "x"}}), "edit of somebody's"),
        (payload("  \n "), "empty"),
        (payload(installation=None), "no installation"),
    ],
)
def test_what_no_person_said_as_a_new_comment_starts_nothing(door: Door, document: dict[str, Any], reason: str) -> None:
    result = answer(delivery(document), door)
    assert result.verdict == "ignored"
    assert reason in result.reason
    assert stored(door) == []


def test_a_box_of_our_own_comment_is_stored_with_both_texts(door: Door) -> None:
    comment = payload("- [x] Approve")["comment"] | {
        "performed_via_github_app": {"id": APP},
        "user": bot("persevere[bot]"),
        "updated_at": "2026-01-01T00:01:00Z",
    }
    document = payload(action="edited", comment=comment, changes={"body": {"from": "- [ ] Approve"}})
    assert answer(delivery(document), door).reason == "box"
    assert stored(door)[0]["comment"]["before"] == "- [ ] Approve"


def test_a_table_that_does_not_answer_is_a_failure_that_github_records(door: Door, tmp_path: Path) -> None:
    class Mute:
        def commit(self, *changes: Any, token: str | None = None) -> None:
            from shared.ports import OutcomeUnknown

            raise OutcomeUnknown("away")

    mute = Door(door.clock, door.ids, Mute(), door.secrets, APP, "/persevere")  # type: ignore[arg-type]
    assert answer(delivery(payload()), mute).status == 500
