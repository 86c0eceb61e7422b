"""The real template on the emulator: by `persevere deploy`, which has the pinned `cdk` bootstrap and deploy it; its
secrets filled.

Bridged, each because the emulator lacks exactly that:
* two resource types that it does not know are taken out of the synthesised template (`UNKNOWN`);
* rights on ECS are given on every resource: it knows neither the condition `ecs:cluster` nor which ARN a call is about.
  tests/infra/test_rights_on_tasks.py holds those against the calls; all other rights are checked as they are;
* the bucket's rule against plain HTTP is left out, since the emulator is spoken to in plain HTTP, on loopback;
* a reference to a secret is its name there, not its ARN, and is asked for by `Fn::GetAtt`;
* the functions are packaged for this machine's processor, since it runs them in its own interpreter (context `functions`);
* the image is a name that nobody pulls.
"""

from __future__ import annotations

import io
import json
import os
import platform
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.synth import Assembly, synthesise
from local.cloud import deploy as command
from local.cloud.installation import Installation
from local.trial.terminal import Terminal
from tests.emulator import REGION

ROOT = Path(__file__).resolve().parents[2]
CDK = command.CDK
ECS = ("ecs:RunTask", "ecs:StopTask", "ecs:DescribeTasks", "ecs:ListTasks")
ONLY_TLS = "AWS::S3::BucketPolicy"
UNKNOWN = ("AWS::Budgets::Budget", "AWS::ECS::ClusterCapacityProviderAssociations")
IMAGE = f"digest:registry.invalid/runner@sha256:{'0' * 64}"


@dataclass(frozen=True)
class Deployed:
    """A stack that stands. `outputs` are its CfnOutputs, `url` is the emulator's address, `said` what the command wrote."""

    url: str
    outputs: Mapping[str, str]
    said: str

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.url)

    def fill(self, secrets: Mapping[str, Any]) -> None:
        """JSON values by output's name, as `persevere init` stores them."""
        client = self.client("secretsmanager")
        for name, value in secrets.items():
            client.put_secret_value(SecretId=self.outputs[name], SecretString=json.dumps(value))


def deploy(url: str, home: Path, choices: Mapping[str, Any]) -> Deployed:
    """`persevere deploy --yes`, with `choices` as lines of infra/choices.toml. A second time it upgrades. Raises Final."""
    file, said = home / "choices.toml", io.StringIO()
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in choices.items()))
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    wanted = (f"choices={file}", f"functions={machine}", f"image={IMAGE}")
    installation = Installation(region=REGION, endpoint=url, environment={**os.environ, "HOME": str(home)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "synthesise", _for_the_emulator)
        code = command.deploy(installation, command.Choices(yes=True, context=wanted), Terminal(said), _asks_nothing)
    assert code == 0
    return Deployed(url, Installation(region=REGION, endpoint=url).outputs, said.getvalue())


def _by_arn(part: Any, secrets: Collection[str]) -> Any:
    """A reference to a secret is its ARN on AWS, and its name on the emulator."""
    match part:
        case {"Ref": str(name)} if name in secrets:
            return {"Fn::GetAtt": [name, "Id"]}
        case dict():
            return {key: _by_arn(each, secrets) for key, each in part.items()}
        case list():
            return [_by_arn(each, secrets) for each in part]
        case _:
            return part


def statements(resources: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the roles of a template may do."""
    for each in resources.values():
        if each["Type"] == "AWS::IAM::Role":
            for policy in each["Properties"].get("Policies", ()):
                yield from policy["PolicyDocument"]["Statement"]


def _for_the_emulator(directory: Path, context: Mapping[str, str], *, staged: bool) -> Assembly:
    assembly = synthesise(directory, context, staged=staged)
    without_unknown(assembly.template_file)
    return assembly


def _asks_nothing(question: str) -> str:
    raise AssertionError(f"--yes, and it asked: {question}")


def without_unknown(template: Path) -> None:
    """Take out what the emulator would refuse the whole template for, and what it cannot decide on."""
    content = json.loads(template.read_text())
    secrets = {name for name, each in content["Resources"].items() if each["Type"] == "AWS::SecretsManager::Secret"}
    content = _by_arn(content, secrets)
    resources = content["Resources"]
    for statement in statements(resources):
        if statement["Action"] in ECS or set(statement["Action"]) & set(ECS):
            statement["Resource"] = "*"
            statement.pop("Condition", None)
    gone = {name for name, each in resources.items() if each["Type"] in (*UNKNOWN, ONLY_TLS)}
    for name in gone:
        del resources[name]
    for each in resources.values():
        if isinstance(needed := each.get("DependsOn"), list):
            each["DependsOn"] = [name for name in needed if name not in gone]
    template.write_text(json.dumps(content))
