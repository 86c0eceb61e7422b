"""A headless browser by the WebDriver protocol: what a person clicks, and what they see.

w3.org/TR/webdriver2; Debian's chromium-driver speaks it. Nothing of it leaves this machine.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 120.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = [
    "--headless=new", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--no-first-run", "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1000,800",
]  # fmt: skip


def driver() -> str | None:
    """The program, or None where this machine has none."""
    return shutil.which("chromedriver") if shutil.which("chromium") else None


PASSING = {"no such element", "stale element reference", "unknown error", "element not interactable"}
"""What WebDriver says while one page goes and the next one comes."""


class Refused(Exception):
    """WebDriver's own word for what it could not do."""

    def __init__(self, word: str, message: str) -> None:
        super().__init__(f"{word}: {message[:400]}")
        self.word = word


class Browser:
    """A context: one window."""

    def __init__(self, directory: Path) -> None:
        found = driver()
        assert found is not None, "chromedriver and chromium are needed (Debian: chromium chromium-driver)"
        self._log = directory / "chromedriver.log"
        self._profile = directory / "profile"
        self._environment = {**os.environ, "HOME": str(directory)}
        self._restarts = 5
        self._program = found
        self._process = self._start()
        self._session = ""

    def __enter__(self) -> Self:
        try:
            self._until("chromedriver to listen", self._listens)
            arguments = [*ARGUMENTS, f"--user-data-dir={self._profile}"]
            if os.getuid() == 0:
                arguments.append("--no-sandbox")
            wish = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}
            made = self._ask("POST", "", {"capabilities": {"alwaysMatch": wish}})
            self._session = f"/{made['sessionId']}"
        except BaseException:
            self._end()
            raise
        return self

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [self._program, "--port=0"], stdout=log, stderr=subprocess.STDOUT, env=self._environment
            )

    def _listens(self) -> bool:
        said = self._log.read_bytes()
        if port := re.search(rb"successfully on port (\d+)", said):
            self._url = f"http://127.0.0.1:{int(port[1])}/session"
            return True
        # It takes a free port of IPv4 and leaves when somebody has the same one of IPv6.
        if self._process.poll() is not None:
            assert self._restarts > 0, f"chromedriver left with {self._process.returncode}: {said.decode()}"
            self._restarts -= 1
            self._process = self._start()
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        try:
            if self._session:
                self._ask("DELETE", "")
        finally:
            self._process.terminate()
            self._process.wait(60)

    # --- what a person does and sees ------------------------------------------------------------------------------

    def go(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    @property
    def address(self) -> str:
        return str(self._ask("GET", "/url"))

    @property
    def text(self) -> str:
        """What can be read on the page."""
        body = self._ask("POST", "/element", {"using": "css selector", "value": "body"})
        return str(self._ask("GET", f"/element/{body[ELEMENT]}/text"))

    def click(self, words: str, tag: str = "*") -> None:
        """Click what bears these words, once it is there."""
        path = f"//{tag}[normalize-space(.)={json.dumps(words)}]"

        def clicked() -> bool:
            elements = self._ask("POST", "/elements", {"using": "xpath", "value": path})
            if elements:
                self._ask("POST", f"/element/{elements[-1][ELEMENT]}/click", {})
            return bool(elements)

        self._until(f"{words!r} to click", clicked)

    def wait_for(self, words: str) -> None:
        """Until the page says so."""
        self._until(f"the page to say {words!r}", lambda: words in self.text)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))

    # --- how --------------------------------------------------------------------------------------------------------

    def _until(self, what: str, there: Callable[[], Any]) -> Any:
        until, last = time.monotonic() + PATIENCE_S, ""
        while time.monotonic() < until:
            try:
                found = there()
            except Refused as refused:
                if refused.word not in PASSING:
                    raise
                found, last = None, str(refused)
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(
            f"waited {PATIENCE_S:g} s for {what} {last}; page: {self.text[:500] if self._session else ''}"
        )

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self._url}{self._session}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            said = json.load(error)["value"]
            raise Refused(said["error"], said["message"]) from error
