"""The operator's choices: defaults and ceilings. A repository may only choose within them."""

from __future__ import annotations

from shared.domain.money import NANO
from shared.domain.shape import Shape


class Operator(Shape):
    """Money in nano-dollars, times in seconds. Defaults hold until the operator sets others.

    `smallest_step_nano` is the least that one build step can cost with `model` (the price of its smallest possible
    request and answer); approval below three of those is refused, since it could not even begin.
    """

    command: str = "/persevere"
    app_id: int = 0
    app_slug: str = "persevere"
    public_url: str | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    smallest_step_nano: int = 0
    asking_nano: int = NANO // 2
    asking_repository_day_nano: int = 5 * NANO
    job_nano: int = 5 * NANO
    job_seconds: int = 60 * 60
    ceiling_nano: int = 25 * NANO
    ceiling_seconds: int = 3 * 60 * 60
    day_nano: int = 20 * NANO
    survey_seconds: int = 10 * 60
    tryout_seconds: int = 5 * 60
    quiet_s: float = 120.0
    approval_open_s: int = 7 * 24 * 3600
    sleep_after_s: int = 7 * 24 * 3600
    rounds: int = 3
    interview_rounds: int = 2
    questions_a_round: int = 4
    jobs_a_repository: int = 3
    jobs_an_installation: int = 10
    start_deadline_s: int = 300
    model_shown: str = ""
    sandbox_shown: str = ""
