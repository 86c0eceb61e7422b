"""What survival costs: a checkpoint after a step, and going on after a machine was lost, on 10,000 files.

A checkpoint is measured with one change, from the look at the workspace to the bundle's bytes (its upload is the network's
affair). Going on is measured in a process that has read nothing yet, from the claim to the next question: the door's
imports, the claim, 200 steps of 8 kB read and folded, the bundle opened and laid over a workspace that is cloned and set
up already, the first checkpoint there, the question reserved, asked and stored.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import overhead

FILES = 10_000
STEPS = 200
ROUNDS = 9
CHANGED = "d042/f4242.py"


@dataclass(frozen=True, slots=True)
class Survival:
    """Milliseconds, medians. `unchanged` is a checkpoint of a step that changed nothing."""

    checkpoint: float
    unchanged: float
    resume: float
    bundle_bytes: int


def measure(files: int = FILES, steps: int = STEPS, rounds: int = ROUNDS, resumes: int = 5) -> Survival:
    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as directory:
        home = Path(directory)
        changed, unchanged, size = checkpoints(home / "checkpoint", files, rounds)
        resumed = [_resume(home / f"resume-{number}", files, steps) for number in range(resumes)]
    return Survival(changed, unchanged, statistics.median(resumed), size)


def checkpoints(home: Path, files: int, rounds: int) -> tuple[float, float, int]:
    """(with one change, without any, bytes of the bundle)."""
    from runner_image.checkpoint import make_bundle

    git, tree, recorder, start = workspace(home, files)
    changed, unchanged, data = [], [], b""
    for number in range(rounds):
        _change(tree, number)
        began = time.perf_counter()
        data = make_bundle(git, start, recorder.tree())
        changed.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        recorder.tree()
        unchanged.append((time.perf_counter() - began) * 1000)
    return statistics.median(changed), statistics.median(unchanged), len(data)


def workspace(home: Path, files: int) -> tuple[Any, Path, Any, str]:
    """A repository of that many files, checked out and set up: (git, work tree, recorder, commit)."""
    from runner_image.changeset import Recorder
    from runner_image.git import Git
    from shared.domain.protocol import RunnerLimits

    tree = home / "tree"
    for number in range(files):
        path = tree / f"d{number // 100:03d}" / f"f{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * 40, "ascii")
    git = Git(home / "trusted", os.environ)
    git.init()
    git.run("add", "-A", index=home / "index", tree=tree)
    base = git.line("write-tree", index=home / "index")
    text = f"tree {base}\nauthor octocat <> 0 +0000\ncommitter octocat <> 0 +0000\n\nbase\n".encode()
    commit = git.run("hash-object", "-t", "commit", "-w", "--stdin", stdin=text).decode().strip()
    recorder = Recorder(git, tree, home / "index", commit, commit, RunnerLimits(seconds=60))
    recorder.record_setup()
    return git, tree, recorder, commit


def _change(tree: Path, number: int) -> None:
    path = next(iter(sorted(tree.glob("*/*.py")))) if not (tree / CHANGED).exists() else tree / CHANGED
    path.write_text(f"value = {number}\n" * 40, "ascii")


def _resume(home: Path, files: int, steps: int) -> float:
    """The milliseconds of one process that knows nothing."""
    from runner_image.checkpoint import make_bundle

    git, tree, recorder, start = workspace(home, files)
    _change(tree, 1)
    work = recorder.tree()
    data = make_bundle(git, start, work)
    with overhead.quiet():
        _work(home, steps, work, data)
    command = [sys.executable, "-m", "bench.survival", str(home), str(files), str(steps)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    return float(json.loads(done.stdout.splitlines()[-1])["ms"])


def _work(home: Path, steps: int, tree: str, data: bytes) -> None:
    """A first runner's steps, the last of them with a checkpoint; then its machine is lost."""
    from functions import world
    from shared.domain import keys
    from shared.domain.job import JobState
    from shared.domain.record import ANY, Put, Record

    here = overhead.make_world(home, steps + 2)
    world.use(here)
    try:
        token = overhead.claim(here)
        key = here.blobs.put(f"1/{overhead.JOB}", data)
        results: list[dict[str, Any]] = []
        for number in range(steps):
            kept = {"tree": tree, "bundle": key, "kind": "bundle"} if number else None
            body = {"results": results, "tree": tree, "checkpoint": kept}
            reply = overhead.send(overhead.event("PUT", f"/v1/steps/{number}", body, token))
            overhead.send(overhead.event("POST", "/v1/begin", {"step": number}, token))
            results = [overhead.result(call["id"], number) for call in reply["calls"]]
        record = here.store.get(keys.job_state(overhead.JOB))
        job = JobState.model_validate(record.body).model_copy(update={"launch": 2})
        here.store.commit(Put(Record(record.key, "job", job.model_dump(mode="json")), ANY))
    finally:
        world.use(None)
        here.store.close()


def _go_on(home: Path, files: int, steps: int) -> float:
    """In a process of its own. What a clone and a set-up leave is made before the clock starts."""
    git, tree, recorder, start = workspace(home / "next", files)
    began = time.perf_counter()
    with overhead.quiet():
        from functions import world
        from runner_image.checkpoint import make_bundle, stored_change
        from runner_image.laying import lay
        from shared.domain.protocol import Claimed

        here = overhead.make_world(home, steps + 2, fill=False)
        world.use(here)
        claimed = Claimed.model_validate(overhead.claimed(here, launch=2))
        resume = claimed.resume
        assert (resume.step, resume.kind) == (steps, "bundle"), resume
        record = next(path for path in (home / "blobs").rglob("*") if path.is_file() and path.read_bytes()[:1] == b"#")
        lay(tree, stored_change(git, start, recorder.start, resume, record.read_bytes()))
        kept = recorder.tree()
        make_bundle(git, start, kept)
        assert kept == resume.tree
        overhead.send(overhead.event("PUT", f"/v1/steps/{resume.step}", {"results": [], "tree": kept}, claimed.token))
        taken = (time.perf_counter() - began) * 1000
        here.store.close()
    return taken


if __name__ == "__main__":
    spent = _go_on(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps({"ms": spent}) + "\n")
