"""Published steps become calls of our agent's tools."""

from dataclasses import replace

import pytest

from local.case import line_edits
from local.case.calls import bash, edit, finish, view, write
from local.case.case_file import BadCase, Case, Criterion, PublishedStep
from local.case.programs import programs_of
from local.case.published_place import Place, bin_directory, find_root
from local.case.translate import Translated, translate, translate_answers

EDITOR = "str_replace_editor"
FILES = {"src/pkg/core.py": "a = 1\nb = 2\na = 1\n", "README.md": "hi\n"}
SHOWN = "[File: /testbed/src/pkg/core.py (300 lines total)]\r\n(99 more lines above)\r\n100:b = 2\r\n101:a = 1\r\n(199 more lines below)"
NOT_APPLIED = f"{SHOWN}\r\n\r\nYour changes have NOT been applied. Please fix your edit command and try again."


def case(*steps: tuple[str, str], check: str = "python -m pytest") -> Case:
    return Case(
        full_name="octo-org/pkg",
        project="pkg",
        version="1.0",
        python="",
        setup=None,
        full_tests=None,
        criteria=(Criterion("AC-1", "it works", check, "new"),),
        title="It does not work",
        body="",
        steps=tuple(PublishedStep(line, f"thought {line}", *step) for line, step in enumerate(steps, start=1)),
    )


def translated(given: Case) -> list[Translated]:
    return translate(given, FILES, FILES.get)


def calls(*steps: tuple[str, str]) -> list[object]:
    return [call for each in translated(case(*steps)) for call in each.calls]


def shell_lines(call: object) -> str:
    assert isinstance(call, dict)
    assert call["tool"] == "bash"
    return str(call["args"]["command"])


def test_reading_and_searching() -> None:
    assert calls(
        ("open src/pkg/core.py 110", SHOWN),
        ("scroll_down", ""),
        ("goto 20", ""),
        ("find_file core.py src", ""),
        ("search_dir 'a = 1'", ""),
        ("search_file b", ""),
        ("ls -F", ""),
    ) == [
        view("src/pkg/core.py", 100, 101),
        view("src/pkg/core.py", 200, 299),
        view("src/pkg/core.py", 4, 103),
        bash("find src -name core.py"),
        bash("grep -rnIF -e 'a = 1' ."),
        bash("grep -nF -e b src/pkg/core.py"),
        bash("ls -F"),
    ]


def test_create_and_insert_go_on_with_the_open_file() -> None:
    assert calls(
        ("create reproduce.py", "[File: reproduce.py (1 lines total)]\r\n1:"), ("insert 'x = 1\nprint(x)'", "")
    ) == [
        write("reproduce.py", "\n"),
        write("reproduce.py", "\nx = 1\nprint(x)\n"),
    ]


def test_an_edit_of_what_stands_once_is_exact() -> None:
    assert calls(("open src/pkg/core.py", SHOWN), ("edit 'b = 2' 'b = 3'", SHOWN))[1:] == [
        edit("src/pkg/core.py", "b = 2", "b = 3")
    ]


def test_an_edit_of_what_stands_twice_is_bound_to_the_window() -> None:
    line = shell_lines(calls(("open src/pkg/core.py", SHOWN), ("edit 'a = 1' 'a = 3'", SHOWN))[1])
    assert "('src/pkg/core.py', 100, 101, 'a = 1', 'a = 3', None, False)" in line


def test_an_edit_between_cursors_is_one_by_lines() -> None:
    made = calls(("open src/pkg/core.py", SHOWN), ("set_cursors 100 101", ""), ("edit\nc = 3\nend_of_edit", SHOWN))
    assert "('src/pkg/core.py', 100, 101, None, ['c = 3'], ['b = 2', 'a = 1'], False)" in shell_lines(made[1])


def test_cursors_among_the_lines_hide_none_of_them() -> None:
    shown = SHOWN.replace("\r\n100:", "\r\n<<<<< START CURSOR >>>>>\r\n100:").replace(
        "\r\n101:", "\r\n<<<<< END CURSOR >>>>>\r\n101:"
    )
    made = calls(("open src/pkg/core.py", ""), ("set_cursors 100 101", shown), ("edit\nb = 3\nend_of_edit", shown))
    assert "['b = 2', 'a = 1']" in shell_lines(made[-1])


def test_an_edit_by_lines_knows_what_stood_there() -> None:
    line = shell_lines(calls(("open src/pkg/core.py", SHOWN), ("edit 100:101\nc = 3\nend_of_edit", SHOWN))[1])
    assert "('src/pkg/core.py', 100, 101, None, ['c = 3'], ['b = 2', 'a = 1'], False)" in line


@pytest.mark.parametrize(
    ("action", "observation"),
    [
        ("edit 'b = 2' 'b = 3'", NOT_APPLIED),
        ("edit 100:101\nx(\nend_of_edit", "Your proposed edit has introduced new syntax error(s).\n- E999"),
        ("create src/pkg/core.py", "Error: File 'src/pkg/core.py' already exists."),
        (
            "str_replace_editor str_replace a.py --old_str x --new_str y",
            "No replacement was performed, old_str `x` ...",
        ),
        ("vim a.py", "Operation 'vim' is not supported by this environment."),
        ("python (", "Your bash command contained syntax errors and was NOT executed."),
        ("", "Your output was not formatted correctly."),
    ],
)
def test_what_was_not_applied_is_skipped(action: str, observation: str) -> None:
    assert calls(("open src/pkg/core.py", SHOWN), (action, observation))[1:] == []


def test_output_that_merely_quotes_such_words_is_not_skipped() -> None:
    assert calls(("cat notes", NOT_APPLIED)) == [bash("cat notes")]


def test_a_changed_text_is_not_taken_for_the_repositorys() -> None:
    """After `sed -i` nobody knows what stands there, so the edit is made by a program that looks."""
    made = calls(
        ("open src/pkg/core.py", SHOWN), ("sed -i s/2/9/ src/pkg/core.py", ""), ("edit 'b = 9' 'b = 3'", SHOWN)
    )
    assert "'b = 9'" in shell_lines(made[2])


def test_the_last_submit_hands_over_with_the_words_of_the_end() -> None:
    made = translated(case(("ls", ""), ("submit", "Please look again."), ("pwd", ""), ("submit", "")))
    assert [each.calls for each in made] == [(bash("ls"),), (bash("pwd"),), (finish("thought 2"),)]


def test_steps_that_answer_a_proof_hand_over_round_by_round() -> None:
    """What stands in the files is not known any more, so nothing is taken for as it was."""
    given = case(("ls", ""), ("submit", ""))
    steps = [
        PublishedStep(1, "again", "open README.md", ""),
        PublishedStep(2, "so", "edit 'hi' 'ho'", ""),
        PublishedStep(3, "first", "submit", ""),
        PublishedStep(4, "second", "submit", ""),
    ]
    made = translate_answers(given, FILES, FILES.get, steps, "mine.jsonl")
    assert [call["tool"] for each in made for call in each.calls] == ["view", "bash", "finish", "finish"]
    with pytest.raises(BadCase, match=r"mine\.jsonl line 1: unknown action"):
        translate_answers(given, FILES, FILES.get, [PublishedStep(1, "", "frobnicate", "")], "mine.jsonl")


def test_an_unknown_action_names_its_line() -> None:
    with pytest.raises(BadCase, match=r"published_trajectory\.jsonl line 2: unknown action 'frobnicate'"):
        translated(case(("ls", ""), ("frobnicate it", "")))


def test_a_program_that_the_repository_installs_is_a_shell_line() -> None:
    files = FILES | {"setup.cfg": "[options.entry_points]\nconsole_scripts =\n    frobnicate = pkg.cli:main\n"}
    [made] = translate(case(("frobnicate it", "")), files, files.get)
    assert made.calls == (bash("frobnicate it"),)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("setup.py", "entry_points={'console_scripts': ['other=pkg:x', 'octo-cli=pkg.cli:main']}"),
        ("pyproject.toml", '[project.scripts]\nocto-cli = "pkg.cli:main"\n'),
        ("src/pkg.egg-info/entry_points.txt", "[console_scripts]\nocto-cli = pkg.cli:main\n"),
    ],
)
def test_where_programs_are_declared(name: str, text: str) -> None:
    assert "octo-cli" in programs_of([name], {name: text}.get)


@pytest.mark.parametrize(
    ("action", "observation"),
    [
        ("goto there", "Usage: goto <line>\nError: <line> must be a number"),
        ("edit 'not closed", "/bin/bash: -c: line 1: unexpected EOF while looking for matching `''"),
        ("frobnicate it", "/bin/bash: line 1: frobnicate: command not found"),
        ("goto 12", "No file open. Use the open command first."),
        (f"{EDITOR} create /testbed/README.md --file_text 'x'", "File already exists at: /testbed/README.md. Cannot"),
        (f"{EDITOR} undo_edit /testbed/README.md", "No edit history found for /testbed/README.md."),
    ],
)
def test_what_the_published_interface_refused_is_skipped(action: str, observation: str) -> None:
    assert calls(("ls", ""), (action, observation), ("pwd", "")) == [bash("ls"), bash("pwd")]


def test_an_edit_that_shows_such_words_of_a_file_is_made() -> None:
    shown = "[File: /testbed/README.md (2 lines total)]\r\n1:the file x already exists\r\n2:Usage: x"
    assert calls(("open README.md", ""), ("edit 'hi' 'ho'", f"Text replaced.\r\n{shown}"))[1] == edit(
        "README.md", "hi", "ho"
    )


@pytest.mark.parametrize(
    ("action", "observation"),
    [
        ("edit 'hi' 'ho' && python -m tool", "Text replaced.\nsh: 1: foo: command not found"),
        ("edit 'hi' 'ho' && python -m tool", "sh: 1: foo: command not found"),
        ("edit 'hi' 'ho' && python -m tool", "[File: README.md (1 lines total)]\n1:ho\nOSError: file x already exists"),
        (
            f"{EDITOR} str_replace /testbed/README.md --old_str hi --new_str ho\npython -m tool",
            "The file /testbed/README.md has been edited.\nE  OSError: the file /tmp/x already exists",
        ),
        ("edit 'hi' 'ho' && python -m tool", "Text replaced.\nNo changes were made"),
    ],
)
def test_what_a_later_command_of_the_step_said_refuses_no_edit(action: str, observation: str) -> None:
    made = calls(("open README.md", ""), (action, observation))
    assert made[1:] == [edit("README.md", "hi", "ho"), bash("python -m tool")]


def test_an_edit_that_was_refused_is_skipped_though_a_command_stands_behind_it() -> None:
    made = calls(("open README.md", ""), ("edit 'hi' 'ho' && python -m tool", "No changes were made. 1 passed"))
    assert made[1:] == [bash("python -m tool")]


def test_an_edit_is_taken_back() -> None:
    made = calls(
        (f"{EDITOR} str_replace /testbed/README.md --old_str 'hi' --new_str 'ho'", ""),
        (f"{EDITOR} undo_edit /testbed/README.md", "Last edit to /testbed/README.md undone successfully."),
    )
    assert made == [edit("README.md", "hi", "ho"), edit("README.md", "ho", "hi")]


REPLACE = f"{EDITOR} str_replace /testbed/src/pkg/core.py"
UNDO = (f"{EDITOR} undo_edit /testbed/src/pkg/core.py", "Last edit undone successfully.")
CORE = FILES["src/pkg/core.py"]


@pytest.mark.parametrize(
    "action",
    [
        f"{REPLACE} --old_str 'b = 2\n'",  # a deletion leaves nothing to find its place by
        f"{REPLACE} --old_str 'b = 2' --new_str 'a = 1'",  # stands three times afterwards
        f"{EDITOR} insert /testbed/src/pkg/core.py --insert_line 1 --new_str 'c = 3'",
    ],
)
def test_an_edit_that_cannot_be_turned_round_is_taken_back_by_the_whole_text(action: str) -> None:
    assert calls((action, ""), UNDO)[1:] == [write("src/pkg/core.py", CORE)]


def test_edits_are_taken_back_newest_first() -> None:
    made = calls(
        (f"{REPLACE} --old_str 'b = 2' --new_str 'b = 3'", ""), (f"{REPLACE} --old_str 'b = 3\n'", ""), UNDO, UNDO
    )
    assert made[2:] == [
        write("src/pkg/core.py", CORE.replace("b = 2", "b = 3")),
        edit("src/pkg/core.py", "b = 3", "b = 2"),
    ]


@pytest.mark.parametrize(
    "action",
    [f"{REPLACE} --old_str 'b = 2\n'", f"{EDITOR} insert /testbed/src/pkg/core.py --insert_line 1 --new_str 'c = 3'"],
)
def test_an_edit_of_an_unknown_text_that_cannot_be_turned_round_names_its_line(action: str) -> None:
    """After `git checkout` nobody knows what stands in a file, so there is no whole text to go back to."""
    with pytest.raises(BadCase, match=r"line 3: what `undo_edit` of src/pkg/core\.py takes back is not known"):
        calls(("git checkout v1", ""), (action, ""), UNDO)


def test_a_written_text_is_not_known_once_a_shell_line_may_have_changed_it() -> None:
    with pytest.raises(BadCase, match=r"line 3: what `undo_edit` of"):
        calls(("echo >> src/pkg/core.py", ""), (f"{REPLACE} --old_str 'b = 2\n'", ""), UNDO)


@pytest.mark.parametrize("line", ["python -m pytest tests/test_core.py", "cat src/pkg/core.py 2>/dev/null 2>&1"])
def test_a_shell_line_that_only_looks_makes_no_text_unknown(line: str) -> None:
    made = calls((line, ""), (f"{REPLACE} --old_str 'b = 2\n'", ""), (line, ""), UNDO)
    assert made[3] == write("src/pkg/core.py", CORE)


def test_to_take_back_a_creation_takes_back_no_older_edit() -> None:
    """The published editor's history holds what a `create` wrote, so that taking it back changes nothing."""
    made = calls(
        (f"{REPLACE} --old_str 'b = 2' --new_str 'b = 3'", ""),
        (f"{EDITOR} create /testbed/src/pkg/core.py --file_text 'z'", "File created successfully"),
        UNDO,
    )
    assert made[2] == write("src/pkg/core.py", "z")


def test_steps_that_had_a_shell_each_begin_in_the_root_each() -> None:
    told = "<returncode>0</returncode>\n<output>\n</output>"
    made = calls(
        ("cd /testbed/src && ls", told),
        ("edit README.md", "<returncode>127</returncode>"),
        ("pwd && echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt", ""),
    )
    assert made[:4] == [
        bash(line_edits.remember_new_files()),
        bash("cd src || exit\nls"),
        bash("edit README.md"),
        bash("pwd"),
    ]
    assert "patch.txt" in shell_lines(made[4])
    assert made[5:] == [finish("thought 1")]


def test_an_edit_without_an_open_file_names_its_line() -> None:
    with pytest.raises(BadCase, match=r"line 1: no file is open"):
        translated(case(("edit 'a' 'b'", "")))


def test_a_bare_python_finds_the_environment_of_the_checks() -> None:
    given = case(("python reproduce.py", ""), check=".venv/bin/python -m pytest -q")
    assert [call for each in translated(given) for call in each.calls] == [
        bash('export PATH="$PWD/.venv/bin:$PATH"\npython reproduce.py')
    ]


@pytest.mark.parametrize(
    ("check", "setup", "found"),
    [
        (".venv/bin/python -m pytest", None, ".venv/bin"),
        ("FOO=1 build/env/bin/pytest -q", None, "build/env/bin"),
        ("/usr/bin/env python x.py", None, None),
        ("make test", "python -m venv env && env/bin/pip install .", "env/bin"),
        ("make test", None, None),
    ],
)
def test_where_the_programs_of_a_case_are(check: str, setup: str | None, found: str | None) -> None:
    assert bin_directory(replace(case(("ls", ""), check=check), setup=setup)) == found


@pytest.mark.parametrize(
    ("texts", "root"),
    [
        ((("ls", "/testbed/src/pkg/core.py"),), "/testbed"),
        ((("cat /octo__pkg/README.md", ""), ("ls /usr/lib", "")), "/octo__pkg"),
        ((("ls /home/me/repo/src/pkg", "x /home/me/repo/src/pkg/core.py: y"),), "/home/me/repo"),
        ((("ls", ""),), "/testbed"),
    ],
)
def test_where_the_published_repository_lay(texts: tuple[tuple[str, str], ...], root: str) -> None:
    assert find_root(case(*texts), FILES) == root


@pytest.mark.parametrize(
    ("before", "text", "line"),
    [
        ([], "cat /testbed/a.py", "cat ./a.py"),
        ([], "cd /testbed && python a.py", "python a.py"),
        ([], "cd src && ls /testbed/tests", "cd src || exit\nls ../tests"),
        (["cd src/pkg"], "ls; cat /testbed/a 'x /testbed'", "cd src/pkg || exit\nls; cat ../../a 'x ../..'"),
        (["cd src"], "cd .. && ls", "ls"),
        (["cd src"], "cd && ls", "ls"),
        ([], "cat /testbedded/a /x/testbed/b", "cat /testbedded/a /x/testbed/b"),
        ([], "cd /tmp && ls", "cd /tmp || exit\nls"),
    ],
)
def test_a_shell_line_runs_where_the_published_shell_stood(before: list[str], text: str, line: str) -> None:
    place = Place("/testbed", None)
    for each in before:
        place.command(each)
    assert place.command(text) == line


def test_editing_is_not_moved_by_the_shells_directory() -> None:
    made = calls(("cd src", ""), ("open pkg/core.py", ""), ("edit 'b = 2' 'b = 3'", ""), ("ls", ""))
    assert made[1:] == [
        view("src/pkg/core.py", 1, 100),
        edit("src/pkg/core.py", "b = 2", "b = 3"),
        bash("cd src || exit\nls"),
    ]
