"""A connection that is used for subscriptions: what was sent on it, and what each frame from the server means.

Rule 1: ``send`` compares what is wanted with what the server has, or will have once it has read everything sent. So
        whatever is wanted next, the commands that lead there are the same whether or not earlier ones are confirmed.
Rule 2: behind each command goes a PING with a number. The frame that returns the number ends the command, in RESP2 and
        RESP3 alike, so an error always belongs to the oldest command that has not ended. The server says at most one
        thing too much: an error for a SUNSUBSCRIBE that it has done by itself just before.
Rule 3: an ``sunsubscribe`` that was not asked for says that the slot of a shard channel has left the node.
Rule 4: a frame that fits nowhere ends the connection: it raises ProtocolError.
Rule 5: the connection is alive as long as frames come. After ``keepalive`` seconds of silence a PING is due, and with
        an answer due, the patience of the caller ends the connection.

Source: the pub/sub page at valkey.io/topics/pubsub; the RESP3 specification, "Push types".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from respool._facts.errors import ClusterDown, ProtocolError, ServerError, WrongNode
from respool._protocol.inbox import Item

#: What can be subscribed to: "" and a channel, "p" and a pattern, "s" and a shard channel.
Topic = tuple[str, bytes]

#: The longest list of names in one command.
AT_ONCE: Final = 500

_KINDS: Final = ("", "p", "s")
_MESSAGES: Final = {f"{kind}message".encode(): (kind, f"{kind}message") for kind in _KINDS}
_CONFIRMATIONS: Final = {
    f"{kind}{word}".encode(): (kind, word == "subscribe") for kind in _KINDS for word in ("subscribe", "unsubscribe")
}


class Delivery(NamedTuple):
    """A message for those who want ``topic``."""

    topic: Topic
    item: Item


class Confirmed(NamedTuple):
    """From now on the server sends all messages of ``topic``."""

    topic: Topic


class Ended(NamedTuple):
    """The server has ended a subscription by itself (Rule 3)."""

    topic: Topic


class Refused(NamedTuple):
    """The server has refused to subscribe to ``topics``."""

    topics: list[Topic]
    error: ServerError


Outcome = Delivery | Confirmed | Ended | Refused | None


class _Command:
    """A command that has not ended; without names, a mere PING."""

    __slots__ = ("at", "is_refused", "kind", "left", "names", "subscribes")

    def __init__(self, kind: str, names: Iterable[bytes], at: float, *, subscribes: bool) -> None:
        self.kind = kind
        self.names = list(names)
        self.left = set(self.names)
        self.subscribes = subscribes
        self.is_refused = False
        self.at = at

    @property
    def is_answered(self) -> bool:
        return self.is_refused or len(self.left) < len(self.names)


class Subscribed:
    """What the server has been told on one connection, and what it has said."""

    def __init__(self, now: float, slot_of: Callable[[bytes], int] | None = None) -> None:
        """Begin with a connection that has sent nothing. ``slot_of``: one command is for one slot, as in a cluster."""
        self._slot_of = slot_of
        self._sent: set[Topic] = set()
        self._live: set[Topic] = set()  # confirmed, and no command that ends them has been sent
        self._pending: deque[_Command] = deque()
        self._ended = 0  # the number of commands that have ended
        #: When the last frame came.
        self.heard = now

    @property
    def owes(self) -> bool:
        """Whether the server has still something to answer."""
        return bool(self._pending)

    def is_live(self, topic: Topic) -> bool:
        """Tell whether the server sends all messages of a topic, and will go on."""
        return topic in self._live

    # Sending -----------------------------------------------------------------------------------------

    def send(self, wanted: set[Topic], now: float) -> list[tuple[Any, ...]]:
        """Return the commands after which the server has what is wanted and nothing else (Rule 1)."""
        if wanted == self._sent:
            return []
        commands: list[tuple[Any, ...]] = []
        for topics, subscribes in ((wanted - self._sent, True), (self._sent - wanted, False)):
            for kind, names in self._grouped(topics):
                word = f"{kind.upper()}{'' if subscribes else 'UN'}SUBSCRIBE"
                commands += [(word, *names), self._fence(_Command(kind, names, now, subscribes=subscribes))]
        self._sent = set(wanted)
        self._live &= wanted
        return commands

    def ping(self, now: float) -> list[tuple[Any, ...]]:
        """Return a command that the server answers whatever its state."""
        return [self._fence(_Command("", (), now, subscribes=False))]

    def _fence(self, command: _Command) -> tuple[Any, ...]:
        self._pending.append(command)
        return ("PING", b"%d" % (self._ended + len(self._pending)))

    def _grouped(self, topics: Iterable[Topic]) -> list[tuple[str, list[bytes]]]:
        """Return topics as the names of one command each."""
        groups: dict[tuple[str, int], list[bytes]] = {}
        for kind, name in sorted(topics):
            slot = self._slot_of(name) if kind == "s" and self._slot_of is not None else 0
            groups.setdefault((kind, slot), []).append(name)
        return [
            (kind, names[at : at + AT_ONCE])
            for (kind, _), names in groups.items()
            for at in range(0, len(names), AT_ONCE)
        ]

    # Receiving ---------------------------------------------------------------------------------------

    def received(self, frame: Any, now: float) -> Outcome:
        """Return what a frame means. Raises ProtocolError for one that fits nowhere (Rule 4)."""
        self.heard = now
        if isinstance(frame, ServerError):
            return self._refused(frame)
        if isinstance(frame, bytes):
            self._answered(frame)
            return None
        if isinstance(frame, list) and len(frame) >= 2:
            word = frame[0]
            if word in _MESSAGES:
                return _delivery(frame)
            if word in _CONFIRMATIONS:
                return self._confirmed(*_CONFIRMATIONS[word], frame[1])
            if word == b"pong":
                self._answered(frame[1])
                return None
            if type(frame) is not list:
                return None  # a push about something else
        raise ProtocolError(f"a connection for subscriptions received a {type(frame).__name__} that is no answer")

    def _answered(self, number: bytes) -> None:
        """End the oldest command (Rule 2)."""
        if not self._pending or number != b"%d" % (self._ended + 1):
            raise ProtocolError("a connection for subscriptions received an answer that nobody waits for")
        self._end()

    def _end(self) -> None:
        self._pending.popleft()
        self._ended += 1

    def _confirmed(self, kind: str, subscribes: bool, name: bytes) -> Outcome:  # noqa: FBT001 - as the table has it
        head = self._pending[0] if self._pending else None
        topic = (kind, name)
        if head is not None and (head.kind, head.subscribes) == (kind, subscribes) and name in head.left:
            head.left.remove(name)
            if not subscribes or topic not in self._sent or any(_undoes(later, topic) for later in self._pending):
                return None
            self._live.add(topic)
            return Confirmed(topic)
        if subscribes:
            raise ProtocolError("a connection for subscriptions received a confirmation that nobody waits for")
        if topic not in self._sent:
            return None
        if any(later.subscribes and later.kind == kind and name in later.left for later in self._pending):
            return None  # it was asked for anew meanwhile: the answer to that is still to come
        self._sent.remove(topic)
        self._live.discard(topic)
        return Ended(topic)

    def _refused(self, error: ServerError) -> Outcome:
        head = self._pending[0] if self._pending else None
        if head is None:
            raise ProtocolError(f"a connection for subscriptions received an error that nobody waits for: {error}")
        is_surplus = not head.subscribes and isinstance(error, WrongNode | ClusterDown)  # Rule 2
        if not head.names or (head.is_answered and not is_surplus):
            self._end()  # the PING was refused: that answers it too
            return None
        head.is_refused = True
        if not head.subscribes:
            return None
        topics = [
            (head.kind, name)
            for name in head.names
            if (head.kind, name) in self._sent and not any(_undoes(later, (head.kind, name)) for later in self._pending)
        ]
        self._sent.difference_update(topics)
        return Refused(topics, error) if topics else None

    # Silence -----------------------------------------------------------------------------------------

    def silent_at(self, patience: float | None) -> float:
        """Return when the server will have owed an answer for too long, if nothing comes until then."""
        if not self._pending or patience is None:
            return float("inf")
        return max(self.heard, self._pending[0].at) + patience

    def ping_at(self, keepalive: float | None) -> float:
        """Return when the next PING is due, if nothing comes until then."""
        return float("inf") if self._pending or keepalive is None else self.heard + keepalive


def _delivery(frame: list[Any]) -> Delivery:
    kind, word = _MESSAGES[frame[0]]
    pattern = frame[1] if kind == "p" else None
    return Delivery((kind, frame[1]), Item(word, pattern, frame[-2], frame[-1]))


def _undoes(later: _Command, topic: Topic) -> bool:
    """Tell whether a command that has not ended ends the subscription to a topic."""
    return not later.subscribes and later.kind == topic[0] and topic[1] in later.left
