# Generated from respool/_async/node/pipeline.py by tools/generate.py. Do not edit.
"""Collect commands, send them as one pipeline, read each result where it was asked for.

Rule 1: nothing is sent before the end of the block, and nothing at all when the block raises.
Rule 2: every result is there after the block, or the block raised; then its results say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from respool._facts.command import Command, Parser, Spec, as_command
from respool._facts.errors import UsageError
from respool._pooling.pipeline_result import PipelineResult
from respool._surfaces.pipeline import PipelineCommands

S = TypeVar("S")


class Pipeline(PipelineCommands[S]):
    """A pipeline under construction: every command method adds a command and returns its future result.

    ``with pool.pipeline() as p: a = p.get("k")``, then ``a.result()``. Used once.
    """

    def __init__(self, send: Callable[..., Any], *, atomic: bool) -> None:
        self._send = send
        self._atomic = atomic
        self._commands: list[Command[Any]] = []
        self._results: list[PipelineResult[Any]] = []
        self._is_sent = False

    def __len__(self) -> int:
        return len(self._commands)

    def execute(self, *args: Any) -> PipelineResult[Any]:
        """Add a command given by its arguments, or a ``Command``."""
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        return self._add_command(command)

    def _add(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> PipelineResult[Any]:
        return self._add_command(Command.of(args, spec, parse))

    def _add_command(self, command: Command[Any]) -> PipelineResult[Any]:
        if self._is_sent:
            raise UsageError("this pipeline was sent already; make another one")
        result: PipelineResult[Any] = PipelineResult(command.name)
        self._commands.append(command)
        self._results.append(result)
        return result

    def send(self) -> list[Any]:
        """Send what was collected and return one value per command; server errors are values in the list.

        Called at the end of the block. Raises as ``execute_many`` does.
        """
        if self._is_sent:
            raise UsageError("this pipeline was sent already; make another one")
        self._is_sent = True
        try:
            values: list[Any] = self._send(self._commands, atomic=self._atomic)
        except BaseException:
            self._give_up()
            raise
        for result, value in zip(self._results, values, strict=True):
            result._resolve(value)
        return values

    def __enter__(self) -> Pipeline[S]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._is_sent:
            return
        if kind is None:
            self.send()
        else:
            self._give_up()

    def _give_up(self) -> None:
        for result in self._results:
            result._give_up()

    def __repr__(self) -> str:
        state = "sent" if self._is_sent else "collecting"
        return f"<{type(self).__name__} {state} commands={len(self)} atomic={self._atomic}>"
