"""Actions of a ``FakeNode`` besides sending a reply: wait, stay silent, close or reset the connection.

Rule 1: an action is only a value that says what is to happen; ``_fake_connection`` executes it.
Rule 2: a connection answers its commands in order, so an action that waits delays all later answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeConnection(Protocol):
    """A client's connection to a ``FakeNode``, as a handler sees it.

    ``number``    1 for the first connection of the node, then counting up.
    ``protocol``  2, or 3 after a HELLO 3.
    """

    number: int
    protocol: int

    def send(self, raw: bytes) -> None:
        """Send bytes now, before answers that wait. Does nothing if the connection is closed."""

    def close(self) -> None:
        """Close the connection once all bytes are sent. Answers that wait are dropped."""

    def reset(self) -> None:
        """Reset the connection (RST)."""


@dataclass(frozen=True)
class Silence:
    """Do not answer this command, and go on with the next one."""


@dataclass(frozen=True)
class Close:
    """Close the connection: the client gets all bytes sent so far, then the end of the stream."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST): the client gets ``ECONNRESET``."""


@dataclass(frozen=True)
class Delay:
    """Wait for ``seconds``, then send or execute ``reply``."""

    seconds: float
    reply: Reply = b""


@dataclass(frozen=True)
class Hold:
    """Wait for ``node.release()``, then send or execute ``reply``."""

    reply: Reply = b""


class Park:
    """Wait until ``resume`` is called, as a blocked command does. Only for the nodes of this package."""

    def __init__(self) -> None:
        self._go_on: Callable[[Reply], None] | None = None

    def begin(self, go_on: Callable[[Reply], None]) -> None:
        """Take what continues the connection. The connection calls it when the command's turn has come."""
        self._go_on = go_on

    def resume(self, reply: Reply) -> None:
        """Send or execute ``reply`` and go on. Runs in the node's thread; calling it again does nothing."""
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on(reply)


Action: TypeAlias = Silence | Close | Reset | Delay | Hold | Park
Command: TypeAlias = tuple[bytes, ...]

# Raw bytes (one reply, several, a push, half a reply); an action; a tuple of these, executed in order; or a
# function that takes the command and its connection and returns one of these.
Handler: TypeAlias = "Callable[[Command, FakeConnection], Reply | None]"
Reply: TypeAlias = "bytes | Action | tuple[Reply, ...] | Handler"
