"""Names for annotations: the records in replies, the types of arguments, and what has the command methods.

Records that hold keys or values are generic: ``StreamEntry[str]``. So is what has methods: a function that takes
``Commands[str]`` works with a ``Pool[str]``, a lease of it and a view of it; one that takes ``Door[str]`` works with
every kind of pool. Such classes are loaded when their name is first used: a program that uses threads does not load
asyncio, nor the other way round.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from respool._facts.command import Key
from respool._facts.messages import Gap, Message
from respool._facts.records import (
    Claimed,
    ClaimedIds,
    DeliveredEntry,
    GeoMatch,
    Pending,
    PendingSummary,
    StreamEntry,
)
from respool._facts.server_records import (
    AggregateResult,
    ClusterLink,
    ClusterNode,
    ClusterShard,
    CommandInfo,
    CommandLogEntry,
    ConnectedReplica,
    Document,
    LatencyEvent,
    LatencyHistogram,
    PrimaryRole,
    RawVector,
    ReplicaRole,
    SearchResult,
    SentinelRole,
    ShardNode,
    SlotMigration,
    SlotNode,
    SlotRange,
    SlowLogEntry,
    VectorMatch,
)
from respool.commands._arguments import Duration, MappingOf, Moment, Value
from respool.commands._json import RawJson

if TYPE_CHECKING:
    from respool._async.door import AsyncDoor
    from respool._async.node.pipeline import AsyncPipeline
    from respool._async.node.view import AsyncView
    from respool._async.subscriber import AsyncSubscriber
    from respool._pooling.pipeline_result import PipelineResult
    from respool._surfaces.asyncio import AsyncCommands
    from respool._surfaces.pipeline import PipelineCommands
    from respool._surfaces.threads import Commands
    from respool._sync.door import Door
    from respool._sync.node.pipeline import Pipeline
    from respool._sync.node.view import View
    from respool._sync.subscriber import Subscriber

_HOMES = {
    "AsyncCommands": "respool._surfaces.asyncio",
    "AsyncDoor": "respool._async.door",
    "AsyncPipeline": "respool._async.node.pipeline",
    "AsyncSubscriber": "respool._async.subscriber",
    "AsyncView": "respool._async.node.view",
    "Commands": "respool._surfaces.threads",
    "Door": "respool._sync.door",
    "Pipeline": "respool._sync.node.pipeline",
    "PipelineCommands": "respool._surfaces.pipeline",
    "PipelineResult": "respool._pooling.pipeline_result",
    "Subscriber": "respool._sync.subscriber",
    "View": "respool._sync.node.view",
}

__all__ = [
    "AggregateResult",
    "AsyncCommands",
    "AsyncDoor",
    "AsyncPipeline",
    "AsyncSubscriber",
    "AsyncView",
    "Claimed",
    "ClaimedIds",
    "ClusterLink",
    "ClusterNode",
    "ClusterShard",
    "CommandInfo",
    "CommandLogEntry",
    "Commands",
    "ConnectedReplica",
    "DeliveredEntry",
    "Document",
    "Door",
    "Duration",
    "Gap",
    "GeoMatch",
    "Key",
    "LatencyEvent",
    "LatencyHistogram",
    "MappingOf",
    "Message",
    "Moment",
    "Pending",
    "PendingSummary",
    "Pipeline",
    "PipelineCommands",
    "PipelineResult",
    "PrimaryRole",
    "RawJson",
    "RawVector",
    "ReplicaRole",
    "SearchResult",
    "SentinelRole",
    "ShardNode",
    "SlotMigration",
    "SlotNode",
    "SlotRange",
    "SlowLogEntry",
    "StreamEntry",
    "Subscriber",
    "Value",
    "VectorMatch",
    "View",
]


if not TYPE_CHECKING:  # a type checker would believe every name

    def __getattr__(name: str) -> Any:
        """Load a class with the command methods."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(home), name)
        return value
