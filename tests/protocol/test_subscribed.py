"""A connection for subscriptions: what is sent, what each frame means, and what silence does."""

from __future__ import annotations

from typing import Any

import hiredis
import pytest

from respool._facts.slots import slot_of
from respool._protocol.inbox import Item
from respool._protocol.subscribed import AT_ONCE, Confirmed, Delivery, Ended, Refused, Subscribed
from respool.errors import ProtocolError, ServerError, WrongNode

A, B, P, S = ("", b"a"), ("", b"b"), ("p", b"p*"), ("s", b"s")
MOVED = WrongNode("MOVED", "1 10.0.0.2:6379")
NOPERM = ServerError("NOPERM", "no")


def push(*parts: Any) -> Any:
    return hiredis.PushNotification(parts) if hasattr(hiredis, "PushNotification") else list(parts)


def heard(said: Subscribed, *frames: Any) -> list[Any]:
    """Return what comes of these frames, without what means nothing."""
    found = [said.received(frame, 1.0) for frame in frames]
    return [outcome for outcome in found if outcome is not None]


def test_what_is_wanted_is_sent_and_every_command_is_closed_by_a_ping() -> None:
    said = Subscribed(0.0)
    assert said.send({A, B, P, S}, 0.0) == [
        ("SUBSCRIBE", b"a", b"b"),
        ("PING", b"1"),
        ("PSUBSCRIBE", b"p*"),
        ("PING", b"2"),
        ("SSUBSCRIBE", b"s"),
        ("PING", b"3"),
    ]
    assert said.send({A, B, P, S}, 0.0) == []
    assert said.send({A, S}, 0.0) == [("UNSUBSCRIBE", b"b"), ("PING", b"4"), ("PUNSUBSCRIBE", b"p*"), ("PING", b"5")]
    assert said.send(set(), 0.0) == [("UNSUBSCRIBE", b"a"), ("PING", b"6"), ("SUNSUBSCRIBE", b"s"), ("PING", b"7")]


def test_in_a_cluster_each_slot_has_a_command() -> None:
    said = Subscribed(0.0, slot_of)
    names = [b"{x}1", b"{x}2", b"{y}1"]
    commands = said.send({("s", name) for name in names} | {A, B}, 0.0)
    assert commands[::2] == [("SUBSCRIBE", b"a", b"b"), ("SSUBSCRIBE", b"{x}1", b"{x}2"), ("SSUBSCRIBE", b"{y}1")]
    assert Subscribed(0.0).send({("s", name) for name in names}, 0.0)[0] == ("SSUBSCRIBE", *names)


def test_a_command_names_no_more_than_a_server_reads_at_once() -> None:
    commands = Subscribed(0.0).send({("", b"%d" % number) for number in range(AT_ONCE + 1)}, 0.0)
    assert sorted(len(command) - 1 for command in commands[::2]) == [1, AT_ONCE]


@pytest.mark.parametrize("frame", [push, lambda *parts: list(parts)], ids=["RESP3", "RESP2"])
def test_confirmations_and_messages_are_told_apart(frame: Any) -> None:
    said = Subscribed(0.0)
    said.send({A, P, S}, 0.0)
    assert not said.is_live(A)
    assert heard(said, frame(b"subscribe", b"a", 1)) == [Confirmed(A)]
    assert said.is_live(A)
    assert heard(said, frame(b"pong", b"1"), frame(b"message", b"a", b"x")) == [
        Delivery(A, Item("message", None, b"a", b"x"))
    ]
    assert heard(said, frame(b"psubscribe", b"p*", 2), b"2", frame(b"ssubscribe", b"s", 1), b"3") == [
        Confirmed(P),
        Confirmed(S),
    ]
    assert not said.owes
    assert heard(said, frame(b"pmessage", b"p*", b"p1", b"y"), frame(b"smessage", b"s", b"z")) == [
        Delivery(P, Item("pmessage", b"p*", b"p1", b"y")),
        Delivery(S, Item("smessage", None, b"s", b"z")),
    ]
    said.send(set(), 0.0)
    assert not said.is_live(A)
    assert heard(said, frame(b"unsubscribe", b"a", 2), frame(b"pong", b"4")) == []


def test_a_message_that_looks_like_a_confirmation_is_a_message() -> None:
    said = Subscribed(0.0)
    said.send({("", b"subscribe")}, 0.0)
    assert heard(said, push(b"message", b"subscribe", b"subscribe")) == [
        Delivery(("", b"subscribe"), Item("message", None, b"subscribe", b"subscribe"))
    ]


def test_what_was_given_up_and_wanted_again_is_confirmed_by_the_last_word() -> None:
    said = Subscribed(0.0)
    said.send({A}, 0.0)
    said.send(set(), 0.0)
    said.send({A}, 0.0)
    assert heard(said, push(b"subscribe", b"a", 1), b"1", push(b"unsubscribe", b"a", 0), b"2") == []
    assert heard(said, push(b"subscribe", b"a", 1), b"3") == [Confirmed(A)]


def test_a_refusal_names_what_was_asked_for() -> None:
    said = Subscribed(0.0)
    said.send({A, P}, 0.0)
    assert heard(said, NOPERM, b"1", push(b"psubscribe", b"p*", 1), b"2") == [Refused([A], NOPERM), Confirmed(P)]
    assert said.send({A, P}, 0.0) == [("SUBSCRIBE", b"a"), ("PING", b"3")]


def test_a_refusal_of_what_is_not_wanted_any_more_is_nothing() -> None:
    said = Subscribed(0.0)
    said.send({A}, 0.0)
    said.send(set(), 0.0)
    assert heard(said, NOPERM, b"1", push(b"unsubscribe", b"a", 0), b"2") == []


def test_a_ping_that_is_refused_ends_a_command_too() -> None:
    said = Subscribed(0.0)
    said.send({A}, 0.0)
    said.send({A, P}, 0.0)
    assert heard(said, push(b"subscribe", b"a", 1), NOPERM, push(b"psubscribe", b"p*", 2), NOPERM) == [
        Confirmed(A),
        Confirmed(P),
    ]
    said.ping(2.0)
    assert heard(said, NOPERM) == []
    assert not said.owes
    said.send({A, P, B}, 2.0)
    assert heard(said, NOPERM, NOPERM) == [Refused([B], NOPERM)]
    assert not said.owes


def test_a_subscription_that_the_server_ends_is_told_and_sent_again() -> None:
    said = Subscribed(0.0)
    said.send({S, A}, 0.0)
    heard(said, push(b"subscribe", b"a", 1), b"1", push(b"ssubscribe", b"s", 1), b"2")
    assert heard(said, push(b"sunsubscribe", b"s", 0)) == [Ended(S)]
    assert not said.is_live(S)
    assert heard(said, push(b"sunsubscribe", b"s", 0)) == []
    assert said.send({S, A}, 0.0) == [("SSUBSCRIBE", b"s"), ("PING", b"3")]
    assert heard(said, MOVED, b"3") == [Refused([("s", b"s")], MOVED)]


def test_an_end_that_crosses_a_sunsubscribe_shifts_nothing() -> None:
    said = Subscribed(0.0)
    said.send({S}, 0.0)
    heard(said, push(b"ssubscribe", b"s", 1), b"1")
    said.send(set(), 0.0)
    said.send({A}, 0.0)
    assert heard(said, push(b"sunsubscribe", b"s", 0), MOVED, b"2") == []  # the end, the error for ours, its PING
    assert heard(said, push(b"subscribe", b"a", 1), b"3") == [Confirmed(A)]


def test_an_end_that_crosses_a_new_ssubscribe_waits_for_the_answer_to_that() -> None:
    said = Subscribed(0.0)
    said.send({S}, 0.0)
    heard(said, push(b"ssubscribe", b"s", 1), b"1")
    said.send({A}, 0.0)
    said.send({A, S}, 0.0)
    assert heard(said, push(b"sunsubscribe", b"s", 0)) == []
    assert heard(said, push(b"subscribe", b"a", 1), b"2", MOVED, b"3") == [Confirmed(A)]
    assert heard(said, MOVED, b"4") == [Refused([S], MOVED)]


def test_other_pushes_mean_nothing() -> None:
    assert heard(Subscribed(0.0), push(b"invalidate", [b"k"])) == []


@pytest.mark.parametrize(
    "frame",
    [
        [b"invalidate", [b"k"]], [b"x"], 7, None, b"1", b"OK", NOPERM, push(b"subscribe", b"a", 1), [b"pong", b"1"], {},
    ],
    ids=repr,
)  # fmt: skip
def test_what_fits_nowhere_ends_the_connection(frame: Any) -> None:
    with pytest.raises(ProtocolError):
        Subscribed(0.0).received(frame, 1.0)


def test_an_answer_to_another_ping_ends_the_connection() -> None:
    said = Subscribed(0.0)
    said.send({A}, 0.0)
    with pytest.raises(ProtocolError, match="nobody waits for"):
        said.received(b"2", 1.0)


def test_silence_is_measured_from_the_last_frame_or_the_oldest_question() -> None:
    said = Subscribed(10.0)
    assert said.silent_at(5.0) == float("inf")
    assert said.ping_at(30.0) == 40.0
    assert said.ping_at(None) == float("inf")
    said.send({A}, 20.0)
    assert said.silent_at(5.0) == 25.0
    assert said.silent_at(None) == float("inf")
    assert said.ping_at(30.0) == float("inf")
    said.received(push(b"subscribe", b"a", 1), 22.0)
    assert said.silent_at(5.0) == 27.0
    said.received(b"1", 23.0)
    assert said.silent_at(5.0) == float("inf")
    assert said.ping_at(30.0) == 53.0
    assert said.ping(53.0) == [("PING", b"2")]
    assert said.silent_at(5.0) == 58.0
