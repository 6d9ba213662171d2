"""Examples of commands on bitmaps."""

from __future__ import annotations

from examples import Refused, Row, call

TEXT = "SET b foobar"  # 26 bits are 1
TWO = "SETBIT b 0 1;SETBIT b 1 1;SETBIT c 1 1;SETBIT c 2 1"
EXAMPLES: list[Row] = [
    (call("bitcount", "b"), 26, TEXT),
    (call("bitcount", "k"), 0),
    (call("bitcount", "b", -1), 4, TEXT, "valkey"),
    (call("bitcount", "b", 1, 1), 6, TEXT),
    (call("bitcount", "b", 0, -1, unit="BYTE"), 26, TEXT),
    (call("bitcount", "b", 5, 30, unit="BIT"), 17, TEXT),
    (call("bitfield", "b", ("GET", "u8", 0), ("GET", "i4", "#1")), [102, 6], TEXT),
    (call("bitfield", "k", ("SET", "i5", "#1", 3), ("INCRBY", "u2", 100, 1)), [0, 1]),
    (call("bitfield", "k", ("SET", "u2", 0, 3), ("INCRBY", "u2", 0, 1)), [0, 0]),
    (call("bitfield", "k", ("SET", "u2", 0, 3), ("INCRBY", "u2", 0, 1), overflow="SAT"), [0, 3]),
    (call("bitfield", "k", ("SET", "u2", 0, 3), ("INCRBY", "u2", 0, 1), overflow="FAIL"), [0, None]),
    (
        call("bitfield", "k", ("INCRBY", "u2", 0, 5), ("OVERFLOW", "WRAP"), ("INCRBY", "u2", 0, 5), overflow="SAT"),
        [3, 0],
    ),
    (call("bitfield_ro", "b", ("GET", "u8", 0), ("GET", "u8", "#1")), [102, 111], TEXT),
    (call("bitfield_ro", "k", ("GET", "i64", 0)), [0]),
    (call("bitop", "AND", "k", "b", "c"), 1, TWO),
    (call("bitop", "OR", "k", "b", "c"), 1, TWO),
    (call("bitop", "XOR", "k", "b", "c"), 1, TWO),
    (call("bitop", "NOT", "k", "b"), 1, TWO),
    (call("bitop", "DIFF", "k", "b", "c"), 1, TWO, "redis 8.2"),
    (call("bitop", "DIFF1", "k", "b", "c"), 1, TWO, "redis 8.2"),
    (call("bitop", "ANDOR", "k", "b", "c"), 1, TWO, "redis 8.2"),
    (call("bitop", "ONE", "k", "b", "c"), 1, TWO, "redis 8.2"),
    (call("bitop", "OR", "k", "x"), 0),
    (call("bitpos", "b", 1), 1, TEXT),
    (call("bitpos", "b", 0, 2), 16, TEXT),
    (call("bitpos", "k", 1), -1),
    (call("bitpos", "k", 0), 0),
    (call("bitpos", "b", 1, 1, 2), 9, TEXT),
    (call("bitpos", "b", 1, 0, -1, unit="BYTE"), 1, TEXT),
    (call("bitpos", "b", 0, 1, 2, unit="BIT"), -1, TEXT),
    (call("getbit", "b", 1), 1, TEXT),
    (call("getbit", "b", 1000), 0, TEXT),
    (call("setbit", "b", 1, 0), 1, TEXT),
    (call("setbit", "k", 7, 1), 0),
]
REFUSED: list[Refused] = [
    (call("bitfield", "b"), "BITFIELD needs at least one step"),
    (call("bitfield_ro", "b"), "BITFIELD_RO needs at least one step"),
    (call("bitop", "AND", "k"), "BITOP needs at least one key"),
]
MISTYPED: list[Refused] = [
    (call("bitcount", "b", None, 1), "end needs start: 0 is the first"),
    (call("bitcount", "b", 1, unit="BIT"), "unit needs start and end"),
    (call("bitpos", "b", 1, unit="BIT"), "unit needs start and end"),
    (call("bitfield", "b", "GET", "u8", 0), r'a step of BITFIELD is one of \("GET", type, offset\), .* not \'GET\''),
    (call("bitfield", "b", ("SET", "u8", 0)), r"\(\"SET\", type, offset, value\), .* not \('SET', 'u8', 0\)"),
    (call("bitfield_ro", "b", ("SET", "u8", 0, 1)), r'a step of BITFIELD_RO is one of \("GET", type, offset\), not'),
]
