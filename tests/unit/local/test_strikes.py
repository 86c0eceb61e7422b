"""Who is killed when, by a plan that goes on where a host that it killed has left off."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.strikes import AtRandom, AtStep, Moment, kills_hosts, read_plan, strikes_of
from shared.domain.job import JobState
from shared.domain.people import Repository
from shared.errors import NotConfigured

ROOT = Path(__file__).resolve().parents[3]
JOB = JobState(
    id="1ak31gk6wz", kind="build", issue="ISSUE#1#1", installation_id=1, repository=Repository(id=1, full_name="o/r")
)


def moments(launches: int = 3, requests: int = 40) -> list[Moment]:
    return [Moment(JOB, launch, number, "/v1/begin") for launch in range(1, launches + 1) for number in range(requests)]


def hit(plan: AtRandom | AtStep) -> list[tuple[int, int, object]]:
    return [(each.launch, each.number, strike) for each in moments() if (strike := plan.at(each))]


def plan_of(text: str, done: int = 0, hosts: int = 0) -> AtRandom:
    whom = ["both"] * hosts + ["runner"] * (done - hosts)
    plan = read_plan(text, [{"whom": each} for each in whom])
    assert isinstance(plan, AtRandom)
    return plan


def test_the_same_seed_strikes_the_same_and_only_so_often() -> None:
    first, again, other = (hit(plan_of(text)) for text in ("all:7:5", "all:7:5", "all:8:5"))
    assert first == again != other
    assert len(first) == 5


def test_one_plan_kills_runners_alone_the_other_whoever() -> None:
    assert not kills_hosts("seed:7:50")
    assert kills_hosts("all:7:50")
    assert {strike.whom for *_, strike in hit(plan_of("seed:7:50"))} == {"runner"}  # type: ignore[attr-defined]
    assert {strike.whom for *_, strike in hit(plan_of("all:7:50"))} == {"runner", "host", "both"}  # type: ignore[attr-defined]


def test_a_host_that_is_started_again_has_fewer_left_and_other_moments() -> None:
    """Its count of requests begins again: at the same moments it would die of the same for ever."""
    assert len(hit(plan_of("all:7:5", done=2, hosts=1))) == 3
    assert hit(plan_of("all:7:5", done=5, hosts=2)) == []
    assert hit(plan_of("all:7:50"))[0] != hit(plan_of("all:7:50", done=1, hosts=1))[0]


@pytest.mark.parametrize("text", ["all:7", "every:7:5", "all:x:5", "step:x"])
def test_a_plan_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(NotConfigured):
        read_plan(text, [])


@pytest.mark.parametrize(("whom", "code", "victim"), [("host", -signal.SIGKILL, "the host, "), ("runner", 0, "")])
def test_who_is_struck_is_written_down_before_it_dies(tmp_path: Path, whom: str, code: int, victim: str) -> None:
    task = tmp_path / "tasks" / f"{JOB.id}-1"
    task.mkdir(parents=True)
    program = (
        "import sys; from pathlib import Path; from tests.unit.local.test_strikes import JOB\n"
        "from local.strikes import AtStep, Moment, Striking\n"
        "striking = Striking(lambda event, context: None, AtStep(1), Path(sys.argv[1]))\n"
        f"striking._strike(Moment(JOB, 1, 0, '/v1/begin'), {whom!r}, 'as it sends')"
    )
    with subprocess.Popen(["sleep", "600"]) as runner:
        try:
            (task / "begun.json").write_text(json.dumps({"keeper": 1, "runner": runner.pid}))
            host = [sys.executable, "-c", program, str(tmp_path)]
            ran = subprocess.run(host, check=False, capture_output=True, cwd=ROOT)
            assert ran.returncode == code, ran.stderr
            assert runner.poll() is None if whom == "host" else runner.wait(120) == -signal.SIGKILL
        finally:
            runner.kill()
    (line,) = strikes_of(tmp_path)
    assert (line["whom"], line["what"]) == (whom, f"{victim}build as it sends /v1/begin")
