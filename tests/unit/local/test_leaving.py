"""What `persevere leave --aws` says of blobs that AWS lists page by page, and does not let go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.cloud.installation import AwsRefused, Installation
from local.cloud.leaving import here_on_aws

OUTPUTS = {"AppSecretArn": "arn", "BucketName": "blobs", "TableName": "table"}


class Account(Installation):
    """A bucket with some blobs of repository 7 and one of another; `kept` are those that nobody may delete."""

    def __init__(self, kept: frozenset[str] = frozenset()) -> None:
        super().__init__(region="us-east-1", environment={})
        self.blobs = {f"7/job/{number}" for number in range(5)} | {"70/job/0"}
        self.kept = kept

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        match operation:
            case "describe_stacks":
                return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in OUTPUTS.items()]}]}
            case "get_secret_value":
                return {"SecretString": json.dumps({"id": 7, "slug": "persevere", "private_key": "a PRIVATE KEY"})}
            case "list_objects_v2":
                names = sorted(each for each in self.blobs if each.startswith(about["Prefix"]))
                names = [each for each in names if each > about.get("ContinuationToken", "")]
                page = {"Contents": [{"Key": each} for each in names[:2]]}
                return page | ({"NextContinuationToken": names[1]} if len(names) > 2 else {})
            case "delete_objects":
                wanted = {each["Key"] for each in about["Delete"]["Objects"]}
                self.blobs -= wanted - self.kept
                return {"Errors": [{"Key": key, "Code": "AccessDenied"} for key in sorted(wanted & self.kept)]}
            case _:
                raise AssertionError(f"{service} {operation} was not expected")


def test_every_blob_of_the_repository_goes_and_no_other() -> None:
    account = Account()
    assert here_on_aws(account, {}).drop_blobs(7) == 5
    assert account.blobs == {"70/job/0"}


def test_blobs_that_aws_keeps_are_not_told_as_forgotten() -> None:
    account = Account(frozenset({"7/job/3"}))
    with pytest.raises(AwsRefused, match=r"1 blob.*AccessDenied") as raised:
        here_on_aws(account, {}).drop_blobs(7)
    assert "s3:DeleteObject" in raised.value.advice
    assert account.blobs == {"7/job/3", "70/job/0"}
