"""Changes that must not be written, and models that do not say what they should."""

from __future__ import annotations

from typing import Any

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import HELLO, REPAIRS, Line, bash, build, finish, raw, spec, write


def build_it(place: Place) -> None:
    place.build()


def not_published(name: str, words: str, *calls: tuple[str, dict[str, Any]]) -> Row:
    """The work is done, and something beside it stops all of it before the first write."""
    return Row(
        name,
        build_it,
        "waiting",
        status="**Waiting: the change was not published**",
        reply=words,
        script=(spec(), build(write("greet.py", HELLO), *calls), build(finish())),
        more=untouched,
    )


def untouched(place: Place) -> None:
    """Nothing was pushed: our branch has the empty commit that it began with."""
    state = place.state()
    assert state is not None
    assert state.head is None
    files = place.product.steering.files(place.full_name, state.branch)
    assert files == place.product.steering.files(place.full_name, "main")


def stuck(name: str, line: Line, words: str) -> Row:
    """The same answer to the end: the agent is told, begun afresh, asked to wrap up, and at last a person is."""
    return Row(
        name,
        build_it,
        "waiting",
        status="**Waiting: the model does not go on**",
        reply=words,
        script=(spec(), *(line for _ in range(40))),
    )


def mended(name: str, bad: Line) -> Row:
    """One bad answer costs a step, and the next one is good."""
    return Row(
        name,
        build_it,
        "in_review",
        status="**Ready for review: #2** · octocat's turn",
        pull_state="ready",
        pull="**2 of 2 criteria hold on `",
        checks={"Persevere": "success | 2 of 2 criteria hold", "Persevere / AC-1": "success | proved"},
        script=(spec(), bad, *REPAIRS),
    )


ROWS = (
    not_published(
        "a file name with a newline",
        "the name has a control character",
        bash("printf x > \"$(printf 'a\\nb')\""),
    ),
    not_published("a link out of the tree", "the link leads out of the repository", bash("ln -s /etc/passwd users")),
    not_published(
        "a change to .github/workflows",
        "- `.github/workflows/ci.yml`: this path is protected; a person has to change it",
        write(".github/workflows/ci.yml", "on: push\n"),
    ),
    stuck("a model reply that is empty", raw(), "the agent made no progress, also after a fresh start"),
    mended("a model reply that is malformed", raw("", ("write", '{"path": "greet.py", "content'), stop="cut")),
    mended("a model reply that calls an unknown tool", build(("browse", {"url": "https://example.com"}))),
    stuck(
        "a model that repeats itself",
        build(bash("cat greet.py")),
        "the agent made no progress, also after a fresh start",
    ),
)
