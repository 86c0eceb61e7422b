"""The functions' packages as they are uploaded: small, complete, the same wherever they are made."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bundle import HANDLERS, PRICES, ROOT, Bundle, find_compiler, make_bundles, with_prices
from infra.trial import Trial, machine, try_import

MODEL_SDKS = {"openai", "anthropic", "google", "genai"}
ASK_MODELS = {"job_api", "planner"}
"""job_api answers runners and the planner nobody: only these wait for models anyway."""
MOST_MB = {"github_webhook": 25}


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    return make_bundles()


@pytest.fixture(scope="session")
def trials() -> dict[str, Trial]:
    """Packaged for this machine, imported by the runtime's own version of Python, without any site-packages."""
    here, python = machine(), find_compiler()
    if here is None or python is None:
        pytest.skip("no interpreter of the runtime's version on this machine: packages are not tried")
    return {name: try_import(python, bundle) for name, bundle in make_bundles(here).items()}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_package_is_complete(trials: dict[str, Trial], name: str) -> None:
    """Every module of ours in it can be imported, from the package and the standard library alone."""
    assert trials[name].loaded >= {"functions", "shared"}
    assert not [file for file in trials[name].files if "site-packages" in file]


@pytest.mark.parametrize("name", sorted(set(HANDLERS) - ASK_MODELS))
def test_who_answers_people_has_no_model_sdk(bundles: dict[str, Bundle], name: str) -> None:
    assert not MODEL_SDKS & set(bundles[name].distributions)
    assert not [each for each in bundles[name].path.iterdir() if each.name in MODEL_SDKS]


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_loads_no_model_sdk_before_it_is_called(name: str) -> None:
    here, python = machine(), find_compiler()
    if here is None or python is None:
        pytest.skip("no interpreter of the runtime's version on this machine")
    trial = try_import(python, make_bundles(here)[name], everything=False)
    assert not MODEL_SDKS & trial.loaded


@pytest.mark.parametrize("name", HANDLERS)
def test_a_package_holds_no_world_of_one_machine_and_stays_small(bundles: dict[str, Bundle], name: str) -> None:
    names = {path.name for path in bundles[name].path.iterdir()}
    assert not names & {"local", "tests", "bench", "infra", "runner_image"}
    assert bundles[name].unzipped < MOST_MB.get(name, 150) * 1e6  # Lambda takes 250 MB


def test_the_wheels_are_for_lambdas_machine(bundles: dict[str, Bundle]) -> None:
    built = [path.name for path in bundles["effects"].path.rglob("*.so")]
    assert built
    assert all("aarch64" in name or "abi3" in name for name in built)


def test_bytecode_lies_beside_every_source_where_it_could_be_made(bundles: dict[str, Bundle]) -> None:
    if find_compiler() is None:
        pytest.skip("no interpreter of the runtime's version on this machine")
    package = bundles["github_webhook"]
    sources = list(package.path.rglob("*.py"))
    missing = [
        path.relative_to(package.path)
        for path in sources
        if not (path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc").is_file()
    ]
    assert sources
    assert not missing


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    """As on a machine where what one makes is one's own alone."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def closed(package: Path) -> list[Path]:
    """Files that Lambda may not read: it runs a function as another user than their owner, and an archive keeps their modes
    (docs.aws.amazon.com/lambda/latest/dg/lambda-deploy-functions.html).
    """
    return [path for path in package.rglob("*") if path.is_file() and path.stat().st_mode & 0o044 != 0o044]


@pytest.mark.usefixtures("narrow_umask")
def test_the_same_sources_make_the_same_package_elsewhere(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    root = tmp_path / "clone"
    for room in ("shared", "functions", "requirements"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    again = make_bundles(root=root, build=tmp_path / "build")
    assert {name: each.digest for name, each in again.items()} == {name: each.digest for name, each in bundles.items()}
    assert not [path for each in again.values() for path in closed(each.path)]


def test_a_change_of_one_module_changes_the_packages_that_reach_it(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    root = tmp_path / "clone"
    for room in ("shared", "functions", "requirements"):
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    changed = root / "shared" / "render" / "status.py"
    changed.write_text(changed.read_text("utf-8") + "\n", "utf-8")
    again = make_bundles(root=root, build=ROOT / ".build")
    moved = {name for name, each in again.items() if each.digest != bundles[name].digest}
    assert "effects" in moved
    assert "github_webhook" not in moved


@pytest.mark.usefixtures("narrow_umask")
def test_an_operators_prices_go_into_a_package_and_change_its_name(tmp_path: Path, bundles: dict[str, Bundle]) -> None:
    file, bundle = tmp_path / "own.json", bundles["tokens"]
    file.write_text('{"models": {}}')
    made = with_prices(bundle, file, tmp_path / "build")
    assert (made.path / PRICES).read_text() == '{"models": {}}'
    assert not closed(made.path)
    assert not (bundle.path / PRICES).exists()
    assert {each.name for each in made.path.iterdir()} == {each.name for each in bundle.path.iterdir()} | {PRICES}
    file.write_text('{"models": { }}')
    assert len({bundle.digest, made.digest, with_prices(bundle, file, tmp_path / "build").digest}) == 3
