"""Check runs and suites, and the limits on them."""

import pytest

from tests.contract.github_simulator.stage import REPO, R, errors_of


def body(stage, **more):
    return {"name": "Persevere", "head_sha": stage.head(), **more}


def note(number):
    return {"path": "src/a.py", "start_line": number, "end_line": number, "annotation_level": "notice", "message": "m"}


def button(**more):
    return {"label": "Again", "description": "Run it again", "identifier": "again", **more}


def output(**more):
    return {"title": "T", "summary": "S", **more}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"output": output(annotations=[note(n) for n in range(1, 52)])},
            "No more than 50 items are allowed; 51 were supplied.",
        ),
        ({"actions": [button()] * 4}, "No more than 3 items are allowed; 4 were supplied."),
        ({"actions": [button(label="x" * 21)]}, "Only 20 characters are allowed; 21 were supplied."),
        ({"actions": [button(description="x" * 41)]}, "Only 40 characters are allowed; 41 were supplied."),
        ({"actions": [button(identifier="x" * 21)]}, "Only 20 characters are allowed; 21 were supplied."),
        ({"output": output(text="x" * 65_536)}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"output": output(summary="x" * 65_536)}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"output": {"title": "T"}}, '"summary" wasn\'t supplied.'),
        ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
        ({"conclusion": "great"}, "great is not a member of"),
    ],
)
def test_what_a_check_run_may_not_hold(stage, more, message):
    answer = stage.here().post(f"{R}/check-runs", json=body(stage, **more))
    assert answer.status_code == 422
    assert answer.json()["message"].startswith(f"Invalid request.\n\n{message}")
    assert stage.octocat.checks(REPO, "main") == []


@pytest.mark.parametrize("field", ["summary", "text"])
def test_texts_are_limited_in_bytes(stage, field):
    answer = stage.here().post(f"{R}/check-runs", json=body(stage, output=output(**{field: "ü" * 40_000})))
    assert answer.status_code == 422
    assert errors_of(answer) == [f"{field} exceeds a maximum bytesize of 65535"]


def test_at_the_limit_all_is_taken(stage):
    more = output(text="x" * 65_535, annotations=[note(n) for n in range(1, 51)])
    client = stage.here()
    run = client.post(
        f"{R}/check-runs", json=body(stage, output=more, actions=[button()] * 3, conclusion="neutral")
    ).json()
    assert (run["status"], run["output"]["annotations_count"]) == ("completed", 50)
    client.patch(f"{R}/check-runs/{run['id']}", json={"output": output(annotations=[note(60)])})
    assert len(client.get(f"{R}/check-runs/{run['id']}/annotations", params={"per_page": 100}).json()) == 51


def test_runs_are_the_apps_own(stage):
    client = stage.here()
    run = client.post(f"{R}/check-runs", json=body(stage, external_id="job:slot")).json()
    person = stage.person(stage.octocat).post(f"{R}/check-runs", json=body(stage))
    assert (person.status_code, person.json()["message"]) == (403, "You must authenticate via a GitHub App.")
    assert client.post(f"{R}/check-runs", json=body(stage) | {"head_sha": "0" * 40}).status_code == 422
    other = stage.st.app("other", owner="octocat")
    installed = stage.st.install("other", "octo-org")
    stage.app, stage.installation = other, installed
    assert stage.here().patch(f"{R}/check-runs/{run['id']}", json={"status": "in_progress"}).status_code == 403


def test_lists_filter_and_keep_the_newest_of_a_name(stage):
    client = stage.here()
    for name in ("A", "A", "B"):
        client.post(f"{R}/check-runs", json=body(stage) | {"name": name})
    listed = client.get(f"{R}/commits/main/check-runs").json()
    assert sorted(one["name"] for one in listed["check_runs"]) == ["A", "B"]
    every = client.get(f"{R}/commits/main/check-runs", params={"filter": "all", "check_name": "A"}).json()
    assert every["total_count"] == 2
    none = client.get(f"{R}/commits/main/check-runs", params={"app_id": 1}).json()
    assert none["total_count"] == 0


def test_events_of_a_run_and_its_buttons(stage):
    client = stage.here()
    run = client.post(f"{R}/check-runs", json=body(stage, status="in_progress", actions=[button()])).json()
    client.patch(f"{R}/check-runs/{run['id']}", json={"conclusion": "failure", "actions": [button()]})
    stage.octocat.press(REPO, run["id"], "again")
    stage.octocat.rerun(REPO, run["id"])
    told = [name for name in stage.events() if name.startswith("check_run")]
    assert told == ["check_run.created", "check_run.completed", "check_run.requested_action", "check_run.rerequested"]
    pressed = stage.last("check_run.requested_action").payload
    assert pressed["requested_action"] == {"identifier": "again"}
    assert pressed["sender"]["login"] == "octocat"


def test_pushes_make_suites_until_the_app_opts_out(stage):
    stage.octocat.push(REPO, "one", {"a": "1"}, base="main")
    suites = stage.here().get(f"{R}/commits/one/check-suites").json()
    assert (suites["total_count"], suites["check_suites"][0]["status"]) == (1, "queued")
    assert suites["check_suites"][0]["latest_check_runs_count"] == 0
    off = {"auto_trigger_checks": [{"app_id": stage.app["id"], "setting": False}]}
    assert stage.here().patch(f"{R}/check-suites/preferences", json=off).status_code == 200
    stage.octocat.push(REPO, "two", {"a": "2"}, base="main")
    assert stage.here().get(f"{R}/commits/two/check-suites").json()["total_count"] == 0
