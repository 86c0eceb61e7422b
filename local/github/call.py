"""One request on its way through the simulator, and the table of routes."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Request

from local.github import access
from local.github.refusals import Refusal, not_found, schema
from local.github.state import Account, App, Repository, World

PAGE_DEFAULT = 30
PAGE_MAX = 100

Handler = Callable[["Call"], Any]


class Call:
    """A request with its caller, and the ways in which handlers ask about both."""

    def __init__(self, world: World, request: Request, actor: access.Actor, path: str) -> None:
        self.world = world
        self.request = request
        self.actor = actor
        self.path = path
        self.args: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.noted: list[dict[str, Any]] = []
        self._body: dict[str, Any] | None = None

    @property
    def query(self) -> Any:
        return self.request.args

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the request. Raises GitHub's 400 for what is not JSON or not an object."""
        if self._body is None:
            import json

            raw = self.request.get_data(cache=True)
            try:
                parsed = json.loads(raw) if raw.strip() else {}
            except ValueError as error:
                raise Refusal(400, "Problems parsing JSON") from error
            if not isinstance(parsed, dict):
                raise Refusal(400, "Body should be a JSON object")
            self._body = parsed
        return self._body

    @property
    def account(self) -> Account:
        """Whoever acts. Raises 401 for nobody, 403 for an App that has only its JWT."""
        match self.actor:
            case access.Person(account=account):
                return account
            case access.AppHere() as here:
                return here.account
            case access.AppItself():
                raise Refusal(403, "Resource not accessible by integration")
            case _:
                raise Refusal(401, "Requires authentication")

    @property
    def via_app(self) -> App | None:
        """The App through which this is done, for `performed_via_github_app`."""
        return self.actor.app if isinstance(self.actor, access.AppHere) else None

    def app_itself(self) -> App:
        """The App of a JWT. Raises the 401 that GitHub gives to any other credential."""
        if not isinstance(self.actor, access.AppItself):
            raise Refusal(401, "A JSON web token could not be decoded")
        return self.actor.app

    def repository(self, need: str = "metadata:read", role: str = "read", *, archived_ok: bool = False) -> Repository:
        """The repository of the path, if the caller may do this there."""
        found = self.world.repository(self.args["owner"], self.args["repo"])
        if found is None:
            raise self._moved()
        access.authorize(self.actor, found, need, role)
        if found.archived and not archived_ok and self.request.method != "GET":
            raise Refusal(403, "Repository was archived so is read-only.")
        return found

    def _moved(self) -> Refusal:
        """A redirect to the number of a renamed repository, or the 404."""
        name = f"{self.args['owner']}/{self.args['repo']}"
        number = self.world.former_names.get(name.lower())
        if number is None:
            return not_found()
        rest = self.path[len(f"/repos/{name}") :]
        url = f"{self.world.url}/repositories/{number}{rest}"
        return Refusal(301, "Moved Permanently", headers={"Location": url})

    def flickers(self, kind: str, number: int) -> bool:
        """Whether an App is not yet shown this object, which a webhook named a moment ago."""
        if not isinstance(self.actor, access.AppHere):
            return False
        if self.request.method != "GET" and not self.world.settings.flicker_writes:
            return False
        return self.world.flicker_until.get((kind, number), 0) > self.world.now()

    def lagging(self, kind: str, created_at: float) -> bool:
        """Whether a list does not show yet what was made at `created_at`."""
        return created_at + self.world.settings.lag_s.get(kind, 0) > self.world.now()

    def text(self, name: str, *, required: bool = False, default: str | None = None) -> str | None:
        """A string of the body. Raises GitHub's schema refusal for another type or for want of it."""
        if name not in self.body or self.body[name] is None:
            if required:
                raise schema(f'"{name}" wasn\'t supplied.')
            return default
        value = self.body[name]
        if not isinstance(value, str):
            raise schema(f"For 'properties/{name}', {value!r} is not a string.")
        return value

    def page(self, items: list[Any]) -> list[Any]:
        """The page that the query asks for: 30 unless told, 100 at most; sets `Link`."""
        size = min(max(_integer(self.query.get("per_page"), PAGE_DEFAULT), 1), PAGE_MAX)
        page = max(_integer(self.query.get("page"), 1), 1)
        last = max((len(items) + size - 1) // size, 1)
        links = []
        if page > 1:
            links += [("prev", min(page - 1, last)), ("first", 1)]
        if page < last:
            links += [("next", page + 1), ("last", last)]
        if links:
            self.headers["Link"] = ", ".join(f'<{self._at_page(number)}>; rel="{rel}"' for rel, number in links)
        return items[(page - 1) * size : page * size]

    def _at_page(self, number: int) -> str:
        query = [(key, value) for key, value in self.query.items(multi=True) if key != "page"]
        return f"{self.world.url}{quote(self.request.path)}?{urlencode([*query, ('page', str(number))])}"

    def note(
        self,
        kind: str,
        key: int | str | None,
        repository: Repository | None = None,
        *,
        notified: list[str] | None = None,
        notifying: bool = False,
        **more: Any,
    ) -> None:
        """Say for the log what landed."""
        entry = {
            "kind": kind,
            "id": key,
            "repository": repository.full_name if repository else None,
            "notifying": notifying,
            "notified": notified or [],
        }
        self.noted.append({**entry, **more})

    def note_refusal(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        """Say what was refused, and in which words. GraphQL's status is 200."""
        details = [str(one.get("message", "")) if isinstance(one, dict) else str(one) for one in errors or ()]
        self.world.refused.append({
            "at": self.world.now(),
            "actor": self.actor.name,
            "app": isinstance(self.actor, access.AppHere | access.AppItself),
            "method": self.request.method,
            "path": self.path,
            "status": status,
            "message": ": ".join(part for part in (message, *details) if part),
        })  # fmt: skip


def _integer(value: str | None, default: int) -> int:
    try:
        return int(value) if value else default
    except ValueError:
        return default


class Routes:
    """Method and path pattern to handler. `{name}` is one segment, `{name+}` takes slashes too."""

    def __init__(self) -> None:
        self._routes: dict[str, list[tuple[int, int, re.Pattern[str], Handler]]] = {}

    def add(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """Decorator: this handler answers there."""
        parts = re.split(r"(\{\w+\+?\})", pattern)
        regex = "".join(
            f"(?P<{part.strip('{}+')}>{'.+' if part.endswith('+}') else '[^/]+'})"
            if part.startswith("{")
            else re.escape(part)
            for part in parts
        )
        greedy = pattern.count("+}")
        literal = sum(len(part) for part in parts if not part.startswith("{"))

        def keep(handler: Handler) -> Handler:
            table = self._routes.setdefault(method, [])
            table.append((greedy, -literal, re.compile(regex), handler))
            table.sort(key=lambda row: row[:2])
            return handler

        return keep

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler of the most exact pattern, and what its names stand for."""
        for _, _, regex, handler in self._routes.get(method, []):
            if match := regex.fullmatch(path):
                return handler, match.groupdict()
        return None


ROUTES = Routes()
route = ROUTES.add
