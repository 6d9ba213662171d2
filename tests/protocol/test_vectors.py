"""Bytes and the replies in them, in RESP2 and RESP3: fed whole, byte by byte, and cut in two at every place.

At the level of the wire an error reply is a ServerError value, an attribute is dropped, a push goes to ``on_push``, and
bytes that are not RESP end the connection.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from protocol.replies import Refused
from respool._protocol.wire import Wire
from respool.errors import ProtocolError, ServerError

BIG = b"x" * 5000
LONG = b"%d" % 3**300


class Push:
    """A push, in a table of expected values."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)

    def __repr__(self) -> str:
        return f"Push{self.parts}"


#: Bytes, and the replies and pushes in them. The last one must not be complete one byte earlier.
WHOLE: list[tuple[bytes, list[Any]]] = [
    # RESP2
    (b"+PONG\r\n", [b"PONG"]),
    (b"+\r\n", [b""]),
    (b"+with spaces, and: $5\r\n", [b"with spaces, and: $5"]),
    (b"+\xff\x00\xfe\r\n", [b"\xff\x00\xfe"]),
    (b"-ERR unknown\r\n", [Refused("ERR unknown")]),
    (b"-\r\n", [Refused("")]),
    (b"-CODE\r\n", [Refused("CODE")]),
    (b"-MOVED 3999 127.0.0.1:6381\r\n", [Refused("MOVED 3999 127.0.0.1:6381")]),
    (b"-ERR \xff\r\n", [Refused("ERR \ufffd")]),
    (b":0\r\n", [0]),
    (b":1000\r\n", [1000]),
    (b":-42\r\n", [-42]),
    (b":9223372036854775807\r\n", [2**63 - 1]),
    (b":-9223372036854775808\r\n", [-(2**63)]),
    (b"$3\r\nfoo\r\n", [b"foo"]),
    (b"$0\r\n\r\n", [b""]),
    (b"$-1\r\n", [None]),
    (b"$2\r\n\r\n\r\n", [b"\r\n"]),
    (b"$6\r\n$3\r\nab\r\n", [b"$3\r\nab"]),
    (b"$7\r\n+OK\r\n:1\r\n", [b"+OK\r\n:1"]),
    (b"$5000\r\n" + BIG + b"\r\n", [BIG]),
    (b"*0\r\n", [[]]),
    (b"*-1\r\n", [None]),
    (b"*1\r\n$1\r\na\r\n", [[b"a"]]),
    (b"*3\r\n:1\r\n$1\r\nb\r\n+c\r\n", [[1, b"b", b"c"]]),
    (b"*2\r\n$-1\r\n*-1\r\n", [[None, None]]),
    (b"*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n*0\r\n", [[[1, 2], [[]]]]),
    (b"*2\r\n-ERR inner\r\n:1\r\n", [[Refused("ERR inner"), 1]]),
    (b"*1\r\n" * 8 + b":1\r\n", [[[[[[[[[1]]]]]]]]]),
    (b"*12\r\n" + b":7\r\n" * 12, [[7] * 12]),
    (b":1\r\n:2\r\n:3\r\n", [1, 2, 3]),
    (b"$-1\r\n+OK\r\n", [None, b"OK"]),
    (b"-ERR a\r\n+OK\r\n-ERR b\r\n", [Refused("ERR a"), b"OK", Refused("ERR b")]),
    # RESP3
    (b"_\r\n", [None]),
    (b"#t\r\n", [True]),
    (b"#f\r\n", [False]),
    (b",1.5\r\n", [1.5]),
    (b",-0.25\r\n", [-0.25]),
    (b",10\r\n", [10.0]),
    (b",1e3\r\n", [1000.0]),
    (b",inf\r\n", [math.inf]),
    (b",-inf\r\n", [-math.inf]),
    (b",nan\r\n", [math.nan]),
    (b",5e-324\r\n", [5e-324]),
    (b",1.7976931348623157e308\r\n", [1.7976931348623157e308]),
    (b"(" + LONG + b"\r\n", [LONG]),
    (b"(-12345678901234567890\r\n", [b"-12345678901234567890"]),
    (b"=7\r\ntxt:abc\r\n", [b"abc"]),
    (b"=8\r\nmkd:# hi\r\n", [b"# hi"]),
    (b"=4\r\ntxt:\r\n", [b""]),
    (b"%0\r\n", [{}]),
    (b"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", [{b"a": 1, b"b": 2}]),
    (b"%1\r\n:1\r\n%1\r\n:2\r\n:3\r\n", [{1: {2: 3}}]),
    (b"%2\r\n_\r\n#t\r\n,0.5\r\n*1\r\n:1\r\n", [{None: True, 0.5: [1]}]),
    (b"%1\r\n$3\r\nerr\r\n-ERR in a map\r\n", [{b"err": Refused("ERR in a map")}]),
    (b"~0\r\n", [[]]),
    (b"~3\r\n+a\r\n:1\r\n#f\r\n", [[b"a", 1, False]]),
    (b"~1\r\n%1\r\n+k\r\n+v\r\n", [[{b"k": b"v"}]]),
    (b"*3\r\n_\r\n#t\r\n,2.5\r\n", [[None, True, 2.5]]),
    (b">1\r\n+tick\r\n", [Push(b"tick")]),
    (b">0\r\n", [Push()]),
    (b">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$2\r\nhi\r\n", [Push(b"message", b"ch", b"hi")]),
    (b">2\r\n+invalidate\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", [Push(b"invalidate", [b"a", b"b"])]),
    (b">2\r\n+invalidate\r\n_\r\n", [Push(b"invalidate", None)]),
    (b":1\r\n>1\r\n+p\r\n:2\r\n", [1, Push(b"p"), 2]),
    (b">1\r\n+p\r\n>1\r\n+q\r\n+OK\r\n", [Push(b"p"), Push(b"q"), b"OK"]),
    # Attributes and blob errors
    (b"|1\r\n+ttl\r\n:3600\r\n$1\r\nv\r\n", [b"v"]),
    (b"|0\r\n:1\r\n", [1]),
    (b"|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n+OK\r\n", [b"OK"]),
    (b"|2\r\n+a\r\n:1\r\n+b\r\n:2\r\n|0\r\n:5\r\n:6\r\n", [5, 6]),
    (b"|1\r\n+pop\r\n%2\r\n+a\r\n,0.1\r\n+b\r\n,0.2\r\n*2\r\n:1\r\n:2\r\n", [[1, 2]]),
    (b"*2\r\n|1\r\n+ttl\r\n:1\r\n:1\r\n:2\r\n", [[1, 2]]),
    (b"*2\r\n:1\r\n|1\r\n+ttl\r\n:1\r\n:2\r\n", [[1, 2]]),
    (b"%1\r\n|1\r\n+x\r\n:1\r\n+k\r\n|1\r\n+y\r\n:2\r\n+v\r\n", [{b"k": b"v"}]),
    (b"|1\r\n$2\r\n\r\n\r\n$1\r\n|\r\n:5\r\n", [5]),
    (b":1\r\n|1\r\n+a\r\n_\r\n:2\r\n:3\r\n", [1, 2, 3]),
    (b"|1\r\n+a\r\n:1\r\n>1\r\n+p\r\n:2\r\n", [Push(b"p"), 2]),
    (b"|1\r\n+a\r\n!3\r\nERR\r\n:2\r\n", [2]),
    (b"!9\r\nERR oh no\r\n", [Refused("ERR oh no")]),
    (b"!0\r\n\r\n", [Refused("")]),
    (b"!9\r\nERR a\r\nb\n\r\n", [Refused("ERR a  b")]),
    (b"!6\r\nERR !|\r\n:1\r\n", [Refused("ERR !|"), 1]),
    (b"*2\r\n!5\r\nERR x\r\n!5\r\nERR y\r\n", [[Refused("ERR x"), Refused("ERR y")]]),
    # Texts in which rare frames seem to begin
    (b"$1\r\n|\r\n", [b"|"]),
    (b"$3\r\n!\r\n\r\n", [b"!\r\n"]),
    (b"$11\r\na\r\n|1\r\n+k\r\n\r\n", [b"a\r\n|1\r\n+k\r\n"]),
    (b"$4\r\n\r\n!3\r\n:1\r\n", [b"\r\n!3", 1]),
    (b"=9\r\nmkd:\n|a|\n\r\n", [b"\n|a|\n"]),
    (b"$8\r\n|1\r\n+a\r\n\r\n|1\r\n+a\r\n:1\r\n:2\r\n", [b"|1\r\n+a\r\n", 2]),
    (b">1\r\n$4\r\n\n|\n!\r\n:1\r\n", [Push(b"\n|\n!"), 1]),
]

#: None of these is a complete reply.
PART: list[bytes] = [
    b"",
    b"+",
    b"+OK",
    b"+OK\r",
    b":12",
    b":12\r",
    b"$",
    b"$3",
    b"$3\r\n",
    b"$3\r\nfo",
    b"$3\r\nfoo",
    b"$3\r\nfoo\r",
    b"*",
    b"*2\r\n",
    b"*2\r\n:1\r\n",
    b"*2\r\n:1\r\n$1\r\na\r",
    b"*1\r\n*1\r\n",
    b"%1\r\n",
    b"%1\r\n+k\r\n",
    b"~2\r\n:1\r\n",
    b">2\r\n+message\r\n",
    b"=7\r\ntxt:a",
    b"_",
    b"#t\r",
    b",1.",
    b"(123",
    b"|",
    b"|1\r\n",
    b"|1\r\n+a\r\n",
    b"|1\r\n+a\r\n:1\r\n",
    b"|1\r\n+a\r\n:1\r\n$3\r\nab",
    b"!5\r\nERR",
    b"!5\r\nERR x\r",
    b"*2\r\n|1\r\n+a\r\n:1\r\n:1\r\n",
]

#: These are not RESP, wherever they are cut.
BROKEN: list[bytes] = [
    b"x",
    b"GET / HTTP/1.1\r\n",
    b"\r\n",
    b"@3\r\n",
    b":\r\n",
    b":1x\r\n",
    b":1.5\r\n",
    b":9223372036854775808\r\n",
    b"$abc\r\n",
    b"$-2\r\n",
    b"$?\r\n",
    b"*x\r\n",
    b"*-2\r\n",
    b"*?\r\n",
    b"*9223372036854775807\r\n",
    b"%x\r\n",
    b"%4611686018427387904\r\n",
    b"~x\r\n",
    b">x\r\n",
    b"_nil\r\n",
    b"#\r\n",
    b"#true\r\n",
    b",\r\n",
    b",1.2.3\r\n",
    b",abc\r\n",
    b"=3\r\nabc\r\n",
    b"=5\r\ntxtab\r\n",
    b"*2\r\n:1\r\n@\r\n",
    b"*1\r\n*1\r\n$x\r\n",
    b"|x\r\n",
    b"|?\r\n",
    b"|1\r\n@a\r\n:1\r\n",
    b"!x\r\n",
    b"!3\r\nabcd\r\n",
    b"*1\r\n!-\r\n",
    b"%1\r\n*0\r\n:1\r\n",
    b"%1\r\n%0\r\n:1\r\n",
    b"%1\r\n~0\r\n:1\r\n",
]


class Replies:
    """A wire with more pending replies than any vector holds, and the replies and pushes it received."""

    def __init__(self) -> None:
        self.came: list[Any] = []
        self.wire = Wire(on_push=lambda push: self.came.append(Push(*push)))
        for _ in range(20):
            self.wire.submit(b"?", self)
        self.wire.take()

    def set_result(self, value: Any) -> None:
        self.came.append(value)

    def done(self) -> bool:
        return False

    def feed(self, pieces: Iterable[bytes]) -> list[Any]:
        for piece in pieces:
            self.wire.feed(piece)
        return self.came


def ways(data: bytes) -> Iterator[list[bytes]]:
    """Yield all the ways to feed a vector; a big one is not cut everywhere."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    step = 1 if len(data) < 500 else 97
    for cut in range(0, len(data) + 1, step):
        yield [data[:cut], data[cut:]]


def is_same(came: Any, expected: Any) -> bool:
    if isinstance(expected, Push):
        return isinstance(came, Push) and is_same(came.parts, expected.parts)
    if isinstance(expected, float):
        return isinstance(came, float) and (came == expected or (math.isnan(came) and math.isnan(expected)))
    if isinstance(expected, list):
        return isinstance(came, list) and len(came) == len(expected) and all(map(is_same, came, expected))
    if isinstance(expected, dict):
        return (
            isinstance(came, dict)
            and is_same(list(came), list(expected))
            and is_same([*came.values()], [*expected.values()])
        )
    if isinstance(expected, Refused | BigNumber):
        return bool(expected == came)
    return type(came) is type(expected) and bool(came == expected)


def short(data: Any) -> str:
    return repr(data)[:40] if isinstance(data, bytes) else ""


@pytest.mark.parametrize(("data", "expected"), WHOLE, ids=short)
def test_a_vector_means_the_same_however_it_is_cut(data: bytes, expected: list[Any]) -> None:
    for pieces in ways(data):
        came = Replies().feed(pieces)
        assert is_same(came, expected), pieces


@pytest.mark.parametrize(("data", "expected"), WHOLE, ids=short)
def test_one_byte_less_is_one_reply_less(data: bytes, expected: list[Any]) -> None:
    came = Replies().feed([data[:-1]])
    assert is_same(came, expected[:-1])


@pytest.mark.parametrize("data", PART, ids=short)
def test_a_part_of_a_reply_is_no_reply(data: bytes) -> None:
    for pieces in ways(data):
        assert Replies().feed(pieces) == []


@pytest.mark.parametrize("data", BROKEN, ids=short)
def test_what_is_not_resp_ends_the_connection_however_it_is_cut(data: bytes) -> None:
    for pieces in ways(data):
        replies = Replies()
        with pytest.raises(ProtocolError):
            replies.feed(pieces)
        assert all(isinstance(value, ProtocolError) for value in replies.came)


def test_there_are_enough_vectors() -> None:
    assert len(WHOLE) + len(PART) + len(BROKEN) >= 80


# The shared collection ---------------------------------------------------------------------------------

SHARED = Path(__file__).parents[3] / "shared" / "data" / "resp_vectors.json"


class BigNumber:
    """Equal to the bytes that hold this number in digits."""

    def __init__(self, digits: str) -> None:
        self.number = int(digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and int(other) == self.number

    __hash__ = None  # type: ignore[assignment]


class OtherwiseError(Exception):
    """The wire deliberately treats this vector differently; the text says why."""


def meant(value: dict[str, Any]) -> Any:
    """Translate an expected value of the collection into the value that the wire returns."""
    kind, content = value["t"], value.get("v")
    if kind in ("bytes", "verbatim"):
        return content.encode("latin-1")
    if kind in ("int", "bool"):
        return content
    if kind == "null":
        return None
    if kind == "double":
        return float(content)
    if kind == "big":
        return BigNumber(content)  # returned as digits: hiredis does not convert it to an int
    if kind == "error":
        return Refused(content.encode("latin-1").decode("utf-8", "replace").rstrip())
    if kind in ("array", "set"):
        return [meant(part) for part in content]  # a set is returned as a list: its elements need not be hashable
    if kind == "push":
        return Push(*(meant(part) for part in content))
    if kind == "map":
        keys = [meant(key) for key, _ in content]
        if any(isinstance(key, dict | list) for key in keys):
            raise OtherwiseError("a key that Python cannot hash ends the connection")
        return dict(zip(keys, [meant(part) for _, part in content], strict=True))
    if kind == "attr":
        return meant(value["v"])  # attributes are dropped
    raise AssertionError(f"the collection has a new type: {kind}")


#: Where the wire differs from the collection, by the first bytes of the vector.
DIFFERENT = {
    b"$?": "streamed strings are refused: no server sends them, and the C parser does not know them",
    b"*?": "streamed arrays are refused",
    b"%?": "streamed maps are refused",
    b":+": "hiredis takes no plus sign before an integer, and no server sends one",
    b",+": "nor before a double",
    b"(+": "nor before a big number",
}

#: Errors of the collection that the wire raises one step later, or after other replies.
BESIDES = {
    b"$3\r\nfoonocrlf": "hiredis does not look at the two bytes behind a text: the error is the byte behind those",
}


def shared_vectors() -> list[Any]:
    if not SHARED.exists():
        return []
    return json.loads(SHARED.read_text("utf-8"))["vectors"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared collection of vectors is not beside this repository")
@pytest.mark.parametrize("vector", shared_vectors(), ids=lambda vector: f"{vector['id']}-{vector['kind']}")
def test_the_shared_collection_is_understood(vector: dict[str, Any]) -> None:
    data = vector["wire"].encode("latin-1")
    is_broken = vector["kind"] == "error" or data[:2] in DIFFERENT
    expected: list[Any] = []
    if vector["kind"] == "ok":
        try:
            expected = [meant(value) for value in vector["expect"]]
        except OtherwiseError:
            is_broken = True
    for pieces in ways(data):
        replies = Replies()
        if is_broken:
            with pytest.raises(ProtocolError):
                replies.feed(pieces)
            if data not in BESIDES:
                assert not any(value for value in replies.came if not isinstance(value, ProtocolError))
        else:
            assert is_same(replies.feed(pieces), expected), pieces


def test_a_server_error_equals_its_text_only() -> None:
    assert Refused("ERR x") == ServerError("ERR", "x")
    assert Refused("ERR x") != ServerError("ERR", "y")
