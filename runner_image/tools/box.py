"""The toolbox: a call's name to the tool that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runner_image.tools.bash import BashArgs, run_bash
from runner_image.tools.contract import Args, Bench, Refused, Result, read_arguments
from runner_image.tools.edit import EditArgs, run_edit
from runner_image.tools.files import NoAnswer
from runner_image.tools.finish import FinishArgs, check_finish
from runner_image.tools.prove import ProveArgs, run_prove
from runner_image.tools.view import ViewArgs, run_view
from runner_image.tools.write import WriteArgs, run_write
from shared.domain.protocol import Call, CallResult

TOOLS: Mapping[str, tuple[type[Args], Callable[[Bench, Any], Result]]] = {
    "bash": (BashArgs, run_bash),
    "view": (ViewArgs, run_view),
    "edit": (EditArgs, run_edit),
    "write": (WriteArgs, run_write),
    "prove": (ProveArgs, run_prove),
}
FINISH = "finish"


def run_call(bench: Bench, call: Call) -> CallResult | FinishArgs:
    """The call's result, or the agent's last word. A refusal is a result: nothing was executed. Raises Ending."""
    try:
        if call.tool == FINISH:
            return check_finish(bench, read_arguments(FinishArgs, FINISH, call.args))
        if call.tool not in TOOLS:
            raise Refused(f"There is no tool {call.tool!r}. There are: {', '.join([*TOOLS, FINISH])}. Nothing was run.")
        model, run = TOOLS[call.tool]
        return run(bench, read_arguments(model, call.tool, call.args)).of(call.id)
    except NoAnswer as error:
        return Result(f"The workspace's files could not be reached: {error}.", "error").of(call.id)
    except Refused as refused:
        return Result(str(refused), "refused").of(call.id)
