"""Rights as data: what a role may do, on what, and where a resource ends in `*` why it must."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

NAG_WILDCARD = "AwsSolutions-IAM5"


@dataclass(frozen=True)
class Grant:
    """`why` has to be said for every resource with a `*` in it; it goes into the template and the reviewed table."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str = ""
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


SIGN_IN = Grant(
    ("ecr:GetAuthorizationToken",), ("*",), "signing in to the registry is an action that AWS binds to no resource"
)


def role_for(
    scope: Construct, name: str, service: str, grants: Iterable[Grant], *, role_name: str | None = None
) -> iam.Role:
    """A role for one service of AWS with exactly these rights, in one policy inside it. No managed policy."""
    grants = list(grants)
    statements = [
        iam.PolicyStatement(actions=list(g.actions), resources=list(g.resources), conditions=dict(g.conditions))
        for g in grants
    ]
    role = iam.Role(
        scope,
        name,
        assumed_by=iam.ServicePrincipal(service),
        role_name=role_name,
        inline_policies={"rights": iam.PolicyDocument(statements=statements)},
    )
    for grant in grants:
        for resource in grant.resources if grant.why else ():
            finding = f"{NAG_WILDCARD}[Resource::{spelt(Stack.of(scope).resolve(resource))}]"
            Validations.of(role).acknowledge(Acknowledgment(id=finding, reason=grant.why))
    told = [{"actions": list(grant.actions), "why": grant.why} for grant in grants if grant.why]
    if told:
        cast("iam.CfnRole", role.node.default_child).add_metadata("wildcards", told)
    return role


def spelt(value: Any) -> str:
    """A template's expression in one line, as cdk-nag names what it found: `<Bucket.Arn>/*`."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, list(parts)]}:
            return str(separator).join(spelt(part) for part in parts)
        case _:
            return str(value)


def write_logs(group_arn: str) -> Grant:
    """Into one log group. Its streams are named by the platform, at run time."""
    return Grant(
        ("logs:CreateLogStream", "logs:PutLogEvents"),
        (group_arn,),
        "the platform names the log streams inside this one group",
    )
