# Written once: respool/_sync/node/home.py is generated from this file.
"""Which node a subscription is made at: what subscribers ask of a pool, and the answers of a pool of one node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from respool._async.node.serving import Serving
from respool._facts.errors import NOT_NOW, ServerError
from respool._protocol.subscribed import Topic


class Homes(Protocol):
    """Where the topics of a pool are."""

    #: Returns the slot of a shard channel; None where one command may name any of them.
    slot_of: Callable[[Any], int] | None

    def check(self, topic: Topic) -> None:
        """Raise UsageValueError for a topic that has no node."""

    async def ready(self, deadline: float | None) -> None:
        """Wait until the nodes are known."""

    def home_of(self, topic: Topic) -> Any:
        """Return the node for a topic; None if there is none now."""

    def missing(self) -> None:
        """Note that some topic has no node now, or has lost it."""

    def unreachable(self, serving: Serving) -> None:
        """Note that a node could not be connected."""

    def ended(self, serving: Serving, topic: Topic, then: Callable[[], None]) -> None:
        """Note that a node has ended a subscription by itself; ``then`` is called once more is known about that."""

    def refused(self, serving: Serving, topic: Topic, error: ServerError) -> bool:
        """Note that a node has refused a topic; tell whether it is to be tried again, perhaps elsewhere."""
        ...


class OneHome:
    """The only node."""

    slot_of = None

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def check(self, topic: Topic) -> None:
        """Accept every topic."""

    async def ready(self, deadline: float | None) -> None:
        """Return at once."""

    def home_of(self, topic: Topic) -> Any:
        """Return the node."""
        del topic
        return self._serving

    def missing(self) -> None:
        """Do nothing: there is nothing to find out."""

    def unreachable(self, serving: Serving) -> None:
        """Do nothing: there is no other node."""

    def ended(self, serving: Serving, topic: Topic, then: Callable[[], None]) -> None:
        """Do nothing: there is no other node."""

    def refused(self, serving: Serving, topic: Topic, error: ServerError) -> bool:
        """Tell whether the node will be ready later."""
        return isinstance(error, NOT_NOW)
