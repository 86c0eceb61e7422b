"""Who edited a comment: GraphQL alone says so (docs.github.com/graphql/reference/objects#usercontentedit)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.github import graphql
from shared.github.client import GitHub

_EDITS = """
query($id: ID!) {
  node(id: $id) {
    ... on IssueComment {
      body
      updatedAt
      userContentEdits(first: 100) {
        totalCount
        nodes { editor { __typename login ... on User { databaseId } } }
      }
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Editor:
    """`person` is false for Apps and for accounts that are gone."""

    id: int
    login: str
    person: bool


@dataclass(frozen=True, slots=True)
class Edits:
    """A comment's text, and who wrote each version of it, newest first: the last one is who made it.

    `editors` is empty where it was never edited. `whole`: there are no more than these.
    """

    body: str
    updated_at: str
    editors: tuple[Editor, ...]
    whole: bool

    def only_by(self, id: int) -> bool:
        """Whether nobody but this person ever wrote it."""
        return self.whole and all(each.person and each.id == id for each in self.editors)

    def people_since(self, app_slug: str) -> tuple[Editor, ...]:
        """Who edited since our App last wrote it, newest first; whoever is not known is among them as no person."""
        found: list[Editor] = []
        for each in self.editors:
            if not each.person and each.login.removesuffix("[bot]") == app_slug:
                return tuple(found)
            found.append(each)
        return tuple(found) if self.whole else (*found, Editor(0, "", person=False))


def read_edits(github: GitHub, node_id: str) -> Edits | None:
    """None where the comment is gone. Raises a Refusal, Retryable."""
    node = graphql.read(github, _EDITS, {"id": node_id})["node"]
    if not node:
        return None
    edits = node["userContentEdits"] or {"totalCount": 0, "nodes": []}
    return Edits(
        body=str(node["body"]),
        updated_at=str(node["updatedAt"]),
        editors=tuple(_editor(each.get("editor")) for each in edits["nodes"]),
        whole=edits["totalCount"] <= len(edits["nodes"]),
    )


def _editor(raw: dict[str, Any] | None) -> Editor:
    found = raw or {}
    return Editor(
        id=int(found.get("databaseId") or 0),
        login=str(found.get("login", "")),
        person=found.get("__typename") == "User" and bool(found.get("databaseId")),
    )
