"""A tick counts only when nothing but our box differs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.box import find_tick
from shared.render.spec_comment import box_line, render_decided, render_spec
from tests.unit.render import views

POSTED = render_spec(views.waiting_spec(), 2)
EMPTY, FULL = box_line(2), box_line(2).replace("[ ]", "[x]")
TICKED = POSTED.replace("- [ ] **Approve", "- [x] **Approve")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (EMPTY, FULL, "ticked"),
        (EMPTY, FULL.replace("[x]", "[X]"), "ticked"),
        (FULL, EMPTY, "unticked"),
        (FULL.replace("[x]", "[X]"), EMPTY, "unticked"),
        (POSTED, TICKED, "ticked"),
        (POSTED, TICKED.replace("\n", "\r\n"), "ticked"),
        (POSTED.replace("\n", "\r\n"), TICKED, "ticked"),
        (TICKED, POSTED, "unticked"),
        (EMPTY, EMPTY, "other"),
        (FULL, FULL.replace("[x]", "[X]"), "other"),
        (EMPTY, FULL.replace("v2", "v3"), "other"),
        (EMPTY, FULL + " ", "other"),
        (POSTED, TICKED.replace("$6.00", "$9.00"), "other"),
        (POSTED, TICKED + "\n", "other"),
        ("- [ ] **Approve v2 and start**", "- [-] **Approve v2 and start**", "other"),
        ("- [ ] buy milk", "- [x] buy milk", "other"),
        ("  ```sh\n  - [ ] **Approve v2 and start**\n", "  ```sh\n  - [x] **Approve v2 and start**\n", "other"),
        ("- [x] **Approved** by octocat", "- [ ] **Approved** by octocat", "unticked"),
        ("", "", "other"),
    ],
)
def test_what_an_edit_did(before: str, after: str, found: str) -> None:
    assert find_tick(before, after) == found


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from("xX"))
def test_a_tick_is_seen_whatever_stands_around_it(above: str, below: str, sign: str) -> None:
    before = f"{above}\n{EMPTY}\n{below}"
    after = f"{above}\n{EMPTY.replace('[ ]', f'[{sign}]')}\n{below}"
    assert find_tick(before, after) == "ticked"
    assert find_tick(after.replace("\r", "").replace("\n", "\r\n"), before.replace("\r", "")) == "unticked"


@given(st.data())
def test_any_other_change_beside_the_tick_is_none(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(POSTED) - 1))
    char = data.draw(st.characters(exclude_characters=POSTED[at] + "\r\n"))
    changed = TICKED[:at] + char + TICKED[at + 1 :]
    if changed != POSTED.replace("- [ ] **Approve", "- [X] **Approve"):
        assert find_tick(POSTED, changed) == "other" or changed == TICKED


def test_a_spec_comment_holds_exactly_one_box() -> None:
    assert sum(line.lstrip().startswith(("- [ ]", "- [x]")) for line in POSTED.split("\n")) == 1


def test_a_decision_changes_the_box_line_and_no_other_byte() -> None:
    decided = render_decided(POSTED, views.working(), 2)
    before, after = POSTED.split("\n"), decided.split("\n")
    different = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(different) == 1
    assert different[0][1].startswith("- [x] **Approved** by octocat (maintain)")


def test_a_decision_keeps_the_line_ends_as_posted() -> None:
    posted = POSTED.replace("\n", "\r\n")
    decided = render_decided(posted, views.working(), 2)
    assert decided.replace("\r\n", "\n") == render_decided(POSTED, views.working(), 2)
    assert decided.count("\r\n") == posted.count("\r\n")


@pytest.mark.parametrize("posted", ["", "nothing of ours", "- [ ] buy milk"])
def test_a_text_without_our_line_stays(posted: str) -> None:
    assert render_decided(posted, views.working(), 2) == posted


def test_an_open_spec_stays_as_posted() -> None:
    assert render_decided(POSTED, views.waiting_spec(), 2) == POSTED
