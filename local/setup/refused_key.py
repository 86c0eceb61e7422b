"""What a person does about a proof of the App that GitHub does not take."""

from __future__ import annotations

from shared.github.answers import Refusal


def advice_for(refused: Refusal) -> str:
    """A wrong clock and a deleted App are told apart: another App would help nobody whose clock is wrong."""
    if refused.says("claim ('exp')", "claim ('iat')"):
        return "this machine's clock is wrong: set it (timedatectl set-ntp true); `persevere doctor` says how far it is off"
    return "was the App deleted, or its key? `persevere init --local --again` makes another; `persevere doctor` looks closer"
