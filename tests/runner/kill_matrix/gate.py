"""Stands before the host's doors and kills a runner as one of its requests arrives, or once it has been answered.

Each task is told an address of its own (`/as/<task>/…`), and what it is answered leads back through it: blobs, the clone,
the revoking of its token. So every request of a runner is seen here, by whom it is, and the product knows nothing of it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import requests
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from local.tasks import SubprocessTasks
from shared.ports import Task

When = Literal["before", "after"]
HEARTBEAT = "/v1/heartbeat"
FORWARDED = ("Accept", "Authorization", "Content-Type", "Content-Encoding", "Git-Protocol", "User-Agent")


@dataclass(frozen=True, slots=True)
class Kill:
    """At request `number` (from 0, heartbeats left out) of a job's launch."""

    number: int
    when: When
    launch: int = 1


class AddressedTasks(SubprocessTasks):
    """Tells every task its own address."""

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        mine = SubprocessTasks(self._root.parent, f"{self._api}/as/{client_token}", self._clock, extra=self._extra)
        return mine.start(client_token, started_by, ticket)


class Gate:
    """The WSGI application in front of the host's. `whose` names the job of a task: (issue, kind of job)."""

    def __init__(self, inner: Callable[..., Any], home: Path) -> None:
        self.inner = inner
        self.home = home
        self.host_url = self.github_url = ""
        self.whose: Callable[[str], tuple[str, str]] = lambda job: (job, "")
        self.plans: dict[tuple[str, str], tuple[Kill, ...]] = {}
        self.seen: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        self.killed: list[tuple[str, str, str]] = []
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        match = re.fullmatch(r"/as/([^/]+)(/.*)", environ["PATH_INFO"])
        if match is None:
            return cast("Iterable[bytes]", self.inner(environ, start_response))
        task, path = match[1], match[2]
        kill = self._note(task, environ["REQUEST_METHOD"], path)
        if kill and kill.when == "before":
            self._kill(task)
            return Response("its sender is dead", 503)(environ, start_response)
        answer = self._forward(environ, task, path)
        if kill:
            self._kill(task)
        return answer(environ, start_response)

    def _note(self, task: str, method: str, path: str) -> Kill | None:
        """The request is counted; the kill that is planned for it."""
        if path == HEARTBEAT:
            return None
        issue, kind, launch = self._launch(task)
        with self._lock:
            seen = self.seen[issue, kind, launch]
            seen.append(f"{method} {_shape(path)}")
            plans = self.plans.get((issue, kind), ())
            return next((each for each in plans if (each.launch, each.number) == (launch, len(seen) - 1)), None)

    def _launch(self, task: str) -> tuple[str, str, int]:
        job, _, launch = task.rpartition("-")
        return (*self.whose(job), int(launch))

    def _kill(self, task: str) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._runner(task), signal.SIGKILL)
        whose = self._launch(task)
        self.killed.append((whose[0], whose[1], self.seen[whose][-1]))

    def _runner(self, task: str) -> int:
        """Its process. Its first word may come before its keeper has written down who it is."""
        path, until = self.home / "tasks" / task / "begun.json", time.monotonic() + 60
        while (found := json.loads(path.read_text("utf-8"))["runner"] if path.exists() else None) is None:
            assert time.monotonic() < until, f"nobody wrote down who runs {task}"
            time.sleep(0.01)
        return int(found)

    def _forward(self, environ: dict[str, Any], task: str, path: str) -> Response:
        if path.startswith("/github/"):
            return self._to_github(Request(environ), path.removeprefix("/github"))
        body, status, headers = run_wsgi_app(self.inner, environ | {"PATH_INFO": path}, buffered=True)
        data = b"".join(body)
        if path.startswith("/v1/"):
            data = data.replace(f"{self.host_url}/blobs".encode(), f"{self.host_url}/as/{task}/blobs".encode())
            data = data.replace(self.github_url.encode(), f"{self.host_url}/as/{task}/github".encode())
            headers.remove("Content-Length")
        return Response(data, status, headers)

    def _to_github(self, request: Request, path: str) -> Response:
        query = f"?{request.query_string.decode()}" if request.query_string else ""
        headers = {name: request.headers[name] for name in FORWARDED if name in request.headers}
        answer = requests.request(
            request.method, self.github_url + path + query, data=request.get_data(), headers=headers, timeout=60
        )
        kept: Mapping[str, str] = {
            name: value for name, value in answer.headers.items() if name.lower() in ("content-type", "cache-control")
        }
        return Response(answer.content, answer.status_code, kept)


def _shape(path: str) -> str:
    """Without what is another one each time."""
    path = re.sub(r"^/blobs/.*", "/blobs/…", path)
    return re.sub(r"^/github/.*\.git/", "/github/….git/", path)
