"""`persevere stop`."""

from __future__ import annotations

import os

from local.cli.options import Job

SHORT = "End a job; the work is kept."


def stop(job: Job) -> None:
    """End a job; the work is kept.

    Nothing here goes around the door: in a simulated world this writes the comment `/persevere stop` as the person who
    asked for the job; elsewhere it prints the line, for you to comment.
    """
    from local.cli import looking

    looking.stop(os.environ, job)
