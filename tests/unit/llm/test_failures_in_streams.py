"""A stream that tells of a failure means what the same failure means as an answer of its own."""

from __future__ import annotations

from typing import Any

import pytest

from shared.llm import gemini_model, openai_model
from shared.llm.events import Broken
from shared.llm.provider_errors import row_of

A_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}


def row(read: Any, *events: dict[str, Any]) -> tuple[str, str, bool]:
    with pytest.raises(Broken) as caught:
        read(iter(events), "model")
    found = row_of(caught.value.trouble)
    return found.becomes, found.cause, found.long


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("context_length_exceeded", ("failed", "too_long", False)),
        ("insufficient_quota", ("busy", "spend_cap", True)),
        ("rate_limit_exceeded", ("busy", "rate", False)),
        ("server_is_overloaded", ("busy", "overloaded", False)),
        ("invalid_prompt", ("failed", "refused", False)),
        ("server_error", ("busy", "overloaded", False)),
    ],
)
@pytest.mark.parametrize("form", ["response.failed", "error"])
def test_openai(form: str, code: str, wanted: tuple[str, str, bool]) -> None:
    error = {"code": code, "message": "it says why"}
    event = {"type": form, "response": {"error": error}} if form == "response.failed" else {"type": form, **error}
    assert row(openai_model.read, {"type": "response.created"}, event) == wanted


def test_an_error_that_is_words_alone_is_one_of_the_provider() -> None:
    assert row(openai_model.read, {"error": "upstream is overloaded"}) == ("busy", "overloaded", False)


def test_gemini_s_quota_of_a_day_is_one_in_a_stream_too() -> None:
    error = {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "You exceeded your quota", "details": [A_DAY]}
    assert row(gemini_model.read, {"error": error}) == ("busy", "rate", True)
    begun = {"candidates": [{"content": {"parts": [{"text": "I"}]}}]}
    assert row(gemini_model.read, begun, {"error": error})[0] == "lost"


@pytest.mark.parametrize(
    ("finish", "stop"),
    [
        ("MALFORMED_FUNCTION_CALL", "garbled"),
        ("UNEXPECTED_TOOL_CALL", "garbled"),
        ("TOO_MANY_TOOL_CALLS", "garbled"),
        ("MALFORMED_RESPONSE", "garbled"),
        ("MODEL_ARMOR", "refused"),
        ("PROHIBITED_CONTENT", "refused"),
        ("MAX_TOKENS", "cut"),
        ("OTHER", "cut"),
    ],
)
def test_why_gemini_ended(finish: str, stop: str) -> None:
    """The names are those of google-genai's FinishReason."""
    usage = {"promptTokenCount": 10, "totalTokenCount": 12}
    event = {"candidates": [{"finishReason": finish, "finishMessage": "why it ended"}], "usageMetadata": usage}
    answer = gemini_model.read(iter([event]), "model")
    assert (answer.stop, answer.text, answer.usage.output) == (stop, "why it ended", 2)
