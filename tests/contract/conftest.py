"""The worlds on AWS that the contract suites run in: moto in this process, and the emulator as a process of its own."""

import os
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from tests.emulator import ADDRESS, CREDENTIALS, emulator


@pytest.fixture(scope="session")
def aws_credentials() -> Iterator[None]:
    """Those of nobody, so that no test ever reaches an account; children inherit them."""
    before = {name: os.environ.get(name) for name in (*CREDENTIALS, "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    os.environ.update(CREDENTIALS)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    os.environ.pop("AWS_PROFILE", None)
    yield
    for name, value in before.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def moto(aws_credentials: None) -> Iterator[None]:
    """One request at a time: its tables forget writes of threads that come between each other, which AWS's do not."""
    from moto import mock_aws
    from moto.core.botocore_stubber import BotocoreStubber

    lock, answer = threading.RLock(), BotocoreStubber.__call__

    def alone(self: BotocoreStubber, *arguments: Any, **more: Any) -> Any:
        with lock:
            return answer(self, *arguments, **more)

    with mock.patch.object(BotocoreStubber, "__call__", alone), mock_aws(config={"core": {"mock_credentials": False}}):
        yield


@pytest.fixture(scope="session")
def running_emulator(aws_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, which children find in their environment."""
    with emulator(tmp_path_factory.mktemp("emulator")) as url:
        os.environ[ADDRESS] = url
        yield url
        del os.environ[ADDRESS]
