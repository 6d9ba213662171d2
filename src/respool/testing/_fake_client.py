"""What a node of a ``FakeCluster`` remembers of a connection: ASKING, READONLY, MULTI, WATCH, and what blocks it.

Rule 1: it is made with the connection's first command and forgotten with the connection, or at RESET.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from respool.testing._actions import Park

if TYPE_CHECKING:
    from respool._facts.command import Spec
    from respool.testing._actions import Command, FakeConnection


class Client:
    """The state of one connection. ``queue`` is None outside of a transaction."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.is_asking = False
        self.is_readonly = False
        self.end_transaction()

    def end_transaction(self) -> None:
        """Forget the queued commands and the watched keys, as EXEC and DISCARD do."""
        self.queue: list[tuple[Spec, Command]] | None = None
        self.is_dirty = False  # a command was refused: EXEC will be, too
        self.watched: dict[bytes, int] = {}


class Blocked(NamedTuple):
    """A command that waits for a key."""

    spec: Spec
    command: Command
    connection: FakeConnection
    park: Park


class NoConnection:
    """Stands for a connection where there is none: a command that the test itself gives to a node."""

    number = 0
    protocol = 2

    def send(self, raw: bytes) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing is open."""

    def reset(self) -> None:
        """Nothing is open."""
