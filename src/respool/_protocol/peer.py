"""What the dials of one node have learned about its peer, for later dials (R-37, R-40).

Rule 1: a form of the handshake is remembered when it has succeeded, never because a connection broke.
Rule 2: an address whose handshake failed is tried after the others; it is never skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

A = TypeVar("A")

#: How long to try one address before the next one is tried as well, in seconds (RFC 8305, section 5).
HEAD_START: Final = 0.25


class Peer:
    """What the dials of one node have learned. Threads may share it; a connection outside a pool has its own."""

    __slots__ = ("_failed", "_turn", "protocol", "role", "takes_client_commands")

    def __init__(self) -> None:
        #: The highest protocol that the peer speaks, as far as is known.
        self.protocol = 3
        #: Whether the peer tolerates the optional commands (CLIENT SETINFO, SETNAME, CAPA): some proxies hang up.
        self.takes_client_commands = True
        #: What HELLO called the node at the first greeting, "master" or "replica"; it stays when the node changes.
        self.role: str | None = None
        self._failed: dict[Any, int] = {}  # address -> the turn of its latest failed handshake
        self._turn = 0

    def in_order(self, addresses: Sequence[A]) -> list[A]:
        """Return a host's addresses in the order in which to try them, and forget those it no longer resolves to.

        Those without a failed handshake come first, in the resolver's order; then the others, longest ago first.
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
    """Return how many seconds to try each of ``count`` addresses alone, so that all are tried within ``seconds``."""
    return HEAD_START if seconds is None else min(HEAD_START, seconds / count)
