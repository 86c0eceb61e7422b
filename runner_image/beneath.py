"""Files of the workspace, reached so that no link leads out of it.

Linux decides it in the kernel (openat2 with RESOLVE_BENEATH: links inside are followed, links out are refused, with no
moment in between). Elsewhere every step of the path is opened by itself and no link is followed at all.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from shared.domain.protocol import Change

SYS_OPENAT2 = 437  # the same on every architecture (Linux 5.6, openat2(2))
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH = 0x01, 0x02, 0x08
FLAGS = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK


class Outside(Exception):
    """The path leads out of the workspace, or into its `.git`; the text says how."""


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def parts_of(path: bytes) -> list[bytes]:
    """The steps of a relative path. Raises Outside for what no file of a repository may be called."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if path.startswith(b"/") or b".." in parts or b"\0" in path:
        raise Outside(f"{os.fsdecode(path)!r} is not a path inside the workspace")
    return parts


class Beneath:
    """The files beneath `root`. Paths are relative, as bytes. What is written belongs to the owner of `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, path: bytes, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        """A descriptor. Raises Outside, and OSError as open does. Never blocks (pipes, devices)."""
        parts = parts_of(path)
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            made = _openat2(root, b"/".join(parts) or b".", flags | FLAGS, mode)
            return _open_by_steps(root, parts, flags | FLAGS, mode) if made is None else made
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.ELOOP):
                raise Outside(f"{os.fsdecode(path)!r} is, or lies behind, a link that I do not follow") from error
            raise
        finally:
            os.close(root)

    def read(self, path: bytes, at_most: int) -> bytes:
        """A regular file's first `at_most` bytes. Raises Outside, OSError."""
        with os.fdopen(self._open_file(path, os.O_RDONLY), "rb") as file:
            return file.read(at_most)

    def status(self, path: bytes) -> os.stat_result:
        """Of the path itself, a link not followed. Raises Outside, OSError."""
        with self._parent(path) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def names(self, path: bytes) -> list[tuple[bytes, bool]]:
        """What lies in a directory: (name, is a directory). Raises Outside, OSError."""
        descriptor = self.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as found:
                return sorted((os.fsencode(each.name), each.is_dir(follow_symlinks=False)) for each in found)
        finally:
            os.close(descriptor)

    def write(self, path: bytes, data: bytes) -> None:
        """In place, so that mode and links inside stay; missing directories are made. Raises Outside, OSError."""
        self._make_directories(path)
        with os.fdopen(self._open_file(path, os.O_WRONLY | os.O_CREAT), "wb") as file:
            file.truncate(0)
            file.write(data)
            self._own(file.fileno())

    def put(self, path: bytes, mode: str, data: bytes) -> None:
        """Makes `path` exactly this (a git mode), whatever stood there or stood in the way. Raises Outside, OSError."""
        self.remove(path)
        self._clear_way(path)
        self._make_directories(path)
        with self._parent(path) as (directory, name):
            if mode == "120000":
                os.symlink(data, name, dir_fd=directory)
                self._own_link(directory, name)
                return
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(name, flags, 0o600, dir_fd=directory), "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), 0o755 if mode == "100755" else 0o644)
                self._own(file.fileno())

    def remove(self, path: bytes) -> None:
        """The path and all beneath it; a link itself, never its target. Nothing there: nothing done."""
        try:
            with self._parent(path) as (directory, name):
                _remove(directory, name)
        except (FileNotFoundError, NotADirectoryError, Outside):
            parts_of(path)  # a path that is no path is still refused

    def _open_file(self, path: bytes, flags: int) -> int:
        descriptor = self.open(path, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(errno.EISDIR, "not a regular file", os.fsdecode(path))
        return descriptor

    # --- steps ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _parent(self, path: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202
        *way, name = parts_of(path) or [b"."]
        descriptor = self.open(b"/".join(way), os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield descriptor, name
        finally:
            os.close(descriptor)

    def _clear_way(self, path: bytes) -> None:
        """A file or link where a directory must be goes."""
        way = b""
        for part in parts_of(path)[:-1]:
            way = way + b"/" + part if way else part
            try:
                status = self.status(way)
            except FileNotFoundError:
                return
            if not stat.S_ISDIR(status.st_mode):
                self.remove(way)
                return

    def _make_directories(self, path: bytes) -> None:
        way = b""
        for part in parts_of(path)[:-1]:
            with contextlib.suppress(FileExistsError), self._parent(way + b"/" + part if way else part) as (at, name):
                os.mkdir(name, 0o755, dir_fd=at)
                self._own_link(at, name)
            way = way + b"/" + part if way else part

    def _own(self, descriptor: int) -> None:
        if os.geteuid() == 0:
            owner = self._root.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _own_link(self, directory: int, name: bytes) -> None:
        if os.geteuid() == 0:
            owner = self._root.stat()
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=directory, follow_symlinks=False)


def lay(root: Path, changes: Iterable[Change]) -> None:
    """Makes each path beneath `root` what the change says, deletions first. Raises Outside, OSError."""
    beneath = Beneath(root)
    for change in sorted(changes, key=lambda change: change.mode is not None):
        if change.mode is None:
            beneath.remove(change.path)
        else:
            beneath.put(change.path, change.mode, change.data)


def _openat2(root: int, path: bytes, flags: int, mode: int) -> int | None:
    """None where there is no such call (not Linux, before 5.6, or refused by a filter)."""
    if sys.platform != "linux":
        return None
    how = _OpenHow(flags, mode if flags & os.O_CREAT else 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
    libc = ctypes.CDLL(None, use_errno=True)
    made = libc.syscall(SYS_OPENAT2, root, ctypes.c_char_p(path), ctypes.byref(how), ctypes.sizeof(how))
    if made >= 0:
        return int(made)
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EPERM):
        return None
    raise OSError(number, os.strerror(number), os.fsdecode(path))


def _open_by_steps(root: int, parts: list[bytes], flags: int, mode: int) -> int:
    at = os.dup(root)
    try:
        for part in parts[:-1]:
            deeper = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = deeper
        return os.open(parts[-1] if parts else b".", flags | os.O_NOFOLLOW, mode, dir_fd=at)
    except NotADirectoryError as error:
        # O_DIRECTORY | O_NOFOLLOW says ENOTDIR of a link.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
    finally:
        os.close(at)


def _remove(directory: int, name: bytes) -> None:
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fchmod(inner, 0o700)
        for each in os.listdir(inner):
            _remove(inner, os.fsencode(each))
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=directory)
