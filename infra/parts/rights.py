"""Who may do what: every function's rights, least first. The reviewed table in docs/permissions.md is made from the template."""

from __future__ import annotations

from dataclasses import dataclass

from infra.parts.grants import Grant

READ = ("dynamodb:GetItem", "dynamodb:Query")
PUT, UPDATE, DELETE, CHECK = (
    f"dynamodb:{name}" for name in ("PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
)
"""What a transaction of ours needs: each of its parts is checked as the single action. A put that expects no certain version
is an update (`shared/aws/items.py`)."""


@dataclass(frozen=True)
class Arns:
    """Everything that a right can be about."""

    table: str
    due_index: str
    stream: str
    bucket: str
    objects: str
    app_secret: str
    webhook_secret: str
    keys_secret: str
    model_secret: str
    cluster: str
    task_family: str
    """The task definition's ARN with `*` for its revision."""
    tasks: str
    """ARNs of the cluster's tasks, with `*` for their ids."""
    execution_role: str
    planner: str
    tokens_read: str
    tokens_write: str
    lost: str


class Rights:
    """A list of grants for each function, by its name."""

    def __init__(self, arns: Arns) -> None:
        self._arns = arns
        blobs = self._blobs()
        self.by_function: dict[str, list[Grant]] = {
            "github_webhook": [Grant((PUT,), (arns.table,)), _read(arns.webhook_secret)],
            "job_api": [
                self._table(PUT, UPDATE, DELETE, CHECK),
                *blobs,
                _read(arns.keys_secret),
                _read(arns.model_secret),
                _call(arns.tokens_read),
            ],
            "conductor": [self._table(PUT, UPDATE, DELETE, CHECK), *blobs, _call(arns.tokens_read), *self._hear()],
            "effects": [
                self._table(PUT, UPDATE),
                *blobs,
                _read(arns.keys_secret),
                _call(arns.tokens_read),
                _call(arns.tokens_write),
                _call(arns.planner),
                *self._run_tasks(),
                *self._look_at_tasks(),
                *self._hear(),
            ],
            "planner": [self._table(PUT, UPDATE, CHECK), *blobs, _read(arns.model_secret), self._lose()],
            "watchdog": [
                self._table(PUT, DELETE),
                Grant(("dynamodb:Query",), (arns.due_index,)),
                *blobs,
                _call(arns.tokens_read),
                *self._look_at_tasks(),
                self._lose(),
            ],
            "tokens_read": [_read(arns.app_secret)],
            "tokens_write": [_read(arns.app_secret)],
        }

    def _table(self, *writes: str) -> Grant:
        return Grant((*READ, *writes), (self._arns.table,))

    def _blobs(self) -> list[Grant]:
        """Without the right to list, S3 answers 403 for a blob that is not there, which cannot be told from a fault."""
        return [
            Grant(
                ("s3:GetObject", "s3:PutObject"),
                (self._arns.objects,),
                "a blob's key is made when it is stored; the bucket holds nothing but blobs",
            ),
            Grant(("s3:ListBucket",), (self._arns.bucket,)),
        ]

    def _hear(self) -> list[Grant]:
        """What a consumer of the table's stream needs."""
        return [
            Grant(
                ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"), (self._arns.stream,)
            ),
            Grant(("dynamodb:ListStreams",), ("*",), "AWS binds listing streams to no resource; it shows names only"),
            self._lose(),
        ]

    def _lose(self) -> Grant:
        return Grant(("sqs:SendMessage",), (self._arns.lost,))

    def _run_tasks(self) -> list[Grant]:
        cluster = {"ArnEquals": {"ecs:cluster": self._arns.cluster}}
        return [
            Grant(
                ("ecs:RunTask",),
                (self._arns.task_family,),
                "the revision of our one task definition changes with every deployment",
                cluster,
            ),
            Grant(
                ("ecs:StopTask",),
                (self._arns.tasks,),
                "a task's id is made when it starts; bound to our cluster",
                cluster,
            ),
            Grant(
                ("iam:PassRole",),
                (self._arns.execution_role,),
                conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            ),
        ]

    def _look_at_tasks(self) -> list[Grant]:
        cluster = {"ArnEquals": {"ecs:cluster": self._arns.cluster}}
        return [
            Grant(
                ("ecs:DescribeTasks",),
                (self._arns.tasks,),
                "a task's id is made when it starts; bound to our cluster",
                cluster,
            ),
            Grant(
                ("ecs:ListTasks",), ("*",), "AWS binds listing tasks to no task or cluster; the condition does", cluster
            ),
        ]


def _read(secret: str) -> Grant:
    return Grant(("secretsmanager:GetSecretValue",), (secret,))


def _call(function: str) -> Grant:
    return Grant(("lambda:InvokeFunction",), (function,))
