"""`persevere case` on altered copies of one case: what the agent did decides what comes out, and nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from local.case.run import prepare
from local.trial.play import perform
from local.trial.stage import Stage
from local.trial.terminal import Terminal
from local.trial.watch import Watch
from tests.e2e.tiny_case import (
    AC1,
    AC2,
    AC3,
    BREAKS_TESTS,
    FAKE,
    FAKES_THE_RECORD,
    LIGHT,
    LIGHT1,
    LIGHT2,
    REPAIR,
    RIGHT,
    ROUNDED,
    TinyCase,
    fix,
    make_wheels,
    processes_of,
    step,
)
from tests.e2e.watch import leaks_of_kept


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_wheels(tmp_path_factory.mktemp("wheels") / "open")


INIT = "src/octo_lib/__init__.py"


def conclusions(found: Mapping[str, Any]) -> dict[str, str]:
    return {each["id"]: each["conclusion"] for each in found["criteria"]}


def checks(found: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["conclusion"] for each in found["checks"]}


def builds(found: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [job for job in found["jobs"] if job["kind"] == "build"]


def test_a_right_first_fix_is_proved_in_one_round_from_heads_own_source(tmp_path: Path, wheels: Path) -> None:
    """Base fails and head passes though both are editable installs: each has a set-up of its own."""
    code, found, story = TinyCase(tmp_path, wheels, [AC1, AC2, AC3], fix(RIGHT)).run()
    assert code == 0, story
    assert conclusions(found) == {"AC-1": "proved", "AC-2": "kept", "AC-3": "kept"}
    assert [(each["base"], each["head"]) for each in found["criteria"]] == [
        ("fail", "pass"),
        ("pass", "pass"),
        ("pass", "pass"),
    ]
    assert len(builds(found)) == 1
    assert found["pull_request"]["draft"] is False
    assert found["money"]["held"] == 0
    assert checks(found) == {"Persevere": "success"} | {f"Persevere / AC-{number}": "success" for number in (1, 2, 3)}
    assert processes_of(tmp_path) == []
    assert leaks_of_kept(tmp_path) == []


def test_a_fix_that_breaks_the_tests_is_red_and_waits(tmp_path: Path, wheels: Path) -> None:
    code, found, story = TinyCase(tmp_path, wheels, [AC1, AC2, AC3], fix(BREAKS_TESTS)).run()
    assert code == 3, story
    assert conclusions(found) == {"AC-1": "proved", "AC-2": "kept", "AC-3": "failed"}
    assert checks(found)["Persevere / AC-3"] == "failure"
    assert checks(found)["Persevere"] != "success"
    assert found["pull_request"]["draft"] is True
    assert found["phase"] == "waiting"


def test_a_renamed_criterion_is_repaired_with_the_answers_while_the_host_is_replaced(
    tmp_path: Path, wheels: Path
) -> None:
    """Two rounds; the host is stopped and started again while the agent works and while the proof runs."""
    renamed = LIGHT2 | {"id": "AC-9"}
    tiny = TinyCase(tmp_path, wheels, [LIGHT1, renamed], fix(ROUNDED), REPAIR, setup=LIGHT)
    told = StringIO()
    terminal = Terminal(told)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in tiny.environment.items():
            patch.setenv(name, value)
        play = prepare(tiny.environment, tiny.directory, tiny.answers_file, terminal, patience_s=120)
        ask = play.act

        def act(stage: Stage, watch: Watch, terminal: Terminal) -> None:
            restarted: list[str] = []

            def look() -> None:
                issue = watch.issue
                line = next((line for line in issue.jobs if line.id == issue.job), None) if issue else None
                if (
                    line
                    and line.status == "running"
                    and line.kind in ("build", "verify")
                    and line.kind not in restarted
                ):
                    restarted.append(line.kind)
                    stage.restart_host()

            ask(stage, Looking(watch, look), terminal)
            assert restarted == ["build", "verify"]

        code = perform(
            replace(play, act=act),
            tmp_path / "home" / "case" / "home",
            terminal,
            json_line=False,
            pages=tmp_path / "pages",
        )
    story = told.getvalue()
    assert code == 0, story
    assert "AC-9 FAILED" in story, story
    assert "AC-9 kept" in story
    assert (tmp_path / "pages" / "index.html").is_file()


class Looking(Watch):
    """A watch that does something at each look."""

    def __init__(self, watch: Watch, look: Any) -> None:
        self.__dict__.update(watch.__dict__)
        self._look = look

    def _see(self, issue: Any) -> None:
        self._look()
        super()._see(issue)


def test_an_agent_that_changes_nothing_gets_no_pull_request(tmp_path: Path, wheels: Path) -> None:
    steps = [step("ls"), step("submit", thought="It works, all criteria hold.")]
    code, found, story = TinyCase(tmp_path, wheels, [LIGHT1, LIGHT2], steps, setup=LIGHT).run()
    assert code in (1, 3), story
    assert found["pull_request"] is None
    assert found["criteria"] == [] or conclusions(found)["AC-1"] != "proved"


def test_a_run_with_nothing_but_a_shell_waits_for_a_persons_word(tmp_path: Path, wheels: Path) -> None:
    """Its patch is what it hands over; a check of several lines is proved; what is left is somebody's call."""
    lines = "PYTHONPATH=src python - <<'EOF' | grep -q '^it is 99$'\nfrom octo_lib import cents\nprint('it is', cents('0.999'))\nEOF"
    call = {"id": "AC-3", "kind": "person", "text": "the words are clear"}
    told = "<returncode>0</returncode>\n<output>\n</output>"
    steps = [
        step("cd tests && ls", told),
        step(f"sed -i 's/int(float(text) \\* 100)/round(float(text) * 100 - 0.49)/' {INIT}", told),
        step("echo 'import octo_lib' > test_fix.py", told),
        step(f"git diff -- {INIT} > patch.txt", told),
        step("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && cat patch.txt", "", "Rounded down."),
    ]
    code, found, story = TinyCase(tmp_path, wheels, [LIGHT1, LIGHT2 | {"check": lines}, call], steps, setup=LIGHT).run()
    assert code == 3, story
    assert conclusions(found) == {"AC-1": "proved", "AC-2": "kept", "AC-3": "your_call"}
    assert found["pull_request"]["draft"] is False
    pages = "".join(page.read_text() for page in (tmp_path / "home" / "case" / "pages").rglob("pull/*.html"))
    assert INIT in pages
    assert "test_fix.py" not in pages
    assert "patch.txt" not in pages


def test_a_check_that_writes_its_own_record_proves_nothing(tmp_path: Path, wheels: Path) -> None:
    code, found, story = TinyCase(tmp_path, wheels, [LIGHT1, FAKE], fix(RIGHT), setup=LIGHT).run()
    assert code == 3, story
    assert "AC-4 cannot be checked here" in story
    assert (found["approval"], found["pull_request"], found["criteria"]) == (None, None, [])


def test_a_change_that_fakes_the_record_of_its_tests_is_unproven(tmp_path: Path, wheels: Path) -> None:
    """The right fix, and a conftest that says by itself that everything passed and leaves."""
    fake = step(f"str_replace_editor create /testbed/conftest.py --file_text {shlex.quote(FAKES_THE_RECORD)}")
    published = fix(RIGHT)
    code, found, story = TinyCase(tmp_path, wheels, [AC1, AC3], [*published[:-1], fake, published[-1]]).run()
    assert code == 3, story
    assert conclusions(found) == {"AC-1": "proved", "AC-3": "unproven"}
    assert checks(found)["Persevere"] != "success"
    assert found["pull_request"]["draft"] is True


def test_an_unknown_action_ends_before_anything_starts(tmp_path: Path, wheels: Path) -> None:
    tiny = TinyCase(tmp_path, wheels, [AC1], [step("ls"), step("frobnicate it"), step("submit")])
    code, found, story = tiny.run()
    assert (code, found) == (2, {})
    assert "published_trajectory.jsonl line 2: unknown action 'frobnicate'" in story


def test_a_python_that_nobody_has_is_said(tmp_path: Path, wheels: Path) -> None:
    code, found, story = TinyCase(tmp_path, wheels, [AC1], [step("submit")], python="<2.0").run()
    assert (code, found) == (2, {})
    assert "the case wants Python <2.0, and there is none here" in story


def test_no_network_is_said(tmp_path: Path, wheels: Path) -> None:
    tiny = TinyCase(tmp_path, wheels, [AC1], [step("submit")])
    (tmp_path / "links" / "octo_lib-1.2.0.tar.gz").unlink()
    del tiny.environment["PIP_NO_INDEX"]
    tiny.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
    code, found, story = tiny.run()
    assert (code, found) == (4, {})
    assert "no package index could be asked" in story


def test_a_case_does_not_run_where_its_fence_is_not_to_be_had(tmp_path: Path, wheels: Path) -> None:
    """Never unfenced instead: that is the operator's to say, by name."""
    tiny = TinyCase(tmp_path, wheels, [AC1], [step("submit")])
    tiny.environment["PERSEVERE_SANDBOX"] = "container"
    tiny.environment["PATH"] = str(tmp_path)  # no engine is found there
    code, found, story = tiny.run()
    assert (code, found) == (2, {})
    assert "PERSEVERE_SANDBOX=none" in story
