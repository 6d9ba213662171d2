"""The slot of a key is the one that a server computes from what is sent for the key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool import Pool
from respool._facts.slots import SLOTS, make_slot_of, slot_of
from respool.testing import Server


class Loud(str):
    """Text that says something else of itself."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"LOUD"

    __str__ = __repr__ = lambda self: "LOUD"


#: Keys in which braces are frequent.
BRACED = st.lists(st.sampled_from([b"{", b"}", b"{}", b"a", b"bc", b"\x00", b"\xff"]), max_size=8).map(b"".join)

#: Letters that can be sent in an encoding. The last two of Shift JIS end with the byte of a brace.
LETTERS = {"latin-1": "{}ab\u00e9\u00ff", "shift-jis": "{}ab\u30dc\u30de"}


def keys(encoding: str | None) -> st.SearchStrategy[Any]:
    text = st.text(LETTERS.get(encoding or "", "{}ab\u00e9\u30dc\U0001f600"), max_size=8)
    return st.one_of(
        st.binary(max_size=40),
        BRACED,
        text,
        text.map(Loud),
        st.integers(),
        st.floats(allow_nan=False),
        BRACED.map(bytearray),
        BRACED.map(memoryview),
        BRACED.map(lambda key: memoryview(key * 2)[::2]),
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(config={"cluster-enabled": "yes"}) as running:
        yield running


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF_8", "latin-1", "shift-jis"])
def test_every_key_has_the_slot_that_a_server_computes(server: Server, encoding: str | None) -> None:
    slot_in_pool = make_slot_of(encoding)
    with Pool(server.url, encoding=encoding) as pool:

        @given(keys(encoding))
        def compare(key: Any) -> None:
            assert slot_in_pool(key) == pool.cluster_keyslot(key)

        compare()


@pytest.mark.parametrize("encoding", [None, "utf-8", "UTF_8", "utf8"])
def test_a_pool_that_sends_utf_8_needs_no_other_function(encoding: str | None) -> None:
    assert make_slot_of(encoding) is slot_of


@pytest.mark.parametrize(
    ("key", "counts"),
    [
        (b"user", b"user"),
        (b"{user}:a", b"user"),
        (b"a{user}{other}", b"user"),
        (b"a{{user}}", b"{user"),
        (b"}{user}", b"user"),
        (b"{}user", b"{}user"),
        (b"{}{user}", b"{}{user}"),
        (b"{user", b"{user"),
        (b"}user{", b"}user{"),
        (b"{a}", b"a"),
    ],
)
def test_only_the_hash_tag_counts(key: bytes, counts: bytes) -> None:
    assert slot_of(key) == slot_of_whole(counts)


def slot_of_whole(text: bytes) -> int:
    """Compute CRC16 bit by bit, as the specification describes it."""
    crc = 0
    for byte in text:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % 16384


def test_slots_are_the_numbers_below_16384() -> None:
    assert SLOTS == 16384
    assert slot_of(b"123456789") == 0x31C3
    assert {slot_of(number) for number in range(200_000)} == set(range(SLOTS))


@pytest.mark.parametrize("key", [None, ["a"], True, object()])
def test_what_cannot_be_sent_has_no_slot(key: Any) -> None:
    with pytest.raises(TypeError, match=r"bytes, str, int, float|argument of its own"):
        slot_of(key)


def test_text_that_the_encoding_lacks_has_no_slot() -> None:
    with pytest.raises(UnicodeError):
        make_slot_of("latin-1")("\u20ac")
    with pytest.raises(UnicodeError):
        slot_of("\ud800")
