"""What the checks of an installation on AWS share: the stack, and the settings, App and keys that are in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from local.cloud.installation import AwsRefused, Installation
from local.doctor.finding import Context, NotAsked
from local.keyring import AppFile
from shared.settings import KEY_NAMES, Settings, read

DEPLOY = "persevere deploy"
MEND = "persevere deploy --mend"
"""Where somebody changed by hand what the template still says: an ordinary deployment sees nothing to do."""
INIT = "persevere init --aws"


@dataclass
class CloudContext(Context):
    """As on one machine, with the App, the keys and the settings from the stack and its secrets."""

    installation: Installation = field(default_factory=Installation)

    @classmethod
    def of(cls, environment: Mapping[str, str], installation: Installation) -> CloudContext:
        """GitHub is where the functions look for it, whatever this terminal's environment says."""
        made = cls(read({"PERSEVERE_HOME": "/tmp", **environment}), environment, installation=installation)
        with suppress(NotAsked):
            theirs = {name: made.told[name] for name in ("PERSEVERE_GITHUB_URL",) if made.told.get(name)}
            made.settings = read({"PERSEVERE_HOME": "/tmp", **environment, **theirs})
        return made

    @cached_property
    def told(self) -> Mapping[str, str]:
        """What the functions are told. Raises NotAsked where there is no stack to ask."""
        try:
            configuration = self.installation.function("job_api")
        except AwsRefused as error:
            raise NotAsked from error
        return configuration.get("Environment", {}).get("Variables") or {}

    def cloud_settings(self) -> Settings:
        """The functions' settings, with the keys of the secret."""
        keys = json_of(self, "ModelSecretArn")
        named = (
            {KEY_NAMES[name]: str(value) for name, value in keys.items() if name in KEY_NAMES}
            if isinstance(keys, dict)
            else {}
        )
        ours = {name: value for name, value in self.told.items() if name.startswith("PERSEVERE_")}
        ours.pop("PERSEVERE_PRICES", None)  # a file of the functions' own
        return read({"PERSEVERE_HOME": "/tmp", **ours, **named})

    @property
    def key_place(self) -> str:
        return f"the secret {output_of(self.installation, 'AppSecretArn')} (docs/operations.md, Rotate)"

    @property
    def init(self) -> str:
        return INIT

    @property
    def on_missed(self) -> str:
        return f"the watchdog fetches them; why stands in: aws logs tail /aws/lambda/{self.installation.stack}-github_webhook"

    @cached_property
    def app(self) -> AppFile:
        """From the secret. Raises NotAsked where it is not usable, which `app_secret` says."""
        value = json_of(self, "AppSecretArn")
        if not isinstance(value, dict) or not value.get("private_key"):
            raise NotAsked
        known = {name: value[name] for name in ("owner", "owner_type", "page", "github_url") if name in value}
        return AppFile(int(value.get("id") or 0), str(value.get("slug", "")), "", str(value["private_key"]), **known)


def cloud_of(context: Context) -> CloudContext:
    return cast("CloudContext", context)


def json_of(context: Context, output: str) -> Any:
    try:
        return cloud_of(context).installation.secret(output)
    except (AwsRefused, ValueError) as error:
        raise NotAsked from error


def output_of(here: Installation, name: str) -> str:
    try:
        return here.output(name)
    except AwsRefused as error:
        raise NotAsked from error


def want_stack(here: Installation) -> None:
    output_of(here, "TableName")
