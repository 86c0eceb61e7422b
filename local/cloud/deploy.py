"""`persevere deploy`: says what will be made or changed and what it costs, asks, and then lets the pinned `cdk` do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import cost
from infra.choices import NO_CHOICES, BadChoice
from infra.choices import Choices as Wanted
from infra.synth import Assembly, CannotSynthesise, synthesise
from local.clock import SystemClock
from local.cloud import grounds
from local.cloud.installation import AwsRefused, Installation
from local.cloud.registry import build_again
from local.cloud.secrets import make_missing_keys
from local.cloud.states import MADE_ANEW, STANDS, after_failure, state_of, want_free
from local.trial.exits import BAD, PROVED
from local.trial.terminal import Terminal
from shared.errors import Final, NotConfigured
from shared.llm.prices_file import read_prices
from shared.settings import read, unknown

ROOT = Path(__file__).resolve().parents[2]
CDK = ROOT / "infra" / "node_modules" / ".bin" / "cdk"
REPLACED = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
"""What holds state: never without a word."""


@dataclass(frozen=True)
class Choices:
    """What was asked on the command line. `context` goes to the CDK app as `-c name=value`."""

    yes: bool = False
    dry_run: bool = False
    mend: bool = False
    """Also what somebody changed by hand, which no difference between templates shows."""
    context: tuple[str, ...] = ()


BOOTSTRAP = (
    "nothing of Persevere was made. What it said stands above; it needs the right to make a stack with roles, a bucket and a "
    "registry. Whoever has it may call it once: npx cdk bootstrap {}"
)


class NotDeployed(Final):
    """`cdk` ended with an error."""


def deploy(installation: Installation, choices: Choices, terminal: Terminal, ask: Callable[[str], str] = input) -> int:
    """Exit code 0 when it stands, or when nothing was to be done; 2 when the operator said no. Raises Final."""
    terminal.line("Persevere on AWS")
    terminal.line()
    terminal.fact("account", installation.account, "ok")
    terminal.fact("region", installation.where, "ok")
    make_tools()
    with tempfile.TemporaryDirectory(prefix="persevere-deploy-") as directory:
        try:
            context = context_of(choices.context)
            look_at_choices(context)
            if again := build_again(installation, str(SystemClock().now())):
                context = {"image_again": again} | context
            assembly = synthesise(Path(directory) / "cdk.out", context, staged=True)
        except (CannotSynthesise, BadChoice) as error:
            raise NotConfigured(str(error)[-800:], "mend infra/choices.toml, then run it again") from error
        _same_name(installation, assembly)
        state = state_of(installation)
        there = installation.template if state else None
        changes = difference(None if state in MADE_ANEW else there, assembly.template)
        nothing = there is not None and not changes and state in STANDS
        if not (nothing and not choices.mend):
            want_free(installation, state)
        lacking = list(grounds.missing(installation, assembly))
        _tell(terminal, installation, changes, assembly.template, state)
        for number, each in enumerate(lacking):
            terminal.fact("made first" if number == 0 else "", each)
        if lacking:
            terminal.line()
        if choices.dry_run:
            terminal.line("  --dry-run: nothing was changed.")
            return PROVED
        if nothing and not choices.mend:
            terminal.line("  Nothing changes.")
        elif not choices.yes and ask("  Do it? [y/N] ").strip().lower() not in ("y", "yes"):
            terminal.line("  Nothing was changed.")
            return BAD
        else:
            try:
                _make(installation, assembly, mend=choices.mend)
            except KeyboardInterrupt:
                terminal.line("  Left. What AWS has begun it ends by itself; the same command goes on from there.")
                raise
    fresh = Installation(installation.stack, installation.region, installation.endpoint, installation.environment)
    made = make_missing_keys(fresh)
    if made:
        terminal.line(f"  Made the keys for {', '.join(made)}, in the secret {fresh.output('KeysSecretArn')}")
    _tell_next(terminal, fresh)
    return _examine(fresh)


def _make(installation: Installation, assembly: Assembly, *, mend: bool) -> None:
    """Raises NotDeployed, AwsRefused."""
    if not grounds.has_ecs_role(installation):
        grounds.make_ecs_role(installation)
    if not grounds.is_bootstrapped(installation, assembly):
        run_cdk(installation, "bootstrap", f"aws://{installation.account}/{installation.where}")
    how = ["--require-approval", "never", *(["--revert-drift"] if mend else [])]
    run_cdk(installation, "deploy", *how, "--app", str(assembly.directory))


def make_tools() -> None:
    """`.venv-infra` and the pinned `cdk`. Raises NotConfigured."""
    if shutil.which("npm") is None:
        raise NotConfigured("npm is needed for the AWS CDK's own command", "install Node.js 20 or later: nodejs.org")
    for command in (
        ["sh", str(ROOT / "bin" / "setup-infra")],
        ["npm", "ci", "--silent", "--prefix", str(ROOT / "infra")],
    ):
        if command[0] == "npm" and _has_pinned_cdk():
            continue
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise NotConfigured(
                f"{' '.join(command[:2])} failed: {(ran.stdout + ran.stderr)[-500:]}", "mend that, then again"
            )


def _has_pinned_cdk() -> bool:
    """A `cdk` from before an upgrade does not read what the newer library writes."""
    there = ROOT / "infra" / "node_modules" / "aws-cdk" / "package.json"
    if not (CDK.exists() and there.exists()):
        return False
    wanted = json.loads((ROOT / "infra" / "package.json").read_text("utf-8"))["devDependencies"]["aws-cdk"]
    return bool(json.loads(there.read_text("utf-8"))["version"] == wanted)


def look_at_choices(context: Mapping[str, str]) -> None:
    """A wrong setting or price file would keep every function from starting, and a ceiling that is spelt wrong is none.

    Raises BadChoice, NotConfigured with the line.
    """
    chosen = Wanted.read({name: value for name, value in context.items() if name not in NO_CHOICES})
    settings = dict(each.split("=", 1) for each in chosen.settings)
    for name, near in unknown(settings, on_aws=True):
        raise BadChoice(f"settings has {name}, which nothing reads{f'; {near} is near' if near else ''}")
    try:
        read({"PERSEVERE_HOME": tempfile.gettempdir(), **settings})
    except NotConfigured as error:
        raise BadChoice(f"settings: {error}") from error
    if chosen.prices:
        read_prices(Path(chosen.prices))


def _same_name(installation: Installation, assembly: Assembly) -> None:
    """What is made is what is looked at. Raises NotConfigured."""
    name = assembly.template_file.name.removesuffix(".template.json")
    if name != installation.stack:
        raise NotConfigured(
            f'infra/choices.toml makes the stack "{name}", and "{installation.stack}" was named',
            f"persevere deploy --stack {name}, or -c stack={installation.stack}",
        )


def context_of(given: tuple[str, ...]) -> dict[str, str]:
    """`-c name=value`. Raises NotConfigured for anything else."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise NotConfigured(f"-c {each} is no name=value", "for example: -c log_days=14")
        found[name] = value
    return found


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """(name, type) of every resource and output that is `made`, `changed` or `removed`. Empty: nothing to do."""
    old, new = _parts(before or {}), _parts(after)
    found = {
        "made": [(name, str(new[name]["Type"])) for name in new if name not in old],
        "changed": [
            (name, str(new[name]["Type"])) for name in new if name in old and _bare(new[name]) != _bare(old[name])
        ],
        "removed": [(name, str(old[name]["Type"])) for name in old if name not in new],
    }
    return {verb: rows for verb, rows in found.items() if rows}


def _parts(template: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """An output is a part, too: one that is new is all that makes an older stack complete."""
    outputs = template.get("Outputs") or {}
    return {
        **(template.get("Resources") or {}),
        **{f"Outputs.{name}": {**each, "Type": "Output"} for name, each in outputs.items()},
    }


def _bare(resource: Mapping[str, Any]) -> Any:
    """Without what changes nothing outside."""
    return {name: value for name, value in resource.items() if name != "Metadata"}


def _tell(
    terminal: Terminal,
    installation: Installation,
    changes: Mapping[str, list[tuple[str, str]]],
    template: Mapping[str, Any],
    state: str,
) -> None:
    terminal.fact("stack", installation.stack, "ok")
    if state in MADE_ANEW:
        terminal.fact("before", f"its first deployment failed ({state}); that is taken away and made anew", "warn")
    for verb, rows in changes.items():
        kinds = Counter(kind.removeprefix("AWS::").replace("::", " ") for _, kind in rows)
        terminal.fact(verb, ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
    held = [name for name, kind in changes.get("removed", ()) if kind in REPLACED]
    if held:
        terminal.fact(
            "careful", f"{', '.join(held)} leaves the stack; it is kept in the account, with what it holds", "warn"
        )
    prices = cost.read_prices()
    rest, job = cost.at_rest(template), cost.average_job(template)
    terminal.fact(
        "costs",
        f"${cost.total(rest, prices):.2f} a month at rest (${cost.total(rest, prices, free=True):.2f} where AWS's free amounts are not used up)",
    )
    terminal.fact(
        "",
        f"${cost.total(job, prices):.2f} for an average job on demand, ${cost.on_spot(job, prices):.2f} on Spot; the model is billed by its provider",
    )
    running = _running(installation)
    if running:
        terminal.fact(
            "at work",
            f"{running} tasks: they go on with the image that they were started with, and report to the new functions",
            "ok",
        )
    terminal.line()


def _running(installation: Installation) -> int:
    """Tasks at work now; 0 where there is no stack yet."""
    try:
        cluster = installation.output("ClusterName")
        found = installation.ask("ecs", "describe_clusters", clusters=[cluster])["clusters"]
    except AwsRefused:
        return 0
    return int(found[0].get("runningTasksCount", 0)) if found else 0


def run_cdk(installation: Installation, *arguments: str) -> None:
    """The pinned command; what it says goes to stderr. Raises NotDeployed."""
    environment = {**os.environ, "AWS_REGION": installation.where, "CI": "1"}
    if installation.endpoint:
        environment["AWS_ENDPOINT_URL"] = installation.endpoint
    # An empty place: `cdk bootstrap` beside a cdk.json would synthesise everything once more.
    with tempfile.TemporaryDirectory(prefix="persevere-cdk-") as place:
        ran = subprocess.run(
            [str(CDK), *arguments, "--no-notices", "--no-version-reporting"],
            cwd=place,
            env=environment,
            stdout=sys.stderr,
            check=False,
        )
    if ran.returncode:
        raise NotDeployed(
            f"cdk {arguments[0]} ended with {ran.returncode}",
            BOOTSTRAP.format(*arguments[1:]) if arguments[0] == "bootstrap" else after_failure(installation),
        )


def _tell_next(terminal: Terminal, installation: Installation) -> None:
    terminal.line()
    terminal.line("  Next, where it is not done yet")
    terminal.line("    1. persevere init --aws            the GitHub App, its key, the webhook's address")
    terminal.line("    2. persevere init --aws --models   the key of a model's provider")
    terminal.line('    3. model = "<provider>:<name>" in infra/choices.toml')
    terminal.line("    4. persevere deploy                once more: the functions learn their App and model")
    terminal.line("    5. install the App on a repository, and write /persevere in an issue there")
    terminal.line()


def _examine(installation: Installation) -> int:
    from local.doctor.aws_context import CloudContext
    from local.doctor.run import cloud_checks, doctor

    doctor(
        os.environ,
        json_line=False,
        checks=cloud_checks(),
        context=CloudContext.of(installation.environment, installation),
    )
    return PROVED
