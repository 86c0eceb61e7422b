"""What GitHub says when it refuses: one exception, and the forms that its bodies take."""

from collections.abc import Mapping
from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """A request that GitHub would refuse: HTTP status, message, the `errors` list and extra headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        docs: str = DOCS,
    ) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})
        self.docs = docs

    def body(self) -> dict[str, Any]:
        """The JSON object that GitHub sends with a refusal."""
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        body["documentation_url"] = self.docs
        body["status"] = str(self.status)
        return body


def not_found() -> Refusal:
    """What is absent, and what the caller may not know of, look the same."""
    return Refusal(404, "Not Found")


def forbidden_to_integration() -> Refusal:
    """An App's token without the permission or the repository."""
    return Refusal(403, "Resource not accessible by integration")


def unprocessable(message: str) -> Refusal:
    """A plain 422 with the message at the top."""
    return Refusal(422, message)


def invalid(resource: str, *, field: str | None = None, code: str = "custom", message: str | None = None) -> Refusal:
    """A 422 "Validation Failed" with one entry in `errors`."""
    error: dict[str, Any] = {"resource": resource, "code": code}
    if field is not None:
        error["field"] = field
    if message is not None:
        error["message"] = message
    return Refusal(422, "Validation Failed", errors=[error])


def schema(message: str) -> Refusal:
    """A 422 from GitHub's check of the request against its own schema: "Invalid request.", a blank line, why."""
    return Refusal(422, f"Invalid request.\n\n{message}")
