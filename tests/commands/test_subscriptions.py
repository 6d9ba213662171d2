"""What the commands on messages tell while somebody subscribes."""

from __future__ import annotations

from typing import Any

from examples import judge


def test_subscriptions_are_counted(talk: Any, pools: Any) -> None:
    subscriber = talk(2)
    for words in (("SUBSCRIBE", "c"), ("PSUBSCRIBE", "p*"), ("SSUBSCRIBE", "s")):
        subscriber(*words)
    for (_, encoding), pool in pools.items():
        assert judge(pool.pubsub_channels(), [b"c"], encoding)
        assert judge(pool.pubsub_channels("x*"), [], encoding)
        assert judge(pool.pubsub_numsub("c", "d"), {b"c": 1, b"d": 0}, encoding)
        assert judge(pool.pubsub_shardchannels(), [b"s"], encoding)
        assert judge(pool.pubsub_shardnumsub("s"), {b"s": 1}, encoding)
        assert pool.pubsub_numpat() == 1
        assert pool.publish("c", "hello") == 1
        assert pool.spublish("s", "hello") == 1
