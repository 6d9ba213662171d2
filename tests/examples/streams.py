"""Examples of commands on streams."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from examples import NotMade, Refused, Row, call
from respool._facts.records import StreamEntry

STREAM = "XADD s 1-0 a 1;XADD s 2-0 b 2;XADD s 3-0 c 3"
FIRST = StreamEntry("1-0", {b"a": b"1"})
SECOND = StreamEntry("2-0", {b"b": b"2"})
THIRD = StreamEntry("3-0", {b"c": b"3"})
#: One entry is acknowledged, one is pending and deleted.
GROUP = f"{STREAM};XGROUP CREATE s g 0;XREADGROUP GROUP g c COUNT 2 STREAMS s >;XACK s g 1-0"
#: Servers that know a word or a special id.
NOT_7_0 = "valkey, redis 8.2"
NO_SERVER = NotMade("no server here has it")


def is_id(value: Any) -> bool:
    time, _, number = value.partition("-")
    return type(value) is str and int(time) > 10**12 and int(number) >= 0


def is_a_summary(value: Any) -> bool:
    known = {"length": 3, "last-generated-id": "3-0", "groups": 1}
    return known.items() <= value.items() and value["first-entry"].id == "1-0" and "f" not in value["last-entry"].fields


def is_empty(value: Any) -> bool:
    return value["length"] == 0 and value["first-entry"] is None and value["last-entry"] is None


def is_full(value: Any) -> bool:
    (group,) = value["groups"]
    (consumer,) = group["consumers"]
    ((pending, name, time, deliveries),) = group["pending"]
    return (
        [entry.id for entry in value["entries"]] == ["1-0", "2-0", "3-0"]
        and group["name"] in {b"g", "g"}
        and type(group["name"]) is type(consumer["name"]) is type(name) is type(min(value["entries"][0].fields))
        and (pending, name, deliveries) == ("2-0", consumer["name"], 1)
        and consumer["pending"] == [("2-0", time, 1)]
    )


def has_one_entry(value: Any) -> bool:
    return [type(entry) for entry in value["entries"]] == [StreamEntry]


EXAMPLES: list[Row] = [
    (call("xadd", "s", {"a": 1}), is_id),
    (call("xadd", "s", {"a": 1, b"b": "x"}, id="5-1"), "5-1"),
    (call("xadd", "s", {0: ""}, id=4), "4-0", STREAM),
    (call("xadd", "s", {"a": 1}, id=b"4-0", nomkstream=True), "4-0", STREAM),
    (call("xadd", "s", {"a": 1}, nomkstream=True), None),
    (call("xadd", "s", {"a": 1}, id="4-0", maxlen=2), "4-0", STREAM),
    (call("xadd", "s", {"a": 1}, id="4-0", minid="2-0", approx=True, limit=10), "4-0", STREAM),
    (call("xadd", "s", {"a": 1}, id="4-0", maxlen=2, refs="KEEPREF"), "4-0", STREAM, "redis 8.2"),
    (call("xadd", "s", {"a": 1}, id="4-0", maxlen=2, refs="DELREF"), "4-0", STREAM, "redis 8.2"),
    (call("xadd", "s", {"a": 1}, id="4-0", maxlen=2, refs="ACKED"), "4-0", STREAM, "redis 8.2"),
    (call("xadd", "s", {"a": 1}, idmp=("p", 7)), NO_SERVER),
    (call("xadd", "s", {"a": 1}, idmpauto="p"), NO_SERVER),
    (call("xcfgset", "s", idmp_duration=timedelta(minutes=5), idmp_maxsize=1000), NO_SERVER),
    (call("xdel", "s", "1-0", "9-0"), 1, STREAM),
    (call("xdel", "k", 1), 0),
    (call("xdelex", "s", "1-0", "9-0"), [1, -1], STREAM, "redis 8.2"),
    (call("xdelex", "s", 1, refs="KEEPREF"), [1], GROUP, "redis 8.2"),
    (call("xdelex", "s", "2-0", refs="DELREF"), [1], GROUP, "redis 8.2"),
    (call("xdelex", "s", "1-0", "2-0", refs="ACKED"), [1, 2], GROUP, "redis 8.2"),
    (call("xdelex", "k", "1-0"), [-1], "", "redis 8.2"),
    (call("xinfo_stream", "s"), is_a_summary, GROUP),
    (call("xinfo_stream", "s"), is_empty, f"{STREAM};XTRIM s MAXLEN 0"),
    (call("xinfo_stream", "s", full=True), is_full, GROUP),
    (call("xinfo_stream", "s", full=True, count=1), has_one_entry, STREAM),
    (call("xlen", "s"), 3, STREAM),
    (call("xlen", "k"), 0),
    (call("xrange", "s"), [FIRST, SECOND, THIRD], STREAM),
    (call("xrange", "s", "(1-0", end="2-0"), [SECOND], STREAM),
    (call("xrange", "s", count=1), [FIRST], STREAM),
    (call("xrange", "s", count=0), [], STREAM),
    (call("xrange", "k"), []),
    (call("xrange", "s"), [StreamEntry("1-0", {b"f": b"2"})], "XADD s 1-0 f 1 f 2"),
    (call("xread", {"s": "1-0", "t": 0}), {b"s": [SECOND, THIRD]}, STREAM),
    (call("xread", {"s": 0, "t": "0"}, count=1), {b"s": [FIRST], b"t": [FIRST]}, f"{STREAM};XADD t 1-0 a 1"),
    (call("xread", {"s": "+"}), {b"s": [THIRD]}, STREAM, NOT_7_0),
    (call("xread", {"s": "3-0"}), {}, STREAM),
    (call("xread", {"s": 0}, maxcount=10, maxsize=4096), NO_SERVER),
    (call("xread", {"s": 1}, block=timedelta(seconds=1)), {b"s": [SECOND, THIRD]}, STREAM),
    (call("xread", {"s": "$"}, block=10), {}, STREAM),
    (call("xrevrange", "s"), [THIRD, SECOND, FIRST], STREAM),
    (call("xrevrange", "s", "(3-0", "-", count=1), [SECOND], STREAM),
    (call("xrevrange", "k"), []),
    (call("xsetid", "s", "9-0"), True, STREAM),
    (call("xsetid", "s", 9, entriesadded=5, maxdeletedid="4-0"), True, STREAM),
    (call("xtrim", "s", maxlen=1), 2, STREAM),
    (call("xtrim", "s", minid="2-0"), 1, STREAM),
    (call("xtrim", "s", minid=3, approx=True, limit=0), 0, STREAM),
    (call("xtrim", "s", maxlen=3), 0, STREAM),
    (call("xtrim", "s", maxlen=0, refs="KEEPREF"), 3, GROUP, "redis 8.2"),
    (call("xtrim", "s", maxlen=0, refs="DELREF"), 3, GROUP, "redis 8.2"),
    (call("xtrim", "s", maxlen=0, refs="ACKED"), 1, GROUP, "redis 8.2"),
    (call("xtrim", "k", maxlen=0), 0),
]
REFUSED: list[Refused] = [
    (call("xadd", "s", {}), "XADD needs at least one field"),
    (call("xadd", "s", {"a": 1}, maxlen=1, minid=1), "maxlen and minid exclude each other"),
    (call("xadd", "s", {"a": 1}, idmp=("p", 1), idmpauto="p"), "idmp and idmpauto exclude each other"),
    (call("xadd", "s", {"a": 1}, maxlen=-1), "maxlen must be 0 or more, not -1"),
    (call("xcfgset", "s"), "XCFGSET needs at least one option"),
    (call("xcfgset", "s", idmp_duration=0), "idmp_duration must be 1 or more, not 0"),
    (call("xcfgset", "s", idmp_maxsize=0), "idmp_maxsize must be 1 or more, not 0"),
    (call("xdel", "s"), "XDEL needs at least one id"),
    (call("xdelex", "s", refs="ACKED"), "XDELEX needs at least one id"),
    (call("xinfo_stream", "s", full=True, count=-1), "count must be 0 or more, not -1"),
    (call("xrange", "s", count=-1), "count must be 0 or more, not -1"),
    (call("xrevrange", "s", count=-1), "count must be 0 or more, not -1"),
    (call("xread", {}), "XREAD needs at least one stream"),
    (call("xread", {"s": 0}, count=0), "count must be 1 or more, not 0"),
    (call("xread", {"s": 0}, maxcount=0), "maxcount must be 1 or more, not 0"),
    (call("xread", {"s": 0}, maxsize=0), "maxsize must be 1 or more, not 0"),
    (call("xread", {"s": 0}, block=-1), "block must be 0 or more, not -1"),
    (call("xsetid", "s", "1-0", entriesadded=-1), "entriesadded must be 0 or more, not -1"),
    (call("xtrim", "s"), "XTRIM needs maxlen or minid"),
    (call("xtrim", "s", maxlen=1, minid=1), "maxlen and minid exclude each other"),
    (call("xtrim", "s", maxlen=1, approx=True, limit=-1), "limit must be 0 or more, not -1"),
]
MISTYPED: list[Refused] = [
    (call("xadd", "s", [("a", 1)]), "XADD takes a mapping of fields to values, not list"),
    (call("xadd", "s", {"a": 1}, approx=True), "approx of XADD needs maxlen or minid"),
    (call("xadd", "s", {"a": 1}, limit=10), "limit of XADD needs maxlen or minid"),
    (call("xadd", "s", {"a": 1}, maxlen=2, limit=10), "limit of XADD needs approx=True"),
    (call("xadd", "s", {"a": 1}, idmp="p"), "idmp must be a tuple of a producer and a name, not str"),
    (call("xinfo_stream", "s", count=1), "count needs full=True"),
    (call("xread", ["s"]), "XREAD takes a mapping of streams to ids, not list"),
    (call("xread", {"s": 0}, block=0.5), "block must be a whole number of milliseconds or a timedelta, not 0.5"),
    (call("xtrim", "s", limit=1), "limit of XTRIM needs maxlen or minid"),
    (call("xtrim", "s", maxlen=1, limit=1), "limit of XTRIM needs approx=True"),
]
