"""The App by manifest: what may come back from a browser, and what of it counts."""

from __future__ import annotations

import errno
import json
import re
import stat
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from local.cli.addresses import public_address
from local.clock import SystemClock
from local.keyring import Keyring
from local.setup.creation import Creation, NotCreated, Wish
from local.setup.init import Choices, init
from local.setup.manifest import EVENTS, manifest
from shared.errors import Final, NotConfigured
from shared.github.wire import Wire
from shared.settings import read
from tests.contract.setup.laptop import Laptop

NAME = "persevere-evening"


def written(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found is not None, page
    return unescape(found[1])


class Visit:
    """What a browser does, without one."""

    def __init__(self, laptop: Laptop, *, unlink: bool = True, **wish: str) -> None:
        self.laptop = laptop
        if unlink:
            laptop.app_path.unlink()
        self.github = laptop.environment["PERSEVERE_GITHUB_URL"]
        self.wish = Wish(NAME, self.github, **wish)
        self.keyring = Keyring(laptop.home)
        wire = Wire(SystemClock(), read(laptop.environment).github_api_url)
        self.creation = Creation(self.wish, wire, self.keyring)

    def click(self) -> str:
        """From our page over GitHub's to where GitHub sends the browser back; that address."""
        page = requests.get(self.creation.url, timeout=60).text
        action = written(r'action="([^"]+)"', page)
        text = written(r'name="manifest" value="([^"]+)"', page)
        asked = requests.post(action, {"manifest": text}, timeout=60)
        assert asked.status_code == 200, asked.text
        target = written(r'<form method="post" action="([^"]+)"', asked.text)
        made = requests.post(
            f"{self.github}{target}", {"manifest": text, "name": NAME}, timeout=60, allow_redirects=False
        )
        assert made.status_code == 302, made.text
        return made.headers["Location"]

    def come_back(self, url: str) -> requests.Response:
        return requests.get(url, timeout=60, allow_redirects=False)


@pytest.fixture
def visit(laptop: Laptop) -> Iterator[Visit]:
    made = Visit(laptop)
    with made.creation:
        yield made


def test_the_key_is_kept_by_its_owner_alone_and_the_browser_goes_on_to_install(visit: Visit) -> None:
    back = visit.come_back(visit.click())
    assert (back.status_code, back.headers["Location"]) == (302, f"{visit.github}/apps/{NAME}/installations/new")
    app = visit.creation.wait(60)
    assert app is not None
    assert (app.slug, app.owner, app.github_url) == (NAME, "octocat", visit.github)
    assert visit.keyring.app() == app
    assert stat.S_IMODE(visit.laptop.app_path.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in app.private_key
    assert len(app.webhook_secret) >= 40  # GitHub gives none where the hook is off


def test_whoever_comes_with_another_state_changes_nothing_and_the_right_one_still_counts(visit: Visit) -> None:
    right = visit.click()
    code = parse_qs(urlsplit(right).query)["code"][0]
    for query in (f"code={code}&state=guessed", f"code={code}", ""):
        answer = visit.come_back(f"{visit.creation.url}/created?{query}")
        assert answer.status_code == 400
        assert "does not belong to this run" in answer.text
    assert visit.creation.wait(0) is None
    assert not visit.keyring.has_app()
    assert visit.come_back(right).status_code == 302
    assert visit.creation.wait(60) is not None


def test_a_reload_is_no_second_app(visit: Visit) -> None:
    back = visit.click()
    assert [visit.come_back(back).status_code for _ in range(2)] == [302, 302]


@pytest.mark.parametrize(
    ("code", "words"), [("0123456789abcdef", "does not know this code"), ("../x", "no code"), ("", "no code")]
)
def test_a_code_that_is_not_good_says_what_to_do(visit: Visit, code: str, words: str) -> None:
    url = f"{visit.creation.url}/created?{requests.compat.urlencode({'code': code, 'state': visit.wish.state})}"
    answer = visit.come_back(url)
    assert answer.status_code == 502
    assert words in answer.text
    with pytest.raises(NotCreated, match=words) as failed:
        visit.creation.wait(60)
    assert "persevere init --local" in failed.value.advice


def test_a_code_is_good_for_an_hour(visit: Visit) -> None:
    back = visit.click()
    visit.laptop.steering.advance(3601)
    assert visit.come_back(back).status_code == 502
    assert not visit.keyring.has_app()


def test_another_host_name_for_this_page_is_refused(visit: Visit) -> None:
    answer = requests.get(visit.creation.url, headers={"Host": "evil.example"}, timeout=60)
    assert answer.status_code == 400
    assert "manifest" not in answer.text


def test_an_organisation_owns_its_app_and_a_public_address_switches_the_hook_on(laptop: Laptop) -> None:
    visit = Visit(laptop, organization="octo-org", hook_url="https://tunnel.example/webhook")
    with visit.creation:
        assert visit.come_back(visit.click()).status_code == 302
        app = visit.creation.wait(60)
    assert app is not None
    assert (app.owner, app.owner_type) == ("octo-org", "Organization")


def test_what_is_asked_for_is_what_the_tokens_need_and_no_more() -> None:
    asked = manifest("x", "http://127.0.0.1:1/created", None)
    assert asked["default_permissions"] == {
        "metadata": "read", "contents": "write", "issues": "write", "pull_requests": "write", "checks": "write",
    }  # fmt: skip
    assert asked["default_events"] == list(EVENTS)
    assert asked["hook_attributes"]["active"] is False
    assert asked["public"] is False


def test_a_home_in_a_repository_is_refused_before_anything_is_asked(laptop: Laptop) -> None:
    inside = laptop.directory / "project" / "deep" / "home"
    subprocess.run(["git", "init", "-q", str(laptop.directory / "project")], check=True)
    with pytest.raises(NotConfigured, match="inside the git repository") as refused:
        init(laptop.environment | {"PERSEVERE_HOME": str(inside)}, Choices(browser=False), json_line=True)
    assert "PERSEVERE_HOME" in refused.value.advice
    assert not inside.exists()


def test_a_second_run_offers_what_there_is(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(laptop.environment, Choices(browser=False, wait_s=1), json_line=True) == 0
    said = capsys.readouterr()
    assert 'There is an App here already: "persevere-laptop"' in said.err
    assert "installed on octo-org/octo-repo" in said.err
    assert json.loads(said.out)["repositories"] == ["octo-org/octo-repo"]


def test_an_app_that_nobody_installed_is_waited_for_and_then_said(
    laptop: Laptop, capsys: pytest.CaptureFixture[str]
) -> None:
    laptop.steering.uninstall(laptop.installation["id"])
    assert init(laptop.environment, Choices(browser=False, wait_s=0.1), json_line=True) == 3
    said = capsys.readouterr().err
    assert "/apps/persevere-laptop/installations/new" in said
    assert "not installed yet" in said


def test_an_account_that_suspended_the_app_is_named(laptop: Laptop, capsys: pytest.CaptureFixture[str]) -> None:
    laptop.steering.configure_installation(laptop.installation["id"], suspended=True)
    assert init(laptop.environment, Choices(browser=False, wait_s=0.1), json_line=True) == 3
    assert "octo-org does not let it in: the App is suspended there" in capsys.readouterr().err


def test_nobody_coming_back_is_said_and_nothing_is_kept(laptop: Laptop) -> None:
    laptop.app_path.unlink()
    with pytest.raises(NotCreated, match="nobody came back"):
        init(laptop.environment, Choices(browser=False, wait_s=0.2), json_line=True)
    assert not laptop.app_path.exists()


def test_another_app_takes_the_place_only_once_it_is_there(laptop: Laptop) -> None:
    before = laptop.app_file()
    with pytest.raises(NotCreated):
        init(laptop.environment, Choices(browser=False, wait_s=0.2, again=True), json_line=True)
    assert laptop.app_file() == before
    visit = Visit(laptop, unlink=False)
    with visit.creation:
        visit.come_back(visit.click())
        assert visit.creation.wait(60) is not None
    assert laptop.app_file()["slug"] == NAME
    assert json.loads((laptop.app_path.parent / f"app-{before['id']}.json").read_text()) == before


def test_a_damaged_file_of_an_app_is_put_aside_and_the_new_apps_key_is_kept(laptop: Laptop) -> None:
    laptop.app_path.write_text('{"id": 7, "slug": ')
    visit = Visit(laptop, unlink=False)
    with visit.creation:
        assert visit.come_back(visit.click()).status_code == 302
        assert visit.creation.wait(60) is not None
    assert visit.keyring.app().slug == NAME
    assert (laptop.app_path.parent / "app-damaged.json").read_text() == '{"id": 7, "slug": '


def test_a_key_that_cannot_be_stored_is_said_at_once_in_both_places(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GitHub has made the App by then: nobody may be told that nothing was made."""

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    back = visit.click()
    monkeypatch.setattr("local.keyring.write_private", full)
    answer = visit.come_back(back)
    assert (answer.status_code, "No space left on device" in answer.text) == (502, True)
    with pytest.raises(NotCreated, match="No space left on device") as failed:
        visit.creation.wait(0)
    assert "delete that App on GitHub" in failed.value.advice


@pytest.mark.parametrize("name", ["", "x" * 35, "semi;colon", "-dash"])
def test_a_name_that_github_would_refuse_is_refused_here(name: str) -> None:
    from local.setup.manifest import checked_name

    with pytest.raises(Final, match="cannot be an App's name"):
        checked_name(name)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://tunnel.example", "https"),
        ("tunnel", "https"),
        ("https://127.0.0.1:1", "cannot reach"),
        ("https://localhost", "cannot reach"),
    ],
)
def test_an_address_that_github_cannot_call_is_refused(url: str, words: str) -> None:
    with pytest.raises(NotConfigured) as refused:
        public_address(url)
    assert words in f"{refused.value} {refused.value.advice}"


def test_the_address_of_a_tunnel_is_taken_without_its_slash() -> None:
    assert public_address("https://tunnel.example/") == "https://tunnel.example"
    assert public_address(None) is None
