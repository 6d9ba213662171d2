"""Examples of commands on HyperLogLogs."""

from __future__ import annotations

from examples import Refused, Row, call

TWO = "PFADD p a b c;PFADD q c d"
EXAMPLES: list[Row] = [
    (call("pfadd", "p", "a", b"b", 3), True),
    (call("pfadd", "p", "a"), False, "PFADD p a"),
    (call("pfadd", "p"), True),
    (call("pfadd", "p"), False, "PFADD p a"),
    (call("pfcount", "p"), 3, TWO),
    (call("pfcount", "p", "q", "k"), 4, TWO),
    (call("pfcount", "k"), 0),
    (call("pfmerge", "k", "p", "q"), True, TWO),
    (call("pfmerge", "k", "x"), True),
]
REFUSED: list[Refused] = [
    (call("pfcount"), "PFCOUNT needs at least one key"),
    (call("pfmerge", "p"), "PFMERGE needs at least one source"),
]
MISTYPED: list[Refused] = []
