"""Where a bell or a call goes that failed for good. The table still has the record; this says that somebody should look."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class Lost(Construct):
    """A queue without a consumer: its length is an alarm."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.queue = sqs.Queue(
            self,
            "Queue",
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=Duration.days(14),
        )
        Validations.of(self.queue).acknowledge(
            Acknowledgment(id="AwsSolutions-SQS3", reason="It is the last queue itself; nothing redrives from it.")
        )
        self.arn = self.queue.queue_arn
