"""The interpreter that a case's constraint allows."""

from pathlib import Path

import pytest

from local.case.case_file import BadCase
from local.case.python_choice import Python, allows, ask, choose


@pytest.mark.parametrize(
    ("constraint", "version", "allowed"),
    [
        ("", "3.11.7", True),
        ("<3.12", "3.11.7", True),
        ("<3.12", "3.12.0", False),
        ("<=3.12", "3.12.0", True),
        ("<=3.12", "3.12.1", False),
        (">=3.9,<3.12", "3.8.18", False),
        (">= 3.9, < 3.12", "3.9.0", True),
        (">3.9", "3.9.1", True),
        ("==3.11.*", "3.11.7", True),
        ("==3.11.*", "3.1.1", False),
        ("!=3.11.*", "3.11.7", False),
        ("==3.11", "3.11.0", True),
        ("==3.11", "3.11.7", False),
        ("!=3.11.7", "3.11.7", False),
        ("~=3.9", "3.13.0", True),
        ("~=3.9.2", "3.10.0", False),
        ("~=3.9.2", "3.9.18", True),
        (">=3.9", "3.10.0", True),
        ("3.9", "3.9.18", True),
        ("3.9", "3.10.0", False),
        ("3", "3.13.0", True),
    ],
)
def test_a_constraint(constraint: str, version: str, allowed: bool) -> None:
    assert allows(constraint, version) is allowed


@pytest.mark.parametrize("constraint", ["3.11.7.1", "three", "=>3.9", ">=3.x", "<3.*", ">=3.9 <3.12"])
def test_what_is_no_constraint_is_refused(constraint: str) -> None:
    with pytest.raises(BadCase, match=r"constraint|goes with"):
        choose(constraint, places=list)


MACHINE = {"ours": "3.13.0", "python3.12": "3.12.1", "python3.10": "3.10.13", "python3.8": "3.8.18", "broken": None}


def question(path: str | Path) -> Python | None:
    version = MACHINE.get(str(path))
    return Python(Path(f"/bin/{path}"), version) if version else None


def test_ours_is_taken_where_it_fits() -> None:
    assert choose(">=3.9", places=lambda: MACHINE, question=question) == (Python(Path("/bin/ours"), "3.13.0"), "")


def test_else_the_newest_that_fits_and_it_says_so() -> None:
    python, words = choose("<3.12", places=lambda: MACHINE, question=question)
    assert python == Python(Path("/bin/python3.10"), "3.10.13")
    assert words == "the case wants Python <3.12; ours is 3.13.0, so 3.10.13 is taken"


def test_none_that_fits_is_said_with_what_was_found() -> None:
    with pytest.raises(BadCase, match=r"wants Python <3\.8, and there is none here \(found: 3\.10\.13, 3\.12\.1"):
        choose("<3.8", places=lambda: MACHINE, question=question)


def test_the_operators_choice_is_not_overruled() -> None:
    assert choose("<3.12", Path("python3.8"), question=question)[0].version == "3.8.18"
    with pytest.raises(BadCase, match=r"PERSEVERE_PYTHON \(ours\) is 3\.13\.0"):
        choose("<3.12", Path("ours"), question=question)
    with pytest.raises(BadCase, match="does not run"):
        choose("<3.12", Path("broken"), question=question)


def test_an_interpreter_says_what_it_is(tmp_path: Path) -> None:
    import sys

    told = ask(sys.executable)
    assert told is not None
    assert told.version == ".".join(map(str, sys.version_info[:3]))
    assert told.path.samefile(getattr(sys, "_base_executable", sys.executable))
    assert ask(tmp_path / "nothing") is None
