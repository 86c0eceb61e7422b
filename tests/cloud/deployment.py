"""The real template on the emulator: synthesised, bootstrapped and deployed by the pinned `cdk`, its secrets filled.

Bridged, each because the emulator lacks exactly that:
* two resource types that it does not know are taken out of the synthesised template (`UNKNOWN`);
* the functions are packaged for this machine's processor, since it runs them in its own interpreter (context `functions`);
* the image is a name that nobody pulls.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.synth import synthesise
from tests.emulator import CREDENTIALS, REGION

ROOT = Path(__file__).resolve().parents[2]
CDK = ROOT / "infra" / "node_modules" / ".bin" / "cdk"
ACCOUNT = "000000000000"
UNKNOWN = ("AWS::Budgets::Budget", "AWS::ECS::ClusterCapacityProviderAssociations")
IMAGE = f"digest:registry.invalid/runner@sha256:{'0' * 64}"


class NotDeployed(AssertionError):
    """`cdk` said no; the text is what it said last."""


@dataclass(frozen=True)
class Deployed:
    """A stack that stands. `outputs` are its CfnOutputs, `url` is the emulator's address."""

    url: str
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.url)

    def fill(self, secrets: Mapping[str, Any]) -> None:
        """JSON values by output's name, as `persevere init` stores them."""
        client = self.client("secretsmanager")
        for name, value in secrets.items():
            client.put_secret_value(SecretId=self.outputs[name], SecretString=json.dumps(value))


def deploy(url: str, home: Path, choices: Mapping[str, Any]) -> Deployed:
    """`choices` as lines of infra/choices.toml. Raises NotDeployed."""
    out, file = home / "cdk.out", home / "choices.toml"
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in choices.items()))
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    assembly = synthesise(out, {"choices": str(file), "functions": machine, "image": IMAGE}, staged=True)
    without_unknown(assembly.template_file)
    cdk(url, home, "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--app", str(out))
    outputs = home / "outputs.json"
    quiet = ["--require-approval", "never", "--method", "direct", "--outputs-file", str(outputs)]
    cdk(url, home, "deploy", "--app", str(out), *quiet)
    return Deployed(url, json.loads(outputs.read_text())["Persevere"])


def without_unknown(template: Path) -> None:
    """Take out what the emulator would refuse the whole template for."""
    content = json.loads(template.read_text())
    resources = content["Resources"]
    gone = {name for name, each in resources.items() if each["Type"] in UNKNOWN}
    for name in gone:
        del resources[name]
    for each in resources.values():
        if isinstance(needed := each.get("DependsOn"), list):
            each["DependsOn"] = [name for name in needed if name not in gone]
    template.write_text(json.dumps(content))


def cdk(url: str, home: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CI": "1",
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        **CREDENTIALS,
    }
    ran = subprocess.run(
        [CDK, *arguments, "--no-notices", "--no-version-reporting"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise NotDeployed(f"cdk {arguments[0]}: {(ran.stdout + ran.stderr)[-3000:]}")
