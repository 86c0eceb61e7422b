"""Secrets of a whole product, noted as they come into being, and every place where none of them may be.

The private key, the webhook's secret, our own keys, each ticket, session token, App token and installation token; and
keys of model providers, which the host's environment holds here. An `Authorization` header is where a token belongs, so
headers are not searched; bodies are.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from local.github.state import SECRETS
from local.home import DATABASE
from local.keyring import AppFile, Keyring
from shared.domain import tickets
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.ports import Request
from tests.canaries import Canaries

PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "RECALL_API_KEY")
TRUSTED = ("keys", "github")
"""Directories of the host's home that hold secrets by their nature: our keyring, and the simulator (which is GitHub)."""

TOKEN = re.compile(rb"gh[a-z]_[A-Za-z0-9]{20,}|\b[st]1\.[\w-]{8,}\.[\w-]{20,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}")
"""Our tickets and session tokens, whose values died with their processes; and GitHub's tokens of any kind, an App's JWT."""

MOST_BYTES = 30_000_000
"""Of one file: more than any blob has. A hostile tree's sparse file would fill the memory."""


class SecretWatch:
    """What is looked for, and what was said that no file keeps."""

    def __init__(self) -> None:
        self.canaries = Canaries()
        self.sessions: list[str] = []
        """Whole session tokens, as runners got them, for whoever plays a thief."""
        self.requests: list[bytes] = []
        """What models were asked."""
        self.sent: list[tuple[str, bytes]] = []
        """Bodies that GitHub was sent, with method and path."""

    def know_app(self, home: Path, app: AppFile) -> None:
        self.canaries.add_pem("the private key", app.private_key)
        self.canaries.add("the webhook's secret", app.webhook_secret)
        for name in ("ticket", "marker", "blobs"):
            self.canaries.add(f"the {name} key", Keyring(home).key(name))

    def heard(self, request: Request) -> None:
        self.requests.append(json.dumps([request.system, request.tools, request.turns], default=str).encode())

    def know_kept(self, home: Path) -> None:
        """What a world that has ended keeps on its keyring, and the tokens that its simulator gave or was shown."""
        app = Keyring(home).app()
        self.know_app(home, app)
        for login, token in app.people.items():
            self.canaries.add(f"the token of {login}", token)
        for file in home.glob(f"github/*/{SECRETS}"):
            for line in file.read_text("ascii").splitlines():
                name, _, token = line.partition("\t")
                self.canaries.add(name, token.rpartition(".")[2])

    def leaks(self, home: Path) -> list[str]:
        """Every secret that is somewhere it must not be, and where."""
        return self.canaries.search(self.places(home))

    def places(self, home: Path) -> Iterator[tuple[str, bytes]]:
        yield from self.sent
        yield from (("a model's request", request) for request in list(self.requests))
        yield from _rows(home / DATABASE)
        yield from _files(home)


def leaks_of_kept(root: Path) -> list[str]:
    """Of trials whose processes are gone: the secrets of every keyring and simulator beneath `root`, in any form, and
    whatever looks like a token.

    Searched is all that lies there (tables, blobs, logs, directories of tasks, pages) but what is trusted.
    """
    homes = [path.parent.parent for path in root.rglob("keys/app.json")]
    assert homes, f"nothing was kept in {root}"
    found = []
    for home in homes:
        watch = SecretWatch()
        watch.know_kept(home)
        places = [*watch.places(home), *(each for pages in root.rglob("pages") for each in _files(pages))]
        found += watch.canaries.search(places)
        found += [f"{match[0][:8]!r}… in {where}" for where, data in places if (match := TOKEN.search(data))]
    return found


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    """What lies there now. A runner may be clearing its directory away, however deep a hostile tree made it."""
    for directory, names, files in os.walk(home):
        if Path(directory) == home:
            names[:] = [name for name in names if name not in TRUSTED]
        for name in files:
            path = Path(directory, name)
            with suppress(OSError):
                if not name.startswith(DATABASE) and path.is_file() and not path.is_symlink():
                    with path.open("rb") as file:
                        yield path.relative_to(home).as_posix(), file.read(MOST_BYTES)


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every value of every table; the file itself would cut them into pages."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in database.execute(f'select * from "{table}"'):
                for value in row:
                    if isinstance(value, str | bytes):
                        yield f"table {table}", value.encode() if isinstance(value, str) else value


@contextmanager
def watching() -> Iterator[SecretWatch]:
    """Notes what is made in this process from here on: begin it before anything starts."""
    watch = SecretWatch()
    provider = {name: f"sk-{secrets.token_urlsafe(40)}" for name in PROVIDER_KEYS}
    for name, value in provider.items():
        watch.canaries.add(name, value)
    sign, mint, jwt, send = tickets._sign, AppTokens._mint, AppTokens.app_jwt, Wire.send

    def signed(*arguments: Any) -> str:
        made = sign(*arguments)
        # Kind and payload are no secret: the id of the job stands in many places.
        watch.canaries.add("a ticket" if made.startswith("t1.") else "a session token", made.rpartition(".")[2])
        if made.startswith("s1."):
            watch.sessions.append(made)
        return made

    def minted(self: AppTokens, *arguments: Any) -> Any:
        token = mint(self, *arguments)
        watch.canaries.add("an installation's token", token.value.rpartition(".")[2])
        return token

    def proved(self: AppTokens) -> str:
        made = jwt(self)
        watch.canaries.add("an App token", made.rpartition(".")[2])
        return made

    def sent(self: Wire, method: str, path: str, bearer: str, **more: Any) -> Any:
        watch.sent.append((f"{method} {path}", json.dumps([path, more], default=str).encode()))
        return send(self, method, path, bearer, **more)

    with (
        mock.patch.dict(os.environ, provider),
        mock.patch.object(tickets, "_sign", signed),
        mock.patch.object(AppTokens, "_mint", minted),
        mock.patch.object(AppTokens, "app_jwt", proved),
        mock.patch.object(Wire, "send", sent),
    ):
        yield watch
