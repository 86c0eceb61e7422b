"""Wheels of packages that are installed beside us, made from their own files, so that the sample's set-up needs no network.

A wheel is a zip of what is installed plus its RECORD (packaging.python.org/specifications/binary-distribution-format).
"""

from __future__ import annotations

import re
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

WANTED = "pytest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold: the same input gives the same bytes


def pack(directory: Path, wanted: str = WANTED) -> list[Path]:
    """One wheel each of `wanted` and all that it needs; none where it is not installed, or not made of Python alone."""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)  # set-up runs as somebody else
    found = _with_needs(wanted)
    if not found or not all(_is_pure(each) for each in found):
        return []
    return [_wheel(each, directory) for each in found]


def _with_needs(wanted: str) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    waiting = [wanted]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            if name == _normal(wanted):
                return []
            continue  # needed on other systems only
        for need in found[name].requires or []:
            match = _NAME.match(need)
            if match and "extra ==" not in need:
                waiting.append(match[0])
    return list(found.values())


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tags(one: Distribution) -> list[str]:
    return re.findall(r"^Tag: (\S+)$", one.read_text("WHEEL") or "", re.MULTILINE)


def _is_pure(one: Distribution) -> bool:
    return any(tag.startswith("py") and tag.endswith("-none-any") for tag in _tags(one))


def _wheel(one: Distribution, directory: Path) -> Path:
    name = re.sub(r"[-_.]+", "_", one.metadata["Name"])
    tag = next(tag for tag in _tags(one) if tag.endswith("-none-any"))
    path = directory / f"{name}-{one.version}-{tag}.whl"
    left_out = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        for file in sorted(one.files or [], key=str):
            inside = file.as_posix()
            if inside.startswith("..") or inside.endswith(".pyc") or (file.name in left_out and ".dist-info" in inside):
                continue
            digest = f"{file.hash.mode}={file.hash.value}" if file.hash else ""
            record.append(f'"{inside}",{digest},{file.size or ""}')
            wheel.writestr(zipfile.ZipInfo(inside, _EPOCH), Path(str(file.locate())).read_bytes(), zipfile.ZIP_DEFLATED)
        info = next(line for line in record if ".dist-info/" in line).split('"')[1].split("/")[0]
        record.append(f"{info}/RECORD,,")
        wheel.writestr(zipfile.ZipInfo(f"{info}/RECORD", _EPOCH), "\n".join(record) + "\n", zipfile.ZIP_DEFLATED)
    path.chmod(0o644)
    return path
