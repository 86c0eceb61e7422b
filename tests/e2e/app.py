"""Another App that speaks on a repository, as bots do."""

from __future__ import annotations

from typing import Any

import jwt

from local.github.wire import ask
from tests.e2e.place import Place


def speak_as_app(place: Place, slug: str, body: str) -> dict[str, Any]:
    """A comment by an App of that name, with its own token."""
    steering = place.product.steering
    app = steering.app(f"{slug}-app", owner="hubot")
    installation = steering.install(app["id"], place.owner, "all")
    now = place.product.world.clock.now() // 1000
    proof = jwt.encode({"iss": str(app["id"]), "iat": now - 60, "exp": now + 300}, app["pem"], "RS256")
    url = place.product.url
    token = ask("POST", f"{url}/app/installations/{installation['id']}/access_tokens", {}, token=proof)["token"]
    made: dict[str, Any] = ask(
        "POST", f"{url}/repos/{place.full_name}/issues/{place.number}/comments", {"body": body}, token=token
    )
    return made
