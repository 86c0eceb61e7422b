"""Runs inside a fence and tries what must not work. Prints the name of each thing that did, and nothing where none did.

python hostile.py '{"port": …, "udp": …, "pid": …, "since": …, "abstract": …, "door": …, "secret": …}'
"""

import ctypes
import json
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

AT = json.loads(sys.argv[1])
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.ptrace.restype = ctypes.c_long
LIBC.process_vm_readv.restype = ctypes.c_ssize_t
X86 = os.uname().machine == "x86_64"
Attempt = Callable[[], object]


def stream(family: int, host: str, port: int) -> Attempt:
    def attempt() -> bool:
        with socket.socket(family) as tried:
            tried.settimeout(0.5)
            try:
                tried.connect((host, port))
            except TimeoutError:
                return True  # a packet left
        return True

    return attempt


def datagram(family: int, host: str, port: int, how: str = "sendto") -> Attempt:
    def attempt() -> bool:
        with socket.socket(family, socket.SOCK_DGRAM) as tried:
            match how:
                case "sendto":
                    tried.sendto(b"canary", (host, port))
                case "sendmsg":
                    tried.sendmsg([b"canary"], [], 0, (host, port))
                case "connect":
                    tried.connect((host, port))
                    tried.send(b"canary")
                case "sendmmsg":
                    return many(tried, host, port)
        return True

    return attempt


def many(tried: socket.socket, host: str, port: int) -> bool:
    name = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(port), socket.inet_aton(host))
    data = ctypes.create_string_buffer(b"canary")
    address = ctypes.create_string_buffer(name, 16)
    part = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(data), 6))
    header = struct.pack("=QIxxxxQQQQixxxxIxxxx", ctypes.addressof(address), 16, ctypes.addressof(part), 1, 0, 0, 0, 0)
    message = ctypes.create_string_buffer(header, 64)
    return int(LIBC.sendmmsg(tried.fileno(), message, 1, 0)) == 1


def family(number: int, kind: int = socket.SOCK_DGRAM) -> Attempt:
    return lambda: bool(socket.socket(number, kind))


def detour() -> bool:
    """A source route: a packet for loopback that goes by way of a stranger (ip(7), IP_OPTIONS)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        route = bytes([131, 7, 4]) + socket.inet_aton("192.0.2.1") + b"\0"
        tried.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, route)
    return True


def fast_open() -> bool:
    with socket.socket() as tried:
        return tried.sendto(b"canary", 0x20000000, ("127.0.0.1", AT["port"])) > 0


def resolve() -> bool:
    return bool(socket.getaddrinfo("example.com", 80))


def unix(name: str | bytes, kind: int = socket.SOCK_STREAM) -> Attempt:
    def attempt() -> bool:
        with socket.socket(socket.AF_UNIX, kind) as tried:
            tried.connect(name)
        return True

    return attempt


def linked() -> bool:
    Path("link").symlink_to(AT["door"])
    return bool(unix("link")())


def everywhere() -> bool:
    """A server for the whole world: where it really listens."""
    with socket.create_server(("0.0.0.0", 0)) as server:
        return server.getsockname()[0] != "127.0.0.1"


def unbound() -> bool:
    with socket.socket() as server:
        server.listen()
        return server.getsockname()[0] != "127.0.0.1"


# --- the harness -----------------------------------------------------------------------------------------


def read(path: str) -> Attempt:
    return lambda: first(path) and seen()


def first(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(1)


def seen() -> bool:
    """The number is really the harness's in here."""
    with Path(f"/proc/{AT['pid']}/stat").open() as file:
        return file.read().rpartition(")")[2].split()[19] == AT["since"]


def link(path: str) -> Attempt:
    return lambda: seen() and str(Path(path).readlink())


def argument_list() -> bool:
    with Path(f"/proc/{AT['pid']}/cmdline").open("rb") as file:
        return b"canary" in file.read()


def signalled() -> bool:
    if not seen():
        return False
    os.kill(AT["pid"], 0)
    return True


def limits() -> bool:
    import resource

    return seen() and bool(resource.prlimit(AT["pid"], resource.RLIMIT_NOFILE))


def trace() -> bool:
    return seen() and LIBC.ptrace(0x4206, AT["pid"], None, None) == 0


def vm_read() -> bool:
    buffer = ctypes.create_string_buffer(8)
    here = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    there = struct.pack("=QQ", ctypes.addressof(buffer), 8)
    return seen() and LIBC.process_vm_readv(AT["pid"], here, 1, there, 1, 0) > 0


def take_descriptor() -> bool:
    taken = LIBC.syscall(434, AT["pid"], 0)
    return seen() and taken >= 0 and LIBC.syscall(438, taken, 0, 0) >= 0


def search(root: str) -> bool:
    """Everything that can be read of any process: is the canary of the harness's environment in it?"""
    for pid in filter(str.isdigit, os.listdir(root)):
        for name in ("environ", "cmdline"):
            try:
                with Path(f"{root}/{pid}/{name}").open("rb") as file:
                    if b"canary-of-the-harness" in file.read():
                        return True
            except OSError:
                continue
    return False


# --- the machine -----------------------------------------------------------------------------------------


def write(path: str) -> Attempt:
    def attempt() -> bool:
        with Path(path).open("xb") as file:
            file.write(b"x")
        Path(path).unlink()
        return True

    return attempt


def kernel_setting() -> bool:
    path = "/proc/sys/kernel/panic"
    with Path(path).open() as file:
        value = file.read()
    with Path(path).open("w") as file:
        file.write(value)
    return True


def become_root() -> bool:
    os.setuid(0)
    return True


def raise_limits() -> bool:
    import resource

    most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    if most == resource.RLIM_INFINITY:
        return True
    resource.setrlimit(resource.RLIMIT_NPROC, (most + 1, most + 1))
    return True


def given_to_root() -> bool:
    with Path("mine").open("w"):
        os.chown("mine", 0, 0)
    return True


def set_user_bit() -> bool:
    """A set-uid program of ours is nobody's but ours."""
    return os.geteuid() == 0 or os.getuid() == 0


def mounted() -> bool:
    return LIBC.mount(b"none", b"/mnt", b"tmpfs", 0, None) == 0


def device() -> bool:
    os.mknod("device", 0o660 | 0o020000, os.makedev(1, 1))
    return True


def attempts() -> Iterator[tuple[str, Attempt]]:
    four, six = socket.AF_INET, socket.AF_INET6
    for host, port in (("192.0.2.1", 80), ("169.254.170.2", 80), ("169.254.169.254", 80), ("127.0.0.1", AT["port"])):
        yield f"tcp {host}", stream(four, host, port)
        for how in ("sendto", "sendmsg", "sendmmsg", "connect"):
            own = host == "127.0.0.1"
            yield f"udp {how} {host}", datagram(four, host, AT["udp"] if own else port, how)
    for host in ("2001:db8::1", "::ffff:192.0.2.1", "::ffff:127.0.0.1", "fd00:ec2::254"):
        yield f"tcp {host}", stream(six, host, AT["port"])
        yield f"udp {host}", datagram(six, host, AT["udp"])
    yield "tcp 0.0.0.0", stream(four, "0.0.0.0", AT["port"])
    yield "tcp ::", stream(six, "::", AT["port"])
    yield "tcp fast open", fast_open
    yield "names", resolve
    yield "raw", lambda: socket.socket(four, socket.SOCK_RAW, 17)
    yield "packets", family(17, socket.SOCK_RAW)
    yield "abstract", unix(b"\0" + AT["abstract"].encode())
    yield "abstract datagram", unix(b"\0" + AT["abstract"].encode() + b"-d", socket.SOCK_DGRAM)
    yield "unix", unix(AT["door"])
    yield "unix by a link", linked
    pid = AT["pid"]
    for name in ("environ", "mem", "maps", "auxv", "stack", "io"):
        yield f"/proc/harness/{name}", read(f"/proc/{pid}/{name}")
    for name in ("cwd", "exe", "root"):
        yield f"/proc/harness/{name}", link(f"/proc/{pid}/{name}")
    yield "/proc/harness/fd", lambda: seen() and os.listdir(f"/proc/{pid}/fd")
    yield "/proc/harness/cmdline", argument_list
    yield "/proc of everybody", lambda: search("/proc")
    yield from (("signal", signalled), ("prlimit", limits), ("ptrace", trace), ("process_vm_readv", vm_read))
    yield "pidfd_getfd", take_descriptor
    yield "secret", read_secret
    for path in ("/usr/x", "/x", "/etc/x", "/bin/x", "/usr/lib/x", "/run/x", "/srv/x", "/proc/x"):
        yield f"write {path}", write(path)
    yield "/etc/shadow", lambda: first("/etc/shadow")
    yield from (("kernel setting", kernel_setting), ("root", become_root), ("limits", raise_limits))
    yield from (("chown", given_to_root), ("uid", set_user_bit), ("mount", mounted), ("device", device))
    if AT["no_namespace"]:
        yield from only_without_namespaces()


def only_without_namespaces() -> Iterator[tuple[str, Attempt]]:
    """Where a namespace holds these in, the kernel's own answer is as good."""
    yield "listens to the world", everywhere
    yield "listens to the world, unbound", unbound
    yield "source route", detour
    for number, name in ((16, "netlink"), (40, "vsock"), (38, "crypto"), (29, "can"), (31, "bluetooth")):
        yield name, family(number, socket.SOCK_RAW if number in (16, 29, 31) else socket.SOCK_STREAM)
    yield "icmp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1)
    yield "mptcp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
    yield "family by its upper half", lambda: LIBC.syscall(41 if X86 else 198, 0x100000010, 3, 0) >= 0
    for number, name in ((425, "io_uring"), (435, "clone3"), (428, "open_tree"), (442, "mount_setattr"), (467, "new")):
        yield name, is_known(number)
    for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000, 0x04000000, 0x02000000):
        yield f"unshare {flag:#x}", unshared(flag)
        yield f"clone {flag:#x}", cloned(flag)
    for number, name in ((321, "bpf"), (250, "keyctl"), (323, "userfaultfd"), (298, "perf")) if X86 else ():
        yield name, is_known(number)


def is_known(number: int) -> Attempt:
    """Anything but a refusal before it was looked at: EPERM, ENOSYS."""
    return lambda: LIBC.syscall(number, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38)


def unshared(flag: int) -> Attempt:
    return lambda: LIBC.unshare(flag) == 0


def cloned(flag: int) -> Attempt:
    def attempt() -> bool:
        pid = LIBC.syscall(56 if X86 else 220, flag | signal.SIGCHLD, 0, 0, 0, 0)
        if pid == 0:
            os._exit(0)
        return bool(pid > 0)

    return attempt


def read_secret() -> bool:
    with Path(AT["secret"]).open("rb") as file:
        return bool(file.read())


def main() -> None:
    for name, attempt in attempts():
        try:
            worked = attempt()
        except (OSError, ValueError, EOFError):
            continue
        if worked:
            print(name, flush=True)


if __name__ == "__main__":
    main()
