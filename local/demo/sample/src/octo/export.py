"""Writes invoices as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from octo.invoices import Invoice

HEADER = ("number", "day", "customer", "amount")


def write_rows(invoices: Iterable[Invoice], out: TextIO) -> None:
    """A header, then a line for each invoice: commas between fields, a decimal point, LF at the end."""
    out.write(_line(HEADER))
    out.writelines(_line((each.number, each.day.isoformat(), each.customer, f"{each.amount:.2f}")) for each in invoices)


def _line(fields: Iterable[str]) -> str:
    return ",".join(_quoted(field) for field in fields) + "\n"


def _quoted(field: str) -> str:
    if "," in field or '"' in field:
        return '"' + field.replace('"', '""') + '"'
    return field
