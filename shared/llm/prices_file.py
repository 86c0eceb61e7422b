"""The operator's own prices: a file of the same shape as `prices.json`, read strictly, each fault named with its line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from shared.domain.shape import Strict
from shared.errors import NotConfigured
from shared.llm.prices import NewTiers, Price, Tier

MAX_BYTES = 1_000_000
_KEYS = frozenset({"unit", "models", *Price.model_fields, *Tier.model_fields, *NewTiers.model_fields})


class _Document(Strict):
    unit: str = ""
    models: dict[str, Price]


def read_prices(path: Path) -> Mapping[str, Price]:
    """Prices by `<provider>:<name>`. JSON, or YAML of the same shape. Raises NotConfigured with file and line."""
    try:
        text = path.read_bytes()[:MAX_BYTES].decode()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = _Document.model_validate(yaml.load(text, Loader=yaml.SafeLoader))
    except OSError as error:
        raise NotConfigured(f"the prices cannot be read: {error}", "set PERSEVERE_PRICES to a file") from error
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", 0) + 1
        raise _wrong(path, line, f"no valid JSON or YAML: {error.problem or error.context}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise _wrong(path, 1, f"no valid JSON or YAML: {error}") from error
    except ValidationError as error:
        faults = error.errors(include_url=False)
        first = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])
        raise _wrong(path, _line_of(node, first["loc"]), _words(first["loc"], first)) from error
    odd = next((name for name in document.models if not all(name.partition(":"))), None)
    if odd is not None:
        raise _wrong(path, _line_of(node, ("models", odd)), f"`{odd}` is no model; a name is <provider>:<model>")
    return document.models


def _words(loc: Sequence[int | str], error: Any) -> str:
    where = ".".join(str(part) for part in loc)
    if error["type"] != "extra_forbidden":
        return f"`{where}`: {error['msg']}" if where else str(error["msg"])
    near = difflib.get_close_matches(str(loc[-1]), _KEYS, n=1)
    return f"no such entry `{loc[-1]}`" + (f"; `{near[0]}` is one" if near else "")


def _wrong(path: Path, line: int, words: str) -> NotConfigured:
    return NotConfigured(f"{path.name} line {line}: {words}", "the shape is that of shared/llm/prices.json")


def _line_of(node: Any, loc: Sequence[int | str]) -> int:
    """Where a place stands, or the nearest part of it that is there."""
    line = 1
    for part in loc:
        found = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part], node.value[part])
        if found is None:
            return line
        line, node = found[0].start_mark.line + 1, found[1]
    return line
