"""The export, compared with what two customers read."""

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from octo.export import write_rows
from octo.invoices import Invoice, load

SAMPLES = Path(__file__).resolve().parents[1] / "samples"


def exported(*invoices: Invoice) -> list[str]:
    out = io.StringIO()
    write_rows(invoices, out)
    return out.getvalue().splitlines()


def invoice(customer: str = "Octo", amount: str = "1.00") -> Invoice:
    return Invoice("1", date(2026, 1, 2), customer, Decimal(amount))


def test_golden() -> None:
    golden = (SAMPLES / "invoices.csv").read_text("utf-8")
    assert exported(*load(SAMPLES / "invoices.json")) == golden.splitlines()


def test_a_header_comes_first() -> None:
    assert exported() == ["number,day,customer,amount"]


def test_the_day_is_written_as_iso_date() -> None:
    assert exported(invoice())[1].split(",")[1] == "2026-01-02"


@pytest.mark.parametrize(("amount", "written"), [("1", "1.00"), ("0.5", "0.50"), ("1234567.891", "1234567.89")])
def test_amounts_have_two_decimals(amount: str, written: str) -> None:
    assert exported(invoice(amount=amount))[1].split(",")[3] == written


def test_a_comma_is_quoted() -> None:
    assert '"Octo, Inc."' in exported(invoice(customer="Octo, Inc."))[1]


def test_a_quote_is_doubled() -> None:
    assert '"The ""Deep"" Company"' in exported(invoice(customer='The "Deep" Company'))[1]
