"""The thread that asks the supervisor, and copies of its sockets: taken by value, so that nothing it does later counts."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os

from runner_image.sandbox import addresses, kernel
from runner_image.sandbox.addresses import AF_INET, AF_INET6
from runner_image.sandbox.kernel import checked, libc

SOL_SOCKET, SO_TYPE, SO_DOMAIN = 1, 3, 39
IPPROTO_IPV6, IPV6_V6ONLY = 41, 26
SOCK_STREAM = 1
LONGEST_ADDRESS = 128


class Caller:
    """Raises OSError where it is gone, or keeps itself from being looked into (PR_SET_DUMPABLE)."""

    def __init__(self, tid: int) -> None:
        self.tid = tid
        self.opened: list[int] = []
        try:
            pidfd = kernel.pidfd_open(tid)
        except OSError:  # descriptors belong to the process, which only its first thread's number opens
            pidfd = kernel.pidfd_open(int(self.status(b"Tgid:")))
        self.pidfd = self.keep(pidfd)

    def keep(self, descriptor: int) -> int:
        self.opened.append(descriptor)
        return descriptor

    def close(self) -> None:
        while self.opened:
            os.close(self.opened.pop())

    def status(self, field: bytes) -> bytes:
        with open(f"/proc/{self.tid}/status", "rb") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith(field):
                    return line.split()[1]
        raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))

    def copy(self, descriptor: int) -> int:
        return self.keep(kernel.pidfd_getfd(self.pidfd, descriptor))

    def read(self, pointer: int, length: int) -> bytes:
        return kernel.read_memory(self.tid, pointer, length)

    def write(self, pointer: int, data: bytes) -> None:
        kernel.write_memory(self.tid, pointer, data)

    def address(self, pointer: int, length: int) -> bytes:
        size = ctypes.c_int(length & 0xFFFFFFFF).value
        if not 0 <= size <= LONGEST_ADDRESS:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return self.read(pointer, size)


class Socket:
    """A copy of the caller's descriptor `number`, and what the kernel says of it."""

    def __init__(self, caller: Caller, number: int) -> None:
        self.fd = caller.copy(ctypes.c_int(number & 0xFFFFFFFF).value)
        self.domain = self.option(SOL_SOCKET, SO_DOMAIN)
        self.type = self.option(SOL_SOCKET, SO_TYPE)

    def option(self, level: int, name: int) -> int:
        value, size = ctypes.c_int(), ctypes.c_uint(4)
        checked(libc.getsockopt(self.fd, level, name, ctypes.byref(value), ctypes.byref(size)))
        return value.value

    @property
    def kind(self) -> str:
        return "stream" if self.type == SOCK_STREAM else "datagram"

    @property
    def is_inet(self) -> bool:
        return self.domain in (AF_INET, AF_INET6)

    @property
    def only6(self) -> bool:
        return self.domain == AF_INET6 and bool(self.option(IPPROTO_IPV6, IPV6_V6ONLY))

    @property
    def waits(self) -> bool:
        return not fcntl.fcntl(self.fd, fcntl.F_GETFL) & os.O_NONBLOCK

    def name(self) -> bytes:
        buffer, size = ctypes.create_string_buffer(LONGEST_ADDRESS), ctypes.c_uint(LONGEST_ADDRESS)
        checked(libc.getsockname(self.fd, buffer, ctypes.byref(size)))
        return buffer.raw[: size.value]

    def bind(self, address: bytes) -> None:
        checked(libc.bind(self.fd, address, len(address)))

    def bind_if_unbound(self) -> None:
        """The kernel would choose every address for a socket that listens or sends before it was bound."""
        own = addresses.read_inet(self.name())
        if own and own.port == 0 and (place := addresses.to_bind(own, only6=self.only6)):
            self.bind(place.packed())
