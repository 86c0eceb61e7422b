"""The secrets of a local world: files of 32 random bytes, readable by their owner alone."""

from __future__ import annotations

import json
import os
import secrets
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shared.errors import NotConfigured

KEY_BYTES = 32


def make_directory(path: Path, mode: int = 0o777) -> Path:
    """The directory, made where it is missing. Raises NotConfigured where a file is in its way."""
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotConfigured(
            f"{path} cannot be a directory: a file is in its way",
            "name another place: PERSEVERE_HOME, or --home of a demo",
        ) from error
    return path


def private_directory(path: Path) -> Path:
    """The directory, made or mended so that nobody else looks into it. Raises NotConfigured as `make_directory`, and for one
    that all share, such as /tmp: closed, it would be of no use to the others.
    """
    mode = make_directory(path, 0o700).stat().st_mode
    if mode & stat.S_ISVTX:
        raise NotConfigured(
            f"{path} is shared by all on this machine", f"take a directory of its own, such as {path}/persevere"
        )
    if mode & 0o077:
        path.chmod(0o700)
    return path


def write_private(path: Path, data: bytes) -> None:
    """A whole file with mode 0600, or none."""
    private_directory(path.parent)
    handle, unfinished = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # 0600 from its birth
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(unfinished).replace(path)


@dataclass(frozen=True)
class AppFile:
    """The GitHub App of this world. `people` are personal tokens of a simulator's accounts, by login; empty elsewhere.

    `owner` is the account that it belongs to, `page` its page on GitHub, `github_url` the GitHub that knows it ("" where
    nobody wrote that down). `asked` are the permissions that it was made with.
    """

    id: int
    slug: str
    webhook_secret: str
    private_key: str
    people: dict[str, str] = field(default_factory=dict)
    owner: str = ""
    owner_type: str = "User"
    page: str = ""
    github_url: str = ""
    asked: dict[str, str] = field(default_factory=dict)

    @property
    def installation_page(self) -> str:
        """Where a person installs it, or adds a repository."""
        return f"{self.page}/installations/new"

    def __repr__(self) -> str:
        return f"AppFile(id={self.id}, slug={self.slug!r})"


class Keyring:
    """`<home>/keys`: ticket, marker and blob keys, made when first asked for; the App as `save_app` wrote it."""

    def __init__(self, home: Path) -> None:
        private_directory(home)
        self._directory = private_directory(home / "keys")

    def key(self, name: str) -> bytes:
        """The key of that name. Two processes that ask at once get the same one."""
        path = self._directory / name
        if not path.exists():
            fresh = self._directory / f".{name}-{secrets.token_hex(8)}"
            write_private(fresh, secrets.token_bytes(KEY_BYTES))
            try:
                os.link(fresh, path)  # fails where somebody was faster, and then theirs counts
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        data = path.read_bytes()
        if len(data) < KEY_BYTES:
            raise NotConfigured(
                f"the key {name} in {self._directory} is damaged", "remove that file; a new one is made"
            )
        return data

    @property
    def app_path(self) -> Path:
        return self._directory / "app.json"

    def has_app(self) -> bool:
        return self.app_path.exists()

    def save_app(self, app: AppFile) -> None:
        """Remember the App, readable by its owner alone. The file of another one that was here is kept beside it, also
        where it is damaged: it takes the place of nothing that might still be wanted.
        """
        if self.has_app():
            try:
                before = self.app()
                name, same = str(before.id), before.private_key == app.private_key
            except NotConfigured:
                name, same = "damaged", False
            if not same:
                write_private(self._directory / f"app-{name}.json", self.app_path.read_bytes())
        write_private(self.app_path, json.dumps(asdict(app)).encode())

    def app(self) -> AppFile:
        """Raises NotConfigured where there is none."""
        try:
            return AppFile(**json.loads(self.app_path.read_bytes()))
        except FileNotFoundError as error:
            raise NotConfigured(
                f"there is no GitHub App in {self._directory}",
                "`persevere init --local` makes one; `persevere demo` needs none",
            ) from error
        except (ValueError, TypeError) as error:
            raise NotConfigured(
                f"the App's file in {self._directory} is damaged",
                "`persevere init --local --again` makes another App and keeps that file beside it",
            ) from error
