"""Gets a release's source from the package index that pip is configured for, checks it, and unpacks it. Runs none of it.

`pip download` would run the project's build to learn its name and dependencies; the index's own pages are enough here
(packaging.python.org/specifications/simple-repository-api).
"""

from __future__ import annotations

import hashlib
import html.parser
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

import requests

from local.case.case_file import BadCase
from local.case.pip_places import Places
from shared.errors import Final

ENDINGS = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
TIMEOUT_S = 30.0
MAX_BYTES = 200_000_000


class NoIndex(Final):
    """No package index answered, and the release is not here yet."""


@dataclass(frozen=True)
class File:
    """One file of an index. `sha256` is None where the index does not say."""

    name: str
    url: str
    sha256: str | None


def get(project: str, version: str, places: Places, cache: Path) -> Path:
    """The sdist, from `cache` where it is there and whole, else from an index.

    Raises NoIndex when nothing could be reached, BadCase when there is no such release or its checksum is wrong.
    """
    kept = _kept(project, version, cache)
    if kept is not None:
        return kept
    troubles: list[str] = []
    for file in _offers(project, places, troubles):
        if _is_sdist(file.name, project, version):
            return _fetch(file, cache)
    if troubles:
        raise NoIndex(
            f"{project} {version} is not in {cache}, and no package index could be asked: {troubles[0]}",
            "connect to the network once (the release is kept then), or name an index: PIP_INDEX_URL",
        )
    raise BadCase(f"no package index has a source release {project}=={version}")


def _kept(project: str, version: str, cache: Path) -> Path | None:
    if not cache.is_dir():
        return None
    for path in sorted(cache.iterdir()):
        if _is_sdist(path.name, project, version):
            noted = path.with_name(f"{path.name}.sha256")
            if noted.is_file() and noted.read_text().strip() == hashlib.sha256(path.read_bytes()).hexdigest():
                return path
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_sdist(filename: str, project: str, version: str) -> bool:
    ending = next((ending for ending in ENDINGS if filename.endswith(ending)), None)
    if ending is None:
        return False
    name, _, number = filename.removesuffix(ending).rpartition("-")
    return _normal(name) == _normal(project) and number == version


def _offers(project: str, places: Places, troubles: list[str]) -> Iterator[File]:
    """Files of local directories first, then of each index in order; what did not answer is noted in `troubles`."""
    for directory in places.directories:
        if directory.is_dir():
            yield from (File(path.name, path.as_uri(), None) for path in sorted(directory.iterdir()))
    for index in places.indexes:
        page = f"{index.rstrip('/')}/{_normal(project)}/"
        try:
            yield from _page(page)
        except (requests.RequestException, OSError) as error:
            troubles.append(f"{urlsplit(index).hostname or index}: {_words(error)}")


def _page(url: str) -> Iterable[File]:
    if url.startswith("file:"):
        path = Path(url2pathname(urlsplit(url).path)) / "index.html"
        return _links(path.read_text("utf-8"), url) if path.is_file() else []
    response = requests.get(url, headers={"Accept": ACCEPT}, timeout=TIMEOUT_S)
    if response.status_code == 404:
        return []
    response.raise_for_status()
    if "json" not in response.headers.get("Content-Type", ""):
        return _links(response.text, response.url)
    return [
        File(each["filename"], urljoin(response.url, each["url"]), each.get("hashes", {}).get("sha256"))
        for each in response.json()["files"]
    ]


def _links(page: str, base: str) -> list[File]:
    found: list[File] = []

    class Anchors(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            address = dict(attrs).get("href") if tag == "a" else None
            if address:
                url, fragment = urldefrag(urljoin(base, address))
                digest = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else None
                found.append(File(unquote(PurePosixPath(urlsplit(url).path).name), url, digest))

    Anchors().feed(page)
    return found


def _fetch(file: File, cache: Path) -> Path:
    try:
        data = _bytes(file.url)
    except (requests.RequestException, OSError) as error:
        raise NoIndex(f"{file.name} could not be fetched: {_words(error)}", "try again with a network") from error
    digest = hashlib.sha256(data).hexdigest()
    if file.sha256 is not None and digest != file.sha256.lower():
        raise BadCase(
            f"{file.name} is not what its index promises (sha256 {digest[:12]}..., not {file.sha256[:12]}...)"
        )
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = cache / file.name
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}\n")
    return path


def _bytes(url: str) -> bytes:
    if url.startswith("file:"):
        return Path(url2pathname(urlsplit(url).path)).read_bytes()
    with requests.get(url, timeout=TIMEOUT_S, stream=True) as response:
        response.raise_for_status()
        data = bytearray()
        for chunk in response.iter_content(1 << 16):
            data += chunk
            if len(data) > MAX_BYTES:
                raise BadCase(f"the release is larger than {MAX_BYTES // 1_000_000} MB")
    return bytes(data)


def _words(error: Exception) -> str:
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error).split("\n")[0][:200]


def unpack(archive: Path, directory: Path) -> None:
    """The release's files, without the one directory that sdists wrap them in. Raises BadCase for what is no sdist.

    Nothing leaves `directory`: tarfile's `data` filter refuses absolute names, `..`, devices and links outwards.
    """
    wrapped = directory.with_name(f".{directory.name}-unpacking")
    shutil.rmtree(wrapped, ignore_errors=True)
    wrapped.mkdir(parents=True)
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(wrapped)  # noqa: S202 - zipfile itself drops `..` and absolute names
        else:
            with tarfile.open(archive) as tarred:
                tarred.extractall(wrapped, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise BadCase(f"{archive.name} cannot be unpacked: {error}") from error
    inside = [path for path in wrapped.iterdir() if path.name != "pax_global_header"]
    if len(inside) != 1 or not inside[0].is_dir():
        raise BadCase(f"{archive.name} is no source release: it holds {len(inside)} things, not one directory")
    inside[0].replace(directory)
    shutil.rmtree(wrapped)
