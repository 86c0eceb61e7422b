"""Which of a model's calls may reach the runner, and what the model is told of the others.

A refused call is answered by the control plane; it is never carried out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Protocol

from pydantic import ValidationError

from shared.agent.data import clean, clean_all
from shared.agent.tools import SCHEMAS, TOOLS
from shared.domain.protocol import Call
from shared.domain.step import AskedCall

CALLS_MAX = 20  # in one answer
REPAIRS_MAX = 3  # answers in a row without one valid call
GIVING_UP = "the model kept sending invalid calls"


class Called(Protocol):
    """A call as a provider's adapter read it."""

    @property
    def id(self) -> str: ...
    @property
    def tool(self) -> str: ...
    @property
    def args(self) -> Mapping[str, Any]: ...
    @property
    def malformed(self) -> str | None: ...


def check_calls(called: Sequence[Called], step: int, criteria: Sequence[str]) -> tuple[AskedCall, ...]:
    """Every call with its own name (`<step>.<index>`), and with an error where it may not be carried out."""
    finishes = [index for index, call in enumerate(called) if call.tool == "finish"]
    checked = []
    for index, call in enumerate(called):
        asked = AskedCall(
            id=call.id,
            name=f"{step}.{index}",
            tool=clean(call.tool),
            args=clean_all(dict(call.args)),
            malformed=None if call.malformed is None else clean(call.malformed),
        )
        if len(called) > CALLS_MAX:
            error = f"Not carried out: {len(called)} calls in one answer, at most {CALLS_MAX} are. Send the first ones."
        elif len(finishes) > 1 and index in finishes:
            error = "Not carried out: several finish calls in one answer. Call finish once, as the last call."
        elif finishes and index == finishes[0] != len(called) - 1:
            error = "Not carried out: calls follow it. Call finish alone, when their results are known."
        else:
            error = _refuse(asked, criteria)
        checked.append(asked.model_copy(update={"error": error}))
    return tuple(checked)


def for_runner(calls: Sequence[AskedCall]) -> tuple[Call, ...]:
    """The valid calls, with their arguments as the tool takes them (nothing that was not given)."""
    return tuple(Call(id=call.name, tool=call.tool, args=_typed(call)) for call in calls if not call.error)


def _typed(call: AskedCall) -> dict[str, Any]:
    return TOOLS[call.tool].model_validate(call.args).model_dump(mode="json", exclude_none=True)


def _refuse(call: AskedCall, criteria: Sequence[str]) -> str:
    """Why this call alone cannot be carried out, in words for the model; empty when it can."""
    shape = TOOLS.get(call.tool)
    if shape is None:
        near = get_close_matches(call.tool, TOOLS, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"There is no tool {call.tool[:60]!r}.{hint} The tools are: {', '.join(TOOLS)}."
    if call.malformed is not None:
        return f"The arguments of {call.tool} are no JSON object. Send the call again, whole. {_usage(call.tool)}"
    try:
        shape.model_validate(call.args)
    except ValidationError as error:
        return f"{call.tool}: {_words(error)} {_usage(call.tool)}"
    if call.tool == "prove" and call.args["criterion"] not in criteria:
        return f"There is no criterion {str(call.args['criterion'])[:40]!r}. There are: {', '.join(criteria)}."
    return ""


def _words(error: ValidationError) -> str:
    parts = []
    for each in error.errors()[:3]:
        where = ".".join(str(part) for part in each["loc"]) or "arguments"
        parts.append(f"`{where}`: {each['msg'][0].lower()}{each['msg'][1:]}.")
    return " ".join(parts)


def _usage(tool: str) -> str:
    parameters = next(each["parameters"] for each in SCHEMAS if each["name"] == tool)
    keys = [key if key in parameters["required"] else f"{key}?" for key in parameters["properties"]]
    return f"It takes {{{', '.join(keys)}}}."
