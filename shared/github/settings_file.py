"""`.github/persevere.yml` at one commit, read with nothing but plain YAML: no anchor, alias, tag or repeated key."""

from __future__ import annotations

import base64
import difflib
from typing import Any

import yaml

from shared.domain.facts import SettingsBroken, SettingsFact
from shared.domain.repository_settings import BadSettings, RepositorySettings, read_settings
from shared.github.client import GitHub

FOLDER = ".github"
NAMES = ("persevere.yml", "persevere.yaml")
MAX_BYTES = 64 * 1024
MAX_DEPTH = 20


def settings_at(github: GitHub, sha: str) -> SettingsFact | SettingsBroken:
    """Defaults when there is no such file. Raises what `GitHub.get` raises."""
    listing = github.find(github.path("contents", FOLDER), {"ref": sha})
    entries = [each for each in listing if each["name"] in NAMES] if isinstance(listing, list) else []
    if not entries:
        return SettingsFact(RepositorySettings(), sha)
    path = f"{FOLDER}/{entries[0]['name']}"
    if len(entries) > 1:
        return SettingsBroken(f"both {FOLDER}/{NAMES[0]} and {FOLDER}/{NAMES[1]} are there; keep one", sha=sha)
    if entries[0]["type"] != "file":
        return SettingsBroken(f"{path} is a {entries[0]['type']}; a plain file is wanted", sha=sha, path=path)
    if entries[0]["size"] > MAX_BYTES:
        return SettingsBroken(f"{path} has {entries[0]['size']} bytes; at most {MAX_BYTES}", sha=sha, path=path)
    content = github.get(github.path("contents", path), {"ref": sha})["content"]
    return parse(base64.b64decode(content), sha, path)


def parse(data: bytes, sha: str, path: str) -> SettingsFact | SettingsBroken:
    """The file's bytes as settings, or what is wrong with them in which line."""
    try:
        document, lines = _load(data)
        return SettingsFact(read_settings(document, lines), sha, path, lines.get("model", 0))
    except BadSettings as error:
        nearest = difflib.get_close_matches(error.key, RepositorySettings.model_fields, n=1) if error.key else []
        return SettingsBroken(str(error), error.line, nearest[0] if nearest else "", sha, path)


def _load(data: bytes) -> tuple[Any, dict[str, int]]:
    """The document, and in which line each top-level key stands (from 1). Raises BadSettings."""
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise BadSettings("the file begins with a byte order mark; save it as plain UTF-8", 1)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadSettings("the file is not UTF-8", data[: error.start].count(b"\n") + 1) from error
    try:
        _refuse_tricks(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        lines = _keys_of(node, {})
        return yaml.load(text, Loader=yaml.SafeLoader), lines
    except BadSettings:
        raise
    except yaml.MarkedYAMLError as error:
        line = getattr(error.problem_mark, "line", -1) + 1
        raise BadSettings(f"no valid YAML: {error.problem or error.context}", line) from error
    except (yaml.YAMLError, ValueError) as error:
        raise BadSettings(f"no valid YAML: {error}") from error


def _refuse_tricks(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = getattr(event.start_mark, "line", -1) + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise BadSettings("anchors and aliases are not allowed here", line)
        if getattr(event, "tag", None) is not None:
            raise BadSettings("tags are not allowed here", line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise BadSettings("nested too deeply", line)


def _keys_of(node: Any, lines: dict[str, int]) -> dict[str, int]:
    """Lines of this mapping's keys; looks for repeated ones all the way down."""
    children: list[Any] = []
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                name, line = str(getattr(key, "value", "")), key.start_mark.line + 1
                if name == "<<":
                    raise BadSettings("merge keys are not allowed here", line)
                if name in lines:
                    raise BadSettings(f"`{name}` stands twice", line, "")
                lines[name] = line
                children.append(value)
        case yaml.SequenceNode():
            children = node.value
    for child in children:
        _keys_of(child, {})
    return lines
