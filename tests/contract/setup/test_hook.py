"""The webhook while there is a tunnel: pointed there, and away again, also after a crash."""

from __future__ import annotations

import pytest

from local.doctor.finding import Context
from local.setup.manifest import NO_ADDRESS
from local.up.hook import BEFORE, Hook
from shared.errors import Retryable
from shared.settings import read
from tests.contract.setup.laptop import Laptop


def hook_of(laptop: Laptop) -> Hook:
    context = Context(read(laptop.environment), laptop.environment)
    return Hook(laptop.home, context.wire, context.tokens, context.app)


def test_it_points_at_the_tunnel_and_back_to_where_it_was(laptop: Laptop) -> None:
    laptop.steering.configure_app(laptop.app["id"], hook_active=False)
    laptop.steering.hook(laptop.app["id"], NO_ADDRESS)
    hook = hook_of(laptop)
    hook.point_at("https://tunnel.example")
    assert hook.address() == "https://tunnel.example/webhook"
    assert hook.put_back()
    assert hook.address() == NO_ADDRESS
    assert not hook.put_back()


def test_after_a_crash_the_next_start_knows_where_it_was(laptop: Laptop) -> None:
    laptop.steering.configure_app(laptop.app["id"], hook_active=False)
    laptop.steering.hook(laptop.app["id"], "https://mine.example/webhook")
    hook_of(laptop).point_at("https://tunnel.example")
    hook_of(laptop).point_at("https://another.example")
    again = hook_of(laptop)
    assert again.put_back()
    assert again.address() == "https://mine.example/webhook"


def test_what_could_not_be_put_back_is_kept_for_the_next_start(laptop: Laptop) -> None:
    hook = hook_of(laptop)
    hook.point_at("https://tunnel.example")
    laptop.steering.fault("status", status=502, path="hook/config", count=0)
    with pytest.raises(Retryable):
        hook.put_back()
    assert (laptop.home / BEFORE).exists()
    laptop.steering.clear_faults()
    assert hook_of(laptop).put_back()
    assert hook.address() == NO_ADDRESS
