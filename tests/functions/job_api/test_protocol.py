"""What a runner hears: each code of the protocol, entered by the Lambda event that the Function URL would send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain import keys
from shared.domain.protocol import CHANGESET_MAX_BYTES
from shared.domain.tickets import make_session, make_ticket
from shared.ports import ModelFailed, TokenRefused
from tests.functions.job_api.house import JOB, KEY, PK, House, Runner, bash, done, spec, spec_record

FINISH = {"calls": [{"tool": "finish", "args": {"summary": "all of it"}}]}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path, [bash(f"echo {number}") for number in range(30)])


def at_work(house: House, **claim: Any) -> Runner:
    runner = house.runner(**claim)
    status, _ = runner.claim()
    assert status == 200
    return runner


# --- claim ---------------------------------------------------------------------------------------------------


def test_a_claim_tells_all_that_a_runner_needs(house: House) -> None:
    claimed = at_work(house).claimed
    assert claimed["clone"] == {
        "url": "https://github.example/octo-org/octo-repo.git",
        "base": "b" * 40,
        "head": None,
        "token": "ghs_1",
        "revoke_url": "https://api.github.example/installation/token",
    }
    assert house.tokens.given == [("clone", 99, 7)]
    assert [each["id"] for each in claimed["criteria"]] == ["AC-1", "AC-2"]
    assert claimed["resume"] == {"step": 0, "tree": None, "bundle": None, "kind": "changeset"}
    assert claimed["limits"]["seconds"] == 3060  # 15 % of the hour is kept
    assert "Sums" in claimed["words"]
    assert house.inbounds()[0]["data"] == {
        "job": JOB, "epoch": 1, "claimed": True, "sandbox": "bwrap", "network": "local",
    }  # fmt: skip


def test_the_same_nonce_claims_again_with_the_next_epoch_and_the_old_token_is_stale(house: House) -> None:
    runner = at_work(house)
    old = runner.token
    status, answer = runner.claim()
    assert (status, answer["epoch"]) == (200, 2)
    runner.token = old
    status, answer = runner.send("POST", "/v1/heartbeat", {"step": 0})
    assert (status, answer["code"]) == (409, "stale_epoch")


def test_a_new_launch_goes_on_from_the_last_checkpoint(house: House) -> None:
    runner = at_work(house)
    _, first = runner.put_step(0)
    bundle = house.blobs.put(f"7/{JOB}", b"changeset")
    runner.put_step(1, *done(first), tree="t" * 40, checkpoint={"tree": "t" * 40, "bundle": bundle})
    runner.send("POST", "/v1/heartbeat", {"step": 1, "seconds": 4})
    runner.send("POST", "/v1/begin", {"step": 1})
    house.put_job(launch=2)
    assert runner.put_step(2)[1]["code"] == "stale_epoch"
    fresh = at_work(house, launch=2, nonce="m" * 20)
    assert fresh.claimed["resume"]["step"] == 2
    assert fresh.claimed["resume"]["tree"] == "t" * 40
    assert bundle.rpartition("/")[2] in fresh.claimed["resume"]["bundle"]


CLAIM_REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str]] = {
    "no ticket of ours": ({}, {"ticket": "t1.e30.xx"}, 401, "bad_token"),
    "another nonce": ({}, {"nonce": "z" * 20}, 409, "claimed"),
    "a launch that was given up": ({"launch": 2}, {}, 409, "claimed"),
    "a job that was paused": ({"status": "paused"}, {}, 409, "claimed"),
    "a job that was stopped": ({"status": "stopped"}, {}, 410, "job_over"),
    "another protocol": ({}, {"protocol": 2}, 422, "bad_request"),
    "a field too many": ({}, {"wish": "more"}, 422, "bad_request"),
    "a nonce too short": ({}, {"nonce": "z"}, 422, "bad_request"),
}


@pytest.mark.parametrize("name", CLAIM_REFUSALS)
def test_a_claim_that_is_refused(house: House, name: str) -> None:
    job, body, status, code = CLAIM_REFUSALS[name]
    at_work(house)
    house.put_job(**job)
    got, answer = house.runner().claim(**body)
    assert (got, answer["code"]) == (status, code)
    assert sum(each["data"].get("claimed", False) for each in house.inbounds()) == 1


def test_an_old_ticket_is_worth_nothing(house: House) -> None:
    runner = house.runner()
    house.clock.advance(16 * 60)
    assert runner.claim()[1]["code"] == "bad_token"


def test_a_ticket_for_a_job_that_nobody_knows(house: House) -> None:
    runner = house.runner(job="bbbbbbbbb2")
    assert runner.claim()[1]["code"] == "bad_token"


def test_when_github_gives_no_clone_token_the_job_ends_with_githubs_words(house: House) -> None:
    house.tokens.refusal = TokenRefused("the App is suspended here", "unsuspend it in the settings")
    status, answer = house.runner().claim()
    assert (status, answer["code"]) == (410, "job_over")
    finish = house.inbounds()[0]["data"]["finish"]
    assert (finish["outcome"], finish["reason"]) == ("gave_up", "no_workspace")
    assert "the App is suspended here" in finish["summary"]
    assert house.runner().claim()[1]["code"] == "job_over"


# --- sessions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": ""}, 401, "bad_token"),
        ({"authorization": "Bearer nonsense"}, 401, "bad_token"),
        ({"authorization": "Basic " + make_session((KEY,), JOB, 1, 1_800_000_000_000)}, 401, "bad_token"),
        ({"authorization": "Bearer " + make_session((b"other",), JOB, 1, 1_800_000_000_000)}, 401, "bad_token"),
        ({"authorization": "Bearer " + make_session((KEY,), JOB, 1, 1_000)}, 401, "bad_token"),
        ({"authorization": "Bearer " + make_session((KEY,), "nobody", 1, 1_800_000_000_000)}, 401, "bad_token"),
        ({"authorization": "Bearer " + make_ticket((KEY,), JOB, 1, 1_790_000_000_000)}, 401, "bad_token"),
        ({"authorization": "Bearer " + make_session((KEY,), JOB, 7, 1_800_000_000_000)}, 409, "stale_epoch"),
        ({"persevere-protocol": "2"}, 422, "bad_request"),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/heartbeat", {"step": 0}),
        ("PUT", "/v1/steps/0", {}),
        ("POST", "/v1/blobs", {"sha256": "0" * 64, "bytes": 1, "kind": "log"}),
        ("POST", "/v1/evidence", {"observations": []}),
        ("POST", "/v1/finish", {"outcome": "handed_over"}),
    ],
)
def test_every_route_asks_who_is_there(
    house: House, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    runner = at_work(house)
    got, answer = runner.send(method, path, body, headers)
    assert (got, answer["code"]) == (status, code)
    assert house.store.get(keys.step(JOB, 0)) is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/claim", {}, 404, "not_found"),
        ("POST", "/v2/claim", {}, 404, "not_found"),
        ("PUT", "/v1/steps/-1", {}, 404, "not_found"),
        ("PUT", "/v1/steps/0", "{", 422, "bad_request"),
        ("PUT", "/v1/steps/0", "[" * 100_000, 422, "bad_request"),
        ("PUT", "/v1/steps/0", '{"results": [NaN]}', 422, "bad_request"),
        ("PUT", "/v1/steps/0", "[]", 422, "bad_request"),
        ("PUT", "/v1/steps/0", {"results": [{"call": "0.0", "status": "great"}]}, 422, "bad_request"),
        ("PUT", "/v1/steps/0", json.dumps({"tree": "x" * 1_000_000}), 413, "too_big"),
        ("POST", "/v1/finish", {"outcome": "verified"}, 422, "bad_request"),
        ("POST", "/v1/finish", {"outcome": "handed_over", "changeset": f"7/{JOB}/{'0' * 64}"}, 422, "bad_request"),
        ("POST", "/v1/finish", {"outcome": "handed_over", "changeset": f"8/other/{'0' * 64}"}, 422, "bad_request"),
        ("POST", "/v1/evidence", {"observations": []}, 422, "bad_request"),
        ("POST", "/v1/blobs", {"sha256": "0" * 64, "bytes": 1, "kind": "film"}, 422, "bad_request"),
        (
            "POST",
            "/v1/blobs",
            {"sha256": "0" * 64, "bytes": 3 * CHANGESET_MAX_BYTES, "kind": "changeset"},
            413,
            "too_big",
        ),
    ],
)
def test_what_cannot_be_taken(house: House, method: str, path: str, body: Any, status: int, code: str) -> None:
    got, answer = at_work(house).send(method, path, body)
    assert (got, answer["code"]) == (status, code)
    assert answer["message"]


# --- steps ---------------------------------------------------------------------------------------------------


def test_a_step_that_is_asked_for_again_gets_the_same_answer_and_costs_nothing(house: House) -> None:
    runner = at_work(house)
    first = runner.put_step(0)
    spent = house.ledger().spent_nano
    assert runner.put_step(0) == first
    assert house.ledger().spent_nano == spent > 0
    assert house.ledger().held_nano == 0


def test_results_are_stored_once(house: House) -> None:
    runner = at_work(house)
    _, first = runner.put_step(0)
    runner.put_step(1, *done(first, "the truth"))
    runner.put_step(1, *done(first, "something else"))
    assert [result.text for result in house.step(0).results or ()] == ["the truth"]


def test_a_step_out_of_order_names_the_one_that_is_expected(house: House) -> None:
    runner = at_work(house)
    _, first = runner.put_step(0)
    runner.put_step(1, *done(first))
    status, answer = runner.put_step(5)
    assert (status, answer["code"], answer["expected"]) == (409, "wrong_step", 2)


def test_a_call_without_result_was_cut_short(house: House) -> None:
    runner = at_work(house)
    runner.put_step(0)
    runner.put_step(1)
    assert [result.status for result in house.step(0).results or ()] == ["interrupted"]


def test_a_result_may_not_name_a_blob_of_another_job(house: House) -> None:
    runner = at_work(house)
    _, first = runner.put_step(0)
    status, answer = runner.put_step(1, *done(first, artifact=f"7/other/{'0' * 64}"))
    assert (status, answer["code"]) == (422, "bad_request")
    assert house.step(0).results is None


@pytest.mark.parametrize(
    ("ledger", "code"),
    [({"limit_nano": 1_000_000}, "out_of_money"), ({"spent_seconds": 3061.0}, "out_of_time")],
)
def test_used_up_limits_keep_what_was_done(house: House, ledger: dict[str, Any], code: str) -> None:
    runner = at_work(house)
    _, first = runner.put_step(0)
    house.set_ledger(**ledger)
    status, answer = runner.put_step(1, *done(first, "kept"))
    assert (status, answer["code"]) == (402, code)
    assert [result.text for result in house.step(0).results or ()] == ["kept"]
    assert house.ledger().held_nano == 0
    bundle = house.blobs.put(f"7/{JOB}", b"work")
    status, _ = runner.send("POST", "/v1/finish", {"outcome": "gave_up", "reason": code, "changeset": bundle})
    assert status == 200


def test_a_job_of_another_kind_asks_no_model(house: House) -> None:
    house.put_job(kind="verify", head="c" * 40)
    assert at_work(house).put_step(0)[1]["code"] == "bad_request"


def test_a_stopped_job_tells_its_runner_to_leave_and_takes_its_work(house: House) -> None:
    runner = at_work(house)
    runner.put_step(0)
    house.put_job(status="stopped")
    assert runner.put_step(1)[0] == 202
    assert runner.send("POST", "/v1/heartbeat", {"step": 1})[1]["orders"] == ["stop"]
    bundle = house.blobs.put(f"7/{JOB}", b"work")
    word = {"outcome": "interrupted", "reason": "stopped", "changeset": bundle, "tree": "t" * 40, "files": 1}
    assert runner.send("POST", "/v1/finish", word)[0] == 200
    assert house.inbounds()[-1]["data"]["finish"]["changeset"] == bundle
    assert runner.put_step(1)[1]["code"] == "job_over"


def test_words_of_people_go_into_the_next_ask_once(house: House) -> None:
    from shared.domain.record import ABSENT, Put, Record
    from shared.domain.step import Said

    runner = at_work(house)
    said = Said(by="octocat", text="use Decimal", at=1)
    house.store.commit(Put(Record(keys.inbox(JOB, "01"), "inbox", said.model_dump(mode="json")), ABSENT))
    _, first = runner.put_step(0)
    runner.put_step(1, *done(first))
    assert [each.text for each in (house.step(0).asking or None).messages] == ["use Decimal"]  # type: ignore[union-attr]
    assert (house.step(1).asking or None).messages == ()  # type: ignore[union-attr]
    assert house.store.query(keys.job_pk(JOB), "INBOX#").records == ()
    assert any("use Decimal" in event["title"] for event in house.events())


# --- the end -------------------------------------------------------------------------------------------------


def test_a_last_word_is_one_inbound_however_often_it_is_said(house: House) -> None:
    runner = at_work(house)
    runner.put_step(0)
    for _ in range(3):
        assert runner.send("POST", "/v1/finish", {"outcome": "handed_over", "summary": "all"})[0] == 200
    words = [each for each in house.inbounds() if "finish" in each["data"]]
    assert len(words) == 1
    assert words[0]["data"]["epoch"] == 1
    status, answer = runner.send("POST", "/v1/heartbeat", {"step": 1})
    assert (status, answer["code"]) == (410, "job_over")


def test_container_seconds_are_booked_once(house: House) -> None:
    runner = at_work(house)
    house.clock.advance(100)
    for seconds in (10, 25, 25, 12):
        runner.send("POST", "/v1/heartbeat", {"step": 0, "seconds": seconds})
    runner.send("POST", "/v1/finish", {"outcome": "handed_over", "seconds": 40})
    assert house.ledger().spent_seconds == 40


def test_a_runner_cannot_book_more_time_than_has_passed(house: House) -> None:
    runner = at_work(house)
    house.clock.advance(10)
    runner.send("POST", "/v1/heartbeat", {"step": 0, "seconds": 1e9})
    assert house.ledger().spent_seconds == 15


def test_little_time_left_asks_for_the_end_and_the_model_hears_it(house: House) -> None:
    runner = at_work(house)
    house.set_ledger(spent_seconds=3060 - 100)
    assert runner.send("POST", "/v1/heartbeat", {"step": 0})[1]["orders"] == ["wrap_up"]
    runner.put_step(0)
    asking = house.step(0).asking
    assert asking is not None
    assert asking.wrap_up


def test_why_a_model_ended_the_loop_stands_in_the_last_word(tmp_path: Path) -> None:
    class Refusing:
        def ask(self, request: Any, deadline_s: float, alive: Any) -> Any:
            raise ModelFailed("the provider refuses the key", "set another one", cause="key")

    house = House(tmp_path, Refusing())
    runner = at_work(house)
    _, reply = runner.put_step(0)
    assert (reply["over"], reply["cause"]) == ("gave_up", "key")
    assert runner.put_step(1)[1]["over"] == "gave_up"
    runner.send("POST", "/v1/finish", {"outcome": "gave_up", "reason": "model", "summary": reply["why"]})
    assert house.inbounds()[-1]["data"]["finish"]["reason"] == "key"
    assert house.ledger().held_nano == 0


# --- evidence ------------------------------------------------------------------------------------------------


def test_evidence_of_a_proof_is_kept_a_record_a_criterion_and_side(house: House) -> None:
    house.put_job(kind="verify", head="c" * 40)
    runner = at_work(house)
    run = {"outcome": "fail", "exit": 1, "tail": "x" * 20_000}
    seen = [
        {"criterion": name, "side": side, "sha": "c" * 40, "runs": [run]}
        for name in ("AC-1", "AC-2")
        for side in ("base", "head")
    ]
    assert runner.send("POST", "/v1/evidence", {"observations": seen})[0] == 200
    record = house.store.get(keys.evidence(JOB, "AC-1", "head"))
    assert record is not None
    assert record.body["runs"][0]["tail"]["bytes"] == 20_000  # in a blob: over 16 KB
    from shared.spill import unpack

    assert unpack(record, house.blobs).body["runs"][0]["tail"] == "x" * 20_000
    unknown = {"observations": [{"criterion": "AC-9", "side": "base", "sha": "c" * 40}]}
    assert runner.send("POST", "/v1/evidence", unknown)[1]["code"] == "bad_request"


def test_a_survey_uses_no_ledger_and_knows_its_time(house: House) -> None:
    house.put_job(kind="survey", purpose="tryout", ledger=0)
    house.put(keys.spec(PK, 1), "spec", spec_record(spec()))
    runner = at_work(house)
    assert runner.claimed["limits"]["seconds"] == 300
    house.clock.advance(60)
    runner.send("POST", "/v1/heartbeat", {"step": 0, "seconds": 30})
    assert house.ledger().spent_seconds == 0


def test_a_granted_blob_is_of_this_job_and_need_not_be_sent_twice(house: House) -> None:
    runner = at_work(house)
    key = house.blobs.put(f"7/{JOB}", b"output")
    wish = {"sha256": key.rpartition("/")[2], "bytes": 6, "kind": "output"}
    assert runner.send("POST", "/v1/blobs", wish)[1] == {"key": key, "have": True, "put": None, "headers": {}}
    other = runner.send("POST", "/v1/blobs", wish | {"sha256": "1" * 64})[1]
    assert other["key"] == f"7/{JOB}/{'1' * 64}"
    assert other["put"].startswith("http://127.0.0.1:1/blobs")
