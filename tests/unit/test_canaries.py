"""The search for leaked secrets finds what it must, wherever it stands, and nothing else."""

import base64
import random
import sqlite3
from pathlib import Path

import jwt
import pytest

from local.home import DATABASE
from local.keyring import AppFile, Keyring
from shared.domain.tickets import make_ticket
from shared.settings import KEY_NAMES
from tests.canaries import PIECE, Canaries, forms
from tests.e2e.machine import machine
from tests.e2e.watch import PROVIDER_KEYS, leaks_of_kept

SECRET = b"s3cret+/of-forty%characters&that=nobody_knows"
NOISE = random.Random(1).randbytes(5_000)


def canaries() -> Canaries:
    found = Canaries()
    found.add("the key", SECRET)
    return found


@pytest.mark.parametrize("form", [name for name, _ in forms(SECRET)])
@pytest.mark.parametrize("before", range(0, 12, 3))
def test_every_form_is_found_wherever_it_stands(form: str, before: int) -> None:
    text = dict(forms(SECRET))[form]
    assert canaries().find(NOISE[:before] + text + NOISE).startswith("the key")
    assert canaries().find(NOISE + text).startswith("the key")


@pytest.mark.parametrize("before", range(3))
def test_base64_of_something_that_holds_it_is_found(before: int) -> None:
    held = base64.b64encode(b"a" * before + SECRET + b"bc")
    assert canaries().find(b"{" + held + b"}")
    assert canaries().find(base64.urlsafe_b64encode(b"a" * before + SECRET))


def test_every_piece_is_found_and_no_shorter_one_is() -> None:
    for at in range(len(SECRET) - PIECE + 1):
        assert canaries().find(b"x" * at + SECRET[at : at + PIECE] + b"yz")
    assert not canaries().find(b"x" + SECRET[: PIECE - 1] + b"x")


def test_a_pem_is_found_by_any_of_its_lines_but_not_by_what_all_have() -> None:
    lines = [base64.b64encode(NOISE[at : at + 48]).decode() for at in range(0, 480, 48)]
    found = Canaries()
    found.add_pem("the key", "\n".join(["-----BEGIN RSA PRIVATE KEY-----", *lines, "-----END RSA PRIVATE KEY-----"]))
    assert not found.find(b"-----BEGIN RSA PRIVATE KEY-----")
    assert all(found.find(f'"{line}"'.encode()) for line in lines)


def test_noise_holds_nothing() -> None:
    assert canaries().find(NOISE * 20) == ""


@pytest.mark.parametrize(
    "place", ["home/persevere.db", "home/host.log", "home/blobs/a", "home/tasks/b/c", "pages/x.html"]
)
@pytest.mark.parametrize(
    "what",
    [
        "a line of the key",
        "a person's token",
        "a ticket",
        "an installation's token",
        "a JWT",
        "a token's end, reversed",
    ],
)
def test_what_a_trial_that_has_ended_gave_away_is_found(tmp_path: Path, place: str, what: str) -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ"
    person = "gho_" + "a1" * 18
    app = AppFile(1, "persevere", "w" * 40, f"-----BEGIN-----\n{line}\n-----END-----\n", {"octocat": person})
    Keyring(tmp_path / "home").save_app(app)
    secret = {
        "a line of the key": base64.b64encode(line.encode()).decode(),
        "a person's token": person[::-1],
        "a ticket": make_ticket([b"k" * 32], "1ak31gk6wz", 1, 0),
        "an installation's token": "ghs_" + "b2" * 18,
        "a token's end, reversed": ("Zm9y" * 10)[::-1],
        "a JWT": jwt.encode({"iss": "1"}, "k" * 40),
    }[what]
    (tmp_path / "home/github/run-1").mkdir(parents=True)
    (tmp_path / "home/github/run-1/secrets").write_text(f"an installation's token\tghs_1.2.{'Zm9y' * 10}\n")
    for name in ("home/host.log", "home/blobs/a", "home/tasks/b/c", "pages/x.html"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secret if name == place else "nothing")
    with sqlite3.connect(tmp_path / "home" / DATABASE) as database:
        database.execute("create table record (body text)")
        database.execute("insert into record values (?)", (secret if place.endswith(".db") else "nothing",))
    assert len(leaks_of_kept(tmp_path)) >= 1


def test_in_a_trial_that_gave_nothing_away_nothing_is_found(tmp_path: Path) -> None:
    Keyring(tmp_path / "home").save_app(AppFile(1, "persevere", "w" * 40, "", {"octocat": "gho_" + "a1" * 18}))
    (tmp_path / "home" / "host.log").write_text(
        "t1.short ghs_short eyJ a commit 0123456789abcdef0123456789abcdef01234567"
    )
    sqlite3.connect(tmp_path / "home" / DATABASE).close()
    assert leaks_of_kept(tmp_path) == []


def test_a_command_that_a_test_starts_is_told_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else this process holds at the same time."""
    for name in (*PROVIDER_KEYS, *KEY_NAMES.values(), "PERSEVERE_MODEL", "PERSEVERE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "x" * 40)
    assert "x" * 40 not in machine().values()
