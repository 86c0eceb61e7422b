"""Which address a fenced command means, and whether it may: loopback, and there only what the same user has bound.

Pure but for the kernel's tables of sockets. An address is the bytes of a `sockaddr`, as the command gave them.
"""

from __future__ import annotations

import struct
import sys

AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 0, 1, 2, 10
MAPPED = b"\0" * 10 + b"\xff\xff"
ANY4, LOOPBACK4 = bytes(4), b"\x7f\0\0\1"
ANY6, LOOPBACK6 = bytes(16), b"\0" * 15 + b"\1"
LISTENING = b"0A"
TABLES = {"stream": ("/proc/net/tcp", "/proc/net/tcp6"), "datagram": ("/proc/net/udp", "/proc/net/udp6")}


class Inet:
    """An IPv4 or IPv6 address with its port; `host` is 4 or 16 bytes. A mapped one (`::ffff:…`) stays IPv6."""

    def __init__(self, family: int, host: bytes, port: int) -> None:
        self.family, self.host, self.port = family, host, port

    @property
    def plain(self) -> bytes:
        """The IPv4 host within a mapped one, else the host."""
        return self.host[12:] if self.host.startswith(MAPPED) and self.family == AF_INET6 else self.host

    @property
    def is_any(self) -> bool:
        return self.plain in (ANY4, ANY6)

    @property
    def is_loopback(self) -> bool:
        return self.plain[:1] == b"\x7f" if len(self.plain) == 4 else self.plain == LOOPBACK6

    def at(self, host: bytes) -> Inet:
        """The same port of another host: 4 bytes are mapped where this address is IPv6."""
        return Inet(self.family, MAPPED + host if self.family == AF_INET6 and len(host) == 4 else host, self.port)

    def packed(self) -> bytes:
        port = self.port.to_bytes(2, "big")
        if self.family == AF_INET:
            return struct.pack("=H", AF_INET) + port + self.host + bytes(8)
        return struct.pack("=H", AF_INET6) + port + bytes(4) + self.host + bytes(4)


def family_of(address: bytes) -> int:
    return int.from_bytes(address[:2], sys.byteorder) if len(address) >= 2 else -1


def read_inet(address: bytes) -> Inet | None:
    """None for what is too short, or of another family."""
    family = family_of(address)
    if family == AF_INET and len(address) >= 16:
        return Inet(family, address[4:8], int.from_bytes(address[2:4], "big"))
    if family == AF_INET6 and len(address) >= 24:
        return Inet(family, address[8:24], int.from_bytes(address[2:4], "big"))
    return None


def to_bind(wish: Inet, *, only6: bool) -> Inet | None:
    """Where a server may listen: on loopback; "everywhere" means that. None: that address is not there."""
    if wish.is_any:
        return wish.at(LOOPBACK6 if only6 and wish.family == AF_INET6 else LOOPBACK4)
    return wish if wish.is_loopback else None


def to_reach(wish: Inet, kind: str, uid: int, *, only6: bool) -> Inet | None:
    """The address to go to for `wish`, which is loopback, where a socket of `uid` is bound; None where none is.

    A server that asked for every address is at 127.0.0.1, so who looks for it at ::1 is led there.
    """
    if wish.is_any:
        wish = wish.at(LOOPBACK4 if len(wish.plain) == 4 else LOOPBACK6)
    if is_bound_by(uid, kind, wish):
        return wish
    if wish.plain == LOOPBACK6 and not only6 and is_bound_by(uid, kind, wish.at(LOOPBACK4)):
        return wish.at(LOOPBACK4)
    return None


def is_bound_by(uid: int, kind: str, address: Inet) -> bool:
    """Whether that user's socket is bound to exactly this address: the kernel gives it what is sent there.

    A server of somebody else on every address (0.0.0.0) is less exact and never gets it.
    """
    four, six = TABLES[kind]
    plain = address.plain
    hosts = [(six, plain)] if len(plain) == 16 else [(four, plain), (six, MAPPED + plain)]
    return any(_owner(table, b"%s:%04X" % (_in_table(host), address.port), kind) == uid for table, host in hosts)


def _in_table(host: bytes) -> bytes:
    """As /proc/net writes a host: each four bytes as a number of this machine."""
    return b"".join(b"%08X" % int.from_bytes(host[at : at + 4], sys.byteorder) for at in range(0, len(host), 4))


def _owner(table: str, local: bytes, kind: str) -> int | None:
    try:
        with open(table, "rb") as lines:  # noqa: PTH123  # pathlib is slow to load, and so is a codec
            next(lines)
            for line in lines:
                fields = line.split(None, 8)
                if kind == "stream" and fields[3] != LISTENING:
                    return None  # the table begins with those that listen
                if fields[1] == local:
                    return int(fields[7])
    except (OSError, StopIteration):
        return None
    return None
