"""The task's image, pinned: by the hash of what it is made from, or by its digest."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from infra.choices import Choices
from infra.parts.grants import SIGN_IN, Grant
from infra.parts.image_build import ImageBuild

PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability")


class Image(Protocol):
    """`uri` names one image for good; `pull` is what fetching it needs."""

    @property
    def uri(self) -> str: ...

    @property
    def pull(self) -> tuple[Grant, ...]: ...


@dataclass(frozen=True)
class Pinned:
    uri: str
    pull: tuple[Grant, ...] = ()


def pull_from(repository_arn: str) -> tuple[Grant, ...]:
    return (Grant(PULL, (repository_arn,)), SIGN_IN)


def image_for(scope: Construct, choices: Choices, context: Callable[[], Path], again: str) -> Image:
    """As `image` in the choices says. `context` makes the directory that it is built from, where one is needed; another
    `again` makes the account look for its image once more, and build it where it is gone.
    """
    match choices.image.partition(":"):
        case "digest", _, uri:
            return Pinned(uri, _pull_of(scope, uri))
        case ("build", _, _) if docker_answers():
            return _by_docker(scope, choices, context())
        case "docker", _, _:
            return _by_docker(scope, choices, context())
        case _:
            source = s3_assets.Asset(scope, "ImageSource", path=str(context()))
            built = ImageBuild(scope, "ImageBuild", source=source, arm=choices.architecture == "arm64", again=again)
            return Pinned(built.uri, pull_from(built.repository_arn))


def docker_answers() -> bool:
    """Whether there is a docker here that has a daemon behind it."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    ask = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        return subprocess.run(ask, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _by_docker(scope: Construct, choices: Choices, context: Path) -> Image:
    """The tag is the hash of the sources, in a registry whose tags cannot be moved (the bootstrap stack's)."""
    platform = ecr_assets.Platform.LINUX_ARM64 if choices.architecture == "arm64" else ecr_assets.Platform.LINUX_AMD64
    asset = ecr_assets.DockerImageAsset(scope, "Image", directory=str(context), platform=platform)
    return Pinned(asset.image_uri, pull_from(asset.repository.repository_arn))


def _pull_of(scope: Construct, uri: str) -> tuple[Grant, ...]:
    """An image in this cloud's own registry needs rights to be fetched; a public one needs none."""
    host, _, rest = uri.partition("/")
    parts = host.split(".")
    if len(parts) < 6 or parts[1:3] != ["dkr", "ecr"]:
        return ()
    partition = "aws-cn" if host.endswith(".cn") else "aws"
    return pull_from(f"arn:{partition}:ecr:{parts[3]}:{parts[0]}:repository/{rest.partition('@')[0]}")
