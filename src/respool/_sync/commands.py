# Generated from respool/_async/commands.py by tools/generate.py. Do not edit.
"""Every command as a method over an ``execute`` of the user's own.

Rule 1: a subclass writes ``execute`` and, for pipelines, ``execute_many``. All methods end in one of the two.
Rule 2: nothing is kept here: no pool, no connection, no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from respool._sync.node.pipeline import Pipeline
from respool._sync.node.scan import ScanCommands
from respool._facts.command import Command, Parser, Spec
from respool._facts.errors import UsageError
from respool._facts.option_types import S

T = TypeVar("T")


class Commands(ScanCommands[S]):
    """Every command as a method, over an ``execute`` of your own: for what should happen around each command.

    Derive from it and write ``execute(command)``, which runs a ``Command`` on a pool, say, and returns its reply; and
    ``execute_many`` if ``pipeline`` is to work. Every method and every page of an iterator is then one call of
    ``execute``. ``S`` is the type of keys and values in replies, as for ``Pool``.
    """

    def execute(self, command: Command[T], /) -> T:
        """Run one command and return its reply. A subclass writes it."""
        raise UsageError(f"{type(self).__name__} has no execute: write execute(self, command), which runs a Command")

    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False
    ) -> list[Any]:
        """Run commands as one pipeline and return one value for each, errors as values. A subclass may write it."""
        raise UsageError(
            f"{type(self).__name__} has no execute_many: write execute_many(self, commands, *, atomic=False), which "
            "runs them on a pool"
        )

    def pipeline(self, *, atomic: bool = False, raise_errors: bool = True) -> Pipeline[S]:
        """Collect commands and send them by ``execute_many``; see ``pipeline`` of a pool."""
        return Pipeline(self.execute_many, atomic=atomic, raise_errors=raise_errors)

    def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        return self.execute(Command.of(args, spec, parse))
