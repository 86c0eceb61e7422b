"""The table of who may do what, made from a synthesised template; standard library only.

`python -m infra.permissions cdk.out/Persevere.template.json --write` puts it into docs/permissions.md, where it is reviewed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "permissions.md"
MARKS = re.compile(r"(<!-- permissions: begin[^\n]*-->\n).*?(<!-- permissions: end -->)", re.DOTALL)
RESOURCE_POLICIES = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SNS::TopicPolicy": "Topics",
}


@dataclass(frozen=True, order=True)
class Row:
    principal: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: str = ""
    why: str = ""
    """Why there is a wildcard in it."""
    effect: str = "Allow"

    @property
    def is_wide(self) -> bool:
        """A `*` among the actions, the resources or as the principal."""
        return any("*" in each for each in (*self.actions, *self.resources, self.principal))


def rows_of(template: Mapping[str, Any]) -> list[Row]:
    """Every right that the template gives: by roles, by policies on resources, by permissions to call functions."""
    resources = template["Resources"]
    names = {key: _name(key, resource) for key, resource in resources.items()}
    found: list[Row] = []
    for key, resource in resources.items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::Role":
                if properties.get("ManagedPolicyArns"):
                    raise ValueError(f"{key} has a managed policy, which no table shows")
                reasons = resource.get("Metadata", {}).get("wildcards", [])
                for policy in properties.get("Policies", []):
                    found += _statements(names[key], policy["PolicyDocument"], names, reasons)
            case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy" | "AWS::IAM::User" | "AWS::IAM::Group":
                raise ValueError(f"{key}: rights belong into the role itself, where they are reviewed")
            case "AWS::Lambda::Permission":
                conditions = sorted(set(properties) & {"SourceArn", "FunctionUrlAuthType", "InvokedViaFunctionUrl"})
                told = ", ".join(f"{each} {spelt(properties[each], names)}" for each in conditions)
                target = spelt(properties["FunctionName"], names)
                why = "a door: the function itself asks for GitHub's signature or a session token"
                principal = str(properties["Principal"])
                wide = why if principal == "*" else ""
                found.append(Row(principal, (properties["Action"],), (target,), told, wide))
            case kind if kind in RESOURCE_POLICIES:
                found += _statements("", properties["PolicyDocument"], names, [])
    return sorted(set(found))


def _statements(
    principal: str, document: Mapping[str, Any], names: Mapping[str, str], reasons: Iterable[Mapping[str, Any]]
) -> Iterator[Row]:
    for statement in document["Statement"]:
        actions = tuple(_listed(statement["Action"]))
        who = principal or " ".join(sorted(_principals(statement["Principal"], names)))
        why = next((each["why"] for each in reasons if tuple(each["actions"]) == actions), "")
        if statement["Effect"] == "Deny":
            why = "it forbids, to everybody"
        yield Row(
            who,
            actions,
            tuple(spelt(each, names) for each in _listed(statement["Resource"])),
            _condition(statement.get("Condition", {}), names),
            why,
            statement["Effect"],
        )


def _principals(principal: Any, names: Mapping[str, str]) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    else:
        for each in principal.values():
            yield from (spelt(one, names) for one in _listed(each))


def _condition(condition: Mapping[str, Any], names: Mapping[str, str]) -> str:
    parts = [
        f"{key} {operator} {spelt(value, names)}"
        for operator, pairs in condition.items()
        for key, value in pairs.items()
    ]
    return ", ".join(parts)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(key: str, resource: Mapping[str, Any]) -> str:
    """The construct's path without the stack and CDK's own words: `Functions/effects-role` is `effects`."""
    path = str(resource.get("Metadata", {}).get("aws:cdk:path", key)).split("/")[1:]
    path = [part for part in path if part not in ("Resource", "Functions")]
    return "/".join(path).removesuffix("-role") or key


def spelt(value: Any, names: Mapping[str, str]) -> str:
    """A template's expression in one line, with our names for what it refers to."""
    match value:
        case {"Ref": "AWS::Partition" | "AWS::Region" | "AWS::AccountId"}:
            return ""
        case {"Ref": str(name)}:
            return f"<{names.get(name, name)}>"
        case {"Fn::GetAtt": [name, "Arn"]}:
            return f"<{names.get(name, name)}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{names.get(name, name)}>.{attribute}"
        case {"Fn::Join": [separator, list(parts)]}:
            return str(separator).join(spelt(part, names) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{AWS::[A-Za-z]+\}", "", text)
        case list():
            return " ".join(spelt(each, names) for each in value)
        case _:
            return re.sub(r"[0-9a-f]{64}", "<hash>", str(value))


def render(rows: Iterable[Row]) -> str:
    lines = ["| who | may | on | if | why so wide |", "|---|---|---|---|---|"]
    for row in rows:
        verb = "" if row.effect == "Allow" else "never "
        actions = verb + " ".join(f"`{action}`" for action in row.actions)
        resources = " ".join(f"`{resource}`" for resource in row.resources)
        condition = f"`{row.condition}`" if row.condition else ""
        who = row.principal.replace("*", "anybody")
        lines.append(f"| {who} | {actions} | {resources} | {condition} | {row.why} |")
    return "\n".join(lines) + "\n"


def filled(page: str, rows: Iterable[Row]) -> str:
    """The page with its table made anew. Raises ValueError where it has no place for one."""
    text, count = MARKS.subn(lambda match: match[1] + render(rows) + match[2], page)
    if count != 1:
        raise ValueError("the page has no place for the table of permissions")
    return text


def main(arguments: list[str]) -> int:
    template = json.loads(Path(arguments[0]).read_text("utf-8"))
    rows = rows_of(template)
    if "--write" in arguments:
        PAGE.write_text(filled(PAGE.read_text("utf-8"), rows), "utf-8")
    else:
        sys.stdout.write(render(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
