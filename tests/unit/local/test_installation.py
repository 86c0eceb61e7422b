"""Which account and region an operator's command works in, and what it says where AWS does not let it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from local.cloud.installation import AwsRefused, Installation
from shared.errors import NotConfigured


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal in which nothing about AWS is set."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


class Answering:
    """A service that answers every call by raising this."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            raise self._error

        return call


def told(error: Exception, service: str = "cloudformation") -> AwsRefused:
    here = Installation(region="eu-central-1", environment={}, _clients={service: Answering(error)})
    with pytest.raises(AwsRefused) as raised:
        here.description  # noqa: B018 - reading it asks
    return raised.value


@pytest.mark.parametrize(
    ("given", "environment", "region"),
    [
        pytest.param("", {"AWS_REGION": "eu-central-1"}, "eu-central-1", id="by the name that AWS's own command reads"),
        pytest.param("", {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3", id="by the older name"),
        pytest.param("", {"AWS_REGION": "a-1", "AWS_DEFAULT_REGION": "b-1"}, "a-1", id="both, as that command"),
        pytest.param("c-1", {"AWS_REGION": "a-1"}, "c-1", id="on the command line"),
    ],
)
def test_the_region(monkeypatch: pytest.MonkeyPatch, given: str, environment: dict[str, str], region: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    here = Installation(region=given, environment=environment)
    assert here.where == region
    assert here.client("sts").meta.region_name == region


def test_without_a_region_it_says_what_to_set() -> None:
    with pytest.raises(NotConfigured) as raised:
        Installation(environment={}).where  # noqa: B018 - reading it asks
    assert "AWS_REGION" in raised.value.advice


def test_a_profile_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(AwsRefused) as raised:
        Installation(region="eu-central-1", environment={}).account  # noqa: B018 - reading it asks
    assert "nobodys" in str(raised.value)
    assert "AWS_PROFILE" in raised.value.advice


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        pytest.param(NoCredentialsError(), "aws configure sso", id="never signed in"),
        pytest.param(UnauthorizedSSOTokenError(), "aws sso login", id="the session of single sign-on has ended"),
        pytest.param(TokenRetrievalError(provider="sso", error_msg="expired"), "aws sso login", id="its token, too"),
        pytest.param(
            EndpointConnectionError(endpoint_url="https://x"), "eu-central-1", id="no such region, or no network"
        ),
        pytest.param("ExpiredToken", "aws sso login", id="temporary credentials have expired"),
        pytest.param("UnrecognizedClientException", "eu-central-1", id="a region that is not switched on"),
        pytest.param("RequestExpired", "clock", id="a wrong clock"),
        pytest.param("AccessDenied", "rights", id="no right"),
    ],
)
def test_what_to_do_where_aws_says_no(error: BotoCoreError | str, advice: str) -> None:
    if isinstance(error, str):
        error = ClientError({"Error": {"Code": error, "Message": "no"}}, "DescribeStacks")
    assert advice in told(error).advice


def test_a_stack_that_is_not_there_is_told_with_the_region_that_was_looked_in() -> None:
    words = "Stack with id Persevere does not exist"
    refusal = told(ClientError({"Error": {"Code": "ValidationError", "Message": words}}, "DescribeStacks"))
    assert "no stack Persevere in eu-central-1" in str(refusal)
    assert "--region" in refusal.advice
    assert refusal.code == "ValidationError"
