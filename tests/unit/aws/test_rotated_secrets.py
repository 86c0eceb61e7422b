"""A container outlives a secret: the value that is in Secrets Manager now is the one that is worked with."""

from typing import Any

import pytest

from functions.aws import minting, models
from shared.settings import read

PEM = "-----BEGIN RSA PRIVATE KEY-----\nof nobody\n-----END RSA PRIVATE KEY-----\n"
MODEL = "anthropic:claude-sonnet-5-5"


class Secrets:
    """What Secrets Manager holds."""

    def __init__(self) -> None:
        self.value: Any = None

    def read(self, arn: str) -> Any:
        assert arn == "arn"
        return self.value


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Secrets:
    held = Secrets()
    for module in (minting, models):
        monkeypatch.setattr(module, "secret_values", lambda: held)
    for name, value in {"MODEL_SECRET": "arn", "APP_SECRET": "arn", "PURPOSES": "read", "APP_ID": "7"}.items():
        monkeypatch.setenv(f"PERSEVERE_{name}", value)
    monkeypatch.setattr(minting, "_kept", None)
    return held


def test_a_model_is_asked_with_the_key_of_now(secret: Secrets) -> None:
    found = models.models(read({"PERSEVERE_HOME": "/tmp"}))
    secret.value = {"anthropic": "the first"}
    first = found.get(MODEL)
    assert found.get(MODEL) is first
    secret.value = {"anthropic": "the second", "openai": "of somebody else"}
    second = found.get(MODEL)
    assert second is not first
    assert found.get(MODEL) is second


def test_tokens_are_minted_with_the_key_of_now(secret: Secrets) -> None:
    secret.value = {"id": 7, "private_key": PEM}
    first = minting.current_mint()
    assert minting.current_mint() is first
    secret.value = {"id": 7, "private_key": PEM + "\n"}
    assert minting.current_mint() is not first
