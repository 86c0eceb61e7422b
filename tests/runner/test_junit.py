"""pytest's record: what is believed of it, and what a check comes to with it."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner_image.judge import NOT_RUN_BEFORE, Before, judge
from runner_image.junit import (
    NoRecord,
    Record,
    ask_for_record,
    hides_a_run,
    matching,
    normal_id,
    read_record,
    runs_pytest,
)
from runner_image.sandbox.contract import End, Ran
from runner_image.sandbox.output import Output
from shared.domain.protocol import CheckToRun, lost_tests

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
PASSED = '<testcase classname="tests.test_n" name="test_a" time="0.1"/>'
FAILED = '<testcase classname="tests.test_n" name="test_b" time="0.1"><failure message="x"/></testcase>'
SKIPPED = '<testcase classname="tests.test_n" name="test_c" time="0.1"><skipped/></testcase>'
BROKEN = '<testcase classname="" name="tests.test_z"><error message="collection failure"/></testcase>'


def xml(*cases: str, time: str = "0.5", at: str = "2026-01-02T03:04:06+00:00", **counts: int) -> str:
    text = "".join(cases)
    held = {
        "tests": len(cases),
        "failures": text.count("<failure"),
        "errors": text.count("<error"),
        "skipped": text.count("<skipped"),
    }
    said = " ".join(f'{name}="{value}"' for name, value in (held | counts).items())
    return f'<?xml version="1.0"?><testsuites><testsuite name="pytest" {said} time="{time}" timestamp="{at}">{text}</testsuite></testsuites>'


def read(tmp_path: Path, text: str) -> Record:
    (tmp_path / "record.xml").write_text(text)
    return read_record(tmp_path / "record.xml", BEGAN, 3.0)


def test_results_by_id_the_worst_of_repeats(tmp_path: Path) -> None:
    again = '<testcase classname="tests.test_n" name="test_a" time="0"><error message="failed on teardown"/></testcase>'
    record = read(tmp_path, xml(PASSED, FAILED, SKIPPED, again))
    assert record.results == {
        "tests.test_n::test_a": "failed",
        "tests.test_n::test_b": "failed",
        "tests.test_n::test_c": "skipped",
    }
    assert record.tests().count == 3


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-02T03:04:04.5+00:00",
        "2026-01-02T03:04:08",
        "2026-01-02T12:04:06",
        "2026-01-02T08:34:06+05:30",
        "2025-12-31T23:49:06",
    ],
)
def test_times_of_this_run_in_whatever_zone(tmp_path: Path, at: str) -> None:
    assert read(tmp_path, xml(PASSED, at=at)).results


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cut off or no XML"),
        (xml(PASSED)[:120], "cut off or no XML"),
        ("<html/>", "no test suite"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + xml(PASSED)[21:], "entities"),
        (xml(PASSED, at="2026-01-02T03:04:30+00:00"), "its times are others"),
        (xml(PASSED, at="2026-01-02T03:14:06"), "its times are others"),
        (xml(PASSED, at="2020-01-02T03:04:06+00:00"), "its times are others"),
        (xml(PASSED, time="99"), "its times are others"),
        (xml(PASSED, at=""), "does not say when"),
        (xml(PASSED, time="soon"), "does not say when"),
        (xml(PASSED, tests=2, failures=1), "incomplete"),
        (xml(PASSED, tests=0), "incomplete"),
        (xml(PASSED, FAILED, failures=0), "incomplete"),
        (xml(PASSED, skipped=1), "incomplete"),
        (xml(PASSED).replace("tests=", "x="), "does not count"),
    ],
)
def test_a_record_that_is_not_believed(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(NoRecord, match=re.escape(words)):
        read(tmp_path, text)


def test_subtests_are_counted_but_are_no_cases(tmp_path: Path) -> None:
    """As pytest 9 writes them: two that pass inside of one test, and one test with a passing and a failing one."""
    assert read(tmp_path, xml(PASSED, tests=3)).results == {"tests.test_n::test_a": "passed"}
    mixed = FAILED.replace("</testcase>", '<failure message="subtest"/></testcase>')
    assert read(tmp_path, xml(PASSED, mixed, tests=4)).ids("failed") == ["tests.test_n::test_b"]


def test_a_record_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(xml(PASSED))
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "twin").hardlink_to(tmp_path / "real")
    (tmp_path / "directory").mkdir()
    for name in ("none", "link", "twin", "directory"):
        with pytest.raises(NoRecord):
            read_record(tmp_path / name, BEGAN, 3.0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pytest -q", True),
        ("python -m pytest -q | tail -n 1", True),
        (".venv/bin/pytest", True),
        ("cd x&&py.test;true", True),
        ("pytest-3 x", True),
        ("make test", False),
        ("pip install pytest-cov", False),
        ("echo 'run pytest now'", False),
        ("echo 'unclosed pytest", True),
        ("python -m pytest --version | grep -F 5.4", False),
        ("pytest --collect-only -q tests | grep -q test_a", False),
        ("pytest --version && pytest -q", True),
        ("pytest -q; echo --version", True),
        ("pytest -q\necho --version", True),
        ("# run the new test\npytest tests/test_new.py | tail -5", True),
        ("pip install -e .  # editable\npython -m pytest -q; true", True),
        ("pip install git+https://example.com/x#egg=x\npytest -q | cat", True),
        ("echo 'it is #1'\npytest -q", True),
        ('echo "a # \\" b"; pytest -q', True),
        ("echo $#; pytest -q", True),
        ("make test  # runs pytest", False),
        ("true;# pytest -q", False),
        ("pytest x\\\n --co", False),
        ("make \\\n test", False),
        ("python - <<'EOF'\nimport pytest\nwith pytest.raises(ValueError):\n    int('x')\nEOF", False),
        ("cat > test_new.py <<-EOF\n\timport pytest\n\tEOF\n", False),
        ("cat > test_new.py <<'EOF'\nimport pytest  # it's that\nEOF\npytest -q test_new.py", True),
        ('git apply - <<"EOF"\n import pytest\nEOF\nmake test', False),
        ("python - <<A; cat > b.py <<B\nimport pytest\nA\nimport pytest\nB\n", False),
        ("bash <<'EOF'\npytest -q\nEOF", True),
        ("cat > run.sh <<'EOF'\npytest -q\nEOF\nsh run.sh", True),
        ("cat > run <<'EOF'\npytest -q\nEOF\n./run", True),
        ("cat <<'EOF' | tee x.py | sh\npytest -q\nEOF", True),
        ("cat > x.txt <<EOF\n$(pytest -q)\nEOF", True),
        ("cat > x.txt <<EOF\nnever ended\npytest -q", True),
        ("python x.py <<< EOF\npytest -q\nEOF", True),
        ("echo '<<EOF' > x.py\npytest -q\nEOF", True),
        ("echo $((1<<2)) > x.py\npytest -q\n", True),
    ],
)
def test_a_line_that_runs_pytest_is_known(line: str, expected: bool) -> None:
    assert runs_pytest(line) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pytest a", False),
        ("make; pytest a", False),
        ("pytest --version; pytest a", False),
        ("pytest a && pytest b > log 2>&1 && py.test c", False),
        ("pytest a && pytest b; true", False),
        ("set -e\npytest a\npytest b", False),
        ("set -eu; pytest a; pytest b", False),
        ("python -m pip install pytest; pytest a", False),
        ("command -v pytest; pytest a", False),
        ("pytest src/pytest", False),
        ("pytest a -k '' && pytest b", False),
        ("pytest a; pytest b", True),
        ("pytest a\npytest b", True),
        ("pytest a || pytest a --lf", True),
        ("pytest a & pytest b", True),
        ("pytest a | tail -n 1 && pytest b", True),
        ("set -e; pytest a | cat; pytest b", True),
        ("set -e; pytest a && true; pytest b", True),
        ("cd a && pytest; cd ../b && pytest", True),
        ("for d in a b; do pytest $d; done", True),
        ("for d in a b\ndo\n  (cd $d && pytest -q)\ndone; exit 0", True),
        ("for d in a b; do (cd $d && pytest -q) || exit 1; done", False),
        ("set -e; for d in a b; do pytest $d; done", False),
        ("for f in a b; do cp $f c; done; pytest c", False),
        ("set -e; cd a && pytest; cd ../b && pytest", False),
        ("set -e; pytest a && pytest b; pytest c", True),
        ("set -e; pytest a || true; pytest b", True),
        ("set -e; (cd a; pytest); (cd b; pytest)", False),
        ("set -e; (pytest a) & pytest b", True),
        ("# both\n\nset -e\npytest a\npytest b", False),
        ("(cd a && pytest) && (cd b && pytest)", False),
        ("(pytest a; true) && pytest b", True),
        ("(pytest a && true) || (pytest b)", True),
        ("cat > test_a.py <<'EOF'\nimport pytest\nEOF\npytest test_a.py", False),
        ("git apply - <<'EOF'\n+from pytest import raises\n import pytest\nEOF\npytest test_a.py", False),
        ("cat > test_a.py <<'EOF'\nimport pytest\nEOF\npytest test_a.py\npytest test_b.py", True),
    ],
)
def test_a_run_that_the_next_one_hides(line: str, expected: bool) -> None:
    assert hides_a_run(line) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tests/test_x.py::test_y", "tests.test_x::test_y"),
        ("./tests/test_x.py::TestA::test_y[a/b.py::c]", "tests.test_x.TestA::test_y[a/b.py::c]"),
        ("tests/test_x.py", "tests.test_x"),
        ("tests.test_x::test_y", "tests.test_x::test_y"),
        ("tests.test_x.TestA::test_y", "tests.test_x.TestA::test_y"),
    ],
)
def test_ids_as_the_record_has_them(text: str, expected: str) -> None:
    assert normal_id(text) == expected


def test_an_id_means_all_its_parameters_and_a_file_all_its_tests() -> None:
    ids = [
        "t.test_x::test_y[1]",
        "t.test_x::test_y[2]",
        "t.test_x::test_yy",
        "t.test_x.TestA::test_y",
        "t.test_xx::test_y",
    ]
    assert matching("t/test_x.py::test_y", ids) == ids[:2]
    assert matching("t/test_x.py", ids) == ids[:4]
    assert matching("t/test_x.py::test_y[2]", ids) == [ids[1]]


def test_an_id_of_a_class_means_all_that_is_in_it() -> None:
    ids = [
        "t.test_x.TestA::test_y",
        "t.test_x.TestA.TestB::test_z[a.b::c]",
        "t.test_x.TestAB::test_y",
        "t.test_x::TestA",
    ]
    assert matching("t/test_x.py::TestA", ids) == [*ids[:2], ids[3]]
    assert matching("t/test_x.py::TestA::TestB", ids) == [ids[1]]
    assert matching("t/test_x.py::TestA::test_y", ids) == [ids[0]]


def test_the_record_is_asked_for_beside_what_is_asked_already() -> None:
    asked = ask_for_record({"PYTEST_ADDOPTS": "-p no:x", "A": "b"}, "/r/x.xml")
    assert asked == {"PYTEST_ADDOPTS": "-p no:x --junitxml=/r/x.xml", "A": "b"}


A, B = "tests.test_n::test_a", "tests.test_n::test_b"
NONE = NoRecord("it left no JUnit record")


@pytest.mark.parametrize(
    ("check", "end", "record", "at_base", "outcome"),
    [
        ({"run": "true"}, 0, NONE, (), "pass"),
        ({"run": "true"}, 1, NONE, (), "fail"),
        ({"run": "true"}, 125, NONE, (), "fail"),
        ({"run": "true"}, 126, NONE, (), "could_not_run"),
        ({"run": "true"}, 127, NONE, (), "could_not_run"),
        ({"run": "true"}, 137, NONE, (), "could_not_run"),
        ({"run": "true"}, 255, NONE, (), "could_not_run"),
        ({"run": "true"}, "timeout", NONE, (), "could_not_run"),
        ({"run": "true"}, "killed", NONE, (), "could_not_run"),
        ({"run": "make test"}, 0, [FAILED], (), "pass"),
        ({"run": "pytest"}, 0, NONE, (), "could_not_run"),
        ({"run": "pytest"}, 1, NONE, (), "could_not_run"),
        ({"run": "pytest"}, 0, [PASSED], (), "pass"),
        ({"run": "pytest"}, 0, [PASSED, SKIPPED], (), "pass"),
        ({"run": "pytest"}, 0, [], (), "could_not_run"),
        ({"run": "pytest"}, 0, [SKIPPED], (), "could_not_run"),
        ({"run": "pytest"}, 1, [PASSED, FAILED], (), "fail"),
        ({"run": "pytest | cat"}, 0, [PASSED, FAILED], (), "fail"),
        ({"run": "pytest"}, 1, [PASSED, BROKEN], (), "could_not_run"),
        ({"run": "pytest a; pytest b"}, 0, [PASSED], (), "could_not_run"),
        ({"run": "pytest a; pytest b"}, 0, [PASSED, FAILED], (), "fail"),
        ({"run": "pytest a\npytest b", "kind": "suite"}, 0, [PASSED], (A,), "could_not_run"),
        ({"run": "pytest a; pytest b", "kind": "test", "ids": (A,)}, 0, [PASSED], (), "pass"),
        ({"run": "pytest a && pytest b"}, 0, [PASSED], (), "pass"),
        ({"run": "pytest"}, 2, [PASSED], (), "could_not_run"),
        ({"run": "pytest"}, 7, [PASSED], (), "fail"),
        ({"run": "x", "kind": "test", "ids": (A,)}, 0, [PASSED, FAILED], (), "pass"),
        ({"run": "x", "kind": "test", "ids": (A,)}, 1, [PASSED, FAILED], (), "fail"),
        ({"run": "x", "kind": "test", "ids": (A, B)}, 1, [PASSED, FAILED], (), "fail"),
        ({"run": "x", "kind": "test", "ids": (A, "tests/test_n.py::test_d")}, 0, [PASSED], (), "could_not_run"),
        ({"run": "x", "kind": "test", "ids": ("tests/test_n.py::test_c",)}, 0, [PASSED, SKIPPED], (), "could_not_run"),
        ({"run": "x", "kind": "test", "ids": ("tests/test_n.py",)}, 0, [PASSED], (), "pass"),
        ({"run": "x", "kind": "test", "ids": ("tests/test_n.py",)}, 0, [PASSED, SKIPPED], (A,), "pass"),
        ({"run": "x", "kind": "test", "ids": ("tests/test_n.py",)}, 0, [PASSED, SKIPPED], (), "could_not_run"),
        ({"run": "x", "kind": "test", "ids": ("tests/test_n.py",)}, 0, [SKIPPED], (), "could_not_run"),
        (
            {"run": "x", "kind": "test", "ids": ("tests/test_n.py",)},
            0,
            [PASSED, SKIPPED],
            ("tests.test_n::test_c",),
            "could_not_run",
        ),
        ({"run": "x", "kind": "test"}, 0, NONE, (), "could_not_run"),
        ({"run": "x", "kind": "suite"}, 0, [PASSED], (), "pass"),
        ({"run": "x", "kind": "suite"}, 1, [PASSED, FAILED], (), "pass"),
        ({"run": "x", "kind": "suite"}, 1, [FAILED], (), "fail"),
        ({"run": "x", "kind": "suite"}, 2, [PASSED], (), "could_not_run"),
        ({"run": "x", "kind": "suite"}, 0, [PASSED], (A,), "pass"),
        ({"run": "x", "kind": "suite"}, 1, [PASSED, FAILED], (A,), "pass"),
        ({"run": "x", "kind": "suite"}, 1, [PASSED, FAILED], (A, B), "fail"),
        ({"run": "x", "kind": "suite"}, 0, [PASSED], (A, B), "fail"),
        ({"run": "x", "kind": "suite"}, 0, [], (A,), "could_not_run"),
    ],
)
def test_what_a_run_comes_to(
    tmp_path: Path,
    check: dict[str, object],
    end: int | End,
    record: NoRecord | list[str],
    at_base: tuple[str, ...],
    outcome: str,
) -> None:
    ran = Ran(end, None, 3.0, Output()) if isinstance(end, str) else Ran("exited", end, 3.0, Output())
    known = read(tmp_path, xml(*record)) if isinstance(record, list) else record
    seen = judge(CheckToRun.model_validate(check), ran, known, Before(frozenset(at_base)), None)
    assert seen.run.outcome == outcome, seen.run.reason


def test_at_base_a_group_in_which_some_are_skipped_holds(tmp_path: Path) -> None:
    check, ran = CheckToRun(run="x", kind="test", ids=("tests/test_n.py",)), Ran("exited", 0, 3.0, Output())
    assert judge(check, ran, read(tmp_path, xml(PASSED, SKIPPED)), NOT_RUN_BEFORE, None).run.outcome == "pass"


def test_a_cut_list_of_ids_keeps_those_that_base_listed(tmp_path: Path) -> None:
    old = [f'<testcase classname="z" name="t{n:04}" time="0"/>' for n in range(1999)]
    more = [f'<testcase classname="a" name="t{n:04}" time="0"/>' for n in range(50)]
    check, ran = CheckToRun(run="x", kind="suite"), Ran("exited", 0, 3.0, Output())
    base = judge(check, ran, read(tmp_path, xml(*old)), NOT_RUN_BEFORE, None)
    head = judge(check, ran, read(tmp_path, xml(*old, *more)), base.ids, None)
    assert base.run.tests is not None
    assert head.run.tests is not None
    assert set(base.run.tests.passed) <= set(head.run.tests.passed)
    assert (len(head.run.tests.passed), head.run.tests.count) == (2000, 2049)


@pytest.mark.parametrize("at_head", ["11-24-2026 23:46:09", "11-24-2026 23:46:09.123456"])
def test_a_cut_list_of_ids_keeps_those_whose_parameters_are_never_twice_the_same(tmp_path: Path, at_head: str) -> None:
    def cases(now: str, *more: str) -> list[str]:
        names = [f"test_{n:04}[{'x' * 60}]" for n in range(1500)]
        return [
            f'<testcase classname="t" name="{name}" time="0"/>'
            for name in (*names, *more, f"test_0001[{now}]", f"test_0002[{now}]")
        ]

    check, ran = CheckToRun(run="x", kind="suite"), Ran("exited", 0, 3.0, Output())
    base = judge(check, ran, read(tmp_path, xml(*cases("11-24-2026 23:46:08"))), NOT_RUN_BEFORE, None)
    head = judge(
        check, ran, read(tmp_path, xml(*cases(at_head, *(f"test_0001[{n}]" for n in range(500))))), base.ids, None
    )
    assert head.run.outcome == "pass"
    assert base.run.tests is not None
    assert head.run.tests is not None
    assert len(base.run.tests.passed) < 1500
    assert not lost_tests(set(base.run.tests.passed), set(head.run.tests.passed))


@pytest.mark.parametrize(
    ("base", "head", "outcome"),
    [
        (("a[1]", "a[2]", "b"), ("a[3]", "a[4]", "b"), "pass"),
        (("a[1]", "a[2]", "b"), ("a[3]", "b"), "fail"),
        (("a[1]", "b"), ("a[1]", "c"), "fail"),
    ],
)
def test_ids_that_are_never_twice_the_same_are_counted(
    tmp_path: Path, base: tuple[str, ...], head: tuple[str, ...], outcome: str
) -> None:
    cases = [f'<testcase classname="t" name="{name}" time="0"/>' for name in head]
    check, ran = CheckToRun(run="x", kind="suite"), Ran("exited", 0, 3.0, Output())
    seen = judge(check, ran, read(tmp_path, xml(*cases)), Before(frozenset(f"t::{name}" for name in base)), None)
    assert seen.run.outcome == outcome


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
def test_entities_are_seen_in_whatever_encoding(tmp_path: Path, encoding: str) -> None:
    text = xml(PASSED).replace("<testsuites>", ENTITIES + "<testsuites>").replace("test_a", "test_&b;")
    (tmp_path / "record.xml").write_bytes(text.replace('"1.0"', f'"1.0" encoding="{encoding}"', 1).encode(encoding))
    with pytest.raises(NoRecord, match=r"entities|UTF-8"):
        read_record(tmp_path / "record.xml", BEGAN, 3.0)


@pytest.mark.parametrize("bomb", ["<a/>" * 600_000, "<a>" * 600_000 + "</a>" * 600_000, " " * 20_000_001])
def test_a_record_that_would_fill_our_memory_is_not_parsed(tmp_path: Path, bomb: str) -> None:
    with pytest.raises(NoRecord, match=r"tags|bytes"):
        read(tmp_path, xml(PASSED, bomb))


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ("pytest", "could_not_run"),
        ("pip install pytest && pytest", "could_not_run"),
        ("pytest a && pytest b", "pass"),
        ("for d in a b; do pytest $d || exit 1; done", "pass"),
    ],
)
def test_what_failed_before_is_gone_where_no_other_run_may_have_had_it(line: str, outcome: str, tmp_path: Path) -> None:
    ran, before = Ran("exited", 0, 3.0, Output()), Before(failed=frozenset({B}))
    seen = judge(CheckToRun(run=line), ran, read(tmp_path, xml(PASSED)), before, None)
    assert seen.run.outcome == outcome, seen.run.reason
