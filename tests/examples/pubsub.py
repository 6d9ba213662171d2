"""Examples of commands on messages and subscriptions."""

from __future__ import annotations

from examples import Refused, Row, call

EXAMPLES: list[Row] = [
    (call("publish", "c", "hello"), 0),
    (call("pubsub_channels"), []),
    (call("pubsub_channels", "c*"), []),
    (call("pubsub_numpat"), 0),
    (call("pubsub_numsub", "c", "d"), {b"c": 0, b"d": 0}),
    (call("pubsub_shardchannels"), []),
    (call("pubsub_shardchannels", "c*"), []),
    (call("pubsub_shardnumsub", "c"), {b"c": 0}),
    (call("spublish", "c", "hello"), 0),
]
REFUSED: list[Refused] = [
    (call("pubsub_numsub"), "PUBSUB NUMSUB needs at least one channel"),
    (call("pubsub_shardnumsub"), "PUBSUB SHARDNUMSUB needs at least one channel"),
]
MISTYPED: list[Refused] = []
