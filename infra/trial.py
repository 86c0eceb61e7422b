"""A package as Lambda would see it: its directory alone on the path of an interpreter of the runtime's version."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass

from infra.bundle import Bundle

ARCHITECTURES = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
CHILD = """
import json, sys, time
package, entry, others = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, package)
began, busy = time.perf_counter(), time.process_time()
__import__(entry)
imported, busy = time.perf_counter(), time.process_time() - busy
for each in others:
    __import__(each)
ready = time.perf_counter()
foreign = sorted({getattr(m, "__file__", None) or "" for m in list(sys.modules.values()) if hasattr(m, "__file__")})
print(json.dumps([imported - began, busy, ready - imported, sorted({name.partition(".")[0] for name in sys.modules}), foreign]))
"""


@dataclass(frozen=True)
class Trial:
    """One fresh process. `imported`: milliseconds for the handler's module, of which `processor` were worked; `reached`: for
    all else of ours in the package, which the first calls may come to. `loaded`: top-level names after both; `files`: where
    they came from."""

    imported: float
    processor: float
    reached: float
    loaded: frozenset[str]
    files: tuple[str, ...]


def machine() -> str | None:
    """This machine's architecture as Lambda names it, or None where Lambda has none like it."""
    return ARCHITECTURES.get(platform.machine())


def try_import(python: str, bundle: Bundle, *, everything: bool = True) -> Trial:
    """Raises RuntimeError with the traceback where something is missing from the package."""
    modules = own_modules(bundle) if everything else []
    command = [
        python,
        "-I",
        "-S",
        "-c",
        CHILD,
        str(bundle.path),
        f"functions.{bundle.function}.handler",
        json.dumps(modules),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_", "PERSEVERE_"))}
    environment = kept | {"PERSEVERE_WORLD": "aws", "AWS_DEFAULT_REGION": "us-east-1"}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if ran.returncode:
        raise RuntimeError(f"{bundle.function} cannot be imported as packaged:\n{ran.stderr}")
    imported, processor, reached, loaded, files = json.loads(ran.stdout.splitlines()[-1])
    return Trial(imported * 1000, processor * 1000, reached * 1000, frozenset(loaded), tuple(files))


def own_modules(bundle: Bundle) -> list[str]:
    """Ours in the package, dotted."""
    found = [path for room in ("shared", "functions") for path in (bundle.path / room).rglob("*.py")]
    names = [path.relative_to(bundle.path).with_suffix("").parts for path in found]
    return sorted(".".join(parts[:-1] if parts[-1] == "__init__" else parts) for parts in names)
