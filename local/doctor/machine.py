"""What this machine has: interpreter, git, a fence, room, and a home that is one's own."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local.doctor.finding import Context, Finding, NotAsked, fail, ok, warn
from local.home import DATABASE
from local.host_lock import holder
from local.setup.place import work_tree_of
from local.trial.fence import NoFence, find_fence
from runner_image.sandbox.choice import NAMES
from shared.settings import unknown

GIT_OLDEST = (2, 25)
DISK_FULL_MB, DISK_LOW_MB = 500, 2_000


def settings(context: Context) -> Iterator[Finding]:
    """Names that nobody reads: a ceiling that is spelt wrong is no ceiling."""
    strange = unknown(context.environment)
    for name, near in strange:
        yield warn(f"{name} is no setting, so it does nothing", f"{f'write {near}, or ' if near else ''}unset {name}")
    if not strange:
        yield ok("every PERSEVERE_ name that is set is known")


def python(context: Context) -> Finding:
    return ok(platform.python_version())


def git(context: Context) -> Finding:
    """The runner needs one that can fetch a single commit and make partial clones."""
    found = shutil.which("git")
    if found is None:
        return fail("git is not here", "install git, and see that it is on the PATH")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    words = said.split()
    version = words[2] if len(words) > 2 else "unknown"
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < GIT_OLDEST:
        return warn(f"git {version} is old", "install git 2.25 or later")
    return ok(version)


def home(context: Context) -> Iterator[Finding]:
    """Whether what is secret is secret."""
    place = context.settings.home
    ground = _ground(place)
    if not ground.is_dir():
        yield fail(f"{ground} is a file, so {place} cannot be a directory", "set PERSEVERE_HOME to another place")
        return
    if not os.access(ground, os.W_OK | os.X_OK):
        yield fail(f"you may not write {ground}", "set PERSEVERE_HOME to a directory of your own")
        return
    tree = work_tree_of(place)
    if tree is not None:
        yield fail(
            f"{place} is inside the git repository {tree}", "set PERSEVERE_HOME to a place outside, and init there"
        )
    if not place.is_dir():
        if tree is None:
            yield ok(f"{place}, not made yet")
        return
    open_ones = [path for path in (place, place / "keys") if path.is_dir() and path.stat().st_mode & 0o077]
    keys = sorted((place / "keys").iterdir()) if (place / "keys").is_dir() else []
    open_files = [path for path in keys if path.is_file() and path.stat().st_mode & 0o077]
    for path in open_ones + open_files:
        yield fail(f"others may read {path}", f"chmod {'700' if path.is_dir() else '600'} {path}")
    if tree is None and not open_ones and not open_files:
        yield ok(f"{place}, yours alone")


def _ground(place: Path) -> Path:
    """It, or what there is above it."""
    return next(each for each in (place, *place.parents) if os.path.lexists(each))


def disk(context: Context) -> Finding:
    place = _ground(context.settings.home)
    if not place.is_dir():
        raise NotAsked
    free_mb = shutil.disk_usage(place).free // 1_000_000
    shown = f"{free_mb / 1000:.1f} GB free at {place}"
    if free_mb < DISK_FULL_MB:
        return fail(shown, "make room: each job needs a few copies of its repository")
    if free_mb < DISK_LOW_MB:
        return warn(shown, "make room: each job needs a few copies of its repository")
    return ok(shown)


def sandbox(context: Context) -> Finding:
    """The same choice and the same test as before each job."""
    try:
        fence = find_fence(context.settings.sandbox, context.settings.python, may_fall=False)
    except NoFence as error:
        if context.settings.sandbox and context.settings.sandbox not in NAMES:
            advice = f"set PERSEVERE_SANDBOX to one of {', '.join(NAMES)}, or unset it: the best that works is taken"
        else:
            advice = "install bubblewrap; PERSEVERE_SANDBOX=none runs without any fence"
        return fail(str(error), error.advice or advice)
    if fence.name == "none":
        return warn(fence.label, "unset PERSEVERE_SANDBOX, and install bubblewrap")
    return ok(fence.label)


def store(context: Context) -> Finding:
    """The table's file, as SQLite finds it."""
    path = context.settings.home / DATABASE
    if not path.is_file():
        return ok("nothing has run here yet")
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            issues = connection.execute("SELECT count(*) FROM item WHERE kind = 'issue'").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        said, issues = str(error), 0
    if said != "ok":
        return fail(f"{path} is damaged: {said}", f"move {path} away, or restore it; a new one is made")
    return ok(f"{path.name} is whole, {issues} issue{'' if issues == 1 else 's'}")


def at_work(context: Context) -> Finding:
    """Whether somebody listens, and who."""
    found = holder(context.settings.home)
    return ok(found.at_work() if found else "nobody is at work in this home; `persevere up` begins")
