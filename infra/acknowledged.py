"""Rules of AWS's own list (cdk-nag, AwsSolutions) that this stack does not follow, each with the reason.

Two kinds of them lie beside what they are about: wildcards in rights (`parts/grants.py`) and the last queue (`parts/lost.py`).
"""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

REASONS = {
    "AwsSolutions-L1": "Python 3.13 is the newest version that the tests run on and that bytecode is compiled for here.",
    "AwsSolutions-ECS4": "Container Insights is billed by the metric for every task; heartbeats, the timeline and the task's "
    "log say what a job does.",
    "AwsSolutions-S1": "Access logs need a second bucket. Blobs are write-once, named by their hash, and read by our own "
    "roles or by links of 15 minutes that our own functions log.",
    "AwsSolutions-VPC7": "Flow logs are billed by the gigabyte of a clone. Nothing may call in, and nothing in the network has "
    "rights on AWS.",
    "AwsSolutions-SMG4": "What is in there is made by GitHub and the model providers, so no function of ours can change it. "
    "Webhook secrets and keys are lists: docs say how they are rotated without loss.",
}

WHERE_BUILT = {
    "AwsSolutions-CB3": "Building a container image needs docker inside the build, which needs the privileged mode.",
    "AwsSolutions-CB4": "What is built is a public recipe on a public base image; S3's own key encrypts it at rest.",
}
"""Only where the account builds the image."""


def acknowledge(stack: IConstruct, *, builds_image: bool) -> None:
    for rule, reason in (REASONS | (WHERE_BUILT if builds_image else {})).items():
        Validations.of(stack).acknowledge(Acknowledgment(id=rule, reason=reason))
