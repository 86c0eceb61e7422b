"""Set-up: found, run once in the open phase, and said for people."""

from __future__ import annotations

from runner_image.findings import MOST_BYTES, READ, Files, Found, find_setup
from runner_image.git import Git, read_blobs
from runner_image.job import Job
from runner_image.log import log
from runner_image.outcome import plain_run
from runner_image.sandbox.contract import Sandbox
from runner_image.workspace import Checkout
from shared.domain.protocol import Run


def read_files(git: Git, commit: str) -> Files:
    """The commit's paths, and the texts of the files that say how it is set up."""
    rows = {}
    paths = []
    for row in git.run("ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
        about, _, path = row.partition(b"\t")
        fields = about.split()
        if len(fields) == 4 and fields[1] == b"blob":
            name = path.decode("utf-8", "surrogateescape")
            paths.append(name)
            if name in READ and int(fields[3]) <= MOST_BYTES:
                rows[name] = fields[2].decode()
    blobs = read_blobs(git, rows.values())
    return Files({name: blobs[blob].decode("utf-8", "replace") for name, blob in rows.items()}, paths)


def choose_setup(job: Job, git: Git) -> Found:
    """What to run, from the settings or from what the base says (never the head: the change has no say in it)."""
    return find_setup(read_files(git, job.claimed.clone.base), job.claimed.setup)


def run_setup(job: Job, checkout: Checkout, setup: Found, sandbox: Sandbox | None = None) -> Run | None:
    """None when there is nothing to set up. Raises Ending."""
    if setup.line is None:
        return None
    job.progress.doing = "set-up"
    limits = job.claimed.limits
    ran = job.run(checkout.place, setup.line, limits.setup_seconds, network="open", sandbox=sandbox)
    run = plain_run(ran)
    log("setup.ran", source=setup.source, outcome=run.outcome, exit=run.exit, seconds=run.seconds)
    return run
