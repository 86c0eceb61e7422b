"""The whole stack: which part knows which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from aws_cdk import ArnFormat, CfnOutput, Stack
from constructs import Construct

from infra.bundle import PRICES
from infra.choices import Choices
from infra.parts.bucket import Bucket
from infra.parts.clock import Clock
from infra.parts.consumers import Consumer
from infra.parts.door import CalledLater, Door
from infra.parts.functions import SIZES, Code, Functions
from infra.parts.image import image_for
from infra.parts.lost import Lost
from infra.parts.network import Network
from infra.parts.rights import Arns, Rights
from infra.parts.runner import Runner
from infra.parts.secrets import Secrets
from infra.parts.table import Table
from infra.parts.telling import Telling
from infra.parts.watching import Watching


class Persevere(Stack):
    """Everything that one installation needs in one account and region. Nothing in it has a price by the hour."""

    def __init__(
        self,
        scope: Construct,
        choices: Choices,
        *,
        packages: Mapping[str, Code],
        image_context: Callable[[], Path],
        functions: str = "arm64",
        image_again: str = "",
    ) -> None:
        super().__init__(scope, choices.stack, description="Persevere: issues become proved pull requests")
        self.choices = choices
        self.table = Table(self, "Table")
        self.bucket = Bucket(self, "Blobs")
        self.secrets = Secrets(self, "Secrets")
        self.lost = Lost(self, "Lost")
        self.network = Network(self, "Network", egress_ports=choices.egress_ports)
        image = image_for(self, choices, image_context, image_again)
        self.runner = Runner(self, "Runner", choices=choices, image=image)
        self.functions = Functions(
            self, "Functions", stack=choices.stack, log_days=choices.log_days, packages=packages, architecture=functions
        )
        doors = self._functions()
        self._wire()
        telling = Telling(
            self, "Telling", stack=choices.stack, email=choices.alarm_email, budget_usd=choices.budget_usd
        )
        Watching(
            self,
            "Watching",
            stack=choices.stack,
            functions=self.functions.made,
            lost=self.lost.queue,
            topic=telling.topic,
            dashboard=choices.dashboard,
        )
        self._say(doors)

    def _functions(self) -> dict[str, Door]:
        """job_api first: the others are told its address."""
        rights = Rights(self._arns()).by_function
        common = self._environment()
        doors: dict[str, Door] = {}
        for function in sorted(SIZES, key=lambda name: name != "job_api"):
            environment = common | self._own_environment(function)
            if function != "job_api":
                environment["PERSEVERE_JOB_API_URL"] = doors["job_api"].url
            made = self.functions.add(
                function,
                environment=environment,
                grants=rights[function],
                reserved=(self.choices.webhook_concurrency or None) if function == "github_webhook" else None,
            )
            if function in ("github_webhook", "job_api"):
                doors[function] = Door(self, f"{function}-door", function=made)
        return doors

    def _environment(self) -> dict[str, str]:
        """What every function is told: names and addresses, no secret."""
        chosen = self.choices
        return {
            "PERSEVERE_WORLD": "aws",
            "POWERTOOLS_METRICS_NAMESPACE": chosen.stack,
            "PERSEVERE_TABLE": self.table.name,
            "PERSEVERE_BUCKET": self.bucket.name,
            "PERSEVERE_KEYS_SECRET": self.secrets.keys,
            "PERSEVERE_CLUSTER": self.runner.cluster_name,
            "PERSEVERE_TASK_DEFINITION": self.runner.task_definition_arn,
            "PERSEVERE_SUBNETS": self.network.subnets,
            "PERSEVERE_SECURITY_GROUP": self.network.group_id,
            "PERSEVERE_PLANNER_FUNCTION": self.functions.name_of("planner"),
            "PERSEVERE_TOKENS_READ": self.functions.name_of("tokens_read"),
            "PERSEVERE_TOKENS_WRITE": self.functions.name_of("tokens_write"),
            "PERSEVERE_APP_ID": str(chosen.app_id),
            "PERSEVERE_APP_SLUG": chosen.app_slug,
            "PERSEVERE_GITHUB_URL": chosen.github_url,
            "PERSEVERE_COMMAND": chosen.command,
            "PERSEVERE_QUIET_S": str(chosen.quiet_s),
            **({"PERSEVERE_MODEL": chosen.model} if chosen.model else {}),
            **({"PERSEVERE_PRICES": PRICES} if chosen.prices else {}),
            **dict(each.split("=", 1) for each in chosen.settings),
        }

    def _own_environment(self, function: str) -> dict[str, str]:
        """What this one alone is told: where the secrets are that it may read."""
        match function:
            case "github_webhook":
                return {"PERSEVERE_WEBHOOK_SECRET": self.secrets.webhook}
            case "job_api" | "planner":
                return {"PERSEVERE_MODEL_SECRET": self.secrets.model}
            case "tokens_read" | "tokens_write":
                return {
                    "PERSEVERE_APP_SECRET": self.secrets.app,
                    "PERSEVERE_PURPOSES": function.removeprefix("tokens_"),
                }
            case _:
                return {}

    def _arns(self) -> Arns:
        return Arns(
            table=self.table.arn,
            due_index=self.table.index_arn,
            stream=self.table.stream_arn,
            bucket=self.bucket.arn,
            objects=self.bucket.objects_arn,
            app_secret=self.secrets.app,
            webhook_secret=self.secrets.webhook,
            keys_secret=self.secrets.keys,
            model_secret=self.secrets.model,
            cluster=self.runner.cluster_arn,
            task_family=self._arn("ecs", "task-definition", f"{self.runner.family}:*"),
            tasks=self._arn("ecs", "task", f"{self.runner.cluster_name}/*"),
            execution_role=self.runner.execution_role.role_arn,
            planner=self.functions.arn_of("planner"),
            tokens_read=self.functions.arn_of("tokens_read"),
            tokens_write=self.functions.arn_of("tokens_write"),
            lost=self.lost.arn,
        )

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )

    def _wire(self) -> None:
        made = self.functions.made
        for kind in ("conductor", "effects"):
            Consumer(
                self,
                f"{kind}-hears",
                function=made[kind],
                kind=kind,
                stream_arn=self.table.stream_arn,
                lost_arn=self.lost.arn,
            )
        CalledLater(self, "planner-called", function=made["planner"], lost_arn=self.lost.arn)
        Clock(self, "Clock", watchdog=made["watchdog"], cluster_arn=self.runner.cluster_arn, lost=self.lost.queue)

    def _say(self, doors: Mapping[str, Door]) -> None:
        for name, value in {
            "WebhookUrl": doors["github_webhook"].url,
            "JobApiUrl": doors["job_api"].url,
            "TableName": self.table.name,
            "BucketName": self.bucket.name,
            "ClusterName": self.runner.cluster_name,
            "TaskDefinitionArn": self.runner.task_definition_arn,
            "AppSecretArn": self.secrets.app,
            "WebhookSecretArn": self.secrets.webhook,
            "KeysSecretArn": self.secrets.keys,
            "ModelSecretArn": self.secrets.model,
        }.items():
            CfnOutput(self, name, value=value)
