"""Ceilings above one job: set aside before it starts, given back when it is over, and over them everything waits in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import keys
from shared.domain.ledger import Ledger
from shared.domain.money import NANO
from shared.domain.record import ANY, Delete, Put, Record
from shared.domain.usage import ALL, Purse, Waiter, day_of, line_key, renews, room, scopes
from shared.ports import Conflict
from tests.unit.domain.places import at
from tests.unit.domain.world_in_memory import OCTOCAT, PK, World

DAY_MS = 24 * 3600 * 1000


def limited(world: World, **fields: int | None) -> World:
    world.operator = world.operator.model_copy(update=fields)
    return world


def others_take(world: World, nano: int, per: str = "day", name: str = "other") -> None:
    """Some other job has set that much aside."""
    pk = next(pk for each, pk, _ in scopes(world.operator, 5, 7, day_of(world.now)) if each == per)
    world.store.commit(Put(Record(line_key(pk, name), "usage", {"nano": nano}), ANY))


def others_run(world: World, number: int, repository: int = 7) -> None:
    for each in range(number):
        job = f"a{each:09d}"
        body = {"job": job, "issue": "ISSUE#7#9", "repository": repository, "kind": "build"}
        world.store.commit(Put(Record(keys.active(5, job), "active", body), ANY))


def counted(world: World, per: str = "day") -> dict[str, int]:
    return dict(world.view().purses[per].taken)  # type: ignore[index]


def asked(world: World, per: str) -> int:
    """What the issue's asking counts, of all days that the ceiling looks at."""
    return sum(nano for name, nano in counted(world, per).items() if name.startswith("ask-7-42"))


def approve(world: World) -> World:
    assert world.says(OCTOCAT, "/persevere approve v1") == "executed"
    world.settle()
    return world


@pytest.fixture
def quiet_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Active records of other issues are no breach of this one's rules."""
    from tests.unit.domain import rules

    monkeypatch.setattr(rules, "one_active_job", lambda after, issue: None)


@pytest.mark.parametrize("per", ["day", "month"])
def test_a_job_sets_aside_what_it_may_spend_and_counts_what_it_spent(per: str) -> None:
    world = approve(at("proposed"))
    job = world.issue.job
    assert job is not None
    assert counted(world, per)[job] == 5 * NANO
    world.claims()
    world.spends(NANO)
    world.hands_over()
    assert counted(world, per)[job] == NANO, "the rest is free for others"


def test_over_the_days_money_a_job_is_queued_in_words_and_goes_on_when_there_is_room() -> None:
    world = at("proposed")
    others_take(world, 16 * NANO)
    approve(world)
    job = world.job()
    assert job.status == "queued"
    assert job.reason.startswith("$16.00 of today's $20.00 is spent or set aside")
    assert "may need $5.00" in job.reason
    assert all(each.data["job"] != job.id for each in world.effects("start_task", still_open=False))
    assert job.id not in counted(world)
    world.rings("queue")
    assert world.job().status == "queued"
    others_take(world, 15 * NANO)
    world.rings("queue")
    assert world.job().status == "launching"


def test_over_the_days_money_it_goes_on_the_next_day_by_itself() -> None:
    world = at("proposed")
    others_take(world, 20 * NANO)
    approve(world)
    for _ in range(24 * 6 + 1):
        if world.job().status != "queued":
            break
        world.rings("queue")
    assert world.job().status == "launching"
    assert world.now % DAY_MS < 10 * 60_000, "at midnight, not before"


def test_the_months_money_holds_where_the_days_is_unlimited() -> None:
    world = limited(at("proposed"), day_nano=None)
    others_take(world, 48 * NANO, "month")
    approve(world)
    assert "of this month's $50.00" in world.job().reason
    world = limited(at("proposed"), day_nano=None, month_nano=None)
    approve(world)
    assert world.job().status == "launching"


def test_a_second_round_needs_room_again_and_says_so() -> None:
    world = at("verifying")
    others_take(world, 18 * NANO)
    world.verifies(AC_2="fail")
    job = world.job()
    assert (job.kind, job.status, world.issue.phase) == ("build", "queued", "building")
    assert "today's $20.00" in job.reason


def test_a_budget_above_a_whole_ceiling_is_refused_and_not_queued_for_ever() -> None:
    world = limited(at("proposed"), day_nano=4 * NANO)
    assert world.says(OCTOCAT, "/persevere approve v1") == "refused: above_ceiling"
    message = world.message("above_ceiling")
    assert (message["asked"], message["ceiling"], message["per"]) == ("$5.00", "$4.00", "a day")
    assert message["line"] == "/persevere revise budget $4.00"


def test_extending_a_job_at_work_sets_more_aside_or_is_refused() -> None:
    world = at("building")
    job = world.issue.job
    assert job is not None
    assert world.says(OCTOCAT, "/persevere extend +$2") == "executed"
    assert counted(world)[job] == 7 * NANO
    others_take(world, 12 * NANO)
    assert world.says(OCTOCAT, "/persevere extend +$2") == "refused: above the ceiling"
    assert world.message("above_ceiling")["per"] == "a day"
    assert counted(world)[job] == 7 * NANO


def counted_on(world: World, day: str) -> dict[str, int]:
    pk = keys.usage_pk(day, ALL)
    return {each.key.sk.removeprefix("JOB#"): each.body["nano"] for each in world.records(pk, "JOB#")}


def test_a_job_that_is_extended_after_midnight_counts_today_what_it_may_still_spend() -> None:
    """The day before may be full by then: nothing is added to it, and nothing of today goes uncounted."""
    world = at("building")
    job, first = world.issue.job, day_of(world.now)
    assert job is not None
    others_take(world, 15 * NANO)
    world.spends(NANO)
    world.now += DAY_MS
    others_take(world, 14 * NANO + 1)
    assert world.says(OCTOCAT, "/persevere extend +$2") == "refused: above the ceiling", "6 and 14 are above 20"
    assert counted_on(world, first)[job] == 5 * NANO
    others_take(world, 14 * NANO)
    assert world.says(OCTOCAT, "/persevere extend +$2") == "executed"
    assert sum(counted(world).values()) == 20 * NANO
    assert counted_on(world, first)[job] == NANO
    assert counted(world, "month")[job] == NANO
    assert sum(counted(world, "month").values()) == 7 * NANO, "a month knows of both days"
    assert world.says(OCTOCAT, "/persevere extend +$1") == "refused: above the ceiling"
    world.spends(3 * NANO)
    world.hands_over()
    assert counted_on(world, first)[job] == NANO
    assert sum(counted(world).values()) - 14 * NANO == 3 * NANO
    assert sum(counted(world, "month").values()) == 4 * NANO


def test_a_job_of_a_repository_that_was_moved_is_extended_under_the_month_that_it_counts_in() -> None:
    world = at("building")
    world.issue_changes(installation_id=6)
    pk = keys.usage_pk(day_of(world.now)[:7], "I5")
    world.store.commit(Put(Record(line_key(pk, "other"), "usage", {"nano": 44 * NANO}), ANY))
    assert world.says(OCTOCAT, "/persevere extend +$2") == "refused: above the ceiling"
    assert world.message("above_ceiling")["per"] == "a month"
    assert world.says(OCTOCAT, "/persevere extend +$1") == "executed"
    assert sum(each.body["nano"] for each in world.records(pk, "JOB#")) == 50 * NANO


def test_a_job_that_was_never_launched_counts_nothing() -> None:
    world = at("proposed")
    others_take(world, 20 * NANO)
    approve(world)
    world.says(OCTOCAT, "/persevere stop")
    assert counted(world) == {"other": 20 * NANO, f"ask-7-42-{day_of(world.now)}-5": 0}


def test_what_is_still_held_counts_when_a_job_is_stopped() -> None:
    world = at("building")
    key = keys.ledger(PK, 1)
    record = world.store.get(key)
    assert record is not None
    ledger = Ledger.model_validate(record.body)
    held = ledger.model_copy(update={"spent_nano": NANO, "holds": {"x/1/1": NANO // 2}})
    world.store.commit(Put(Record(key, "ledger", held.model_dump(mode="json")), ANY))
    job = world.issue.job
    assert job is not None
    world.says(OCTOCAT, "/persevere stop")
    assert counted(world)[job] == NANO * 3 // 2


# --- who waits longer comes first --------------------------------------------------------------------------------


def other_waits(world: World, nano: int, name: str = "older", looked: int | None = None, **fields: object) -> None:
    """Some other job found no room an hour ago, and looked again just now."""
    known = {"name": name, "pk": "ISSUE#8#1", "per": "day", "nano": nano, "since": world.now - 3_600_000, "installation": 5,
             "repository": 8, "looked": world.now if looked is None else looked}  # fmt: skip
    waiter = Waiter.model_validate(known | fields)
    world.store.commit(Put(Record(keys.waiting(name), "waiter", waiter.model_dump(mode="json")), ANY))


def others_work_on(world: World, nano: int, name: str = "running") -> None:
    """Some other job is at work, and may give back what it does not need."""
    pk = scopes(world.operator, 5, 7, day_of(world.now))[0][1]
    world.store.commit(Put(Record(line_key(pk, name), "usage", {"nano": nano, "at_work": True}), ANY))


def waiting(world: World) -> list[str]:
    return [each.name for each in world.view().waiters]


def test_a_small_job_does_not_pass_a_large_one_that_waits_and_hears_why() -> None:
    world = at("proposed")
    others_work_on(world, 10 * NANO)
    other_waits(world, 12 * NANO)
    approve(world)
    job = world.job()
    assert job.status == "queued"
    assert job.reason == (
        "$10.00 of today's $20.00 is spent or set aside, $12.00 is kept for what has waited longer, and this may need $5.00"
    )
    world.store.commit(Delete(keys.waiting("older"), ANY))  # it has begun, or was stopped
    world.rings("queue")
    assert world.job().status == "launching"


def test_what_fits_beside_the_one_that_waits_need_not_wait() -> None:
    world = at("proposed")
    others_work_on(world, 10 * NANO)
    other_waits(world, 5 * NANO)
    assert approve(world).job().status == "launching"


@pytest.mark.parametrize("why", ["spent", "gone", "elsewhere", "for the month", "younger"])
def test_nobody_waits_for_who_cannot_come(why: str) -> None:
    world = at("proposed")
    if why == "spent":
        others_take(world, 10 * NANO)
        other_waits(world, 12 * NANO)
    elif why == "gone":
        others_work_on(world, 10 * NANO)
        other_waits(world, 12 * NANO, looked=world.now - 3_600_000)
    elif why == "elsewhere":
        limited(world, day_nano=None)
        other_waits(world, 48 * NANO, installation=6, per="month")
    elif why == "for the month":
        others_work_on(world, 10 * NANO)
        other_waits(world, 12 * NANO, installation=6, per="month")
    else:
        others_take(world, 16 * NANO)
        approve(world)
        others_take(world, 10 * NANO)
        others_work_on(world, 0)
        other_waits(world, 10 * NANO, since=world.now)
        world.rings("queue")
        assert world.job().status == "launching"
        return
    assert approve(world).job().status == "launching"


def test_a_place_among_those_who_wait_is_kept_and_left_when_it_begins_or_stops() -> None:
    world = at("proposed")
    others_take(world, 16 * NANO)
    approve(world)
    job = world.issue.job
    assert waiting(world) == [job]
    (first,) = world.view().waiters
    world.rings("queue")
    (again,) = world.view().waiters
    assert again.since == first.since < again.looked
    stopped = world.fork()
    stopped.says(OCTOCAT, "/persevere stop")
    assert waiting(stopped) == []
    others_take(world, 0)
    world.rings("queue")
    assert world.job().status == "launching"
    assert waiting(world) == []


def test_asking_waits_in_the_same_order_and_leaves_its_place() -> None:
    world = reading()
    others_work_on(world, 10 * NANO)
    other_waits(world, 10 * NANO)
    world.surveys()
    assert "kept for what has waited longer" in world.issue.queued
    assert waiting(world) == ["older", "ask-7-42"]
    world.store.commit(Delete(keys.waiting("older"), ANY))
    world.rings("queue")
    assert world.issue.planning
    assert waiting(world) == []


def test_asking_that_is_dropped_leaves_its_place_to_its_own_build() -> None:
    """A change of nothing but money needs no planner: what the planner wanted is kept for nobody any more."""
    world = at("proposed")
    others_work_on(world, 20 * NANO)
    world.says(OCTOCAT, "/persevere revise more tests")
    assert world.issue.queued
    assert waiting(world) == ["ask-7-42"]
    world.says(OCTOCAT, "/persevere revise budget $5")
    assert (world.issue.queued, "queue" in world.issue.deadlines) == ("", False)
    assert waiting(world) == []
    world.settle()
    world.claims()
    world.surveys()
    world.settle()
    others_take(world, 14_800_000_000, name="running")
    assert world.says(OCTOCAT, "/persevere approve v2") == "executed"
    assert world.job().status == "launching"


def test_a_place_that_asking_left_behind_is_taken_away_once_the_issue_asks_no_more() -> None:
    world = at("building")
    world.issue_changes(queued="$20.00 of today's $20.00 is spent or set aside")
    other_waits(world, NANO // 2, "ask-7-42", pk=PK, asking=True)
    world.says(OCTOCAT, "/persevere extend +$2")
    assert waiting(world) == []


def test_a_job_at_work_is_extended_whoever_waits() -> None:
    world = at("building")
    other_waits(world, 20 * NANO)
    assert world.says(OCTOCAT, "/persevere extend +$2") == "executed"


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    work=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=5),
)
def test_the_oldest_waits_for_nobody_who_waits(sizes: list[int], work: list[tuple[int, bool]]) -> None:
    """Once the ceiling renews, those who wait get in one after the other, oldest first: no deadlock, nobody for ever."""
    waiters = tuple(
        Waiter(name=f"w{at}", pk="-", per="day", nano=nano, since=at, looked=100, installation=5, repository=7)
        for at, nano in enumerate(sizes)
    )
    taken = {f"r{at}": nano for at, (nano, _) in enumerate(work)}
    at_work = frozenset(f"r{at}" for at, (_, open_still) in enumerate(work) if open_still)
    now = Purse("day", "pk", 20, taken, at_work, waiters)
    assert now.kept_for_others("w0", 100) == 0
    assert now.kept_for_others("new", 100) <= 20
    for first in range(len(waiters)):
        renewed = Purse("day", "pk", 20, {}, frozenset(), waiters[first:])
        assert room({"day": renewed}, ("day",), f"w{first}", sizes[first], 100) is None


# --- asking --------------------------------------------------------------------------------------------------


def reading() -> World:
    world = at("idle")
    world.says(OCTOCAT, "/persevere")
    world.settle()
    world.claims()
    return world


@pytest.mark.parametrize("per", ["asking", "day", "month"])
def test_asking_waits_for_room_and_begins_by_itself(per: str) -> None:
    world = limited(reading(), asking_repository_day_nano=5 * NANO, day_nano=5 * NANO, month_nano=5 * NANO)
    others_take(world, 5 * NANO - NANO // 4, per)
    world.surveys()
    issue = world.issue
    assert (issue.phase, issue.planning) == ("interviewing", "")
    assert issue.queued.startswith("$4.75 of ")
    assert "may need $0.50" in issue.queued
    assert not world.effects("start_planner", still_open=False)
    others_take(world, 0, per)
    world.rings("queue")
    assert world.issue.planning
    assert world.issue.queued == ""
    assert asked(world, per) == NANO // 2


def test_asking_that_waits_can_be_stopped() -> None:
    world = reading()
    others_take(world, 5 * NANO, "asking")
    world.surveys()
    assert world.says(OCTOCAT, "/persevere stop") == "executed"
    assert (world.issue.phase, world.issue.queued) == ("stopped", "")


def test_asking_counts_what_it_spent_when_the_planner_has_answered() -> None:
    world = reading()
    world.surveys()
    world.settle()
    record = world.store.get(keys.ask_ledger(PK))
    assert record is not None
    spent = Ledger.model_validate(record.body).model_copy(update={"spent_nano": NANO // 10})
    world.store.commit(Put(Record(record.key, "ledger", spent.model_dump(mode="json")), ANY))
    assert asked(world, "asking") == NANO // 2
    world.plans()
    assert asked(world, "asking") == NANO // 10


def planned_with(world: World, **fields: object) -> None:
    """What the planner's gateway did to the allowance."""
    record = world.store.get(keys.ask_ledger(PK))
    assert record is not None
    ledger = Ledger.model_validate(record.body).model_copy(update=fields)
    world.store.commit(Put(Record(record.key, "ledger", ledger.model_dump(mode="json")), ANY))


def test_asking_that_is_stopped_counts_what_it_spent_and_what_an_answer_under_way_may_cost() -> None:
    world = reading()
    world.surveys()
    world.settle()
    planned_with(world, spent_nano=NANO // 10, holds={"e/1/1": NANO // 10})
    world.says(OCTOCAT, "/persevere stop")
    assert asked(world, "asking") == NANO // 5
    planned_with(world, spent_nano=NANO * 15 // 100, holds={})
    assert world.plans(spent_nano=NANO * 15 // 100).startswith("thrown away")
    assert asked(world, "asking") == NANO * 15 // 100


def test_a_stop_that_read_an_old_allowance_is_decided_anew() -> None:
    """The planner's hold and the stop cannot pass each other."""
    world = reading()
    world.surveys()
    world.settle()
    key = keys.inbound(PK, world.now, "z" * 26)
    command = {"kind": "command", "received": world.now, "sender": OCTOCAT.model_dump(), "number": 42,
               "data": {"verb": "stop", "arguments": "", "rest": "", "issue_state": "open"}}  # fmt: skip
    world.store.commit(Put(Record(key, "inbound", command, due=world.now), ANY))
    decision = world.decide(key)
    planned_with(world, holds={"e/1/1": NANO // 10})
    with pytest.raises(Conflict):
        world.store.commit(*decision.changes)


def test_the_month_knows_what_asking_spent_on_its_earlier_days() -> None:
    world = reading()
    world.surveys()
    world.settle()
    planned_with(world, spent_nano=NANO * 3 // 10)
    world.says(OCTOCAT, "/persevere stop")
    world.now += DAY_MS
    world.says(OCTOCAT, "/persevere resume")
    assert world.issue.planning
    assert (asked(world, "asking"), asked(world, "month")) == (NANO // 5, NANO // 2)
    planned_with(world, spent_nano=NANO * 4 // 10)
    world.says(OCTOCAT, "/persevere stop")
    assert (asked(world, "asking"), asked(world, "month")) == (NANO // 10, NANO * 4 // 10)


def test_asking_over_midnight_gives_the_day_before_what_it_spent_on_it_and_no_more() -> None:
    world = reading()
    world.surveys()
    world.settle()
    planned_with(world, spent_nano=NANO // 10)
    world.now += DAY_MS
    world.rings("planner")
    assert world.issue.planning
    assert (asked(world, "asking"), asked(world, "month")) == (NANO * 4 // 10, NANO // 2)
    assert sum(
        nano for name, nano in counted(world, "month").items() if name in world.view().purses["month"].at_work
    ) == (NANO * 4 // 10)


def test_asking_that_was_begun_by_an_older_version_keeps_the_line_of_that_day() -> None:
    world = reading()
    others_take(world, NANO // 2, "asking", "ask-7-42")
    world.issue_changes(asking_charge={"day": day_of(world.now), "before": 0, "nano": NANO // 2})
    world.surveys()
    world.settle()
    world.plans()
    assert counted(world, "asking") == {"ask-7-42": 0}


@pytest.mark.parametrize(("yesterday", "kept"), [(4, 5), (6, 0)])
def test_asking_that_waits_will_have_todays_line_again_and_no_earlier_one(yesterday: int, kept: int) -> None:
    """What it spent today is part of what it wants; what it spent before is gone, and may leave no room for it."""
    waits = Waiter(name="ask-7-42", line="ask-7-42-2026-11-24-5", pk=PK, per="month", nano=5, since=0, looked=100,
                   installation=5, repository=7, asking=True)  # fmt: skip
    taken = {"ask-7-42-2026-11-23-5": yesterday, "ask-7-42-2026-11-24-5": 3}
    assert Purse("month", "pk", 10, taken, waiting=(waits,)).kept_for_others("new", 100) == kept


def test_an_answer_to_an_earlier_ask_leaves_alone_what_the_newer_one_set_aside() -> None:
    world = reading()
    world.surveys()
    world.settle()
    first = world.effects("start_planner", still_open=False)[0]
    world.rings("planner")
    planned_with(world, spent_nano=NANO // 10)
    assert world.plans(first.id, spent_nano=NANO // 10).startswith("thrown away")
    assert asked(world, "asking") == NANO // 2


@pytest.mark.parametrize(("per", "field"), [("day", "day_nano"), ("month", "month_nano")])
def test_a_ceiling_that_is_set_in_the_middle_knows_what_was_spent_before(per: str, field: str) -> None:
    world = limited(at("proposed"), **{field: None})
    approve(world)
    world.claims()
    world.spends(NANO)
    world.hands_over()
    limited(world, **{field: 2 * NANO})
    assert sum(counted(world, per).values()) == NANO


# --- a repository that is moved to another installation ------------------------------------------------------


def month_lines(world: World, installation: int) -> list[tuple[str, int, bool]]:
    """Name, nano-dollars and whether it is at work: what counts under the month's ceiling of an installation."""
    pk = keys.usage_pk(day_of(world.now)[:7], f"I{installation}")
    return [(each.key.sk, each.body["nano"], each.body["at_work"]) for each in world.records(pk, "JOB#")]


@pytest.mark.parametrize("older", [False, True], ids=["", "set aside by an older version"])
def test_a_job_counts_to_its_end_where_it_was_set_aside(older: bool) -> None:
    world = at("building")
    job = world.job()
    if older:
        key = keys.job_state(job.id)
        record = world.store.get(key)
        assert record is not None and job.charge is not None
        charge = {"day": job.charge.day, "before": 0, "nano": job.charge.nano}
        world.store.commit(Put(Record(key, "job", record.body | {"charge": charge}), ANY))
    world.issue_changes(installation_id=6)
    assert world.says(OCTOCAT, "/persevere extend +$2") == "executed"
    assert (f"JOB#{job.id}", 7 * NANO, True) in month_lines(world, 5)
    world.spends(NANO)
    world.hands_over()
    assert (f"JOB#{job.id}", NANO, False) in month_lines(world, 5)
    assert month_lines(world, 6) == []


def test_asking_counts_where_it_was_set_aside_and_sets_aside_anew_where_it_is_now() -> None:
    world = reading()
    world.surveys()
    world.settle()
    planned_with(world, spent_nano=NANO // 10)
    world.issue_changes(installation_id=6)
    world.rings("planner")
    day = day_of(world.now)
    assert month_lines(world, 5) == [(f"JOB#ask-7-42-{day}-5", NANO // 10, False)]
    assert month_lines(world, 6) == [(f"JOB#ask-7-42-{day}-6", NANO * 4 // 10, True)]
    assert (asked(world, "day"), asked(world, "asking")) == (NANO // 2, NANO // 2)
    world.plans()
    assert month_lines(world, 6) == [(f"JOB#ask-7-42-{day}-6", 0, False)]


def test_asking_that_was_moved_away_and_back_on_one_day_keeps_what_it_had_spent() -> None:
    world = reading()
    world.surveys()
    world.settle()
    planned_with(world, spent_nano=NANO // 10)
    world.issue_changes(installation_id=6)
    world.rings("planner")
    planned_with(world, spent_nano=NANO * 2 // 10)
    world.issue_changes(installation_id=5)
    world.rings("planner")
    assert world.issue.planning
    assert sum(nano for _, nano, _ in month_lines(world, 5)) == NANO * 4 // 10
    assert sum(nano for _, nano, _ in month_lines(world, 6)) == NANO // 10
    assert (asked(world, "day"), asked(world, "asking")) == (NANO // 2, NANO // 2)
    world.plans()
    assert (asked(world, "day"), asked(world, "asking")) == (NANO * 2 // 10, NANO * 2 // 10)


# --- jobs at once --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quiet_rules")
@pytest.mark.parametrize(
    ("number", "repository", "words"),
    [
        (3, 7, "3 jobs are ahead in this repository, and 3 run at once"),
        (10, 8, "10 jobs are ahead here, and 10 run at once"),
        (2, 7, ""),
        (9, 8, ""),
    ],
)
def test_jobs_at_once(number: int, repository: int, words: str) -> None:
    world = at("proposed")
    others_run(world, number, repository)
    approve(world)
    assert (world.job().status, world.job().reason) == (("queued", words) if words else ("launching", ""))


@pytest.mark.usefixtures("quiet_rules")
def test_unlimited_is_no_limit() -> None:
    world = limited(at("proposed"), jobs_a_repository=None, jobs_an_installation=None)
    others_run(world, 50)
    assert approve(world).job().status == "launching"


def test_two_that_read_the_same_sum_cannot_both_pass() -> None:
    """Each of two decisions sees room for one; the gate lets the second see the first."""
    world = at("proposed")
    others_take(world, 14 * NANO)
    key = keys.inbound(PK, world.now, "z" * 26)
    command = {"kind": "command", "received": world.now, "sender": OCTOCAT.model_dump(), "number": 42,
               "data": {"verb": "approve", "arguments": "v1", "rest": "", "issue_state": "open"}}  # fmt: skip
    world.store.commit(Put(Record(key, "inbound", command, due=world.now), ANY))
    first = world.decide(key)
    assert any(change.key == keys.gate("5") for change in first.changes)
    other = world.fork()
    neighbour = Record(keys.gate("5"), "gate", {"at": world.now})
    other.store.commit(Put(neighbour, ANY))
    with pytest.raises(Conflict):
        other.store.commit(*first.changes)
    world.store.commit(*first.changes)


@pytest.mark.parametrize(("taken", "nano", "fits"), [(0, 30, True), (1, 30, False), (15, 5, True), (16, 5, False)])
def test_more_than_a_whole_ceiling_asks_for_all_of_it(taken: int, nano: int, fits: bool) -> None:
    purse = Purse("day", "pk", 20, {"a": taken, "me": 99})
    assert (room({"day": purse}, ("day",), "me", nano, 0) is None) == fits


def test_when_a_ceiling_begins_anew() -> None:
    dec31 = 1_798_718_400_000 + 3_600_000  # 31 Dec 2026 13:00 UTC
    assert day_of(dec31) == "2026-12-31"
    assert day_of(renews("day", dec31)) == day_of(renews("month", dec31)) == "2027-01-01"
    assert day_of(renews("month", dec31 - 20 * DAY_MS)) == "2027-01-01"
