"""Examples of commands on vector sets."""

from __future__ import annotations

from typing import Any

from examples import Blob, Refused, Row, call
from respool._facts.server_records import RawVector, VectorMatch
from respool.types import RawJson

VECTORS = 'VADD v VALUES 2 1 0 a NOQUANT SETATTR {"y":1};VADD v VALUES 2 -1 0 b NOQUANT'
HALVES = "VADD v VALUES 4 1 1 1 1 a"
HALF = b"\0\0\0?"  # 0.5 in 32 bits
RAW = RawVector("f32", Blob(HALF * 4), 2.0, None)


def is_about_vectors(value: Any) -> bool:
    return bool(value["quant-type"] == "f32" and value["vector-dim"] == 2 and value["size"] == 2)


def layers(lowest: list[Any]) -> Any:
    """How many layers are above the lowest one is up to chance."""
    return lambda value: value[-1] in (lowest, [tuple(map(as_str, each)) for each in lowest], [*map(as_str, lowest)])


def as_str(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


EXAMPLES: list[Row] = [
    (call("vadd", "v", [1.0, 0.5], "a"), True),
    (call("vadd", "v", HALF * 2, "a"), True),
    (call("vadd", "v", (3, 4), "a", quantization="NOQUANT", setattr={"y": [2]}), False, VECTORS),
    (call("vadd", "v", [1, 1, 1, 1], "a", reduce=2, cas=True, quantization="Q8", ef=100, m=8), True),
    (call("vadd", "v", [1, 1], "a", quantization="BIN", setattr=RawJson('{"y": 1}')), True),
    (call("vcard", "v"), 2, VECTORS),
    (call("vcard", "k"), 0),
    (call("vdim", "v"), 2, VECTORS),
    (call("vemb", "v", "b"), [-1.0, 0.0], VECTORS),
    (call("vemb", "v", "x"), None, VECTORS),
    (call("vemb", "v", "a", raw=True), RAW, f"{HALVES} NOQUANT"),
    (call("vemb", "v", "a", raw=True), RawVector("int8", Blob(b"\x7f\x7f\x7f\x7f"), 2.0, 0.5), HALVES),
    (call("vemb", "v", "x", raw=True), None),
    (call("vgetattr", "v", "a"), {"y": 1}, VECTORS),
    (call("vgetattr", "v", "b"), None, VECTORS),
    (call("vgetattr", "v", "x"), None),
    (call("vinfo", "v"), is_about_vectors, VECTORS),
    (call("vinfo", "k"), None),
    (call("vismember", "v", "a"), True, VECTORS),
    (call("vismember", "v", "x"), False),
    (call("vlinks", "v", "a"), layers([b"b"]), VECTORS),
    (call("vlinks", "v", "x"), []),
    (call("vlinks", "v", "a", withscores=True), layers([(b"b", 0.0)]), VECTORS),
    (call("vlinks", "v", "x", withscores=True), []),
    (call("vrandmember", "v"), b"a", HALVES),
    (call("vrandmember", "k"), None),
    (call("vrandmember", "v", 2), [b"a"], HALVES),
    (call("vrandmember", "v", -2), [b"a", b"a"], HALVES),
    (call("vrandmember", "k", 2), []),
    (call("vrem", "v", "a"), True, VECTORS),
    (call("vrem", "v", "x"), False),
    (call("vsetattr", "v", "a", {"y": 2, "name": "é"}), True, VECTORS),
    (call("vsetattr", "v", "a", None), True, VECTORS),
    (call("vsetattr", "v", "x", {}), False),
    (call("vsim", "v", [1, 0]), [b"a", b"b"], VECTORS),
    (call("vsim", "v", HALF * 2, count=1), [b"a"], VECTORS),
    (call("vsim", "v", element="b"), [b"b", b"a"], VECTORS),
    (call("vsim", "k", element="b"), []),
    (call("vsim", "v", element="a", withscores=True), [(b"a", 1.0), (b"b", 0.0)], VECTORS),
    (call("vsim", "k", element="a", withscores=True), []),
    (call("vsim", "v", element="a", withscores=True, epsilon=0.25), [(b"a", 1.0)], VECTORS),
    (
        call("vsim", "v", element="a", withattribs=True),
        [VectorMatch(b"a", None, {"y": 1}), VectorMatch(b"b", None, None)],
        VECTORS,
    ),
    (
        call("vsim", "v", element="a", withscores=True, withattribs=True),
        [VectorMatch(b"a", 1.0, {"y": 1}), VectorMatch(b"b", 0.0, None)],
        VECTORS,
    ),
    (call("vsim", "k", element="a", withscores=True, withattribs=True), []),
    (call("vsim", "v", [1, 0], ef=50, filter=".y == 1", filter_ef=100), [b"a"], VECTORS),
    (call("vsim", "v", [1, 0], truth=True, nothread=True), [b"a", b"b"], VECTORS),
]
REFUSED: list[Refused] = [
    (call("vadd", "v", [], "a"), "a vector needs at least one number"),
    (call("vadd", "v", [1, float("nan")], "a"), "a vector has finite numbers only, no NaN and no infinity"),
    (call("vadd", "v", [10**400], "a"), "a vector has finite numbers only"),
    (call("vadd", "v", [1], "a", reduce=0), "reduce must be 1 or more, not 0"),
    (call("vadd", "v", [1], "a", ef=0), "ef must be 1 or more, not 0"),
    (call("vadd", "v", [1], "a", m=0), "m must be 1 or more, not 0"),
    (call("vadd", "v", [1], "a", setattr={"x": float("inf")}), "not a JSON value: "),
    (call("vsim", "v", []), "a vector needs at least one number"),
    (call("vsim", "v", [float("-inf")]), "a vector has finite numbers only"),
    (call("vsim", "v", [1], count=0), "count must be 1 or more, not 0"),
    (call("vsim", "v", [1], ef=0), "ef must be 1 or more, not 0"),
    (call("vsim", "v", [1], filter_ef=-1), "filter_ef must be 0 or more, not -1"),
]
MISTYPED: list[Refused] = [
    (call("vadd", "v", "12", "a"), "a vector is a sequence of floats, or the bytes of 32-bit floats, not str"),
    (call("vadd", "v", ["1", "2"], "a"), "a vector is a sequence of floats, or the bytes of 32-bit floats"),
    (call("vsetattr", "v", "a", {"x": {1}}), "Object of type set is not JSON serializable"),
    (call("vsim", "v"), "VSIM takes either a vector or element="),
    (call("vsim", "v", [1], element="a"), "VSIM takes either a vector or element="),
    (call("vrandmember", "v", "2"), "count must be a whole number, not '2'"),
]
