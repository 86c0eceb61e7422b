"""The directory that the task's image is built from: the Dockerfile, and of our code what the runner can reach."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from infra.bundle import BUILD, ROOT, own_files
from infra.reach import reach_of

ENTRY = "runner_image.__main__"
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
    files = sorted({*own_files(root, reach_of(root, ENTRY)), *BESIDE})
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
