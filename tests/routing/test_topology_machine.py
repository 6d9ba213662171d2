"""The map against a cluster that changes: failovers, moved slots, nodes that come and go, views that arrive late.

The model is the cluster itself, and a pool that knows nothing but the changes it is told. It must have the nodes and
the slots of the map, and cut every primary that the cluster has replaced.
"""

from __future__ import annotations

from itertools import compress
from operator import ne

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from effort import IS_MUTANT, IS_PROOF
from respool._facts.server_records import SlotNode, SlotRange
from respool._facts.slots import SLOTS
from respool._routing.topology import Address, Change, Topology, View, ViewRefused, read_view

#: Slots move in blocks.
BLOCK = 2048
BLOCKS = SLOTS // BLOCK
#: Two of each block: a MOVED is always for the first.
SAMPLES = [block * BLOCK + place for block in range(BLOCKS) for place in (0, 1)]
PICK = st.integers(0, 10_000)


class TopologyMachine(RuleBasedStateMachine):
    @initialize(replicas=st.lists(st.integers(0, 2), min_size=1, max_size=3))
    def start(self, replicas: list[int]) -> None:
        self.now = 10.0
        self.count = 0
        self.epoch = 1
        self.shards = [[self.new_node() for _ in range(1 + many)] for many in replicas]  # the primary first
        self.owners = [self.shards[block % len(self.shards)][0] for block in range(BLOCKS)]
        self.topology = Topology()
        self.views: list[tuple[float, View]] = []
        #: The last MOVED of each block, by when it was heard.
        self.heard: dict[int, tuple[float, int]] = {}
        #: What a pool knows that is only told what changed.
        self.members: dict[Address, str] = {}
        self.table: list[Address | None] = [None] * SLOTS
        self.told(self.topology.take(self.view(), self.now))

    # The cluster --------------------------------------------------------------------------------------------

    def new_node(self) -> int:
        self.count += 1
        return self.count

    def view(self, without: int | None = None) -> View:
        """What a node says, if it knows everything but the owner of the block ``without``."""
        ranges = []
        for block, owner in enumerate(self.owners):
            (shard,) = [shard for shard in self.shards if shard[0] == owner]
            if block != without:
                nodes = [SlotNode("h", number, f"id-{number}", {}) for number in shard]
                ranges.append(SlotRange(block * BLOCK, block * BLOCK + BLOCK - 1, nodes))
        return read_view(ranges, asked=("h", 1), known={}, info={"cluster_current_epoch": self.epoch})

    @rule(pick=PICK, is_dead=st.booleans())
    def fail_over(self, pick: int, is_dead: bool) -> None:
        shard = self.shards[pick % len(self.shards)]
        if len(shard) > 1:
            self.epoch += 1
            old = shard.pop(0)
            if not is_dead:
                shard.append(old)
            self.owners = [shard[0] if owner == old else owner for owner in self.owners]

    @rule(block=st.integers(0, BLOCKS - 1), pick=PICK)
    def move_slots(self, block: int, pick: int) -> None:
        self.owners[block] = self.shards[pick % len(self.shards)][0]

    @precondition(lambda self: len(self.shards) < 4)
    @rule()
    def add_a_shard(self) -> None:
        self.shards.append([self.new_node()])

    @rule(pick=PICK)
    def add_a_replica(self, pick: int) -> None:
        shard = self.shards[pick % len(self.shards)]
        if len(shard) < 4:
            shard.append(self.new_node())

    @rule(pick=PICK)
    def remove_a_shard_without_slots(self, pick: int) -> None:
        shard = self.shards[pick % len(self.shards)]
        if shard[0] not in self.owners:
            self.shards.remove(shard)

    # The pool -----------------------------------------------------------------------------------------------

    def told(self, change: Change) -> None:
        was = self.members.copy()
        for node in change.left:
            del self.members[node.address]
        for node in change.joined:
            assert node.address not in was
            self.members[node.address] = "primary"
        for node in change.promoted:
            assert self.members[node.address] == "replica"
            self.members[node.address] = "primary"
        for node in change.lost_role:
            assert was[node.address] == "primary"
        for node in change.new_replicas:
            assert was.get(node.address) != "replica"
            if was.get(node.address) == "primary":
                cut = {each.address for each in change.lost_role}  # a MOVED told of one that has no id yet
                assert node.address in cut or node.address not in set(self.table)
            self.members[node.address] = "replica"
        assert change.moved == set(compress(range(SLOTS), map(ne, self.table, self.topology.table)))
        self.table = self.topology.table.copy()

    @rule(without=st.none() | st.integers(0, BLOCKS - 1))
    def ask(self, without: int | None) -> None:
        self.now += 1.0
        if len(self.views) < 3:
            self.views.append((self.now, self.view(without)))

    @precondition(lambda self: self.views)
    @rule(pick=PICK)
    def hear_an_answer(self, pick: int) -> None:
        place = pick % len(self.views)
        asked_at, view = self.views[place]
        del self.views[: place + 1]  # an answer to an earlier question is not taken after this one
        epoch = self.topology.epoch
        try:
            self.told(self.topology.take(view, asked_at))
        except ViewRefused:
            assert view.epoch is not None
            assert view.epoch < epoch or not self.topology.is_ours(view)
            return
        assert self.topology.epoch == view.epoch
        for slot in range(0, SLOTS, BLOCK):
            heard_at, owner = self.heard.get(slot // BLOCK, (0.0, 0))
            if heard_at >= asked_at:
                assert self.topology.table[slot] == ("h", owner)
                assert slot not in self.topology.unserved
            elif slot + 1 not in self.topology.unserved and not self.was_taken_over(asked_at):
                assert self.topology.table[slot] == view.table[slot]

    def was_taken_over(self, since: float) -> bool:
        """Whether a MOVED has been heard that may have moved a whole shard."""
        return any(at >= since for at, _ in self.heard.values())

    @rule(block=st.integers(0, BLOCKS - 1))
    def hear_moved(self, block: int) -> None:
        self.now += 1.0
        owner = self.owners[block]
        before = self.topology.owner(block * BLOCK)
        change = self.topology.moved(block * BLOCK, ("h", owner), self.now)
        self.told(change)
        assert self.topology.table[block * BLOCK] == ("h", owner)
        if len(change.moved) > 1:  # a failover
            assert before is not None
            assert change.lost_role == (before.primary,)
            for each in range(BLOCKS):
                if each * BLOCK in change.moved:
                    self.heard[each] = self.now, owner
        else:
            assert change.lost_role == ()
        self.heard[block] = self.now, owner

    @rule()
    def refresh(self) -> None:
        """A view that is asked for and answered at once is the truth, and who was replaced is cut."""
        self.now += 1.0
        view = self.view()
        if not self.topology.is_ours(view):
            return
        self.views.clear()
        had_slots = set(self.table)
        primaries = {address for address, role in self.members.items() if role == "primary"}
        lost = {address for address in self.members if address not in view.shards} & primaries
        heirs = {view.table[slot] for slot in SAMPLES if self.table[slot] in lost} - primaries
        change = self.topology.take(view, self.now)
        cut = {node.address for node in change.lost_role}
        self.told(change)
        replicas = {("h", number) for shard in self.shards if shard[0] in self.owners for number in shard[1:]}
        assert lost & replicas <= cut <= lost
        assert cut - replicas <= had_slots
        assert bool(cut - replicas) <= bool(heirs)
        assert self.topology.table == view.table
        assert self.topology.shards == view.shards
        assert not self.topology.unserved

    # What is always true ------------------------------------------------------------------------------------

    @invariant()
    def the_map_is_one(self) -> None:
        topology = self.topology
        assert set(topology.table) - {None} <= topology.shards.keys()
        assert all(topology.has_slots(address) == (address in topology.table) for address in topology.nodes)
        replicas = [node.address for shard in topology.shards.values() for node in shard.replicas]
        assert len(set(replicas)) == len(replicas)
        assert not topology.shards.keys() & set(replicas)
        assert all(shard.primary.address == address for address, shard in topology.shards.items())

    @invariant()
    def the_changes_tell_everything(self) -> None:
        assert self.table == self.topology.table
        roles = dict.fromkeys(self.topology.shards, "primary")
        roles |= {node.address: "replica" for shard in self.topology.shards.values() for node in shard.replicas}
        assert self.members == roles


TestTopologyMachine = TopologyMachine.TestCase
_USUAL = settings()
TestTopologyMachine.settings = settings(  # every step compares maps of 16384 slots
    _USUAL, max_examples=_USUAL.max_examples if IS_PROOF or IS_MUTANT else _USUAL.max_examples // 3
)
