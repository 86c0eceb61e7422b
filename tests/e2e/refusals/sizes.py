"""More than GitHub takes: what arrives is within the limit and says that it was clipped."""

from __future__ import annotations

from tests.e2e.place import Place
from tests.e2e.row import Row
from tests.e2e.stories import HELLO, SAMPLE, build, criterion, finish, spec, write

LONG_CHECKS = tuple(
    criterion(
        f"AC-{number}",
        "new",
        f"greet says hello in {number} tests",
        f"python -m pytest test_hello_{number}.py -k '" + " or ".join(["hello"] * 435) + "'",
        origin="agent",
        files=[f"test_hello_{number}.py"],
    )
    for number in range(1, 21)
)
"""Written out word for word they are more than a comment holds."""
ERRORS = (
    "import greet\n"
    "wrong = greet.greet('you') != 'hello you'\n"
    "for line in range(1, 61):\n"
    "    print(f'greet.py:{line}: error: this is no greeting')\n"
    "raise SystemExit(1)\n"
)


def build_it(place: Place) -> None:
    place.build()


def not_cut(place: Place) -> None:
    """Nobody is asked to approve a text whose end was cut off."""
    bodies = [comment["body"] for comment in place.comments() if comment["user"]["type"] == "Bot"]
    assert not any("**Approve v1 and start**" in body for body in bodies)
    assert all(len(body) <= 65_536 for body in bodies)


def few_annotations(place: Place) -> None:
    for check in place.checks().values():
        assert check["output"]["annotations_count"] <= 50


def few_buttons(place: Place) -> None:
    payloads = [
        each["request"]["payload"] for each in place.product.steering.deliveries() if each["event"] == "check_run"
    ]
    ours = [each["check_run"] for each in payloads if each["repository"]["full_name"] == place.full_name]
    assert ours
    assert all(len(each["actions"]) <= 3 for each in ours)


RED = "greet.py:60: error: this is no greeting"
FOUR_RED = tuple(
    criterion(f"AC-{number}", "new", f"greet says hello, {number}", f"python -c 'raise SystemExit({number})'")
    for number in range(1, 5)
)

ROWS = (
    Row(
        "body of 65,537 characters",
        lambda place: place.plan(),
        "waiting",
        status="**Waiting: the spec could not be posted",
        reply="GitHub takes 65,536 in a comment",
        script=(spec(*LONG_CHECKS),),
        more=not_cut,
    ),
    Row(
        "51 annotations",
        build_it,
        "waiting",
        status="**Waiting: AC-1 could not be proved",
        pull_state="draft",
        checks={"Persevere / AC-1": RED},
        script=(
            spec(criterion("AC-1", "new", "greet says hello", "python check.py")),
            build(write("greet.py", HELLO), finish()),
        ),
        files={**SAMPLE, "check.py": ERRORS},
        more=few_annotations,
    ),
    Row(
        "4 actions",
        build_it,
        "waiting",
        status="**Waiting: AC-1, AC-2, AC-3 and AC-4 could not be proved",
        pull_state="draft",
        checks={"Persevere": "failure | "},
        script=(spec(*FOUR_RED), build(write("greet.py", HELLO), finish())),
        more=few_buttons,
    ),
)
