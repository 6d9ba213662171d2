"""Examples of commands on the consumer groups of streams."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from examples import FAR, Refused, Row, call, is_count
from examples.streams import FIRST, NO_SERVER, SECOND, STREAM, THIRD
from respool._facts.records import Claimed, ClaimedIds, Pending, PendingSummary, StreamEntry

GROUP = f"{STREAM};XGROUP CREATE s g 0"
#: Two entries are pending.
PENDING = f"{GROUP};XREADGROUP GROUP g c COUNT 2 STREAMS s >"
#: Of those, the first is deleted.
DELETED = f"{PENDING};XDEL s 1-0"


def is_group(value: Any) -> bool:
    (group,) = value
    return group.pop("name") in {b"g", "g"} and group == {
        "consumers": 1,
        "pending": 2,
        "last-delivered-id": "2-0",
        "entries-read": 2,
        "lag": 1,
    }


def is_consumer(value: Any) -> bool:
    (consumer,) = value
    return consumer["name"] in {b"c", "c"} and consumer["pending"] == 2 and is_count(consumer["idle"])


def are_pending(value: Any) -> bool:
    return all(
        type(each) is Pending and each.consumer in {b"c", "c"} and is_count(each.idle) and each.deliveries == 1
        for each in value
    ) and [each.id for each in value] == ["1-0", "2-0"]


EXAMPLES: list[Row] = [
    (call("xack", "s", "g", "1-0", "3-0"), 1, PENDING),
    (call("xack", "k", "g", 1), 0),
    (call("xackdel", "s", "g", "1-0", "9-0"), [1, -1], PENDING, "redis 8.2"),
    (call("xackdel", "s", "g", 1, refs="KEEPREF"), [1], PENDING, "redis 8.2"),
    (call("xackdel", "s", "g", "1-0", refs="DELREF"), [1], PENDING, "redis 8.2"),
    (call("xackdel", "s", "g", "1-0", refs="ACKED"), [2], f"{PENDING};XGROUP CREATE s h 0", "redis 8.2"),
    (call("xackdel", "k", "g", "1-0"), [-1], "", "redis 8.2"),
    (call("xautoclaim", "s", "g", "d", 0), Claimed("0-0", [FIRST, SECOND], []), PENDING),
    (call("xautoclaim", "s", "g", "d", 0, "1-0", count=1), Claimed("2-0", [FIRST], []), PENDING),
    (call("xautoclaim", "s", "g", "d", 0), Claimed("0-0", [SECOND], ["1-0"]), DELETED),
    (call("xautoclaim", "s", "g", "d", timedelta(hours=1)), Claimed("0-0", [], []), PENDING),
    (call("xautoclaim", "s", "g", "d", 0, justid=True), ClaimedIds("0-0", ["2-0"], ["1-0"]), DELETED),
    (call("xclaim", "s", "g", "d", 0, "1-0", "2-0", "3-0"), [FIRST, SECOND], PENDING),
    (call("xclaim", "s", "g", "d", 0, "1-0", "2-0"), [SECOND], DELETED),
    (call("xclaim", "s", "g", "d", timedelta(hours=1), "1-0"), [], PENDING),
    (call("xclaim", "s", "g", "d", 0, 3, idle=timedelta(seconds=1), force=True), [THIRD], PENDING),
    (call("xclaim", "s", "g", "d", 0, "1-0", time=FAR, retrycount=7, lastid="2-0"), [FIRST], PENDING),
    (call("xclaim", "s", "g", "d", 0, "1-0", "2-0", justid=True), ["1-0", "2-0"], PENDING),
    (call("xgroup_create", "s", "g"), True, STREAM),
    (call("xgroup_create", "s", "g", "0", entriesread=1), True, STREAM),
    (call("xgroup_create", "k", "g", 0, mkstream=True), True),
    (call("xgroup_createconsumer", "s", "g", "c"), True, GROUP),
    (call("xgroup_createconsumer", "s", "g", "c"), False, PENDING),
    (call("xgroup_delconsumer", "s", "g", "c"), 2, PENDING),
    (call("xgroup_delconsumer", "s", "g", "x"), 0, PENDING),
    (call("xgroup_destroy", "s", "g"), True, GROUP),
    (call("xgroup_destroy", "s", "x"), False, GROUP),
    (call("xgroup_setid", "s", "g", "$"), True, GROUP),
    (call("xgroup_setid", "s", "g", 0, entriesread=0), True, GROUP),
    (call("xinfo_consumers", "s", "g"), is_consumer, PENDING),
    (call("xinfo_consumers", "s", "g"), [], GROUP),
    (call("xinfo_groups", "s"), is_group, PENDING),
    (call("xinfo_groups", "s"), [], STREAM),
    (call("xnack", "s", "g", "FAIL", "1-0", "2-0"), NO_SERVER),
    (call("xnack", "s", "g", "FATAL", "1-0", retrycount=3, force=True), NO_SERVER),
    (call("xpending", "s", "g"), PendingSummary(2, "1-0", "2-0", {b"c": 2}), PENDING),
    (call("xpending", "s", "g"), PendingSummary(0, None, None, {}), GROUP),
    (call("xpending", "s", "g", "-", "+", 10), are_pending, PENDING),
    (call("xpending", "s", "g", 1, "(3-0", 10, consumer="c", idle=0), are_pending, PENDING),
    (call("xpending", "s", "g", "-", "+", 10, consumer="x"), [], PENDING),
    (call("xpending", "s", "g", "-", "+", 10, idle=timedelta(hours=1)), [], PENDING),
    (call("xreadgroup", "g", "c", {"s": ">"}), {b"s": [FIRST, SECOND, THIRD]}, GROUP),
    (call("xreadgroup", "g", "c", {"s": ">"}, count=1, noack=True), {b"s": [FIRST]}, GROUP),
    (call("xreadgroup", "g", "c", {"s": 0}), {b"s": [StreamEntry("1-0", {}), SECOND]}, DELETED),
    (call("xreadgroup", "g", "x", {"s": "0"}), {b"s": []}, PENDING),
    (call("xreadgroup", "g", "c", {"s": b">"}), {}, f"{STREAM};XGROUP CREATE s g $"),
    (call("xreadgroup", "g", "c", {"s": ">", "t": b">"}, claim=timedelta(minutes=1)), NO_SERVER),
    (call("xreadgroup", "g", "c", {"s": ">"}, maxcount=10, maxsize=4096), NO_SERVER),
    (call("xreadgroup", "g", "c", {"s": ">"}, block=1000), {b"s": [THIRD]}, PENDING),
    (call("xreadgroup", "g", "c", {"s": ">"}, block=10), {}, f"{STREAM};XGROUP CREATE s g $"),
]
REFUSED: list[Refused] = [
    (call("xack", "s", "g"), "XACK needs at least one id"),
    (call("xackdel", "s", "g"), "XACKDEL needs at least one id"),
    (call("xautoclaim", "s", "g", "c", -1), "min_idle must be 0 or more, not -1"),
    (call("xautoclaim", "s", "g", "c", 0, count=0), "count must be 1 or more, not 0"),
    (call("xclaim", "s", "g", "c", 0), "XCLAIM needs at least one id"),
    (call("xclaim", "s", "g", "c", 0, "1-0", idle=1, time=1), "idle and time exclude each other"),
    (call("xclaim", "s", "g", "c", 0, "1-0", time=-1), "time must be 0 or more, not -1"),
    (call("xclaim", "s", "g", "c", 0, "1-0", retrycount=-1), "retrycount must be 0 or more, not -1"),
    (call("xnack", "s", "g", "FAIL"), "XNACK needs at least one id"),
    (call("xnack", "s", "g", "FAIL", 1, retrycount=-1), "retrycount must be 0 or more, not -1"),
    (call("xpending", "s", "g", "-", "+", -1), "count must be 0 or more, not -1"),
    (call("xpending", "s", "g", "-", "+", 1, idle=-1), "idle must be 0 or more, not -1"),
    (call("xreadgroup", "g", "c", {}), "XREADGROUP needs at least one stream"),
    (call("xreadgroup", "g", "c", {"s": ">"}, count=0), "count must be 1 or more, not 0"),
    (call("xreadgroup", "g", "c", {"s": ">", "t": 0}, claim=1), "claim works with the id '>' alone"),
    (call("xreadgroup", "g", "c", {"s": ">"}, claim=-1), "claim must be 0 or more, not -1"),
]
MISTYPED: list[Refused] = [
    (call("xautoclaim", "s", "g", "c", 0.5), "min_idle must be a whole number of milliseconds or a timedelta, not 0.5"),
    (call("xpending", "s", "g", "-"), "XPENDING takes start, end and count together"),
    (call("xpending", "s", "g", consumer="c"), "XPENDING takes start, end and count together"),
    (call("xreadgroup", "g", "c", "s"), "XREADGROUP takes a mapping of streams to ids, not str"),
]
