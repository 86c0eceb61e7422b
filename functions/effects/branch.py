"""Our branch, with one empty commit on the base, so that checks have a place from the first minute."""

from __future__ import annotations

from functions.effects.attempt import Attempt
from functions.effects.outcome import Outcome, done, refused
from shared.github import commits, refs
from shared.github.client import GitHub
from shared.github.commits import with_trailer
from shared.render.leftovers import render_branch_commit


def perform(attempt: Attempt) -> Outcome:
    """data: {branch, base}. A branch of that name that is not this effect's is nobody's to overwrite: `moved`."""
    branch, base = str(attempt.data["branch"]), str(attempt.data["base"])
    github = attempt.github("publish")
    there = _look(attempt, github, branch, base)
    if there is not None:
        return there
    sha = attempt.effect.stage.get("commit")
    if sha is None:
        tree = commits.read_commit(github, base).tree
        message = with_trailer(render_branch_commit(attempt.view), attempt.effect.id)
        sha = commits.make_commit(github, message, tree, [base]).sha
        attempt.save(commit=sha)
    if not refs.make_ref(github, branch, sha):
        there = _look(attempt, github, branch, base)
        return there or refused("moved", branch=branch, found="", words="the branch came and went")
    return _done(github, branch, sha)


def _look(attempt: Attempt, github: GitHub, branch: str, base: str) -> Outcome | None:
    """None when there is no such branch."""
    found = refs.read_ref(github, branch)
    if found is None:
        return None
    commit = commits.read_commit(github, found)
    if commit.bears(attempt.effect.id) and commit.parents == (base,):
        return done({"branch": branch, "sha": found, "tree": commit.tree})
    return refused("moved", branch=branch, found=found, words=f"the branch {branch} exists already")


def _done(github: GitHub, branch: str, sha: str) -> Outcome:
    return done({"branch": branch, "sha": sha, "tree": commits.read_commit(github, sha).tree})
