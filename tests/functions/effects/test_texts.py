"""Reactions and comments: each once, found again by its marker, and refused in words."""

import hashlib

from shared.domain import keys
from shared.domain.issue import Remote
from shared.domain.messages import Fault, StartFirst
from shared.github.markers import marker
from tests.contract.github_client.stage import REPO
from tests.functions.effects.bench import Bench

MESSAGE = StartFirst(verb="plan").model_dump(mode="json")


def ours(bench: Bench) -> list[dict]:
    return [each for each in bench.octocat.comments(REPO, 1) if each["user"]["login"] == "persevere[bot]"]


def test_a_reaction_is_left_once(bench: Bench) -> None:
    comment = bench.octocat.comment(REPO, 1, "/persevere")
    bench.did("react", "a", on="comment", id=comment["id"], content="eyes")
    bench.did("react", "b", on="comment", id=comment["id"], content="eyes")
    bench.did("react", "c", on="issue", id=1, content="rocket")
    assert bench.octocat.get(f"/repos/{REPO}/issues/comments/{comment['id']}")["reactions"]["eyes"] == 1


def test_a_comment_bears_its_marker_as_the_last_line(bench: Bench) -> None:
    remote = bench.did("comment", "reply-7", **MESSAGE)
    body = ours(bench)[0]["body"]
    name = bench.wish("comment", "reply-7", **MESSAGE)
    assert body.splitlines()[-1] == marker(bench.outside.marker_keys, name)
    assert remote["sha256"] == hashlib.sha256(body.encode()).hexdigest()
    assert remote["node_id"]


def test_a_fault_of_ours_is_told_with_its_number(bench: Bench) -> None:
    fault = Fault(to="octocat", number="E-599584", step=3, spent="$0.10", line="/persevere resume")
    bench.did("comment", "fault", **fault.model_dump(mode="json"))
    assert "E-599584" in ours(bench)[0]["body"]


def test_a_comment_whose_answer_was_lost_is_found_again(bench: Bench) -> None:
    bench.st.settings(lag_s={"comments": 10})
    bench.st.fault("bad_gateway_after_effect", method="POST", path="/comments$")
    name = bench.wish("comment", "reply-7", **MESSAGE)
    bench.drain()
    assert bench.outcomes(name) == []
    bench.settle()
    assert bench.outcome(name)["state"] == "done"
    assert len(ours(bench)) == 1


def test_a_comment_that_never_arrived_is_made_again(bench: Bench) -> None:
    bench.st.fault("drop", method="POST", path="/comments$")
    name = bench.wish("comment", "reply-7", **MESSAGE)
    bench.settle()
    assert bench.outcome(name)["state"] == "done"
    assert len(ours(bench)) == 1


def test_a_forged_marker_is_not_taken_for_ours(bench: Bench) -> None:
    name = bench.wish("comment", "reply-7", **MESSAGE)
    bench.octocat.comment(REPO, 1, f"<!-- persevere:{name}:0123456789abcdef -->")
    bench.octocat.comment(REPO, 1, marker((b"old-key",), name))
    bench.st.fault("drop", method="POST", path="/comments$")
    bench.settle()
    assert len(ours(bench)) == 1


def test_a_locked_issue_refuses_in_a_word_that_decide_knows(bench: Bench) -> None:
    bench.octocat.lock(REPO, 1)
    assert bench.refused("comment", "reply-7", **MESSAGE)["error"] == "locked"


def test_a_missing_right_is_told_with_advice(bench: Bench) -> None:
    bench.st.configure_installation(bench.installation["id"], permissions={"metadata": "read", "contents": "write"})
    outcome = bench.refused("comment", "reply-7", **MESSAGE)
    assert outcome["error"] == "permission"
    assert "issues: write" in outcome["remote"]["advice"]


def test_a_secondary_limit_costs_no_attempt_and_holds_everybody(bench: Bench) -> None:
    bench.st.fault("secondary_limit", method="POST", path="/comments$", header=False)
    first, second = bench.wish("comment", "a", **MESSAGE), bench.wish("comment", "b", **MESSAGE)
    bench.drain()
    assert [bench.effect(name).attempts for name in (first, second)] == [0, 0]
    assert ours(bench) == []
    bench.settle()
    assert len(ours(bench)) == 2
    assert bench.outcome(first)["state"] == bench.outcome(second)["state"] == "done"


def test_the_status_is_one_comment_for_ever(bench: Bench) -> None:
    first = bench.did("status", "status")
    bench.state(phase="stopped")
    second = bench.did("status", "status")
    assert first["id"] == second["id"]
    assert len(ours(bench)) == 1
    assert first["next_by"] is not None
    assert second["next_by"] is None
    assert "topped" in ours(bench)[0]["body"]


def test_a_deleted_status_is_made_anew_once(bench: Bench) -> None:
    first = bench.did("status", "status")
    bench.state(slots={"status": Remote(id=first["id"])})
    bench.octocat.delete_comment(REPO, first["id"])
    second = bench.did("status", "status")
    assert second["id"] != first["id"]
    bench.octocat.delete_comment(REPO, second["id"])
    assert bench.refused("status", "status")["error"] == "gone"


def test_a_status_wish_that_comes_while_one_is_rendered_is_rendered_too(bench: Bench) -> None:
    name = bench.wish("status", "status")
    bench.wish("status", "status")
    bench.drain()
    effect = bench.effect(name)
    assert (effect.wanted, effect.done) == (2, 2)
    assert bench.open_effects() == []


def test_a_spec_comment_is_posted_whole_and_only_its_box_line_changes(bench: Bench) -> None:
    bench.propose()
    posted = bench.did("spec_comment", "spec-v1", version=1)
    body = ours(bench)[0]["body"]
    assert hashlib.sha256(body.encode()).hexdigest() == posted["sha256"]
    assert "- [ ] **Approve v1 and start**" in body
    assert bench.did("spec_comment", "spec-v1", version=1)["sha256"] == posted["sha256"]
    bench.approve()
    decided = bench.did("spec_comment", "spec-v1", version=1)
    after = ours(bench)[0]["body"]
    assert decided["decided"]
    assert decided["id"] == posted["id"]
    changed = [(a, b) for a, b in zip(body.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1].startswith("- [x] **Approved** by octocat")


def test_a_settled_comment_is_folded_away(bench: Bench) -> None:
    remote = bench.did("comment", "questions-1", **MESSAGE)
    bench.state(slots={"questions-1": Remote(id=remote["id"], node_id=remote["node_id"])})
    assert bench.did("hide", "questions-1")["hidden"]
    assert not bench.did("hide", "questions-2")["hidden"]


def test_a_runner_is_started_once_and_waits_for_a_machine(bench: Bench) -> None:
    bench.machines.capacity = 0
    name = bench.wish("start_task", "j-1", job="job0000001", launch=1)
    bench.drain()
    assert bench.outcomes(name) == []
    assert bench.effect(name).attempts == 0
    bench.machines.capacity = 1
    bench.settle()
    assert bench.outcome(name)["remote"]["task"] == "job0000001-1"
    link = bench.store.get(keys.task_link("job0000001"))
    assert link is not None
    assert link.body["pk"] == bench.pk
    bench.did("stop_task", "s", job="job0000001", reason="stopped")
    assert [task.state for task in bench.machines.list("job0000001")] == ["stopped"]


def test_the_planner_is_started_with_the_effects_name(bench: Bench) -> None:
    name = bench.wish("start_planner", "plan-1", mode="sensible")
    bench.drain()
    assert bench.planned.started == {(bench.pk, name)}


def test_answers_to_people_go_first(bench: Bench) -> None:
    bench.wish("status", "status")
    bench.wish("comment", "reply-7", **MESSAGE)
    comment = bench.octocat.comment(REPO, 1, "/persevere")
    bench.wish("react", "a", on="comment", id=comment["id"], content="eyes")
    bench.drain()
    paths = [entry["path"] for entry in bench.st.log(actor="persevere[bot]")]
    assert [path.rpartition("/")[2] for path in paths] == ["reactions", "comments", "comments"]
    assert [each["body"].startswith("**") for each in ours(bench)][-1]
    assert "written" in ours(bench)[-1]["body"]


def test_a_kind_without_a_performer_is_said_and_ends(bench: Bench) -> None:
    assert bench.refused("labels", "x")["error"] == "final"
