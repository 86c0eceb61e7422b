"""`make bench`: measure, print a table, write JSON to bench/results/."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import functions, gateway, overhead, prompt, sandbox, survival, webhook

RESULTS = Path(__file__).parent / "results"
STEP_GOAL_MS = 6.0
CHECKPOINT_GOAL_MS = 150.0
RESUME_GOAL_MS = 1500.0


def main() -> int:
    """Measure everything; 0 unless a measurement fails. Goals are shown, not enforced: machines differ."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    door = webhook.measure()
    console.print(_door_table(door))
    starts = functions.measure()
    console.print(_start_table(starts))
    steps = overhead.measure()
    console.print(_step_table(steps))
    asked, imported, prefixes = gateway.measure(), gateway.imports(), gateway.prefixes()
    console.print(_gateway_table(asked))
    console.print(_provider_table(imported, prefixes))
    standing = prompt.measure()
    console.print(_prompt_table(standing))
    fences, floods = sandbox.measure()
    console.print(_fence_table(fences, floods))
    survived = survival.measure()
    console.print(_survival_table(survived))
    path = _write(
        {
            "github_webhook": asdict(door),
            "functions": asdict(starts),
            "overhead_ms": [asdict(each) for each in steps],
            "peer_overhead_ms": {"mini-swe-agent 2.4.6": overhead.PEER},
            "sandbox_ms": [asdict(each) for each in fences],
            "output_flood_mb": [asdict(each) for each in floods],
            "survival_ms": asdict(survived) | {"goal_checkpoint": CHECKPOINT_GOAL_MS, "goal_resume": RESUME_GOAL_MS},
            "gateway_ms": asdict(asked),
            "provider_import_ms": dict(imported),
            "prefix": [asdict(each) for each in prefixes],
            "tokens": asdict(standing) | {"total": standing.total, "goal": prompt.GOAL, "peers": prompt.PEERS},
        }
    )
    console.print(f"written to {path.relative_to(RESULTS.parent.parent)}")
    return 0


def _door_table(door: webhook.ColdStart) -> Table:
    table = Table(title="github_webhook in a fresh process", title_justify="left")
    for column in ("import", "first answer", "whole process", "bare interpreter", "heavy packages loaded"):
        table.add_column(column, justify="right")
    heavy = ", ".join(door.heavy) or "none"
    table.add_row(*(f"{each:.0f} ms" for each in (door.imported, door.first_answer, door.whole, door.bare)), heavy)
    return table


def _start_table(starts: functions.Starts) -> Table:
    title = f"functions as packaged, cold, Python 3.13 (bare interpreter {starts.bare:.0f} ms)"
    table = Table(title=title if starts.functions else f"functions as packaged: {starts.why_not}", title_justify="left")
    for column in ("function", "import", "processor", "all that it can reach", "unpacked", "packed", "goal"):
        table.add_column(column, justify="left" if column == "function" else "right")
    for each in starts.functions:
        goal = functions.GOAL_MS.get(each.function)
        times = (f"{ms:.0f} ms" for ms in (each.imported, each.processor, each.imported + each.reached))
        sizes = f"{each.unpacked:.1f} MB", f"{each.packed:.1f} MB"
        table.add_row(each.function, *times, *sizes, f"{goal:.0f} ms" if goal else "")
    for peer, (imported, size) in functions.PEERS.items():
        table.add_row(peer, imported, "", "", size, "", "")
    return table


def _step_table(steps: list[overhead.Overhead]) -> Table:
    title = f"harness overhead a step, 8 kB results, durable SQLite (goal: {STEP_GOAL_MS:g} ms, flat)"
    table = Table(title=title, title_justify="left")
    for column in (
        "step",
        "median",
        "p95",
        "processor",
        "two bare commits",
        "first step of a cold process",
        "mini-swe-agent",
    ):
        table.add_column(column, justify="right")
    for each in steps:
        peer = overhead.PEER.get(each.step)
        numbers = (each.median, each.p95, each.cpu, each.disk, each.cold)
        table.add_row(
            str(each.step), *(f"{number:.1f} ms" for number in numbers), f"{peer} ms" if peer else "not measured"
        )
    return table


def _fence_table(fences: list[sandbox.Started], floods: list[sandbox.Flood]) -> Table:
    title = f"a fenced command, from call to answer (goals: view {sandbox.VIEW_GOAL_MS:g} ms, growth 60 MB)"
    table = Table(title=title, title_justify="left")
    printed = f"growth at {sandbox.FLOOD_BYTES / 1e6:.0f} MB"
    for column in ("sandbox", "true", "p95", "view", "made once", "self-test", printed):
        table.add_column(column, justify="right")
    for each, flood in zip(fences, floods, strict=True):
        times = (each.median, each.p95, each.view, each.made, each.tested)
        table.add_row(each.backend, *(f"{number:.0f} ms" for number in times), f"{flood.grown:.1f} MB")
    return table


def _gateway_table(asked: gateway.Gateway) -> Table:
    table = Table(title="one ask of the gateway without the model, durable SQLite", title_justify="left")
    for column in ("median", "p95", "two bare commits"):
        table.add_column(column, justify="right")
    table.add_row(*(f"{each:.1f} ms" for each in (asked.median, asked.p95, asked.disk)))
    return table


def _provider_table(imported: Mapping[str, float], prefixes: list[gateway.Prefix]) -> Table:
    title = f"providers: import, and what of a request's bytes begins the next (goal: {gateway.PREFIX_GOAL:.0%})"
    table = Table(title=title, title_justify="left")
    for column in ("provider", "import", "same prefix, mean", "lowest", "folds in 100 steps"):
        table.add_column(column, justify="right")
    for each in prefixes:
        shares = (f"{each.mean:.1%}", f"{each.lowest:.1%}")
        table.add_row(each.provider, f"{imported[each.provider]:.0f} ms", *shares, str(each.folds))
    return table


def _prompt_table(standing: prompt.Standing) -> Table:
    table = Table(title=f"tokens before the first word of a job (goal: {prompt.GOAL})", title_justify="left")
    for column in ("build prompt", "tools", "together", "planner prompt", *prompt.PEERS):
        table.add_column(column, justify="right")
    ours = (standing.build, standing.tools, standing.total, standing.planner)
    table.add_row(*(f"{each:,}" for each in (*ours, *prompt.PEERS.values())))
    return table


def _survival_table(found: survival.Survival) -> Table:
    title = f"on {survival.FILES:,} files (goals: checkpoint {CHECKPOINT_GOAL_MS:g} ms, resume {RESUME_GOAL_MS:g} ms)"
    table = Table(title=title, title_justify="left")
    for column in ("checkpoint, one change", "nothing changed", f"claim to next ask, {survival.STEPS} steps", "bundle"):
        table.add_column(column, justify="right")
    numbers = (found.checkpoint, found.unchanged, found.resume)
    table.add_row(*(f"{number:.0f} ms" for number in numbers), f"{found.bundle_bytes:,} bytes")
    return table


def _write(measured: dict[str, Any]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    machine = {"python": platform.python_version(), "system": platform.platform(), "processors": os.cpu_count()}
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    path.write_text(json.dumps({"at": now.isoformat(), "machine": machine} | measured, indent=2) + "\n", "utf-8")
    return path
