"""The records in the replies of commands. Those that hold keys or values are generic: ``StreamEntry[str]``."""

from respool._facts.records import (
    Claimed,
    ClaimedIds,
    ClusterLink,
    ClusterNode,
    ClusterShard,
    CommandInfo,
    CommandLogEntry,
    ConnectedReplica,
    DeliveredEntry,
    GeoMatch,
    LatencyEvent,
    LatencyHistogram,
    Pending,
    PendingSummary,
    PrimaryRole,
    ReplicaRole,
    SentinelRole,
    ShardNode,
    SlotMigration,
    SlotNode,
    SlotRange,
    SlowLogEntry,
    StreamEntry,
)

__all__ = [
    "Claimed",
    "ClaimedIds",
    "ClusterLink",
    "ClusterNode",
    "ClusterShard",
    "CommandInfo",
    "CommandLogEntry",
    "ConnectedReplica",
    "DeliveredEntry",
    "GeoMatch",
    "LatencyEvent",
    "LatencyHistogram",
    "Pending",
    "PendingSummary",
    "PrimaryRole",
    "ReplicaRole",
    "SentinelRole",
    "ShardNode",
    "SlotMigration",
    "SlotNode",
    "SlotRange",
    "SlowLogEntry",
    "StreamEntry",
]
"""The records in the replies of commands. They are generic: ``StreamEntry[str]`` of a pool with an encoding.

``RawJson`` is for arguments: a JSON value whose text you have.
"""

from respool._facts.records import (
    AggregateResult,
    Claimed,
    ClaimedIds,
    Document,
    GeoMatch,
    Pending,
    PendingSummary,
    RawVector,
    SearchResult,
    StreamEntry,
    VectorMatch,
)
from respool.commands._json import RawJson

__all__ = [
    "AggregateResult",
    "Claimed",
    "ClaimedIds",
    "Document",
    "GeoMatch",
    "Pending",
    "PendingSummary",
    "RawJson",
    "RawVector",
    "SearchResult",
    "StreamEntry",
    "VectorMatch",
]
