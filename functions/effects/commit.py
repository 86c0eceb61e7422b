"""Publish a changeset as one commit on our branch, after holding it against the change policy.

Stages (`blobs`, `trees`, `commit`) are recorded, so that a killed attempt goes on from the last one. The branch is
moved from exactly the commit that we left there; anything else is a person's, and stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done, refused
from shared.domain.changeset import BadChangeset, Change, Changeset, decode
from shared.domain.policy import Problem, check_change
from shared.github import commits, refs
from shared.github.answers import Refusal
from shared.github.client import GitHub
from shared.render.commit_message import render_commit

SHOWN = 40  # problems and flags that an outcome carries


def perform(attempt: Attempt) -> Outcome:
    """data: {branch, before, changeset, parent?, summary?}; `before` is where the branch must stand.

    `parent` defaults to the commit that the changeset applies to.
    """
    branch, before = str(attempt.data["branch"]), str(attempt.data["before"])
    github = attempt.github("publish")
    there = _look(attempt, github, branch, before)
    if there is not None:
        return there
    try:
        changeset = decode(attempt.outside.blobs.get(str(attempt.data["changeset"])))
    except BadChangeset as error:
        return refused("bad_changeset", words=str(error))
    base = commits.read_commit(github, changeset.base)
    paths = commits.paths_of(github, base.tree)
    findings = check_change(changeset, base_paths=paths, extra_protected=attempt.issue.settings.protected)
    if findings.problems:
        words = _words(findings.problems)
        return refused("policy", problems=_shown(findings.problems), flagged=_shown(findings.flags), words=words)
    changes = _wanted(changeset, paths)
    tree = _make_trees(attempt, github, base.tree, changes)
    if not changes or tree == base.tree:
        return refused("no_change", words="nothing differs from the base")
    parent = str(attempt.data.get("parent") or changeset.base)
    flagged = _shown(findings.flags)
    sha = _make_commit(attempt, github, tree, parent, files=len(changes), flagged=flagged)
    try:
        refs.move_ref(github, branch, before, sha)
    except Refusal as refusal:
        return _look(attempt, github, branch, before) or _refused(refusal)
    return done({"branch": branch, "sha": sha, "tree": tree, "files": len(changes), "flagged": flagged})


def _look(attempt: Attempt, github: GitHub, branch: str, before: str) -> Outcome | None:
    """None when the branch stands where we left it."""
    found = refs.read_ref(github, branch)
    if found == before:
        return None
    if found is None:
        return refused("moved", branch=branch, found="", words=f"the branch {branch} is gone")
    commit = commits.read_commit(github, found)
    if commit.bears(attempt.effect.id):
        stage = attempt.effect.stage
        remote = {"files": stage.get("files", 0), "flagged": stage.get("flagged", [])}
        return done({"branch": branch, "sha": found, "tree": commit.tree} | remote)
    return refused("moved", branch=branch, found=found, words=f"somebody pushed {found[:7]} to {branch}")


def _wanted(changeset: Changeset, paths: frozenset[str] | None) -> tuple[Change, ...]:
    """Without deletions of what the base does not have: GitHub refuses those."""
    return tuple(
        change
        for change in changeset.changes
        if change.mode is not None or paths is None or change.path.decode() in paths
    )


def _make_trees(attempt: Attempt, github: GitHub, base_tree: str, changes: Sequence[Change]) -> str:
    """Pieces laid one over the other; each one's sha is recorded as soon as it is made."""
    tree = base_tree
    for number, piece in enumerate(commits.chunks(changes)):
        made = list(attempt.effect.stage.get("trees", []))
        if number < len(made):
            tree = made[number]
            continue
        blobs = _make_blobs(attempt, github, piece)
        tree = commits.make_tree(github, tree, [commits.entry(change, blobs.get(_digest(change))) for change in piece])
        attempt.save(trees=[*made, tree])
    return tree


def _make_blobs(attempt: Attempt, github: GitHub, piece: Sequence[Change]) -> dict[str, str]:
    """sha256 of the data -> blob, for what cannot stand inside a tree request."""
    blobs: dict[str, str] = dict(attempt.effect.stage.get("blobs", {}))
    for change in piece:
        digest = _digest(change)
        if commits.needs_blob(change) and digest not in blobs:
            blobs[digest] = commits.make_blob(github, change.data)
            attempt.save(blobs=blobs)
    return blobs


def _make_commit(
    attempt: Attempt, github: GitHub, tree: str, parent: str, *, files: int, flagged: list[dict[str, str]]
) -> str:
    recorded = attempt.effect.stage.get("commit")
    if recorded:
        return str(recorded)
    message = render_commit(attempt.view, str(attempt.data.get("summary") or ""), attempt.effect.id)
    sha = commits.make_commit(github, message, tree, [parent]).sha
    attempt.save(commit=sha, files=files, flagged=flagged)
    return sha


def _digest(change: Change) -> str:
    return hashlib.sha256(change.data).hexdigest()


def _shown(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [asdict(problem) for problem in problems[:SHOWN]]


def _words(problems: Sequence[Problem]) -> str:
    first = problems[0]
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    return f"{first.path}: {first.words}{more}" if first.path else f"{first.words}{more}"


def _refused(refusal: Refusal) -> Outcome:
    return refused("unprocessable", words=refusal.words)
