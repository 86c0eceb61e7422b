"""A provider that is out at some step of a job: another one goes on with the same conversation, and people hear of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from functions.load import load_view
from local.scripted_model import Line, ScriptedModel
from shared.errors import Retryable
from shared.llm.models import Models
from shared.ports import Answer, ModelBusy, ModelFailed, Request
from shared.render.model_words import trouble
from tests.functions.job_api.house import JOB, MODEL, PK, House, Runner, bash, done

OTHER = "anthropic:claude-sonnet-5-5"


class Troubled:
    """A script that raises what it is told before it answers; remembers what it was asked."""

    def __init__(self, *lines: dict[str, Any]) -> None:
        self.script = ScriptedModel([Line.model_validate({"for": "build"} | line) for line in lines])
        self.raised: list[Exception] = []
        self.requests: list[Request] = []

    def ask(self, request: Request, deadline_s: float, alive: Callable[[], None]) -> Answer:
        self.requests.append(request)
        if self.raised:
            raise self.raised.pop(0)
        return self.script.ask(request, deadline_s, alive)


def begun(tmp_path: Path, *fallbacks: str) -> tuple[House, Troubled, Runner]:
    model = Troubled(*[bash(f"echo {number}") for number in range(6)])
    house = House(tmp_path, model)
    operator = house.world.operator.model_copy(update={"models": (MODEL, OTHER), "fallbacks": fallbacks})
    models = Models({"scripted": lambda _: model, "anthropic": lambda _: model})
    house.world = dataclasses.replace(house.world, operator=operator, models=models)
    runner = house.runner()
    runner.claim()
    return house, model, runner


def answered(house: House, runner: Runner, number: int, *results: dict[str, Any]) -> dict[str, Any]:
    """As a runner waits: until there is an answer to that step."""
    for _ in range(200):
        status, said = runner.put_step(number, *results)
        if status != 202:
            assert status == 200, said
            return said
        house.clock.advance(said["retry_after_ms"] / 1000)
    raise AssertionError("it waits for ever")


def told(house: House) -> list[dict[str, Any]]:
    return [each["data"] for each in house.inbounds() if each["data"].get("provider")]


def shown(house: House) -> str:
    view = load_view(house.store, house.blobs, house.world.operator, PK, for_rendering=True)
    return trouble(view, house.clock.now())


def test_another_model_goes_on_with_the_conversation_and_the_job_stays_with_it(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path, OTHER)
    first = answered(house, runner, 0)
    model.raised = [ModelFailed("401", cause="key")]
    second = answered(house, runner, 1, *done(first))
    third = answered(house, runner, 2, *done(second))
    answered(house, runner, 3, *done(third))
    assert [request.model for request in model.requests] == [MODEL, MODEL, OTHER, OTHER, OTHER]
    assert model.requests[2].turns == model.requests[1].turns, "word for word"
    assert model.requests[3].turns[: len(model.requests[2].turns)] == model.requests[2].turns
    words = [each["title"] for each in house.events() if each["kind"] == "waiting"]
    assert len(words) == 1
    assert words[0].startswith("scripted refuses the key since ")
    assert words[0].endswith(f"going on with {OTHER}")
    assert told(house), "the status is written anew"
    assert "going on with anthropic:claude-sonnet-5-5" in shown(house)
    state = house.step(3)
    assert state.billed.nano and state.asking is not None
    assert [each.model for each in state.asking.outs] == [MODEL]
    assert house.ledger().held_nano == 0


def test_a_provider_that_hangs_is_gone_on_without_and_people_hear_of_it(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path, OTHER)
    first = answered(house, runner, 0)
    model.raised = [Retryable("silent"), Retryable("silent")]
    second = answered(house, runner, 1, *done(first))
    answered(house, runner, 2, *done(second))
    assert [request.model for request in model.requests] == [MODEL, MODEL, MODEL, OTHER, OTHER]
    words = [each["title"] for each in house.events() if each["kind"] == "waiting"]
    assert [each.startswith("scripted does not answer since ") for each in words] == [True]
    assert words[0].endswith(f"going on with {OTHER}")
    assert "going on with anthropic:claude-sonnet-5-5" in shown(house)
    assert sum("lost" in each["title"] for each in house.events() if each["kind"] == "money") == 2
    assert house.ledger().held_nano == 0


def test_a_long_wait_is_in_the_timeline_and_in_the_status_and_leaves_it_again(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path)
    first = answered(house, runner, 0)
    model.raised = [ModelBusy("529", 40), ModelBusy("529", 40)]
    for _ in range(2):
        assert runner.put_step(1, *done(first))[0] == 202
        house.clock.advance(40)
    assert "waiting for scripted: scripted is overloaded since" in house.events()[-1]["title"]
    assert "**Waiting for scripted**: it is overloaded since" in shown(house)
    count = len(told(house))
    assert count == 1
    answered(house, runner, 1, *done(first))
    assert len(told(house)) == 2, "that it is over is told, too"
    assert shown(house) == ""


def test_with_nobody_left_the_job_ends_in_words_with_the_reason(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path, OTHER)
    model.raised = [ModelFailed("401", cause="key"), ModelBusy("no quota", 3600, "spend_cap", long=True)]
    said = answered(house, runner, 0)
    assert (said["over"], said["cause"]) == ("gave_up", "spend_cap")
    assert "scripted refuses the key" in said["why"]
    assert runner.send("POST", "/v1/finish", {"outcome": "gave_up", "reason": "model"})[0] == 200
    finish = next(each["data"]["finish"] for each in house.inbounds() if "finish" in each["data"])
    assert finish["reason"] == "spend_cap"
    assert house.ledger().spent_nano == 0


def test_a_conversation_that_is_too_long_is_folded_harder(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path)
    results: list[dict[str, Any]] = []
    for number in range(5):
        results = done(answered(house, runner, number, *results), text="x" * 12_000)
    model.raised = [ModelFailed("too long", cause="too_long")]
    answered(house, runner, 5, *results)
    state = house.step(5, JOB)
    assert state.asking is not None
    assert (state.asking.shortened, state.reply is not None) == (1, True)
    before, after = (len(str(request.turns)) for request in model.requests[-2:])
    assert after * 3 < before * 2


def beaten(runner: Runner, seconds: float, step: int = 0) -> None:
    status, said = runner.send("POST", "/v1/heartbeat", {"step": step, "doing": "asking", "seconds": seconds})
    assert status == 200, said


def test_a_runner_is_told_that_no_model_can_be_asked_and_not_that_another_one_asks(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path)
    model.raised = [ModelBusy("529", 30)]
    told_idle = [runner.put_step(0)[1]["idle"], runner.put_step(0)[1]["idle"]]
    assert told_idle == [True, True], "whoever comes meanwhile hears the same"
    house.clock.advance(31)
    assert runner.put_step(0)[0] == 200


def test_a_machine_that_only_found_every_model_out_costs_the_job_no_second(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path)
    model.raised = [ModelFailed("401", cause="key")]
    house.clock.advance(100)
    beaten(runner, 90)
    assert house.ledger().spent_seconds == 90
    assert answered(house, runner, 0)["cause"] == "key"
    last = {"outcome": "gave_up", "reason": "model", "summary": "the key is refused", "seconds": 95}
    assert runner.send("POST", "/v1/finish", last)[0] == 200
    assert house.ledger().spent_seconds == 0
    assert runner.send("POST", "/v1/finish", last)[0] == 200
    assert house.ledger().spent_seconds == 0, "told twice, given back once"
    finish = next(each["data"]["finish"] for each in house.inbounds() if each["data"].get("finish"))
    assert finish["reason"] == "key"


def test_a_machine_that_had_an_answer_pays_for_its_time(tmp_path: Path) -> None:
    house, model, runner = begun(tmp_path)
    first = answered(house, runner, 0)
    model.raised = [ModelFailed("401", cause="key")]
    house.clock.advance(100)
    beaten(runner, 90, 1)
    assert answered(house, runner, 1, *done(first))["cause"] == "key"
    last = {"outcome": "gave_up", "reason": "model", "summary": "the key is refused", "seconds": 95}
    assert runner.send("POST", "/v1/finish", last)[0] == 200
    assert house.ledger().spent_seconds == 95
