"""`make chaos`: the demo again and again while its machines are killed at random; it must always end as if none had been.

    make chaos                         100 kills; the seed is printed
    make chaos ARGS="--seed 7"         the same kills again
    make chaos ARGS="--kills 10"       fewer
    make chaos ARGS="--host"           runners, the host, and both at once

An answer that the host was asking for when it was killed is lost and asked for again, which is the one thing that may differ.

Exit code 1 at the first demo that ends otherwise: it is kept, with what was killed, and the line that replays it alone.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.strikes import strikes_of
from local.trial.records import Table
from shared.domain import keys
from shared.domain.step import StepState
from shared.ports import read_all

A_DEMO = 14
"""Kills at most in one demo, so that one that dies without end still comes to an end."""
BARREN = 3  # demos in a row without any kill: something is wrong with the plan


@dataclass(frozen=True)
class End:
    """What no kill may change."""

    result: str
    tree: str
    branches: int
    comments: int
    held: float
    criteria: tuple[tuple[str, str], ...]
    asked_again: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description="Kills the demo's machines at random.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--host", action="store_true", help="kill the control plane, too")
    parser.add_argument("--home", type=Path, default=Path(".chaos"))
    options = parser.parse_args(argv)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    sys.stdout.write(f"chaos: {options.kills} kills, seed {seed}\n")
    calm = play(options.home, "")[0]
    sys.stdout.write(f"  calm    {calm.result}, tree {calm.tree[:10]}\n")
    if calm.result != "proved":
        return 1
    killed = barren = number = 0
    while killed < options.kills and barren < BARREN:
        most = min(A_DEMO, options.kills - killed)
        plan = f"{'all' if options.host else 'seed'}:{seed + number}:{most}"
        found, struck = play(options.home, plan)
        killed, barren = killed + len(struck), 0 if struck else barren + 1
        sys.stdout.write(f"  {killed:>4}    {found.result}, {len(struck)} killed by {plan}\n")
        sys.stdout.flush()
        if wrong := list(differences(calm, found, lost_asks=options.host)):
            report(options.home, plan, wrong, struck)
            return 1
        number += 1
    shutil.rmtree(options.home, ignore_errors=True)
    sys.stdout.write(f"{killed} machines were killed in {number} demos; each ended as if none had been. seed {seed}\n")
    return int(killed < options.kills)


def play(home: Path, plan: str) -> tuple[End, list[dict[str, Any]]]:
    """One demo, and whom the plan hit."""
    more = ["--strike", plan] if plan else []
    command = [sys.executable, "-m", "local.cli", "demo", "--json", "--keep", "--home", str(home), *more]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    struck = strikes_of(home / "home")
    if not ran.stdout.strip():
        return End(f"exit {ran.returncode}: {ran.stderr[-800:]}", "", 0, 0, 0.0, (), ()), struck
    found: dict[str, Any] = json.loads(ran.stdout)
    pull = found["pull_request"]
    return End(
        result=found["result"],
        tree=tree_of(home / "home", pull["head_sha"]) if pull else "",
        branches=branches_of(home / "home"),
        comments=found["comments"],
        held=found["money"]["held"],
        criteria=tuple((each["id"], each["conclusion"]) for each in found["criteria"]),
        asked_again=tuple(asked_again(home / "home", [job["id"] for job in found["jobs"]])),
    ), struck


def tree_of(home: Path, commit: str) -> str:
    """The id of a commit's tree, from the simulator's own repository."""
    found = [git(path, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}") for path in repositories(home)]
    return next((tree for tree in found if tree), "none")


def branches_of(home: Path) -> int:
    """How many branches of ours there are: work that was begun a second time would have one more."""
    found = (git(path, "for-each-ref", "--format=%(refname)", "refs/heads/persevere/") for path in repositories(home))
    return sum(len(names.split()) for names in found)


def repositories(home: Path) -> list[Path]:
    return [head.parent for head in (home / "github").rglob("HEAD") if (head.parent / "objects").is_dir()]


def git(directory: Path, *arguments: str) -> str:
    command = ["git", "--git-dir", str(directory), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    return done.stdout.strip()


def asked_again(home: Path, jobs: list[str]) -> Iterator[str]:
    """Answers that were asked for more than once, which is paid for more than once."""
    table = Table(home)
    try:
        for job in jobs:
            for record in read_all(table.store, keys.job_pk(job), "STEP#"):
                asking = StepState.model_validate(table.whole(record).body).asking
                if asking is not None and (asking.attempt > 1 or asking.lost):
                    yield record.key.sk
    finally:
        table.close()


def differences(calm: End, found: End, *, lost_asks: bool = False) -> Iterator[str]:
    """`lost_asks`: whoever asked for an answer may have been killed before there was one."""
    for name in End.__dataclass_fields__:
        if lost_asks and name == "asked_again":
            continue
        if getattr(calm, name) != getattr(found, name):
            yield f"{name} is {getattr(found, name)!r}, without kills {getattr(calm, name)!r}"


def report(home: Path, plan: str, wrong: list[str], struck: list[dict[str, Any]]) -> None:
    for line in wrong:
        sys.stdout.write(f"FAIL  {line}\n")
    for each in struck:
        sys.stdout.write(f"      killed: {each['what']} (job {each['job']}, launch {each['launch']})\n")
    sys.stdout.write(f"      kept in {home}; this one alone: persevere demo --keep --strike {plan}\n")


if __name__ == "__main__":
    sys.exit(main())
