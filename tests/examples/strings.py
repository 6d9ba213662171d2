"""Examples of commands on strings."""

from __future__ import annotations

from datetime import datetime, timedelta

from examples import FAR, FUTURE, Refused, Row, call

EXAMPLES: list[Row] = [
    (call("append", "k", "v"), 1),
    (call("decr", "k"), -1),
    (call("decrby", "k", 5), -5),
    (call("delifeq", "k", "v"), True, "SET k v"),
    (call("delifeq", "k", "w"), False, "SET k v"),
    (call("get", "k"), b"v", "SET k v"),
    (call("get", b"k"), None),
    (call("getdel", "k"), b"v", "SET k v"),
    (call("getex", "k"), b"v", "SET k v"),
    (call("getex", "k", ex=5), b"v", "SET k v"),
    (call("getex", "k", px=timedelta(seconds=5)), b"v", "SET k v"),
    (call("getex", "k", exat=FAR), b"v", "SET k v"),
    (call("getex", "k", pxat=FUTURE * 1000), b"v", "SET k v"),
    (call("getex", "k", persist=True), b"v", "SET k v EX 5"),
    (call("getrange", "k", 1, -2), b"bc", "SET k abcd"),
    (call("getset", "k", "w"), b"v", "SET k v"),
    (call("incr", "k"), 1),
    (call("incrby", "k", 5), 5),
    (call("incrbyfloat", "k", 0.25), 3.25, "SET k 3"),
    (call("lcs", "k", "m"), b"mytext", "MSET k ohmytext m mynewtext"),
    (call("lcs", "k", "m", length=True), 6, "MSET k ohmytext m mynewtext"),
    (
        call("lcs", "k", "m", idx=True, minmatchlen=4, withmatchlen=True),
        {"matches": [[[4, 7], [5, 8], 4]], "len": 6},
        "MSET k ohmytext m mynewtext",
    ),
    (call("mget", "k", "m"), [b"v", None], "SET k v"),
    (call("mset", {"k": "v", b"m": 1.5}), True),
    (call("msetex", {"k": "v", "m": "w"}, ex=5, nx=True), True),
    (call("msetex", {"k": "v", "m": "w"}, keepttl=True, xx=True), False),
    (call("msetex", {"k": "v"}, px=timedelta(seconds=5)), True),
    (call("msetex", {"k": "v"}, exat=FUTURE), True),
    (call("msetex", {"k": "v"}, pxat=FAR), True),
    (call("msetnx", {"k": "v", "m": "w"}), False, "SET k v"),
    (call("psetex", "k", 5, "v"), True),
    (call("set", "k", "v"), True),
    (call("set", "k", "v", nx=True), False, "SET k v"),
    (call("set", "k", "v", xx=True, px=5), False),
    (call("set", "k", "v", ifeq="w", exat=FUTURE), False, "SET k u", "valkey"),
    (call("set", "k", "v", ifeq="u", pxat=FAR), True, "SET k u", "valkey"),
    (call("set", "k", "v", keepttl=True), True),
    (call("set", "k", "v", ex=timedelta(milliseconds=1)), True),
    (call("set", "k", "v", get=True), b"u", "SET k u"),
    (call("set", "k", "v", get=True, nx=True), None),
    (call("setex", "k", timedelta(minutes=1), "v"), True),
    (call("setnx", "k", "v"), True),
    (call("setrange", "k", 2, "v"), 3),
    (call("strlen", "k"), 0),
]
REFUSED: list[Refused] = [
    (call("set", "k", "v", nx=True, xx=True), "nx and xx exclude each other"),
    (call("set", "k", "v", nx=True, ifeq="w"), "nx and ifeq exclude each other"),
    (call("set", "k", "v", ex=1, px=1), "ex and px exclude each other"),
    (call("set", "k", "v", exat=1, keepttl=True), "exat and keepttl exclude each other"),
    (call("set", "k", "v", ex=0), "ex must be 1 or more, not 0"),
    (call("set", "k", "v", px=timedelta(0)), "px must be 1 or more, not 0"),
    (call("set", "k", "v", exat=datetime(2030, 1, 1)), "exat needs a datetime with a timezone"),  # noqa: DTZ001
    (call("setex", "k", -1, "v"), "seconds must be 1 or more, not -1"),
    (call("psetex", "k", 0, "v"), "milliseconds must be 1 or more, not 0"),
    (call("getex", "k", pxat=1, persist=True), "pxat and persist exclude each other"),
    (call("msetex", {"k": "v"}, nx=True, xx=True), "nx and xx exclude each other"),
    (call("msetex", {}), "MSETEX needs at least one key"),
    (call("mset", {}), "MSET needs at least one key"),
    (call("msetnx", {}), "MSETNX needs at least one key"),
    (call("mget"), "MGET needs at least one key"),
    (call("lcs", "k", "m", length=True, idx=True), "length and idx exclude each other"),
    (call("lcs", "k", "m", minmatchlen=2), "minmatchlen and withmatchlen need idx"),
]
MISTYPED: list[Refused] = [
    (call("set", "k", "v", ex=1.5), "ex must be a whole number, not 1.5"),
    (call("set", "k", "v", px=True), "px must be a whole number, not True"),
    (call("mset", [("k", "v")]), "MSET takes a mapping of keys to values, not list"),
]
