"""Commands that publish messages, and that tell about subscriptions.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
message goes to the subscribers that there are at this moment and is not stored. Shard channels (Redis 7.0) are
served by the node of a cluster that has their slot; everything else about them is the same.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._facts.command import Command, spec
from respool.commands._arguments import nothing_to_send
from respool.commands._parsers import as_map

if TYPE_CHECKING:
    from respool._facts.command import Key
    from respool.commands._arguments import Text, Value

PUBLISH = spec("PUBLISH")
PUBSUB_CHANNELS = spec("PUBSUB CHANNELS")
PUBSUB_NUMPAT = spec("PUBSUB NUMPAT")
PUBSUB_NUMSUB = spec("PUBSUB NUMSUB").derive(parse=as_map)
PUBSUB_SHARDCHANNELS = spec("PUBSUB SHARDCHANNELS")
PUBSUB_SHARDNUMSUB = spec("PUBSUB SHARDNUMSUB").derive(parse=as_map)
SPUBLISH = spec("SPUBLISH")


def publish(channel: Key, message: Value) -> Command[int]:
    """Send a message to all subscribers of a channel, and return how many clients received it.

    In a cluster that is the number of those at this node, although the message reaches all.
    """
    return Command(PUBLISH, channel, message)


def pubsub_channels(pattern: Value | None = None) -> Command[list[Text]]:
    """Return the channels that have subscribers, or those that match a glob pattern.

    Who subscribes to a pattern does not count.
    """
    if pattern is None:
        return Command(PUBSUB_CHANNELS)
    return Command(PUBSUB_CHANNELS, pattern)


def pubsub_numpat() -> Command[int]:
    """Return to how many patterns clients subscribe."""
    return Command(PUBSUB_NUMPAT)


def pubsub_numsub(*channels: Key) -> Command[dict[Text, int]]:
    """Return a dict of channels to how many clients subscribe to each, 0 for one without subscribers.

    Who subscribes to a pattern does not count. Raises UsageValueError without channels.
    """
    if channels:
        return Command(PUBSUB_NUMSUB, *channels)
    raise nothing_to_send(PUBSUB_NUMSUB, "channel")


def pubsub_shardchannels(pattern: Value | None = None) -> Command[list[Text]]:
    """Return the shard channels that have subscribers, or those that match a glob pattern. Since Redis 7.0."""
    if pattern is None:
        return Command(PUBSUB_SHARDCHANNELS)
    return Command(PUBSUB_SHARDCHANNELS, pattern)


def pubsub_shardnumsub(*channels: Key) -> Command[dict[Text, int]]:
    """Return a dict of shard channels to how many clients subscribe to each, 0 for one without subscribers.

    Raises UsageValueError without channels. Since Redis 7.0.
    """
    if channels:
        return Command(PUBSUB_SHARDNUMSUB, *channels)
    raise nothing_to_send(PUBSUB_SHARDNUMSUB, "channel")


def spublish(channel: Key, message: Value) -> Command[int]:
    """Send a message to all subscribers of a shard channel, and return how many clients received it.

    In a cluster the node that has the channel's slot takes it. Since Redis 7.0.
    """
    return Command(SPUBLISH, channel, message)
