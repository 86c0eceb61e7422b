"""What one function can come to import: our own modules and the packages, read from the source; nothing is imported.

An import inside a function counts, since a handler may come to it. Three things keep the rest of the house out of a
package: imports for type checkers do not count; of `functions.world`, the one module that names every world, only what
somebody asks for by name counts; and no function on AWS has a local world.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OURS = frozenset({"shared", "functions", "runner_image", "local"})
WORLD = "functions.world"
ELSEWHERE = "local"


@dataclass(frozen=True)
class Reach:
    """`modules` are ours, dotted, parents included; `packages` are top-level names of everybody else's."""

    modules: frozenset[str]
    packages: frozenset[str]


@dataclass(frozen=True)
class _Import:
    module: str
    name: str
    """What is taken from the module; empty for `import module`."""

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def reach_of(root: Path, entry: str) -> Reach:
    """Everything that `entry` can come to import. Raises ValueError where a module of ours is named and not there."""
    walk = _Walk(root)
    walk.follow([_Import(entry, "")])
    parents = {
        ".".join(module.split(".")[:depth]) for module in walk.modules for depth in range(1, module.count(".") + 1)
    }
    return Reach(frozenset(walk.modules | parents), frozenset(walk.packages))


def path_of(root: Path, module: str) -> Path | None:
    """The module's file, or None where there is no such module."""
    place = root.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file():
            return path
    return None


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._wanted: set[str] = set()
        """Names that anybody takes from `functions.world`."""
        self.modules: set[str] = set()
        self.packages: set[str] = set()

    def follow(self, found: Iterable[_Import]) -> None:
        for each in found:
            top = each.module.partition(".")[0]
            if top in OURS:
                self._visit(each)
            elif top not in sys.stdlib_module_names:
                self.packages.add(top)

    def _visit(self, found: _Import) -> None:
        module = found.dotted if path_of(self._root, found.dotted) else found.module
        path = path_of(self._root, module)
        if path is None:
            raise ValueError(f"{found.dotted} is imported, and there is no such module")
        if module == WORLD:
            self._ask_world(path, found.name)
        elif module not in self.modules:
            self.modules.add(module)
            self.follow(_imports_of(path))

    def _ask_world(self, path: Path, name: str) -> None:
        self.modules.add(WORLD)
        tree = ast.parse(path.read_text("utf-8"))
        parts = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        if not self._wanted:
            self.follow(_imports(ast.Module([node for node in tree.body if node not in parts.values()], [])))
        waiting = [name]
        while waiting:
            name = waiting.pop()
            if name in self._wanted or name not in parts:
                continue
            self._wanted.add(name)
            waiting += [node.id for node in ast.walk(parts[name]) if isinstance(node, ast.Name)]
            self.follow(each for each in _imports(parts[name]) if each.module.partition(".")[0] != ELSEWHERE)


@cache
def _imports_of(path: Path) -> tuple[_Import, ...]:
    return tuple(_imports(ast.parse(path.read_text("utf-8"))))


def _imports(tree: ast.AST) -> Iterator[_Import]:
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield _Import(alias.name, "")
            case ast.ImportFrom(module=str(module), level=0):
                for alias in node.names:
                    yield _Import(module, alias.name)
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from _imports(ast.Module(node.orelse, []))
            case _:
                yield from _imports(node)
