"""The system calls that a command of the `uid` backend may make, as a program for the kernel, written by libseccomp.

A list of what is refused, not of what is allowed: programs are many and the kernel's own checks still hold for a user
without capabilities. What is newer than this list was known when it was written is refused whole (ENOSYS).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import operator
import os
import struct
import tempfile
from collections.abc import Collection, Sequence
from typing import Any, Literal, NamedTuple

from runner_image.sandbox.contract import NoSandbox

Reach = Literal["open", "asked", "none"]
"""`asked`: each call that names an address goes to the supervisor. `none`: no socket but pairs, nobody to ask."""

ALLOW, NOTIFY, ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
NE, MASKED_EQ = 1, 7
FIRST_UNKNOWN = 463  # setxattrat, Linux 6.13

OUT_OF_ITS_PLACE = """
    unshare setns mount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd open_by_handle_at
    bpf keyctl add_key request_key userfaultfd perf_event_open fanotify_init
    kexec_load kexec_file_load init_module finit_module delete_module swapon swapoff reboot acct quotactl quotactl_fd
    settimeofday clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex syslog iopl ioperm vhangup
    mq_open lookup_dcookie nfsservctl uselib sethostname setdomainname
""".split()
# Programs know what to do without these, and say so only when told that there are none.
UNKNOWN = "clone3 io_uring_setup io_uring_enter io_uring_register".split()
NEW_NAMESPACES = (0x00000080, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
FAMILIES = {"open": (AF_UNIX, AF_INET, AF_INET6, AF_NETLINK), "asked": (AF_UNIX, AF_INET, AF_INET6), "none": ()}
STREAM, DATAGRAM = 1, 2
PROTOCOLS = (0, 6, 17)  # the kind's own, TCP, UDP: neither ICMP nor SCTP nor MPTCP
ASKED = "connect bind listen sendmsg sendmmsg".split()
# Options that send a packet by way of another address than the one it is for: level, then option (ip(7), ipv6(7)).
DETOURS = [(0, 4), (0, 7), *((41, option) for option in (3, 4, 5, 6, 8, 9, 54, 55, 57, 59))]


class Compare(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def equal(argument: int, value: int, mask: int = 0xFFFFFFFF) -> Compare:
    return Compare(argument, MASKED_EQ, mask, value)


class Filter:
    """Rules on their way to a program. Raises NoSandbox where there is no libseccomp."""

    def __init__(self) -> None:
        try:
            self._library: Any = ctypes.CDLL("libseccomp.so.2")
        except OSError as error:
            raise NoSandbox("the library libseccomp is not installed (`apt-get install libseccomp2`)") from error
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(ALLOW)))

    def refuse(self, name: str, *where: Compare, number: int = errno.EPERM) -> None:
        self._add(ERRNO | number, name, where)

    def ask(self, name: str, *where: Compare) -> None:
        self._add(NOTIFY, name, where)

    def _add(self, action: int, name: str, where: Sequence[Compare]) -> None:
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            return  # this machine, or this libseccomp, has none of that name
        rules = (Compare * len(where))(*where)
        context, count = self._context, ctypes.c_uint(len(where))
        done = self._library.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, count, rules)
        if done != 0:
            raise NoSandbox(f"libseccomp does not take the rule for {name}: {os.strerror(-done)}")

    def program(self) -> bytes:
        """The kernel's instructions, with what is too new to be known refused in front."""
        with tempfile.TemporaryFile() as file:
            self._library.seccomp_export_bpf(self._context, file.fileno())
            file.seek(0)
            made = file.read()
        self._library.seccomp_release(self._context)
        load, at_least, answer = (0x20, 0, 0, 0), (0x35, 0, 1, FIRST_UNKNOWN), (0x06, 0, 0, ERRNO | errno.ENOSYS)
        return b"".join(struct.pack("=HBBI", *each) for each in (load, at_least, answer)) + made


def write_filter(reach: Reach) -> bytes:
    """Raises NoSandbox."""
    rules = Filter()
    for name in OUT_OF_ITS_PLACE:
        rules.refuse(name)
    for name in UNKNOWN:
        rules.refuse(name, number=errno.ENOSYS)
    for flag in NEW_NAMESPACES:
        rules.refuse("clone", equal(0, flag, flag))
    for request in (TIOCSTI, TIOCLINUX):
        rules.refuse("ioctl", equal(1, request))
    # The supervisor has the same user; nobody may take its descriptors from it.
    rules.refuse("prlimit64", Compare(0, NE, 0, 0))
    _limit_sockets(rules, reach)
    if reach == "asked":
        for name in ASKED:
            rules.ask(name)
        rules.ask("sendto", Compare(4, NE, 0, 0))
        for level, option in DETOURS:
            rules.refuse("setsockopt", equal(1, level), equal(2, option))
    return rules.program()


def _limit_sockets(rules: Filter, reach: Reach) -> None:
    for family in others(FAMILIES[reach]):
        rules.refuse("socket", family.of(0), number=errno.EAFNOSUPPORT)
    if reach != "asked":
        return
    for asked in (AF_INET, AF_INET6):
        for kind in others((STREAM, DATAGRAM), bits=4):  # above are SOCK_NONBLOCK and SOCK_CLOEXEC
            rules.refuse("socket", equal(0, asked), kind.of(1))
        for protocol in others(PROTOCOLS):
            rules.refuse("socket", equal(0, asked), protocol.of(2), number=errno.EPROTONOSUPPORT)


class Pattern(NamedTuple):
    mask: int
    value: int

    def of(self, argument: int) -> Compare:
        return equal(argument, self.value, self.mask)


def others(allowed: Collection[int], bits: int = 32) -> list[Pattern]:
    """Few patterns that every number of so many bits matches, but for the allowed ones."""
    used = functools.reduce(operator.or_, allowed, 0)
    foreign = [Pattern(1 << bit, 1 << bit) for bit in range(bits) if not used >> bit & 1]
    between = [number for number in range(used + 1) if number | used == used and number not in allowed]
    return [*foreign, *(Pattern((1 << bits) - 1, number) for number in between)]
