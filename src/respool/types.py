"""The records in the replies of commands. Those that hold keys or values are generic: ``StreamEntry[str]``."""

from respool._facts.records import (
    Claimed,
    ClaimedIds,
    ClusterLink,
    ClusterNode,
    ClusterShard,
    DeliveredEntry,
    GeoMatch,
    Pending,
    PendingSummary,
    ShardNode,
    SlotMigration,
    SlotNode,
    SlotRange,
    StreamEntry,
)

__all__ = [
    "Claimed",
    "ClaimedIds",
    "ClusterLink",
    "ClusterNode",
    "ClusterShard",
    "DeliveredEntry",
    "GeoMatch",
    "Pending",
    "PendingSummary",
    "ShardNode",
    "SlotMigration",
    "SlotNode",
    "SlotRange",
    "StreamEntry",
]
