"""Who somebody is on GitHub, and what a role allows."""

from __future__ import annotations

from enum import IntEnum

from shared.domain.shape import Shape


class Role(IntEnum):
    """Roles of the collaborator-permission endpoint's `role_name`, ordered by what they may do."""

    NONE = 0
    READ = 1
    TRIAGE = 2
    WRITE = 3
    MAINTAIN = 4
    ADMIN = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class Person(Shape):
    """An account. Everything is keyed by the numeric `id`; the login is for display."""

    id: int
    login: str


class Repository(Shape):
    """A repository as the last webhook named it; `id` is the key, names are for display and URLs."""

    id: int
    full_name: str
    private: bool = False
    default_branch: str = "main"

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.split("/")[1]


def role_from(role_name: str, permission: str) -> Role:
    """The role that GitHub's answer means. A custom role's name is unknown to us: its `permission` counts then.

    `permission` maps maintain to write and triage to read (github.com/github/rest-api-description#3668), so it never
    says too much. Anything unknown is NONE.
    """
    for word in (role_name, permission):
        try:
            return Role[word.upper()]
        except KeyError:
            continue
    return Role.NONE
