"""Rules of AWS's own list (cdk-nag, AwsSolutions) that this stack does not follow, each with the reason.

Two kinds of them lie beside what they are about: wildcards in rights (`parts/grants.py`) and the last queue (`parts/lost.py`).
"""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import Construct

FOLLOWED_NOT = (
    (
        "AwsSolutions-L1",
        ("Functions", "ImageBuild"),
        "Python 3.13 is the newest version that the tests run on and that bytecode is compiled for.",
    ),
    (
        "AwsSolutions-ECS4",
        ("Runner/Cluster",),
        (
            "Container Insights is billed by the metric for every task; heartbeats, the timeline and the task's log say what a "
            "job does."
        ),
    ),
    (
        "AwsSolutions-S1",
        ("Blobs/Bucket",),
        (
            "Access logs need a second bucket. Blobs are write-once, named by their hash, and read by our own roles or by links "
            "of 15 minutes that our own functions log."
        ),
    ),
    (
        "AwsSolutions-VPC7",
        ("Network/Vpc",),
        "Flow logs are billed by the gigabyte of a clone. Nothing may call in, and nothing in the network has rights on AWS.",
    ),
    (
        "AwsSolutions-SMG4",
        ("Secrets/App", "Secrets/Webhook", "Secrets/Keys", "Secrets/Model"),
        (
            "What is in there is made by GitHub and the model providers, or signs what is out already, so no function of ours can "
            "change it alone. Webhook secrets and keys are lists, to be changed without loss."
        ),
    ),
    (
        "AwsSolutions-CB4",
        ("ImageBuild/Project",),
        "What is built is a public recipe on a public base image; S3's own key encrypts it at rest.",
    ),
)
"""Rule, where in the stack (`ImageBuild` is there only when the account builds the image), why."""


def acknowledge(stack: Construct) -> None:
    for rule, places, reason in FOLLOWED_NOT:
        for place in places:
            found = _find(stack, place)
            if found is not None:
                Validations.of(found).acknowledge(Acknowledgment(id=rule, reason=reason))


def _find(scope: Construct, path: str) -> Construct | None:
    for name in path.split("/"):
        child = scope.node.try_find_child(name)
        if child is None:
            return None
        scope = child
    return scope
