"""Examples of commands on sets."""

from __future__ import annotations

from examples import Refused, Row, call

SET = "SADD s a b"
TWO_SETS = "SADD s a b c;SADD t b c d"
EXAMPLES: list[Row] = [
    (call("sadd", "s", "b", "c", 1), 2, SET),
    (call("scard", "s"), 2, SET),
    (call("scard", "k"), 0),
    (call("sdiff", "s", "t"), {b"a"}, TWO_SETS),
    (call("sdiff", "k"), set()),
    (call("sdiffstore", "k", "s", "t"), 1, TWO_SETS),
    (call("sinter", "s", "t"), {b"b", b"c"}, TWO_SETS),
    (call("sinter", "s", "k"), set(), TWO_SETS),
    (call("sintercard", "s", "t"), 2, TWO_SETS),
    (call("sintercard", "s", "t", limit=1), 1, TWO_SETS),
    (call("sintercard", "s", limit=0), 3, TWO_SETS),
    (call("sinterstore", "k", "s", "t"), 2, TWO_SETS),
    (call("sismember", "s", "a"), True, SET),
    (call("sismember", "k", "a"), False),
    (call("smembers", "s"), {b"a", b"b"}, SET),
    (call("smembers", "k"), set()),
    (call("smismember", "s", "a", "x"), [True, False], SET),
    (call("smismember", "k", "a"), [False]),
    (call("smove", "s", "k", "a"), True, SET),
    (call("smove", "s", "k", "x"), False, SET),
    (call("spop", "s"), b"a", "SADD s a"),
    (call("spop", "k"), None),
    (call("spop", "s", 5), {b"a", b"b"}, SET),
    (call("spop", "s", 0), set(), SET),
    (call("spop", "k", 2), set()),
    (call("srandmember", "s"), b"a", "SADD s a"),
    (call("srandmember", "k"), None),
    (call("srandmember", "s", 2), [b"a"], "SADD s a"),
    (call("srandmember", "s", -3), [b"a", b"a", b"a"], "SADD s a"),
    (call("srandmember", "k", 2), []),
    (call("srem", "s", "a", "x"), 1, SET),
    (call("sscan", "s"), (0, [b"a"]), "SADD s a"),
    (call("sscan", "s", 0, match="a*", count=10), (0, [b"a"]), SET),
    (call("sscan", "k"), (0, [])),
    (call("sunion", "s", "t"), {b"a", b"b", b"c", b"d"}, TWO_SETS),
    (call("sunion", "k"), set()),
    (call("sunionstore", "k", "s", "t"), 4, TWO_SETS),
]
REFUSED: list[Refused] = [
    (call("sadd", "s"), "SADD needs at least one member"),
    (call("srem", "s"), "SREM needs at least one member"),
    (call("smismember", "s"), "SMISMEMBER needs at least one member"),
    (call("sdiff"), "SDIFF needs at least one key"),
    (call("sinter"), "SINTER needs at least one key"),
    (call("sunion"), "SUNION needs at least one key"),
    (call("sdiffstore", "k"), "SDIFFSTORE needs at least one key"),
    (call("sinterstore", "k"), "SINTERSTORE needs at least one key"),
    (call("sunionstore", "k"), "SUNIONSTORE needs at least one key"),
    (call("sintercard"), "SINTERCARD needs at least one key"),
    (call("sintercard", "s", limit=-1), "limit must be 0 or more, not -1"),
    (call("spop", "s", -1), "count must be 0 or more, not -1"),
    (call("sscan", "s", count=0), "count must be 1 or more, not 0"),
]
MISTYPED: list[Refused] = [
    (call("spop", "s", 1.0), "count must be a whole number, not 1.0"),
    (call("srandmember", "s", "2"), "count must be a whole number, not '2'"),
    (call("srandmember", "s", True), "count must be a whole number, not True"),
    (call("sintercard", "s", limit=1.5), "limit must be a whole number, not 1.5"),
]
