"""Worlds that have come some way, made once; each test gets a copy of its own."""

from __future__ import annotations

from functools import cache

from tests.unit.domain.world_in_memory import OCTOCAT, World

PLACES = ("idle", "proposed", "building", "verifying", "in_review", "unproved")


def at(place: str) -> World:
    """A world at this place, free to change."""
    return _made(place).fork()


@cache
def _made(place: str) -> World:
    match place:
        case "idle":
            return World()
        case "proposed":
            return _proposed(at("idle"))
        case "building":
            return _building(at("proposed"))
        case "verifying":
            return _verifying(at("building"))
        case "in_review":
            return _in_review(at("verifying"))
        case "unproved":
            return _unproved(at("verifying"))
        case _:
            raise ValueError(place)


def _proposed(world: World) -> World:
    world.says(OCTOCAT, "/persevere")
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    world.plans()
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    assert world.issue.phase == "proposed"
    return world


def _building(world: World) -> World:
    assert world.says(OCTOCAT, "/persevere approve v1") == "executed"
    world.settle()
    world.claims()
    assert world.issue.phase == "building"
    return world


def _verifying(world: World) -> World:
    world.hands_over()
    assert world.issue.phase == "verifying"
    world.claims()
    return world


def _in_review(world: World) -> World:
    world.verifies()
    world.settle()
    assert world.issue.phase == "in_review"
    return world


def _unproved(world: World) -> World:
    """Three red rounds."""
    for number in (1, 2, 3):
        world.verifies(AC_2="fail")
        world.settle()
        if number < 3:
            world.claims()
            world.hands_over()
            world.claims()
    assert world.issue.phase == "waiting"
    return world
