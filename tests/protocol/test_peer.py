"""What dials learn about a peer, and the secrets they mask in its replies (R-37, R-40)."""

from __future__ import annotations

import pytest

from respool._protocol.masking import MASK, mask_error, masked
from respool._protocol.peer import HEAD_START, Peer, head_start
from respool.errors import ConnectionLost, ProtocolError, ServerError

ONE, TWO, THREE = ("10.0.0.1", 1), ("10.0.0.2", 1), ("10.0.0.3", 1)


def test_addresses_keep_the_order_of_the_resolver() -> None:
    assert Peer().in_order([TWO, ONE, THREE]) == [TWO, ONE, THREE]


def test_an_address_whose_handshake_failed_comes_last_and_the_latest_failure_after_earlier_ones() -> None:
    peer = Peer()
    peer.failed_at(ONE)
    assert peer.in_order([ONE, TWO, THREE]) == [TWO, THREE, ONE]
    peer.failed_at(TWO)
    assert peer.in_order([ONE, TWO, THREE]) == [THREE, ONE, TWO]
    peer.failed_at(ONE)
    assert peer.in_order([ONE, TWO, THREE]) == [THREE, TWO, ONE]


def test_a_handshake_that_succeeds_restores_an_address() -> None:
    peer = Peer()
    peer.failed_at(ONE)
    peer.greeted_at(ONE)
    assert peer.in_order([ONE, TWO]) == [ONE, TWO]


def test_an_address_that_the_name_no_longer_has_is_forgotten() -> None:
    peer = Peer()
    peer.failed_at(ONE)
    peer.in_order([TWO])
    assert peer.in_order([ONE, TWO]) == [ONE, TWO]


def test_a_unix_socket_has_no_address_to_remember() -> None:
    peer = Peer()
    peer.failed_at(None)
    peer.greeted_at(None)
    assert peer.in_order([ONE]) == [ONE]


def test_a_head_start_is_a_quarter_of_a_second_or_what_leaves_a_turn_to_every_address() -> None:
    assert head_start(None, 5) == head_start(2.0, 2) == HEAD_START == 0.25
    assert head_start(0.2, 2) == pytest.approx(0.1)
    assert head_start(2.0, 10) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "secret", "shown"),
    [
        ("unknown command 'AUTH', with args beginning with: 'p' ", "p", f"unknown command 'AUTH', with args beginning with: {MASK}"),
        ("what is AUTH engine?", "engine", f"what is AUTH {MASK}?"),
        ("what is AUTH engine of diff", "engine of difference", f"what is AUTH {MASK}"),
        ("what is AUTH p?", "p", f"what is AUTH {MASK}?"),
        ("simple words", "p", "simple words"),
        ("a b line", "a\r\nb", "a b line"),
        ("twolines  of it", "twolines\r\nof it", MASK),
        (r"b'gr\xc3\xbcezi'", "grüezi", f"b'{MASK}'"),
        ("nothing", "", "nothing"),
    ],
)  # fmt: skip
def test_what_was_sent_to_sign_in_is_masked(text: str, secret: str, shown: str) -> None:
    assert masked(text, [secret]) == shown


def test_of_two_secrets_the_longer_one_is_masked_first() -> None:
    assert masked("engine-room", ["engine", "engine-room"]) == MASK


def test_an_error_is_masked_with_all_that_it_holds() -> None:
    error = ConnectionLost("at engine-room", executed="unknown")
    error.last_words = ServerError("engine-room", "is engine-room")
    error.__cause__ = ProtocolError("no engine-room")
    error.__cause__.__context__ = error  # a cycle must not loop for ever
    mask_error(error, ["engine-room"])
    for each in (error, error.last_words, error.__cause__):
        assert "engine" not in f"{each} {each!r} {vars(each)}"
