"""What GitHub says of itself, and the caller's rate limit."""

from typing import Any

from local.github.call import Call, route


@route("GET", "/rate_limit")
def rate_limit(call: Call) -> Any:
    reset = int(call.world.now()) + 3600
    core = {"limit": 5000, "used": 10, "remaining": 4990, "reset": reset}
    search = {"limit": 30, "used": 0, "remaining": 30, "reset": reset}
    return {"resources": {"core": core, "search": search, "graphql": core}, "rate": core}


@route("GET", "/meta")
def meta(call: Call) -> Any:
    return {"verifiable_password_authentication": False, "hooks": ["127.0.0.1/32"], "api": ["127.0.0.1/32"]}


@route("GET", "/zen")
def zen(call: Call) -> Any:
    from werkzeug.wrappers import Response

    return Response("Keep it logically awesome.", content_type="text/plain")


@route("GET", "/versions")
def versions(call: Call) -> Any:
    from local.github.server import VERSIONS

    return list(VERSIONS)
