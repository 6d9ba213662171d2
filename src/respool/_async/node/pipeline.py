# Written once: respool/_sync/node/pipeline.py is generated from this file.
"""Collect commands, send them as one pipeline, and read each result from the object that its method returned.

Rule 1: nothing is sent before the end of the block, and nothing at all when the block raises.
Rule 2: once a pipeline is answered, all its results are available, even if one is an error and is raised; a pipeline
        without replies raises, and so do its results.
Rule 3: an error that nobody checks is not lost: the first one is raised, unless the caller has chosen to check each
        result itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, TypeVar, overload

from respool._async.node.script import AsyncScript, loading
from respool._facts.command import Command, Key, Parser, Spec, as_command
from respool._facts.conditions import KEPT, Conditions
from respool._facts.errors import Error, UsageError, UsageTypeError, placed
from respool._facts.unknown import PIPELINE_NAMES, answering
from respool._pooling.pipeline_result import PipelineResult, Raised, parse_for_one
from respool._protocol.collected import Collected
from respool._surfaces.pipeline import PipelineCommands
from respool.commands._arguments import Value

S = TypeVar("S")
T = TypeVar("T")


@answering(PIPELINE_NAMES)
class AsyncPipeline(PipelineCommands[S]):
    """A pipeline under construction: every command method adds a command and returns its future result.

    ``async with pool.pipeline() as p: a = p.get("k")``, then ``a.result()``. It is used once. Leaving the block sends
    it and raises the first error among the replies, unless ``raise_errors=False``.
    """

    def __init__(self, send: Callable[..., Any], *, atomic: bool, raise_errors: bool = True) -> None:
        if not isinstance(raise_errors, bool):
            raise UsageTypeError(f"raise_errors must be True or False, not {raise_errors!r}")
        self._send = send
        self._raise_errors = raise_errors
        self._atomic = atomic
        self._commands = Collected()
        self._results: list[PipelineResult[Any]] = []
        self._is_sent = False
        self._is_given_up = False

    def __len__(self) -> int:
        return len(self._commands)

    @overload
    def execute(self, command: Command[T], /) -> PipelineResult[T]: ...

    @overload
    def execute(self, *args: Any) -> PipelineResult[Any]: ...

    def execute(self, *args: Any) -> PipelineResult[Any]:
        """Add a command given by its arguments, or a ``Command``."""
        if not args:
            raise UsageError("execute() adds a command: a pipeline is sent by leaving its with block, or by send()")
        command = as_command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        return self._add(command.args, command.spec, command.parse)

    def _add(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> PipelineResult[Any]:
        if self._is_sent:
            raise UsageError("this pipeline was sent already; make another one")
        if parse is None:
            parse = spec.parse
        elif parse is not spec.parse:  # it may be a user's, and raise
            parse = partial(parse_for_one, parse)
        commands = self._commands
        commands.calls.append(args)
        commands.specs.append(spec)
        commands.parsers.append(parse)
        result: PipelineResult[Any] = PipelineResult(spec.name)
        self._results.append(result)
        return result

    def script(
        self, script: AsyncScript[T], *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[T]:
        """Add a call of a script, which ``script`` of a pool has made.

        The text is sent along: once to each node that the pipeline concerns, before the first call of the script; in an
        atomic pipeline with each call.
        """
        command = loading(script, keys, args)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def using(self, *, encoding: None, idempotent: Literal[True] = ...) -> AsyncPipelineView[bytes]: ...

    @overload
    def using(self, *, idempotent: Literal[True]) -> AsyncPipelineView[S]: ...

    def using(
        self, *, encoding: Any = KEPT, idempotent: Any = KEPT, timeout: Any = KEPT
    ) -> AsyncPipelineView[Any]:
        """Return an object whose methods add commands to this pipeline under other conditions.

        ``encoding=None``: their replies are bytes. ``idempotent=True``: running them twice is harmless; a pipeline is
        retried if that holds for all of its commands. Raises UsageTypeError without a condition, and for ``timeout``.
        """
        return AsyncPipelineView(self, _conditions(Conditions(), encoding, idempotent, timeout))

    async def send(self) -> list[Any]:
        """Send the collected commands and return one value per command. Called at the end of the block.

        Raises the first error among the replies, with the position and name of its command, once all results are set;
        with ``raise_errors=False`` errors are values in the list. The exception of a function given to ``Command.map``
        counts as an error, and is raised as it is. Raises the same errors as ``execute_many`` when there are no
        replies.
        """
        if self._is_sent:
            raise UsageError("this pipeline was sent already; make another one")
        self._is_sent = True
        try:
            values: list[Any] = await self._send(self._commands, atomic=self._atomic)
        except BaseException:
            self._give_up()
            raise
        for result, value in zip(self._results, values, strict=True):
            result._resolve(value)
        kinds = set(map(type, values))
        if self._raise_errors and any(issubclass(kind, (Error, Raised)) for kind in kinds):
            at = next(at for at, value in enumerate(values) if isinstance(value, (Error, Raised)))
            place = f"command {at + 1} of {len(values)} ({self._commands.specs[at].name})"
            if isinstance(values[at], Raised):
                error = values[at].error
                error.add_note(f"raised for the reply to {place}")
                raise error
            raise placed(values[at], place)
        if Raised in kinds:
            return [value.error if type(value) is Raised else value for value in values]
        return values

    async def __aenter__(self) -> AsyncPipeline[S]:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._is_sent:
            return
        if kind is None:
            await self.send()
        else:
            self._give_up()

    def __del__(self) -> None:
        state = self.__dict__
        if state.get("_commands") and not (self._is_sent or self._is_given_up):
            message = f"{self!r} was never sent: leave its with block, or call send()"
            warnings.warn(message, ResourceWarning, source=self, stacklevel=2)

    def _give_up(self) -> None:
        self._is_given_up = True
        for result in self._results:
            result._give_up()

    def __repr__(self) -> str:
        state = "sent" if self._is_sent else "collecting"
        return f"<{type(self).__name__} {state} commands={len(self)} atomic={self._atomic}>"


class AsyncPipelineView(PipelineCommands[S]):
    """The command methods of a pipeline under other conditions; its ``using`` makes it."""

    __slots__ = ("_conditions", "_pipeline")

    def __init__(self, pipeline: AsyncPipeline[Any], conditions: Conditions) -> None:
        self._pipeline = pipeline
        self._conditions = conditions

    @overload
    def execute(self, command: Command[T], /) -> PipelineResult[T]: ...

    @overload
    def execute(self, *args: Any) -> PipelineResult[Any]: ...

    def execute(self, *args: Any) -> PipelineResult[Any]:
        """Add a command given by its arguments, or a ``Command``, under the conditions of this view."""
        command = self._conditions.command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        return self._pipeline._add(command.args, command.spec, command.parse)

    def _add(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> PipelineResult[Any]:
        return self._pipeline._add(args, self._conditions.spec(spec), parse)

    def script(
        self, script: AsyncScript[T], *, keys: Sequence[Key] = (), args: Sequence[Value] = ()
    ) -> PipelineResult[T]:
        """Add a call of a script under the conditions of this view."""
        command = loading(script, keys, args)
        return self._add(command.args, command.spec, command.parse)

    @overload
    def using(self, *, encoding: None, idempotent: Literal[True] = ...) -> AsyncPipelineView[bytes]: ...

    @overload
    def using(self, *, idempotent: Literal[True]) -> AsyncPipelineView[S]: ...

    def using(
        self, *, encoding: Any = KEPT, idempotent: Any = KEPT, timeout: Any = KEPT
    ) -> AsyncPipelineView[Any]:
        """Return a view of the same pipeline with these conditions too."""
        return AsyncPipelineView(self._pipeline, _conditions(self._conditions, encoding, idempotent, timeout))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._conditions!r} of {self._pipeline!r}>"


def _conditions(before: Conditions, encoding: Any, idempotent: Any, timeout: Any) -> Conditions:
    if timeout is not KEPT:
        raise UsageTypeError(
            "a pipeline is sent as a whole, so its commands have no timeouts of their own: "
            "write pool.using(timeout=...).pipeline()"
        )
    return before.changed(encoding=encoding, idempotent=idempotent)
