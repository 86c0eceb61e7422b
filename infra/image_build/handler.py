"""CloudFormation's custom resource: build the task's image if its tag is not there yet, and say its digest.

It runs inside the account with what Lambda's Python has (boto3, standard library); it is no part of the control plane.
"""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any

LOOK_EVERY_S = 5
TIME_TO_ANSWER_MS = 20_000


def handler(event: dict[str, Any], context: Any) -> None:
    """Answers CloudFormation in every case: a request without an answer blocks the stack for an hour."""
    try:
        data = {} if event["RequestType"] == "Delete" else {"Digest": digest_of(event["ResourceProperties"], context)}
        answer(event, context, "SUCCESS", data, "")
    except Exception as error:  # noqa: BLE001  # whatever it is, CloudFormation has to show it
        answer(event, context, "FAILED", {}, f"{type(error).__name__}: {error}"[:1000])


def digest_of(wanted: dict[str, str], context: Any) -> str:
    """The digest of `Tag` in `Repository`; built by `Project` if it is not there. Raises RuntimeError with the log's place."""
    import boto3

    registry, builder = boto3.client("ecr"), boto3.client("codebuild")
    found = look_up(registry, wanted["Repository"], wanted["Tag"])
    if found:
        return found
    build = builder.start_build(projectName=wanted["Project"])["build"]
    while build["buildStatus"] == "IN_PROGRESS":
        if context.get_remaining_time_in_millis() < TIME_TO_ANSWER_MS:
            raise RuntimeError(f"the build {build['id']} takes too long; deploy again when it is done")
        time.sleep(LOOK_EVERY_S)
        build = builder.batch_get_builds(ids=[build["id"]])["builds"][0]
    if build["buildStatus"] != "SUCCEEDED":
        raise RuntimeError(
            f"the build ended {build['buildStatus']}; its log: {build.get('logs', {}).get('deepLink', '')}"
        )
    found = look_up(registry, wanted["Repository"], wanted["Tag"])
    if not found:
        raise RuntimeError(f"the build succeeded, and {wanted['Repository']} has no tag {wanted['Tag']}")
    return found


def look_up(registry: Any, repository: str, tag: str) -> str | None:
    try:
        images = registry.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])["imageDetails"]
    except registry.exceptions.ImageNotFoundException:
        return None
    return str(images[0]["imageDigest"])


def answer(event: dict[str, Any], context: Any, status: str, data: dict[str, str], reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason or "done",
        "PhysicalResourceId": event.get("PhysicalResourceId") or f"image-{context.aws_request_id}",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data,
    }
    place = event["ResponseURL"]  # a signed address of S3, from CloudFormation itself
    request = urllib.request.Request(place, json.dumps(body).encode(), {"content-type": ""}, method="PUT")  # noqa: S310
    urllib.request.urlopen(request, timeout=15).close()  # noqa: S310
