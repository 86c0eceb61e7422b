"""Write the simulator's pages as files that a browser opens without any server."""

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote

_LINK = re.compile(r'href="([^"]*)"')
PAGES_MAX = 2_000
NAME_MAX = 200  # bytes


def export(url: str, directory: Path) -> list[Path]:
    """Walk the pages from the front page on, write each below `directory`; the files, `index.html` first.

    Raises OSError when there is no front page. Links between pages become relative; those to what has no page lose their target and stay as text.
    """
    url = url.rstrip("/")
    found: dict[str, str] = {}
    missing: set[str] = set()
    waiting = ["/"]
    while waiting and len(found) < PAGES_MAX:
        path = waiting.pop(0)
        if path in found or path in missing:
            continue
        text = _read(url + path)
        if text is None:
            missing.add(path)
            continue
        found[path] = text
        waiting += [target for target in _targets(text, url) if target not in found]
    if not found:
        raise OSError(f"{url} shows no page")
    written = []
    for path, text in found.items():
        file = directory / _file_of(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_relative(text, url, path, found), encoding="utf-8")
        written.append(file)
    return written


def _read(address: str) -> str | None:
    request = urllib.request.Request(address, headers={"User-Agent": "page-export"})  # noqa: S310  (http, loopback)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            kind = answer.headers.get("Content-Type", "")
            return answer.read().decode("utf-8") if kind.startswith("text/html") else None
    except (urllib.error.HTTPError, http.client.InvalidURL):
        return None


def _local(link: str, url: str) -> str | None:
    """The path of a link into the simulator, without its fragment; None for any other."""
    link = link.replace("&amp;", "&")
    link = link[len(url) :] or "/" if link.startswith(url) else link
    return link.partition("#")[0] if link.startswith("/") else None


def _targets(text: str, url: str) -> list[str]:
    return [path for link in _LINK.findall(text) if (path := _local(link, url))]


def _file_of(path: str) -> Path:
    # A name of up to 255 bytes may have `.html` behind it here; two that come to the same differ by their hash.
    safe = re.sub(r"[^\w./@+-]", "_", unquote(path).strip("/"))
    if safe != path.strip("/") or any(len(part.encode()) > NAME_MAX for part in safe.split("/")):
        *above, name = safe.split("/")
        short = hashlib.sha256(path.encode()).hexdigest()[:8]
        safe = "/".join([*(part[:100] for part in above), f"{name[:100]}-{short}"])
    return Path("index.html") if not safe else Path(safe + ".html")


def _relative(text: str, url: str, path: str, found: dict[str, str]) -> str:
    here = _file_of(path).parent

    def change(match: re.Match[str]) -> str:
        target = _local(match[1], url)
        if target is None:
            return match[0]
        if target not in found:
            return 'data-gone=""'
        fragment = match[1].partition("#")[2]
        return f'href="{os.path.relpath(_file_of(target), here)}{"#" + fragment if fragment else ""}"'

    return _LINK.sub(change, text)
