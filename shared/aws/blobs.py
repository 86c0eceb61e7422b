"""The `Blobs` in S3, or in what speaks its protocol (DigitalOcean Spaces, by an endpoint of its own)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from shared.errors import Final, Retryable
from shared.ports import BlobDamaged, BlobMissing, Upload

if TYPE_CHECKING:
    from collections.abc import Callable

GRANT_S = 15 * 60

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_SCOPE = re.compile(f"{_NAME}/{_NAME}")
_KEY = re.compile(f"{_NAME}/{_NAME}/([0-9a-f]{{64}})")
_MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
_BUSY = frozenset({"SlowDown", "ConditionalRequestConflict", "InternalError", "ServiceUnavailable", "503", "500"})


class S3Blobs:
    """`Blobs` in one bucket. `client` is a boto3 S3 client; its endpoint and region are the caller's choice."""

    def __init__(self, bucket: str, client: Any) -> None:
        self._bucket = bucket
        self._client = client

    def put(self, scope: str, data: bytes) -> str:
        """Store and return the key. Putting the same twice is fine: it mends a damaged one, and the bucket counts a blob's days
        from its newest writing, so what a record still names is not taken away. Raises ValueError, Retryable, Final.
        """
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"no scope of blobs: {scope!r}")
        key = f"{scope}/{hashlib.sha256(data).hexdigest()}"
        try:
            self._call(self._client.put_object, Body=data, **self._exactly(key, len(data)))
        except _Refused as error:
            raise error.meaning(key) from error
        return key

    def get(self, key: str) -> bytes:
        """The verified bytes. Raises BlobMissing, BlobDamaged, ValueError for what is no key; Retryable, Final."""
        digest = _digest(key)
        try:
            data = self._call(lambda **about: self._client.get_object(**about)["Body"].read(), **self._object(key))
        except _Refused as error:
            raise error.meaning(key) from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise BlobDamaged(f"the blob {key} does not have the checksum of its name; it has {len(data)} bytes")
        return bytes(data)

    def has(self, key: str) -> bool:
        """Whether there is such a blob; only `get` says that it is intact."""
        _digest(key)
        try:
            self._call(self._client.head_object, **self._object(key))
        except _Refused as error:
            if error.code in _MISSING:
                return False
            raise error.meaning(key) from error
        return True

    def upload(self, key: str, size: int) -> Upload:
        """A grant for one PUT of exactly these bytes, good for 15 minutes and once: length and checksum are signed with it."""
        wanted = self._exactly(key, size) | {"IfNoneMatch": "*"}
        url = self._client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=GRANT_S)
        headers = {
            "content-length": str(size),
            "x-amz-checksum-sha256": wanted["ChecksumSHA256"],
            "if-none-match": wanted["IfNoneMatch"],
        }
        return Upload(str(url), headers)

    def download(self, key: str) -> str:
        """A URL that reads one blob, good for 15 minutes."""
        _digest(key)
        return str(self._client.generate_presigned_url("get_object", Params=self._object(key), ExpiresIn=GRANT_S))

    def _object(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": key}

    def _exactly(self, key: str, size: int) -> dict[str, Any]:
        """What a PUT must say: S3 refuses bytes that are not those of the checksum, which is the key's."""
        checksum = base64.b64encode(bytes.fromhex(_digest(key))).decode()
        return {**self._object(key), "ContentLength": size, "ChecksumSHA256": checksum}

    def _call(self, operation: Callable[..., Any], **about: Any) -> Any:
        """botocore has repeated it already. Raises _Refused, Retryable."""
        try:
            return operation(**about)
        except ClientError as error:
            raise _Refused(str(error.response["Error"].get("Code")), str(error)) from error
        except BotoCoreError as error:
            raise Retryable(f"the bucket did not answer: {type(error).__name__}") from error


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def meaning(self, key: str) -> Exception:
        if self.code in _MISSING:
            return BlobMissing(f"no blob {key}")
        if self.code in _BUSY:
            return Retryable(f"the bucket is busy: {self.code}", after_s=2)
        return Final(f"the bucket refused {key}: {self.code}", "run `persevere doctor`")


def _digest(key: str) -> str:
    """The sha256 that a key promises. Raises ValueError for what is no key."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError(f"no key of a blob: {key!r}")
    return found.group(1)


def s3_client(region: str, endpoint: str | None = None) -> Any:
    """A boto3 client whose grants are SigV4, as every region and Spaces take them. `endpoint` None is AWS."""
    import boto3
    from botocore.config import Config

    # An address with the bucket in its path is what emulators and Spaces' own domains understand. On AWS the bucket is in
    # the name, and so is the region: botocore would sign grants for the global name, which redirects to the region for
    # hours after a bucket was made (a redirect breaks the signature) and does not know the regions of later years.
    style = {"addressing_style": "path"} if endpoint else {"addressing_style": "virtual"}
    if not endpoint:
        style["us_east_1_regional_endpoint"] = "regional"
    config = Config(
        signature_version="s3v4",
        s3=style,
        connect_timeout=2,
        read_timeout=20,
        retries={"mode": "standard", "total_max_attempts": 4},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client("s3", region_name=region, endpoint_url=endpoint, config=config)
