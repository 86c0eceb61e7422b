"""The benches run, and what they say has the shape that is written down. No number of milliseconds is judged here."""

from __future__ import annotations

from bench import overhead, prompt, survival, webhook


def test_the_overhead_of_a_step_is_measured_on_the_real_door() -> None:
    (found,) = overhead.measure((13,))
    assert found.step == 13
    assert found.cpu > 0
    assert found.disk > 0
    assert found.median <= found.p95


def test_the_webhook_door_answers_in_a_fresh_process_without_heavy_packages() -> None:
    found = webhook.measure(rounds=1)
    assert found.heavy == ()


def test_the_standing_text_is_within_its_goal() -> None:
    assert prompt.measure().total <= prompt.GOAL


def test_a_checkpoint_and_going_on_are_measured_on_the_real_parts() -> None:
    found = survival.measure(files=40, steps=3, rounds=1, resumes=1)
    assert 0 < found.unchanged < found.resume
    assert 0 < found.bundle_bytes < 4_000
