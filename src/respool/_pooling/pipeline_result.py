"""What a pipeline returns for each command: a placeholder for the reply, filled when the pipeline has run.

Rule 1: an exception of a parser, which may be a user's function, belongs to the result of its command alone. It is
        raised as it is, and every time with the traceback that it had: two callers may ask for it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Generic, cast, final

from respool._facts.command import Parser, T_co
from respool._facts.errors import Error, UsageError

_NOT_YET: Final = object()
_NEVER: Final = object()


@final
class Raised:
    """In place of a value: the exception of its parser."""

    __slots__ = ("_error", "_traceback")

    def __init__(self, error: Exception, traceback: TracebackType | None) -> None:
        self._error = error
        self._traceback = traceback

    @property
    def error(self) -> Exception:
        """The exception, to be raised or shown."""
        return self._error.with_traceback(self._traceback)


def parse_for_one(parse: Parser, reply: Any) -> Any:
    """Return the parsed reply; an exception becomes a value, so that the other results are read as well."""
    try:
        return parse(reply)
    except Exception as error:
        here = error.__traceback__
        return Raised(error, here and here.tb_next)  # without this frame: the traceback begins in the parser


@final
class PipelineResult(Generic[T_co]):
    """The reply to one command of a pipeline. ``result()`` returns it once the pipeline has run."""

    __slots__ = ("_name", "_value")

    def __init__(self, name: str) -> None:
        self._name = name
        self._value: Any = _NOT_YET

    @property
    def done(self) -> bool:
        """Whether the pipeline has run and the reply, or its error, is available."""
        return self._value is not _NOT_YET and self._value is not _NEVER

    def result(self) -> T_co:
        """Return the reply.

        Raises the error of this command if it failed, even when the pipeline has raised it before, and so the exception
        of a function given to ``Command.map``; UsageError when the pipeline has not run yet, or failed without replies
        (the pipeline's own error says whether it may have run).
        """
        value = self._value
        if value is _NOT_YET:
            raise UsageError(f"the pipeline of this {self._name} has not run yet: leave its with block first")
        if value is _NEVER:
            raise UsageError(f"there is no reply to this {self._name}: its pipeline was left with an error")
        if isinstance(value, Error):
            raise value
        if type(value) is Raised:
            raise value.error
        return cast("T_co", value)

    def _resolve(self, value: Any) -> None:
        """Set the reply, or the error or ``Raised`` in its place. Only for the pipeline."""
        self._value = value

    def _give_up(self) -> None:
        """Mark it as never getting a reply: the pipeline failed, or was never sent. Only for the pipeline."""
        self._value = _NEVER

    def __repr__(self) -> str:
        value = self._value.error if type(self._value) is Raised else self._value
        # Never the value: it may be a secret.
        state = "has not run" if value is _NOT_YET else "no reply" if value is _NEVER else type(value).__name__
        return f"<PipelineResult {self._name}: {state}>"
