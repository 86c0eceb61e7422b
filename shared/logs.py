"""The functions' logger: ids, codes and places of the source; never what anybody wrote, nor what a foreign service said."""

from __future__ import annotations

import traceback
from types import TracebackType

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

FRAMES = 25


class WithoutWords(LambdaPowertoolsFormatter):
    """An exception's own words may hold the input that it is about (pydantic quotes it), so only its places are told."""

    def formatException(  # noqa: N802 - the library's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """From the outermost call to the place; the causes first, as Python has it."""
        return "\n".join(_places(ei[1]))


def _places(error: BaseException | None) -> list[str]:
    if error is None:
        return []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    here = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return [*_places(cause), *here, type(error).__name__]


def logger_of(service: str) -> Logger:
    """One JSON object a line."""
    return Logger(service=service, logger_formatter=WithoutWords(serialize_stacktrace=False))
