"""Spot first, on demand when Spot has no room and for every later launch; and what a refusal of ECS is to us.

The cluster is a stand-in with state: neither moto nor the emulator ever lacks capacity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from shared.aws.tasks import EcsTasks, Place
from shared.errors import Final, Retryable
from shared.ports import NoCapacity

FAMILY = "Persevere-runner"
DEFINITION = f"arn:aws:ecs:us-east-1:111122223333:task-definition/{FAMILY}:7"
NO_ROOM = {"reason": "Capacity is unavailable at this time. Please try again later or in a different availability zone"}


@dataclass
class Cluster:
    """ECS, with providers that may be full. `raises` is what its next RunTask answers instead."""

    full: frozenset[str] = frozenset()
    raises: Exception | None = None
    failure: dict[str, str] | None = None
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run_task(self, **wish: Any) -> dict[str, Any]:
        if self.raises is not None:
            raise self.raises
        (strategy,) = wish["capacityProviderStrategy"]
        if self.failure or strategy["capacityProvider"] in self.full:
            return {"tasks": [], "failures": [self.failure or NO_ROOM]}
        assert wish["count"] == 1
        arn = f"arn:aws:ecs:us-east-1:1:task/c/{len(self.tasks)}"
        task = {name: wish[name] for name in ("startedBy", "group", "overrides")}
        task |= {"taskArn": arn, "lastStatus": "PROVISIONING", "provider": strategy["capacityProvider"]}
        self.tasks[arn] = task | {"token": wish["clientToken"], "network": wish["networkConfiguration"]}
        return {"tasks": [task], "failures": []}

    def list_tasks(self, *, cluster: str, **filters: str) -> dict[str, Any]:
        """As ECS's reference has it: beside `startedBy` no other filter, and without a status those that are to run."""
        if "startedBy" in filters and len(filters) > 1:
            raise refused("InvalidParameterException", "startedBy must be the only filter")
        wanted = filters.get("desiredStatus", "RUNNING")
        named = [(arn, task) for arn, task in self.tasks.items() if self._is_named(task, filters)]
        return {"taskArns": [arn for arn, task in named if task.get("desiredStatus", "RUNNING") == wanted]}

    @staticmethod
    def _is_named(task: dict[str, Any], filters: dict[str, str]) -> bool:
        if "family" in filters:
            return filters["family"] == FAMILY
        return "startedBy" not in filters or bool(task["startedBy"] == filters["startedBy"])

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        return {"tasks": [self.tasks[arn] for arn in tasks]}


def tasks(cluster: Cluster, **more: Any) -> EcsTasks:
    return EcsTasks(Place("c", DEFINITION, ("subnet-1", "subnet-2"), "sg-1", "https://api.invalid", **more), cluster)


def refused(code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "RunTask")


@pytest.mark.parametrize(
    ("token", "full", "spot", "provider"),
    [
        pytest.param("job-1", frozenset(), True, "FARGATE_SPOT", id="first: spot"),
        pytest.param("job-1", frozenset({"FARGATE_SPOT"}), True, "FARGATE", id="spot is full"),
        pytest.param("job-2", frozenset(), True, "FARGATE", id="again: on demand"),
        pytest.param("job-1", frozenset(), False, "FARGATE", id="the operator wants no spot"),
    ],
)
def test_which_capacity_a_launch_takes(token: str, full: frozenset[str], spot: bool, provider: str) -> None:
    cluster = Cluster(full)
    task = tasks(cluster, spot=spot).start(token, "job", "ticket")
    assert cluster.tasks[task.id]["provider"] == provider
    assert tasks(cluster, spot=spot).start(token, "job", "ticket").id == task.id, "found again, whichever it took"
    assert len(cluster.tasks) == 1


def test_a_task_is_told_two_names_and_may_be_called_by_nobody() -> None:
    cluster = Cluster()
    task = cluster.tasks[tasks(cluster).start("job-1", "job", "the ticket").id]
    (override,) = task["overrides"]["containerOverrides"]
    told = {each["name"]: each["value"] for each in override["environment"]}
    assert told == {"PERSEVERE_API": "https://api.invalid", "PERSEVERE_TICKET": "the ticket"}
    assert override["name"] == "runner"
    assert task["network"]["awsvpcConfiguration"]["securityGroups"] == ["sg-1"]


@pytest.mark.parametrize(
    ("raises", "failure", "kind"),
    [
        pytest.param(None, NO_ROOM, NoCapacity, id="both are full"),
        pytest.param(refused("ThrottlingException", "Rate exceeded"), None, NoCapacity, id="throttled"),
        pytest.param(
            refused("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently"),
            None,
            NoCapacity,
            id="quota",
        ),
        pytest.param(refused("AccessDeniedException"), None, Final, id="no right"),
        pytest.param(refused("ClusterNotFoundException"), None, Final, id="no cluster"),
        pytest.param(
            refused(
                "InvalidParameterException",
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the "
                "cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and try again.",
            ),
            None,
            Final,
            id="the cluster lost its capacity",
        ),
        pytest.param(refused("ConflictException"), None, Final, id="the token had other words"),
        pytest.param(None, {"reason": "MISSING"}, Final, id="no definition"),
        pytest.param(ReadTimeoutError(endpoint_url="https://ecs.invalid"), None, Retryable, id="no answer"),
    ],
)
def test_what_a_refusal_means(raises: Exception | None, failure: dict[str, str] | None, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised:
        tasks(Cluster(raises=raises, failure=failure)).start("job-2", "job", "ticket")
    if isinstance(raised.value, Final):
        assert raised.value.advice


def test_a_task_is_found_by_its_job_also_when_it_has_stopped_among_others_that_have() -> None:
    cluster = Cluster()
    ecs = tasks(cluster)
    ended, other, running = ecs.start("a-1", "a", "t"), ecs.start("b-1", "b", "t"), ecs.start("a-2", "a", "t")
    for task in (ended, other):
        cluster.tasks[task.id] |= {"desiredStatus": "STOPPED", "lastStatus": "STOPPED"}
    assert {task.id: task.state for task in ecs.list("a")} == {ended.id: "stopped", running.id: "starting"}
    assert ecs.start("a-1", "a", "t").id == ended.id, "what has ended is not started again"
