"""The table of what goes wrong at a provider: which row, and words that a person can do something with."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Retryable
from shared.llm import provider_errors
from shared.llm.provider_errors import Trouble, fail, row_of, trouble_of
from shared.ports import ModelBusy, ModelFailed


def anthropic(kind: str, message: str = "") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def openai(code: str | None, message: str = "", kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": message, "param": None}}


def gemini(status: str, message: str = "", *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": 0, "status": status, "message": message, "details": list(details)}}


QUOTA = "You exceeded your current quota, please check your plan and billing details."
TOO_LARGE = (
    "Request too large for gpt-5.6 in organization org-Vx1y2z on tokens per min (TPM): Limit 30000, Requested 36278. "
    "The input or output tokens must be reduced in order to run successfully."
)
NOT_STORED = "Items are not persisted when `store` is set to false."
A_DAY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}
REASON = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}

ROWS = [
    (401, anthropic("authentication_error", "invalid x-api-key"), "failed", "key"),
    (403, anthropic("permission_error", "Your API key does not have permission to use this"), "failed", "key"),
    (404, anthropic("not_found_error", "model: claude-9"), "failed", "model"),
    (
        400,
        anthropic("invalid_request_error", "prompt is too long: 212345 tokens > 200000 maximum"),
        "failed",
        "too_long",
    ),
    (400, anthropic("invalid_request_error", "Your credit balance is too low to access the API"), "busy", "spend_cap"),
    (400, anthropic("invalid_request_error", "You have reached your specified API usage limits."), "busy", "spend_cap"),
    (400, anthropic("invalid_request_error", "messages.3: roles must alternate"), "failed", "request"),
    (400, anthropic("invalid_request_error", "max_tokens: 200000 > 128000, the maximum"), "failed", "request"),
    (413, anthropic("request_too_large", "Request exceeds the maximum size"), "failed", "too_long"),
    (429, anthropic("rate_limit_error", "rate limit of 50 requests per minute"), "busy", "rate"),
    (529, anthropic("overloaded_error", "Overloaded"), "busy", "overloaded"),
    (500, anthropic("api_error", "Internal server error"), "busy", "overloaded"),
    (504, anthropic("timeout_error", "timed out"), "lost", "late"),
    (401, openai("invalid_api_key", "Incorrect API key provided: sk-abc"), "failed", "key"),
    (
        404,
        openai("model_not_found", "The model `x` does not exist or you do not have access to it."),
        "failed",
        "model",
    ),
    (400, openai("context_length_exceeded", "Your input exceeds the context window"), "failed", "too_long"),
    (429, openai("insufficient_quota", QUOTA, "insufficient_quota"), "busy", "spend_cap"),
    (429, openai("rate_limit_exceeded", "Rate limit reached", "tokens"), "busy", "rate"),
    (
        400,
        openai("invalid_prompt", "Your prompt was flagged as potentially violating our usage policy"),
        "failed",
        "refused",
    ),
    (503, openai(None, "Slow down"), "busy", "overloaded"),
    (400, gemini("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", REASON), "failed", "key"),
    (404, gemini("NOT_FOUND", "models/x is not found for API version v1beta"), "failed", "model"),
    (
        400,
        gemini("INVALID_ARGUMENT", "The input token count (2) exceeds the maximum number of tokens"),
        "failed",
        "too_long",
    ),
    (429, gemini("RESOURCE_EXHAUSTED", QUOTA), "busy", "rate"),
    (429, gemini("RESOURCE_EXHAUSTED", QUOTA, A_DAY), "busy", "rate"),
    (503, gemini("UNAVAILABLE", "The model is overloaded."), "busy", "overloaded"),
    (403, gemini("PERMISSION_DENIED", "Generative Language API has not been used in project 1"), "failed", "key"),
    (
        400,
        anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 3 > 10"),
        "failed",
        "too_long",
    ),
    (429, openai("rate_limit_exceeded", TOO_LARGE, "tokens"), "failed", "too_long"),
    (
        400,
        openai("invalid_encrypted_content", "The encrypted content gAAA could not be verified."),
        "failed",
        "private",
    ),
    (404, openai(None, f"Item with id 'rs_1' not found. {NOT_STORED}"), "failed", "private"),
    (
        400,
        anthropic("invalid_request_error", "messages.1.content.0: Invalid `signature` in `thinking` block"),
        "failed",
        "private",
    ),
    (
        400,
        anthropic("invalid_request_error", "messages.3: `thinking` blocks in the latest message cannot be modified."),
        "failed",
        "private",
    ),
    (400, gemini("INVALID_ARGUMENT", "Thought signature is not valid"), "failed", "private"),
    (400, gemini("INVALID_ARGUMENT", "Function call is missing a thought_signature"), "failed", "private"),
    (
        400,
        gemini("FAILED_PRECONDITION", "User location is not supported for the API use."),
        "failed",
        "place",
    ),
    (403, openai("unsupported_country_region_territory", "Country not supported"), "failed", "place"),
    (502, "<html>bad gateway</html>", "busy", "overloaded"),
    (302, "", "failed", "request"),
    (418, None, "failed", "request"),
]


@pytest.mark.parametrize(("status", "body", "becomes", "cause"), ROWS)
def test_each_answer_has_its_row(status: int, body: Any, becomes: str, cause: str) -> None:
    row = row_of(trouble_of(status, {}, body))
    assert (row.becomes, row.cause) == (becomes, cause)
    assert row.advice or row.becomes != "failed"


@pytest.mark.parametrize("row", provider_errors.TABLE, ids=lambda row: row.words)
def test_every_row_can_be_said_of_every_provider(row: provider_errors.Row) -> None:
    known = {"provider": "p", "model": "m", "key_name": "K", "url_name": "U"}
    assert "{" not in row.words.format(**known) + row.advice.format(**known)
    assert row.after_s > 0 or row.becomes != "busy"
    assert row.long == (row.after_s > provider_errors.LONG_S)


def test_what_had_begun_is_lost_however_busy_the_provider_is() -> None:
    assert row_of(Trouble(529, "overloaded_error")).becomes == "busy"
    assert row_of(Trouble(529, "overloaded_error", begun=True)).becomes == "lost"


DATE = {"date": "Tue, 24 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "body", "after_s"),
    [
        ({"retry-after": "7"}, None, 7.0),
        ({"retry-after": "2.5"}, None, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, None, 1.5),
        (DATE | {"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, None, 30.0),
        (DATE | {"retry-after": "Tue, 24 Nov 2026 11:00:00 GMT"}, None, 0.0),
        ({"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT"}, None, 15.0),
        ({"retry-after": "soon"}, None, 15.0),
        ({"retry-after": "-3"}, None, 15.0),
        ({"retry-after": "nan"}, None, 15.0),
        ({}, gemini("RESOURCE_EXHAUSTED", "", {"retryDelay": "34.5s"}), 34.5),
        ({}, gemini("RESOURCE_EXHAUSTED", "", {"retryDelay": 3}, {"violations": 5}), 3.0),
        ({}, {"error": {"details": "x", "message": 5}}, 15.0),
        ({}, [gemini("RESOURCE_EXHAUSTED", "", {"retryDelay": "2s"})], 2.0),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], body: Any, after_s: float) -> None:
    with pytest.raises(ModelBusy) as caught:
        fail(trouble_of(429, headers, body), "gemini:gemini-3.8-flash")
    assert caught.value.after_s == after_s


def test_the_words_say_what_was_said_and_whose_turn_it_is_but_no_key() -> None:
    said = trouble_of(
        401, {}, openai("invalid_api_key", "Incorrect API key provided: sk-abc***xyz, or my-own-key-7.\n")
    )
    with pytest.raises(ModelFailed) as caught:
        fail(said, "openai:gpt-5.6", "my-own-key-7")
    assert str(caught.value) == (
        "openai does not take the key (401: Incorrect API key provided: (a key), or (the key).)"
    )
    assert caught.value.advice == "the operator's turn: set OPENAI_API_KEY to a key that is valid"


def test_what_is_lost_may_have_been_billed() -> None:
    with pytest.raises(Retryable, match="sent nothing for too long"):
        fail(Trouble(0, provider_errors.SILENT, "connect"), "anthropic:claude-sonnet-5-5")


def test_the_names_of_an_account_are_not_shown_in_an_issue() -> None:
    with pytest.raises(ModelFailed) as caught:
        fail(trouble_of(429, {}, openai("rate_limit_exceeded", TOO_LARGE)), "openai:gpt-5.6")
    assert "org-Vx1y2z" not in str(caught.value)
    assert "in organization (an account) on tokens per min" in str(caught.value)
