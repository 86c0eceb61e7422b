"""Makes the functions' packages without docker: wheels for the target, and of ours only what the function can reach.

`python -m infra.bundle` makes them and says how large each is. What is made is kept under `.build/` by a hash of all
that went into it, so a second call costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.reach import Reach, path_of, reach_of

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
RUNTIME = "3.13"
CODE_DIRECTORY = "/var/task"  # docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, LAMBDA_TASK_ROOT
MODE = 0o644
"""Of every file: what Lambda wants (docs.aws.amazon.com/lambda/latest/dg/lambda-deploy-functions.html), whatever our umask."""
HANDLERS = ("github_webhook", "job_api", "conductor", "effects", "planner", "watchdog", "tokens")
GROUPS = ("runtime", "llm")
"""The groups of pyproject.toml that functions draw from; each is locked in requirements/<group>.txt."""

SERVICES = frozenset({"dynamodb", "s3", "ecs", "lambda", "secretsmanager", "sts"})
"""The services of AWS that functions speak to. The SDK's descriptions of the other 400 are left out."""
_SDK_DATA = re.compile(r"(?:botocore|boto3)/data/([^/]+)/")
_LEFT_OUT = re.compile(r".*\.(?:pyi|pyx|pxd|c|h)|.*\.dist-info/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json)|bin/.*")
_NOT_OURS = re.compile(r".*\.(?:py|pyc|md)|.*/__pycache__/.*")


class CannotBundle(Exception):
    """A package cannot be made; the text says what to do."""


@dataclass(frozen=True)
class Bundle:
    """One function's package: `path` is what goes to /var/task, `digest` is of its sources, sizes in bytes."""

    function: str
    path: Path
    digest: str
    modules: int
    distributions: tuple[str, ...]
    bytecode: str | None
    """The version of Python that compiled it; None when no interpreter of the target's version was found."""

    @property
    def unzipped(self) -> int:
        return sum(file.stat().st_size for file in self.path.rglob("*") if file.is_file())

    def zipped(self) -> int:
        """As it is uploaded; packs it once to know."""
        with tempfile.TemporaryFile() as packed:
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(self.path.rglob("*")):
                    archive.write(file, file.relative_to(self.path))
            return packed.tell()


def make_bundles(architecture: str = "arm64", root: Path = ROOT, build: Path = BUILD) -> dict[str, Bundle]:
    """All functions' packages by name, for Lambda's `arm64` or `x86_64`. Raises CannotBundle."""
    compiler = find_compiler()
    reaches = {name: reach_of(root, f"functions.{name}.handler") for name in HANDLERS}
    wheels = _Wheels(root, build, architecture, compiler)
    return {name: _make(name, reaches[name], root, build, wheels) for name in HANDLERS}


def find_compiler() -> str | None:
    """An interpreter of the runtime's own version (bytecode of another one is not read by it), or None."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [sys.executable, shutil.which(f"python{RUNTIME}"), *home.glob(f"versions/{RUNTIME}.*/bin/python{RUNTIME}")]
    for candidate in found:
        if candidate and _version(str(candidate)).startswith(RUNTIME + "."):
            return str(candidate)
    return None


@cache
def _version(python: str) -> str:
    ask = [python, "-c", "import platform; print(platform.python_version())"]
    ran = subprocess.run(ask, capture_output=True, text=True, check=False)
    return ran.stdout.strip()


class _Wheels:
    """Every package of the groups, installed once for the target into one tree that bundles take their files from."""

    def __init__(self, root: Path, build: Path, architecture: str, compiler: str | None) -> None:
        self.locks = [root / "requirements" / f"{group}.txt" for group in GROUPS]
        self.requirements = _roots(root)
        self.architecture = architecture
        self.compiler = compiler
        self._build = build
        self._trees: dict[tuple[Path, ...], _Tree] = {}

    def tree(self, packages: Iterable[str]) -> _Tree:
        """A tree that has those packages: without the model SDKs where nobody asks for them."""
        wanted = set(packages)
        for count in range(1, len(self.locks) + 1):
            tree = self._installed(tuple(self.locks[:count]))
            if wanted <= tree.provides.keys():
                return tree
        raise CannotBundle(
            f"no locked package provides {', '.join(sorted(wanted - tree.provides.keys()))}; "
            f"add it to a group of pyproject.toml ({', '.join(GROUPS)}), then: make lock"
        )

    def _installed(self, locks: tuple[Path, ...]) -> _Tree:
        if locks not in self._trees:
            self._trees[locks] = _Tree(self._install(locks), self.requirements)
        return self._trees[locks]

    def _install(self, locks: tuple[Path, ...]) -> Path:
        made_from = [lock.read_bytes() for lock in locks] + [Path(__file__).read_bytes()]
        key = hashlib.sha256(b"\0".join([*made_from, f"{self.architecture} {self.compiler}".encode()])).hexdigest()[:16]
        place = self._build / "wheels" / key
        if not place.is_dir():
            with tempfile.TemporaryDirectory(dir=_made(place.parent), prefix="new-") as new:
                _install(Path(new) / "tree", locks, self.architecture)
                if self.compiler:
                    compile_tree(self.compiler, Path(new) / "tree")
                _move(Path(new) / "tree", place)
        return place


class _Tree:
    """An installed tree: which distribution provides which import name, what each needs, which files are whose."""

    def __init__(self, path: Path, roots: Mapping[str, Requirement]) -> None:
        self.path = path
        self.files: dict[str, list[str]] = {}
        self.provides: dict[str, str] = {}
        self._needs: dict[str, list[Requirement]] = {}
        self._roots = roots
        for line in (path / "INSTALLED").read_text("utf-8").splitlines():
            entry = json.loads(line)
            name = entry["name"]
            self.files[name] = entry["files"]
            self._needs[name] = [Requirement(text) for text in entry["needs"]]
            for file in entry["files"]:
                top = file.split("/")[0]
                if not top.endswith((".dist-info", ".libs")):
                    self.provides.setdefault(top.split(".")[0], name)

    def closure(self, packages: Iterable[str]) -> tuple[str, ...]:
        """The distributions behind those import names and all that they need, extras of our own requirements included."""
        waiting = [(self.provides[package], self._extras(self.provides[package])) for package in packages]
        found: set[str] = set()
        done: set[tuple[str, frozenset[str]]] = set()
        while waiting:
            name, extras = waiting.pop()
            if (name, extras) in done:
                continue
            done.add((name, extras))
            found.add(name)
            for need in self._needs[name]:
                other = canonicalize_name(need.name)
                if _applies(need, extras) and other in self.files:
                    waiting.append((other, frozenset(need.extras) | self._extras(other)))
        return tuple(sorted(found))

    def _extras(self, name: str) -> frozenset[str]:
        return frozenset(self._roots[name].extras) if name in self._roots else frozenset()


def _applies(need: Requirement, extras: frozenset[str]) -> bool:
    if need.marker is None:
        return True
    target = {
        "python_version": RUNTIME,
        "python_full_version": f"{RUNTIME}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    return any(need.marker.evaluate(target | {"extra": extra}) for extra in ("", *extras))


def _roots(root: Path) -> dict[str, Requirement]:
    groups = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    texts = [text for group in GROUPS for text in groups[group] if isinstance(text, str)]
    return {canonicalize_name(each.name): each for each in map(Requirement, texts)}


def _install(place: Path, locks: Iterable[Path], architecture: str) -> None:
    """uv puts the target's wheels there; then what no function needs is taken out, and a list of the rest is written."""
    machine = {"arm64": "aarch64", "x86_64": "x86_64"}[architecture]
    command = [_uv(), "pip", "install", "--quiet", "--no-config", "--target", str(place), "--no-deps"]
    command += ["--python-platform", f"{machine}-manylinux_2_28", "--python-version", RUNTIME]
    command += ["--only-binary", ":all:", "--require-hashes", "--link-mode", "copy", "--no-compile-bytecode"]
    for lock in locks:
        command += ["--requirement", str(lock)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise CannotBundle(f"the functions' packages could not be installed:\n{ran.stderr.strip()}")
    for file in place.rglob("*"):
        if file.is_file():
            file.chmod(MODE)
    with (place / "INSTALLED").open("w", encoding="utf-8") as listed:
        for record in sorted(place.glob("*.dist-info/RECORD")):
            listed.write(json.dumps(_describe(place, record)) + "\n")


def _describe(place: Path, record: Path) -> dict[str, object]:
    from email.parser import HeaderParser

    paths = [line.rsplit(",", 2)[0].strip('"') for line in record.read_text("utf-8").splitlines() if line]
    kept = []
    for path in sorted(paths):
        file = place / path
        if not file.is_file() or ".." in Path(path).parts or _is_left_out(path):
            continue
        kept.append(path)
    metadata = HeaderParser().parsestr((record.parent / "METADATA").read_text("utf-8"))
    needs = metadata.get_all("Requires-Dist") or []
    return {"name": canonicalize_name(str(metadata["Name"])), "needs": needs, "files": kept}


def _is_left_out(path: str) -> bool:
    service = _SDK_DATA.match(path)
    return bool(_LEFT_OUT.fullmatch(path)) or (service is not None and service[1] not in SERVICES)


def _uv() -> str:
    for place in (Path(sys.executable).parent, ROOT / ".venv" / "bin"):
        if (place / "uv").is_file():
            return str(place / "uv")
    raise CannotBundle("uv is not there; make it with: make setup")


def compile_tree(python: str, tree: Path) -> None:
    """Bytecode beside every source, as if it lay in Lambda's directory. Its hashes are not checked when it is read."""
    command = [python, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(tree), "-p", CODE_DIRECTORY, str(tree)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=_quiet_environment(), umask=0o022)
    if ran.returncode:
        raise CannotBundle(f"{python} could not compile the functions:\n{ran.stdout}{ran.stderr}")


def _quiet_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0"}


def _make(name: str, reach: Reach, root: Path, build: Path, wheels: _Wheels) -> Bundle:
    tree = wheels.tree(reach.packages)
    distributions = tree.closure(reach.packages)
    ours = own_files(root, reach)
    theirs = [file for distribution in distributions for file in tree.files[distribution]]
    digest = _digest(root, ours, tree.path, theirs, wheels)
    place = build / "functions" / f"{name}-{wheels.architecture}-{digest[:16]}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=_made(place.parent), prefix="new-") as new:
            package = Path(new) / "package"
            for file in ours:
                _copy(root / file, package / file)
            if wheels.compiler:
                compile_tree(wheels.compiler, package)
            for file in theirs:
                _link(tree.path / file, package / file)
                _link_bytecode(tree.path / file, package / file)
            _move(package, place)
    version = _version(wheels.compiler) if wheels.compiler else None
    return Bundle(name, place, digest, len(reach.modules), distributions, version)


def own_files(root: Path, reach: Reach) -> list[str]:
    """Paths of the reached modules and of the data that lies beside them."""
    found = set()
    for module in reach.modules:
        path = path_of(root, module)
        if path is not None:
            found.add(path)
            found |= {each for each in path.parent.iterdir() if each.is_file() and not _NOT_OURS.fullmatch(str(each))}
    return sorted(path.relative_to(root).as_posix() for path in found)


PRICES = "prices.operator"
"""The operator's own price file, at the top of a package (setting PERSEVERE_PRICES)."""


def with_prices(bundle: Bundle, prices: Path, build: Path = BUILD) -> Bundle:
    """The same package with that file in it."""
    content = prices.read_bytes()
    digest = hashlib.sha256(f"{bundle.digest}\0".encode() + content).hexdigest()
    place = build / "functions" / f"{bundle.path.name.rpartition('-')[0]}-{digest[:16]}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=_made(place.parent), prefix="new-") as new:
            package = Path(new) / "package"
            for file in (each for each in bundle.path.rglob("*") if each.is_file()):
                _link(file, package / file.relative_to(bundle.path))
            (package / PRICES).write_bytes(content)
            (package / PRICES).chmod(MODE)
            _move(package, place)
    return replace(bundle, path=place, digest=digest)


def _digest(root: Path, ours: list[str], tree: Path, theirs: list[str], wheels: _Wheels) -> str:
    """Of names and sources, not of bytecode: the same package has the same digest wherever it is made."""
    total = hashlib.sha256(f"{wheels.architecture} {bool(wheels.compiler)} {RUNTIME} {MODE:o}".encode())
    for base, files in ((root, ours), (tree, theirs)):
        for file in files:
            total.update(f"\0{file}\0".encode() + hashlib.sha256((base / file).read_bytes()).digest())
    return total.hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(MODE)


def _link(source: Path, target: Path) -> None:
    """A second name where the file system can: nine packages share most of their files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)


def _link_bytecode(source: Path, target: Path) -> None:
    tag = f"cpython-{RUNTIME.replace('.', '')}"
    cached = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
    if source.suffix == ".py" and cached.is_file():
        _link(cached, target.parent / "__pycache__" / cached.name)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _move(made: Path, place: Path) -> None:
    """Whoever comes second finds the place taken by the same thing."""
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def report(bundles: Iterable[Bundle]) -> str:
    """A line a function: how many of our modules, how many packages, megabytes unpacked and packed."""
    lines = [f"{'function':<16}{'modules':>8}{'packages':>10}{'unpacked':>11}{'packed':>10}"]
    for each in bundles:
        sizes = f"{each.unzipped / 1e6:>8.1f} MB{each.zipped() / 1e6:>7.1f} MB"
        lines.append(f"{each.function:<16}{each.modules:>8}{len(each.distributions):>10}{sizes}")
    return "\n".join(lines)


def bytecode_note(bundles: Iterable[Bundle]) -> str:
    version = next((each.bytecode for each in bundles), None)
    if version:
        return f"bytecode: Python {version}"
    return (
        f"no bytecode: there is no Python {RUNTIME} here, so every cold start compiles what it imports (about three times "
        f"as long). To mend it: uv python install {RUNTIME}, or put python{RUNTIME} on PATH, and deploy again"
    )


def main(arguments: list[str]) -> int:
    try:
        bundles = make_bundles(arguments[0] if arguments else "arm64")
    except CannotBundle as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(report(bundles.values()))  # noqa: T201
    print(bytecode_note(bundles.values()))  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
