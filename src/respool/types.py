"""The records in the replies of commands. They are generic: ``StreamEntry[str]`` of a pool with an encoding."""

from respool._facts.records import (
    Claimed,
    ClaimedIds,
    DeliveredEntry,
    GeoMatch,
    Pending,
    PendingSummary,
    StreamEntry,
)

__all__ = ["Claimed", "ClaimedIds", "DeliveredEntry", "GeoMatch", "Pending", "PendingSummary", "StreamEntry"]
