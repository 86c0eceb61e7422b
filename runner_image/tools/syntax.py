"""Whether a file that was just written can be read by its language. Told to the agent, never a reason to refuse."""

from __future__ import annotations

import ast
import json
import tomllib
import warnings


def syntax_note(path: bytes, data: bytes) -> str:
    """Empty when it is fine or not a kind that is known. Python is judged by the runner's own version."""
    try:
        match path.rpartition(b".")[2]:
            case b"py" | b"pyi":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    ast.parse(data)
            case b"json":
                json.loads(data)
            case b"toml":
                tomllib.loads(data.decode())
    except SyntaxError as error:
        return f"\nNote: it does not parse now: line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"\nNote: it does not parse now: {str(error)[:300]}"
    return ""
