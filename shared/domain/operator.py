"""The operator's choices: defaults and ceilings. A repository may only choose within them."""

from __future__ import annotations

from shared.domain.money import NANO
from shared.domain.shape import Shape


class Offer(Shape):
    """A model that may be chosen, with its price in nano-dollars per token (1,000 are $1.00 per million tokens).

    `smallest_step_nano` is the least that one build step can cost with it: its smallest possible request and answer.
    """

    name: str
    input: int
    output: int
    cached: int = 0
    smallest_step_nano: int = 0


class Operator(Shape):
    """Money in nano-dollars, times in seconds. Defaults hold until the operator sets others. None is `unlimited`.

    `smallest_step_nano` is the least that one build step can cost with `model` (the price of its smallest possible
    request and answer); approval below three of those is refused, since it could not even begin. `models` may be chosen
    by a repository or a person, `offers` says what they cost; `fallbacks` go on, in that order, when a model is out.
    """

    command: str = "/persevere"
    app_id: int = 0
    app_slug: str = "persevere"
    public_url: str | None = None
    model: str = ""
    models: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    fallbacks: tuple[str, ...] = ()
    smallest_step_nano: int = 0
    asking_nano: int = NANO // 2
    asking_repository_day_nano: int | None = 5 * NANO
    job_nano: int = 5 * NANO
    job_seconds: int = 60 * 60
    ceiling_nano: int = 25 * NANO
    ceiling_seconds: int = 3 * 60 * 60
    day_nano: int | None = 20 * NANO
    month_nano: int | None = 50 * NANO
    survey_seconds: int = 10 * 60
    tryout_seconds: int = 5 * 60
    quiet_s: float = 120.0
    approval_open_s: int = 7 * 24 * 3600
    sleep_after_s: int = 7 * 24 * 3600
    rounds: int = 3
    interview_rounds: int = 2
    questions_a_round: int = 4
    jobs_a_repository: int | None = 3
    jobs_an_installation: int | None = 10
    start_deadline_s: int = 300
    model_shown: str = ""
    sandbox_shown: str = ""

    def offer(self, model: str) -> Offer | None:
        return next((each for each in self.offers if each.name == model), None)

    def shown(self, model: str) -> str:
        """A model's name as people read it."""
        return self.model_shown if self.model_shown and model in ("", self.model) else model or self.model

    def smallest_step(self, model: str) -> int:
        """Nano-dollars of the smallest useful step with that model."""
        found = self.offer(model)
        return found.smallest_step_nano if found is not None else self.smallest_step_nano

    def instead_of(self, model: str) -> str:
        """A model of another provider that may be chosen, or "": the first fall-back, else the first of `models`."""
        mine = model.partition(":")[0]
        return next((each for each in (*self.fallbacks, *self.models) if each.partition(":")[0] != mine), "")
