"""The benches run, and what they say has the shape that is written down. No number of milliseconds is judged here."""

from __future__ import annotations

from bench import gateway, overhead, prompt, survival, webhook


def test_the_overhead_of_a_step_is_measured_on_the_real_door() -> None:
    (found,) = overhead.measure((13,))
    assert found.step == 13
    assert found.cpu > 0
    assert found.disk > 0
    assert found.median <= found.p95


def test_the_webhook_door_answers_in_a_fresh_process_without_heavy_packages() -> None:
    found = webhook.measure(rounds=1)
    assert found.heavy == ()


def test_a_request_begins_with_the_one_before_it_in_every_providers_format() -> None:
    """Between two folds; what a provider's cache can serve again hangs on it."""
    found = gateway.prefixes(20)
    assert [each.provider for each in found] == list(gateway.MODULES)
    assert all(each.lowest >= gateway.PREFIX_GOAL for each in found), found


def test_the_gateway_is_measured_without_the_model() -> None:
    found = gateway.measure(5)
    assert 0 < found.median <= found.p95


def test_the_standing_text_is_within_its_goal() -> None:
    assert prompt.measure().total <= prompt.GOAL


def test_a_checkpoint_and_going_on_are_measured_on_the_real_parts() -> None:
    found = survival.measure(files=40, steps=3, rounds=1, resumes=1)
    assert min(found.unchanged, found.resume) > 0
    assert 0 < found.bundle_bytes < 4_000
