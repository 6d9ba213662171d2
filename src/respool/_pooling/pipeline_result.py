"""What a pipeline returns for each command: a placeholder for the reply, filled when the pipeline has run."""

from __future__ import annotations

from typing import Any, Final, Generic, cast, final

from respool._facts.command import T_co
from respool._facts.errors import Error, UsageError

_NOT_YET: Final = object()
_NEVER: Final = object()


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

        Raises the error of this command if it failed, even when the pipeline has raised it before; UsageError when the
        pipeline has not run yet, or failed without replies (the pipeline's own error says whether it may have run).
        """
        value = self._value
        if value is _NOT_YET:
            raise UsageError(f"the pipeline of this {self._name} has not run yet: leave its with block first")
        if value is _NEVER:
            raise UsageError(f"there is no reply to this {self._name}: its pipeline was left with an error")
        if isinstance(value, Error):
            raise value
        return cast("T_co", value)

    def _resolve(self, value: Any) -> None:
        """Set the reply, or the error in its place. Only for the pipeline."""
        self._value = value

    def _give_up(self) -> None:
        """Mark it as never getting a reply: the pipeline failed, or was never sent. Only for the pipeline."""
        self._value = _NEVER

    def __repr__(self) -> str:
        value = self._value
        # Never the value: it may be a secret.
        state = "has not run" if value is _NOT_YET else "no reply" if value is _NEVER else type(value).__name__
        return f"<PipelineResult {self._name}: {state}>"
