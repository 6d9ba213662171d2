"""A connection for subscriptions against a model of a server whose slots come and go.

The model answers commands in order and says something unasked whenever a slot leaves it. Whatever happens, and however
late the frames are read: what is live is subscribed to, and once everything has been read the server has what is wanted.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import hiredis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from respool._protocol.subscribed import Confirmed, Delivery, Ended, Refused, Subscribed, Topic
from respool.errors import ServerError, WrongNode

SLOTS = 3
TOPICS: list[Topic] = [(kind, b"%d" % name) for kind in ("", "p", "s") for name in range(5)]


def slot_of(name: bytes) -> int:
    return int(name) % SLOTS


class Server:
    """A node of a cluster. ``frames`` is what it has sent and nobody has read."""

    def __init__(self, *, protocol: int, forbids_ping: bool, forbidden: set[Topic]) -> None:
        self.protocol = protocol
        self.forbids_ping = forbids_ping
        self.forbidden = forbidden
        self.commands: deque[tuple[Any, ...]] = deque()
        self.frames: deque[Any] = deque()
        self.has: set[Topic] = set()
        self.slots = set(range(SLOTS))

    def push(self, *parts: Any) -> None:
        self.frames.append(hiredis.PushNotification(parts) if self.protocol == 3 else list(parts))

    def answer(self) -> None:
        name, *args = self.commands.popleft()
        if name == "PING":
            if self.forbids_ping:
                self.frames.append(ServerError("NOPERM", "no PING"))
            elif self.protocol == 2 and self.has:
                self.frames.append([b"pong", args[0]])
            else:
                self.frames.append(args[0])
            return
        kind = name[0].lower() if name[0] in "PS" and name != "SUBSCRIBE" else ""
        slots = {slot_of(arg) for arg in args}
        assert kind != "s" or len(slots) == 1, "CROSSSLOT"
        subscribes = "UNSUB" not in name
        topics = [(kind, arg) for arg in args]
        if kind == "s" and not slots <= self.slots:
            self.frames.append(WrongNode("MOVED", "1 10.0.0.2:6379"))
        elif subscribes and self.forbidden & set(topics):
            self.frames.append(ServerError("NOPERM", "no channel"))
        else:
            for topic in topics:
                (self.has.add if subscribes else self.has.discard)(topic)
                self.push(f"{kind}{'' if subscribes else 'un'}subscribe".encode(), topic[1], len(self.has))


class Machine(RuleBasedStateMachine):
    @initialize(
        protocol=st.sampled_from([2, 3]),
        forbids_ping=st.booleans(),
        forbidden=st.sets(st.sampled_from(TOPICS), max_size=2),
    )
    def begin(self, protocol: int, forbids_ping: bool, forbidden: set[Topic]) -> None:
        self.server = Server(protocol=protocol, forbids_ping=forbids_ping, forbidden=forbidden)
        self.said = Subscribed(0.0, slot_of)
        self.wanted: set[Topic] = set()
        self.published = 0
        self.delivered = 0
        self.expected: deque[tuple[Topic, bytes]] = deque()

    @rule(topics=st.sets(st.sampled_from(TOPICS)))
    def want(self, topics: set[Topic]) -> None:
        self.wanted = set(topics)

    @rule(topic=st.sampled_from(TOPICS))
    def toggle(self, topic: Topic) -> None:
        self.wanted ^= {topic}

    @rule()
    def send(self) -> None:
        self.server.commands.extend(self.said.send(self.wanted, 0.0))

    @rule()
    def ping(self) -> None:
        self.server.commands.extend(self.said.ping(0.0))

    @rule(count=st.integers(1, 4))
    def answer(self, count: int) -> None:
        for _ in range(min(count, len(self.server.commands))):
            self.server.answer()

    @rule(slot=st.integers(0, SLOTS - 1))
    def lose(self, slot: int) -> None:
        server = self.server
        server.slots.discard(slot)
        for topic in sorted(server.has):
            if topic[0] == "s" and slot_of(topic[1]) == slot:
                server.has.remove(topic)
                server.push(b"sunsubscribe", topic[1], 0)

    @rule(slot=st.integers(0, SLOTS - 1))
    def gain(self, slot: int) -> None:
        self.server.slots.add(slot)

    @rule(topic=st.sampled_from(TOPICS))
    def publish(self, topic: Topic) -> None:
        if topic in self.server.has:
            self.published += 1
            data = b"%d" % self.published
            word = f"{topic[0]}message".encode()
            parts = (word, topic[1], b"c", data) if topic[0] == "p" else (word, topic[1], data)
            self.server.push(*parts)
            self.expected.append((topic, data))

    @rule(count=st.integers(1, 6))
    def read(self, count: int) -> None:
        for _ in range(min(count, len(self.server.frames))):
            outcome = self.said.received(self.server.frames.popleft(), 0.0)
            if isinstance(outcome, Delivery):
                assert (outcome.topic, outcome.item.data) == self.expected.popleft()
            elif isinstance(outcome, Confirmed):
                assert self.said.is_live(outcome.topic)
            elif isinstance(outcome, Ended):
                assert outcome.topic[0] == "s"
                self.wanted.discard(outcome.topic)
            elif isinstance(outcome, Refused):
                assert outcome.topics
                self.wanted.difference_update(outcome.topics)

    @invariant()
    def what_is_live_is_subscribed_to(self) -> None:
        if not hasattr(self, "said"):
            return
        told = {(b"sunsubscribe", frame[1]) for frame in self.server.frames if isinstance(frame, list)
                and frame[0] == b"sunsubscribe"}  # fmt: skip
        for topic in TOPICS:
            if self.said.is_live(topic):
                assert topic in self.server.has or (b"sunsubscribe", topic[1]) in told

    @rule()
    def settle(self) -> None:
        for _ in range(20):
            self.send()
            self.answer(10_000)
            self.read(10_000)
        assert not self.said.owes
        assert not self.expected
        assert self.server.has == self.wanted
        assert all(self.said.is_live(topic) == (topic in self.wanted) for topic in TOPICS)


TestSubscribed = Machine.TestCase
