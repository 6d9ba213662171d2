"""The callers' record of a run against a cluster, compared with what all nodes together executed.

Rule 1: what holds for one node holds for all of them together: a write runs at most once, wherever that is.
Rule 2: a crash loses writes, acknowledged ones too. But none that a deposed primary acknowledged after the pool's map had
        shown its successor: by then its connections must have been cut.
Rule 3: counts of counters may repeat after a loss. A reply is right if a node gave it, and once for each time it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..books import Books, Broken, Write

if TYPE_CHECKING:
    from .model import Cluster

#: Within this many rounds a caller has a reply that was read before the map changed.
GRACE: Final = 12


class PromptWrite(Write):
    """The write of a single command: its acknowledgement comes as soon as the reply."""

    def acknowledged(self) -> None:
        super().acknowledged()
        books = self._books
        assert isinstance(books, ClusterBooks)
        for token in self._tokens:
            books.acknowledged_in[token] = books.round_now()


class ClusterBooks(Books):
    """The record. ``round_now`` counts the rounds of the loop."""

    def __init__(self, cluster: Cluster, round_now: Callable[[], int]) -> None:
        super().__init__()
        self._cluster = cluster
        self.round_now = round_now
        #: In which round the reply to a token's command came.
        self.acknowledged_in: dict[bytes, int] = {}
        #: Values that were sent to each key.
        self.sent: dict[bytes, set[bytes]] = {}
        #: The tokens of each transaction.
        self.transactions: list[list[bytes]] = []
        #: Tokens that were sent without waiting for a reply, and were taken.
        self.unanswered: list[bytes] = []
        #: What callers have counted to with WATCH.
        self.taken: set[tuple[bytes, int]] = set()
        self._seen: Counter[tuple[bytes, int]] = Counter()

    def prompt_write(self, token: bytes) -> PromptWrite:
        return PromptWrite(self, [token], [])

    def value_for(self, key: bytes, where: str) -> bytes:
        """Return a token that will be sent as a value of ``key``."""
        token = self.token(where)
        self.sent.setdefault(key, set()).add(token)
        return token

    def saw_value(self, key: bytes, value: Any) -> None:
        """Check a value that was read."""
        if value is not None and value not in self.sent.get(key, ()):
            raise Broken(f"{key!r} has the value {value!r}, which was never written to it")

    def saw_counter(self, key: bytes, value: Any) -> None:
        """Record the reply of an INCR (Rule 3)."""
        seen, counted = self._seen, self._cluster.counted
        if type(value) is int:
            seen[key, value] += 1
        if type(value) is not int or seen[key, value] > counted[key, value]:
            raise Broken(f"INCR {key!r} answered {value!r}, which is somebody else's reply")

    # The end -----------------------------------------------------------------------------------------

    def compare(self, cluster: Any) -> None:
        super().compare(cluster)
        self.failures += cluster.complaints
        for tokens in self.transactions:
            if len({cluster.executed[token] for token in tokens}) > 1:
                self.fail(f"of the transaction with {tokens} only a part ran")
        self._compare_acknowledged(cluster)

    def _compare_acknowledged(self, cluster: Cluster) -> None:
        """Check that nothing was acknowledged that the map already showed to be lost (Rule 2)."""
        seen_in = [(each.old, each.seen_in) for each in cluster.depositions if each.seen_in is not None]
        for token, round_ in self.acknowledged_in.items():
            for entry in cluster.entries.get(token, ()):
                if entry.is_lost and any(entry.node is old and round_ > seen + GRACE for old, seen in seen_in):
                    self.fail(f"{token!r} was acknowledged by a deposed primary after the map had shown its successor")

    def compare_unanswered(self, cluster: Cluster) -> None:
        """Check that everything that was sent without a reply has run: nothing went wrong that could end it."""
        for token in self.unanswered:
            if not cluster.executed[token]:
                self.fail(f"{token!r} was taken without a reply, and never ran")

    def compare_counters(self, cluster: Cluster) -> None:
        """Check the model: a counter has what was added to it, without what was lost."""
        for key, count in cluster.increments.items():
            value = int(cluster.owner_of(key).data[0].get(key, b"0"))
            if value != count - cluster.lost_increments[key]:
                self.fail(f"the model is wrong: {key!r} is {value}, added {count}, lost {cluster.lost_increments[key]}")
