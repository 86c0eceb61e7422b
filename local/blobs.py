"""The `Blobs` on one machine: write-once files below one directory, and grants to put or read one over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from shared.errors import Final
from shared.ports import BlobDamaged, BlobMissing, Clock, Upload

GRANT_MS = 15 * 60 * 1000
CHECKSUM_HEADER = "x-amz-checksum-sha256"
"""S3's own header, so that a client which forgets the granted headers fails here too (API_PutObject.html)."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_SCOPE = re.compile(f"{_NAME}/{_NAME}")
_KEY = re.compile(f"{_NAME}/{_NAME}/([0-9a-f]{{64}})")


class UploadRefused(Final):
    """What somebody tried to put, or read, by a grant. `status` is the HTTP status to answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class FileBlobs:
    """`Blobs` in files. `url` is where the host answers for them (`http://127.0.0.1:8931/blobs`), `secret` signs grants.

    A blob is complete and on the disk before it has its name; nobody ever sees half of one.
    """

    def __init__(self, root: Path, clock: Clock, url: str, secret: bytes) -> None:
        self._root = root
        self._clock = clock
        self._url = url.rstrip("/")
        self._secret = secret
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, scope: str, data: bytes) -> str:
        """Store and return the key. Putting the same twice is fine, and mends a damaged one. Raises ValueError."""
        if not _SCOPE.fullmatch(scope):
            raise ValueError(f"no scope of blobs: {scope!r}")
        key = f"{scope}/{hashlib.sha256(data).hexdigest()}"
        if self._read(key) != data:
            self._write(self._path(key), data)
        return key

    def get(self, key: str) -> bytes:
        """The verified bytes. Raises BlobMissing, BlobDamaged, ValueError for what is no key."""
        data = self._read(key)
        if data is None:
            raise BlobMissing(f"no blob {key}")
        if hashlib.sha256(data).hexdigest() != _digest(key):
            raise BlobDamaged(f"the blob {key} does not have the checksum of its name; it has {len(data)} bytes")
        return data

    def has(self, key: str) -> bool:
        """Whether there is such a blob; only `get` says that it is intact."""
        return self._path(key).is_file()

    def upload(self, key: str, size: int) -> Upload:
        """A grant for one PUT of exactly these bytes, good for 15 minutes."""
        checksum = base64.b64encode(bytes.fromhex(_digest(key))).decode()
        return Upload(self._granted("PUT", key, size), {CHECKSUM_HEADER: checksum, "content-length": str(size)})

    def download(self, key: str) -> str:
        """A URL that reads one blob, good for 15 minutes."""
        _digest(key)
        return self._granted("GET", key, 0)

    def receive(self, key: str, params: Mapping[str, str], headers: Mapping[str, str], body: BinaryIO) -> None:
        """What the host does with a PUT: `params` of the query, `headers` by lower-case name. Raises UploadRefused.

        Nothing is read before the grant and the announced length are right, and never more than that length.
        """
        size = self._check_grant("PUT", key, params)
        if headers.get("content-length") != str(size):
            raise UploadRefused(411, f"this grant is for {size} bytes, content-length must say so")
        checksum = base64.b64encode(bytes.fromhex(_digest(key))).decode()
        if headers.get(CHECKSUM_HEADER) != checksum:
            raise UploadRefused(400, f"the header {CHECKSUM_HEADER} must be as it was granted")
        data = body.read(size)
        if len(data) != size or hashlib.sha256(data).hexdigest() != _digest(key):
            raise UploadRefused(400, f"{len(data)} bytes came, and they are not those that were announced")
        self.put(key.rpartition("/")[0], data)

    def serve(self, key: str, params: Mapping[str, str]) -> bytes:
        """What the host does with a GET. Raises UploadRefused."""
        self._check_grant("GET", key, params)
        try:
            return self.get(key)
        except BlobMissing as error:
            raise UploadRefused(404, str(error)) from error

    def _granted(self, method: str, key: str, size: int) -> str:
        expires = self._clock.now() + GRANT_MS
        query = {"size": size, "expires": expires, "signature": self._sign(method, key, str(size), str(expires))}
        return f"{self._url}/{key}?{urlencode(query)}"

    def _check_grant(self, method: str, key: str, params: Mapping[str, str]) -> int:
        size, expires = params.get("size", ""), params.get("expires", "")
        expected = self._sign(method, key, size, expires)
        if not hmac.compare_digest(expected.encode(), params.get("signature", "").encode()):
            raise UploadRefused(403, "this is not a URL that was granted")
        if self._clock.now() > int(expires):
            raise UploadRefused(403, "this URL was good for 15 minutes, which are over")
        return int(size)

    def _sign(self, method: str, key: str, size: str, expires: str) -> str:
        return hmac.new(self._secret, f"{method}\n{key}\n{size}\n{expires}".encode(), hashlib.sha256).hexdigest()

    def _path(self, key: str) -> Path:
        _digest(key)
        return self._root / key

    def _read(self, key: str) -> bytes | None:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        for directory in (path.parent, path.parent.parent, self._root):
            _sync_directory(directory)


def _digest(key: str) -> str:
    """The sha256 that a key promises. Raises ValueError for what is no key: no key leads out of the directory."""
    found = _KEY.fullmatch(key)
    if found is None:
        raise ValueError(f"no key of a blob: {key!r}")
    return found.group(1)


def _sync_directory(path: Path) -> None:
    """Make a rename as durable as the bytes that it names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
