"""From an issue to a proved pull request on the deployed stack, undisturbed and with everything killed on the way.

The emulator (PyPI `ministack`) runs the packaged functions, their stream mappings, the minute rule, table, bucket and
secrets. What it cannot do is bridged, part by part: see `deployment`, `relay`, `fargate`. It drops the rest of a stream
batch after a failure; what that loses, the watchdog finds by its `due`.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.doctor.aws import FUNCTIONS
from local.trial.watch import by_app
from shared.domain import keys
from tests.cloud.product import Product

pytestmark = pytest.mark.timeout(900)


def begin(cloud: Product, repo: str) -> int:
    """octocat asks and approves; the issue's number."""
    issue = cloud.octocat.open_issue(repo, "Say hello", f"Whoever is greeted by {repo} should read hello.")
    number = int(issue["number"])
    cloud.octocat.comment(repo, number, "/persevere plan")
    spec = cloud.until("a spec", lambda: by_app(cloud.octocat.comments(repo, number), "Approve v1 and start"))
    # Nobody ticks a box in the half second before the product knows that its comment is there.
    cloud.until("the spec to be known", lambda: "spec-v1" in str(cloud.issue_state(repo, number).get("slots")))
    cloud.octocat.tick(repo, int(spec["id"]), "Approve v1")
    return number


def proved(cloud: Product, repo: str) -> dict[str, Any]:
    """The pull request, once it is ready; its umbrella check must be green on exactly its head."""
    pull = cloud.until(
        "a ready pull request",
        lambda: next((each for each in cloud.octocat.pulls(repo, state="open") if not each["draft"]), None),
    )
    checks = cloud.until(
        "green checks",
        lambda: (
            {each["name"]: each["conclusion"] for each in cloud.octocat.checks(repo, pull["head"]["sha"])}
            if all(each["conclusion"] for each in cloud.octocat.checks(repo, pull["head"]["sha"]))
            else None
        ),
    )
    assert checks["Persevere"] == "success", checks
    return pull


def test_an_issue_becomes_a_proved_pull_request(cloud: Product) -> None:
    repo = cloud.repository("calm")
    number = begin(cloud, repo)
    proved(cloud, repo)
    assert len(cloud.octocat.pulls(repo, state="all")) == 1
    assert cloud.issue_state(repo, number)["phase"] == "in_review"
    refused = [each for each in cloud.steering.refusals() if each["method"] != "GET"]
    assert refused == [], "GitHub refused no write"


def test_the_command_said_what_it_would_do_and_cost_before_it_did_it(cloud: Product) -> None:
    said = " ".join(cloud.deployed.said.split())
    for words in ("account", "000000000000", "us-east-1", "1 DynamoDB Table", "8 Lambda Function", "a month at rest"):
        assert words in said
    assert "for an average job" in said
    assert said.index("made") < said.index("Next") < said.index("persevere init --aws")
    assert cloud.records(keys.issue_pk(1, 1), "INBOUND#") == [], "and the table is there"


def test_it_does_also_when_functions_and_the_task_are_killed_on_the_way(cloud: Product) -> None:
    repo = cloud.repository("stormy")
    number = begin(cloud, repo)
    assert cloud.until("an effect cut short", lambda: cloud.cut_an_effect_short(repo, number))
    cloud.until("a task to be killed on the way", lambda: cloud.is_on_the_way(repo, number) and cloud.fargate.kill())
    assert cloud.kill_functions("job_api", "conductor")
    proved(cloud, repo)
    assert len(cloud.octocat.pulls(repo, state="all")) == 1, "each effect happened once"
    written = [each for each in cloud.octocat.comments(repo, number) if each["user"]["login"].endswith("[bot]")]
    assert len({each["body"][:40] for each in written}) == len(written), "no comment was written twice"


def test_the_same_command_upgrades_while_a_job_runs(cloud: Product) -> None:
    repo = cloud.repository("upgraded")
    number = begin(cloud, repo)
    cloud.until("a task", lambda: cloud.fargate.running)
    before = dict(cloud.deployed.outputs)
    said = cloud.upgrade(log_days=14, quiet_s=2)
    assert "changed" in said
    assert "removed" not in said
    assert "made" not in said.partition("costs")[0]
    assert (
        cloud.deployed.client("cloudformation")
        .describe_stacks(StackName="Persevere")["Stacks"][0]["StackStatus"]
        .endswith("_COMPLETE")
    )
    proved(cloud, repo)
    assert dict(cloud.deployed.outputs) == before
    assert cloud.issue_state(repo, number)["phase"] == "in_review"
    assert "Nothing changes." in cloud.upgrade()


def test_every_function_had_the_rights_that_it_asked_for(cloud: Product) -> None:
    """Last, since it looks back: the emulator has checked each call's signature and rights by the function's own role."""
    asked = list(cloud.iam.asked())
    assert [each for each in asked if not each[3]] == []
    assert {function for function, *_ in asked} == set(FUNCTIONS)
