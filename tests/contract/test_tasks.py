"""What every `Tasks` does; and what a subprocess one owes to a killed host, a stubborn runner and its orphans."""

import fcntl
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from local.clock import SystemClock
from local.tasks import KEPT_MS, SubprocessTasks
from local.trial.processes import stop_runners
from shared.aws.tasks import EcsTasks, Place
from shared.errors import Final
from shared.ports import Task, Tasks
from tests.contract.manual_clock import ManualClock
from tests.emulator import REGION

API = "http://127.0.0.1:1"
PATIENCE_S = 300.0


# What a runner may be like; each a program of its own for `python -c`.
PROGRAMS = {
    "ends": "raise SystemExit(0)",
    "fails": "raise SystemExit(3)",
    "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "waits": """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(600)
""",
    "stubborn": """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print("ready", flush=True)
while True:
    time.sleep(600)
""",
    "tells": """
import json, os, sys
told = {"env": dict(os.environ), "argv": sys.argv, "sid": os.getsid(0), "pid": os.getpid(), "stdin": sys.stdin.read()}
print(json.dumps(told))
""",
    "litters": """
import os, subprocess, sys, tempfile
open(os.path.join(tempfile.gettempdir(), "left"), "w").close()
daemon = "import subprocess; print(subprocess.Popen(['sleep', '600'], start_new_session=True).pid, flush=True)"
exec(daemon)
subprocess.run([sys.executable, "-c", daemon])
""",
}


class World(Protocol):
    """One implementation, and the programs that it can be told to run."""

    def tasks(self, program: str) -> Tasks:
        """Opened again, as by another process. Programs: `ends` (at once), `waits` (until asked to leave)."""


class SubprocessWorld:
    def __init__(self, home: Path) -> None:
        self.home = home

    def tasks(self, program: str, grace_s: float = 30.0, **more: object) -> SubprocessTasks:
        command = (sys.executable, "-c", PROGRAMS[program])
        return SubprocessTasks(self.home, API, SystemClock(), command=command, grace_s=grace_s, **more)  # type: ignore[arg-type]

    def close(self) -> None:
        """Leave no process behind, whatever the test did."""
        tasks = self.tasks("ends")
        starters = {json.loads(asked.read_text())["started_by"] for asked in self.home.glob("tasks/*/task.json")}
        for started_by in starters:
            tasks.stop(started_by, "the test is over")
        until(lambda: all(task.state == "stopped" for each in starters for task in tasks.list(each)), "all gone")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def local(home: Path) -> Iterator[SubprocessWorld]:
    world = SubprocessWorld(home)
    yield world
    world.close()


class EcsWorld:
    """A cluster of somebody who runs nothing: what a program would have done, the test does (`ends`), by ECS's own call.

    Both run a task at once and know no clientToken; what follows from that alone is left out by `HOLES`.
    """

    HOLES: ClassVar = {"another starter's token": "neither moto nor the emulator knows clientToken of RunTask"}

    def __init__(self, endpoint: str | None, name: str) -> None:
        import boto3

        self.client = boto3.client("ecs", region_name=REGION, endpoint_url=endpoint)
        ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=endpoint)
        vpc = ec2.create_vpc(CidrBlock="10.73.0.0/20")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})  # as the stack's is; moto needs it
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.73.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(VpcId=vpc, GroupName=name, Description="out only")["GroupId"]
        self.client.create_cluster(clusterName=name, capacityProviders=["FARGATE", "FARGATE_SPOT"])
        definition = self.client.register_task_definition(
            family=name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "runner", "image": "runner", "essential": True, "cpu": 256, "memory": 512}],
        )["taskDefinition"]["taskDefinitionArn"]
        self.place = Place(name, definition, (subnet,), group, API)

    def tasks(self, program: str) -> Tasks:
        tasks = EcsTasks(self.place, self.client)
        return Ending(tasks, self.client, self.place.cluster) if program == "ends" else tasks


class Ending(EcsTasks):
    """Each task ends as soon as it was started."""

    def __init__(self, tasks: EcsTasks, client: Any, cluster: str) -> None:
        super().__init__(tasks._place, client)
        self._cluster = cluster

    def start(self, client_token: str, started_by: str, ticket: str) -> Task:
        task = super().start(client_token, started_by, ticket)
        if task.state != "stopped":
            self._client.stop_task(cluster=self._cluster, task=task.id, reason="Essential container in task exited")
        return task


@pytest.fixture(params=["subprocess", "moto", "emulator"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    name = "c" + hashlib.sha256(str(tmp_path).encode()).hexdigest()[:20]
    match request.param:
        case "subprocess":
            return request.getfixturevalue("local")
        case "moto":
            request.getfixturevalue("moto")
            return EcsWorld(None, name)
        case _:
            return EcsWorld(request.getfixturevalue("running_emulator"), name)


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for another process; the deadline only ends a test that has failed already."""
    give_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up, f"waited {PATIENCE_S:g} s in vain: {what}"
        time.sleep(0.005)


def only(tasks: Tasks, started_by: str) -> Task:
    (task,) = tasks.list(started_by)
    return task


def wait_for(tasks: Tasks, started_by: str, state: str) -> Task:
    until(lambda: only(tasks, started_by).state == state, f"{started_by} {state}")
    return only(tasks, started_by)


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends between being opened and being read
        return False


# --- every one ---


def test_a_task_is_listed_from_start_to_end(world: World) -> None:
    tasks = world.tasks("waits")
    task = tasks.start("job1-1", "job1", "ticket")
    assert (task.started_by, task.state in ("starting", "running")) == ("job1", True)
    running = wait_for(tasks, "job1", "running")
    assert running.id == task.id
    tasks.stop("job1", "the person said so")
    stopped = wait_for(tasks, "job1", "stopped")
    assert stopped.id == task.id
    assert "the person said so" in stopped.reason


def test_a_task_that_ends_by_itself_is_listed_as_stopped(world: World) -> None:
    tasks = world.tasks("ends")
    tasks.start("job1-1", "job1", "ticket")
    assert wait_for(tasks, "job1", "stopped").reason


def test_the_same_token_starts_one_task(world: World) -> None:
    tasks = world.tasks("waits")
    first = tasks.start("job1-1", "job1", "ticket")
    again = world.tasks("waits").start("job1-1", "job1", "ticket")
    assert again.id == first.id
    assert len(tasks.list("job1")) == 1


def test_the_token_of_a_task_that_is_over_starts_none(world: World) -> None:
    tasks = world.tasks("ends")
    first = tasks.start("job1-1", "job1", "ticket")
    wait_for(tasks, "job1", "stopped")
    again = tasks.start("job1-1", "job1", "ticket")
    assert (again.id, again.state) == (first.id, "stopped")
    assert len(tasks.list("job1")) == 1


def test_tokens_of_one_starter_are_several_tasks(world: World) -> None:
    tasks = world.tasks("ends")
    tasks.start("job1-1", "job1", "ticket")
    tasks.start("job1-2", "job1", "ticket 2")
    tasks.start("job2-1", "job2", "ticket 3")
    assert len({task.id for task in tasks.list("job1")}) == 2
    assert len(tasks.list("job2")) == 1


def test_nobody_knows_a_task_that_was_not_started(world: World) -> None:
    tasks = world.tasks("ends")
    assert tasks.list("job9") == []
    tasks.stop("job9", "not there")


def test_stopping_twice_and_stopping_what_is_over_is_fine(world: World) -> None:
    tasks = world.tasks("waits")
    tasks.start("job1-1", "job1", "ticket")
    tasks.stop("job1", "first")
    tasks.stop("job1", "second")
    stopped = wait_for(tasks, "job1", "stopped")
    tasks.stop("job1", "third")
    assert only(tasks, "job1") == stopped
    assert "first" in stopped.reason


def test_a_token_belongs_to_its_starter(world: World) -> None:
    if isinstance(world, EcsWorld):
        pytest.skip(world.HOLES["another starter's token"])
    tasks = world.tasks("ends")
    tasks.start("job1-1", "job1", "ticket")
    with pytest.raises(Final):
        tasks.start("job1-1", "job2", "ticket")


@pytest.mark.parametrize("token", ["", "../x", "a/b", ".x", "x" * 65, "a b", "a\n"])
def test_what_is_no_token_is_refused(world: World, token: str) -> None:
    with pytest.raises(Final):
        world.tasks("ends").start(token, "job1", "ticket")


# --- subprocesses ---


def read_log(tasks: SubprocessTasks, task: str) -> str:
    return tasks.log(task).read_text()


@pytest.mark.parametrize(("program", "reason"), [("ends", "exit 0"), ("fails", "exit 3"), ("dies", "signal 9")])
def test_the_reason_says_how_it_ended(local: SubprocessWorld, program: str, reason: str) -> None:
    tasks = local.tasks(program)
    tasks.start("job1-1", "job1", "ticket")
    assert wait_for(tasks, "job1", "stopped").reason == reason


def test_a_command_that_does_not_exist_is_named(home: Path) -> None:
    tasks = SubprocessTasks(home, API, SystemClock(), command=("/nowhere/python",))
    tasks.start("job1-1", "job1", "ticket")
    assert "cannot run /nowhere/python" in wait_for(tasks, "job1", "stopped").reason


def test_a_runner_sees_its_ticket_and_nothing_of_the_host(
    local: SubprocessWorld, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a key of the host")
    tasks = local.tasks("tells", extra={"PERSEVERE_SANDBOX": "none"})
    tasks.start("job1-1", "job1", "the ticket")
    wait_for(tasks, "job1", "stopped")
    told = json.loads(read_log(tasks, "job1-1"))
    by_python = {"LC_CTYPE"}  # PEP 538, where the locale is C
    assert set(told["env"]) - by_python == {"PERSEVERE_API", "PERSEVERE_TICKET", "PERSEVERE_SANDBOX", "PATH", "TMPDIR"}
    assert (told["env"]["PERSEVERE_API"], told["env"]["PERSEVERE_TICKET"]) == (API, "the ticket")
    assert "the ticket" not in str(told["argv"])
    assert told["sid"] == told["pid"], "a session of its own"
    assert told["stdin"] == ""
    kept = [path.read_text() for path in home.rglob("*") if path.is_file() and path.name != "log"]
    assert not any("the ticket" in text for text in kept)
    assert (home / "tasks").stat().st_mode & 0o777 == 0o700


def test_what_does_not_leave_is_killed_when_the_grace_is_over(local: SubprocessWorld) -> None:
    for grace_s in (0.3, 3.0, 30.0):  # a machine on which it could not even say so by then gives it longer
        tasks, job = local.tasks("stubborn", grace_s=grace_s), f"job{grace_s:.0f}"
        tasks.start(f"{job}-1", job, "ticket")
        until(lambda: "ready" in read_log(tasks, f"{job}-1"), "the runner's first word")  # noqa: B023 - at once
        tasks.stop(job, "enough")
        assert wait_for(tasks, job, "stopped").reason == "enough (signal 9)"
        if "asked" in read_log(tasks, f"{job}-1"):
            break
    else:
        pytest.fail("it was killed without having been asked first")


def test_what_a_runner_leaves_behind_goes_with_it(local: SubprocessWorld, home: Path) -> None:
    tasks = local.tasks("litters")
    tasks.start("job1-1", "job1", "ticket")
    wait_for(tasks, "job1", "stopped")
    left = [int(word) for word in read_log(tasks, "job1-1").split()]
    assert len(left) == 2
    assert not any(alive(pid) for pid in left)
    until(lambda: not (home / "tasks" / "job1-1" / "tmp").exists(), "its files are gone")


def test_whoever_ends_all_runners_waits_for_who_sweeps_up_after_them(home: Path) -> None:
    """How it ended is written down before its files are cleared away, and its keeper is a process of the trial as well."""
    task = home / "tasks" / "job1-1"
    task.mkdir(parents=True)
    for name, what in {"task": {"started_by": "job1", "at": 0}, "begun": {"keeper": 1, "runner": None}}.items():
        (task / f"{name}.json").write_text(json.dumps(what))
    (task / "exit.json").write_text(json.dumps({"code": 0, "error": None, "at": 0}))
    (task / "lock").touch()
    keeper = os.open(task / "keeper", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(keeper, fcntl.LOCK_EX)
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            os.close(keeper)

    stop_runners(home, sleep=sleep)
    assert len(waits) == 3


def test_a_keeper_that_hangs_while_it_clears_away_is_killed(home: Path) -> None:
    task = home / "tasks" / "job1-1"
    task.mkdir(parents=True)
    hangs = "import fcntl, os, time; fcntl.flock(os.open('keeper', os.O_CREAT | os.O_RDWR), 2); print(1, flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", f"{hangs}; time.sleep(600)"], cwd=task, stdout=subprocess.PIPE
    ) as keeper:
        assert keeper.stdout is not None
        keeper.stdout.readline()
        said = {"task": {"started_by": "job1", "at": 0}, "begun": {"keeper": keeper.pid, "runner": None}}
        for name, what in said.items():
            (task / f"{name}.json").write_text(json.dumps(what))
        (task / "exit.json").write_text(json.dumps({"code": 0, "error": None, "at": 0}))
        (task / "lock").touch()
        stop_runners(home, patience_s=0.2)
        assert keeper.wait(60) == -signal.SIGKILL


def test_a_stop_before_the_runner_begins_is_kept(local: SubprocessWorld) -> None:
    tasks = local.tasks("stubborn", grace_s=0.2)
    for n in range(5):  # the moment differs; the end does not
        tasks.start(f"job{n}-1", f"job{n}", "ticket")
        tasks.stop(f"job{n}", "at once")
    for n in range(5):
        assert wait_for(tasks, f"job{n}", "stopped").reason.startswith("at once")


HOST = """
import sys
from pathlib import Path
from local.clock import SystemClock
from local.tasks import SubprocessTasks
tasks = SubprocessTasks(Path(sys.argv[1]), "http://127.0.0.1:1", SystemClock(), command=(sys.executable, "-c", sys.argv[2]))
tasks.start("job1-1", "job1", "ticket")
print("started", flush=True)
sys.stdin.read()
"""


def test_a_runner_outlives_its_host_and_its_end_is_known_to_the_next(local: SubprocessWorld, home: Path) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(home), PROGRAMS["waits"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert host.stdout is not None
    assert host.stdin is not None
    assert host.stdout.readline() == b"started\n"
    os.killpg(host.pid, signal.SIGKILL)
    host.wait()
    host.stdout.close()
    host.stdin.close()
    tasks = local.tasks("waits")
    until(lambda: "ready" in read_log(tasks, "job1-1"), "the runner's first word")
    assert only(tasks, "job1").state == "running"
    assert tasks.start("job1-1", "job1", "ticket").state == "running", "started once"
    tasks.stop("job1", "the next host")
    assert wait_for(tasks, "job1", "stopped").reason == "the next host (exit 0)"


def begun(home: Path, task: str) -> dict[str, int]:
    return json.loads((home / "tasks" / task / "begun.json").read_text())


def test_a_runner_killed_together_with_its_keeper_is_lost_and_never_started_again(
    local: SubprocessWorld, home: Path
) -> None:
    tasks = local.tasks("waits")
    tasks.start("job1-1", "job1", "ticket")
    wait_for(tasks, "job1", "running")
    for who in ("keeper", "runner"):
        os.kill(begun(home, "job1-1")[who], signal.SIGKILL)
    assert wait_for(tasks, "job1", "stopped").reason.startswith("lost")
    assert tasks.start("job1-1", "job1", "ticket").state == "stopped"


def test_a_runner_without_its_keeper_still_runs_and_can_be_stopped(local: SubprocessWorld, home: Path) -> None:
    tasks = local.tasks("stubborn")
    tasks.start("job1-1", "job1", "ticket")
    until(lambda: "ready" in read_log(tasks, "job1-1"), "the runner's first word")
    wait_for(tasks, "job1", "running")  # its first word may come before its keeper has written down who it is
    pids = begun(home, "job1-1")
    os.kill(pids["keeper"], signal.SIGKILL)
    until(lambda: not alive(pids["keeper"]), "the keeper is dead")
    assert only(tasks, "job1").state == "running"
    tasks.stop("job1", "enough")
    wait_for(tasks, "job1", "stopped")
    assert not alive(pids["runner"])


def test_a_host_killed_before_it_spawned_starts_it_later(local: SubprocessWorld, home: Path) -> None:
    asked = home / "tasks" / "job1-1"
    asked.mkdir(parents=True)
    (asked / "task.json").write_text(json.dumps({"started_by": "job1", "at": SystemClock().now()}))
    tasks = local.tasks("ends")
    assert tasks.list("job1") == []
    tasks.start("job1-1", "job1", "ticket")
    assert wait_for(tasks, "job1", "stopped").reason == "exit 0"


def test_threads_that_start_the_same_task_start_it_once(local: SubprocessWorld) -> None:
    tasks = local.tasks("tells")
    gate = threading.Barrier(4)

    def start() -> None:
        for n in range(8):
            gate.wait()
            tasks.start(f"job1-{n}", "job1", "ticket")

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    until(lambda: all(task.state == "stopped" for task in tasks.list("job1")), "all over")
    assert [len(read_log(tasks, f"job1-{n}").splitlines()) for n in range(8)] == [1] * 8


def test_a_task_that_is_over_is_forgotten_after_a_day_and_one_that_runs_is_not(
    home: Path, local: SubprocessWorld
) -> None:
    clock = ManualClock(SystemClock().now())

    def tasks(program: str) -> SubprocessTasks:
        return SubprocessTasks(home, API, clock, command=(sys.executable, "-c", PROGRAMS[program]))

    tasks("ends").start("old-1", "old", "ticket")
    tasks("waits").start("long-1", "long", "ticket")
    wait_for(tasks("ends"), "old", "stopped")
    until(lambda: not (home / "tasks" / "old-1" / "tmp").exists(), "its files are gone")
    clock.ms += KEPT_MS + 1
    until(lambda: (tasks("ends").start("new-1", "new", "ticket"), not tasks("ends").list("old"))[1], "forgotten")
    assert only(tasks("ends"), "long").state in ("starting", "running")
    tasks("ends").stop("long", "over")
    wait_for(tasks("ends"), "long", "stopped")
