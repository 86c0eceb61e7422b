"""The stream's two consumers. It is a bell: a lost ring is rung again by the watchdog, so nothing waits long for one."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

BATCH = 10
TRIES = 3
OLDEST_S = 3600

HEARS: dict[str, list[dict[str, Any]]] = {
    "conductor": [{"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "INBOUND#"}]}}}}],
    "effects": [
        {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "EFFECT#"}]}}}},
        {"eventName": ["MODIFY"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "EFFECT#L#"}]}}}},
    ],
}
"""New inbounds; new effects, and level effects that are wished for again. AWS charges nothing for what a filter drops."""

AT_ONCE = {"conductor": 4, "effects": 10}
"""Batches of one shard worked on at the same time; records of one issue stay in order. Effects wait for GitHub's pace."""


class Consumer(Construct):
    """A batch that fails is halved until the one record that does it is alone; after three tries that one is put aside."""

    def __init__(
        self, scope: Construct, name: str, *, function: lambda_.Function, kind: str, stream_arn: str, lost_arn: str
    ) -> None:
        super().__init__(scope, name)
        mapping = lambda_.CfnEventSourceMapping
        filters = [mapping.FilterProperty(pattern=json.dumps(each, separators=(",", ":"))) for each in HEARS[kind]]
        self.mapping = mapping(
            self,
            "Mapping",
            event_source_arn=stream_arn,
            function_name=function.function_name,
            starting_position="TRIM_HORIZON",
            batch_size=BATCH,
            parallelization_factor=AT_ONCE[kind],
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=TRIES,
            maximum_record_age_in_seconds=OLDEST_S,
            filter_criteria=mapping.FilterCriteriaProperty(filters=filters),
            destination_config=mapping.DestinationConfigProperty(
                on_failure=mapping.OnFailureProperty(destination=lost_arn)
            ),
        )
