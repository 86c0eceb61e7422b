"""Whether any webhook is still under way. Asked without the world's lock, so that waiting stops nobody."""

from typing import Any

from local.github.state import World

WAIT_MAX_S = 30.0


def quiet(world: World, wait_s: float) -> dict[str, Any]:
    """`{quiet, pending}` after waiting `wait_s` seconds at most for silence."""
    pending = world.courier.wait_quiet(min(wait_s, WAIT_MAX_S))
    return {"quiet": pending == 0, "pending": pending}
