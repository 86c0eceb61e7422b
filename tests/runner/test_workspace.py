"""Cloning with a short token over HTTP, and giving it back; the trusted repository's own walls."""

import base64
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runner_image.beneath import Beneath, Outside
from runner_image.endings import GiveUp, Stopped
from runner_image.git import Git, GitFailed
from runner_image.orders import Orders
from runner_image.workspace import check_out, clear, clone
from shared.domain.protocol import Clone
from tests.runner.conftest import GIT, Fence, Repo

TOKEN = "ghs_a-short-token"
BASIC = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


@dataclass
class GitServer:
    """Smart HTTP over `git http-backend`; wants the token, keeps what it was sent."""

    root: Path
    url: str = ""
    sent: list[tuple[str, str | None]] = field(default_factory=list)
    redirect: str = ""
    silent: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.sent.append((f"{handler.command} {handler.path}", handler.headers.get("Authorization")))
        if self.silent:
            self.asked.set()
            self.over.wait(600)
        if handler.command == "DELETE":
            return self._say(handler, "204 No Content", [], b"")
        if self.redirect:
            return self._say(handler, "301 Moved", [("Location", self.redirect + handler.path)], b"")
        if handler.headers.get("Authorization") != BASIC:
            return self._say(handler, "401 Unauthorized", [("WWW-Authenticate", "Basic")], b"")
        return self._serve(handler)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
            "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REQUEST_METHOD": handler.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
        }
        said = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=True
        ).stdout
        head, _, rest = said.partition(b"\r\n\r\n")
        rows = [tuple(row.split(": ", 1)) for row in head.decode().split("\r\n")]
        headers = [(row[0], row[1]) for row in rows]
        self._say(handler, dict(headers).get("Status", "200 OK"), headers, rest)

    def _say(self, handler: BaseHTTPRequestHandler, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        handler.send_response(int(status.split(maxsplit=1)[0]))
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    served = GitServer(tmp_path)

    class Handler(BaseHTTPRequestHandler):
        def do_any(self) -> None:
            served.answer(self)

        do_GET = do_POST = do_DELETE = do_any  # noqa: N815  # names of http.server

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    served.url = f"http://127.0.0.1:{http.server_address[1]}"
    yield served
    served.over.set()
    http.shutdown()
    http.server_close()


def wish(server: GitServer, base: str, token: str = TOKEN, **more: str) -> Clone:
    url, revoke = f"{server.url}/origin/.git", f"{server.url}/installation/token"
    return Clone(url=url, base=base, token=token, revoke_url=revoke, **more)  # type: ignore[arg-type]


def test_the_token_clones_is_revoked_and_is_written_nowhere(
    repo: Repo, server: GitServer, tmp_path: Path, make_fence: Callable[..., Fence]
) -> None:
    base, head = repo.commit({"a": "1"}), repo.commit({"a": "2"})
    repo.commit({"a": "3"})
    git = clone(wish(server, base, head=head), tmp_path / "trusted", os.environ, Orders(), allow_file=False)
    assert server.sent[-1] == ("DELETE /installation/token", f"Bearer {TOKEN}")
    assert {given for asked, given in server.sent[:-1]} == {BASIC}
    check_out(git, tmp_path / "job", make_fence("none").sandbox, base, head)
    secret = (TOKEN.encode(), BASIC.split()[1].encode())
    written = [path for room in ("trusted", "job") for path in (tmp_path / room).rglob("*") if path.is_file()]
    assert not [path for path in written if any(each in path.read_bytes() for each in secret)]
    with pytest.raises(GitFailed):
        git.run("cat-file", "-e", repo.head)
    with pytest.raises(GitFailed):
        git.run("cat-file", "-e", f"{base}^")


def test_the_token_is_revoked_when_the_clone_fails_too(repo: Repo, server: GitServer, tmp_path: Path) -> None:
    repo.commit({"a": "1"})
    with pytest.raises(GiveUp, match="could not be cloned") as end:
        clone(wish(server, "0" * 40), tmp_path / "trusted", os.environ, Orders(), allow_file=False)
    assert end.value.reason == "no_workspace"
    assert server.sent[-1][0] == "DELETE /installation/token"
    assert TOKEN not in end.value.summary


def test_a_wrong_token_is_said_and_nobody_is_asked_for_a_password(
    repo: Repo, server: GitServer, tmp_path: Path
) -> None:
    base = repo.commit({"a": "1"})
    with pytest.raises(GiveUp, match="could not be cloned"):
        clone(wish(server, base, "other"), tmp_path / "trusted", os.environ, Orders(), allow_file=False)


def test_a_redirect_does_not_carry_the_token_away(repo: Repo, server: GitServer, tmp_path: Path) -> None:
    base = repo.commit({"a": "1"})
    server.redirect = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(GiveUp, match="could not be cloned"):
        clone(wish(server, base), tmp_path / "trusted", os.environ, Orders(), allow_file=False)
    assert len([asked for asked, _ in server.sent if asked.startswith("GET")]) == 1


def test_an_order_to_leave_ends_a_clone(repo: Repo, server: GitServer, tmp_path: Path) -> None:
    base = repo.commit({"a": "1"})
    orders = Orders()
    server.silent = True

    def stop() -> None:
        server.asked.wait(120)
        orders.stop("stopped")

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(Stopped):
        clone(
            Clone(url=f"{server.url}/origin/.git", base=base),
            tmp_path / "trusted",
            os.environ,
            orders,
            allow_file=False,
        )
    assert not server.over.is_set(), "the answer was not waited for"


def test_files_are_cloned_only_where_a_test_says_so(repo: Repo, tmp_path: Path) -> None:
    base = repo.commit({"a": "1"})
    with pytest.raises(GiveUp, match="no address"):
        clone(Clone(url=repo.url, base=base), tmp_path / "trusted", GIT, Orders(), allow_file=False)
    git = Git(tmp_path / "own", GIT)
    git.init()
    with pytest.raises(GitFailed, match="not allowed"):
        git.fetch(repo.url, [base], None, Orders(), 300)


def test_settings_of_the_machine_are_not_read(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit({"a": "1\n"})
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n\thooksPath = /x\n[init]\n\ttemplateDir = /x\n"
    )
    machine = {
        **os.environ,
        "HOME": str(tmp_path / "home"),
        "GIT_DIR": "/nonexistent",
        "GIT_CONFIG_PARAMETERS": "'core.autocrlf=true'",
    }
    git = clone(Clone(url=repo.url, base=repo.head), tmp_path / "trusted", machine, Orders(), allow_file=True)
    assert git.line("config", "--get", "core.autocrlf") == "false"
    assert git.line("config", "--get", "core.hooksPath") == "/dev/null"


@pytest.mark.parametrize("path", [b"../x", b"/x", b"a/../../x", b"a\0b", b"..", b"out/x", b"loop/x", b"up/x/y"])
def test_nothing_is_put_outside_the_workspace(tmp_path: Path, path: bytes) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tmp_path / "outside").mkdir()
    (tree / "out").symlink_to(tmp_path / "outside")
    (tree / "up").symlink_to("..")
    (tree / "loop").symlink_to("loop")
    try:
        Beneath(tree).put(path, "100644", b"x")
    except Outside:
        pass
    else:  # a link in the way is replaced by a directory, as git does
        assert (tree / os.fsdecode(path)).read_bytes() == b"x"
    assert list((tmp_path / "outside").iterdir()) == []
    assert sorted(each.name for each in tmp_path.iterdir()) == ["outside", "tree"]


def test_a_job_leaves_nothing_whatever_its_modes(tmp_path: Path) -> None:
    deep = tmp_path / "job"
    deep.mkdir()
    line = 'mkdir -p a/b && touch a/b/c && chmod 000 a/b a; p=x; for i in $(seq 60); do mkdir "$p" && cd "$p"; p=$p$i; done; true'
    subprocess.run(["bash", "-c", line], cwd=deep, check=True)
    clear(deep)
    assert not deep.exists()
