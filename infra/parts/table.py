"""The one table, its stream of keys and its index of what is due."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

DUE_INDEX = "due"
SHARD = "shard"
"""Partition of the index, `DUE#<crc32(pk) mod 8>`; only items that have a `due` carry it."""


class Table(Construct):
    """On demand, so it costs nothing while nothing happens. It outlives the stack and cannot be deleted by mistake."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        text, number = dynamodb.AttributeType.STRING, dynamodb.AttributeType.NUMBER
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="pk", type=text),
            sort_key=dynamodb.Attribute(name="sk", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.KEYS_ONLY,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute="expires",
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.table.add_global_secondary_index(
            index_name=DUE_INDEX,
            partition_key=dynamodb.Attribute(name=SHARD, type=text),
            sort_key=dynamodb.Attribute(name="due", type=number),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        self.arn = self.table.table_arn
        self.name = self.table.table_name
        self.stream_arn = str(self.table.table_stream_arn)
        self.index_arn = f"{self.arn}/index/{DUE_INDEX}"
