"""The deployed product with everything around it: GitHub's simulator, a scripted provider, tasks."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.github.people import Person
from local.github.steering import Steering
from local.model_server.server import KEY
from local.model_server.server import MODEL as SERVED
from local.trial.processes import Child
from shared.aws.items import record_of
from shared.domain import keys
from shared.domain.record import Record
from shared.llm.choice import SCRIPTED
from shared.llm.prices import published
from tests.cloud.deployment import Deployed, deploy
from tests.cloud.fargate import Fargate
from tests.cloud.relay import Relay
from tests.e2e.stories import SAMPLE
from tests.e2e.whole_product import sandbox_here
from tests.emulator import emulator_process

APP = "persevere"
OWNER = "octo-org"
MODEL = f"anthropic:{SERVED}-demo"
PATIENCE_S = 400.0
NOTED = "asked.jsonl"
SWITCH = Path(__file__).with_name("iam_switch.py")


class Iam:
    """The emulator's own check of every call's signature and rights; each function then works as its role.

    What stands is deployed without it, so a function that was called meanwhile is begun anew.
    """

    def __init__(self, emulator: int, home: Path) -> None:
        self._emulator, self._home = emulator, home

    def on(self) -> None:
        os.kill(self._emulator, signal.SIGUSR1)
        kill_functions(self._home)

    def asked(self) -> Iterator[tuple[str, str, str, bool]]:
        """(function, action, resource, whether it was allowed) of everything that functions asked for, each once."""
        for line in (self._home / NOTED).read_text("utf-8").splitlines():
            who, action, resource, allowed = json.loads(line)
            yield str(who).removeprefix("Persevere-"), action, resource, allowed

    @contextmanager
    def off(self) -> Iterator[None]:
        os.kill(self._emulator, signal.SIGUSR2)
        try:
            yield
        finally:
            self.on()


def kill_functions(home: Path, *names: str) -> int:
    """SIGKILL the processes of this emulator that serve these functions, or any; how many there were."""
    wanted = [f"AWS_LAMBDA_FUNCTION_NAME=Persevere-{name}\0".encode() for name in names]
    killed = 0
    for process in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = process.read_bytes()
        except OSError:
            continue
        if str(home).encode() not in environment or b"AWS_LAMBDA_FUNCTION_NAME=Persevere-" not in environment:
            continue
        if not wanted or any(each in environment for each in wanted):
            os.kill(int(process.parent.name), signal.SIGKILL)
            killed += 1
    return killed


@dataclass
class Product:
    """What a test acts on and looks at."""

    deployed: Deployed
    steering: Steering
    octocat: Person
    fargate: Fargate
    home: Path
    choices: dict[str, Any]
    iam: Iam
    ids: dict[str, int] = field(default_factory=dict)

    def repository(self, name: str) -> str:
        """A fresh repository of the account that has the App on all of its own."""
        made = self.steering.repository(OWNER, name, roles={"octocat": "admin"}, files=dict(SAMPLE))
        self.ids[f"{OWNER}/{name}"] = made["id"]
        return f"{OWNER}/{name}"

    def until(self, what: str, holds: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE_S
        while not (found := holds()):
            assert time.monotonic() < end, f"still waiting for {what}; {self._where()}"
            time.sleep(0.3)
        return found

    def issue_state(self, repo: str, number: int) -> dict[str, Any]:
        key = keys.issue_state(keys.issue_pk(self.ids[repo], number))
        item = self.deployed.client("dynamodb").get_item(
            TableName=self.deployed.outputs["TableName"], Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}
        )
        return record_of(item["Item"]).body if "Item" in item else {}

    def upgrade(self, **choices: Any) -> str:
        """The same command again, with other choices; what it said."""
        self.choices |= choices
        with self.iam.off():
            return deploy(self.deployed.url, self.home, self.choices).said

    def records(self, pk: str, prefix: str) -> list[Record]:
        """What the table holds there, as it stands."""
        answer = self.deployed.client("dynamodb").query(
            TableName=self.deployed.outputs["TableName"],
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues={":pk": {"S": pk}, ":prefix": {"S": prefix}},
        )
        return [record_of(item) for item in answer["Items"]]

    def steps_done(self, repo: str, number: int) -> int:
        """Steps of the issue's build whose results are stored."""
        state = self.issue_state(repo, number)
        if state.get("phase") != "building" or not state.get("job"):
            return 0
        return sum(each.body.get("results") is not None for each in self.records(keys.job_pk(state["job"]), "STEP#"))

    def is_on_the_way(self, repo: str, number: int) -> bool:
        """Whether there is work to lose: a step of the build, or the whole of it where this machine was quicker than we."""
        return self.steps_done(repo, number) > 0 or self.issue_state(repo, number).get("phase") == "verifying"

    def cut_an_effect_short(self, repo: str, number: int) -> str:
        """Kill `effects` while it performs one for this issue; which, or "" where it was quicker this time."""
        pk = keys.issue_pk(self.ids[repo], number)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            at = time.time() * 1000
            claimed = [each for each in self.records(pk, "EFFECT#") if (each.body.get("claimed_until") or 0) > at]
            # Not a start: its machine would build and be done before the one who looks again knows that it was started.
            claimed = [each for each in claimed if each.body["kind"] != "start_task"]
            if not claimed:
                continue
            killed = self.kill_functions("effects")
            time.sleep(0.5)
            after = {each.key: each.version for each in self.records(pk, "EFFECT#")}
            left = [each for each in claimed if after.get(each.key) == each.version]
            return str(left[0].body["kind"]) if killed and left else ""
        raise AssertionError(f"no effect was ever at work; {self._where()}")

    def kill_functions(self, *names: str) -> int:
        """SIGKILL the processes that serve these functions now, as a lost machine does; how many there were."""
        return kill_functions(self.home, *names)

    def _where(self) -> str:
        rows = self.steering.log()[-5:]
        return (
            f"last calls of GitHub: {rows}; tasks: {len(self.fargate.seen)}, {self.fargate.troubles[-3:]}; {self.home}"
        )


@contextmanager
def product(home: Path, script: Sequence[Any]) -> Iterator[Product]:
    """Deploy and serve; after the block nothing runs any more."""
    with ExitStack() as stack:
        begin = [str(SWITCH), str(home / NOTED)]
        url, process = stack.enter_context(emulator_process(home / "emulator", begin))
        github = Child("github", home, ["local.github", "--port", "0", "--home", str(home / "github")], os.environ)
        stack.callback(github.stop)
        (home / "conversation.jsonl").write_text("".join(json.dumps(line) + "\n" for line in script))
        served = ["local.model_server", "--script", str(home / "conversation.jsonl")]
        model = Child("model", home, served, os.environ)
        stack.callback(model.stop)
        github_url, model_url = github.wait_ready(), model.wait_ready()
        steering = Steering(github_url)
        octocat = steering.person("octocat")
        steering.organization(OWNER)
        app = steering.app(APP, owner=OWNER)
        choices = _choices(home, app["id"], github_url, model_url)
        deployed = deploy(url, home, choices)
        deployed.fill(
            {
                "AppSecretArn": {"id": app["id"], "slug": APP, "private_key": app["pem"]},
                "WebhookSecretArn": [app["webhook_secret"]],
                "KeysSecretArn": {name: [secrets.token_urlsafe(32)] for name in ("ticket", "marker", "blob")},
                "ModelSecretArn": {"anthropic": KEY},
            }
        )
        iam = Iam(process, home)
        iam.on()
        webhook = Relay(url, deployed.outputs["WebhookUrl"])
        stack.callback(webhook.close)
        job_api = Relay(url, deployed.outputs["JobApiUrl"])
        stack.callback(job_api.close)
        fargate = Fargate(deployed, job_api.url, home, {"PERSEVERE_SANDBOX": sandbox_here()})
        stack.callback(fargate.close)
        steering.hook(app["id"], f"{webhook.url}/")
        steering.install(APP, OWNER)
        yield Product(deployed, steering, octocat, fargate, home, choices, iam)


def _choices(home: Path, app_id: int, github_url: str, model_url: str) -> dict[str, Any]:
    prices = home / "prices.json"
    price = published().of(SCRIPTED, 0).model_dump(mode="json", exclude_defaults=True)
    prices.write_text(json.dumps({"models": {MODEL: price}}))
    return {
        "app_id": app_id,
        "app_slug": APP,
        "github_url": github_url,
        "quiet_s": 1,
        "model": MODEL,
        "prices": prices.name,
        "budget_usd": 0,
        "settings": [
            f"PERSEVERE_GITHUB_API_URL={github_url}",
            f"PERSEVERE_ANTHROPIC_BASE_URL={model_url}",
            "PERSEVERE_FALLBACKS=none",
            "PERSEVERE_WRITE_PACE_S=0",
        ],
    }
