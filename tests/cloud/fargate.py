"""Stands in for Fargate: a process for each task that RunTask asked the emulator for.

Bridged, since the emulator runs nothing without docker: the container (here `python -m runner_image` with the overrides'
environment), its end (StopTask, as the emulator cannot know it), and the task state event, which it does not send.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.cloud.deployment import ROOT, Deployed

LOOK_S = 0.2
WATCHDOG = "Persevere-watchdog"


class Fargate:
    """Looks for tasks until it is closed. `api` is where the runner reaches job_api (see `relay`)."""

    def __init__(self, deployed: Deployed, api: str, home: Path, told: dict[str, str]) -> None:
        self._ecs, self._lambda = deployed.client("ecs"), deployed.client("lambda")
        self._cluster = deployed.outputs["ClusterName"]
        self._api, self._home, self._told = api, home, told
        self._over = threading.Event()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.seen: dict[str, dict[str, Any]] = {}
        self.troubles: list[str] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)
        for process in self.running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def kill(self) -> int:
        """Kill everything that runs now, as a lost machine does; how many there were."""
        victims = [process for process in self.running.values() if process.poll() is None]
        for process in victims:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return len(victims)

    def _run(self) -> None:
        while not self._over.wait(LOOK_S):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - the next look sees the same tasks; a test shows what went wrong
                self.troubles.append(repr(error))

    def _look(self) -> None:
        arns = self._ecs.list_tasks(cluster=self._cluster, desiredStatus="RUNNING")["taskArns"]
        fresh = [arn for arn in arns if arn not in self.seen]
        for task in self._ecs.describe_tasks(cluster=self._cluster, tasks=fresh)["tasks"] if fresh else ():
            self.seen[task["taskArn"]] = task
            self.running[task["taskArn"]] = self._start(task)
        for arn, process in list(self.running.items()):
            if process.poll() is not None:
                del self.running[arn]
                self._ended(arn, process.returncode)
            elif arn not in arns:  # somebody asked it to stop
                process.terminate()

    def _start(self, task: dict[str, Any]) -> subprocess.Popen[bytes]:
        (override,) = task["overrides"]["containerOverrides"]
        asked = {each["name"]: each["value"] for each in override["environment"]}
        assert set(asked) == {"PERSEVERE_API", "PERSEVERE_TICKET"}, "a task gets two names and nothing else"
        scratch = self._home / "tasks" / task["taskArn"].rpartition("/")[2]
        scratch.mkdir(parents=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "TMPDIR": str(scratch),
            **self._told,
            "PERSEVERE_API": self._api,
            "PERSEVERE_TICKET": asked["PERSEVERE_TICKET"],
        }
        with (scratch / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "runner_image"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _ended(self, arn: str, code: int) -> None:
        reason = "Essential container in task exited"
        self._ecs.stop_task(cluster=self._cluster, task=arn, reason=reason)
        detail = {
            "taskArn": arn,
            "clusterArn": self.seen[arn]["clusterArn"],
            "lastStatus": "STOPPED",
            "desiredStatus": "STOPPED",
            "stoppedReason": reason,
            "stopCode": "EssentialContainerExited",
            "startedBy": self.seen[arn]["startedBy"],
            "group": self.seen[arn].get("group", ""),
            "containers": [{"name": "runner", "exitCode": code}],
        }
        event = {"source": "aws.ecs", "detail-type": "ECS Task State Change", "detail": detail}
        self._lambda.invoke(FunctionName=WATCHDOG, InvocationType="Event", Payload=json.dumps(event).encode())
