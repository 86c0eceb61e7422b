"""What wakes the watchdog: every minute, and when a task of ours starts or stops."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.parts.door import CalledLater


class Clock(Construct):
    """A minute that is missed is not repeated, since the next one sees everything that is due, and what a task's event
    would have told. A call that fails is put aside, and so heard of: a watchdog that fails each minute is called each
    minute, too.
    """

    def __init__(
        self, scope: Construct, name: str, *, watchdog: lambda_.Function, cluster_arn: str, lost: sqs.Queue
    ) -> None:
        super().__init__(scope, name)
        minute = targets.LambdaFunction(
            watchdog, retry_attempts=0, max_event_age=Duration.minutes(1), dead_letter_queue=lost
        )
        events.Rule(
            self,
            "Minute",
            description="Persevere's watchdog: everything that is due",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[minute],
        )
        told = targets.LambdaFunction(
            watchdog, retry_attempts=2, max_event_age=Duration.hours(1), dead_letter_queue=lost
        )
        events.Rule(
            self,
            "TaskState",
            description="Persevere's watchdog: a task started or stopped",
            event_pattern=events.EventPattern(
                source=["aws.ecs"],
                detail_type=["ECS Task State Change"],
                detail={"clusterArn": [cluster_arn], "lastStatus": ["RUNNING", "STOPPED"]},
            ),
            targets=[told],
        )
        # A rule hands its event over; how often Lambda then calls, and for how long, is said to Lambda.
        CalledLater(
            self,
            "Called",
            function=watchdog,
            lost_arn=lost.queue_arn,
            tries_again=0,
            oldest=Duration.minutes(1),
        )
