"""Commands in columns: arguments, specs and parsers, each in a list of its own, without an object for each command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, cast

from respool._facts.command import SPELLED, Args, Command, Parser, Spec, as_command


class Collected:
    """What a pipeline adds its commands to."""

    __slots__ = ("calls", "parsers", "specs")

    def __init__(self) -> None:
        self.calls: list[Args] = []
        self.specs: list[Spec] = []
        self.parsers: list[Parser | None] = []

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[Command[Any]]:
        return map(Command.of, self.calls, self.specs, self.parsers)


def unparsed(calls: Sequence[Args], specs: Sequence[Spec]) -> Collected:
    """Collect commands whose replies are to be returned as they are."""
    collected = Collected()
    collected.calls, collected.specs = list(calls), list(specs)
    collected.parsers = [None] * len(collected.calls)
    return collected


def columns(given: Iterable[Any]) -> tuple[list[Args], list[Spec], list[Parser | None]]:
    """Return the arguments, the specs and the parsers of commands given in any way."""
    if isinstance(given, Collected):
        return given.calls, given.specs, given.parsers
    commands = list(given)
    if set(map(type, commands)) == {tuple}:  # the usual case, looked up without a Python loop: there may be many
        try:
            specs = list(map(SPELLED.get, map(itemgetter(0), commands)))
        except (IndexError, TypeError):
            specs = [None]  # one of them has no name; ``as_command`` raises for it below
        if None not in specs:
            return commands, cast("list[Spec]", specs), [None] * len(commands)  # arguments alone have no parser
    found = [as_command(command) for command in commands]
    return (
        [command.args for command in found],
        [command.spec for command in found],
        [command.parse for command in found],
    )
