"""Invoices, and the file that they are kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Invoice:
    """One invoice; the amount is exact."""

    number: str
    day: date
    customer: str
    amount: Decimal


def load(path: Path) -> list[Invoice]:
    """All invoices of a file, in its order."""
    return [
        Invoice(each["number"], date.fromisoformat(each["day"]), each["customer"], Decimal(each["amount"]))
        for each in json.loads(path.read_text("utf-8"))
    ]


def total(invoices: list[Invoice]) -> Decimal:
    """The sum of all amounts."""
    return sum((each.amount for each in invoices), Decimal(0))
