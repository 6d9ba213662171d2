"""Commands and options of servers that no test can ask: the words of each call, and what its replies become.

The replies are those that the command reference of the server describes, in RESP2 and RESP3; a ``FakeNode`` sends them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from examples import Call, call, judge
from respool import Pool
from respool.testing import FakeNode

DIGEST = "b6acb9d84a38ff74"
ENDS = ("l", "m", "LEFT", "RIGHT")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (call("blmovem", *ENDS), "BLMOVEM l m LEFT RIGHT 0"),
        (call("blmovem", *ENDS, timeout=0.5), "BLMOVEM l m LEFT RIGHT 0.5"),
        (call("blmovem", *ENDS, timeout=2, exactly=3, order="OBO"), "BLMOVEM l m LEFT RIGHT 2 EXACTLY 3 OBO"),
        (call("delex", "k"), "DELEX k"),
        (call("delex", "k", ifeq="v"), "DELEX k IFEQ v"),
        (call("delex", "k", ifne=""), "DELEX k IFNE "),
        (call("delex", "k", ifdeq=DIGEST), f"DELEX k IFDEQ {DIGEST}"),
        (call("delex", "k", ifdne=DIGEST), f"DELEX k IFDNE {DIGEST}"),
        (call("digest", "k"), "DIGEST k"),
        (call("increx", "k"), "INCREX k"),
        (call("increx", "k", byint=0, lbound=0, ubound=0), "INCREX k BYINT 0 LBOUND 0 UBOUND 0"),
        (call("increx", "k", byfloat=0.5, ubound=1, saturate=True), "INCREX k BYFLOAT 0.5 UBOUND 1 SATURATE"),
        (call("increx", "k", ubound=100, ex=60, enx=True), "INCREX k UBOUND 100 EX 60 ENX"),
        (call("increx", "k", persist=True), "INCREX k PERSIST"),
        (call("lmovem", *ENDS), "LMOVEM l m LEFT RIGHT"),
        (call("lmovem", *ENDS, count=2, order="BULK"), "LMOVEM l m LEFT RIGHT COUNT 2 BULK"),
        (call("lmovem", *ENDS, exactly=2, order="OBO"), "LMOVEM l m LEFT RIGHT EXACTLY 2 OBO"),
        (call("sdiffcard", "s", "t"), "SDIFFCARD 2 s t"),
        (call("sdiffcard", "s", limit=0), "SDIFFCARD 1 s LIMIT 0"),
        (call("set", "k", "v", ifne=""), "SET k v IFNE "),
        (call("set", "k", "v", ifdeq=DIGEST, ex=60), f"SET k v IFDEQ {DIGEST} EX 60"),
        (call("set", "k", "v", ifdne=DIGEST, get=True), f"SET k v IFDNE {DIGEST} GET"),
        (call("sunioncard", "s", "t"), "SUNIONCARD 2 s t"),
        (call("sunioncard", "s", "t", approx=True, limit=9), "SUNIONCARD 2 s t APPROX LIMIT 9"),
        (call("xadd", "s", {"f": "v"}, idmp=("p", "n")), "XADD s IDMP p n * f v"),
        (
            call("xadd", "s", {"f": "v"}, idmpauto="p", nomkstream=True, refs="ACKED", maxlen=5),
            "XADD s NOMKSTREAM ACKED IDMPAUTO p MAXLEN 5 * f v",
        ),
        (call("xcfgset", "s", idmp_duration=timedelta(minutes=5)), "XCFGSET s IDMP-DURATION 300"),
        (
            call("xcfgset", "s", idmp_duration=60, idmp_maxsize=1000),
            "XCFGSET s IDMP-DURATION 60 IDMP-MAXSIZE 1000",
        ),
        (call("xnack", "s", "g", "SILENT", "1-0", "2-0"), "XNACK s g SILENT IDS 2 1-0 2-0"),
        (
            call("xnack", "s", "g", "FAIL", 1, retrycount=0, force=True),
            "XNACK s g FAIL IDS 1 1 RETRYCOUNT 0 FORCE",
        ),
        (
            call("xread", {"s": 0, "t": "$"}, count=1, maxcount=2, maxsize=3, block=4),
            "XREAD COUNT 1 MAXCOUNT 2 MAXSIZE 3 BLOCK 4 STREAMS s t 0 $",
        ),
        (
            call("xreadgroup", "g", "c", {"s": ">"}, count=1, maxcount=2, maxsize=3, block=4, claim=5, noack=True),
            "XREADGROUP GROUP g c COUNT 1 MAXCOUNT 2 MAXSIZE 3 BLOCK 4 CLAIM 5 NOACK STREAMS s >",
        ),
    ],
    ids=str,
)
def test_a_call_sends_these_words(call: Call, words: str) -> None:
    assert " ".join(map(str, call.command.args)) == words


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize(
    ("call", "resp2", "resp3", "value"),
    [
        (call("blmovem", *ENDS, timeout=1), b"*2\r\n$1\r\na\r\n$1\r\nb\r\n", None, [b"a", b"b"]),
        (call("blmovem", *ENDS, timeout=1), b"*-1\r\n", b"_\r\n", []),
        (call("delex", "k"), b":1\r\n", None, True),
        (call("delex", "k", ifeq="v"), b":0\r\n", None, False),
        (call("digest", "k"), b"$16\r\nb6acb9d84a38ff74\r\n", None, DIGEST),
        (call("digest", "k"), b"$-1\r\n", b"_\r\n", None),
        (call("increx", "k"), b"*2\r\n:7\r\n:1\r\n", None, (7, 1)),
        (call("increx", "k", byfloat=0.5), b"*2\r\n$1\r\n3\r\n$3\r\n0.5\r\n", b"*2\r\n,3\r\n,0.5\r\n", (3.0, 0.5)),
        (call("lmovem", *ENDS), b"*1\r\n$1\r\na\r\n", None, [b"a"]),
        (call("lmovem", *ENDS, exactly=3, order="OBO"), b"$-1\r\n", b"_\r\n", []),
        (call("sdiffcard", "s"), b":3\r\n", None, 3),
        (call("set", "k", "v", ifne="v"), b"$-1\r\n", b"_\r\n", False),
        (call("set", "k", "v", ifdeq=DIGEST), b"+OK\r\n", None, True),
        (call("set", "k", "v", ifdne=DIGEST, get=True), b"$1\r\nu\r\n", None, b"u"),
        (call("sunioncard", "s"), b":3\r\n", None, 3),
    ],
    ids=str,
)
def test_a_reply_becomes_this_value(
    call: Call, resp2: bytes, resp3: bytes | None, value: Any, protocol: int, encoding: str | None
) -> None:
    reply = resp3 if protocol == 3 and resp3 is not None else resp2
    with FakeNode({call.command.name: reply}) as node, Pool(node.url, protocol=protocol, encoding=encoding) as pool:
        got = getattr(pool, call.name)(*call.args, **call.options)
    assert judge(got, value, encoding), got
