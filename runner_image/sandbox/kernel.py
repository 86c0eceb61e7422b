"""System calls that Python has no name for. Imported by the warden, so nothing here may be slow to load.

Numbers are the same on x86_64 and arm64 where they are 424 or above (every system call since Linux 5.1); the one
below is looked up by machine. Each function raises OSError with the kernel's own number.
"""

from __future__ import annotations

import ctypes
import os

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
SECCOMP_SET_MODE_FILTER = 1
FLAG_NEW_LISTENER, FLAG_WAIT_KILLABLE = 1 << 3, 1 << 5
PIDFD_OPEN, PIDFD_GETFD = 434, 438
SECCOMP = {"x86_64": 317, "aarch64": 277, "arm64": 277}

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
for _name in ("process_vm_readv", "process_vm_writev", "sendmsg"):
    getattr(libc, _name).restype = ctypes.c_ssize_t


class Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def checked(result: int) -> int:
    """`result` of a C function, or its errno as an OSError."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def prctl(option: int, value: int) -> None:
    checked(libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def syscall(number: int, *arguments: int) -> int:
    return checked(libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments)))


def drop_bounding_set() -> None:
    """No program that is started from here on may have a capability, whatever its file says."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) == -1:
            return  # the kernel knows no more of them


def load_filter(program: bytes, *, listen: bool) -> int:
    """Puts the filter over this thread and what it starts; with `listen`, the descriptor that its questions come to."""
    loaded = Program(len(program) // 8, program)
    number = ctypes.c_long(SECCOMP[os.uname().machine])
    # A signal must not make a question be asked twice; kernels before 5.19 do not know that wish.
    wishes = [FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE, FLAG_NEW_LISTENER] if listen else [0]
    for flags in wishes:
        answer = libc.syscall(number, SECCOMP_SET_MODE_FILTER, ctypes.c_ulong(flags), ctypes.byref(loaded))
        if answer != -1 or ctypes.get_errno() != 22:
            break
    return checked(answer)


def pidfd_open(pid: int) -> int:
    return syscall(PIDFD_OPEN, pid, 0)


def pidfd_getfd(pidfd: int, descriptor: int) -> int:
    return syscall(PIDFD_GETFD, pidfd, descriptor, 0)


def read_memory(pid: int, address: int, length: int) -> bytes:
    """Exactly `length` bytes of another process. Raises OSError, EFAULT where there are fewer."""
    if length == 0:
        return b""
    buffer = ctypes.create_string_buffer(length)
    here, there = Iovec(ctypes.addressof(buffer), length), Iovec(address, length)
    got = checked(libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
    if got != length:
        raise OSError(14, os.strerror(14))
    return buffer.raw


def write_memory(pid: int, address: int, data: bytes) -> None:
    buffer = ctypes.create_string_buffer(data, len(data))
    here, there = Iovec(ctypes.addressof(buffer), len(data)), Iovec(address, len(data))
    checked(libc.process_vm_writev(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
