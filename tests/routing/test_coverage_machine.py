"""An iteration over the keys of a cluster in which slots move, migrations stop half-way, and nodes fail.

The model is the cluster, key by key. No key was missed when every slot is covered, and an iteration comes to its end
once the cluster is quiet, although some slots never get to where they are moving.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from respool._routing.coverage import Coverage, Stand

SLOT_COUNT = 5
KEYS = [(slot, number) for slot in range(SLOT_COUNT) for number in range(2)]
#: Each node finds its keys in an order of its own, in this many pages.
PAGES = 3
PICK = st.integers(0, 10_000)


@dataclass
class Node:
    """A primary. ``pages``: on which page of a scan it has each key."""

    id: str
    epoch: int
    slots: set[int]
    pages: dict[tuple[int, int], int]
    keys: set[tuple[int, int]] = field(default_factory=set)
    leaving: dict[int, str] = field(default_factory=dict)
    arriving: dict[int, str] = field(default_factory=dict)

    @property
    def stand(self) -> Stand:
        whole = frozenset(self.slots.difference(self.leaving))
        return Stand(self.id, self.epoch, whole, self.leaving.copy(), self.arriving.copy())


class CoverageMachine(RuleBasedStateMachine):
    @initialize(seed=PICK, order=st.booleans())
    def start(self, seed: int, *, order: bool) -> None:
        self.random = Random(seed)
        self.count = 0
        self.is_by_slot = order
        self.nodes: dict[str, Node] = {}
        for first in range(3):
            node = self.new_node(first + 1)
            node.slots = {slot for slot in range(SLOT_COUNT) if slot % 3 == first}
            node.keys = {key for key in KEYS if key[0] in node.slots}
        self.map = self.owners()
        self.coverage = Coverage(SLOT_COUNT)
        self.scan: Node | None = None
        self.page = self.slot = 0
        self.found: set[tuple[int, int]] = set()

    def new_node(self, epoch: int) -> Node:
        self.count += 1
        pages = {key: self.random.randrange(PAGES) for key in KEYS}
        node = self.nodes[f"n{self.count}"] = Node(f"n{self.count}", epoch, set(), pages)
        return node

    def owners(self) -> list[Node | None]:
        owners: list[Node | None] = [None] * SLOT_COUNT
        for node in self.nodes.values():
            for slot in node.slots:
                owners[slot] = node
        return owners

    def pick(self, chance: int) -> Node:
        return list(self.nodes.values())[chance % len(self.nodes)]

    def newest(self) -> int:
        return max(node.epoch for node in self.nodes.values())

    # What happens to the cluster -------------------------------------------------------------------------

    @rule(slot=st.integers(0, SLOT_COUNT - 1), chance=PICK)
    def a_slot_begins_to_move(self, slot: int, chance: int) -> None:
        to, source = self.pick(chance), self.owners()[slot]
        if source is not None and source is not to and slot not in source.leaving:
            source.leaving[slot] = to.id
            to.arriving[slot] = source.id

    @rule(chance=PICK)
    def a_key_moves(self, chance: int) -> None:
        source = self.pick(chance)
        keys = sorted(key for key in source.keys if key[0] in source.leaving)
        if keys:
            key = keys[chance % len(keys)]
            source.keys.remove(key)
            self.nodes[source.leaving[key[0]]].keys.add(key)

    @rule(chance=PICK)
    def a_slot_has_moved(self, chance: int) -> None:
        source = self.pick(chance)
        for slot in list(source.leaving)[:1]:
            to = self.nodes[source.leaving.pop(slot)]
            del to.arriving[slot]
            keys = {key for key in source.keys if key[0] == slot}
            source.keys -= keys
            to.keys |= keys
            source.slots.remove(slot)
            to.slots.add(slot)
            if to.epoch < self.newest() or sum(node.epoch == to.epoch for node in self.nodes.values()) > 1:
                to.epoch = self.newest() + 1

    @rule(chance=PICK)
    def a_replica_is_promoted(self, chance: int) -> None:
        old = self.pick(chance)
        if old.leaving or old.arriving:
            return  # servers end up with two owners then, or with keys that nobody has
        new = self.new_node(self.newest() + 1)
        new.slots, new.keys = old.slots, old.keys
        del self.nodes[old.id]

    @rule()
    def the_map_is_refreshed(self) -> None:
        self.map = self.owners()

    # What the iteration does -----------------------------------------------------------------------------

    @precondition(lambda self: not self.is_over())
    @rule()
    def a_step(self) -> None:
        if self.scan is not None and self.scan.id not in self.nodes:
            self.scan = None
        if self.is_by_slot:
            self.step_by_slot()
        elif self.scan is None:
            self.begin()
        elif self.page < PAGES:
            self.found |= {key for key in self.scan.keys if self.scan.pages[key] == self.page}
            self.page += 1
        else:
            self.coverage.end(self.scan.stand)
            self.scan = None

    def begin(self) -> None:
        node = self.coverage.choose(self.map, self.nodes)
        if node is None:
            self.coverage.forget_halves()  # a driver waits before that
        elif node.id in self.nodes:
            self.scan, self.page = node, 0
            self.coverage.begin(node.stand)

    def step_by_slot(self) -> None:
        """Get the slots one by one from the node that owns each; a slot in two pages, which overlap."""
        owner = self.owners()[self.slot]
        if self.scan is None:
            if owner is not None:
                self.scan, self.page, self.first = owner, 0, self.slot
                self.coverage.begin(owner.stand)
            return
        if owner is not self.scan or self.random.randrange(3) == 0:
            self.coverage.pass_by(self.scan.stand, self.first, self.slot)
            self.first = self.slot
            if owner is not self.scan:
                self.scan = None
            return
        keys = {key for key in self.scan.keys if key[0] == self.slot}
        self.found |= {key for key in keys if self.scan.pages[key] == self.page}
        self.page += 1
        if self.page == PAGES:
            self.page = 0
            self.slot += 1
            if self.slot == SLOT_COUNT:
                self.coverage.pass_by(self.scan.stand, self.first, self.slot)
                self.scan, self.is_by_slot = None, False

    def is_over(self) -> bool:
        return not self.is_by_slot and self.coverage.is_complete(self.owners())

    def teardown(self) -> None:
        if not self.nodes:
            return
        self.map = self.owners()
        for _ in range(200):
            if self.is_over():
                break
            self.a_step()
        else:
            raise AssertionError(f"the iteration has not ended: slots {self.coverage.left} are left")
        assert self.found == set(KEYS)


TestCoverageMachine = CoverageMachine.TestCase
TestCoverageMachine.settings = settings(settings.default)
