"""The functions: what each may cost, know and do. One table, so that a reviewer sees them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.parts.grants import Grant, role_for, write_logs


@dataclass(frozen=True)
class Size:
    """Memory in MiB (it buys processor time, too: 1,769 is one core), time in seconds."""

    memory: int
    seconds: int
    package: str = ""
    """Whose package it runs, where that is not its own name."""


SIZES = {
    # GitHub waits ten seconds for an answer: memory is what makes a cold start short.
    "github_webhook": Size(1024, 10),
    # A runner's step is one request that stays open while a model answers.
    "job_api": Size(512, 600),
    "conductor": Size(1024, 60),
    # Works 40 s at most; its claims hold for 75 s (CONTRACTS: effects).
    "effects": Size(1024, 60),
    # The longest that Lambda has; it mostly waits for a model.
    "planner": Size(512, 900),
    # Once a minute for ever: small is what keeps the bill at rest small.
    "watchdog": Size(512, 55),
    "tokens_read": Size(512, 30, package="tokens"),
    "tokens_write": Size(512, 30, package="tokens"),
}


@dataclass(frozen=True)
class Code:
    """Where a package lies, and the digest of what it was made from."""

    path: Path
    digest: str


class Functions(Construct):
    """Names are fixed (`<stack>-<function>`), so that one can be named in another's settings without a circle."""

    def __init__(
        self, scope: Construct, name: str, *, stack: str, log_days: int, packages: Mapping[str, Code], architecture: str
    ) -> None:
        super().__init__(scope, name)
        self._stack = stack
        self._log_days = log_days
        self._packages = packages
        self._architecture = lambda_.Architecture.X86_64 if architecture == "x86_64" else lambda_.Architecture.ARM_64
        self.made: dict[str, lambda_.Function] = {}

    def name_of(self, function: str) -> str:
        return f"{self._stack}-{function}"

    def arn_of(self, function: str) -> str:
        return Stack.of(self).format_arn(
            service="lambda",
            resource="function",
            resource_name=self.name_of(function),
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def add(
        self,
        function: str,
        *,
        environment: Mapping[str, str],
        grants: list[Grant],
        reserved: int | None = None,
    ) -> lambda_.Function:
        """One function with a role of its own. `reserved`: at most so many at once, and so many kept for it."""
        size = SIZES[function]
        package = size.package or function
        code = self._packages[package]
        group = logs.CfnLogGroup(
            self,
            f"{function}-logs",
            log_group_name=f"/aws/lambda/{self.name_of(function)}",
            retention_in_days=self._log_days,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        role = role_for(self, f"{function}-role", "lambda.amazonaws.com", [*grants, write_logs(group.attr_arn)])
        made = lambda_.Function(
            self,
            function,
            function_name=self.name_of(function),
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=self._architecture,
            handler=f"functions.{package}.handler.handler",
            code=lambda_.Code.from_asset(str(code.path), asset_hash=code.digest),
            role=role,
            environment=dict(environment),
            memory_size=size.memory,
            timeout=Duration.seconds(size.seconds),
            reserved_concurrent_executions=reserved,
            log_group=logs.LogGroup.from_log_group_name(self, f"{function}-group", group.ref),
        )
        self.made[function] = made
        return made
