"""Trusted git: a repository of our own outside the workspace, so that nothing which lies in the workspace is ever obeyed.

No settings of the machine, the user or the workspace are read; hooks, filters, file-system monitors, end-of-line and
encoding conversion are off (bytes in, bytes out); only http and https are spoken. The workspace's own `.git` is the
agent's toy and is never opened from here but once, to be made.
"""

from __future__ import annotations

import base64
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from runner_image.orders import Orders

# Highest of git's sources of attributes (gitattributes(5)), so no file of the repository overrides it.
RAW = "* -text -eol -crlf -filter -ident -working-tree-encoding !diff -merge\n"
SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": "/dev/null",
    "core.excludesFile": "/dev/null",
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.safecrlf": "false",
    "core.fileMode": "true",
    "core.symlinks": "true",
    "core.quotePath": "true",
    "core.protectNTFS": "true",
    "core.protectHFS": "true",
    "core.pager": "cat",
    "credential.helper": "",
    "diff.external": "",
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "protocol.version": "2",
}
FROM_MACHINE = (
    "PATH HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy all_proxy "
    "GIT_SSL_CAINFO GIT_SSL_CAPATH SSL_CERT_FILE SSL_CERT_DIR"
).split()
LOCAL_S = 300
LISTING_MOST_BYTES = 64 << 20  # our own memory must not hang on how many files somebody makes


class GitFailed(Exception):
    """git said no; the text is what it said, without addresses' passwords (there are none)."""


class TooMuch(GitFailed):
    """It would list more than we take in."""


@dataclass(frozen=True, slots=True)
class Git:
    """Commands on `directory` (the trusted repository) with an index and a work tree of their own where needed."""

    directory: Path
    machine: Mapping[str, str] = field(repr=False)
    allow_file: bool = False

    def init(self) -> None:
        self.directory.mkdir(parents=True, mode=0o700)
        self.run("init", "--quiet", "--bare", "--template=")
        info = self.directory / "info"
        info.mkdir(exist_ok=True)
        (info / "attributes").write_text(RAW, "ascii")
        (info / "exclude").write_text("", "ascii")

    def fetch(self, url: str, commits: Iterable[str], token: str | None, orders: Orders, seconds: float) -> None:
        """Those commits alone, without what came before them. Raises GitFailed, Ending.

        The token travels in git's environment: not in an argument, not in a file, and only to `url`.
        """
        secret = {}
        if token:
            basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
            secret = {f"http.{url}.extraHeader": f"Authorization: Basic {basic}"}
        options = ["--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
        arguments = [*options, "--end-of-options", url, *commits]
        self.run("fetch", *arguments, settings=secret, orders=orders, seconds=seconds)

    def run(
        self,
        *arguments: str | bytes,
        index: Path | None = None,
        tree: Path | None = None,
        stdin: bytes = b"",
        settings: Mapping[str, str] | None = None,
        orders: Orders | None = None,
        seconds: float = LOCAL_S,
        accept: tuple[int, ...] = (0,),
    ) -> bytes:
        """Standard output. Raises GitFailed, and Ending where `orders` are given and say to leave.

        What only works on this machine's disk is not killed by an order: it is short, and keeps the work.
        """
        with (
            self._started(arguments, index, tree, settings, seconds) as process,
            orders.while_running(lambda: _kill(process)) if orders else nullcontext(),
        ):
            out, err = process.communicate(stdin, timeout=seconds)
        if process.returncode not in accept:
            raise _refused(arguments, process.returncode, err)
        return out

    def listing(self, *arguments: str, index: Path, tree: Path, seconds: float = LOCAL_S) -> tuple[bytes, bytes]:
        """(standard output, standard error) of a command that lists what lies in a work tree, however much that is.
        Raises GitFailed, TooMuch.
        """
        with self._started(arguments, index, tree, None, seconds) as process:
            out, err = _read_both(process, seconds)
        if process.returncode:
            raise _refused(arguments, process.returncode, err)
        return out, err

    def first_of(
        self, *arguments: str | bytes, most: int, seconds: float = LOCAL_S, accept: tuple[int, ...] = (0,)
    ) -> bytes:
        """At most the first `most` bytes of its standard output; it is ended there. Raises GitFailed."""
        with self._started(arguments, None, None, None, seconds) as process:
            until, out, err = time.monotonic() + seconds, bytearray(), bytearray()
            for pipe, data in _pieces(process, until):
                (out if pipe is process.stdout else err).extend(data)
                del err[:-LISTING_MOST_BYTES]
                if len(out) >= most:
                    return bytes(out[:most])
            process.wait(max(until - time.monotonic(), 1.0))
        if process.returncode not in accept:
            raise _refused(arguments, process.returncode, bytes(err))
        return bytes(out)

    @contextmanager
    def _started(
        self,
        arguments: Sequence[str | bytes],
        index: Path | None,
        tree: Path | None,
        settings: Mapping[str, str] | None,
        seconds: float,
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A git that has ended after this, one way or another. Raises GitFailed for its time-out."""
        process = subprocess.Popen(
            ["git", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tree or self.directory,
            env=self._environment(settings or {}, index, tree),
            start_new_session=True,
        )
        try:
            yield process
        except subprocess.TimeoutExpired as error:
            raise GitFailed(f"git {_verb(arguments)} did not end within {seconds:.0f} s") from error
        finally:
            if process.poll() is None:
                _kill(process)
                process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def line(self, *arguments: str | bytes, index: Path | None = None, tree: Path | None = None) -> str:
        return self.run(*arguments, index=index, tree=tree).decode("ascii").strip()

    def _environment(self, extra: Mapping[str, str], index: Path | None, tree: Path | None) -> dict[str, str]:
        settings = SETTINGS | ({"protocol.file.allow": "always"} if self.allow_file else {}) | dict(extra)
        environment = {name: self.machine[name] for name in FROM_MACHINE if name in self.machine}
        environment |= {
            "PATH": environment.get("PATH") or os.defpath,
            "LC_ALL": "C",
            "HOME": str(self.directory),
            "GIT_DIR": str(self.directory),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": "/dev/null",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (name, value) in enumerate(settings.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        if index:
            environment["GIT_INDEX_FILE"] = str(index)
        if tree:
            environment["GIT_WORK_TREE"] = str(tree)
        return environment


def _kill(process: subprocess.Popen[bytes]) -> None:
    """With its helpers: git-remote-https would hold the pipes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read_both(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bytes]:
    """What it prints until it ends. Raises TooMuch, TimeoutExpired."""
    until = time.monotonic() + seconds
    out, err = bytearray(), bytearray()
    for pipe, data in _pieces(process, until):
        (out if pipe is process.stdout else err).extend(data)
        del err[:-LISTING_MOST_BYTES]
        if len(out) > LISTING_MOST_BYTES:
            raise TooMuch(f"more than {LISTING_MOST_BYTES:,} bytes of names")
    process.wait(max(until - time.monotonic(), 1.0))
    return bytes(out), bytes(err)


def _pieces(process: subprocess.Popen[bytes], until: float) -> Iterator[tuple[object, bytes]]:
    """What comes from its two pipes, each piece with its pipe. Raises TimeoutExpired."""
    began = time.monotonic()
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(max(until - time.monotonic(), 0.0)):
                if data := os.read(key.fd, 1 << 16):
                    yield key.fileobj, data
                else:
                    selector.unregister(key.fileobj)
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(process.args, until - began)


def _refused(arguments: Sequence[str | bytes], code: int, err: bytes) -> GitFailed:
    said = err.decode("utf-8", "replace").strip()
    return GitFailed(f"git {_verb(arguments)} ended with {code}: {said[-600:]}")


def _verb(arguments: Sequence[str | bytes]) -> str:
    return os.fsdecode(arguments[0])


def read_blobs(git: Git, ids: Iterable[str]) -> dict[str, bytes]:
    """Blob id -> bytes, in one call."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    out = git.run("cat-file", "--batch", stdin="".join(f"{each}\n" for each in wanted).encode())
    return dict(_split_batch(out, wanted, lambda each: GitFailed(f"no blob {each}")))


def _split_batch(out: bytes, wanted: list[str], missing: Callable[[str], GitFailed]) -> Iterable[tuple[str, bytes]]:
    at = 0
    for each in wanted:
        end = out.index(b"\n", at)
        name, *rest = out[at:end].split()
        if len(rest) != 2:
            raise missing(each)
        size = int(rest[1])
        yield name.decode(), out[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
