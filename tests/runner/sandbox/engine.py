"""A stand-in for the docker command: the options that the `container` backend gives, carried out by bubblewrap.

    docker version | image inspect | container inspect | run | kill | rm

State (what runs, which images there are) is a directory, named by DOCKER_CONFIG. What it does not know it refuses with
125, as docker does. The image is this machine's /usr.
"""

import argparse
import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STATE = Path(os.environ["DOCKER_CONFIG"])
ETC = "alternatives ld.so.cache ld.so.conf ld.so.conf.d localtime ssl/certs ssl/openssl.cnf".split()
ROOTS = "bin sbin lib lib64".split()


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        refuse(message)


def refuse(message: str) -> None:
    print(f"docker: {message}", file=sys.stderr)
    sys.exit(125)


def expect(what: str, value: object, *allowed: object) -> None:
    if value not in allowed:
        refuse(f"invalid {what}: {value!r}")


def main(argv: list[str]) -> int:
    if (STATE / "down").exists():
        refuse("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    match argv:
        case ["version", "--format", "{{.Server.Version}}"]:
            print("27.1.0")
        case ["image", "inspect", "--format", "{{.Id}}", name]:
            if name not in (STATE / "images").read_text().split():
                print(f"Error response from daemon: No such image: {name}", file=sys.stderr)
                return 1
            print("sha256:0")
        case ["container", "inspect", "--format", "{{.Id}}", name]:
            return 0 if (STATE / name).exists() else 1
        case ["kill", name] | ["rm", "--force", name]:
            return kill(name, forget=argv[0] == "rm")
        case ["run", *options]:
            return run(options)
        case _:
            refuse(f"unknown command {argv}")
    return 0


def kill(name: str, *, forget: bool) -> int:
    file = STATE / name
    if not file.exists():
        print(f"Error response from daemon: No such container: {name}", file=sys.stderr)
        return 1
    with contextlib.suppress(ProcessLookupError):
        os.kill(json.loads(file.read_text())["first"], signal.SIGKILL)
    if forget:
        file.unlink(missing_ok=True)
    return 0


def read(options: list[str]) -> argparse.Namespace:
    parser = Parser(allow_abbrev=False, add_help=False)
    for flag in ("rm", "init", "read-only", "interactive"):
        parser.add_argument(f"--{flag}", action="store_true")
    for name in "network user cap-drop hostname pull log-driver workdir entrypoint name label".split():
        parser.add_argument(f"--{name}", required=True)
    for name in ("pids-limit", "memory", "memory-swap"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("security-opt", "mount", "tmpfs", "env"):
        parser.add_argument(f"--{name}", action="append", default=[])
    parser.add_argument("image")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args(options)


def run(options: list[str]) -> int:
    asked = read(options)
    expect("--cap-drop", asked.cap_drop, "ALL")
    expect("--network", asked.network, "none", "bridge")
    expect("--pull", asked.pull, "never")
    expect("--read-only", asked.read_only, True)
    expect("--memory-swap", asked.memory_swap, asked.memory)
    uid, gid = asked.user.split(":")
    fence = ["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--new-session", "--hostname", asked.hostname]
    if asked.network == "none":
        fence.append("--unshare-net")
    become: list[str] = []
    if os.geteuid() == 0:
        fence += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
        become = ["/usr/bin/setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--inh-caps=-all"]
        become += ["--bounding-set=-all", "--"]
    else:
        fence += ["--unshare-user", "--uid", uid, "--gid", gid]
    descriptors = []
    for option in asked.security_opt:
        if option.startswith("seccomp="):
            descriptors.append(profile(json.loads(Path(option.partition("=")[2]).read_text())))
            fence += ["--seccomp", str(descriptors[-1])]
        else:
            expect("--security-opt", option, "no-new-privileges")
    fence += files(asked)
    inside = [*become, "/usr/bin/env", "-i", *asked.env, asked.entrypoint, *asked.arguments]
    soft = min(asked.pids_limit, resource.getrlimit(resource.RLIMIT_NPROC)[1] % (1 << 63))
    resource.setrlimit(resource.RLIMIT_NPROC, (soft, soft))
    given = None if asked.interactive else subprocess.DEVNULL
    time.sleep(0.02)  # an engine takes its time until there is a container to be killed
    told, tell = os.pipe()
    descriptors.append(tell)
    if os.geteuid() == 0:
        os.fchown(1, int(uid), -1)
        if asked.interactive:
            os.fchown(0, int(uid), -1)
    process = subprocess.Popen(
        [*fence, "--info-fd", str(tell), "--", *inside], stdin=given, start_new_session=True, pass_fds=descriptors
    )
    os.close(tell)
    with os.fdopen(told) as said:
        (STATE / asked.name).write_text(json.dumps({"first": json.loads(said.read())["child-pid"]}))
    code = process.wait()
    kill(asked.name, forget=False)  # with a container's first process all others end
    if asked.rm:
        (STATE / asked.name).unlink(missing_ok=True)
    return code if code >= 0 else 128 - code


def files(asked: argparse.Namespace) -> list[str]:
    made = ["--ro-bind", "/usr", "/usr", "--dev", "/dev", "--proc", "/proc", "--remount-ro", "/proc"]
    for parent in ("/etc", "/etc/ssl", "/run", "/run/persevere"):
        made += ["--perms", "0755", "--dir", parent]
    made += ["--perms", "1777", "--tmpfs", "/dev/shm"]
    for name in ROOTS:
        if Path(f"/{name}").is_symlink():
            made += ["--symlink", str(Path(f"/{name}").readlink()), f"/{name}"]
    for name in ETC:
        if Path(f"/etc/{name}").exists():
            made += ["--ro-bind", os.path.realpath(f"/etc/{name}"), f"/etc/{name}"]
    for option in asked.tmpfs:
        path, _, flags = option.partition(":")
        words = dict(word.partition("=")[::2] for word in flags.split(","))
        expect("--tmpfs", set(words) <= {"rw", "exec", "nosuid", "nodev", "mode", "size"}, True)
        made += ["--size", words["size"], "--perms", words["mode"], "--tmpfs", path]
    for option in asked.mount:
        words = dict(word.partition("=")[::2] for word in option.split(","))
        expect("--mount", set(words) <= {"type", "source", "target", "readonly"} and words["type"] == "bind", True)
        for above in reversed(Path(words["target"]).parents[:-1]):
            made += ["--perms", "0755", "--dir", str(above)]
        made += ["--ro-bind" if "readonly" in words else "--bind", words["source"], words["target"]]
    passwd = f"root:x:0:0::/:/bin/sh\nagent:x:{asked.user}::/home/agent:/bin/sh\n"
    for name, text in (("passwd", passwd), ("hosts", "127.0.0.1 localhost\n::1 localhost\n")):
        with tempfile.NamedTemporaryFile("w", dir=STATE, delete=False) as file:
            file.write(text)
        Path(file.name).chmod(0o644)
        made += ["--ro-bind", file.name, f"/etc/{name}"]
    return [*made, "--remount-ro", "/", "--chdir", asked.workdir]


def profile(document: dict) -> int:  # type: ignore[type-arg]
    """A seccomp profile as a program in a file that bubblewrap reads."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from runner_image.sandbox.seccomp import Filter, equal

    expect("default action", document["defaultAction"], "SCMP_ACT_ALLOW")
    rules = Filter()
    for each in document["syscalls"]:
        expect("action", each["action"], "SCMP_ACT_ERRNO")
        where = [equal(arg["index"], arg["value"]) for arg in each.get("args", [])]
        for name in each["names"]:
            rules.refuse(name, *where, number=each["errnoRet"])
    libc = ctypes.CDLL(None)
    descriptor = int(libc.memfd_create(b"filter", 0))
    os.write(descriptor, rules.program())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
