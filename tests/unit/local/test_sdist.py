"""A release comes from an index, is checked, kept and unpacked; none of it is run."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local.case.case_file import BadCase
from local.case.pip_places import Places, ask_pip
from local.case.sdist import NoIndex, get, unpack

SETUP = "raise SystemExit('nobody may run this')\n"


def tar(files: Mapping[str, str], wrap: str = "octo_lib-1.2.0") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(f"{wrap}/{name}" if wrap else name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


RELEASE = tar({"setup.py": SETUP, "src/octo/__init__.py": ""})
DIGEST = hashlib.sha256(RELEASE).hexdigest()
Serve = Callable[[Mapping[str, tuple[str, bytes]]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """An index on loopback: path -> (content type, body)."""
    servers: list[ThreadingHTTPServer] = []

    def start(pages: Mapping[str, tuple[str, bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = pages.get(self.path, ("", b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def json_page(digest: str = DIGEST) -> tuple[str, bytes]:
    files = [
        {"filename": "octo_lib-1.2.0-py3-none-any.whl", "url": "x.whl", "hashes": {}},
        {"filename": "octo-lib-1.20.tar.gz", "url": "y", "hashes": {}},
        {"filename": "octo_lib-1.2.0.tar.gz", "url": "/files/octo_lib-1.2.0.tar.gz", "hashes": {"sha256": digest}},
    ]
    return "application/vnd.pypi.simple.v1+json", json.dumps({"files": files}).encode()


FILES = {"/files/octo_lib-1.2.0.tar.gz": ("application/gzip", RELEASE)}
HTML = f'<a href="/files/octo_lib-1.2.0.tar.gz#sha256={DIGEST}">octo_lib-1.2.0.tar.gz</a>'.encode()


@pytest.mark.parametrize("page", [json_page(), ("text/html", HTML)], ids=["json", "html"])
def test_a_release_is_fetched_checked_and_kept(tmp_path: Path, serve: Serve, page: tuple[str, bytes]) -> None:
    url = serve({"/simple/octo-lib/": page, **FILES})
    path = get("Octo.Lib", "1.2.0", Places(indexes=(f"{url}/simple",)), tmp_path)
    assert path.read_bytes() == RELEASE
    assert get("octo-lib", "1.2.0", Places(indexes=("http://127.0.0.1:9/simple",)), tmp_path) == path


def test_a_kept_release_that_was_damaged_is_fetched_again(tmp_path: Path, serve: Serve) -> None:
    (tmp_path / "octo_lib-1.2.0.tar.gz").write_bytes(b"half")
    (tmp_path / "octo_lib-1.2.0.tar.gz.sha256").write_text(DIGEST)
    url = serve({"/simple/octo-lib/": json_page(), **FILES})
    assert get("octo-lib", "1.2.0", Places(indexes=(f"{url}/simple",)), tmp_path).read_bytes() == RELEASE


def test_another_file_than_promised_is_refused_and_not_kept(tmp_path: Path, serve: Serve) -> None:
    url = serve({"/simple/octo-lib/": json_page("0" * 64), **FILES})
    with pytest.raises(BadCase, match="not what its index promises"):
        get("octo-lib", "1.2.0", Places(indexes=(f"{url}/simple",)), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_second_index_is_asked_where_the_first_has_nothing(tmp_path: Path, serve: Serve) -> None:
    url = serve({"/two/octo-lib/": json_page(), **FILES})
    assert get("octo-lib", "1.2.0", Places(indexes=(f"{url}/one", f"{url}/two")), tmp_path).read_bytes() == RELEASE


def test_no_network_is_said_clearly(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match=r"octo-lib 1\.2\.0 is not in .*no package index could be asked.*no connection"):
        get("octo-lib", "1.2.0", Places(indexes=("http://127.0.0.1:9/simple",)), tmp_path)


def test_a_release_that_does_not_exist_is_no_network_trouble(tmp_path: Path, serve: Serve) -> None:
    url = serve({"/simple/octo-lib/": json_page()})
    with pytest.raises(BadCase, match="no package index has"):
        get("octo-lib", "9.9", Places(indexes=(f"{url}/simple",)), tmp_path)


def test_a_directory_of_files_is_looked_at_first(tmp_path: Path) -> None:
    here = tmp_path / "links"
    here.mkdir()
    (here / "octo_lib-1.2.0.tar.gz").write_bytes(RELEASE)
    places = Places((here, tmp_path / "nowhere"), ("http://127.0.0.1:9/simple",))
    assert get("octo-lib", "1.2.0", places, tmp_path / "kept").read_bytes() == RELEASE


def test_pip_says_where_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/one")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "http://127.0.0.1:9/two http://127.0.0.1:9/three")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path} http://127.0.0.1:9/page.html")
    assert ask_pip() == Places((tmp_path,), tuple(f"http://127.0.0.1:9/{word}" for word in ("one", "two", "three")))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert ask_pip() == Places((tmp_path,), ())


def test_a_variable_counts_more_than_a_settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nfind-links = /global\n[download]\nfind-links = /download\n[install]\nfind-links = /no\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert ask_pip().directories == (Path("/download"),)
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert ask_pip().directories == (tmp_path,)


def test_a_release_is_unpacked_without_its_wrapping(tmp_path: Path) -> None:
    archive = tmp_path / "octo_lib-1.2.0.tar.gz"
    archive.write_bytes(RELEASE)
    unpack(archive, tmp_path / "tree")
    found = {str(path.relative_to(tmp_path / "tree")) for path in (tmp_path / "tree").rglob("*") if path.is_file()}
    assert found == {"setup.py", "src/octo/__init__.py"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["octo_lib-1.2.0.tar.gz", "tree"]


def test_a_zip_is_unpacked_too(tmp_path: Path) -> None:
    archive = tmp_path / "octo-1.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("octo-1/setup.py", SETUP)
    unpack(archive, tmp_path / "tree")
    assert (tmp_path / "tree" / "setup.py").read_text() == SETUP


@pytest.mark.parametrize(
    "content",
    [tar({"../../out": "x"}), tar({"a": "1"}, wrap=""), b"no archive at all", RELEASE[: len(RELEASE) // 2]],
    ids=["leads out", "no one directory", "no archive", "cut off"],
)
def test_what_is_no_release_is_refused(tmp_path: Path, content: bytes) -> None:
    archive = tmp_path / "inner" / "x-1.tar.gz"
    archive.parent.mkdir()
    archive.write_bytes(content)
    with pytest.raises(BadCase):
        unpack(archive, tmp_path / "inner" / "tree")
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]
