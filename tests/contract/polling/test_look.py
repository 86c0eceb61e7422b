"""What a look hears, that it hears it once, and in whose name."""

from __future__ import annotations

import pytest

from functions.github_webhook.webhook import take
from local.polling.payloads import envelope_of
from shared.github.changes import iso, milliseconds
from tests.contract.github_client.stage import REPO
from tests.contract.polling.ear import Ear

SPEC = "@octocat, **spec v1 is ready**\n\n- [ ] **Approve v1 and start**\n\nSigned"


def test_a_command_is_heard_once_as_the_webhook_would_have_told_it(ear: Ear) -> None:
    said = ear.octocat.comment(REPO, ear.number, "/persevere plan\nquickly")
    ear.until_heard()
    (heard,) = ear.heard
    assert (heard["kind"], heard["data"]["verb"], heard["data"]["rest"]) == ("command", "plan", "quickly")
    assert heard["sender"]["login"] == "octocat"
    assert heard["comment"]["id"] == said["id"]
    assert heard["installation_id"] == ear.place.installation.id
    assert heard["repository"]["full_name"] == REPO
    assert heard["comment"]["on_pull"] is False


def test_what_happened_in_several_lists_is_heard_in_its_order(ear: Ear) -> None:
    for step in range(3):
        ear.octocat.comment(REPO, ear.number, f"word {step}")
        ear.stage.clock.advance(2)
        ear.octocat.close_issue(REPO, ear.number)
        ear.stage.clock.advance(2)
        ear.octocat.reopen_issue(REPO, ear.number)
        ear.stage.clock.advance(2)
    ear.until_heard()
    assert [each["action"] for each in ear.heard] == ["created", "closed", "reopened"] * 3
    assert [each["data"].get("state") for each in ear.heard if each["kind"] == "issue"] == ["closed", "open"] * 3
    assert {each["sender"]["login"] for each in ear.heard} == {"octocat"}


def test_more_than_a_page_is_heard_whole(ear: Ear) -> None:
    for number in range(205):
        ear.octocat.comment(REPO, ear.number, f"word {number}")
    ear.until_heard()
    assert sorted(ear.said()) == sorted(f"word {number}" for number in range(205))


def test_our_own_comments_and_other_bots_say_nothing(ear: Ear) -> None:
    ear.our_comment("/persevere stop")
    ear.until_heard()
    assert ear.heard == []


def test_an_edit_starts_nothing_and_is_not_a_second_comment(ear: Ear) -> None:
    said = ear.octocat.comment(REPO, ear.number, "Hello")
    ear.until_heard()
    ear.stage.clock.advance(90)
    ear.octocat.edit_comment(REPO, said["id"], "/persevere approve v1")
    ear.until_heard()
    assert ear.said() == ["Hello"]


def test_a_comment_that_its_author_changed_before_it_was_read_counts_as_it_reads(ear: Ear) -> None:
    said = ear.octocat.comment(REPO, ear.number, "/persevere aprove v1")
    ear.stage.clock.advance(3)
    ear.octocat.edit_comment(REPO, said["id"], "/persevere approve v1")
    ear.until_heard()
    assert ear.said("command") == ["/persevere approve v1"]


@pytest.mark.parametrize("later_s", [0, 3])
def test_a_comment_that_somebody_else_changed_is_not_run_in_its_authors_name(ear: Ear, later_s: int) -> None:
    ear.stage.st.configure(REPO, roles={"hubot": "write"})
    said = ear.octocat.comment(REPO, ear.number, "Hello")
    ear.stage.clock.advance(later_s)
    ear.hubot.edit_comment(REPO, said["id"], "/persevere approve v1")
    ear.until_heard()
    (heard,) = ear.heard
    assert (heard["kind"], heard["data"]["why"]) == ("near_miss", "edited")
    assert heard["data"]["quote"] == "/persevere approve v1"


@pytest.mark.parametrize(("seen_before", "later_s"), [(True, 0), (True, 5), (False, 0), (False, 5)])
def test_a_tick_says_who_and_what_stood_there_before(ear: Ear, seen_before: bool, later_s: int) -> None:
    ours = ear.our_comment(SPEC)
    if seen_before:
        ear.look()
    ear.stage.clock.advance(later_s)
    ear.octocat.tick(REPO, ours["id"])
    ear.until_heard()
    (heard,) = ear.heard
    assert (heard["kind"], heard["sender"]["login"]) == ("box", "octocat")
    assert heard["comment"]["before"] == SPEC
    assert heard["comment"]["body"] == SPEC.replace("[ ]", "[x]")


def test_ticks_after_we_put_the_box_back_are_deeds_of_their_own(ear: Ear) -> None:
    ours = ear.our_comment(SPEC)
    for _ in range(2):
        ear.stage.clock.advance(5)
        ear.octocat.tick(REPO, ours["id"])
        ear.until_heard()
        ear.stage.clock.advance(5)
        ear.edit_ours(ours["id"], SPEC)
        ear.until_heard()
    assert [each["kind"] for each in ear.heard] == ["box", "box"]


def test_a_box_that_two_people_had_in_hand_proves_nobodys_approval(ear: Ear) -> None:
    ear.stage.st.configure(REPO, roles={"hubot": "write"})
    ours = ear.our_comment(SPEC)
    ear.look()
    ear.stage.clock.advance(5)
    ear.hubot.tick(REPO, ours["id"])
    ear.octocat.edit_comment(REPO, ours["id"], SPEC.replace("[ ]", "[x]") + "!")
    ear.octocat.edit_comment(REPO, ours["id"], SPEC.replace("[ ]", "[x]"))
    ear.until_heard()
    (heard,) = ear.heard
    assert heard["comment"]["before"] == ""  # differs in more than the box, so it is put back


def test_an_altered_text_is_told_with_what_stood_there(ear: Ear) -> None:
    ours = ear.our_comment(SPEC)
    ear.look()
    ear.stage.clock.advance(5)
    ear.octocat.edit_comment(REPO, ours["id"], SPEC.replace("[ ]", "[x]").replace("Signed", "Sealed"))
    ear.until_heard()
    (heard,) = ear.heard
    assert heard["comment"]["before"] == SPEC


def test_a_command_in_a_review_of_ours_is_heard_once_as_one_that_is_not_run(ear: Ear) -> None:
    ear.octocat.push(REPO, "ours", {"ours.py": "x = 2\n"}, base="main")
    ear.number = ear.octocat.open_pull(REPO, "ours")["number"]
    ear.our_pull(ear.number)
    ear.until_heard()
    ear.stage.clock.advance(5)
    on_line = {"path": "ours.py", "line": 1, "body": "/persevere fix this"}
    ear.octocat.review(REPO, ear.number, "COMMENT", "/persevere verify", [on_line])
    ear.until_heard()
    told = [(each["kind"], each["data"]["quote"]) for each in ear.heard if each["kind"] == "near_miss"]
    assert sorted(told) == [("near_miss", "/persevere fix this"), ("near_miss", "/persevere verify")]


def reviewed_pull(ear: Ear) -> None:
    """A pull request of ours, and a command in a review and on a line of it."""
    ear.octocat.push(REPO, "ours", {"ours.py": "x = 2\n"}, base="main")
    ear.number = ear.octocat.open_pull(REPO, "ours")["number"]
    ear.our_pull(ear.number)
    on_line = {"path": "ours.py", "line": 1, "body": "/persevere fix this"}
    ear.octocat.review(REPO, ear.number, "COMMENT", "/persevere verify", [on_line])


def quotes(ear: Ear) -> list[str]:
    return sorted(each["data"]["quote"] for each in ear.heard if each["kind"] == "near_miss")


def test_a_review_that_was_heard_long_ago_is_not_heard_again_when_its_pull_request_changes(ear: Ear) -> None:
    reviewed_pull(ear)
    ear.until_heard()
    before = quotes(ear)
    assert len(before) == 2
    ear.time_passes(days=36)
    ear.octocat.push(REPO, "ours", {"more.py": "x = 3\n"})
    ear.octocat.review(REPO, ear.number, "COMMENT", "/persevere stop", [])
    ear.until_heard()
    assert quotes(ear) == sorted([*before, "/persevere stop"])


def test_a_review_from_before_the_repository_was_read_says_nothing(ear: Ear) -> None:
    reviewed_pull(ear)
    ear.time_passes(days=1)
    ear.octocat.push(REPO, "ours", {"more.py": "x = 3\n"})
    ear.until_heard()
    assert quotes(ear) == []


def test_a_command_is_not_run_again_when_the_next_word_comes_weeks_later(ear: Ear) -> None:
    ear.octocat.comment(REPO, ear.number, "/persevere plan")
    ear.until_heard()
    ear.time_passes(days=36)
    ear.octocat.comment(REPO, ear.number, "Hello")
    ear.until_heard()
    assert ear.said() == ["/persevere plan", "Hello"]


def test_a_command_of_long_ago_is_not_run_again_when_its_text_is_changed(ear: Ear) -> None:
    said = ear.octocat.comment(REPO, ear.number, "/persevere plan")
    ear.until_heard()
    ear.time_passes(days=36)
    ear.octocat.edit_comment(REPO, said["id"], "/persevere stop")
    ear.until_heard()
    assert ear.said() == ["/persevere plan"]


def test_pull_requests_of_ours_are_heard_and_others_are_not(ear: Ear) -> None:
    for branch in ("ours", "theirs"):
        ear.octocat.push(REPO, branch, {f"{branch}.py": "x = 2\n"}, base="main")
    ours = ear.octocat.open_pull(REPO, "ours")["number"]
    theirs = ear.octocat.open_pull(REPO, "theirs")["number"]
    ear.our_pull(ours)
    ear.number = ours
    ear.until_heard()
    ear.stage.clock.advance(5)
    head = ear.octocat.push(REPO, "ours", {"more.py": "x = 3\n"})
    ear.octocat.push(REPO, "theirs", {"more.py": "x = 3\n"})
    ear.until_heard()
    assert [(each["action"], each["data"]["head"]) for each in ear.heard][-1:] == [("synchronize", head)]
    ear.stage.clock.advance(5)
    ear.octocat.merge(REPO, ours)
    ear.octocat.close_pull(REPO, theirs)
    ear.until_heard()
    last = ear.heard[-1]
    assert (last["kind"], last["action"], last["data"]["merged"]) == ("pull", "closed", True)
    ear.number = theirs
    assert ear.heard == []


@pytest.mark.parametrize("apart_s", [0, 1])
def test_what_a_webhook_has_told_is_not_told_again_minutes_later(ear: Ear, apart_s: int) -> None:
    """With a public address both ways are open: a job that was resumed since must not be stopped by an old closing."""
    for action, deed in (("closed", ear.octocat.close_issue), ("reopened", ear.octocat.reopen_issue)):
        deed(REPO, ear.number)
        issue = dict(ear.octocat.get(f"/repos/{REPO}/issues/{ear.number}"))
        field = "closed_at" if action == "closed" else "updated_at"
        issue[field] = iso(milliseconds(issue[field]) + apart_s * 1000)
        told = envelope_of(ear.place, action, {"id": 7, "login": "octocat", "type": "User"}, issue=issue)
        assert take("issues", told, f"guid-{action}", ear.door(), {}).verdict == "stored"
        ear.stage.clock.advance(5)
    ear.until_heard()
    assert [each["action"] for each in ear.heard] == ["closed", "reopened"]


def test_closing_twice_within_a_second_or_two_is_heard_twice_by_who_asks_alone(ear: Ear) -> None:
    for deed in (ear.octocat.close_issue, ear.octocat.reopen_issue, ear.octocat.close_issue):
        deed(REPO, ear.number)
        ear.stage.clock.advance(1)
    ear.until_heard()
    assert [each["action"] for each in ear.heard] == ["closed", "reopened", "closed"]


def test_a_quiet_repository_costs_no_request_of_the_hour(ear: Ear) -> None:
    ear.octocat.comment(REPO, ear.number, "Hello")
    ear.until_heard()
    answers = []
    send = ear.stage.wire.send

    def counted(*args, **more):
        answers.append(send(*args, **more))
        return answers[-1]

    ear.stage.wire.send = counted  # type: ignore[method-assign]
    ear.look()
    assert [each.status for each in answers] == [304] * 4
