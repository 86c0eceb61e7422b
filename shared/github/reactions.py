"""Reactions: the quickest answer, and the only one that notifies nobody."""

from __future__ import annotations

from typing import Literal, assert_never

from shared.github.client import GitHub

On = Literal["issue", "comment", "review_comment"]


def react(github: GitHub, on: On, id: int, content: str) -> int:
    """Leave a reaction and return its id; doing so twice is the same one (200 instead of 201).

    `id` is the issue's number, or the comment's id. `content`: +1, -1, laugh, confused, heart, hooray, rocket, eyes.
    """
    match on:
        case "issue":
            path = github.path("issues", id, "reactions")
        case "comment":
            path = github.path("issues", "comments", id, "reactions")
        case "review_comment":
            path = github.path("pulls", "comments", id, "reactions")
        case _:
            assert_never(on)
    return int(github.post(path, {"content": content}, fresh=True).body["id"])
