"""Move slots from one node of a cluster to another, as tools for resharding do.

Rule 1: a slot at a time: the new owner imports it, the old one migrates it, the keys follow by MIGRATE, and the new
        owner is told first that the slot is its own. Until then the slot is half-migrated: ASK and TRYAGAIN.
Rule 2: atomically: Valkey 9 moves all slots of a node by itself. Clients see MOVED only.
Rule 3: one connection to each node for all slots of a call.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Self

import hiredis

from respool._facts.slots import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from respool.testing._server import Server
    from respool.testing._short import ShortConnection

KEYS_AT_ONCE: Final = 100
MIGRATE_TIMEOUT: Final = 5000  # milliseconds


class SlotMoves:
    """Connections to the nodes of a cluster, to move slots between them: ``with SlotMoves(databases) as moves:``."""

    def __init__(self, databases: int) -> None:
        self._databases = databases
        self._connections: dict[Server, ShortConnection] = {}
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def begin(self, slot: int, source: Server, source_id: str, to: Server, to_id: str) -> None:
        """Begin to move a slot. No key has moved yet."""
        self._ask(to)("CLUSTER", "SETSLOT", slot, "IMPORTING", source_id)
        self._ask(source)("CLUSTER", "SETSLOT", slot, "MIGRATING", to_id)

    def move_keys(self, source: Server, to: Server, keys: Sequence[bytes | str], database: int = 0) -> None:
        """Move these keys, which the source has."""
        auth: list[str] = []
        if to.password is not None:
            auth = ["AUTH2", to.username, to.password] if to.username else ["AUTH", to.password]
        self._ask(source)("MIGRATE", to.host, to.port, "", database, MIGRATE_TIMEOUT, *auth, "KEYS", *keys)

    def finish(self, slot: int, source: Server, to: Server, to_id: str, others: Iterable[Server]) -> None:
        """Move the keys that are left, and tell the new owner, the old one and the other primaries, in this order.

        Once the new owner knows, it tells the others by itself. One that has heard already may refuse our word.
        """
        ask = self._ask(source)
        for database in range(self._databases):
            if self._databases > 1:
                ask("SELECT", database)
            while keys := ask("CLUSTER", "GETKEYSINSLOT", slot, KEYS_AT_ONCE):
                self.move_keys(source, to, keys, database)
        self._ask(to)("CLUSTER", "SETSLOT", slot, "NODE", to_id)
        for node in (source, *others):
            with suppress(hiredis.ReplyError):
                self._ask(node)("CLUSTER", "SETSLOT", slot, "NODE", to_id)

    def _ask(self, node: Server) -> ShortConnection:
        if node not in self._connections:
            self._connections[node] = self._ends.enter_context(node.connect())
        return self._connections[node]


def begin_atomic_move(source: Server, to_id: str, slots: Iterable[int]) -> None:
    """Let the source give these slots away by itself. Valkey 9."""
    ranges = [number for first_last in ranges_of(slots) for number in first_last]
    source.command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *ranges, "NODE", to_id)


def trouble_of_atomic_move(source: Server) -> str:
    """Return why the last atomic move from this node failed, or an empty string: it goes on, or was a success."""
    moves = [dict(zip(row[::2], row[1::2], strict=True)) for row in source.command("CLUSTER", "GETSLOTMIGRATIONS")]
    mine: Any = next((move for move in moves if move[b"operation"] == b"EXPORT"), None)
    if mine is None or mine[b"state"] not in (b"failed", b"cancelled"):
        return ""
    return str(mine[b"message"].decode() or mine[b"state"].decode())


def ranges_of(slots: Iterable[int]) -> list[tuple[int, int]]:
    """Return slots as ranges, each with its first and its last slot."""
    ordered = sorted(set(slots))
    if not ordered:
        return []
    gaps = [(before, after) for before, after in pairwise(ordered) if after != before + 1]
    firsts = [ordered[0], *(after for _, after in gaps)]
    lasts = [*(before for before, _ in gaps), ordered[-1]]
    return list(zip(firsts, lasts, strict=True))


def shares(count: int) -> list[tuple[int, int]]:
    """Return all slots in ``count`` ranges of about the same length."""
    bounds = [SLOTS * index // count for index in range(count + 1)]
    return [(first, last - 1) for first, last in pairwise(bounds)]
