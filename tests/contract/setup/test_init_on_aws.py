"""`persevere init --aws`: the App by manifest on the simulator, everything stored in the emulator's secrets and nowhere else."""

from __future__ import annotations

import io
import re
import threading
import time
from pathlib import Path

import pytest
import requests

from local.cloud.init import init_app, point_webhook, set_models
from local.cloud.installation import Installation
from local.setup.init import Choices
from local.trial.terminal import Terminal
from shared.errors import NotConfigured
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
        found: list[int] = []
        choices = Choices(name=NAME, again=again, wait_s=600)

        def work() -> None:
            found.append(init_app(self.installation, choices, self.environment, Terminal(self.said), self.choices))

        running = threading.Thread(target=work)
        running.start()
        if browser is not None:
            browser.go(self._page())
            browser.click(f"Create GitHub App for {OWNER}", "button")
            browser.wait_for("Install")
        elif again:
            self._click()
        running.join(700)
        return found[0]

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


def test_an_app_that_is_there_is_kept_and_the_webhook_is_given_a_new_secret(operator: Operator) -> None:
    operator.init(again=True)
    first = operator.installation.secret("AppSecretArn")
    assert operator.init(again=False) == 0
    assert operator.installation.secret("AppSecretArn") == first
    assert len(set(operator.installation.secret("WebhookSecretArn"))) == 3, "the ones before still verify"
    assert point_webhook(operator.installation, operator.environment, Terminal(operator.said)) == 0
    assert len(operator.installation.secret("WebhookSecretArn")) == 3, "and are dropped in the end"


def test_models_keys_are_added_to_those_that_are_there(operator: Operator) -> None:
    told = Terminal(operator.said)
    assert set_models(operator.installation, {"OPENAI_API_KEY": "of nobody"}, told, operator.choices) == 0
    assert operator.installation.secret("ModelSecretArn") == {"anthropic": "a key", "openai": "of nobody"}
    assert "of nobody" not in operator.said.getvalue()
    with pytest.raises(NotConfigured, match="no provider's key"):
        set_models(operator.installation, {}, told, operator.choices)


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
