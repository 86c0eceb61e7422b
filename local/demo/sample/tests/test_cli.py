"""The command line."""

from pathlib import Path

import pytest
from octo.cli import main

SAMPLE = str(Path(__file__).resolve().parents[1] / "samples" / "invoices.json")


def test_export_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    assert main(["export", SAMPLE, str(target)]) == 0
    assert len(target.read_text("utf-8").splitlines()) == 4


def test_export_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", SAMPLE]) == 0
    assert capsys.readouterr().out.startswith("number,day,customer,amount")


def test_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["total", SAMPLE]) == 0
    assert capsys.readouterr().out == "11334.40\n"


def test_a_command_is_needed() -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
