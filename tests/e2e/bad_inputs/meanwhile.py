"""What people do on GitHub while a job is at work."""

from __future__ import annotations

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import HELLO, bash, build, finish, spec, write

AT_WORK = (spec(), build(write("greet.py", HELLO)), build(bash("sleep 600")))


def begin_work(place: Place) -> None:
    """A build that has written the file and sits in a long command."""
    place.plan()
    place.approve(wait=False)
    place.product.until("the agent to be at work", lambda: place.steps() >= 2)


def branch_there(place: Place) -> None:
    """Somebody takes the branch's name in the moment between its choice and its making; GitHub is slow just then."""
    steering = place.product.steering
    steering.settings(retry_after_s=1)
    place.plan()
    refs = f"^/repos/{place.full_name}/git/refs$"
    steering.fault("secondary_limit", method="POST", path=refs, header=True, count=0)
    place.approve(wait=False)
    place.product.until("the branch to be refused for now", lambda: any(each["hits"] for each in steering.faults()))
    state = place.state()
    assert state is not None
    assert state.branch is not None
    place.octocat.push(place.full_name, state.branch, {"mine.txt": "mine\n"}, base="main")
    steering.clear_faults()
    steering.settings(retry_after_s=60)


def theirs_is_untouched(place: Place) -> None:
    branches = place.octocat.get(f"/repos/{place.full_name}/branches")
    theirs = next(each["name"] for each in branches if each["name"].startswith("persevere/"))
    assert place.product.steering.files(place.full_name, theirs)["mine.txt"] == b"mine\n"


def closed(place: Place) -> None:
    begin_work(place)
    place.octocat.close_issue(place.full_name, place.number)


def work_is_kept(place: Place) -> None:
    state = place.state()
    assert state is not None
    assert place.product.steering.files(place.full_name, state.branch)["greet.py"] == HELLO.encode()


def locked(place: Place) -> None:
    place.plan()
    place.octocat.lock(place.full_name, place.number)
    place.tick()


ROWS = (
    Row(
        "the branch is already there",
        branch_there,
        "waiting",
        status="**Waiting: GitHub refused the branch**",
        reply="exists already",
        script=AT_WORK,
        more=theirs_is_untouched,
    ),
    Row(
        "the issue is closed meanwhile",
        closed,
        "stopped",
        status="**Stopped: the issue was closed** · nobody's turn",
        script=AT_WORK,
        more=work_is_kept,
    ),
    Row(
        "the issue is locked meanwhile",
        locked,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        pull="**2 of 2 criteria hold on `",
        checks={"Persevere": "success | 2 of 2 criteria hold"},
        script=(spec(), build(write("greet.py", HELLO), finish())),
    ),
)
