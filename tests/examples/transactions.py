"""Examples of commands of transactions that watch keys."""

from __future__ import annotations

from examples import Refused, Row, call

EXAMPLES: list[Row] = [
    (call("unwatch"), True),
    (call("unwatch"), True, "WATCH k"),
    (call("watch", "k"), True),
    (call("watch", "k", b"m"), True, "SET k v"),
]
REFUSED: list[Refused] = [
    (call("watch"), "WATCH needs at least one key"),
]
MISTYPED: list[Refused] = []
