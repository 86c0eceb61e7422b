"""A log line has ids and places; what somebody wrote is in none, also where a fault quotes it."""

import io
import json
import logging

import pytest
from pydantic import BaseModel

from functions.planner import handler as planner
from shared.logs import WithoutWords
from shared.metrics import NAMESPACE, metrics_of

SECRET = "the words of octocat"


class Told(BaseModel):
    number: int


def line_of(error: Exception) -> dict[str, str]:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(WithoutWords(serialize_stacktrace=False))
    logger = logging.getLogger("tests.unit.test_logs")
    logger.addHandler(handler)
    logger.error("job_api.failed", exc_info=error)
    assert SECRET not in out.getvalue()
    found: dict[str, str] = json.loads(out.getvalue())
    return found


def test_a_fault_is_told_by_its_places_and_not_by_its_words() -> None:
    def fails() -> None:
        try:
            Told.model_validate({"number": SECRET})
        except ValueError as error:
            raise RuntimeError(str(error)) from error

    with pytest.raises(RuntimeError, match=SECRET) as raised:  # pydantic quotes what it was given
        fails()
    line = line_of(raised.value)
    assert line["exception_name"] == "RuntimeError"
    places = line["exception"].splitlines()
    assert (places[-1], "ValidationError" in places) == ("RuntimeError", True)
    assert any(place.endswith(" fails") for place in places)


def test_what_the_planner_raises_for_another_try_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> str:
        raise ValueError(SECRET)

    monkeypatch.setattr(planner, "asking_world", lambda: None)
    monkeypatch.setattr(planner, "plan", fails)
    with pytest.raises(planner.Failed) as raised:
        planner.handler({"issue": "ISSUE#1#1", "effect": "e"}, None)
    assert str(raised.value) == "ValueError"
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(("told", "namespace"), [("Second", "Second"), ("", "Persevere")])
def test_a_metric_is_its_installations_own(
    told: str, namespace: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(NAMESPACE, told)
    metrics = metrics_of("watchdog")
    metrics.add_metric(name="DeliveriesMissed", unit="Count", value=3)
    metrics.flush_metrics()
    written = json.loads(capsys.readouterr().out)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"], written["service"]) == (
        namespace,
        [["service"]],
        "watchdog",
    )
