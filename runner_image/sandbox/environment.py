"""What a command finds in its environment: a short fixed list, and in the `open` phase what leads to package indexes."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
FIXED = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
PIP_OPTIONS = "index-url extra-index-url find-links cert trusted-host proxy timeout retries no-index".split()
PIP_NAMES = {option: "PIP_" + option.upper().replace("-", "_") for option in PIP_OPTIONS}
# Names that say how to reach the outside. They pass in the `open` phase only.
OUTWARD = re.compile(
    rf"(?:{'|'.join(PIP_NAMES.values())}|PIP_DEFAULT_TIMEOUT"
    r"|UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NATIVE_TLS|SYSTEM_CERTS)"
    r"|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO"
    r"|CARGO_HTTP_CAINFO|GOPROXY|GOSUMDB|npm_config_(?:registry|cafile)|(?i:https?_proxy|all_proxy|no_proxy))"
)
WITH_PASSWORD = re.compile(r"://[^/\s@]+@")
# Never made visible whole, whoever names them.
TOO_WIDE = frozenset(
    Path(path) for path in ("/", *"/etc /home /root /proc /sys /dev /run /var /tmp /opt /mnt /srv /media".split())
)


def outward_environment(machine: Mapping[str, str]) -> dict[str, str]:
    """The machine's proxies, certificates and indexes, pip's settings files included.

    A value with a password in it stays out: what runs in the `open` phase is the repository's code.
    """
    found = pip_settings(machine)
    found |= {name: value for name, value in machine.items() if OUTWARD.fullmatch(name)}
    return {name: value for name, value in found.items() if not WITH_PASSWORD.search(value)}


def pip_settings(machine: Mapping[str, str]) -> dict[str, str]:
    """pip's settings files as the variables that mean the same; a later file wins (pip.pypa.io/en/stable/topics/configuration)."""
    home = Path(machine.get("HOME") or "/nonexistent")
    config_home = Path(machine.get("XDG_CONFIG_HOME") or home / ".config")
    files = [
        Path("/etc/xdg/pip/pip.conf"),
        Path("/etc/pip.conf"),
        home / ".pip/pip.conf",
        config_home / "pip/pip.conf",
    ]
    if own := machine.get("PIP_CONFIG_FILE"):
        files.append(Path(own))
    found = {}
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, "utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue  # pip itself says what is wrong with it, in the set-up's output
        for section in ("global", "install"):
            for option in PIP_OPTIONS:
                if value := parser.get(section, option, fallback=""):
                    found[PIP_NAMES[option]] = " ".join(value.split())
    return found


def named_paths(environment: Mapping[str, str], hidden: Iterable[Path]) -> list[Path]:
    """Files and directories that those variables name and that exist: visible, read-only, while the network is open.

    Left out: what is too wide, and what holds one of `hidden` (the runner's own directories). An index that is a
    directory (`file:///…/simple`) is visible with its parent, since its pages link to files beside it.
    """
    kept = [path.resolve() for path in hidden]
    found = set()
    for path in _paths_in(environment):
        real = path.resolve()
        too_wide = real in TOO_WIDE or path in TOO_WIDE or any(real == each or real in each.parents for each in kept)
        if real.exists() and not too_wide:
            found.add(path)
    return sorted(found)


def _paths_in(environment: Mapping[str, str]) -> Iterable[Path]:
    for name, value in environment.items():
        for word in value.split():
            if word.startswith("file://"):
                path = Path(unquote(word.removeprefix("file://").split("#")[0]))
                yield path.parent if name.endswith(("INDEX_URL", "INDEX")) and path.name == "simple" else path
            elif word.startswith("/"):
                yield from (Path(part) for part in word.split(":") if part.startswith("/"))
