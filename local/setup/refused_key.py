"""What a person does about a proof of the App that GitHub does not take."""

from __future__ import annotations

from shared.github.answers import Refusal

OUT_OF_TIME = ("claim ('exp')", "claim ('iat')")  # what GitHub says of a proof that is not valid yet, or not any more
WRONG_CLOCK = (
    "this machine's clock is wrong: set it (timedatectl set-ntp true); `persevere doctor` says how far it is off"
)


def advice_for(refused: Refusal) -> str:
    """A wrong clock and a deleted App are told apart: another App would help nobody whose clock is wrong."""
    if refused.says(*OUT_OF_TIME):
        return WRONG_CLOCK
    return "was the App deleted, or its key? `persevere init --local --again` makes another; `persevere doctor` looks closer"
