"""Every backend that promises a fence, each made once a process; every test in directories of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner_image.sandbox.choice import choose
from runner_image.sandbox.contract import NoSandbox, Place, Sandbox
from runner_image.sandbox.interpreter import find_interpreter
from tests.runner.conftest import Fence

ENGINE = Path(__file__).with_name("engine.py")
FENCES = ("bwrap", "bwrap-one-id", "uid", "container")
IN_CI = os.environ.get("CI") == "true"

MakeSandbox = Callable[..., Sandbox]


def write_engine(directory: Path, image: str = "persevere-runner") -> dict[str, str]:
    """A `docker` in `directory`, and the environment that finds it there and no other."""
    directory.mkdir(mode=0o755, parents=True)
    (directory / "state").mkdir(mode=0o755)
    (directory / "state/images").write_text(image)
    (directory / "docker").write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin exec {sys.executable} {ENGINE} "$@"\n')
    (directory / "docker").chmod(0o755)
    return {"PATH": str(directory), "DOCKER_CONFIG": str(directory / "state"), "HOME": "/nonexistent"}


def machine_of(kind: str, directory: Path) -> dict[str, str]:
    return write_engine(directory / "engine") if kind == "container" else dict(os.environ)


@pytest.fixture(scope="session")
def directory() -> Iterator[Path]:
    """Where a job's would be: every user may pass through to it, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="persevere-tests-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="session")
def make_sandbox(directory: Path) -> MakeSandbox:
    """`make_sandbox(kind, machine)`; skips where this machine, not CI's, cannot have that backend."""

    def make(kind: str, machine: dict[str, str] | None = None, **more: int) -> Sandbox:
        job = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=directory))
        machine = machine_of(kind, job) if machine is None else machine_of(kind, job) | machine
        if kind in ("uid", "uid:none") and os.geteuid() != 0:
            pytest.skip("another user is root's to give")
        if (kind.startswith("bwrap") or kind == "container") and not shutil.which("bwrap") and not IN_CI:
            pytest.skip("bubblewrap is not installed here")
        with pytest.MonkeyPatch.context() as patch:
            if kind == "bwrap-one-id":
                found = shutil.which
                patch.setattr(shutil, "which", lambda name, **how: None if name == "setpriv" else found(name, **how))
            name = kind.removesuffix("-one-id")
            try:
                return choose(name, find_interpreter(None), job / "private", machine, **more)
            except NoSandbox as error:
                if IN_CI:
                    raise
                pytest.skip(str(error))

    return make


@pytest.fixture(scope="session")
def sandboxes(make_sandbox: MakeSandbox) -> Callable[[str], Sandbox]:
    made: dict[str, Sandbox] = {}

    def get(kind: str) -> Sandbox:
        if kind not in made:
            made[kind] = make_sandbox(kind)
        return made[kind]

    return get


@pytest.fixture
def fence_of(directory: Path) -> Iterator[Callable[[Sandbox], Fence]]:
    """A sandbox with fresh directories."""
    rooms: list[Path] = []

    def make(sandbox: Sandbox) -> Fence:
        # Under the directory that this sandbox's job has opened for its user.
        private = getattr(sandbox, "_private", None)
        room = Path(tempfile.mkdtemp(prefix="place-", dir=private.parent if private else directory))
        room.chmod(0o711)
        rooms.append(room)
        place = Place(room / "tree", room / "home", room / "scratch")
        for path in (place.workspace, place.home, room / "scratch"):
            path.mkdir()
            sandbox.own(path)
        return Fence(sandbox, place)

    yield make
    for room in rooms:
        shutil.rmtree(room, ignore_errors=True)


@pytest.fixture(params=FENCES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def fenced(kind: str, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]) -> Fence:
    """Each backend that promises a fence."""
    return fence_of(sandboxes(kind))


@pytest.fixture(params=[*FENCES, "none"])
def fence(
    request: pytest.FixtureRequest, sandboxes: Callable[[str], Sandbox], fence_of: Callable[[Sandbox], Fence]
) -> Fence:
    """Each backend there is."""
    return fence_of(sandboxes(request.param))
