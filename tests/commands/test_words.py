"""Commands and options of servers newer than those here send the words of their documentation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from examples import Call, call

WORDS: list[tuple[Call, str]] = [
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
]


def said(part: Any) -> str:
    return str(part)


@pytest.mark.parametrize(("call", "words"), WORDS, ids=said)
def test_a_call_sends_these_words(call: Call, words: str) -> None:
    assert [str(arg) for arg in call.command.args] == words.split(" ")
