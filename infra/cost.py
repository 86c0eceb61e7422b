"""What the stack costs at rest and for an average job: counted from the template, priced from prices.toml.

`python -m infra.cost cdk.out/Persevere.template.json` prints it; docs/cost.md holds the same for the default choices.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRICES = Path(__file__).with_name("prices.toml")
PAGE = Path(__file__).resolve().parent.parent / "docs" / "cost.md"
MARKS = re.compile(r"(<!-- cost: begin[^\n]*-->\n).*?(<!-- cost: end -->)", re.DOTALL)
MINUTES_A_MONTH = 30 * 24 * 60
SPOT_SHARE = 0.35
"""A spot task's price as a share of the ordinary one; AWS says "up to 70 % off", and it moves."""


@dataclass(frozen=True)
class Line:
    """So much of something, by its price's name."""

    what: str
    price: str
    count: float


@dataclass(frozen=True)
class AtRest:
    """What happens in a month in which nobody asks for anything: the watchdog looks each minute, and asks GitHub, through
    the function that has the App's key, what could not be delivered.

    Seconds, reads and writes of one look, the seconds of that answer (the watchdog waits for it), bytes that both log; sizes
    of what lies there. A write in a transaction counts twice (aws.amazon.com/dynamodb/pricing/on-demand).
    """

    look_seconds: float = 0.8
    look_reads: float = 8.0
    look_writes: float = 4.0
    answer_seconds: float = 0.5
    look_log_bytes: float = 1000
    image_gb: float = 0.4
    table_gb: float = 0.1
    blob_gb: float = 1.0


@dataclass(frozen=True)
class AverageJob:
    """From the command to the pull request: a survey, an interview, a build of 40 steps, a proof.

    Container minutes are of all four tasks together. Function seconds are what is billed, waiting for a model included.
    """

    container_minutes: float = 30
    webhooks: int = 12
    job_api_calls: int = 180
    job_api_seconds: float = 720
    conductor_calls: int = 40
    conductor_seconds: float = 30
    effects_calls: int = 60
    effects_seconds: float = 150
    planner_seconds: float = 180
    reads: float = 6000
    writes: float = 3000
    blobs: int = 120
    log_mb: float = 3


def at_rest(template: Mapping[str, Any], assumed: AtRest | None = None) -> list[Line]:
    """A month's lines. Raises KeyError where the stack has no watchdog."""
    assumed = assumed or AtRest()
    kinds = [each["Type"] for each in template["Resources"].values()]
    memory, asked = (_function(template, name)["MemorySize"] / 1024 for name in ("watchdog", "tokens_read"))
    looks = MINUTES_A_MONTH
    return [
        Line("secrets", "secret", kinds.count("AWS::SecretsManager::Secret")),
        Line("alarms", "alarm", kinds.count("AWS::CloudWatch::Alarm")),
        Line("dashboard", "dashboard", kinds.count("AWS::CloudWatch::Dashboard")),
        Line("watchdog and its question, once a minute", "call", 2 * looks),
        Line("watchdog's time", "gb_second", looks * assumed.look_seconds * memory),
        Line("tokens_read's time", "gb_second", looks * assumed.answer_seconds * asked),
        Line("watchdog's reads", "read_unit", looks * assumed.look_reads),
        Line("watchdog's writes", "write_unit", looks * assumed.look_writes),
        Line("both logs", "log_gb", looks * assumed.look_log_bytes / 1e9),
        Line("table", "table_gb", assumed.table_gb),
        Line("table, to be restored from", "restore_gb", assumed.table_gb),
        Line("blobs", "blob_gb", assumed.blob_gb),
        Line("image of the task", "image_gb", assumed.image_gb),
    ]


def average_job(template: Mapping[str, Any], assumed: AverageJob | None = None) -> list[Line]:
    """One job's lines, on ordinary capacity. What the model costs is not among them: that is the ledger's affair."""
    assumed = assumed or AverageJob()
    hours = assumed.container_minutes / 60
    task = next(each for each in template["Resources"].values() if each["Type"] == "AWS::ECS::TaskDefinition")[
        "Properties"
    ]
    machine = task["RuntimePlatform"]["CpuArchitecture"].lower()
    disk = task.get("EphemeralStorage", {}).get("SizeInGiB", 20) - 20
    seconds = {
        "github_webhook": assumed.webhooks * 0.1,
        "job_api": assumed.job_api_seconds,
        "conductor": assumed.conductor_seconds,
        "effects": assumed.effects_seconds,
        "planner": assumed.planner_seconds,
    }
    calls = assumed.webhooks + assumed.job_api_calls + assumed.conductor_calls + assumed.effects_calls
    lines = [
        Line("task's processors", f"vcpu_hour_{machine}", hours * int(task["Cpu"]) / 1024),
        Line("task's memory", f"gb_hour_{machine}", hours * int(task["Memory"]) / 1024),
        Line("task's address", "address_hour", hours),
        Line("functions' calls", "call", calls),
        *(
            Line(f"{name}'s time", "gb_second", each * _function(template, name)["MemorySize"] / 1024)
            for name, each in seconds.items()
        ),
        Line("reads", "read_unit", assumed.reads),
        Line("writes", "write_unit", assumed.writes),
        Line("blobs stored", "blob_put", assumed.blobs),
        Line("logs", "log_gb", assumed.log_mb / 1000),
    ]
    return [*lines, Line("task's disk", "disk_gb_hour", hours * disk)] if disk else lines


def _function(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for each in template["Resources"].values():
        properties: Mapping[str, Any] = each.get("Properties", {})
        if each["Type"] == "AWS::Lambda::Function" and str(properties.get("FunctionName", "")).endswith(f"-{name}"):
            return properties
    raise KeyError(name)


def read_prices(file: Path = PRICES) -> dict[str, dict[str, Any]]:
    return tomllib.loads(file.read_text("utf-8"))


def dollars(line: Line, prices: Mapping[str, Mapping[str, Any]], *, free: bool = False) -> float:
    """`free`: less what every account has for nothing, month after month."""
    price = prices[line.price]
    count = max(0.0, line.count - price.get("free", 0)) if free else line.count
    return float(count * price["usd"])


def total(lines: Iterable[Line], prices: Mapping[str, Mapping[str, Any]], *, free: bool = False) -> float:
    return sum(dollars(line, prices, free=free) for line in lines)


def on_spot(lines: Iterable[Line], prices: Mapping[str, Mapping[str, Any]]) -> float:
    """The same job on spare capacity: processors and memory of the task cost less."""
    discounted = ("vcpu_hour", "gb_hour")
    return sum(dollars(line, prices) * (SPOT_SHARE if line.price.startswith(discounted) else 1) for line in lines)


def render(template: Mapping[str, Any]) -> str:
    prices = read_prices()
    rest, job = at_rest(template), average_job(template)
    parts = [
        "### A month in which nothing happens\n",
        "| what | how much | list price | less what is free in every account |",
    ]
    parts.append("|---|---:|---:|---:|")
    parts += [
        f"| {line.what} | {_count(line.count)} | {_usd(dollars(line, prices))} | {_usd(dollars(line, prices, free=True))} |"
        for line in rest
    ]
    sums = _usd(total(rest, prices)), _usd(total(rest, prices, free=True))
    parts.append(f"| **together** | | **{sums[0]}** | **{sums[1]}** |\n")
    parts += ["### One average job, without the model\n", "| what | how much | list price |", "|---|---:|---:|"]
    parts += [f"| {line.what} | {_count(line.count)} | {_usd(dollars(line, prices))} |" for line in job]
    parts.append(f"| **together** | | **{_usd(total(job, prices))}** |")
    parts.append(f"| the same on spare capacity | | {_usd(on_spot(job, prices))} |\n")
    used = dict.fromkeys(line.price for line in (*rest, *job))
    parts += ["### Prices\n", "| price | dollars | source | read | from the page itself |", "|---|---:|---|---|---|"]
    parts += [_price_row(prices[name]) for name in used]
    return "\n".join(parts) + "\n"


def _price_row(price: Mapping[str, Any]) -> str:
    sure = "yes" if price["sure"] else "no, commonly known"
    return (
        f"| {price['unit']} | {price['usd']:.10f}".rstrip("0").rstrip(".")
        + f" | {price['source']} | {price['read']} | {sure} |"
    )


def _count(count: float) -> str:
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.3g}"


def _usd(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"


def filled(page: str, template: Mapping[str, Any]) -> str:
    text, count = MARKS.subn(lambda match: match[1] + render(template) + match[2], page)
    if count != 1:
        raise ValueError("the page has no place for the table of costs")
    return text


if __name__ == "__main__":
    sys.stdout.write(render(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
