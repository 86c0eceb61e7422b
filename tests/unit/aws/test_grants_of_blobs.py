"""Where a runner is sent to with its files: the bucket's own region, by the name that is known from its first minute."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from shared.aws.blobs import S3Blobs, s3_client

KEY = "1/job/" + "0" * 64


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.mark.parametrize("region", ["eu-central-1", "eu-south-2", "us-east-1"])
def test_a_grant_names_the_region_of_the_bucket(region: str) -> None:
    """Without it a bucket answers a redirect for hours after it was made, and never in the regions of later years."""
    blobs = S3Blobs("blobs", s3_client(region))
    hosts = {urlsplit(url).netloc for url in (blobs.upload(KEY, 5).url, blobs.download(KEY))}
    assert hosts == {f"blobs.s3.{region}.amazonaws.com"}


def test_an_address_of_ones_own_has_the_bucket_in_its_path() -> None:
    url = urlsplit(S3Blobs("blobs", s3_client("fra1", "https://fra1.example.com")).upload(KEY, 5).url)
    assert (url.netloc, url.path) == ("fra1.example.com", f"/blobs/{KEY}")
