"""The search for leaked secrets finds what it must, wherever it stands, and nothing else."""

import base64
import random

import pytest

from tests.canaries import PIECE, Canaries, forms

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
