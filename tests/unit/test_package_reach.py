"""What a function's package holds of ours is read from the source."""

from pathlib import Path

import pytest

from infra.reach import reach_of

WORLD = """
import threading
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from shared.heavy import Heavy
def world():
    return _build()
def door():
    from shared.aws.door import build
    from local.door import build_door
    return build
def _build():
    from shared.aws.world import build
    return build
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "functions/world.py": WORLD,
        "functions/webhook/handler.py": "import json\nfrom functions.world import door\nfrom aws_lambda_powertools import Logger",
        "functions/conductor/handler.py": "from functions.world import world\nimport shared.light",
        "functions/watchdog/handler.py": "from functions import conductor\nfrom functions.world import door, world",
        "functions/lazy/handler.py": "def handler():\n    def inner():\n        from shared.aws import store\n    import yaml",
        "functions/broken/handler.py": "from shared.missing import x",
        "shared/light.py": "X = 1",
        "shared/heavy.py": "import anthropic\nclass Heavy: ...",
        "shared/aws/door.py": "import botocore.session\ndef build(): ...",
        "shared/aws/world.py": "from shared.aws import store\nimport shared.heavy\ndef build(): ...",
        "shared/aws/store.py": "import pynamodb",
        "local/door.py": "def build_door(): ...",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        for parent in path.relative_to(tmp_path).parents:
            if parent.name:
                (tmp_path / parent / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("function", "modules", "packages"),
    [
        ("webhook", {"functions.world", "shared.aws.door"}, {"aws_lambda_powertools", "botocore"}),
        (
            "conductor",
            {"functions.world", "shared.light", "shared.aws.world", "shared.aws.store", "shared.heavy"},
            {"pynamodb", "anthropic"},
        ),
        (
            "watchdog",
            {
                "functions.conductor",
                "functions.world",
                "shared.aws.door",
                "shared.aws.world",
                "shared.aws.store",
                "shared.heavy",
            },
            {"botocore", "pynamodb", "anthropic"},
        ),
        ("lazy", {"shared.aws.store"}, {"pynamodb", "yaml"}),
    ],
)
def test_what_a_handler_reaches(root: Path, function: str, modules: set[str], packages: set[str]) -> None:
    found = reach_of(root, f"functions.{function}.handler")
    packaged = {"shared", "shared.aws", "functions", f"functions.{function}", f"functions.{function}.handler"}
    assert found.modules - packaged == modules
    assert found.packages == packages


def test_a_module_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"shared\.missing\.x"):
        reach_of(root, "functions.broken.handler")


def test_the_real_door_reaches_little() -> None:
    found = reach_of(Path(__file__).resolve().parents[2], "functions.github_webhook.handler")
    assert found.packages <= {"aws_lambda_powertools", "botocore", "boto3"}
    assert not [
        module
        for module in found.modules
        if module.startswith(("local", "shared.github", "shared.llm", "shared.agent"))
    ]


def test_the_image_has_what_the_runner_starts_by_its_path() -> None:
    """No import names them: they run inside the sandbox."""
    from infra.image_context import runner_files

    root = Path(__file__).resolve().parents[2]
    files = runner_files(root)
    assert "runner_image/sandbox/guard.py" in files
    assert files >= {path.relative_to(root).as_posix() for path in (root / "runner_image").rglob("*.py")}
    assert not [file for file in files if not file.startswith(("runner_image/", "shared/"))]
