"""The image of the task in the account's own registry: whether it is still there, and how the account is made to build it anew."""

from __future__ import annotations

from local.cloud.installation import AwsRefused, Installation

BUILT = "Custom::PersevereImage"
"""What waits for the account's own build and says its digest; it is asked again when a property of it is another one."""
GONE = ("ImageNotFoundException", "RepositoryNotFoundException")


def parts_of(image: str) -> tuple[str, str, dict[str, str]] | None:
    """(registry's account, repository, what the image is named by there); None for another registry than an account's own."""
    host, _, path = image.partition("/")
    if ".dkr.ecr." not in host:
        return None
    repository, digest, reference = path.partition("@")
    if not digest:
        repository, _, reference = path.rpartition(":")
    return host.partition(".")[0], repository, {"imageDigest" if digest else "imageTag": reference}


def is_gone(installation: Installation, image: str) -> bool:
    """False, too, for a registry of somebody else: of that only who starts a task hears. Raises AwsRefused."""
    parts = parts_of(image)
    if parts is None:
        return False
    registry, repository, wanted = parts
    try:
        found = installation.ask(
            "ecr", "describe_images", registryId=registry, repositoryName=repository, imageIds=[wanted]
        )
    except AwsRefused as error:
        if error.code in GONE:
            return True
        raise
    return not found.get("imageDetails")


def build_again(installation: Installation, token: str) -> str:
    """What `image_again` of the CDK app is to be: `token` where the account built an image that is gone, else as it stands.

    A build of the same sources has another digest, so nothing but asking the stack's own resource anew names it.
    """
    resources = (installation.template or {}).get("Resources") or {}
    built = next((each for each in resources.values() if each["Type"] == BUILT), None)
    if built is None:
        return ""
    as_it_stands = str(built.get("Properties", {}).get("Again", ""))
    try:
        definition = installation.ask(
            "ecs", "describe_task_definition", taskDefinition=installation.output("TaskDefinitionArn")
        )["taskDefinition"]
        gone = is_gone(installation, str(definition["containerDefinitions"][0]["image"]))
    except AwsRefused:  # nothing is known of it, which is no reason to build; `persevere doctor --aws` says why
        return as_it_stands
    return token if gone else as_it_stands
