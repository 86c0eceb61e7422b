"""What is done about each network call of a fenced command: made for it with copies, or refused with an errno.

The answers are those of a network namespace that has a loopback and nothing else: nobody there (ECONNREFUSED), no way
there (ENETUNREACH), no such address of ours (EADDRNOTAVAIL).
"""

from __future__ import annotations

import array
import ctypes
import errno
import os
import stat
import struct

from runner_image.sandbox import addresses
from runner_image.sandbox.addresses import AF_UNIX, AF_UNSPEC
from runner_image.sandbox.caller import Caller, Socket
from runner_image.sandbox.kernel import checked, libc

DONTWAIT, NOSIGNAL, FASTOPEN = 0x40, 0x4000, 0x20000000
SOL_SOCKET, SCM_RIGHTS, SOL_UDP = 1, 1, 17
MOST_BYTES, MOST_PARTS, MOST_CONTROL = 1 << 20, 1024, 1 << 14
MESSAGE = struct.Struct("=QIxxxxQQQQixxxx")  # msghdr: name, iov, control, each with its length; flags
PART = struct.Struct("=QQ")
CONTROL = struct.Struct("=Qii")
BATCH = 64  # a mmsghdr: a msghdr, the bytes sent, padding


class Call:
    """A call that may be made: `make(wait)` returns its value. Raises OSError; BlockingIOError where it would wait."""

    waits = False

    def make(self, wait: bool) -> int:
        raise NotImplementedError


class Done(Call):
    def make(self, wait: bool) -> int:
        del wait
        return 0


class Connect(Call):
    def __init__(self, socket: Socket, address: bytes) -> None:
        self.socket, self.address = socket, address
        self.waits = socket.waits and socket.kind == "stream"

    def make(self, wait: bool) -> int:
        if self.waits and not wait:
            raise BlockingIOError(errno.EAGAIN, "")
        return checked(libc.connect(self.socket.fd, self.address, len(self.address)))


class Message(Call):
    def __init__(self, socket: Socket, data: bytes, address: bytes, flags: int, control: bytes = b"") -> None:
        if flags & FASTOPEN:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        self.socket, self.data, self.address, self.control = socket, data, address, control
        self.flags = flags | NOSIGNAL
        self.waits = socket.waits and not flags & DONTWAIT

    def make(self, wait: bool) -> int:
        data, name, control = (
            ctypes.create_string_buffer(each, len(each)) for each in (self.data, self.address, self.control)
        )
        part = ctypes.create_string_buffer(PART.pack(ctypes.addressof(data), len(self.data)), PART.size)
        header = MESSAGE.pack(
            ctypes.addressof(name) if self.address else 0,
            len(self.address),
            ctypes.addressof(part),
            1,
            ctypes.addressof(control) if self.control else 0,
            len(self.control),
            0,
        )
        return checked(libc.sendmsg(self.socket.fd, header, self.flags | (0 if wait else DONTWAIT)))


class Batch(Call):
    """sendmmsg: as many as go; the number of them is the value, the first one's error where none went."""

    def __init__(self, caller: Caller, pointer: int, messages: list[Message]) -> None:
        self.caller, self.pointer, self.messages = caller, pointer, messages
        self.waits = any(each.waits for each in messages)
        self.sent = 0

    def make(self, wait: bool) -> int:
        while self.sent < len(self.messages):
            try:
                count = self.messages[self.sent].make(wait)
            except OSError as error:
                would_wait = isinstance(error, BlockingIOError) and self.waits and not wait
                if would_wait or self.sent == 0:
                    raise
                break
            self.caller.write(self.pointer + self.sent * BATCH + MESSAGE.size, struct.pack("=I", count))
            self.sent += 1
        return self.sent


class Judge:
    """One for a command. `names` are the abstract names (unix(7)) that it has bound itself."""

    def __init__(self, uid: int) -> None:
        self._uid = uid
        self._names: set[bytes] = set()

    def judge(self, caller: Caller, call: str, arguments: list[int]) -> Call:
        """Raises OSError with the answer where the call is refused, or cannot be looked at."""
        socket = Socket(caller, arguments[0])
        if socket.domain not in (addresses.AF_INET, addresses.AF_INET6, AF_UNIX):
            raise refusal(errno.EACCES)
        match call:
            case "connect":
                return Connect(socket, self._target(caller, socket, caller.address(*arguments[1:3])))
            case "bind":
                return self._bind(caller, socket, caller.address(*arguments[1:3]))
            case "listen":
                if socket.is_inet:
                    socket.bind_if_unbound()
                checked(libc.listen(socket.fd, ctypes.c_int(arguments[1] & 0xFFFFFFFF)))
                return Done()
            case "sendto":
                data = self._data(caller, socket, [(arguments[1], arguments[2])])
                address = self._target(caller, socket, caller.address(*arguments[4:6]), sends=True)
                return Message(socket, data, address, arguments[3] & 0xFFFFFFFF)
            case "sendmsg":
                return self._message(caller, socket, arguments[1], arguments[2])
            case "sendmmsg":
                count = min(arguments[2] & 0xFFFFFFFF, MOST_PARTS)
                pointers = [arguments[1] + index * BATCH for index in range(count)]
                messages = [self._message(caller, socket, pointer, arguments[3]) for pointer in pointers]
                return Batch(caller, arguments[1], messages)
            case _:
                raise refusal(errno.ENOSYS)

    # --- where to ---------------------------------------------------------------------------------------

    def _target(self, caller: Caller, socket: Socket, address: bytes, *, sends: bool = False) -> bytes:
        family = addresses.family_of(address)
        if socket.domain == AF_UNIX:
            return self._unix_target(caller, address) if family == AF_UNIX else address
        if family == AF_UNSPEC and not sends:
            return address  # takes a connection back
        wish = addresses.read_inet(address)
        if wish is None:
            raise refusal(errno.EINVAL if family in (addresses.AF_INET, addresses.AF_INET6) else errno.EAFNOSUPPORT)
        if not (wish.is_loopback or wish.is_any):
            raise refusal(errno.ENETUNREACH)
        if socket.kind == "datagram":
            socket.bind_if_unbound()
        reached = addresses.to_reach(wish, socket.kind, self._uid, only6=socket.only6)
        if reached is None:
            raise refusal(errno.ECONNREFUSED)
        return reached.packed()

    def _unix_target(self, caller: Caller, address: bytes) -> bytes:
        """A name as this very file, opened once and known to be ours; an abstract name only if it was bound here."""
        name = address[2:]
        if name[:1] == b"\0":
            if name not in self._names:
                raise refusal(errno.ECONNREFUSED)
            return address
        path = name.split(b"\0", 1)[0]
        base = b"" if path.startswith(b"/") else b"/proc/%d/cwd/" % caller.tid
        file = caller.keep(os.open(base + path, os.O_PATH | os.O_CLOEXEC))
        found = os.fstat(file)
        if not stat.S_ISSOCK(found.st_mode):
            raise refusal(errno.ECONNREFUSED)
        if found.st_uid != self._uid:
            raise refusal(errno.EACCES)
        return address[:2] + b"/proc/self/fd/%d\0" % file

    # --- what to bind -----------------------------------------------------------------------------------

    def _bind(self, caller: Caller, socket: Socket, address: bytes) -> Call:
        if socket.is_inet:
            wish = addresses.read_inet(address)
            if wish is None or wish.family != socket.domain:
                raise refusal(errno.EAFNOSUPPORT)
            place = addresses.to_bind(wish, only6=socket.only6)
            if place is None:
                raise refusal(errno.EADDRNOTAVAIL)
            socket.bind(place.packed())
            return Done()
        if addresses.family_of(address) != AF_UNIX:
            raise refusal(errno.EINVAL)
        if len(address) == 2 or address[2:3] == b"\0":
            socket.bind(address)
            self._names.add(socket.name()[2:])
            return Done()
        # The name stays as it was given, since the socket tells it to whoever asks; a relative one is the caller's.
        os.umask(int(caller.status(b"Umask:"), 8))
        os.fchdir(caller.keep(os.open(f"/proc/{caller.tid}/cwd", os.O_PATH | os.O_CLOEXEC)))
        socket.bind(address)
        return Done()

    # --- what to send -----------------------------------------------------------------------------------

    def _message(self, caller: Caller, socket: Socket, pointer: int, flags: int) -> Message:
        header = caller.read(pointer, MESSAGE.size)
        name, name_length, parts, part_count, control, control_length, _ = MESSAGE.unpack(header)
        if part_count > MOST_PARTS or control_length > MOST_CONTROL:
            raise refusal(errno.EMSGSIZE)
        address = caller.address(name, name_length) if name and name_length else b""
        if address:
            address = self._target(caller, socket, address, sends=True)
        data = self._data(caller, socket, list(PART.iter_unpack(caller.read(parts, part_count * PART.size))))
        given = self._control(caller, socket, caller.read(control, control_length)) if control else b""
        return Message(socket, data, address, flags & 0xFFFFFFFF, given)

    def _data(self, caller: Caller, socket: Socket, parts: list[tuple[int, int]]) -> bytes:
        """A stream may be given the beginning only: its writer goes on with the rest."""
        data, room = [], MOST_BYTES
        for pointer, length in parts:
            if length > room and socket.kind != "stream":
                raise refusal(errno.EMSGSIZE)
            data.append(caller.read(pointer, min(length, room)))
            room -= len(data[-1])
        return b"".join(data)

    def _control(self, caller: Caller, socket: Socket, control: bytes) -> bytes:
        """Descriptors that are passed on are copied; what could lead a packet elsewhere is refused."""
        made, at = b"", 0
        while at + CONTROL.size <= len(control):
            length, level, kind = CONTROL.unpack_from(control, at)
            if not CONTROL.size <= length <= len(control) - at:
                raise refusal(errno.EINVAL)
            body = control[at + CONTROL.size : at + length]
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS) and socket.domain == AF_UNIX:
                passed = array.array("i", body[: len(body) // 4 * 4])
                body = array.array("i", [caller.copy(each) for each in passed]).tobytes()
            elif level != SOL_UDP:
                raise refusal(errno.EPERM)
            made += CONTROL.pack(CONTROL.size + len(body), level, kind) + body + bytes(-len(body) % 8)
            at += length + -length % 8
        return made


def refusal(number: int) -> OSError:
    return OSError(number, os.strerror(number))
