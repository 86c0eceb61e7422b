"""How long GitHub waits for a cold `github_webhook`: a fresh process imports the handler and answers one signed delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 7
SECRET = "bench"
# Packages that must not be loaded for this door; the child says which of them are.
HEAVY = ("pydantic", "boto3", "githubkit", "httpx", "requests", "yaml", "cryptography")

CHILD = """
import json, sys, time
began = time.perf_counter()
from functions.github_webhook.handler import handler
imported = time.perf_counter()
answer = handler(json.loads(sys.argv[1]), None)
answered = time.perf_counter()
heavy = [name for name in sys.argv[2].split(",") if name in sys.modules]
print(json.dumps([imported - began, answered - imported, answer["statusCode"], heavy]))
"""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Milliseconds, medians of fresh processes. `bare` is an interpreter that does nothing, `whole` the whole process."""

    imported: float
    first_answer: float
    whole: float
    bare: float
    heavy: tuple[str, ...]


def measure(rounds: int = ROUNDS) -> ColdStart:
    with tempfile.TemporaryDirectory(prefix="persevere-bench-") as home:
        environment = _prepare(Path(home))
        runs = [_run(environment, number) for number in range(rounds + 1)][1:]  # the first one warms the file cache
        bare = [_bare() for _ in range(rounds)]
    imported, answered, whole, heavy = zip(*runs, strict=True)
    return ColdStart(
        imported=statistics.median(imported),
        first_answer=statistics.median(answered),
        whole=statistics.median(whole),
        bare=statistics.median(bare),
        heavy=tuple(sorted({name for names in heavy for name in names})),
    )


def _prepare(home: Path) -> dict[str, str]:
    from local.keyring import AppFile, Keyring

    Keyring(home).save_app(AppFile(id=1, slug="persevere", webhook_secret=SECRET, private_key="", people={}))
    return os.environ | {"PERSEVERE_HOME": str(home), "PERSEVERE_WORLD": "local"}


def _run(environment: dict[str, str], number: int) -> tuple[float, float, float, list[str]]:
    import time

    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps(_delivery(number)), ",".join(HEAVY)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    whole = (time.perf_counter() - began) * 1000
    imported, answered, status, heavy = json.loads(done.stdout.splitlines()[-1])
    if status != 202:
        raise RuntimeError(f"the door answered {status}: {done.stdout}{done.stderr}")
    return imported * 1000, answered * 1000, whole, heavy


def _bare() -> float:
    import time

    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return (time.perf_counter() - began) * 1000


def _delivery(number: int) -> dict[str, object]:
    """One created comment, as a Function URL would hand it on."""
    octocat = {"id": 1, "login": "octocat", "type": "User"}
    body = json.dumps(
        {
            "action": "created",
            "sender": octocat,
            "repository": {"id": 1, "full_name": "octo-org/octo-repo", "private": False, "default_branch": "main"},
            "installation": {"id": 1},
            "issue": {"number": 1, "state": "open", "title": "Sums are wrong", "body": "x" * 2_000, "user": octocat},
            "comment": {
                "id": 1_000 + number,
                "body": "/persevere",
                "user": octocat,
                "created_at": "2026-01-01T00:00:00Z",
                "updated_at": "2026-01-01T00:00:00Z",
            },
        }
    )
    signature = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    headers = {
        "x-github-event": "issue_comment",
        "x-github-delivery": f"bench-{number}",
        "x-hub-signature-256": f"sha256={signature}",
    }
    return {"version": "2.0", "headers": headers, "body": body, "isBase64Encoded": False}
