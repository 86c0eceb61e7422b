"""Files of the workspace, reached so that no link leads out of it.

Every step of a path is opened by itself and no link is followed. Where one lies on the way, Linux decides in the kernel
(openat2 with RESOLVE_BENEATH: links inside are followed, links out are refused, with no moment in between); elsewhere it
is refused.

This file is also sent, as it stands, to the interpreter inside the sandbox (`tools/files.py`) at each call: the standard
library alone, nothing that Python 3.9 does not have, and no import that costs milliseconds (contextlib; ctypes but for a
link).
"""

from __future__ import annotations

import errno
import os
import stat
import sys

SYS_OPENAT2 = 437  # the same on every architecture (Linux 5.6, openat2(2))
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH = 0x01, 0x02, 0x08
FLAGS = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
HALF = (b".persevere-", b".new")


class Outside(Exception):
    """The path leads out of the workspace, or into its `.git`; the text says how."""


class Changed(Exception):
    """The file is not the one that was read before; nothing was written."""


def parts_of(path: bytes) -> list[bytes]:
    """The steps of a relative path. Raises Outside for what no file of a repository may be called."""
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    if path.startswith(b"/") or b".." in parts or b"\0" in path:
        raise Outside(f"{os.fsdecode(path)!r} is not a path inside the workspace")
    return parts


def is_half_written(path: bytes) -> bool:
    """Whether it is what a write leaves beside its file when it is killed in the middle."""
    name = path.rpartition(b"/")[2]
    return name.startswith(HALF[0]) and name.endswith(HALF[1]) and len(name) == len(HALF[0]) + 16 + len(HALF[1])


class _Parent:
    """An open directory and the name of what lies, or is to lie, in it; closed at the end of its `with`."""

    def __init__(self, descriptor: int, name: bytes) -> None:
        self.descriptor = descriptor
        self.name = name

    def __enter__(self) -> tuple[int, bytes]:
        return self.descriptor, self.name

    def __exit__(self, *why: object) -> None:
        os.close(self.descriptor)


class Beneath:
    """The files beneath `root`. Paths are relative, as bytes. What is written belongs to the owner of `root`."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = root

    def open(self, path: bytes, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
        """A descriptor. Raises Outside, and OSError as open does. Never blocks (pipes, devices)."""
        parts = parts_of(path)
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                return _open_by_steps(root, parts, flags | FLAGS, mode)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                made = _openat2(root, b"/".join(parts) or b".", flags | FLAGS, mode)
                if made is None:
                    raise
                return made
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

    def write(self, path: bytes, data: bytes, was: bytes | None = None) -> None:
        """The whole file or nothing of it; its mode and links inside stay, missing directories are made.

        `was` is what must stand there now. Raises Outside, Changed, OSError.
        """
        self._make_directories(path)
        try:
            descriptor = self._open_file(path, os.O_WRONLY if was is None else os.O_RDWR)
        except FileNotFoundError:
            if was is not None:
                raise
            descriptor = -1
        if descriptor < 0 and self._is_link(path):  # to a file that is not there yet
            descriptor = self._open_file(path, os.O_WRONLY | os.O_CREAT)
        if descriptor < 0:
            with self._parent(path) as (directory, name):
                self._replace(directory, name, data, None)
            return
        with os.fdopen(descriptor, "wb" if was is None else "r+b") as file:
            if was is not None and file.read() != was:
                raise Changed
            with self._place_of(file.fileno(), path) as (directory, name):
                try:
                    self._replace(directory, name, data, stat.S_IMODE(os.fstat(file.fileno()).st_mode))
                except PermissionError:  # a directory that takes no new file
                    file.seek(0)
                    file.truncate(0)
                    file.write(data)

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

    def _is_link(self, path: bytes) -> bool:
        try:
            return stat.S_ISLNK(self.status(path).st_mode)
        except FileNotFoundError:
            return False

    def _replace(self, directory: int, name: bytes, data: bytes, mode: int | None) -> None:
        """A new file in the old one's place at one moment."""
        fresh = HALF[0] + os.urandom(8).hex().encode() + HALF[1]
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(fresh, flags, 0o666, dir_fd=directory), "wb") as file:
                file.write(data)
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                self._own(file.fileno())
            os.rename(fresh, name, src_dir_fd=directory, dst_dir_fd=directory)
        except BaseException:
            try:  # noqa: SIM105 - contextlib costs an import at each call
                os.unlink(fresh, dir_fd=directory)
            except OSError:
                pass  # it is there no more, or was never made
            raise

    def _place_of(self, descriptor: int, path: bytes) -> _Parent:
        """(directory, name) where an open file really lies, links on the way to it followed. Raises Outside."""
        inside = path
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            top, real = (os.readlink(b"/proc/self/fd/%d" % each) for each in (root, descriptor))  # noqa: PTH115
            if real.startswith(top.rstrip(b"/") + b"/"):
                inside = real[len(top.rstrip(b"/")) + 1 :]
        except OSError:
            pass  # no /proc: then no link was followed on the way either, or the comparison below says so
        finally:
            os.close(root)
        parent = self._parent(inside)
        try:
            there = os.stat(parent.name, dir_fd=parent.descriptor, follow_symlinks=False)
            if not os.path.samestat(there, os.fstat(descriptor)):
                raise Outside(f"{os.fsdecode(path)!r} was moved, or lies behind a link that I do not follow")
        except BaseException:
            os.close(parent.descriptor)
            raise
        return parent

    # --- steps ------------------------------------------------------------------------------------------

    def _parent(self, path: bytes) -> _Parent:
        *way, name = parts_of(path) or [b"."]
        return _Parent(self.open(b"/".join(way), os.O_RDONLY | os.O_DIRECTORY), name)

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
            way = way + b"/" + part if way else part
            with self._parent(way) as (at, name):
                try:
                    os.mkdir(name, 0o755, dir_fd=at)
                except FileExistsError:
                    continue
                self._own_link(at, name)

    def _own(self, descriptor: int) -> None:
        if os.geteuid() == 0:
            owner = os.stat(self._root)  # noqa: PTH116
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _own_link(self, directory: int, name: bytes) -> None:
        if os.geteuid() == 0:
            owner = os.stat(self._root)  # noqa: PTH116
            os.chown(name, owner.st_uid, owner.st_gid, dir_fd=directory, follow_symlinks=False)


def _openat2(root: int, path: bytes, flags: int, mode: int) -> int | None:
    """None where there is no such call (not Linux, before 5.6, or refused by a filter)."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # an interpreter may have been built without it
    except ImportError:
        return None
    resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
    how = (ctypes.c_uint64 * 3)(flags, mode if flags & os.O_CREAT else 0, resolve)  # struct open_how
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
    """However deep it is: what lies two levels down is moved up one, so that two descriptors are enough."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=directory)
        return
    top = _open_to_empty(directory, name)
    try:
        while names := os.listdir(top):
            for each in names:
                _flatten(top, os.fsencode(each))
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=directory)


def _flatten(top: int, name: bytes) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    inner = _open_to_empty(top, name)
    try:
        for each in os.listdir(inner):
            if stat.S_ISDIR(os.stat(each, dir_fd=inner, follow_symlinks=False).st_mode):
                os.rename(each, b".persevere-" + os.urandom(16).hex().encode(), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(each, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _open_to_empty(directory: int, name: bytes) -> int:
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    os.fchmod(inner, 0o700)
    return inner
