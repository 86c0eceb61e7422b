"""A machine whose clock is wrong is told so, and not to make another App."""

from __future__ import annotations

import pytest

from local.setup.init import Choices, init
from shared.errors import NotConfigured
from tests.contract.setup.laptop import Laptop, other_key


@pytest.mark.parametrize("off_s", [-3600, 3600])
def test_a_wrong_clock_is_no_deleted_app(laptop: Laptop, off_s: int) -> None:
    laptop.steering.advance(off_s)
    with pytest.raises(NotConfigured) as caught:
        init(laptop.environment, Choices(browser=False, wait_s=0), json_line=False)
    assert "clock" in caught.value.advice
    assert "--again" not in caught.value.advice


def test_a_key_that_does_not_fit_may_be_that_of_a_deleted_app(laptop: Laptop) -> None:
    laptop.keep_app(private_key=other_key())
    with pytest.raises(NotConfigured) as caught:
        init(laptop.environment, Choices(browser=False, wait_s=0), json_line=False)
    assert "--again" in caught.value.advice


def test_an_app_that_was_deleted_on_github_is_not_waited_for(laptop: Laptop) -> None:
    laptop.keep_app(id=laptop.app["id"] + 1)
    with pytest.raises(NotConfigured, match="does not know the App persevere-laptop") as caught:
        init(laptop.environment, Choices(browser=False, wait_s=3600), json_line=False)
    assert "--again" in caught.value.advice
