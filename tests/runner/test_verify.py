"""A proof against a control plane: base, then head, each from its own files, and no cheat taken for a pass."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runner.conftest import BACKENDS, MANY, PYTEST_SETUP, Repo, Runner, claim_for
from tests.runner.fake_control import FakeControl

Start = Callable[..., Runner]
PYTEST = ".venv/bin/python -m pytest -q"


@pytest.fixture
def prove(repo: Repo, start: Start, packages: Path) -> Callable[..., FakeControl]:
    """Proves criteria on the repository's last commit against its first."""

    def run(*criteria: dict[str, Any], sandbox: str = "none", **more: Any) -> FakeControl:
        claimed = claim_for(
            repo,
            "verify",
            clone={"head": repo.head},
            criteria=list(criteria),
            **{"setup": {"setup": PYTEST_SETUP, "setup_source": "settings"}, **more},
        )
        environment = {"PERSEVERE_SANDBOX": sandbox, "PIP_FIND_LINKS": str(packages)}
        runner = start(claimed, environment=environment)
        assert runner.run() == 0, runner.stderr
        print(runner.stderr)
        return runner.control

    return run


def new(run: str, name: str = "AC-1", **check: Any) -> dict[str, Any]:
    return {"id": name, "kind": "new", "text": "", "check": {"run": run, **check}}


def keep(run: str, name: str = "AC-2", **check: Any) -> dict[str, Any]:
    return {**new(run, name, **check), "kind": "keep"}


def outcomes(control: FakeControl, name: str = "AC-1") -> tuple[str, list[str]]:
    """(base's outcome, head's outcomes)."""
    (base,) = control.seen_at(name, "base").runs
    return base.outcome, [run.outcome for run in control.seen_at(name, "head").runs]


Prove = Callable[..., FakeControl]
N = {
    "n.py": "N = 1\n",
    "tests/test_n.py": "import n\ndef test_n(): assert n.N\ndef test_m(): pass\n",
    "conftest.py": "",
}
ONE = f"{PYTEST} tests/test_n.py::test_n"


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_base_and_head_are_run_each_from_its_own_files(repo: Repo, prove: Prove, sandbox: str) -> None:
    repo.commit(N)
    repo.commit({"n.py": "N = 2\n"})
    control = prove(
        new("python -c 'import n; assert n.N == 2'"),
        keep(PYTEST, kind="suite"),
        keep(ONE, "AC-3", kind="test", ids=["tests/test_n.py::test_n"]),
        {"id": "AC-4", "kind": "person", "text": ""},
        sandbox=sandbox,
    )
    assert control.end.outcome == "verified"
    assert control.end.setup_run is not None
    assert [(each.criterion, each.side) for each in control.observations] == [
        (name, side) for side in ("base", "head") for name in ("AC-1", "AC-2", "AC-3")
    ]
    assert outcomes(control) == ("fail", ["pass", "pass"])
    assert outcomes(control, "AC-2") == ("pass", ["pass", "pass"])
    suite = control.seen_at("AC-2", "head")
    assert suite.sha == repo.head
    assert suite.pinned is None
    assert suite.runs[0].tests is not None
    assert suite.runs[0].tests.passed == ("tests.test_n::test_m", "tests.test_n::test_n")
    assert b"<testsuite " in control.blob(suite.runs[0].artifact)
    assert control.seen_at("AC-3", "head").runs[0].tests.count == 1  # type: ignore[union-attr]
    assert "AssertionError" in control.seen_at("AC-1", "base").runs[0].tail


LEAVES_IN_CALL = "import os\nclass C:\n def __bool__(s): os._exit(0)\nN = C()\n"
SKIPS_IN_CALL = "import pytest\nclass C:\n def __bool__(s): pytest.skip()\nN = C()\n"
ID = "tests/test_{0}.py::test_n"
CHEATS = {
    "leaves at import": ("import os\nos._exit(0)\n", ID, "could_not_run", "no JUnit record"),
    "leaves in the call": (LEAVES_IN_CALL, ID, "could_not_run", "no JUnit record"),
    "skips in the library": (
        "import pytest\npytest.skip('x', allow_module_level=True)\n",
        ID,
        "could_not_run",
        "were skipped",
    ),
    "skips in the call": (SKIPS_IN_CALL, ID, "could_not_run", "skipped"),
    "cannot be collected": (
        "raise ValueError\n",
        "tests/test_{0}.py",
        "could_not_run",
        "could not collect tests.test_",
    ),
    "fails": ("N = 0\n", ID, "fail", "1 test fail"),
    "fails behind a pipe": ("N = 0\n", ID + " | cat", "fail", "exit code 0; 1 test fail"),
    "fails and is excused": ("N = 0\n", ID + " || true", "fail", "exit code 0; 1 test fail"),
    "has a record of its own": ("N = 1\n", ID + " --junitxml=/dev/null", "could_not_run", "no JUnit record"),
    "no test of that name": ("N = 1\n", ID + "_other", "could_not_run", "exit code 4: its record has no test"),
}


def test_a_green_exit_code_alone_is_no_proof(repo: Repo, prove: Prove) -> None:
    rows = list(CHEATS.values())
    tests = {f"tests/test_m{n}.py": f"import m{n}\ndef test_n(): assert m{n}.N\n" for n in range(len(rows))}
    repo.commit({"conftest.py": "", **tests, **{f"m{n}.py": "N = 1\n" for n in range(len(rows))}})
    repo.commit({f"m{n}.py": source for n, (source, *_) in enumerate(rows)})
    control = prove(*[keep(f"{PYTEST} {line.format(f'm{n}')}", f"AC-{n}") for n, (_, line, *_) in enumerate(rows)])
    seen = {name: control.seen_at(f"AC-{n}", "head").runs[0] for n, name in enumerate(CHEATS)}
    assert {name: run.outcome for name, run in seen.items()} == {name: row[2] for name, row in CHEATS.items()}
    assert {name: run.reason for name, run in seen.items() if CHEATS[name][3] not in run.reason} == {}
    passed = [control.seen_at(f"AC-{n}", "base").runs[0].outcome for n in range(len(rows) - 2)]
    assert set(passed) == {"pass"}


FAKE = """<testsuites><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="1" time="{time}" {timestamp}>
<testcase classname="tests.test_n" name="test_n" time="0.0"/></testsuite></testsuites>"""
FAKES = {
    "into the workspace": "cat fake.xml > junit.xml",
    "of another time": 'cat fake.xml > "${PYTEST_ADDOPTS#--junitxml=}"',
    "without a time": 'grep -v time= fake.xml > "${PYTEST_ADDOPTS#--junitxml=}"',
    "that is cut off": 'head -c 150 fake.xml > "${PYTEST_ADDOPTS#--junitxml=}"',
    "that is a link": 'ln -s $PWD/fake.xml "${PYTEST_ADDOPTS#--junitxml=}"',
    "that is a pipe": 'mkfifo "${PYTEST_ADDOPTS#--junitxml=}"',
    "with entities": '(echo "<!DOCTYPE x [<!ENTITY a \'b\'>]>"; cat fake.xml) > "${PYTEST_ADDOPTS#--junitxml=}"',
    "as a directory": 'mkdir "${PYTEST_ADDOPTS#--junitxml=}"',
}


def test_a_fake_record_is_no_proof(repo: Repo, prove: Prove) -> None:
    repo.commit({"fake.xml": FAKE.format(time="0.1", timestamp='timestamp="2020-01-02T03:07:05+00:00"')})
    checks = [
        keep(f"{line}; : pytest", f"AC-{number}", kind="test", ids=["tests/test_n.py::test_n"])
        for number, line in enumerate(FAKES.values())
    ]
    control = prove(*checks, setup={"setup": "true"})
    said = {name: control.seen_at(f"AC-{number}", "head").runs[0] for number, name in enumerate(FAKES)}
    assert {name: run.outcome for name, run in said.items()} == dict.fromkeys(FAKES, "could_not_run")
    assert "its times are others" in said["of another time"].reason


def test_a_conftest_that_turns_results_round_is_found_by_the_bases_own(repo: Repo, prove: Prove) -> None:
    repo.commit(N)
    cheat = (
        "import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        " report = (yield).get_result()\n report.outcome, report.longrepr = 'passed', None\n"
    )
    repo.commit({"n.py": "N = 0\n", "conftest.py": cheat})
    control = prove(keep(ONE, "AC-1"), new("true", "AC-2"))
    seen = control.seen_at("AC-1", "head")
    assert [run.outcome for run in seen.runs] == ["pass", "pass"]
    assert seen.pinned is not None
    assert seen.pinned.outcome == "fail"
    assert "conftest.py" in seen.findings[0]


TURNS_ROUND = "def pytest_runtest_makereport(item, call): call.excinfo = None\n"
FORGES = """import os, datetime
file = os.environ["PYTEST_ADDOPTS"].partition("=")[2].split()[0]
open(file, "w").write('<testsuite errors="0" failures="0" skipped="0" tests="2" time="0" timestamp="%s">'
    '<testcase classname="tests.test_n" name="test_n"/><testcase classname="tests.test_n" name="test_m"/></testsuite>'
    % datetime.datetime.now().isoformat())
"""
HIJACKS = {
    "a module that is taken for pytest": {"pytest.py": FORGES},
    "a new test that alters the others": {
        "tests/test_a.py": "import n\nn.N = 1\ndef test_a(): pass\n",
    },
    "an old copy that the tests import": {"tests/n.py": "N = 1\n"},
    "a plugin in the package's own entry points": {
        "turn.py": TURNS_ROUND,
        "n.egg-info/entry_points.txt": "no section\n[pytest11]\nturn = turn\n",
        "n.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: n\nVersion: 1\n",
    },
    "a plugin whose name needs quotes": {
        "turn.py": TURNS_ROUND,
        "n.egg-info/entry_points.txt": "[pytest11]\nit's a turn = turn\n",
        "n.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: n\nVersion: 1\n",
    },
    "a module that is taken for an installed plugin": {"installed.py": TURNS_ROUND},
}


WITH_PLUGIN = (
    "cd .venv/lib/python3*/site-packages && touch installed.py && mkdir i-1.dist-info && cd i-1.dist-info && "
    "printf 'Name: i\\nVersion: 1\\n' > METADATA && printf '[pytest11]\\ni = installed\\n' > entry_points.txt"
)


@pytest.mark.parametrize("hijack", HIJACKS.values(), ids=list(HIJACKS))
def test_a_suite_that_the_change_has_hijacked_is_not_kept(repo: Repo, prove: Prove, hijack: dict[str, str]) -> None:
    repo.commit({name: text for name, text in N.items() if name != "conftest.py"})
    repo.commit({"n.py": "N = 0\n", **hijack})
    control = prove(keep(PYTEST, "AC-1", kind="suite"), setup={"setup": f"{PYTEST_SETUP} && {WITH_PLUGIN}"})
    seen = control.seen_at("AC-1", "head")
    assert outcomes(control) == ("pass", ["pass", "pass"])  # the cheat works
    assert seen.pinned is not None
    assert seen.pinned.outcome == "fail"


def test_a_new_module_beside_the_tests_proves_nothing(repo: Repo, prove: Prove) -> None:
    repo.commit({"n.py": "N = 0\n", "tests/test_n.py": N["tests/test_n.py"]})
    repo.commit({"tests/n.py": "N = 1\n"})
    control = prove(new(PYTEST, origin="existing"))
    seen = control.seen_at("AC-1", "head")
    assert outcomes(control) == ("fail", ["pass", "pass"])  # the cheat works
    assert seen.pinned is not None
    assert seen.pinned.outcome == "fail"
    assert "tests/n.py" in seen.findings[0]


INSTALLS = f"{PYTEST_SETUP} && cp -r src/* .venv/lib/python3*/site-packages/"
TEST = "from shop import N\ndef test_n(): assert N\ndef test_m(): pass\n"


def test_tests_that_setup_installs_are_the_bases_as_well(repo: Repo, prove: Prove) -> None:
    repo.commit({"src/shop/__init__.py": "N = 0\n", "src/shop/tests/test_n.py": TEST, "deps": "1"})
    repo.commit({"src/shop/tests/test_n.py": TEST.replace("assert N", "pass"), "deps": "2"})
    needs = "grep -q 2 deps || test ! -e src/shop/new"  # what is not the tests' stays the change's
    control = prove(new(f"{PYTEST} --pyargs shop"), setup={"setup": f"{INSTALLS} && {needs}"})
    seen = control.seen_at("AC-1", "head")
    assert outcomes(control) == ("fail", ["pass", "pass"])  # the cheat works
    assert seen.pinned is not None
    assert seen.pinned.outcome == "fail"


def test_a_module_that_setup_installs_does_not_judge(repo: Repo, prove: Prove) -> None:
    repo.commit({"src/shop.py": "N = 0\n", "tests/test_n.py": TEST})
    repo.commit({"src/sitecustomize.py": "import shop\nshop.N = 1\n"})
    control = prove(new(f"{PYTEST}", "AC-1"), new(f"{PYTEST} -q", "AC-2"), setup={"setup": INSTALLS})
    for name in ("AC-1", "AC-2"):
        seen = control.seen_at(name, "head")
        assert outcomes(control, name) == ("fail", ["pass", "pass"])  # the cheat works
        assert seen.pinned is not None
        assert seen.pinned.outcome == "fail"


def test_new_tests_with_new_fixtures_do_not_spoil_the_pinned_run(repo: Repo, prove: Prove) -> None:
    repo.commit(N)
    fixture = "import pytest\n@pytest.fixture\ndef three(): return 3\n"
    repo.commit({"conftest.py": fixture, "tests/test_three.py": "def test_three(three): assert three == 3\n"})
    control = prove(keep(PYTEST, "AC-1"))
    seen = control.seen_at("AC-1", "head")
    assert seen.pinned is not None
    assert (seen.runs[0].outcome, seen.pinned.outcome) == ("pass", "pass")


def test_the_agents_own_test_is_run_at_base_with_its_files(repo: Repo, prove: Prove) -> None:
    repo.commit(N)
    repo.commit({"n.py": "N = 2\n", "tests/test_two.py": "import n\ndef test_two(): assert n.N == 2\n"})
    check: dict[str, Any] = {
        "origin": "agent",
        "kind": "test",
        "ids": ["tests/test_two.py::test_two"],
        "files": ["tests/test_two.py"],
    }
    control = prove(new(f"{PYTEST} tests/test_two.py", **check), keep("test ! -e tests/test_two.py"))
    assert outcomes(control) == ("fail", ["pass", "pass"])
    assert outcomes(control, "AC-2")[0] == "pass"


def test_a_suite_must_keep_what_passed(repo: Repo, prove: Prove) -> None:
    tests = "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n"
    repo.commit({"tests/test_n.py": tests})
    repo.commit({"tests/test_n.py": tests.replace("test_a(): pass", "test_a2(): pass")})
    control = prove(keep(PYTEST, "AC-1", kind="suite"))
    assert outcomes(control) == ("pass", ["fail", "fail"])
    assert (
        "1 test that passed at base are gone or skipped, such as tests.test_n::test_a"
        in control.seen_at("AC-1", "head").runs[0].reason
    )
    assert "1 test fail that did not pass at base either" in control.seen_at("AC-1", "base").runs[0].reason


def test_a_flaky_check_is_run_five_times(repo: Repo, prove: Prove, tmp_path: Path) -> None:
    repo.commit({"a": "1"})
    count = tmp_path / "count"
    line = f"echo >> {count}; test $(wc -l < {count}) != 3"
    control = prove(new(line), setup={"setup": "true"})
    assert [run.outcome for run in control.seen_at("AC-1", "head").runs] == ["pass", "fail", "pass", "pass", "pass"]


LINKED = (
    "mkdir -p i.egg-info kept && printf '[pytest11]\\ni = installed\\n' > kept/plugins && cd i.egg-info && "
    "ln -s {} entry_points.txt && printf 'Name: i\\nVersion: 1\\n' > PKG-INFO"
)


@pytest.mark.parametrize(
    "link", ["../kept/plugins", "$(cd ..; pwd)/kept/plugins", "nowhere", "entry_points.txt", "/etc"]
)
def test_links_among_what_names_plugins_stop_no_proof(repo: Repo, prove: Prove, link: str) -> None:
    repo.commit({**N, "installed.py": "", "new": ""})
    repo.commit({"new": None})
    setup = f"{PYTEST_SETUP} && (test -e new || ({LINKED.format(link)}))"
    control = prove(keep(ONE, "AC-1"), setup={"setup": setup})
    assert control.end.outcome == "verified", control.end.summary
    said = " ".join(control.seen_at("AC-1", "head").findings)
    assert ("pytest plugins (i)" in said) is ("kept" in link)


def test_a_flaky_suite_of_many_tests_is_told_whole(repo: Repo, prove: Prove, tmp_path: Path) -> None:
    repo.commit({"many.py": MANY})
    repo.commit({"tests/conftest.py": ""})
    count = tmp_path / "count"
    line = f"echo >> {count}; python many.py $(test $(wc -l < {count}) != 3 || echo bad)"
    control = prove(keep(line, "AC-1", kind="suite"), setup={"setup": "true"})
    assert control.end.outcome == "verified", control.end.summary
    assert outcomes(control) == ("pass", ["pass", "fail", "pass", "pass", "pass"])
    seen = control.seen_at("AC-1", "head")
    assert seen.pinned is not None
    tests = seen.runs[1].tests
    assert tests is not None
    assert (tests.count, tests.failed) == (6001, ("tests.test_last::test_last",))
    before = control.seen_at("AC-1", "base").runs[0].tests
    assert before is not None
    assert set(before.passed) <= {*tests.passed, *tests.failed}


CANNOT = {
    "nonesuch": "127",
    "./plain": "126",
    "kill -9 $$": "SIGKILL",
    "python -S -m pytest": "no JUnit record",
}


def test_what_could_not_run_is_said(repo: Repo, prove: Prove) -> None:
    repo.commit({"plain": "x"})
    criteria = [new(line, f"AC-{number}") for number, line in enumerate(CANNOT)]
    control = prove(*criteria, setup={"setup": "true"})
    for number, (_, words) in enumerate(CANNOT.items()):
        run = control.seen_at(f"AC-{number}", "base").runs[0]
        assert run.outcome == "could_not_run"
        assert words in run.reason + run.tail


def test_what_did_not_end_in_its_time_is_said(repo: Repo, prove: Prove) -> None:
    repo.commit({"a": "1"})
    control = prove(new("sleep 4717"), setup={"setup": "true"}, limits={"check_seconds": 1})
    run = control.seen_at("AC-1", "base").runs[0]
    assert run.outcome == "could_not_run"
    assert "did not end within 1 s" in run.reason


def test_setup_that_fails_on_one_side_is_that_sides(repo: Repo, prove: Prove) -> None:
    repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    control = prove(new("true"), setup={"setup": "grep -q 2 a || { echo no two; exit 1; }"})
    assert outcomes(control) == ("could_not_run", ["pass", "pass"])
    assert "set-up ended without success here: exit code 1: no two" in control.seen_at("AC-1", "base").runs[0].reason


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_a_check_does_not_see_what_another_left(repo: Repo, prove: Prove, sandbox: str) -> None:
    repo.commit({"a": "1", "d/keep": "k", ".gitignore": "ignored\n"})
    mess = (
        "echo 2 > a; rm -r d; mkdir -p new/deep d2 ~/left; touch new/deep/x ignored ~/.rc /tmp/left; ln -s /etc l; "
        "echo '#!/bin/sh' > .git/hooks-x; chmod 000 new/deep/x"
    )
    clean = (
        'test "$(cat a)" = 1 && test -e d/keep && test ! -e new && test ! -e d2 && test ! -e ignored && test ! -L l && '
        "test ! -e ~/.rc && test ! -e ~/left && test -e made && test -e ~/kept && test ! -e .git/hooks-x && git diff --quiet"
    )
    control = prove(new(mess), keep(clean), sandbox=sandbox, setup={"setup": "touch made ~/kept"})
    assert outcomes(control, "AC-2") == ("pass", ["pass", "pass"])


def test_a_check_that_touches_what_setup_made_costs_a_fresh_one(repo: Repo, prove: Prove) -> None:
    repo.commit({"a": "1"})
    poison = "echo poison > .venv/lib; touch -d 2020-01-01 .venv/lib"
    control = prove(
        new(poison),
        keep("grep -q clean .venv/lib"),
        setup={"setup": "mkdir .venv; echo clean > .venv/lib; touch -d 2020-01-01 .venv/lib"},
    )
    assert outcomes(control, "AC-2") == ("pass", ["pass", "pass"])


EDITABLE = (
    "python -m venv --without-pip .venv && echo $PWD/src > $(echo .venv/lib/python3*/site-packages)/__editable__.pth"
)


@pytest.mark.parametrize("sandbox", BACKENDS)
def test_an_editable_install_is_proved_from_heads_own_source(repo: Repo, prove: Prove, sandbox: str) -> None:
    repo.commit({"src/n/__init__.py": "N = 1\n"})
    repo.commit({"src/n/__init__.py": "N = 2\n"})
    line = ".venv/bin/python -c 'import n; print(n.__file__); assert n.N == 2'"
    control = prove(new(line), sandbox=sandbox, setup={"setup": EDITABLE})
    assert outcomes(control) == ("fail", ["pass", "pass"])


def test_the_heads_setup_has_no_say(repo: Repo, prove: Prove) -> None:
    repo.commit({".devcontainer.json": '{"postCreateCommand": "true"}'})
    repo.commit({".devcontainer.json": '{"postCreateCommand": "touch cheat"}'})
    control = prove(new("test -e cheat"), setup={})
    assert outcomes(control)[1] == ["fail", "fail"]


def test_evidence_is_known_as_it_comes(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    claimed = claim_for(repo, "verify", clone={"head": repo.head}, criteria=[new("true"), new("sleep 4717", "AC-2")])
    runner = start(claimed, orders_when=lambda control: ["stop"] if control.observations else [])
    assert runner.run() == 0, runner.stderr
    assert [each.criterion for each in runner.control.observations] == ["AC-1"]
    assert (runner.control.end.outcome, runner.control.end.reason) == ("interrupted", "stopped")


def test_no_head_is_said(repo: Repo, start: Start) -> None:
    repo.commit({"a": "1"})
    runner = start(claim_for(repo, "verify"))
    assert runner.run() == 0
    assert "no head commit" in runner.control.end.summary


SKIPS_BESIDE_OTHERS = "import unittest\nclass C:\n def __bool__(s): raise unittest.SkipTest\nN = C()\n"
HAS_ONE_PASS = "import n\nimport pytest\ndef test_m(): pass\n"
DODGES = {
    "skipped by the program": (
        HAS_ONE_PASS + "def test_n(): assert n.N\n",
        {"n.py": SKIPS_BESIDE_OTHERS},
    ),
    "without a case any more": (
        HAS_ONE_PASS + "@pytest.mark.parametrize('case', getattr(n, 'CASES', [1]))\ndef test_n(case): assert n.N\n",
        {"n.py": "N = 0\nCASES = []\n"},
    ),
    "not made any more": (
        HAS_ONE_PASS + "if n.N == 0:\n def test_n(): assert n.N\n",
        {"n.py": "N = 0.5\n"},
    ),
}


@pytest.mark.parametrize(("tests", "change"), DODGES.values(), ids=list(DODGES))
def test_what_failed_before_must_pass_and_not_be_gone(
    repo: Repo, prove: Prove, tests: str, change: dict[str, str]
) -> None:
    repo.commit({"n.py": "N = 0\n", "tests/test_n.py": tests})
    repo.commit(change)
    control = prove(new(PYTEST))
    assert outcomes(control) == ("fail", ["could_not_run"] * 2)
    assert "tests.test_n::test_n" in control.seen_at("AC-1", "head").runs[0].reason


def test_what_could_not_be_collected_before_is_no_test_that_is_gone(repo: Repo, prove: Prove) -> None:
    repo.commit({"tests/test_n.py": "import n\ndef test_n(): assert n.N\n"})
    repo.commit({"n.py": "N = 1\n"})
    control = prove(new(PYTEST, may_be_missing=True))
    assert outcomes(control) == ("could_not_run", ["pass", "pass"])


USUAL_TESTS = """import datetime, unittest
import pytest
import n

@pytest.mark.parametrize("x", [str(n.VERSION), datetime.datetime.now().isoformat()])
def test_version(x): assert x

@pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.skip)])
def test_some(x): assert x == 1

@pytest.mark.xfail(reason="the issue")
def test_known(): assert n.N == 2

class Numbers(unittest.TestCase):
    def test_one(self): assert n.N

    @unittest.skip("elsewhere")
    def test_elsewhere(self): pass
"""
BY_HAND = f"""cat > tests/test_issue.py <<'EOF'
import pytest
import n
# It's the issue's own test.
def test_issue(): assert n.N == 2
EOF
{PYTEST} tests/test_issue.py"""


def test_what_tests_of_real_projects_are_like_stands_in_no_proofs_way(repo: Repo, prove: Prove) -> None:
    program = '"""\n>>> import n; n.N\n{0}\n"""\n'
    repo.commit(
        {
            "n.py": "VERSION = N = 1\n",
            "inspecting.py": program.format(1),
            "tests/test_n.py": USUAL_TESTS,
            "conftest.py": "",
        }
    )
    repo.commit(
        {
            "n.py": "VERSION = N = 2\n",
            "inspecting.py": program.format(2),
            "tests/test_n.py": USUAL_TESTS.replace('@pytest.mark.xfail(reason="the issue")\n', ""),
            "tests/test_new.py": "import n\ndef test_new(): assert n.N == 2\n",
        }
    )
    ids = ("tests/test_n.py::test_some", "tests/test_n.py::Numbers")
    control = prove(
        new(BY_HAND),
        keep(PYTEST, "AC-2", kind="suite"),
        keep(f"{PYTEST} {' '.join(ids)}", "AC-3", kind="test", ids=ids),
        keep(f"{PYTEST} --doctest-modules inspecting.py", "AC-4", kind="suite"),
        new(f"{PYTEST} tests/test_new.py", "AC-5"),
    )
    assert outcomes(control) == ("fail", ["pass", "pass"])
    for name in ("AC-2", "AC-3", "AC-4"):
        assert outcomes(control, name) == ("pass", ["pass", "pass"])
    assert outcomes(control, "AC-5") == ("could_not_run", ["pass", "pass"])
    pinned = [control.seen_at(f"AC-{n}", "head").pinned for n in range(1, 6)]
    assert [each and each.outcome for each in pinned] == ["pass"] * 5
