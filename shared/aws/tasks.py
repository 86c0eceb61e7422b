"""The `Tasks` on ECS Fargate: Spot first, on demand when Spot has no room and for every later launch of a job.

A task bears our client token as its group, so that a start which may have landed is found again; its `startedBy` is the
job. A capacity provider strategy with weights is a split, not a fall-back, so the choice is made here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import Final, Retryable
from shared.limits import RUN_TASK_CLIENT_TOKEN_MAX
from shared.ports import NoCapacity, Task

CONTAINER = "runner"
"""Its name in the task definition."""
REASON_MAX = 255
SPOT, ON_DEMAND = "FARGATE_SPOT", "FARGATE"
DESCRIBED_AT_ONCE = 100

_SUFFIX = "-d"  # on demand, after Spot had no room: the same token with other words would be refused
_TOKEN = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{RUN_TASK_CLIENT_TOKEN_MAX - 1 - len(_SUFFIX)}}}")
_NO_ROOM = re.compile(r"capacity|vcpus|RESOURCE:|limit on the number|Rate exceeded", re.IGNORECASE)
_TAKEN_AWAY = "not associated with the cluster"  # ECS's words where a cluster was left without Spot or on demand
_BUSY = frozenset({"ThrottlingException", "ServerException", "ServiceUnavailableException", "RequestLimitExceeded"})
_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where tasks run. `spot` False takes on demand at once. `api` is what runners claim at."""

    cluster: str
    task_definition: str
    subnets: tuple[str, ...]
    security_group: str
    api: str
    spot: bool = True


class EcsTasks:
    """`Tasks` on one cluster. `client` is a boto3 ECS client."""

    def __init__(self, place: Place, client: Any) -> None:
        self._place = place
        self._client = client

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        """Start one, or give back the one that has this token. Raises NoCapacity, Final, Retryable."""
        if not _TOKEN.fullmatch(client_token):
            raise Final(f"no client token: {client_token!r}", "letters, digits, '-', '_' and '.', at most 62")
        known = [task for group, task in self._tasks(started_by) if group == client_token]
        if known:
            return known[0]
        if self._place.spot and _launch(client_token) == 1:
            try:
                return self._run(client_token, client_token, started_by, ticket, SPOT)
            except NoCapacity:
                return self._run(client_token, client_token + _SUFFIX, started_by, ticket, ON_DEMAND)
        return self._run(client_token, client_token, started_by, ticket, ON_DEMAND)

    def stop(self, started_by: str, reason: str) -> None:
        """Ask every task with that name to leave: SIGTERM, and SIGKILL after the definition's `stopTimeout`."""
        for _, task in self._tasks(started_by, ended=False):
            if task.state != "stopped":
                self._call("stop_task", cluster=self._place.cluster, task=task.id, reason=reason[:REASON_MAX] or "stop")

    def list(self, started_by: str) -> Sequence[Task]:
        """Running and stopped ones, in the order in which they were started; ECS forgets a stopped one after an hour."""
        return [task for _, task in self._tasks(started_by)]

    def _run(self, group: str, token: str, started_by: str, ticket: str, provider: str) -> Task:
        place = self._place
        told = [{"name": "PERSEVERE_API", "value": place.api}, {"name": "PERSEVERE_TICKET", "value": ticket}]
        network = {
            "subnets": list(place.subnets),
            "securityGroups": [place.security_group],
            "assignPublicIp": "ENABLED",  # a public subnet without a NAT gateway: else no image can be pulled
        }
        answer = self._call(
            "run_task",
            cluster=place.cluster,
            taskDefinition=place.task_definition,
            capacityProviderStrategy=[{"capacityProvider": provider, "weight": 1}],
            clientToken=token,
            startedBy=started_by,
            group=group,
            count=1,
            networkConfiguration={"awsvpcConfiguration": network},
            overrides={"containerOverrides": [{"name": CONTAINER, "environment": told}]},
        )
        for failure in answer.get("failures") or ():  # also with HTTP 200
            raise _meaning(str(failure.get("reason")), str(failure.get("detail") or ""))
        if not answer.get("tasks"):
            raise NoCapacity("ECS started no task and named no reason")
        return _task(answer["tasks"][0])

    def _tasks(self, started_by: str, *, ended: bool = True) -> Sequence[tuple[str, Task]]:
        """(group, task) of every one, with those that have `ended`.

        ECS takes no other filter beside `startedBy`, which so finds what is to run; what has stopped is found among all
        of our task definition's (docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html).
        """
        arns = self._arns(startedBy=started_by)
        if ended:
            family = self._place.task_definition.rpartition("/")[2].partition(":")[0]
            arns |= self._arns(family=family, desiredStatus="STOPPED")
        found: list[dict[str, Any]] = []
        names = list(arns)
        for begin in range(0, len(names), DESCRIBED_AT_ONCE):
            part = names[begin : begin + DESCRIBED_AT_ONCE]
            found += self._call("describe_tasks", cluster=self._place.cluster, tasks=part)["tasks"]
        ours = [each for each in found if each.get("startedBy") == started_by]
        ours.sort(key=lambda each: str(each.get("createdAt", "")))
        return [(str(each.get("group", "")), _task(each)) for each in ours]

    def _arns(self, **filters: str) -> dict[str, None]:
        arns: dict[str, None] = {}
        after: dict[str, str] = {}
        while True:
            page = self._call("list_tasks", cluster=self._place.cluster, **filters, **after)
            arns |= dict.fromkeys(page["taskArns"])
            if not page.get("nextToken"):
                return arns
            after = {"nextToken": page["nextToken"]}

    def _call(self, operation: str, **about: Any) -> Any:
        """Raises NoCapacity, Retryable, Final."""
        try:
            return getattr(self._client, operation)(**about)
        except ClientError as error:
            code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
            if code in _BUSY and operation != "run_task":
                raise Retryable(f"ECS is busy: {code}", after_s=5) from error
            raise _meaning(str(code), str(message)) from error
        except BotoCoreError as error:
            raise Retryable(f"ECS did not answer: {type(error).__name__}", after_s=5) from error


def _meaning(code: str, message: str) -> Exception:
    """What a refusal of ECS is to us."""
    if _TAKEN_AWAY in message:
        return Final(f"ECS refused: {code} {message}", "the cluster lost its capacity; run `persevere deploy --mend`")
    if code in _BUSY or _NO_ROOM.search(f"{code} {message}"):
        return NoCapacity(f"AWS has no machine now: {code} {message}".strip())
    advice = {
        "ClusterNotFoundException": "the cluster is gone; run `persevere deploy`",
        "MISSING": "what it should run is gone; run `persevere deploy`",
        "ConflictException": "this token started a task with other words before",
        "AccessDeniedException": "the role of `effects` lacks ecs:RunTask or iam:PassRole; run `persevere deploy`",
    }.get(code, "run `persevere doctor`")
    return Final(f"ECS refused: {code} {message}".strip(), advice)


def _task(each: dict[str, Any]) -> Task:
    status = str(each.get("lastStatus", ""))
    state = "stopped" if status == "STOPPED" else "starting" if status in _STARTING else "running"
    return Task(
        str(each["taskArn"]), str(each.get("startedBy", "")), state, _reason(each) if state == "stopped" else ""
    )


def _reason(each: dict[str, Any]) -> str:
    """ECS's words and the exit code. `stopCode` may be missing even where a task was interrupted."""
    words = str(each.get("stoppedReason") or each.get("stopCode") or "it ended")
    codes = [container["exitCode"] for container in each.get("containers", ()) if container.get("exitCode") is not None]
    return f"{words} (exit {codes[0]})" if codes else words


def _launch(client_token: str) -> int:
    """The number of a job's launch, `<job>-<launch>`."""
    number = client_token.rpartition("-")[2]
    return int(number) if number.isdigit() else 1
