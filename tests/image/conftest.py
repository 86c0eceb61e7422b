"""The runner's image, really built: the Dockerfile by buildah, on a base that debootstrap makes. Root, two minutes, 3 GB."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.image_context import make_image_context

SUITE = "trixie"
NEEDED = ("buildah", "debootstrap", "unshare", "chroot")
CERTIFICATES = Path("/usr/local/share/ca-certificates")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# How this machine reaches package indexes is its own affair; the image of a deployment has none of it.
OUTWARD = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "PIP_CERT")


@dataclass(frozen=True)
class Image:
    """A built image's root directory, and what it starts with."""

    root: Path

    def command(self, arguments: Sequence[str]) -> list[str]:
        """As a container's first process: process ids of its own, its files, this machine's network."""
        inside = [
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
            f"--root={self.root}",
            "--mount-proc",
            "--wd=/opt/persevere",
        ]
        return [*inside, *arguments]

    def start(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LANG": "C.UTF-8"}
        return subprocess.Popen(
            self.command(arguments),
            env=clean | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self, line: str) -> str:
        process = self.start(["/bin/sh", "-c", line])
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said.strip()


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing or os.geteuid() != 0:
        pytest.fail(
            f"no image can be built here: root is needed, and {', '.join(NEEDED)}; missing: {missing or 'root'}"
        )
    place = tmp_path_factory.mktemp("image")
    buildah = ["buildah", "--root", str(place / "layers"), "--runroot", str(place / "run"), "--storage-driver", "vfs"]
    try:
        _base(place, buildah)
        build = [
            "bud",
            "--quiet",
            "--isolation",
            "chroot",
            "--build-arg",
            "BASE=localhost/base",
            "--build-arg",
            "PYTHONS=",
        ]
        _run([*buildah, *build, "--tag", "runner", str(_narrow_copy(make_image_context(), place / "context"))])
        container = _run([*buildah, "from", "localhost/runner"])
        entry = _run(
            [*buildah, "inspect", "--type", "image", "--format", "{{.OCIv1.Config.Entrypoint}}", "localhost/runner"]
        )
        assert entry == "[/usr/bin/tini -- /opt/persevere/venv/bin/python -m runner_image]"
        yield Image(Path(_run([*buildah, "mount", container])))
    finally:
        subprocess.run([*buildah, "umount", "--all"], check=False, capture_output=True)
        shutil.rmtree(place, ignore_errors=True)


def _narrow_copy(context: Path, place: Path) -> Path:
    """As a narrow umask makes its directories; a builder keeps their modes."""
    shutil.copytree(context, place)
    for each in (place, *place.rglob("*")):
        if each.is_dir():
            each.chmod(0o700)
    return place


def _base(place: Path, buildah: list[str]) -> None:
    _run(["debootstrap", "--variant=minbase", SUITE, str(place / "base")])
    container = _run([*buildah, "from", "scratch"])
    _run([*buildah, "add", "--quiet", container, str(place / "base"), "/"])
    shutil.rmtree(place / "base")
    if CERTIFICATES.is_dir():
        _run([*buildah, "add", "--quiet", container, str(CERTIFICATES), str(CERTIFICATES)])
    settings = [part for name in OUTWARD if name in os.environ for part in ("--env", f"{name}={BUNDLE}")]
    _run([*buildah, "config", *settings, container])
    _run([*buildah, "commit", "--quiet", "--rm", container, "localhost/base"])


def _run(command: Sequence[str]) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    return ran.stdout.strip()


def terminate_first_process(process: "subprocess.Popen[str]") -> None:
    """SIGTERM to the container's process 1, as the platform sends it: the child of `unshare`."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGTERM)
