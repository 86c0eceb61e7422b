"""No dead texts: each message that has words is made somewhere in the workflow, and every made one has a place."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from shared.domain import messages
from shared.domain.messages import Message, read_message
from shared.domain.shape import Shape

DOMAIN = Path(messages.__file__).parent
CLASSES = tuple(each for each in get_args(get_args(Message)[0]))


@cache
def made() -> set[str]:
    """Names of classes of `messages` that some module of the domain calls, under whatever name it imported them."""
    found: set[str] = set()
    for path in DOMAIN.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        names = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "shared.domain.messages"
            for alias in node.names
        }
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        found |= {names[call.id] for call in calls if isinstance(call, ast.Name) and call.id in names}
    return found


@pytest.mark.parametrize("shape", CLASSES, ids=[each.__name__ for each in CLASSES])
def test_a_message_is_made_by_some_path_of_the_domain(shape: type[Shape]) -> None:
    assert shape.__name__ in made()


def test_every_message_of_the_module_is_in_the_union() -> None:
    defined = {
        name
        for name, each in vars(messages).items()
        if isinstance(each, type) and issubclass(each, Shape) and each.__module__ == messages.__name__
    }
    assert defined == {each.__name__ for each in CLASSES}


def test_names_are_unique_and_an_unknown_one_is_refused() -> None:
    names = [each.model_fields["name"].default for each in CLASSES]
    assert len(set(names)) == len(names)
    with pytest.raises(ValueError, match="union_tag"):
        read_message({"name": "no_such_message"})
