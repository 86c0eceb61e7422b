"""The operator's choices for the stack: strict, with words that say what is wanted."""

from pathlib import Path
from typing import Any

import pytest

from infra.choices import FILE, BadChoice, Choices
from shared import settings


def test_the_file_says_every_default() -> None:
    assert Choices.read({}) == Choices()
    written = {
        line.partition(" = ")[0] for line in FILE.read_text("utf-8").splitlines() if " = " in line and line[0] != "#"
    }
    assert written == set(Choices.__dataclass_fields__)


def test_the_context_outdoes_the_file(tmp_path: Path) -> None:
    file = tmp_path / "choices.toml"
    file.write_text('stack = "Second"\nlog_days = 14\n', "utf-8")
    context = {
        "choices": str(file),
        "log_days": "90",
        "dashboard": "false",
        "egress_ports": "443,8443",
        "aws:cdk:x": True,
    }
    chosen = Choices.read(context)
    assert (chosen.stack, chosen.log_days, chosen.dashboard, chosen.egress_ports) == ("Second", 90, False, (443, 8443))
    assert Choices.read({"app_id": 12}).app_id == 12


@pytest.mark.parametrize(
    ("context", "words"),
    [
        pytest.param({"imgae": "build"}, "imgae, which is no choice", id="unknown"),
        pytest.param({"image": "latest"}, "digest:<registry>", id="image"),
        pytest.param({"image": "digest:example.com/runner:latest"}, "sha256", id="image by tag"),
        pytest.param({"image": "digest:example.com/r@sha256:abc"}, "64 hex", id="short digest"),
        pytest.param({"app_id": "twelve"}, "a whole number", id="no number"),
        pytest.param({"app_id": True}, "a whole number", id="true is no number"),
        pytest.param({"dashboard": "yes"}, "true or false", id="yes"),
        pytest.param({"log_days": "31"}, "AWS has 1, 3, 5", id="days"),
        pytest.param({"task_cpu": "256"}, "Fargate has 512", id="too small"),
        pytest.param({"task_memory_mib": "1024"}, "4096 to 16384", id="memory for cpu"),
        pytest.param({"egress_ports": "80"}, "443 among them", id="no way out"),
        pytest.param({"egress_ports": "443,99999"}, "TCP ports", id="no port"),
        pytest.param({"stack": "has spaces"}, "a letter", id="name"),
        pytest.param({"github_url": "github.com"}, "an address", id="address"),
        pytest.param({"github_url": "https://github.com/"}, "without a slash", id="slash"),
        pytest.param({"command": "persevere"}, "a slash and one word", id="command"),
        pytest.param({"model": "claude"}, "<provider>:<name>", id="model"),
        pytest.param({"alarm_email": "octocat"}, "e-mail", id="e-mail"),
        pytest.param({"settings": ["PERSEVERE_ANTHROPIC_API_KEY=x"]}, "sounds like a secret", id="secret"),
        pytest.param(
            {"settings": [f"PERSEVERE_MODELS={'m' * 200}"] * 12}, "2604 bytes together; AWS has room", id="too much"
        ),
        pytest.param({"settings": ["DAY=20"]}, "PERSEVERE_<NAME>", id="setting of nobody"),
        pytest.param({"architecture": "riscv"}, "x86_64 or arm64", id="machine"),
        pytest.param({"choices": "nowhere.toml"}, "no file", id="no file"),
    ],
)
def test_what_is_no_choice_is_refused_with_words(context: dict[str, Any], words: str) -> None:
    with pytest.raises(BadChoice, match=words.replace("$", r"\$")):
        Choices.read(context)


def test_prices_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    file = tmp_path / "choices.toml"
    file.write_text('prices = "prices.json"\n', "utf-8")
    with pytest.raises(BadChoice, match="a file that exists"):
        Choices.read({}, file)
    (tmp_path / "prices.json").write_text("{}")
    assert Choices.read({}, file).prices == str(tmp_path / "prices.json")


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    file = tmp_path / "choices.toml"
    file.write_text("stack = \n", "utf-8")
    with pytest.raises(BadChoice, match="is no TOML"):
        Choices.read({}, file)


def test_the_same_limits_as_the_settings_that_they_become() -> None:
    chosen = Choices.read({"github_url": "https://github.example.com", "command": "/build", "quiet_s": "7"})
    told = {"PERSEVERE_GITHUB_URL": chosen.github_url, "PERSEVERE_COMMAND": chosen.command, "HOME": "/nowhere"}
    read = settings.read(told | {"PERSEVERE_QUIET_S": str(chosen.quiet_s)})
    assert (read.github_url, read.command, read.quiet_s) == ("https://github.example.com", "/build", 7.0)
