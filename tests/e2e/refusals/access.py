"""What GitHub refuses because of who asks, how often and how soon, met in the middle of a run."""

from __future__ import annotations

import threading

from tests.e2e.place import Place
from tests.e2e.refusals.branches import SETTLED_S, says
from tests.e2e.row import Row
from tests.e2e.stories import HELLO, bash, build, finish, spec, write

READS_CHECKS = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "read",
}
AT_WORK = (spec(), build(write("greet.py", HELLO)), build(bash("true")), build(finish()), build(finish()))


def build_it(place: Place) -> None:
    place.build()


def taken_away(place: Place) -> None:
    """The repository is taken from the installation during the build, and given back when everything has come to rest."""
    steering = place.product.steering
    answers = place.product.model.answers[place.full_name] = threading.Event()
    place.plan()
    place.approve(wait=False)
    place.product.until("the agent to be at work", lambda: place.steps() >= 1)
    steering.configure_installation(place.installation, remove=["octo-repo"])
    answers.set()
    place.settle()
    steering.configure_installation(place.installation, add=["octo-repo"])
    place.say("/persevere")


def locked(place: Place) -> None:
    """Nobody may comment when the agent hands over nothing and a person should be asked."""
    place.plan()
    place.octocat.lock(place.full_name, place.number)
    place.tick()


def crowded(place: Place) -> None:
    """The answer to our comment is lost, and it is found again behind a hundred others."""
    steering = place.product.steering
    steering.settings(content_limits=False)
    place.open_issue()
    for number in range(110):
        place.octocat.comment(place.full_name, place.number, f"Me too ({number}).")
    steering.fault("drop_after_effect", method="POST", path=_comments(place), actor="app", body="No such command")
    place.say("/persevere pln")
    place.product.until("the answer to be lost", lambda: steering.faults()[0]["hits"])
    place.product.pass_time(SETTLED_S)
    place.settle()
    steering.clear_faults()
    steering.settings(content_limits=True)


def _comments(place: Place) -> str:
    return f"^/repos/{place.full_name}/issues/{place.number}/comments$"


def too_quick(place: Place) -> None:
    """A secondary limit that names no time: a minute of silence, then on."""
    steering = place.product.steering
    place.plan()
    steering.fault("secondary_limit", header=False, method="POST", path=f"^/repos/{place.full_name}/pulls$")
    place.approve(wait=False)
    place.product.until("the limit", lambda: steering.faults()[0]["hits"])
    place.product.until("the proof to be over", lambda: (state := place.state()) and state.job is None)
    place.product.pass_time(61)
    place.settle()
    steering.clear_faults()


def lagging(place: Place) -> None:
    """The answer to the new pull request is lost, and GitHub's list has it ten seconds late."""
    steering = place.product.steering
    place.plan()
    steering.settings(lag_s={"pulls": 10, "comments": 10, "check_runs": 10})
    steering.fault("drop_after_effect", method="POST", path=f"^/repos/{place.full_name}/pulls$")
    place.approve(wait=False)
    place.product.until("the answer to be lost", lambda: steering.faults()[0]["hits"])
    place.product.until("the proof to be over", lambda: (state := place.state()) and state.job is None)
    place.product.pass_time(SETTLED_S)
    place.settle()
    steering.clear_faults()
    steering.settings(lag_s={})


def one_pull(place: Place) -> None:
    assert len(place.octocat.pulls(place.full_name, state="all")) == 1


def too_soon(place: Place) -> None:
    place.product.steering.settings(flicker_s=2)
    place.build()
    for _ in range(20):  # on a busy machine we may come late each time
        if says(place, "Not Found"):
            break
        place.say("/persevere help")
        place.settle()
    place.product.steering.settings(flicker_s=0)


ROWS = (
    Row(
        "repository outside the token",
        taken_away,
        "waiting",
        status="**Waiting: a permission is missing**",
        met=("/repos/", "Resource not accessible by integration"),
        script=AT_WORK,
    ),
    Row(
        "permission outside the token",
        build_it,
        "in_review",
        status="A permission is missing; work goes on.",
        pull_state="ready",
        met=("/access_tokens", "not granted to this installation"),
        place={"permissions": READS_CHECKS},
    ),
    Row(
        "default page of 30",
        crowded,
        "idle",
        reply="**No such command: `pln`.**",
        replies=1,
        reactions=("confused",),
    ),
    Row(
        "comment on locked",
        locked,
        "waiting",
        status="This conversation is locked: a comment could not be written",
        met=("/comments", "Unable to create comment because issue is locked."),
        script=(spec(), build(finish("Nothing to do."))),
    ),
    Row(
        "secondary limit without a header",
        too_quick,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        met=("/pulls", "You have exceeded a secondary rate limit."),
        more=one_pull,
    ),
    Row(
        "list lag of 10 s",
        lagging,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        more=one_pull,
    ),
    Row(
        "404 for 2 s after a webhook",
        too_soon,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        met=("/issues/", "Not Found"),
    ),
)
