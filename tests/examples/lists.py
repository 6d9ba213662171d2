"""Examples of commands on lists."""

from __future__ import annotations

from datetime import timedelta

from examples import NO_SERVER, Refused, Row, call

LIST = "RPUSH l a b c a"
EXAMPLES: list[Row] = [
    (call("blmove", "l", "m", "LEFT", "RIGHT", timeout=0.01), b"a", LIST),
    (call("blmovem", "l", "m", "LEFT", "RIGHT", timeout=0.5), NO_SERVER),
    (call("blmovem", "l", "m", "LEFT", "LEFT", exactly=2, order="OBO", timeout=timedelta(seconds=1)), NO_SERVER),
    (call("blmpop", "k", "l", side="RIGHT", count=2, timeout=1), (b"l", [b"a", b"c"]), LIST),
    (call("blmpop", "k", timeout=timedelta(milliseconds=10)), None),
    (call("blpop", "k", "l"), (b"l", b"a"), LIST),
    (call("blpop", "k", timeout=0.01), None),
    (call("brpop", "l", timeout=1), (b"l", b"a"), LIST),
    (call("brpoplpush", "l", "m", timeout=0.01), b"a", LIST),
    (call("lindex", "l", -2), b"c", LIST),
    (call("linsert", "l", "AFTER", "b", "x"), 5, LIST),
    (call("linsert", "l", "BEFORE", "x", "y"), -1, LIST),
    (call("llen", "l"), 4, LIST),
    (call("lmove", "l", "m", "RIGHT", "LEFT"), b"a", LIST),
    (call("lmpop", "k", "l", count=3), (b"l", [b"a", b"b", b"c"]), LIST),
    (call("lmovem", "l", "m", "RIGHT", "LEFT"), NO_SERVER),
    (call("lmovem", "l", "m", "LEFT", "RIGHT", count=2, order="BULK"), NO_SERVER),
    (call("lmovem", "l", "m", "LEFT", "RIGHT", exactly=2, order="OBO"), NO_SERVER),
    (call("lmpop", "l", side="RIGHT"), (b"l", [b"a"]), LIST),
    (call("lmpop", "k"), None),
    (call("lpop", "l"), b"a", LIST),
    (call("lpop", "l", 2), [b"a", b"b"], LIST),
    (call("lpop", "k", 2), []),
    (call("lpos", "l", "a"), 0, LIST),
    (call("lpos", "l", "a", rank=-1, count=0, maxlen=3), [3], LIST),
    (call("lpush", "l", "x", 1), 6, LIST),
    (call("lpushx", "k", "x"), 0),
    (call("lrange", "l", 1, -1), [b"b", b"c", b"a"], LIST),
    (call("lrem", "l", 0, "a"), 2, LIST),
    (call("lset", "l", 0, "x"), True, LIST),
    (call("ltrim", "l", 0, 1), True, LIST),
    (call("rpop", "l"), b"a", LIST),
    (call("rpop", "l", 2), [b"a", b"c"], LIST),
    (call("rpoplpush", "k", "m"), None),
    (call("rpush", "l", "x"), 5, LIST),
    (call("rpushx", "l", "x", "y"), 6, LIST),
]
REFUSED: list[Refused] = [
    (call("blpop"), "BLPOP needs at least one key"),
    (call("brpop"), "BRPOP needs at least one key"),
    (call("blpop", "l", timeout=-1), "timeout must be 0 .wait for ever. or more seconds, not -1"),
    (call("blmove", "l", "m", "LEFT", "LEFT", timeout=float("inf")), "or more seconds, not inf"),
    (call("blpop", "l", timeout=10**5000), "or more seconds that a clock can count"),
    (call("lmovem", "l", "m", "LEFT", "LEFT", count=1, exactly=1, order="OBO"), "count and exactly exclude each other"),
    (call("lmovem", "l", "m", "LEFT", "LEFT", count=0, order="OBO"), "count must be 1 or more, not 0"),
    (call("lmovem", "l", "m", "LEFT", "LEFT", exactly=0, order="OBO"), "exactly must be 1 or more, not 0"),
    (call("lmovem", "l", "m", "LEFT", "LEFT", count=2), "count and exactly need order"),
    (call("lmovem", "l", "m", "LEFT", "LEFT", order="BULK"), "order needs one of them"),
    (call("blmovem", "l", "m", "LEFT", "LEFT", exactly=2), "count and exactly need order"),
    (call("blmovem", "l", "m", "LEFT", "LEFT", timeout=-1), "timeout must be 0 .wait for ever. or more seconds, not -1"),
    (call("lmpop"), "LMPOP needs at least one key"),
    (call("blmpop", "l", count=0), "count must be 1 or more, not 0"),
    (call("lpop", "l", -1), "count must be 0 or more, not -1"),
    (call("rpop", "l", -1), "count must be 0 or more, not -1"),
    (call("lpos", "l", "a", count=-1), "count must be 0 or more, not -1"),
    (call("lpos", "l", "a", maxlen=-1), "maxlen must be 0 or more, not -1"),
    (call("lpush", "l"), "LPUSH needs at least one element"),
    (call("lpushx", "l"), "LPUSHX needs at least one element"),
    (call("rpush", "l"), "RPUSH needs at least one element"),
    (call("rpushx", "l"), "RPUSHX needs at least one element"),
]
MISTYPED: list[Refused] = [
    (call("lpop", "l", 1.0), "count must be a whole number, not 1.0"),
    (call("blpop", "l", 5), "BLPOP takes its timeout by name, as in blpop.key, timeout=5.; a key that is a number is given as text here, '5'"),
    (call("brpop", b"l", 2, 0.5), "BRPOP takes its timeout by name, as in brpop.key, timeout=0.5."),
    (call("blpop", "l", timeout="1"), "timeout must be a number of seconds or a timedelta, not '1'"),
    (call("blpop", "l", timeout=True), "timeout must be a number of seconds or a timedelta, not True"),
]
