"""Arbitrary bytes never crash, hang or shift the wire, however they are cut (P-24)."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.fuzz_wire import TOKENS, mutate, read_corpus
from fuzz.wire_oracle import check

EXAMPLES = int(os.environ.get("RESPOOL_EXAMPLES", "150"))
CORPUS = read_corpus()


def test_what_servers_send_keeps_every_rule() -> None:
    for data in CORPUS:
        check(data)


@pytest.mark.parametrize("line", [b"+!warning", b"+|", b"-|ERR odd", b"$2\r\n!|"])
def test_a_text_that_begins_like_a_rare_frame_may_be_cut_anywhere(line: bytes) -> None:
    check(b"\x05\x00\x00" + b"+OK\r\n" + line + b"\r\n+OK\r\n")


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.binary(min_size=3, max_size=3), st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=8)), max_size=40)
)
def test_words_of_the_protocol_in_any_order_keep_every_rule(header: bytes, words: list[bytes]) -> None:
    check(header + b"".join(words))


@pytest.mark.parametrize("seed", range(8))
def test_mutations_of_what_servers_send_keep_every_rule(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(EXAMPLES * 2):
        check(mutate(chance, CORPUS))
