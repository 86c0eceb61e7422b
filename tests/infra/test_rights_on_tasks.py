"""Every call of ECS that the code makes, held against the rights of the role that makes it.

The emulator decides on all other rights (tests/cloud); of ECS it knows neither the condition `ecs:cluster` nor which ARN a
call is about. Which ARN and which keys AWS looks at for each action: docs.aws.amazon.com/service-authorization/latest/
reference/list_amazonelasticcontainerservice.html, and for PassRole list_awsidentityandaccessmanagementiam.html.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from shared.aws.tasks import EcsTasks, Place
from tests.infra.conftest import of_type

REGION, ACCOUNT = "eu-central-1", "111122223333"
FAMILY = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/Persevere-runner"
TO_TASKS = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


@dataclass(frozen=True)
class Asked:
    """What AWS decides on: an action on a resource, and the keys that conditions may name."""

    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict)


def resolved(value: Any) -> Any:
    """A template's expression as it would be in an account: a resource's name, or its ARN, by its logical id."""
    match value:
        case {"Ref": "AWS::Region"}:
            return REGION
        case {"Ref": "AWS::AccountId"}:
            return ACCOUNT
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": str(name)}:
            return f"name-of-{name}"
        case {"Fn::GetAtt": [name, "Arn"]}:
            return f"arn-of-{name}"
        case {"Fn::Join": [separator, list(parts)]}:
            return str(separator).join(str(resolved(part)) for part in parts)
        case {"Fn::GetAtt": _} | {"Fn::Sub": _}:
            return "something else"
        case dict():
            return {key: resolved(each) for key, each in value.items()}
        case list():
            return [resolved(each) for each in value]
        case _:
            return value


def statements_of(template: dict[str, Any], role: str) -> list[dict[str, Any]]:
    """The statements of one function's role."""
    (found,) = (
        each
        for each in template["Resources"].values()
        if each["Type"] == "AWS::IAM::Role" and f"/{role}-role/" in each["Metadata"]["aws:cdk:path"]
    )
    return [
        resolved(statement)
        for policy in found["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allows(statement: Mapping[str, Any], asked: Asked) -> bool:
    """Raises AssertionError for a condition that this does not know how to decide."""
    assert statement["Effect"] == "Allow"
    conditions = statement.get("Condition", {})
    assert set(conditions) <= {"ArnEquals", "StringEquals"}, conditions
    return (
        asked.action in listed(statement["Action"])
        and any(fnmatchcase(asked.resource, each) for each in listed(statement["Resource"]))
        and all(asked.keys.get(key) == wanted for pairs in conditions.values() for key, wanted in pairs.items())
    )


class Ecs:
    """A real client of boto3 that is answered here: its parameters are checked by AWS's own model of the service."""

    def __init__(self, template: dict[str, Any]) -> None:
        (self.cluster,) = of_type(template, "AWS::ECS::Cluster")
        (definition,) = of_type(template, "AWS::ECS::TaskDefinition").values()
        self.passed = [resolved(definition[name]) for name in ("ExecutionRoleArn", "TaskRoleArn") if name in definition]
        self.asked: list[Asked] = []
        self.tasks: list[str] = []
        client = boto3.client("ecs", region_name=REGION, aws_access_key_id="nobody", aws_secret_access_key="nothing")
        client.meta.events.register("before-parameter-build.ecs", self._note)
        client.meta.events.register("before-call.ecs", self._answer)
        place = Place(f"name-of-{self.cluster}", f"{FAMILY}:7", ("subnet-1",), "sg-1", "https://api.example.com")
        self.ports = EcsTasks(place, client)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """As AWS takes the call apart."""
        assert params["cluster"] == f"name-of-{self.cluster}"
        keys = {"ecs:cluster": f"arn-of-{self.cluster}"}
        match model.name:
            case "RunTask":
                assert "tags" not in params, "then ecs:TagResource is asked for, too"
                self.asked.append(Asked("ecs:RunTask", params["taskDefinition"], keys))
                self.asked += [Asked("iam:PassRole", role, TO_TASKS) for role in self.passed]
            case "StopTask":
                self.asked.append(Asked("ecs:StopTask", params["task"], keys))
            case "DescribeTasks":
                self.asked += [Asked("ecs:DescribeTasks", task, keys) for task in params["tasks"]]
            case "ListTasks":
                self.asked.append(Asked("ecs:ListTasks", "*", keys))
            case other:
                raise AssertionError(f"which right does {other} need, and on what?")

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        match model.name:
            case "RunTask":
                self.tasks.append(f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/name-of-{self.cluster}/{len(self.tasks)}")
                answer: dict[str, Any] = {"tasks": [self._task(self.tasks[-1])], "failures": []}
            case "ListTasks":
                answer = {"taskArns": list(self.tasks)}
            case "DescribeTasks":
                answer = {"tasks": [self._task(arn) for arn in self.tasks], "failures": []}
            case _:
                answer = {"task": self._task(self.tasks[0])}
        return SimpleNamespace(status_code=200), answer

    @staticmethod
    def _task(arn: str) -> dict[str, Any]:
        return {"taskArn": arn, "startedBy": "job", "group": "job-1", "lastStatus": "RUNNING"}


@pytest.fixture
def ecs(template: dict[str, Any]) -> Ecs:
    return Ecs(template)


def refused(statements: list[dict[str, Any]], asked: list[Asked]) -> Iterator[Asked]:
    return (each for each in asked if not any(allows(statement, each) for statement in statements))


def about_tasks(statements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in statements if str(listed(each["Action"])[0]).startswith(("ecs:", "iam:"))]


def everything(ecs: Ecs) -> list[Asked]:
    ecs.ports.start("job-1", "job", "a ticket")
    ecs.ports.list("job")
    ecs.ports.stop("job", "enough")
    return ecs.asked


def test_effects_may_start_find_and_stop_tasks(template: dict[str, Any], ecs: Ecs) -> None:
    asked = everything(ecs)
    assert {each.action for each in asked} == {
        "ecs:RunTask",
        "iam:PassRole",
        "ecs:ListTasks",
        "ecs:DescribeTasks",
        "ecs:StopTask",
    }
    assert list(refused(statements_of(template, "effects"), asked)) == []


def test_effects_have_no_right_on_tasks_that_no_call_needs(template: dict[str, Any], ecs: Ecs) -> None:
    asked, statements = everything(ecs), about_tasks(statements_of(template, "effects"))
    for statement in statements:
        others = [each for each in statements if each is not statement]
        assert list(refused(others, asked)), f"nothing needs {statement}"


def test_the_watchdog_may_look_and_no_more(template: dict[str, Any], ecs: Ecs) -> None:
    ecs.ports.start("job-1", "job", "a ticket")
    ecs.asked.clear()
    ecs.ports.list("job")
    statements = statements_of(template, "watchdog")
    assert list(refused(statements, ecs.asked)) == []
    ecs.asked.clear()
    ecs.ports.stop("job", "enough")
    assert {each.action for each in refused(statements, ecs.asked)} == {"ecs:StopTask"}


@pytest.mark.parametrize("role", ["github_webhook", "job_api", "conductor", "planner", "tokens_read", "tokens_write"])
def test_the_others_have_nothing_to_do_with_tasks(template: dict[str, Any], role: str) -> None:
    assert about_tasks(statements_of(template, role)) == []


def test_what_is_not_ours_is_out_of_reach(template: dict[str, Any], ecs: Ecs) -> None:
    """Another cluster, another family, a role with rights, a service that is not ECS's tasks."""
    ours = {"ecs:cluster": f"arn-of-{ecs.cluster}"}
    foreign = [
        Asked("ecs:RunTask", f"{FAMILY}:7", {"ecs:cluster": "arn-of-Another"}),
        Asked("ecs:RunTask", f"{FAMILY}s-of-another:7", ours),
        Asked("ecs:StopTask", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/another/1", {"ecs:cluster": "arn-of-Another"}),
        Asked("ecs:ListTasks", "*", {"ecs:cluster": "arn-of-Another"}),
        Asked("iam:PassRole", "arn-of-Administrator", TO_TASKS),
        Asked("iam:PassRole", ecs.passed[0], {"iam:PassedToService": "lambda.amazonaws.com"}),
    ]
    assert list(refused(statements_of(template, "effects"), foreign)) == foreign
