"""The cluster and the task that works on a repository. Both cost nothing while no task runs."""

from __future__ import annotations

from aws_cdk import CfnTag, RemovalPolicy, Stack
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.choices import Choices
from infra.parts.grants import role_for, write_logs
from infra.parts.image import Image

CONTAINER = "runner"
STOP_TIMEOUT_S = 120  # the most that Fargate grants
ON_DEMAND, SPOT = "FARGATE", "FARGATE_SPOT"


class Runner(Construct):
    """No task role: what runs in there has no rights on AWS. The execution role belongs to the agent outside of it,
    which fetches the image and carries the logs away.

    Which capacity a launch takes is our own logic's choice (spot first, on demand after an interruption): a weighted
    strategy would be a split, not a fall-back.
    """

    def __init__(self, scope: Construct, name: str, *, choices: Choices, image: Image) -> None:
        super().__init__(scope, name)
        self.family = f"{choices.stack}-{CONTAINER}"
        cluster = ecs.CfnCluster(
            self,
            "Cluster",
            cluster_settings=[ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value="disabled")],
        )
        ecs.CfnClusterCapacityProviderAssociations(
            self,
            "Capacity",
            cluster=cluster.ref,
            capacity_providers=[SPOT, ON_DEMAND],
            default_capacity_provider_strategy=[],
        )
        self._logs = logs.CfnLogGroup(
            self, "Logs", log_group_name=f"/ecs/{self.family}", retention_in_days=choices.log_days
        )
        self._logs.apply_removal_policy(RemovalPolicy.DESTROY)
        self.execution_role = role_for(
            self, "Execution", "ecs-tasks.amazonaws.com", [*image.pull, write_logs(self._logs.attr_arn)]
        )
        self.task_definition_arn = self._task(choices, image).ref
        self.cluster_arn = cluster.attr_arn
        self.cluster_name = cluster.ref

    def _task(self, choices: Choices, image: Image) -> ecs.CfnTaskDefinition:
        definition = ecs.CfnTaskDefinition
        settings = [definition.KeyValuePairProperty(name="PERSEVERE_SANDBOX", value=choices.sandbox)]
        container = definition.ContainerDefinitionProperty(
            name=CONTAINER,
            image=image.uri,
            essential=True,
            stop_timeout=STOP_TIMEOUT_S,
            environment=settings if choices.sandbox else None,
            log_configuration=definition.LogConfigurationProperty(
                log_driver="awslogs",
                options={
                    "awslogs-group": self._logs.ref,
                    "awslogs-region": Stack.of(self).region,
                    "awslogs-stream-prefix": CONTAINER,
                },
            ),
        )
        disk = definition.EphemeralStorageProperty(size_in_gib=choices.task_disk_gib)
        task = definition(
            self,
            "Task",
            family=self.family,
            cpu=str(choices.task_cpu),
            memory=str(choices.task_memory_mib),
            ephemeral_storage=disk if choices.task_disk_gib > 20 else None,
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform=definition.RuntimePlatformProperty(
                cpu_architecture=choices.architecture.upper(), operating_system_family="LINUX"
            ),
            execution_role_arn=self.execution_role.role_arn,
            container_definitions=[container],
            tags=[CfnTag(key="persevere", value=choices.stack)],
        )
        # A job that runs was started from the definition of its day; an upgrade must not take that away.
        task.apply_removal_policy(RemovalPolicy.DESTROY, apply_to_update_replace_policy=False)
        task.cfn_options.update_replace_policy = None
        return task
