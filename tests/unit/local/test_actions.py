"""What a published step did, read from its text."""

import pytest

from local.case.actions import (
    Action,
    Create,
    EditCursors,
    EditLines,
    EditWindow,
    Find,
    Goto,
    Insert,
    Nothing,
    Open,
    Replace,
    ReplaceOnce,
    Scroll,
    Search,
    SetCursors,
    Shell,
    Submit,
    Undo,
    View,
    WriteWhole,
)
from local.case.read_action import UnknownAction, parse, parse_all

EDITOR = "str_replace_editor"

ACTIONS: list[tuple[str, Action]] = [
    ("open src/a.py", Open("src/a.py")),
    ('open "src/a b.py" 1474', Open("src/a b.py", 1474)),
    ("goto 12", Goto(12)),
    ("scroll_down", Scroll(1)),
    ("scroll_up\n", Scroll(-1)),
    ("create reproduce.py", Create("reproduce.py")),
    ("insert 'one\n  \"two\"'", Insert('one\n  "two"')),
    ("insert 'text' 7", Insert("text", 7)),
    ("insert 7\ntext\nmore\nend_of_insert", Insert("text\nmore", 7)),
    ("edit 3:4\nx\n\ty\nend_of_edit", EditLines(3, 4, ("x", "\ty"))),
    ("edit 3:4\r\nx\r\nend_of_edit", EditLines(3, 4, ("x",))),
    ("edit 3:4\nend_of_edit", EditLines(3, 4, ())),
    ("edit 3:4\n\nend_of_edit", EditLines(3, 4, ("",))),
    ("edit 3:4\nx\n\nend_of_edit\n", EditLines(3, 4, ("x", ""))),
    ("edit 3:4\nx # end_of_edit is a word\nend_of_edit", EditLines(3, 4, ("x # end_of_edit is a word",))),
    ("set_cursors 3 5", SetCursors(3, 5)),
    ("edit\nx\n\ny\nend_of_edit", EditCursors(("x", "", "y"))),
    ("edit 'old\nlines' 'new'", Replace("old\nlines", "new")),
    ("edit 'old' 'new' True", Replace("old", "new", every=True)),
    ("edit 'old' 'new' False", Replace("old", "new")),
    ("edit 'the whole window'", EditWindow("the whole window")),
    ("find_file fields.py src", Find("fields.py", "src")),
    ("find_file '*.cfg'", Find("*.cfg")),
    ('search_dir "class Foo"', Search("class Foo", below=".")),
    ('search_dir "class Foo" src', Search("class Foo", below="src")),
    ("search_file Foo a.py", Search("Foo", path="a.py")),
    ("search_file Foo", Search("Foo")),
    ("filemap a.py", View("a.py")),
    (f"{EDITOR} view /testbed", View("/testbed")),
    (f"{EDITOR} view /testbed/a.py --view_range 1 20", View("/testbed/a.py", 1, 20)),
    (f"{EDITOR} view /testbed/a.py --view_range '[5, -1]'", View("/testbed/a.py", 5)),
    (f"{EDITOR} create /testbed/a.py --file_text 'import x\n'", WriteWhole("/testbed/a.py", "import x\n")),
    (f"{EDITOR} str_replace a.py --old_str 'a' --new_str 'b c'", ReplaceOnce("a.py", "a", "b c")),
    (f"{EDITOR} str_replace a.py --old_str 'a'", ReplaceOnce("a.py", "a", "")),
    (f"{EDITOR} insert a.py --insert_line 0 --new_str '# x'", Insert("# x", 0, "a.py")),
    (f"{EDITOR} undo_edit /testbed/a.py", Undo("/testbed/a.py")),
    ("edit 3:4 << 'end_of_edit'\nx\nend_of_edit", EditLines(3, 4, ("x",))),
    ("submit", Submit()),
    ("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && git add -A && git diff --cached", Submit()),
    ("cd /testbed && rm x.py && echo 'COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT'", Submit("cd /testbed && rm x.py")),
    ("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt", Submit("", "patch.txt")),
    ("echo MINI_SWE_AGENT_FINAL_OUTPUT", Submit()),
    ("", Nothing()),
    ("exit_cost (cost limit)", Nothing()),
    ("ls -F", Shell("ls -F")),
    ("python reproduce.py", Shell("python reproduce.py")),
    ("python3.9 -m pytest", Shell("python3.9 -m pytest")),
    ("FOO=1 pytest -q", Shell("FOO=1 pytest -q")),
    ("./run.sh", Shell("./run.sh")),
    (".venv/bin/python x.py", Shell(".venv/bin/python x.py")),
    ("(cd src && ls)", Shell("(cd src && ls)")),
    ("# a look around\ncat a.py", Shell("# a look around\ncat a.py")),
    ("cd src && grep -rn x .", Shell("cd src && grep -rn x .")),
]


@pytest.mark.parametrize(("text", "action"), ACTIONS, ids=[text[:40] for text, _ in ACTIONS])
def test_an_action_is_read(text: str, action: Action) -> None:
    assert parse(text) == action


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frobnicate src", "unknown action 'frobnicate'"),
        ("teleport_to fields.py", "unknown action 'teleport_to'"),
        ("# a note\nfrobnicate", "unknown action 'frobnicate'"),
        (f"{EDITOR} undo a.py", "unknown action 'str_replace_editor undo'"),
        (f"{EDITOR} create a.py", "without --file_text"),
        (f"{EDITOR} view a.py --view_range 1", "two numbers"),
        (f"{EDITOR} view a.py b.py", "is no option"),
        ("insert 'not closed", "cannot be read"),
        ("goto there", "wants a line number"),
        ("open", "with 0 arguments"),
        ("edit a b c d", "with 4 arguments"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(UnknownAction, match=words.replace("(", r"\(")):
        parse(text)


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("cd src && open a.py 10", (Shell("cd src"), Open("a.py", 10))),
        ("open a.py\ngoto 30", (Open("a.py"), Goto(30))),
        ("cd src && ls; pwd", (Shell("cd src && ls; pwd"),)),
        ("edit 'a && b' 'a; c'", (Replace("a && b", "a; c"),)),
        ("edit 'x = 1' 'x = 3'\nsubmit", (Replace("x = 1", "x = 3"), Submit())),
        ("edit 'x' 'y'\npython t.py", (Replace("x", "y"), Shell("python t.py"))),
        ("insert 'x = 1' 5\nsubmit", (Insert("x = 1", 5), Submit())),
        (f"{EDITOR} undo_edit a.py\npython t.py", (Undo("a.py"), Shell("python t.py"))),
        ("edit 'a\nb' 'a\nsubmit\nb'\nsubmit", (Replace("a\nb", "a\nsubmit\nb"), Submit())),
        ("open a.py && edit 'a\n\nb' 'c'", (Open("a.py"), Replace("a\n\nb", "c"))),
        (
            "open a.py\nls \\\n-l; find . -exec ls {} \\;",
            (Open("a.py"), Shell("ls \\\n-l"), Shell("find . -exec ls {} \\;")),
        ),
        ("submit;\n\t", (Submit(),)),
        ("\t", (Shell("\t"),)),
        ("edit\nopen x\nend_of_edit", (EditCursors(("open x",)),)),
        ("insert 5\nopen x\nsubmit\nend_of_insert", (Insert("open x\nsubmit", 5),)),
        ("edit 1:2 <<E\nopen x\nsubmit\nend_of_edit", (EditLines(1, 2, ("open x", "submit")),)),
        ("edit 1:2\nopen x\nsubmit\nend_of_edit", (EditLines(1, 2, ("open x", "submit")),)),
        ("cat <<'E' > notes\nsubmit\nE", (Shell("cat <<'E' > notes\nsubmit\nE"),)),
    ],
)
def test_commands_that_stand_one_behind_the_other_are_several(text: str, actions: tuple[Action, ...]) -> None:
    assert parse_all(text) == actions
