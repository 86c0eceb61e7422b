"""Names and time of one machine."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.clock import SystemClock
from local.ids import SystemIds

NOW = 1_780_000_000_000
times = st.lists(st.integers(NOW, NOW + 3), min_size=2, max_size=40)


@given(times)
def test_names_are_ordered_by_time_and_unique_also_within_a_millisecond(moments: list[int]) -> None:
    ids = SystemIds()
    ulids = [ids.ulid(now) for now in sorted(moments)]
    jobs = [ids.job(now) for now in sorted(moments)]
    assert ulids == sorted(set(ulids))
    assert jobs == sorted(set(jobs))
    assert all(re.fullmatch("[0-7][0-9A-HJKMNP-TV-Z]{25}", ulid) for ulid in ulids)
    assert all(re.fullmatch("[0-9a-hjkmnp-tv-z]{10}", job) for job in jobs)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_a_later_time_sorts_behind_an_earlier_one_in_any_process(a: int, b: int) -> None:
    early, late = sorted((NOW + a, NOW + b + 1))
    if early == late:
        return
    assert SystemIds().ulid(early) < SystemIds().ulid(late)
    assert SystemIds().job(early) < SystemIds().job(late)


def test_a_clock_that_steps_back_gives_no_name_twice() -> None:
    ids = SystemIds()
    names = [ids.job(now) for now in (NOW + 5, NOW, NOW + 5, NOW)]
    assert names == sorted(set(names))


def test_a_ulid_begins_with_its_time() -> None:
    # The example of github.com/ulid/spec: 1469918176385 ms is 01ARYZ6S41.
    assert SystemIds().ulid(1469918176385)[:10] == "01ARYZ6S41"


def test_threads_get_different_names() -> None:
    ids = SystemIds()
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.extend(ids.job(NOW) for _ in range(200))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(names)) == 800


def test_a_secret_has_43_url_safe_characters() -> None:
    found = {SystemIds().secret() for _ in range(50)}
    assert len(found) == 50
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", secret) for secret in found)


@pytest.mark.parametrize("now", [0, 1_704_067_199_999, 1_704_067_200_000 + 2**41])
def test_a_job_outside_of_what_its_name_can_hold_is_refused(now: int) -> None:
    with pytest.raises(ValueError, match=r"does not fit|before"):
        SystemIds().job(now)


def test_a_long_wait_is_refused() -> None:
    clock = SystemClock()
    with pytest.raises(ValueError, match="at most 5 s"):
        clock.wait(5.1)
    before = clock.now()
    clock.wait(0)
    clock.wait(-1)
    clock.wait(0.002)
    assert clock.now() >= before + 1
