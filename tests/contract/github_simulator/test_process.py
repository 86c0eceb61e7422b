"""The simulator as a process of its own."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from local.github.steering import Steering


def test_it_says_when_it_is_ready_and_stops_on_sigterm(tmp_path):
    ready = tmp_path / "ready.json"
    arguments = [sys.executable, "-m", "local.github", "--home", str(tmp_path / "home"), "--ready-file", str(ready)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said == json.loads(ready.read_text())
        assert Steering(said["url"]).person("octocat").get("/user")["login"] == "octocat"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    finally:
        if process.poll() is None:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()
