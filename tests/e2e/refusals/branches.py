"""What GitHub refuses about branches, commits and pull requests, met in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.github.wire import TIMEOUT_S
from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import GREET, HELLO, SAMPLE, build, finish, spec, write

WORKFLOW = "on: push\njobs: {}\n"
SETTLED_S = 80
"""Later than a claim holds and an attempt in doubt is waited for."""


def build_it(place: Place) -> None:
    place.build()


def branch_of(place: Place) -> str:
    """The branch that the approval's build has, as soon as it is chosen."""

    def chosen() -> str | None:
        state = place.state()
        return state.branch if state else None

    return str(place.product.until("a branch to be chosen", chosen))


def overtaken(place: Place, method: str, path: str, deed: Callable[[], Any], body: str | None = None) -> None:
    """Approve; while GitHub takes its time over one request of ours, somebody is quicker: we are answered after them."""
    steering = place.product.steering
    place.plan()
    steering.fault("delay", method=method, path=path, body=body, actor="app", delay_s=TIMEOUT_S - 2)
    place.approve(wait=False)
    place.product.until("the slow request", lambda: any(each["hits"] for each in steering.faults()))
    deed()
    steering.clear_faults()


def take_the_name(place: Place) -> None:
    push = lambda: place.octocat.push(place.full_name, branch_of(place), {"mine.txt": "mine\n"}, base="main")  # noqa: E731
    overtaken(place, "POST", f"^/repos/{place.full_name}/git/refs$", push)


def push_first(place: Place) -> None:
    push = lambda: place.octocat.push(place.full_name, branch_of(place), {"mine.txt": "mine\n"})  # noqa: E731
    overtaken(place, "POST", "^/graphql$", push, body="updateRefs")


def theirs_is_there(place: Place) -> None:
    names = [each["name"] for each in place.octocat.get(f"/repos/{place.full_name}/branches")]
    (theirs,) = [name for name in names if name.startswith("persevere/")]
    assert place.product.steering.files(place.full_name, theirs)["mine.txt"] == b"mine\n"


def merge_by_hand(place: Place) -> None:
    """Our commit is on main before its pull request is opened, so there is nothing left to propose."""

    def move_main() -> None:
        head = place.octocat.get(f"/repos/{place.full_name}/git/ref/heads/{branch_of(place)}")["object"]["sha"]
        place.octocat.do("PATCH", f"/repos/{place.full_name}/git/refs/heads/main", {"sha": head})

    overtaken(place, "POST", f"^/repos/{place.full_name}/pulls$", move_main)


def open_first(place: Place) -> None:
    """Somebody opens a pull request from our branch, and GitHub's list does not show it yet."""
    steering = place.product.steering
    steering.settings(lag_s={"pulls": 3600})
    theirs = lambda: place.octocat.open_pull(place.full_name, branch_of(place), title="Mine")  # noqa: E731
    overtaken(place, "POST", f"^/repos/{place.full_name}/pulls$", theirs)
    place.product.until("our own to be refused", lambda: says(place, "already exists"))
    steering.settings(lag_s={})


def says(place: Place, words: str) -> bool:
    return any(words in each["message"] for each in place.refusals())


def forget_main(place: Place) -> None:
    """The commit that the spec was tried on is on no branch any more, and it holds a workflow."""
    place.plan()
    path = f"/repos/{place.full_name}/git"
    tree = place.octocat.do(
        "POST", f"{path}/trees", {"tree": [{"path": "greet.py", "mode": "100644", "type": "blob", "content": GREET}]}
    )
    commit = place.octocat.do("POST", f"{path}/commits", {"message": "Anew", "tree": tree["sha"], "parents": []})
    place.octocat.do("PATCH", f"{path}/refs/heads/main", {"sha": commit["sha"], "force": True})
    place.approve()


def lose_the_commit(place: Place) -> None:
    """GitHub makes the commit with the work and its answer is lost; whether it was made is not to be known."""
    steering = place.product.steering
    place.plan()
    steering.fault("drop_after_effect", method="POST", path=f"^/repos/{place.full_name}/git/commits$", skip=1)
    place.approve(wait=False)
    place.product.until("the answer to be lost", lambda: any(each["hits"] for each in steering.faults()))
    place.product.until("the build to be over", lambda: (state := place.state()) and state.job is None)
    place.product.pass_time(SETTLED_S)
    place.settle()
    steering.clear_faults()


def two_shas_one_commit(place: Place) -> None:
    """Asked twice in the same words, GitHub made two commits; the branch has one, and it is the work."""
    made = [each for each in place.product.steering.log(kind="commit", repository=place.full_name) if each["app"]]
    shas = [each["id"] for each in made]
    assert len(shas) == len(set(shas)) == 3  # the empty one, and the same request twice
    commits = place.octocat.get(f"/repos/{place.full_name}/commits", sha=branch_of(place))
    assert [each["sha"] in shas for each in commits] == [True, False]
    assert place.product.steering.files(place.full_name, branch_of(place))["greet.py"] == HELLO.encode()


def verified(place: Place) -> None:
    head = place.octocat.get(f"/repos/{place.full_name}/commits/{branch_of(place)}")
    assert head["commit"]["verification"]["verified"] is True
    assert head["author"]["login"] == f"{place.product.app.slug}[bot]"


def ordinary_with_a_label(place: Place) -> None:
    pull = place.pull()
    assert pull is not None
    assert [label["name"] for label in pull["labels"]] == ["persevere: draft"]


ROWS = (
    Row(
        "pull request without commits",
        merge_by_hand,
        "waiting",
        status="**Waiting: GitHub refused the pull request**",
        reply="No commits between main and persevere/",
        met=("/pulls", "No commits between main and persevere/"),
    ),
    Row(
        "pull request exists",
        open_first,
        "waiting",
        status="**Waiting: GitHub refused the pull request**",
        reply="octocat opened `#2` from our branch",
        met=("/pulls", "A pull request already exists for"),
    ),
    Row(
        "ref exists",
        take_the_name,
        "waiting",
        status="**Waiting: GitHub refused the branch**",
        reply="exists already",
        met=("/git/refs", "Reference already exists"),
        more=theirs_is_there,
    ),
    Row(
        "non-fast-forward",
        push_first,
        "waiting",
        status="**Waiting: somebody else changed the branch**",
        reply="That is untouched; my own change was not put on top of it.",
        met=("/graphql", "but expected"),
        more=theirs_is_there,
    ),
    Row(
        "workflow file without the permission",
        forget_main,
        "waiting",
        status="**Waiting: GitHub refused the branch**",
        reply="refusing to allow a GitHub App to create or update workflow",
        met=("/git/refs", "without `workflows` permission"),
        files={**SAMPLE, ".github/workflows/ci.yml": WORKFLOW},
    ),
    Row(
        "commit verified only when author and committer were not sent",
        build_it,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        more=verified,
    ),
    Row(
        "the same commit request twice gives two shas",
        lose_the_commit,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        more=two_shas_one_commit,
    ),
    Row(
        "draft on free private",
        build_it,
        "waiting",
        status="**Waiting: AC-1 could not be proved",
        pull="Not ready on purpose",
        pull_state="ready",
        met=("/pulls", "Draft pull requests are not supported in this repository."),
        script=(spec(), build(write("greet.py", HELLO.replace("hello", "good day")), finish())),
        more=ordinary_with_a_label,
        place={"private": True, "plan": "free"},
    ),
)
