"""What every `Blobs` does; and what the file ones refuse to put or serve by a grant."""

import hashlib
import io
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.blobs import CHECKSUM_HEADER, GRANT_MS, FileBlobs, UploadRefused
from shared.aws.blobs import S3Blobs, s3_client
from shared.errors import Final
from shared.ports import BlobDamaged, BlobMissing, Blobs
from tests.contract.manual_clock import ManualClock
from tests.emulator import REGION

SCOPE = "4711/0abcdefghj"
URL = "http://127.0.0.1:1/blobs"
Opening = Callable[[Path, ManualClock], Blobs]


def open_files(place: Path, clock: ManualClock) -> FileBlobs:
    return FileBlobs(place / "blobs", clock, URL, b"a secret of the host")


def open_bucket(endpoint: str | None) -> Opening:
    def opening(place: Path, clock: ManualClock) -> S3Blobs:
        client = s3_client(REGION, endpoint)
        bucket = f"b-{hashlib.sha256(str(place).encode()).hexdigest()[:20]}"
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=bucket)
        return S3Blobs(bucket, client)

    return opening


@pytest.fixture(params=["files", "moto", "emulator"])
def opening(request: pytest.FixtureRequest) -> Opening:
    match request.param:
        case "files":
            return open_files
        case "moto":
            request.getfixturevalue("moto")
            return open_bucket(None)
        case _:
            return open_bucket(request.getfixturevalue("running_emulator"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def blobs(opening: Opening, tmp_path: Path, clock: ManualClock) -> Blobs:
    return opening(tmp_path, clock)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- every one ---


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.binary(max_size=3000))
def test_bytes_come_back_under_their_own_checksum(blobs: Blobs, data: bytes) -> None:
    key = blobs.put(SCOPE, data)
    assert key == f"{SCOPE}/{sha256(data)}"
    assert blobs.get(key) == data
    assert blobs.has(key)


def test_a_large_one_comes_back(blobs: Blobs) -> None:
    data = bytes(range(256)) * 40_000
    assert blobs.get(blobs.put(SCOPE, data)) == data


def test_putting_twice_is_one_blob(blobs: Blobs) -> None:
    assert blobs.put(SCOPE, b"x") == blobs.put(SCOPE, b"x")


def test_scopes_do_not_share(blobs: Blobs) -> None:
    blobs.put(SCOPE, b"x")
    other = f"4712/0abcdefghj/{sha256(b'x')}"
    assert not blobs.has(other)
    with pytest.raises(BlobMissing):
        blobs.get(other)


def test_another_opening_sees_it(blobs: Blobs, opening: Opening, tmp_path: Path, clock: ManualClock) -> None:
    key = blobs.put(SCOPE, b"x")
    assert opening(tmp_path, clock).get(key) == b"x"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        f"../x/{'0' * 64}",
        f"a/../{'0' * 64}",
        f"/a/b/{'0' * 64}",
        f"a/b/c/{'0' * 64}",
        f"a/b/{'0' * 63}",
        f"a/b/{'A' * 64}",
        f"a/b/{'0' * 64}\n",
        f"a/b\x00/{'0' * 64}",
        f".a/b/{'0' * 64}",
    ],
)
def test_what_is_no_key_is_refused(blobs: Blobs, key: str) -> None:
    for use in (blobs.get, blobs.has, blobs.download, lambda each: blobs.upload(each, 1)):
        with pytest.raises(ValueError, match="no key"):
            use(key)


@pytest.mark.parametrize("scope", ["", "a", "../b", "a/..", "a/b/c", "/a/b", "a/b\n", "a/ b"])
def test_what_is_no_scope_is_refused(blobs: Blobs, scope: str) -> None:
    with pytest.raises(ValueError, match="no scope"):
        blobs.put(scope, b"x")


# --- buckets ---


@pytest.fixture(params=["moto", "running_emulator"])
def bucket(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Blobs:
    return open_bucket(request.getfixturevalue(request.param))(tmp_path, clock)


def test_a_bucket_takes_by_a_grant_exactly_what_was_announced_and_only_once(bucket: Blobs) -> None:
    grant = bucket.upload(KEY, len(DATA))
    assert {name.lower() for name in grant.headers} >= {"content-length", CHECKSUM_HEADER, "if-none-match"}
    signed = dict(parse_qsl(urlsplit(grant.url).query))["X-Amz-SignedHeaders"].split(";")
    assert {"content-length", CHECKSUM_HEADER, "if-none-match", "host"} <= set(signed)
    assert requests.put(grant.url, data=DATA, headers=dict(grant.headers), timeout=60).status_code == 200
    assert bucket.get(KEY) == DATA
    assert requests.get(bucket.download(KEY), timeout=60).content == DATA
    assert requests.put(grant.url, data=DATA, headers=dict(grant.headers), timeout=60).status_code == 412


def test_a_bucket_refuses_other_bytes(running_emulator: str, tmp_path: Path, clock: ManualClock) -> None:
    """moto looks at no checksum."""
    bucket = open_bucket(running_emulator)(tmp_path, clock)
    grant = bucket.upload(KEY, len(DATA))
    refused = requests.put(grant.url, data=b"T" + DATA[1:], headers=dict(grant.headers), timeout=60)
    assert refused.status_code == 400
    assert not bucket.has(KEY)


def test_damage_in_a_bucket_is_noticed(bucket: Blobs) -> None:
    key = bucket.put(SCOPE, b"hello")
    assert isinstance(bucket, S3Blobs)
    bucket._client.put_object(Bucket=bucket._bucket, Key=key, Body=b"hellO")
    with pytest.raises(BlobDamaged):
        bucket.get(key)
    assert bucket.put(SCOPE, b"hello") == key, "written anew: mended, and its days in the bucket begin anew"
    assert bucket.get(key) == b"hello"


def test_a_bucket_that_is_gone_is_a_final_error(bucket: Blobs) -> None:
    assert isinstance(bucket, S3Blobs)
    gone = S3Blobs("b-gone-" + "0" * 20, bucket._client)
    with pytest.raises(Final, match="NoSuchBucket"):
        gone.put(SCOPE, b"x")


# --- files ---


@pytest.fixture
def files(tmp_path: Path, clock: ManualClock) -> FileBlobs:
    return open_files(tmp_path, clock)


@pytest.mark.parametrize("damage", [b"", b"hell", b"hellO", b"hello!"])
def test_damage_is_noticed_and_mended_by_putting_again(files: FileBlobs, tmp_path: Path, damage: bytes) -> None:
    key = files.put(SCOPE, b"hello")
    (tmp_path / "blobs" / key).write_bytes(damage)
    with pytest.raises(BlobDamaged):
        files.get(key)
    assert files.put(SCOPE, b"hello") == key
    assert files.get(key) == b"hello"


def test_nothing_unfinished_is_left_and_nobody_else_may_read(files: FileBlobs, tmp_path: Path) -> None:
    files.put(SCOPE, b"hello")
    found = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert [path.name for path in found] == [sha256(b"hello")]
    assert found[0].stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "blobs").stat().st_mode & 0o777 == 0o700


def put_many(place: Path) -> None:
    blobs = open_files(place, ManualClock())
    for n in range(15):
        blobs.put(SCOPE, b"%d" % n * 50_000)


def test_processes_may_put_the_same_at_once(files: FileBlobs, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=put_many, args=(tmp_path,)) for _ in range(2)]
    for each in others:
        each.start()
    put_many(tmp_path)
    for each in others:
        each.join()
    assert [each.exitcode for each in others] == [0, 0]
    for n in range(15):
        data = b"%d" % n * 50_000
        assert files.get(f"{SCOPE}/{sha256(data)}") == data


# --- grants ---

DATA = b"the bytes that were announced"
KEY = f"{SCOPE}/{sha256(DATA)}"


def asked(url: str) -> tuple[str, dict[str, str]]:
    """What a host reads off the URL of a request: the key and the parameters."""
    parts = urlsplit(url)
    assert url.startswith(URL + "/")
    return parts.path.removeprefix("/blobs/"), dict(parse_qsl(parts.query))


def test_a_grant_puts_one_blob_and_another_reads_it(files: FileBlobs) -> None:
    grant = files.upload(KEY, len(DATA))
    files.receive(*asked(grant.url), grant.headers, io.BytesIO(DATA))
    assert files.get(KEY) == DATA
    assert files.serve(*asked(files.download(KEY))) == DATA
    files.receive(*asked(grant.url), grant.headers, io.BytesIO(DATA))


REFUSED = [
    pytest.param({}, {}, DATA[:-1], 400, id="too short"),
    pytest.param({}, {}, b"T" + DATA[1:], 400, id="other bytes"),
    pytest.param({}, {"content-length": "5"}, DATA, 411, id="announces another length"),
    pytest.param({}, {"content-length": None}, DATA, 411, id="announces no length"),
    pytest.param({}, {CHECKSUM_HEADER: None}, DATA, 400, id="checksum header forgotten"),
    pytest.param({}, {CHECKSUM_HEADER: "AAAA"}, DATA, 400, id="another checksum"),
    pytest.param({"size": "5"}, {"content-length": "5"}, DATA, 403, id="size changed"),
    pytest.param({"expires": "9999999999999"}, {}, DATA, 403, id="expiry changed"),
    pytest.param({"signature": "0" * 64}, {}, DATA, 403, id="signature made up"),
    pytest.param({"signature": "\u00e9"}, {}, DATA, 403, id="signature not ASCII"),
    pytest.param({"signature": None, "size": None, "expires": None}, {}, DATA, 403, id="no grant"),
]


@pytest.mark.parametrize(("params", "headers", "body", "status"), REFUSED)
def test_what_is_not_as_granted_is_refused_and_leaves_nothing(
    files: FileBlobs, params: dict[str, str | None], headers: dict[str, str | None], body: bytes, status: int
) -> None:
    grant = files.upload(KEY, len(DATA))
    key, granted = asked(grant.url)
    sent_params = {name: value for name, value in {**granted, **params}.items() if value is not None}
    sent_headers = {name: value for name, value in {**grant.headers, **headers}.items() if value is not None}
    with pytest.raises(UploadRefused) as raised:
        files.receive(key, sent_params, sent_headers, io.BytesIO(body))
    assert raised.value.status == status
    assert not files.has(KEY)


def test_no_more_is_read_than_was_announced(files: FileBlobs) -> None:
    grant = files.upload(KEY, len(DATA))
    stream = io.BytesIO(DATA + b"x" * 1000)
    files.receive(*asked(grant.url), grant.headers, stream)
    assert stream.tell() == len(DATA)


def test_a_grant_is_for_one_key_one_method_and_a_quarter_of_an_hour(files: FileBlobs, clock: ManualClock) -> None:
    grant = files.upload(KEY, len(DATA))
    _, granted = asked(grant.url)
    other = f"{SCOPE}/{sha256(b'other')}"
    for attempt in (
        lambda: files.receive(other, granted, grant.headers, io.BytesIO(DATA)),
        lambda: files.serve(KEY, granted),
        lambda: files.serve(other, asked(files.download(KEY))[1]),
    ):
        with pytest.raises(UploadRefused) as raised:
            attempt()
        assert raised.value.status == 403
    clock.ms += GRANT_MS + 1
    with pytest.raises(UploadRefused, match="15 minutes"):
        files.receive(KEY, granted, grant.headers, io.BytesIO(DATA))


def test_reading_what_is_not_there_is_a_404(files: FileBlobs) -> None:
    with pytest.raises(UploadRefused) as raised:
        files.serve(*asked(files.download(KEY)))
    assert raised.value.status == 404


def test_grants_of_another_host_are_worth_nothing(files: FileBlobs, tmp_path: Path, clock: ManualClock) -> None:
    stranger = FileBlobs(tmp_path / "blobs", clock, URL, b"another secret")
    grant = stranger.upload(KEY, len(DATA))
    with pytest.raises(UploadRefused, match="not a URL that was granted"):
        files.receive(*asked(grant.url), grant.headers, io.BytesIO(DATA))
