"""What an account must have before a stack like ours can be made in it. Each is made once an account and region."""

from __future__ import annotations

import json
from collections.abc import Iterator

from infra.synth import Assembly
from local.cloud.installation import AwsRefused, Installation

ECS_ROLE = "AWSServiceRoleForECS"
ECS = "ecs.amazonaws.com"
IS_THERE = ("InvalidInput", "InvalidInputException", "EntityAlreadyExists", "EntityAlreadyExistsException")
"""What IAM has said of a service-linked role that is there already; its reference names the first alone."""


def missing(installation: Installation, assembly: Assembly) -> Iterator[str]:
    """In words, for the preview."""
    if not has_ecs_role(installation):
        yield f"the role {ECS_ROLE}, by which ECS works in an account (free, once an account)"
    if not is_bootstrapped(installation, assembly):
        yield "the stack CDKToolkit: bucket, registry and roles of the AWS CDK (once an account and region)"


def has_ecs_role(installation: Installation) -> bool:
    """True, too, where one may not look."""
    try:
        installation.ask("iam", "get_role", RoleName=ECS_ROLE)
    except AwsRefused as error:
        return error.code not in ("NoSuchEntity", "NoSuchEntityException")
    return True


def make_ecs_role(installation: Installation) -> None:
    """ECS makes it by itself with an account's first cluster, and that first cluster is then refused: the role is not
    known yet (github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/818). Raises AwsRefused.
    """
    try:
        installation.ask("iam", "create_service_linked_role", AWSServiceName=ECS)
    except AwsRefused as error:
        if error.code not in IS_THERE:  # somebody was quicker
            raise


def is_bootstrapped(installation: Installation, assembly: Assembly) -> bool:
    """Whether the CDK's own stack is there, as new as this assembly needs it. False, too, where one may not look."""
    manifest = json.loads((assembly.directory / "manifest.json").read_text("utf-8"))
    wanted = manifest["artifacts"][installation.stack]["properties"]
    try:
        found = installation.ask("ssm", "get_parameter", Name=wanted["bootstrapStackVersionSsmParameter"])
    except AwsRefused:
        return False
    return int(found["Parameter"]["Value"]) >= int(wanted["requiresBootstrapStackVersion"])
