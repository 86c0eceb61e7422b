"""What docs/cost.md says is what the template and the prices give."""

from datetime import date
from typing import Any

from infra.cost import PAGE, at_rest, average_job, filled, on_spot, read_prices, total


def test_the_page_is_what_the_template_and_the_prices_give(template: dict[str, Any]) -> None:
    page = PAGE.read_text("utf-8")
    assert page == filled(page, template), "counts or prices have changed; look at them, then: make permissions"


def test_a_month_at_rest_is_less_than_five_dollars(template: dict[str, Any]) -> None:
    """As an ordinary account pays; and, where its free amounts are used up, without the one dashboard."""
    prices, lines = read_prices(), at_rest(template)
    assert total(lines, prices, free=True) < 5
    assert total([line for line in lines if line.price != "dashboard"], prices) < 5


def test_spare_capacity_is_cheaper(template: dict[str, Any]) -> None:
    prices, lines = read_prices(), average_job(template)
    assert 0 < on_spot(lines, prices) < total(lines, prices) < 0.25


def test_every_price_has_a_source_and_a_date() -> None:
    for name, price in read_prices().items():
        assert price["source"].startswith("aws.amazon.com/"), name
        assert date(2026, 1, 1) < price["read"] < date(2100, 1, 1)
        assert price["usd"] > 0


def test_no_price_is_there_for_nothing(template: dict[str, Any]) -> None:
    used = {line.price for line in (*at_rest(template), *average_job(template))}
    others = {"vcpu_hour_arm64", "gb_hour_arm64", "disk_gb_hour"}
    assert set(read_prices()) == used | others
