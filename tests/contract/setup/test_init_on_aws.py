"""`persevere init --aws`: the App by manifest on the simulator, everything stored in the emulator's secrets and nowhere else."""

from __future__ import annotations

import io
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local.clock import SystemClock
from local.cloud.init import NotStored, init_app, point_webhook, set_models
from local.cloud.installation import AwsRefused, Installation
from local.ids import SystemIds
from local.setup.init import Choices
from local.trial.terminal import Terminal
from shared.errors import NotConfigured, Retryable
from shared.github.app_tokens import AppTokens
from shared.github.wire import Wire
from shared.llm.choice import BALANCED
from tests.contract.setup.laptop import Laptop
from tests.contract.setup.test_creation import NAME, written
from tests.contract.test_doctor_on_aws import Place
from tests.e2e.browser import Browser, driver
from tests.emulator import REGION

OWNER = "octocat"


class Operator:
    """Somebody with a stack that stands, and a browser."""

    def __init__(self, laptop: Laptop, url: str, place: Path) -> None:
        self.github = laptop.environment["PERSEVERE_GITHUB_URL"]
        self.environment = {"PERSEVERE_GITHUB_URL": self.github, "HOME": str(place)}
        self.place = Place(url, 900 + len(list(place.parent.iterdir())))
        self.installation = Installation(self.place.stack, REGION, url, {})
        self.said = io.StringIO()
        self.choices = place / "choices.toml"
        self.choices.write_text('app_id = 0\napp_slug = "persevere"\nlog_days = 30\n')

    def init(self, *, again: bool, browser: Browser | None = None) -> int:
        return self.work(again=again, click=again and browser is None, browser=browser)

    def work(self, *, again: bool, click: bool, browser: Browser | None = None) -> int:
        """The command, and meanwhile a person's click. Raises what the command raises."""
        choices = Choices(name=NAME, again=again, wait_s=600)
        told = Terminal(self.said)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(init_app, self.installation, choices, self.environment, told, self.choices)
            if browser is not None:
                browser.go(self._page())
                browser.click(f"Create GitHub App for {OWNER}", "button")
                browser.wait_for("Install")
            elif click:
                self._click()
            return running.result(700)

    def _page(self) -> str:
        until = time.monotonic() + 120
        while (page := re.search(r"http://127\.0\.0\.1:\d+", self.said.getvalue())) is None:
            assert time.monotonic() < until, self.said.getvalue()
            time.sleep(0.05)
        return page[0]

    def _click(self) -> None:
        sent = requests.get(self._page(), timeout=60).text
        text = written(r'name="manifest" value="([^"]+)"', sent)
        asked = requests.post(written(r'action="([^"]+)"', sent), {"manifest": text}, timeout=60)
        target = written(r'<form method="post" action="([^"]+)"', asked.text)
        wish = {"manifest": text, "name": NAME}
        made = requests.post(f"{self.github}{target}", wish, timeout=60, allow_redirects=False)
        requests.get(made.headers["Location"], timeout=60, allow_redirects=False)


@pytest.fixture
def operator(laptop: Laptop, running_emulator: str, tmp_path: Path) -> Operator:
    return Operator(laptop, running_emulator, tmp_path)


def test_the_app_is_made_for_the_door_and_its_key_is_in_the_secret_alone(operator: Operator, tmp_path: Path) -> None:
    assert operator.init(again=True) == 0
    app = operator.installation.secret("AppSecretArn")
    assert "PRIVATE KEY" in app["private_key"]
    assert operator.choices.read_text() == f'app_id = {app["id"]}\napp_slug = "{app["slug"]}"\nlog_days = 30\n'
    fresh, before = operator.installation.secret("WebhookSecretArn")
    assert (before, fresh != before) == ("s" * 40, True)
    kept = [path.read_text(errors="ignore") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(app["private_key"] in text or fresh in text for text in (*kept, operator.said.getvalue()))


@pytest.mark.skipif(driver() is None, reason="no chromium and chromium-driver on this machine")
def test_a_person_makes_it_in_a_browser(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "browser").mkdir()
    with Browser(tmp_path / "browser") as browser:
        assert operator.init(again=True, browser=browser) == 0
    app = operator.installation.secret("AppSecretArn")
    assert f"app_id = {app['id']}" in operator.choices.read_text()


def hook_of(operator: Operator) -> str:
    app = operator.installation.secret("AppSecretArn")
    wire, clock = Wire(SystemClock(), f"{operator.github}/api/v3"), SystemClock()
    tokens = AppTokens(wire, clock, SystemIds(), str(app["id"]), app["private_key"])
    return str(wire.send("GET", "/app/hook/config", tokens.app_jwt()).body["url"])


def test_an_app_that_is_there_is_kept_with_its_secret_and_its_webhook(operator: Operator) -> None:
    operator.init(again=True)
    app, secrets = (operator.installation.secret(name) for name in ("AppSecretArn", "WebhookSecretArn"))
    operator.said.truncate(0)
    assert operator.init(again=False) == 0
    assert operator.installation.secret("AppSecretArn") == app
    assert operator.installation.secret("WebhookSecretArn") == secrets
    assert hook_of(operator) == operator.installation.output("WebhookUrl")
    assert "new secret" not in operator.said.getvalue()


def test_a_webhook_that_goes_elsewhere_is_pointed_at_the_door_and_keeps_its_secret(
    operator: Operator, laptop: Laptop
) -> None:
    operator.init(again=True)
    secrets = operator.installation.secret("WebhookSecretArn")
    laptop.steering.hook(operator.installation.secret("AppSecretArn")["id"], "https://elsewhere.example")
    assert operator.init(again=False) == 0
    assert hook_of(operator) == operator.installation.output("WebhookUrl")
    assert operator.installation.secret("WebhookSecretArn") == secrets


def test_a_fresh_clone_learns_which_app_there_is(operator: Operator) -> None:
    operator.init(again=True)
    noted = operator.choices.read_text()
    operator.choices.write_text('app_id = 0\napp_slug = "persevere"\nlog_days = 30\n')
    assert operator.init(again=False) == 0
    assert operator.choices.read_text() == noted


def test_a_new_webhook_secret_is_made_where_it_is_asked_for(operator: Operator) -> None:
    operator.init(again=True)
    told = Terminal(operator.said)
    for count in (3, 3):
        assert point_webhook(operator.installation, operator.environment, told) == 0
        assert len(set(operator.installation.secret("WebhookSecretArn"))) == count, (
            "older ones verify, then are dropped"
        )


def test_the_secret_that_github_signs_with_outlives_every_try_that_does_not_reach_github(
    operator: Operator, laptop: Laptop
) -> None:
    operator.init(again=True)
    signs, told = operator.installation.secret("WebhookSecretArn")[0], Terminal(operator.said)
    laptop.steering.fault("status", status=503, method="PATCH", path="app/hook/config", count=0)
    for _ in range(4):
        with pytest.raises(Retryable):
            point_webhook(operator.installation, operator.environment, told)
    assert signs in operator.installation.secret("WebhookSecretArn")
    laptop.steering.clear_faults()
    assert point_webhook(operator.installation, operator.environment, told) == 0
    assert len(operator.installation.secret("WebhookSecretArn")) == 3


def test_an_app_whose_key_could_not_be_stored_is_named_since_github_has_it(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person may take a quarter of an hour for the click, and the AWS session may end meanwhile."""

    def ended(installation: Installation, output: str, value: object) -> None:
        raise AwsRefused("secretsmanager put_secret_value: ExpiredToken", "sign in again", "ExpiredToken")

    monkeypatch.setattr(Installation, "store_secret", ended)
    with pytest.raises(NotStored) as raised:
        operator.work(again=True, click=True)
    assert f"{operator.github}/" in str(raised.value), "where the App is"
    assert "sign in again" in raised.value.advice
    assert "--again" in raised.value.advice
    assert operator.choices.read_text().startswith("app_id = 0")


def test_models_keys_are_added_to_those_that_are_there(operator: Operator) -> None:
    told = Terminal(operator.said)
    assert set_models(operator.installation, {"OPENAI_API_KEY": "of nobody"}, told, operator.choices) == 0
    assert operator.installation.secret("ModelSecretArn") == {"anthropic": "a key", "openai": "of nobody"}
    assert "of nobody" not in operator.said.getvalue()
    with pytest.raises(NotConfigured, match="no provider's key"):
        set_models(operator.installation, {}, told, operator.choices)


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"])
def test_a_key_by_our_own_name_is_taken_before_the_providers(operator: Operator, name: str) -> None:
    """As everywhere else (`shared/settings.py`)."""
    environment = {name: "theirs", f"PERSEVERE_{name}": "ours"}
    set_models(operator.installation, environment, Terminal(operator.said), operator.choices)
    assert operator.installation.secret("ModelSecretArn")[name.partition("_")[0].lower()] == "ours"


def test_the_balanced_model_of_a_key_is_noted_where_none_is_chosen(operator: Operator) -> None:
    operator.place.secret("ModelSecretArn", {})
    told = Terminal(operator.said)
    operator.choices.write_text('app_id = 7\nmodel = ""\n')
    set_models(operator.installation, {"OPENAI_API_KEY": "of nobody"}, told, operator.choices)
    noted = operator.choices.read_text()
    assert noted == f'app_id = 7\nmodel = "{BALANCED["openai"]}"\n'
    assert "persevere deploy" in operator.said.getvalue()
    set_models(operator.installation, {"ANTHROPIC_API_KEY": "of nobody"}, told, operator.choices)
    assert operator.choices.read_text() == noted, "what is chosen stays"
