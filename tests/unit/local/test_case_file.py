"""A case is read from its directory, and what is wrong with it is named."""

import json
from pathlib import Path

import pytest

from local.case.case_file import BadCase, Criterion, read_case
from local.case.script import check_of, conversation, is_published, spec_of
from local.case.translate import Translated

TOML = """
[repository]
full_name = "octo-org/octo-lib"
sdist = "octo-lib==1.2.0"
python = ">=3.9"
setup = "sh setup.sh"
full_tests = "python -m pytest -q"

[[criteria]]
id = "AC-1"
text = "it works"
check = "python -c 'import octo'"
at_base = "fails"
kind = "new"

[[criteria]]
id = "AC-7"
text = "its tests pass"
check = "python -m pytest -q"
at_base = "passes"
"""
STEP = json.dumps({"thought": "t", "action": "ls", "observation": "o"})


def directory(
    path: Path, toml: str = TOML, issue: str = "Title here\n\nBody\n", steps: str = STEP + "\n\n" + STEP
) -> Path:
    (path / "case.toml").write_text(toml)
    (path / "issue.md").write_text(issue)
    (path / "published_trajectory.jsonl").write_text(steps)
    return path


def test_a_case_is_read(tmp_path: Path) -> None:
    case = read_case(directory(tmp_path))
    assert (case.full_name, case.project, case.version, case.python) == (
        "octo-org/octo-lib",
        "octo-lib",
        "1.2.0",
        ">=3.9",
    )
    assert (case.title, case.body) == ("Title here", "Body\n")
    assert [(each.id, each.kind) for each in case.criteria] == [("AC-1", "new"), ("AC-7", "keep")]
    assert [step.line for step in case.steps] == [1, 3]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[repository]", "[repo]", r"table \[repository\] is missing"),
        ('sdist = "octo-lib==1.2.0"', 'sdist = "octo-lib"', "a release such as"),
        ("octo-org/octo-lib", "octo-lib", "owner/name"),
        ('id = "AC-7"', 'id = "AC-1"', "the same id"),
        ('id = "AC-7"', 'id = "seven"', "three digits"),
        ('at_base = "passes"', "", "neither kind"),
        ('text = "it works"', "", "text is missing"),
        ('at_base = "passes"', 'at_base = "pass"\nkind = "keep"', "number 2.at_base is 'pass'"),
        ("python = ", "python = 3 # ", "repository.python is no text"),
        ("full_name", "full_name full_name", "case.toml:"),
    ],
)
def test_what_is_wrong_with_the_case_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(BadCase, match=words):
        read_case(directory(tmp_path, toml=TOML.replace(old, new)))


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("", "no step"),
        (STEP + "\nnot json", "line 2: no JSON"),
        ('{"thought": "no action"}', "line 1: an object with a text `action`"),
        ("[1]", "line 1: an object"),
    ],
)
def test_what_is_wrong_with_the_steps_is_named(tmp_path: Path, steps: str, words: str) -> None:
    with pytest.raises(BadCase, match=words):
        read_case(directory(tmp_path, steps=steps))


def test_only_a_line_feed_ends_a_line_of_the_steps(tmp_path: Path) -> None:
    step = {"thought": "t", "action": "echo '\u2028\x85\x0c'", "observation": ""}
    steps = "\ufeff" + json.dumps(step, ensure_ascii=False).replace("\\f", "\\u000c") + "\r\n"
    assert [each.action for each in read_case(directory(tmp_path, steps=steps)).steps] == [step["action"]]


def test_keys_that_mean_nothing_are_told(tmp_path: Path) -> None:
    toml = f'note = "x"\n{TOML}\nwhy = "y"\n'.replace("python = ", "licence = 'MIT'\npython = ")
    assert read_case(directory(tmp_path, toml=toml)).unread == ("note", "repository.licence", "criteria.why")
    assert read_case(directory(tmp_path)).unread == ()


@pytest.mark.parametrize("name", ["case.toml", "issue.md", "published_trajectory.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    directory(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(BadCase, match=f"{name} is missing"):
        read_case(tmp_path)


def test_an_issue_without_a_title_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="title"):
        read_case(directory(tmp_path, issue="\n \r\n"))


@pytest.mark.parametrize(
    ("issue", "title", "body"),
    [
        ("\r\n\r\n# It breaks\r\n\r\nAlways.\r\n", "It breaks", "Always.\n"),
        ("It breaks", "It breaks", "\n"),
        ("word " * 99 + "\n\nMore", "word " * 50 + "wo", "word word"),
        ("It breaks\n" + "x" * 80_000, "It breaks", "x" * 60_000),
    ],
)
def test_an_issue_is_as_long_as_github_takes_it(tmp_path: Path, issue: str, title: str, body: str) -> None:
    case = read_case(directory(tmp_path, issue=issue))
    assert case.title.startswith(title.removesuffix("wo").strip())
    assert case.body.startswith(body.strip("\n"))
    assert len(case.title) <= 256
    assert len(case.body) <= 65_536
    assert case.body.endswith("\n")


@pytest.mark.parametrize(
    ("kind", "run", "check"),
    [
        ("keep", ".venv/bin/python -m pytest -q", {"kind": "suite"}),
        ("keep", "FOO=1 python -W error -m pytest -x --tb short", {"kind": "suite"}),
        ("new", "python -m pytest -q", {"kind": "command"}),
        ("keep", "pytest -q tests", {"kind": "suite"}),
        ("keep", "pytest -q tests/test_a.py tests/b", {"kind": "suite"}),
        ("new", "pytest -q tests", {"kind": "command"}),
        ("keep", "pytest -k parser", {"kind": "command"}),
        ("keep", "cd sub && pytest", {"kind": "command"}),
        ("new", "pytest tests/test_a.py::test_b", {"kind": "test", "ids": ["tests/test_a.py::test_b"]}),
        ("new", "pytest tests/test_a.py::test_b tests/c", {"kind": "command"}),
        ("new", "python -c 'import pytest'", {"kind": "command"}),
        ("keep", "make test", {"kind": "command"}),
        ("keep", "pytest -q 'unclosed", {"kind": "command"}),
        ("new", "cat > a.py <<'EOF'\n# it's that\nEOF\npytest a.py", {"kind": "command"}),
        ("new", "git apply - <<'EOF'\n+don't\nEOF\npytest a.py::test_b", {"kind": "command"}),
    ],
)
def test_what_a_check_is_follows_from_its_command(kind: str, run: str, check: dict[str, object]) -> None:
    criterion = Criterion("AC-1", "text", run, "new" if kind == "new" else "keep")
    missing = {"may_be_missing": True} if kind == "new" else {}
    assert check_of(criterion, None) == {"origin": "spec", "run": run} | check | missing


def test_the_conversation_is_the_spec_the_steps_and_then_the_answers(tmp_path: Path) -> None:
    case = read_case(directory(tmp_path))
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"for": "build", "text": "more", "calls": []}\n')
    lines = [json.loads(line) for line in conversation(case, [Translated(1, "t", ())], answers)]
    assert [line["for"] for line in lines] == ["planner", "build", "build"]
    assert lines[0]["json"] == {"spec": spec_of(case)}
    assert [each["check"]["run"] for each in lines[0]["json"]["spec"]["criteria"]] == [
        each.check for each in case.criteria
    ]
    assert lines[2]["text"] == "more"


def test_a_check_of_several_lines_is_run_word_for_word(tmp_path: Path) -> None:
    check = "python - <<'EOF'\nimport octo\n\nassert octo.answer('a | b') == \"42\"  # `x`\nEOF"
    toml = TOML.replace("check = \"python -c 'import octo'\"", f"check = {json.dumps(check)}")
    [planned] = conversation(read_case(directory(tmp_path, toml=toml)), [], None)
    assert json.loads(planned)["json"]["spec"]["criteria"][0]["check"]["run"] == check


def test_a_criterion_for_a_person_has_no_check(tmp_path: Path) -> None:
    toml = TOML + '\n[[criteria]]\nid = "AC-8"\ntext = "the words are clear"\nkind = "person"\n'
    case = read_case(directory(tmp_path, toml=toml))
    assert case.criteria[-1] == Criterion("AC-8", "the words are clear", "", "person")
    [planned] = conversation(case, [], None)
    assert json.loads(planned)["json"]["spec"]["criteria"][-1] == {
        "id": "AC-8",
        "kind": "person",
        "text": "the words are clear",
    }


@pytest.mark.parametrize(
    ("check", "words"), [("true\\rfalse", "neither NUL nor CR"), ("true " + "x" * 5000, "at most 4000 characters")]
)
def test_a_criterion_that_no_spec_can_hold_is_said(tmp_path: Path, check: str, words: str) -> None:
    case = read_case(directory(tmp_path, toml=TOML.replace("python -c 'import octo'", check)))
    with pytest.raises(BadCase, match=words):
        conversation(case, [], None)


def test_answers_may_be_steps_in_the_published_form(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text("\n" + STEP)
    assert is_published(answers)
    answers.write_text('{"for": "build", "text": "x"}\n')
    assert not is_published(answers)
    assert not is_published(tmp_path / "none")


def test_answers_that_are_no_conversation_are_refused(tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"for": "nobody", "text": "x"}\n')
    with pytest.raises(BadCase, match=r"answers\.jsonl line 1"):
        conversation(read_case(directory(tmp_path)), [], answers)
