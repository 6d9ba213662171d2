"""What the dials of one node have learned about its peer, for the dials that follow (R-37, R-40).

Rule 1: a way of greeting is remembered when a handshake has succeeded with it, never because a connection broke.
Rule 2: an address whose handshake failed is tried after the others; it is never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

A = TypeVar("A")

#: How long an address may try to connect before the next one starts beside it, in seconds (RFC 8305, section 5).
HEAD_START: Final = 0.25


class Peer:
    """The memory of one node's dials, which several threads may share; a connection of your own has one for itself."""

    __slots__ = ("_failed", "_turn", "protocol", "takes_client_commands")

    def __init__(self) -> None:
        #: The highest protocol that the peer speaks, as far as is known.
        self.protocol = 3
        #: Whether the peer bears the optional commands (CLIENT SETINFO, CLIENT SETNAME): some proxies hang up at them.
        self.takes_client_commands = True
        self._failed: dict[Any, int] = {}  # address -> the turn of its latest failed handshake
        self._turn = 0

    def in_order(self, addresses: Sequence[A]) -> list[A]:
        """Return a name's addresses in the order in which to try them, and forget those it does not mean any more.

        Those without a failed handshake come first, in the resolver's order; then those that failed longest ago.
        """
        failed = {address: self._failed.get(address, 0) for address in addresses}
        self._failed = {address: turn for address, turn in failed.items() if turn}
        return sorted(addresses, key=failed.__getitem__)

    def failed_at(self, address: object) -> None:
        """Note that the handshake failed at an address to which TCP had connected."""
        if address is not None:
            self._turn += 1
            self._failed[address] = self._turn

    def greeted_at(self, address: object) -> None:
        """Note that the handshake succeeded at an address."""
        self._failed.pop(address, None)


def head_start(seconds: float | None, count: int) -> float:
    """Return how long each of ``count`` addresses may try alone, so that all get a turn within ``seconds``."""
    return HEAD_START if seconds is None else min(HEAD_START, seconds / count)
