"""Who may do what in the account now, held against the template that the stack was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from local.cloud.installation import AwsRefused, Installation
from local.doctor.aws_context import MEND, cloud_of, want_stack
from local.doctor.finding import Context, Finding, fail, ok, warn


def rights(context: Context) -> Iterator[Finding]:
    """Every role of the stack as it is now, held against the template: what somebody gave it or took away by hand. Looked at
    are actions and attached policies, not what each action is on.
    """
    here = cloud_of(context).installation
    want_stack(here)
    template = here.template or {}
    physical = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in _resources(here)}
    good = 0
    for name, resource in template.get("Resources", {}).items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        role = str(physical.get(name, name))
        wanted = {action for policy in resource["Properties"].get("Policies", ()) for action in _actions(policy)}
        try:
            found, attached = _rights_of(here, role)
        except AwsRefused as error:
            if error.code not in ("NoSuchEntity", "NoSuchEntityException"):
                yield warn(f"the rights of {role} cannot be looked at ({error.code})", error.advice)
                return
            yield fail(f"the role {role} is gone, and its function can do nothing", MEND)
            continue
        if lacking := sorted(wanted - found):
            yield fail(f"{role} lacks {', '.join(lacking)}", MEND)
        if beyond := [*sorted(found - wanted), *attached]:
            yield fail(f"{role} may do more than the template says: {', '.join(beyond)}", MEND)
        good += found == wanted and not attached
    if good:
        yield ok(f"{good} roles may do what the template says, and have no policy besides")


def _resources(here: Installation) -> Iterator[Mapping[str, Any]]:
    after: dict[str, str] = {}
    while True:
        page = here.ask("cloudformation", "list_stack_resources", StackName=here.stack, **after)
        yield from page["StackResourceSummaries"]
        if not page.get("NextToken"):
            return
        after = {"NextToken": page["NextToken"]}


def _rights_of(here: Installation, role: str) -> tuple[set[str], list[str]]:
    """(actions of its own policies, names of policies attached to it). Raises AwsRefused."""
    found: set[str] = set()
    for name in here.ask("iam", "list_role_policies", RoleName=role)["PolicyNames"]:
        found |= _actions(here.ask("iam", "get_role_policy", RoleName=role, PolicyName=name))
    attached = here.ask("iam", "list_attached_role_policies", RoleName=role)["AttachedPolicies"]
    return found, [str(each["PolicyName"]) for each in attached]


def _actions(policy: Mapping[str, Any]) -> set[str]:
    document = policy["PolicyDocument"]
    document = json.loads(document) if isinstance(document, str) else document
    actions: set[str] = set()
    for statement in document["Statement"]:
        told = statement.get("Action", [])
        actions |= {told} if isinstance(told, str) else set(told)
    return actions
