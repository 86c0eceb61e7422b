"""Each way in which a laptop can be set up wrongly is named, and its fix with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from local.cloud.installation import Installation
from local.doctor.aws_context import CloudContext
from local.doctor.finding import Context, Finding, Named, fail, warn
from local.doctor.run import cloud_checks, doctor, examine
from local.setup.manifest import EVENTS, permissions
from shared.settings import read
from tests.contract.setup.laptop import Laptop, other_key

Spoil = Callable[[Laptop], object]


def set_variable(name: str, value: str) -> Spoil:
    return lambda laptop: laptop.environment.update({name: value})


def installed_with(**more: str) -> Spoil:
    wanted = {name: level for name, level in (permissions() | more).items() if level != "none"}
    return lambda laptop: laptop.steering.configure_installation(laptop.installation["id"], permissions=wanted)


def app_with(**more: str) -> Spoil:
    wanted = {name: level for name, level in (permissions() | more).items() if level != "none"}
    return lambda laptop: laptop.steering.configure_app(laptop.app["id"], permissions=wanted)


def make_repository_of_home(laptop: Laptop) -> None:
    (laptop.directory / ".git").mkdir()


def lose_delivery(laptop: Laptop) -> None:
    laptop.steering.hook(laptop.app["id"], "http://127.0.0.1:9/webhook")
    assert laptop.steering.quiet(wait=45)


def leave_hook(laptop: Laptop) -> None:
    laptop.steering.hook(laptop.app["id"], "http://127.0.0.1:9/webhook")
    (laptop.home / "hook-before.json").write_text('{"url": "https://example.com"}')


def break_database(laptop: Laptop) -> None:
    (laptop.home / "persevere.db").write_bytes(b"this is no database, and never was one" * 100)


ROWS: dict[str, tuple[Spoil, str, str, str, str]] = {
    "no App": (lambda one: one.app_path.unlink(), "app", "FAIL", "no App here", "init --local"),
    "damaged App file": (lambda one: one.app_path.write_text("{"), "app", "FAIL", "damaged", "again"),
    "App of another GitHub": (
        lambda one: one.keep_app(github_url="https://github.com"), "app", "FAIL", "belongs to", "PERSEVERE_GITHUB_URL",
    ),
    "another key": (lambda one: one.keep_app(private_key=other_key()), "key", "FAIL", "refuses the App's key", "new key"),
    "deleted App": (lambda one: one.keep_app(id=1), "key", "FAIL", "knows no such App", "--again"),
    "App file that others read": (lambda one: one.app_path.chmod(0o644), "home", "FAIL", "others may read", "chmod 600"),
    "home that others read": (lambda one: one.home.chmod(0o755), "home", "FAIL", "others may read", "chmod 700"),
    "home where a file is": (set_variable("PERSEVERE_HOME", __file__), "home", "FAIL", "is a file", "PERSEVERE_HOME"),
    "home below a file": (set_variable("PERSEVERE_HOME", f"{__file__}/home"), "home", "FAIL", "is a file", "PERSEVERE_HOME"),
    "home in a repository": (make_repository_of_home, "home", "FAIL", "inside the git repository", "PERSEVERE_HOME"),
    "GitHub is away": (
        set_variable("PERSEVERE_GITHUB_URL", "http://127.0.0.1:9"), "github", "FAIL", "does not answer", "network",
    ),
    "clock is far behind": (
        lambda one: one.steering.advance(300), "clock", "FAIL", "behind GitHub's", "timedatectl",
    ),
    "clock is somewhat ahead": (lambda one: one.steering.advance(-20), "clock", "warn", "ahead of", "timedatectl"),
    "App asks for too little": (app_with(checks="none"), "permissions", "FAIL", "checks: write", "/permissions"),
    "App asks for too much": (app_with(workflows="write"), "permissions", "warn", "workflows", "take that away"),
    "permission not accepted": (
        installed_with(checks="none"), "installation", "FAIL", "octo-org has not granted checks: write", "accepts it at",
    ),
    "permission too low": (installed_with(contents="read"), "installation", "FAIL", "contents: write", "accepts it at"),
    "not installed": (
        lambda one: one.steering.uninstall(one.installation["id"]), "installation", "FAIL", "anywhere", "install it",
    ),
    "suspended": (
        lambda one: one.steering.configure_installation(one.installation["id"], suspended=True),
        "installation", "warn", "suspended", "unsuspend",
    ),
    "no repository chosen": (
        lambda one: one.steering.configure_installation(one.installation["id"], remove=["octo-repo"]),
        "installation", "warn", "no repository", "choose some",
    ),
    "events not subscribed": (
        lambda one: one.steering.configure_app(one.app["id"], events=[each for each in EVENTS if each != "issues"]),
        "events", "warn", "issues", "tick them",
    ),
    "webhook left behind": (leave_hook, "webhook", "warn", "still points at", "persevere up"),
    "deliveries failed": (lose_delivery, "deliveries", "warn", "could not be handed over", "tunnel"),
    "sandbox that is none": (set_variable("PERSEVERE_SANDBOX", "none"), "sandbox", "warn", "none", "bubblewrap"),
    "sandbox that is not here": (set_variable("PERSEVERE_SANDBOX", "nonsense"), "sandbox", "FAIL", "nonsense", "set PERSEVERE_SANDBOX to"),
    "name that no setting has": (set_variable("PERSEVERE_DAYY", "5"), "settings", "warn", "PERSEVERE_DAYY", "write PERSEVERE_DAY,"),
    "unknown price": (set_variable("PERSEVERE_MODEL", "nobody:nothing"), "model", "FAIL", "nobody", ""),
    "damaged table": (break_database, "store", "FAIL", "damaged", "move"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_it_is_named_with_its_fix(laptop: Laptop, name: str) -> None:
    spoil, check, level, what, fix = ROWS[name]
    spoil(laptop)
    said = laptop.findings(check)
    found = [each for each in said.get(check, ()) if each.level == level]
    assert any(what in each.what and fix in each.fix for each in found), said


def test_where_something_fails_it_says_what_could_not_be_looked_at(
    laptop: Laptop, capsys: pytest.CaptureFixture[str]
) -> None:
    laptop.environment["PERSEVERE_GITHUB_URL"] = "http://127.0.0.1:9"
    assert doctor(laptop.environment, json_line=False) == 1
    said = capsys.readouterr().out
    assert "Nothing to look at yet for: " in said
    assert "installation" in said


def test_behind_a_gate_that_failed_nothing_is_looked_at(laptop: Laptop) -> None:
    context = Context(read(laptop.environment), laptop.environment)
    behind = Named("behind", lambda _: fail("was looked at", "do not"))
    for found, names in ((fail("no", "open it"), ["gate"]), (warn("so so", "open it"), ["gate", "behind"])):
        gate = Named("gate", partial(_found, found), gate=True)
        assert [name for name, _ in examine(context, (gate, behind))] == names


def _found(finding: Finding, _: Context) -> Finding:
    return finding


def test_a_good_set_up_has_nothing_to_complain_of(laptop: Laptop) -> None:
    found = laptop.findings()
    assert {each.level for name, rows in found.items() if name != "model" for each in rows} == {"ok"}, found
    assert "octo-org/octo-repo" in found["installation"][0].what


class Stack(Installation):
    """An installation on AWS of the laptop's App."""

    def __init__(self, laptop: Laptop) -> None:
        super().__init__("Second", "us-east-1", environment={})
        self._laptop = laptop

    def ask(self, service: str, operation: str, **about: Any) -> dict[str, Any]:
        match service, operation:
            case "cloudformation", "describe_stacks":
                return {"Stacks": [{"Outputs": [{"OutputKey": "AppSecretArn", "OutputValue": "arn:of:the:App"}]}]}
            case "secretsmanager", "get_secret_value":
                return {"SecretString": json.dumps(self._laptop.app_file())}
            case "lambda", "get_function_configuration":
                told = {"PERSEVERE_GITHUB_URL": self._laptop.environment["PERSEVERE_GITHUB_URL"]}
                return {"Environment": {"Variables": told}}
            case _:
                raise AssertionError(f"{service} {operation} was not expected")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        pytest.param("another key", "arn:of:the:App", id="another key"),
        pytest.param("deleted App", "persevere init --aws --again", id="deleted App"),
        pytest.param("deliveries failed", "aws logs tail /aws/lambda/Second-github_webhook", id="deliveries failed"),
    ],
)
def test_of_an_installation_on_aws_the_fix_is_one_for_there(laptop: Laptop, name: str, fix: str) -> None:
    spoil, check, level, what, _ = ROWS[name]
    spoil(laptop)
    context = CloudContext.of({}, Stack(laptop))
    (found,) = [each for _, each in examine(context, [each for each in cloud_checks() if each.name == check])]
    assert (found.level, what in found.what, fix in found.fix) == (level, True, True), found
    assert "--local" not in found.fix
    assert "persevere up" not in found.fix


def test_a_home_that_one_may_not_write_is_named(laptop: Laptop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who runs the tests may write everywhere, where that is root."""
    laptop.environment["PERSEVERE_HOME"] = str(laptop.directory / "not" / "there" / "yet")
    monkeypatch.setattr("local.doctor.machine.os.access", lambda path, mode: path != laptop.directory)
    (found,) = laptop.findings("home")["home"]
    assert (found.level, found.what) == ("FAIL", f"you may not write {laptop.directory}")
