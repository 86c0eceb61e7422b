"""What every function on AWS is told by its environment, without pydantic: the door reads it, too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from shared.aws.secret_values import SecretValues, as_list
from shared.aws.signed import secrets_manager
from shared.errors import NotConfigured


def wanted(name: str) -> str:
    """A variable that the stack sets. Raises NotConfigured where it is not."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise NotConfigured(f"this function is not told {name}", "run `persevere deploy`")
    return value


def region() -> str:
    return wanted("AWS_REGION")


def endpoint() -> str | None:
    """An emulator's address, by the name that AWS's own SDKs take."""
    return os.environ.get("AWS_ENDPOINT_URL") or None


@cache
def secret_values() -> SecretValues:
    return SecretValues(secrets_manager(region(), endpoint()))


class Keys(Sequence[bytes]):
    """A list of keys in a secret, newest first: read when first used, and again every five minutes, so that a rotated
    one is known without a deployment. `part` names the list inside a JSON object; "" is the whole.
    """

    def __init__(self, variable: str, part: str = "") -> None:
        self._variable = variable
        self._part = part

    def _read(self) -> tuple[bytes, ...]:
        value = secret_values().read(wanted(self._variable))
        if self._part:
            value = value.get(self._part) if isinstance(value, dict) else None
        return as_list(value, f"{self._variable}{':' if self._part else ''}{self._part}")

    def __getitem__(self, index: Any) -> Any:
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._read())

    def __repr__(self) -> str:
        return f"Keys({self._variable!r}, {self._part!r})"
