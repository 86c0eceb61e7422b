"""The control API, typed: what a demo or a test does to the simulator besides being a person."""

from pathlib import Path
from typing import Any

from local.github.people import Person
from local.github.wire import ask


class Steering:
    """Control of a running simulator by its address."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def _do(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return ask(method, f"{self.url}/_sim/{path}", body, query=query)

    def reset(self) -> None:
        """Empty it: accounts, repositories, Apps, log, faults, clock."""
        self._do("POST", "reset", {})

    def person(self, login: str, name: str | None = None) -> Person:
        """Make a person (or a further token of a known one)."""
        made = self._do("POST", "users", {"login": login, "name": name})
        return Person(self.url, made["login"], made["token"])

    def organization(self, login: str) -> dict[str, Any]:
        """Make an organisation, to own repositories and installations."""
        return self._do("POST", "users", {"login": login, "type": "Organization"})  # type: ignore[no-any-return]

    def repository(
        self,
        owner: str,
        name: str,
        *,
        path: Path | None = None,
        files: dict[str, Any] | None = None,
        roles: dict[str, str] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Make a repository; `more`: private, plan, description, default_branch, watchers, tar, bundle, strip, message."""
        body = {"owner": owner, "name": name, "files": files, "roles": roles or {}, **more}
        if path is not None:
            body["path"] = str(path)
        return self._do("POST", "repositories", body)  # type: ignore[no-any-return]

    def configure(self, full_name: str, **changes: Any) -> dict[str, Any]:
        """roles, custom_roles, watchers, rules, private, plan, archived, has_issues, name, apps_may_comment_locked."""
        return self._do("PATCH", f"repositories/{full_name}", changes)  # type: ignore[no-any-return]

    def app(self, slug: str, **more: Any) -> dict[str, Any]:
        """Make an App; the answer has id, client_id, pem, webhook_secret, bot_id."""
        return self._do("POST", "apps", {"slug": slug, **more})  # type: ignore[no-any-return]

    def hook(self, app: int | str, url: str) -> None:
        """Say where the App's webhooks go; sends a ping."""
        self._do("PATCH", f"apps/{app}", {"hook_url": url})

    def configure_app(self, app: int | str, **changes: Any) -> dict[str, Any]:
        """hook_url, hook_active, webhook_secret, permissions, events."""
        return self._do("PATCH", f"apps/{app}", changes)  # type: ignore[no-any-return]

    def install(self, app: int | str, account: str, repositories: Any = "all", **more: Any) -> dict[str, Any]:
        """Install an App at an account, on all repositories or those named."""
        body = {"account": account, "repositories": repositories, **more}
        return self._do("POST", f"apps/{app}/installations", body)  # type: ignore[no-any-return]

    def configure_installation(self, installation: int, **changes: Any) -> dict[str, Any]:
        """suspended, permissions, add, remove."""
        return self._do("PATCH", f"installations/{installation}", changes)  # type: ignore[no-any-return]

    def uninstall(self, installation: int) -> None:
        self._do("DELETE", f"installations/{installation}")

    def fault(self, what: str, **more: Any) -> dict[str, Any]:
        """Order trouble: what ∈ status, secondary_limit, primary_limit, drop, drop_after_effect,
        bad_gateway_after_effect, delay; method, path, body (regular expressions), actor, count, skip, status, message,
        headers, header, delay_s (at most: what is held goes on when the faults are cleared)."""
        return self._do("POST", "faults", {"what": what, **more})  # type: ignore[no-any-return]

    def faults(self) -> list[dict[str, Any]]:
        """What was ordered, with `hits`."""
        return self._do("GET", "faults")  # type: ignore[no-any-return]

    def clear_faults(self) -> None:
        self._do("DELETE", "faults")

    def settings(self, **changes: Any) -> dict[str, Any]:
        """lag_s{comments, issues, pulls, check_runs, review_comments}, flicker_s, flicker_writes, content_limits,
        content_per_minute, content_per_hour, limit_header, retry_after_s."""
        return self._do("PATCH", "settings", changes)  # type: ignore[no-any-return]

    def webhooks(self, **changes: Any) -> dict[str, Any]:
        """hold, lose, duplicate, delay_s, order (fifo, lifo), timeout_s."""
        return self._do("PATCH", "webhooks", changes)  # type: ignore[no-any-return]

    def deliveries(self) -> list[dict[str, Any]]:
        """Every webhook attempt, oldest first, payload included."""
        return self._do("GET", "deliveries")  # type: ignore[no-any-return]

    def advance(self, seconds: float) -> None:
        """Move GitHub's clock on."""
        self._do("POST", "clock", {"advance_s": seconds})

    def hold_clock(self, at: float) -> None:
        """It is `at` (epoch seconds) at GitHub until the clock is moved; `reset` lets it run again."""
        self._do("POST", "clock", {"stands_at": at})

    def log(self, **query: Any) -> list[dict[str, Any]]:
        """Writes that landed; since, kind, actor, repository, notifying."""
        return self._do("GET", "log", None, **query)  # type: ignore[no-any-return]

    def refusals(self, part: str = "") -> list[dict[str, Any]]:
        """Requests that were refused: {at, actor, app, method, path, status, message}; those whose path holds `part`."""
        return self._do("GET", "refusals", None, part=part)  # type: ignore[no-any-return]

    def notifications(self, login: str | None = None) -> list[dict[str, Any]]:
        """What people would have been told of."""
        return self._do("GET", "notifications", None, login=login)  # type: ignore[no-any-return]

    def limits(self) -> dict[str, dict[str, int]]:
        """Content-making writes of each actor, last minute and hour."""
        return self._do("GET", "limits")  # type: ignore[no-any-return]

    def quiet(self, wait: float = 0.0) -> bool:
        """Whether no webhook is under way, after waiting so many seconds at most."""
        return bool(self._do("GET", "quiet", None, wait=wait)["quiet"])

    def files(self, full_name: str, ref: str | None = None) -> dict[str, bytes]:
        """Path → bytes at a ref."""
        import base64

        found = self._do("GET", f"git/{full_name}/files", None, ref=ref)
        return {name: base64.b64decode(one["base64"]) for name, one in found.items()}
