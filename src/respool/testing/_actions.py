"""What a ``FakeNode`` may do instead of, or besides, answering.

Rule 1: an action is a value: it says what is to happen, ``_fake_connection`` makes it happen.
Rule 2: the answers of one connection keep the order of its commands: what waits makes all later ones wait.
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
        """Send bytes now, before anything that waits; nothing happens if the connection is closed."""

    def close(self) -> None:
        """Hang up after what was sent; what waits is dropped."""

    def reset(self) -> None:
        """Reset the connection (RST)."""


@dataclass(frozen=True)
class Silence:
    """Answer nothing to this command, and go on with the next one."""


@dataclass(frozen=True)
class Close:
    """Hang up: the client gets what was sent so far, then the end of the stream."""


@dataclass(frozen=True)
class Reset:
    """Reset the connection (RST): the client gets ``ECONNRESET``."""


@dataclass(frozen=True)
class Delay:
    """Wait ``seconds``, then do ``reply``."""

    seconds: float
    reply: Reply = b""


@dataclass(frozen=True)
class Hold:
    """Wait for ``node.release()``, then do ``reply``."""

    reply: Reply = b""


Action: TypeAlias = Silence | Close | Reset | Delay | Hold
Command: TypeAlias = tuple[bytes, ...]

# The raw bytes of one reply or of several, of a push, of half a reply; an action; several of these one after
# the other; or a function of the command and its connection that returns one of these.
Handler: TypeAlias = "Callable[[Command, FakeConnection], Reply | None]"
Reply: TypeAlias = "bytes | Action | tuple[Reply, ...] | Handler"
