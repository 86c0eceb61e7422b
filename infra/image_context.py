"""The directory that the task's image is built from: the Dockerfile, the whole runner, and of `shared` what it can reach.

The whole runner, since it starts some of its own files by their path, inside a sandbox, where no import names them.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from infra.bundle import BUILD, ROOT, own_files
from infra.reach import reach_of

RUNNER = "runner_image"
BESIDE = (
    "requirements/runner.txt",
    "requirements/uv.txt",
    "runner_image/Dockerfile",
    "runner_image/node/.npmrc",
    "runner_image/node/choose",
    "runner_image/node/package-lock.json",
    "runner_image/node/package.json",
)


def make_image_context(root: Path = ROOT, build: Path = BUILD) -> Path:
    """Made anew when anything in it changed; the same files make the same directory name."""
    files = sorted({*runner_files(root), *BESIDE})
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file}\0".encode() + (root / file).read_bytes() + b"\0")
    place = build / "image" / total.hexdigest()[:16]
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix="new-") as new:
            for file in files:
                target = Path(new) / "context" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / file, target)
                target.chmod(0o644)  # whatever the checkout's own are
            (Path(new) / "context/runner_image/Dockerfile").rename(Path(new) / "context/Dockerfile")
            (Path(new) / "context").rename(place)
    return place


def runner_files(root: Path) -> set[str]:
    """Every module of the runner, and what of ours any of them can come to import."""
    found: set[str] = set()
    for path in sorted((root / RUNNER).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found |= {path.relative_to(root).as_posix(), *own_files(root, reach_of(root, module))}
    return {file for file in found if not file.startswith(f"{RUNNER}/Dockerfile")}
