"""What `persevere leave` works with: on one machine its home, on AWS the stack, by the operator's own credentials."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping

from local.clock import SystemClock
from local.cloud.installation import AwsRefused, Installation
from local.cloud.leave import Here
from local.home import BLOBS, open_blobs, open_store
from local.ids import SystemIds
from local.keyring import Keyring
from local.setup.init import api_of
from shared.aws.blobs import S3Blobs, s3_client
from shared.aws.store import DynamoStore
from shared.errors import NotConfigured
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.settings import read


def here_on_this_machine(environment: Mapping[str, str]) -> Here:
    """The world of PERSEVERE_HOME. Raises NotConfigured where it has no App."""
    settings, clock = read(environment), SystemClock()
    keyring = Keyring(settings.home)
    app = keyring.app()
    wire = Wire(clock, api_of(settings))

    def drop(repository: int) -> int:
        place = settings.home / BLOBS / str(repository)
        count = sum(1 for each in place.rglob("*") if each.is_file())
        shutil.rmtree(place, ignore_errors=True)
        return count

    blobs = open_blobs(settings.home, clock, "", keyring.key("blobs"))
    tokens = AppTokens(wire, clock, SystemIds(), str(app.id), app.private_key)
    return Here(open_store(settings.home), blobs, clock, wire, tokens, app.slug, drop)


def here_on_aws(installation: Installation, environment: Mapping[str, str]) -> Here:
    """The stack's table, bucket and App. Raises AwsRefused, NotConfigured."""
    app = installation.secret("AppSecretArn")
    if not isinstance(app, dict) or not app.get("private_key"):
        raise NotConfigured("the secret of the App holds no private key", "persevere init --aws")
    clock = SystemClock()
    settings = read({"PERSEVERE_HOME": tempfile.gettempdir(), **environment})
    wire = Wire(clock, environment.get("PERSEVERE_GITHUB_API_URL") or settings.github_api_url)
    bucket = installation.output("BucketName")
    return Here(
        DynamoStore(installation.output("TableName"), installation.where, clock, installation.endpoint),
        S3Blobs(bucket, s3_client(installation.where, installation.endpoint)),
        clock,
        wire,
        AppTokens(wire, clock, SystemIds(), str(app["id"]), str(app["private_key"])),
        str(app.get("slug", "")),
        lambda repository: _drop(installation, bucket, f"{repository}/"),
    )


def _drop(installation: Installation, bucket: str, prefix: str) -> int:
    """Delete every blob under a prefix; how many. Raises AwsRefused, also for those that AWS names one by one and keeps."""
    count, kept, after = 0, list[str](), dict[str, str]()
    while True:
        page = installation.ask("s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, **after)
        names = [{"Key": each["Key"]} for each in page.get("Contents") or ()]
        if names:
            told = installation.ask("s3", "delete_objects", Bucket=bucket, Delete={"Objects": names, "Quiet": True})
            kept += [str(each.get("Code")) for each in told.get("Errors") or ()]
        count += len(names)
        if not page.get("NextContinuationToken"):
            break
        after = {"ContinuationToken": page["NextContinuationToken"]}
    if kept:
        raise AwsRefused(
            f"{len(kept)} blobs under {prefix} in {bucket} were not deleted: {', '.join(sorted(set(kept)))}",
            "see that your AWS credentials have s3:DeleteObject there, then again with another --export",
            kept[0],
        )
    return count
