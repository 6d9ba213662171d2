# Generated from respool/_async/routing/homes.py by tools/generate.py. Do not edit.
"""Which node a subscription is made at, in pools of several nodes.

Rule 1: a shard channel is at the node that serves its slot, as a key would be. Where there are no slots, it is where
        every other channel is.
Rule 2: in a cluster every node sends the messages of all channels. One primary is chosen for them, and kept as long as
        it is in service and can be reached.
Rule 3: buckets know nothing of each other: a channel is at the bucket that a key of this name would be in. A pattern
        has no bucket.
Rule 4: a node that ends the subscription to a shard channel serves its slot no more, even if the map says so. It is
        asked who does, before anybody is subscribed to: a primary that has become a replica would take the
        subscription back, for as long as it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from respool._sync.node.home import OneHome
from respool._sync.node.serving import Serving
from respool._sync.routing.buckets import Buckets
from respool._sync.routing.cluster import Cluster
from respool._sync.routing.replication import Replication
from respool._sync.routing.slot_map import NOWHERE
from respool._facts.command import spec
from respool._facts.errors import NOT_NOW, ServerError, UsageValueError
from respool._protocol.redirect import Redirect, Step, read_redirect
from respool._protocol.subscribed import Topic

SSUBSCRIBE: Final = spec("SSUBSCRIBE")


class BucketHomes(OneHome):
    """The bucket of a channel."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    def check(self, topic: Topic) -> None:
        """Raise UsageValueError for a pattern (Rule 3)."""
        if topic[0] == "p":
            raise UsageValueError(
                "a pattern matches channels of all buckets, which know nothing of each other: name the channels, or "
                "subscribe with a Pool of one bucket"
            )

    def home_of(self, topic: Topic) -> Any:
        """Return the bucket of a channel; None if it is a service without a primary."""
        serving = self._buckets.owner_now(self._buckets.slot_of(topic[1]))
        return None if serving is NOWHERE else serving


class PrimaryHome(OneHome):
    """The primary, whoever that is."""

    def __init__(self, replication: Replication) -> None:
        self._replication = replication

    def ready(self, deadline: float | None) -> None:
        """Wait until there is a primary."""
        self._replication.primary(deadline)

    def home_of(self, topic: Topic) -> Any:
        """Return the primary."""
        del topic
        serving = self._replication.place.primary
        return None if serving is NOWHERE or serving.ledger.closed else serving

    def missing(self) -> None:
        """Let sentinels be asked."""
        self._replication.finder.wanted()


class ClusterHomes:
    """The node of a slot for a shard channel, one chosen node for all others."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._chosen: Any = NOWHERE
        self._left: dict[int, Serving] = {}  # slots that have left a node, while that is asked about them
        self.slot_of: Callable[[Any], int] | None = cluster.slot_of

    def check(self, topic: Topic) -> None:
        """Accept every topic."""

    def ready(self, deadline: float | None) -> None:
        """Wait until there is a map."""
        self._cluster.ready(deadline)

    def home_of(self, topic: Topic) -> Any:
        """Return the node of a slot, or the chosen node (Rule 2)."""
        cluster = self._cluster
        if topic[0] == "s":
            slot = cluster.slot_of(topic[1])
            serving = cluster.owner_now(slot)
            if serving is self._left.get(slot):
                return None
        else:
            if self._chosen is NOWHERE or self._chosen.ledger.closed:
                self._chosen = cluster.owner_now(None)
            serving = self._chosen
        return None if serving is NOWHERE else serving

    def missing(self) -> None:
        """Ask for a new map."""
        self._cluster.discovery.doubt()

    def unreachable(self, serving: Serving) -> None:
        """Choose another node for channels that can be at any."""
        if serving is self._chosen:
            others = [each for each in self._cluster.primaries() if each is not serving]
            others = [each for each in others if each.trouble < 2] or others
            if others:
                self._chosen = others[int(self._cluster.members.chance() * len(others))]

    def ended(self, serving: Serving, topic: Topic, then: Callable[[], None]) -> None:
        """Ask the node where the slot is now (Rule 4)."""
        cluster = self._cluster
        slot = cluster.slot_of(topic[1])
        with cluster.members.lock:
            is_asked = slot in self._left
            self._left[slot] = serving
        if not is_asked:
            cluster.members.tasks.start_or_run(self._ask, serving, slot, then)

    def _ask(self, serving: Serving, slot: int, then: Callable[[], None]) -> None:
        try:
            self._cluster.discovery.ask_about(serving, slot)
        finally:
            self._left.pop(slot, None)
            then()

    def refused(self, serving: Serving, topic: Topic, error: ServerError) -> bool:
        """Follow a redirect; tell whether there was one, or the node will be ready later."""
        slot = self._cluster.slot_of(topic[1])
        redirect = read_redirect(error, serving.address, SSUBSCRIBE, slot)
        if redirect is None:
            return isinstance(error, NOT_NOW)
        if redirect.step is Step.ASK:  # a channel is where its slot is, until all of that has moved
            redirect = Redirect(redirect.code, Step.WAIT, None, redirect.slot, needs_refresh=True)
        self._cluster.follow(self._cluster.placed(redirect), serving)
        return True
