"""Runs a list of checks and tells what they found."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

from local.doctor import github, machine, model
from local.doctor.finding import Context, Finding, Named, NotAsked, fail
from local.trial.terminal import Terminal
from shared.errors import PersevereError
from shared.settings import read

LAPTOP: tuple[Named, ...] = (
    Named("settings", machine.settings),
    Named("python", machine.python),
    Named("git", machine.git),
    Named("home", machine.home),
    Named("disk", machine.disk),
    Named("store", machine.store),
    Named("sandbox", machine.sandbox),
    Named("github", github.reachable),
    Named("clock", github.clock),
    Named("app", github.app_file),
    Named("key", github.key),
    Named("permissions", github.asked_permissions),
    Named("installation", github.installations),
    Named("events", github.events),
    Named("webhook", github.webhook),
    Named("deliveries", github.deliveries),
    Named("rate limit", github.rate_limit),
    Named("model", model.model),
    Named("model key", model.key),
    Named("limits", model.limits),
    Named("at work", machine.at_work),
)


def cloud_checks() -> tuple[Named, ...]:
    """Those of an installation on AWS; GitHub's are the laptop's. Only who asks for them loads AWS's SDK."""
    from local.doctor import aws, aws_rights, aws_secrets

    return (
        Named("credentials", aws.credentials, gate=True),
        Named("stack", aws.stack),
        Named("settings", aws_secrets.settings),
        Named("IAM", aws_rights.rights),
        Named("functions", aws.functions),
        Named("stream", aws.consumers),
        Named("clock rule", aws.minute),
        Named("table", aws.table),
        Named("bucket", aws.bucket),
        Named("cluster", aws.cluster),
        Named("task", aws.task),
        Named("quotas", aws.quotas),
        Named("app secret", aws_secrets.app_secret),
        Named("hook secret", aws_secrets.webhook_secret),
        Named("keys", aws_secrets.keys_secret),
        Named("model", aws_secrets.model),
        Named("model key", aws_secrets.model_key),
        Named("door", aws.ping),
        Named("runners' door", aws.runners_door),
        Named("github", github.reachable),
        Named("clock", github.clock),
        Named("key", github.key),
        Named("permissions", github.asked_permissions),
        Named("installation", github.installations),
        Named("events", github.events),
        Named("webhook", aws.hook),
        Named("deliveries", github.deliveries),
    )


def doctor(
    environment: Mapping[str, str],
    *,
    json_line: bool,
    checks: Sequence[Named] = LAPTOP,
    context: Context | None = None,
) -> int:
    """0 where nothing failed (warnings are none), 1 else. Raises NotConfigured for a wrong setting."""
    found = examine(context or Context(read(environment), environment), checks)
    failed = sum(each.level == "FAIL" for _, each in found)
    warned = sum(each.level == "warn" for _, each in found)
    if json_line:
        rows = [{"check": name, "level": each.level, "what": each.what, "fix": each.fix} for name, each in found]
        sys.stdout.write(json.dumps({"ok": not failed, "findings": rows}, ensure_ascii=False) + "\n")
        return int(failed > 0)
    terminal = Terminal(sys.stdout)
    terminal.line("Persevere doctor")
    terminal.line()
    for name, each in found:
        _tell(terminal, name, each)
    terminal.line()
    terminal.line(f"{failed} FAIL, {warned} warn." if failed or warned else "All well.")
    left = [each.name for each in checks if each.name not in {name for name, _ in found}]
    if failed and left:
        terminal.block(0, f"Nothing to look at yet for: {', '.join(left)}. Mend what failed, then look again.")
    return int(failed > 0)


def examine(context: Context, checks: Iterable[Named]) -> list[tuple[str, Finding]]:
    """(name, finding) in order. A check that breaks is itself a finding; one that has nothing to look at says nothing."""
    found: list[tuple[str, Finding]] = []
    for each in checks:
        try:
            said = each.check(context)
            found += [(each.name, one) for one in ([said] if isinstance(said, Finding) else list(said))]
        except NotAsked:
            continue
        except PersevereError as error:
            advice = getattr(error, "advice", "") or "mend what stands above, then look again"
            found.append((each.name, fail(f"could not be looked at: {error}", advice)))
        if each.gate and found[-1][1].level == "FAIL":
            break
    return found


def _tell(terminal: Terminal, name: str, finding: Finding) -> None:
    terminal.entry(f"  {finding.level:<5} {name:<13} ", finding.what)
    if finding.fix:
        terminal.entry(f"{'':<22}Fix: ", finding.fix)
