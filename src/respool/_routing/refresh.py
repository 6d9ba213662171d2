"""When the map of a cluster is asked for, and whom.

    moved, unreachable, doubted, the timer -> due -> Ask -> answered | failed
                               unreachable -> due_probe -> Probe

Rule 1: views are asked for in rounds, one round at a time. They begin at least ``PAUSE`` apart, whatever happens, and
        further apart in large clusters and after rounds that brought nothing new (P-17).
Rule 2: a round is wanted if something was heard that no view has answered, while a primary is unreachable, and once in
        a while. A view answers what was heard before it was asked for. That a node is unreachable is heard once.
Rule 3: a round asks one node; after ``HEDGE``, or as soon as one fails, it asks ``WIDTH`` more, and so on, with at most
        ``MOST`` unanswered. So a node that hangs costs a tenth of a second. The first view that is believed ends it.
Rule 4: the target of the latest MOVED comes first; then, in a small cluster, the replicas of unreachable primaries, for
        who is promoted knows it first (in a large one the long answers to all clients together would keep them from
        it); then other nodes, then unreachable ones, and last the seeds, as the user wrote them, so that their names
        are resolved anew. Within each group the order is random.
Rule 5: another cluster is believed if a seed shows it and no node showed ours in the same round: all servers have been
        replaced.
Rule 6: while a primary with slots is unreachable, ``PROBES`` commands a second may be sent to other nodes to find out
        who has its slots: the MOVED names the new primary as soon as CLUSTER SLOTS does, and costs next to nothing.

Times are absolute seconds of one monotonic clock; random numbers are in [0, 1). What is asked must end, with an answer
or not: the caller limits the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from respool._facts.errors import UsageValueError
from respool._facts.option_types import Address
from respool._routing.topology import Change, Topology, View, ViewRefused

PAUSE: Final = 1.0
#: The longest pause after rounds that brought nothing new.
CAP: Final = 5.0
HEDGE: Final = 0.1
WIDTH: Final = 2
MOST: Final = 7
PROBES: Final = 4.0
#: Seconds between two rounds when nothing is wrong, give or take a quarter.
PERIOD: Final = 60.0
#: Up to so many nodes a cluster is small. The period of a larger one grows with its size; its pause grows to
#: ``LARGE_PAUSE`` at ``LARGE`` nodes, because each answer is long and there are many clients.
SMALL: Final = 100
LARGE: Final = 1000
LARGE_PAUSE: Final = 30.0
_NEVER: Final = float("inf")


class Ask(NamedTuple):
    """A node to be asked for its view: CLUSTER SLOTS, and CLUSTER INFO in the same write."""

    address: Address
    is_seed: bool
    at: float
    #: The number of its round, and how much had been heard before.
    round: int
    heard: int


class Probe(NamedTuple):
    """A command with a key of ``slot`` to be sent to ``address``, to find out who has the slots of ``lost``.

    A MOVED tells who; a reply shows that it is ``address`` itself.
    """

    address: Address
    slot: int
    lost: Address


class Refresh:
    """The memory of what was heard, and the round in progress. It changes the topology by the views it is given."""

    __slots__ = (
        "_began_at",
        "_heard",
        "_is_alive",
        "_is_wanted_round",
        "_jitter",
        "_lost",
        "_news",
        "_open",
        "_probe_at",
        "_round",
        "_seeds",
        "_settled",
        "_target",
        "_timer_at",
        "_topology",
        "_vain",
        "_waiting",
        "_widen_at",
        "is_running",
    )

    def __init__(self, topology: Topology, seeds: Sequence[Address], now: float) -> None:
        if not seeds:
            raise UsageValueError("a cluster needs the address of one node at least")
        self._topology = topology
        self._seeds = tuple(seeds)
        #: Whether a round is in progress.
        self.is_running = False
        self._round = 0
        self._is_wanted_round = False
        self._is_alive = False  # whether a node of our cluster has shown its view in this round
        self._waiting: deque[tuple[Address, bool]] = deque()  # whom to ask next in this round, and whether it is a seed
        self._open: set[Ask] = set()
        self._widen_at = _NEVER
        self._began_at = float("-inf")
        self._jitter = 0.0
        self._timer_at = now
        self._heard = 1  # that there is no map yet
        self._settled = 0
        self._news = 0  # how much had been heard when a MOVED, or the loss of a node, was heard last
        self._vain = 0  # wanted rounds in a row that brought nothing new
        self._target: Address | None = None
        self._lost: dict[Address, None] = {}
        self._probe_at = now

    # What was heard ---------------------------------------------------------------------------------------

    def moved(self, target: Address) -> None:
        """Note a MOVED that changed the map."""
        self._target = target
        self._hear_news()

    def unreachable(self, address: Address) -> None:
        """Note that a node cannot be reached; that its pool is full is no reason."""
        if address not in self._lost:
            self._lost[address] = None
            self._hear_news()

    def reachable(self, address: Address) -> None:
        """Note that a node has answered."""
        self._lost.pop(address, None)

    def doubted(self) -> None:
        """Note a CLUSTERDOWN, a slot without an owner, or anything else that makes the map doubtful."""
        self._heard += 1

    def _hear_news(self) -> None:
        self._heard += 1
        self._news = self._heard
        self._vain = 0

    # Rounds -----------------------------------------------------------------------------------------------

    def next_at(self) -> float:
        """Return when ``due`` will have somebody to ask, if nothing happens until then; it may be over already."""
        if self.is_running:
            return self._widen_at if self._waiting and len(self._open) < MOST else _NEVER
        return max(self._began_at + self._pause, float("-inf") if self._is_wanted else self._timer_at)

    def due(self, now: float, random: Callable[[], float]) -> list[Ask]:
        """Return whom to ask now. Each must end in ``answered`` or ``failed``."""
        if now < self.next_at():
            return []
        many = WIDTH
        if not self.is_running:
            self._begin(now, random)
            many = 1
        asks: list[Ask] = []
        while self._waiting and len(asks) < many and len(self._open) < MOST:
            address, is_seed = self._waiting.popleft()
            asks.append(Ask(address, is_seed, now, self._round, self._heard))
            self._open.add(asks[-1])
        self._widen_at = now + HEDGE
        return asks

    def answered(self, ask: Ask, view: View, now: float, chance: float) -> Change:
        """Take a view, and return what changed; nothing, if its round is over. Raises ViewRefused."""
        if ask not in self._open:
            return Change()
        self.reachable(ask.address)
        self._is_alive = self._is_alive or self._topology.is_ours(view)
        try:
            change = self._topology.take(view, ask.at, start_over=ask.is_seed and not self._is_alive)
        except ViewRefused:
            self.failed(ask, now, chance)
            raise
        self._settled = ask.heard
        self._lost = {address: None for address in self._lost if address in self._topology.nodes}
        self._end(ask, now, chance, has_news=not change.is_empty)
        return change

    def failed(self, ask: Ask, now: float, chance: float) -> None:
        """Note that a node gave no view, or one that cannot be read."""
        if ask not in self._open:
            return
        self._open.remove(ask)
        if self._open or self._waiting:
            self._widen_at = now
        else:
            self._end(ask, now, chance, has_news=False)

    def _begin(self, now: float, random: Callable[[], float]) -> None:
        self.is_running = True
        self._round += 1
        self._is_wanted_round = self._is_wanted
        self._is_alive = False
        self._began_at = now
        nodes = self._topology.nodes
        lost = self._dead if len(nodes) <= SMALL else ()
        heirs = {node.address for address in lost for node in self._topology.shards[address].replicas}

        def rank(address: Address) -> tuple[int, float]:
            if address in self._lost:
                return 3, random()
            return (0 if address == self._target else 1 if address in heirs else 2), random()

        self._waiting.extend((address, False) for address in sorted(nodes, key=rank))
        self._waiting.extend((address, True) for address in sorted(self._seeds, key=lambda _: random()))
        self._target = None

    def _end(self, ask: Ask, now: float, chance: float, *, has_news: bool) -> None:
        self.is_running = False
        if has_news:
            self._vain = 0
        elif self._is_wanted_round and self._news <= ask.heard:
            self._vain += 1
        self._open.clear()
        self._waiting.clear()
        self._jitter = chance
        self._timer_at = now + PERIOD * max(1.0, len(self._topology.nodes) / SMALL) * (0.75 + chance / 2)

    @property
    def _pause(self) -> float:
        """How long after the beginning of a round the next may begin. The jitter only makes it longer."""
        size = min(max(len(self._topology.nodes), SMALL), LARGE)
        least = PAUSE + (LARGE_PAUSE - PAUSE) * (size - SMALL) / (LARGE - SMALL)
        return min(least * 2.0 ** min(self._vain, 10), max(least, CAP)) * (1.0 + self._jitter / 4)

    @property
    def _is_wanted(self) -> bool:
        return self._heard != self._settled or bool(self._dead)

    # Probes -----------------------------------------------------------------------------------------------

    def next_probe_at(self) -> float:
        """Return when ``due_probe`` may have something to send; it may be over already."""
        return self._probe_at if self._dead else _NEVER

    def due_probe(self, now: float, chance: float) -> Probe | None:
        """Return what to send to whom to find the heir of an unreachable primary; None for nothing (Rule 6)."""
        if now < self.next_probe_at():
            return None
        topology = self._topology
        # A replica that was promoted meanwhile would execute the command, so another shard is better.
        living = [address for address in topology.shards if address not in self._lost]
        living = living or [address for address in topology.nodes if address not in self._lost]
        self._probe_at = now + 1.0 / PROBES
        if not living:
            return None
        lost = self._dead[0]
        self._lost[lost] = self._lost.pop(lost)  # the next probe is for the next one
        return Probe(living[int(chance * len(living))], topology.table.index(lost), lost)

    @property
    def _dead(self) -> list[Address]:
        """The unreachable primaries that have slots."""
        return [address for address in self._lost if self._topology.has_slots(address)]
