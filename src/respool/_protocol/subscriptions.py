"""What all subscribers of a pool want, on which line each topic is, and who gets its messages.

A line is one connection to one node; to this file it is an object with an ``address``.

Rule 1: what is wanted is the truth. A topic is wanted as long as a subscriber has it; it is assigned to a line, and
        live once that line's server has confirmed it. Losing a connection changes where a topic is, never what is
        wanted.
Rule 2: a message counts only on the line to which its topic is assigned, so none is delivered twice while a topic goes
        from one line to another.
Rule 3: a topic that was live and is not any more is a loss for all of its subscribers (``Inbox.lost``), until it is
        live again.
Rule 4: a topic that was lost is tried again at once; if that fails, after a pause that doubles, up to
        ``LONGEST_PAUSE``. Being sent elsewhere is no failure, unless it happens ``MOST_HOPS`` times.
Rule 5: calls of one subscriber do not undo each other. One that fails takes back what it has added, except for what
        another call wants too; nobody waits for what was dropped meanwhile.
Rule 6: this file knows no clocks, locks or sockets.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from respool._facts.errors import Error
from respool._facts.messages import Gap
from respool._protocol.inbox import Inbox
from respool._protocol.subscribed import Topic

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0
MOST_HOPS: Final = 5
#: How often a node is looked for, in seconds, while there is none.
LOOK_AGAIN: Final = 0.05


class Back(NamedTuple):
    """A topic is live again, that many seconds after it was lost at ``old``."""

    old: str
    seconds: float


class Claim:
    """A caller that waits until its topics are live. ``error`` says why one of them cannot be."""

    __slots__ = ("added", "error", "inbox", "missing")

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self.missing: set[Topic] = set()
        #: What its subscriber has only because of this claim and others that are not released (Rule 5).
        self.added: set[Topic] = set()
        self.error: Exception | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to wait for."""
        return not self.missing or self.error is not None


class _Wish:
    """One topic that somebody wants."""

    __slots__ = ("hops", "inboxes", "is_live", "line", "lost_at", "lost_from", "not_before", "tries")

    def __init__(self) -> None:
        self.inboxes: dict[Inbox, None] = {}
        self.line: Any = None
        self.is_live = False
        self.lost_at: float | None = None
        self.lost_from = ""
        self.not_before = float("-inf")
        self.tries = self.hops = 0

    def put_off(self, now: float, *, is_hop: bool = False) -> None:
        """Pause before the next try, unless it is the first one or goes elsewhere (Rule 4)."""
        if is_hop and self.hops < MOST_HOPS:
            self.hops += 1
            return
        if self.tries:
            self.not_before = now + min(FIRST_PAUSE * 2.0 ** min(self.tries - 1, 30), LONGEST_PAUSE)
        self.tries += 1


class Subscriptions:
    """The topics that are wanted."""

    def __init__(self) -> None:
        self._wishes: dict[Topic, _Wish] = {}
        self._homeless: dict[Topic, _Wish] = {}  # those without a line
        self._lines: dict[Any, set[Topic]] = {}
        self._claims: list[Claim] = []  # until they are released
        #: Everybody who receives messages.
        self.inboxes: dict[Inbox, set[Topic]] = {}

    # Wanting -----------------------------------------------------------------------------------------

    def want(self, inbox: Inbox, topics: Iterable[Topic]) -> Claim:
        """Add topics for a subscriber, and return a claim to those that are not live. ``release`` must follow."""
        mine = self.inboxes.setdefault(inbox, set())
        claim = Claim(inbox)
        uncertain = set[Topic]().union(*(other.added for other in self._claims if other.inbox is inbox))
        for topic in topics:
            if topic not in mine or topic in uncertain:
                claim.added.add(topic)
            wish = self._wishes.get(topic)
            if wish is None:
                wish = self._wishes[topic] = self._homeless[topic] = _Wish()
            wish.inboxes[inbox] = None
            mine.add(topic)
            if not wish.is_live:
                claim.missing.add(topic)
        self._claims.append(claim)
        return claim

    def release(self, claim: Claim, *, is_kept: bool) -> None:
        """Forget a claim. Unless ``is_kept``, its topics are dropped, but for those of other claims (Rule 5)."""
        if claim not in self._claims:
            return
        self._claims.remove(claim)
        others = [other for other in self._claims if other.inbox is claim.inbox]
        if is_kept:
            for other in others:
                other.added -= claim.added
        else:
            self.drop(claim.inbox, claim.added.difference(*(other.added for other in others)))

    def drop(self, inbox: Inbox, topics: Iterable[Topic]) -> None:
        """End what a subscriber wants of these topics."""
        mine, dropped = self.inboxes.get(inbox, set()), set(topics)
        for claim in self._claims:
            if claim.inbox is inbox:
                claim.missing -= dropped
                claim.added -= dropped
        for topic in dropped & mine:
            mine.remove(topic)
            inbox.found(topic)
            wish = self._wishes[topic]
            del wish.inboxes[inbox]
            if not wish.inboxes:
                del self._wishes[topic]
                self._unassign(topic, wish)
                del self._homeless[topic]

    def leave(self, inbox: Inbox) -> None:
        """End everything that a subscriber wants. What its callers wait for stays missing."""
        self._claims = [claim for claim in self._claims if claim.inbox is not inbox]
        self.drop(inbox, set(self.inboxes.get(inbox, ())))
        self.inboxes.pop(inbox, None)

    # Where topics are --------------------------------------------------------------------------------

    def homeless(self, now: float) -> list[Topic]:
        """Return the topics to assign to a line now. An interrupted ``drop`` leaves one that nobody wants."""
        return [topic for topic, wish in self._homeless.items() if wish.inboxes and wish.not_before <= now]

    def next_at(self) -> float:
        """Return when the next topic is to be assigned."""
        return min((wish.not_before for wish in self._homeless.values() if wish.inboxes), default=float("inf"))

    def assign(self, topic: Topic, line: Any) -> None:
        """Let a line have a topic."""
        self._wishes[topic].line = line
        self._homeless.pop(topic, None)
        self._lines.setdefault(line, set()).add(topic)

    def put_off(self, topic: Topic, now: float) -> None:
        """Look for a node again a little later: there is none for this topic now."""
        self._wishes[topic].not_before = now + LOOK_AGAIN

    def hurry(self) -> None:
        """Assign all topics without a line at once."""
        for wish in self._homeless.values():
            wish.not_before = float("-inf")

    def topics_of(self, line: Any) -> set[Topic]:
        """Return what a line is to be subscribed to."""
        return self._lines.get(line, set())

    def _unassign(self, topic: Topic, wish: _Wish) -> None:
        line, wish.line = wish.line, None
        self._homeless[topic] = wish
        topics = self._lines.get(line)
        if topics is not None:
            topics.discard(topic)
            if not topics:
                del self._lines[line]

    # What happens to lines ---------------------------------------------------------------------------

    def confirmed(self, line: Any, topic: Topic, now: float) -> Back | None:
        """Note that a topic is live; return how long it was not, if it had been live before."""
        wish = self._wishes.get(topic)
        if wish is None or wish.line is not line:
            return None
        back = None if wish.lost_at is None else Back(wish.lost_from, now - wish.lost_at)
        wish.is_live, wish.lost_at, wish.tries, wish.hops = True, None, 0, 0
        for inbox in wish.inboxes:
            inbox.found(topic)
        for claim in self._claims:
            claim.missing.discard(topic)
        return back

    def lost(
        self, line: Any, gap: Gap, now: float, topics: Iterable[Topic] | None = None, *, is_hop: bool = False
    ) -> int:
        """Note that a line has lost these topics, or all of its topics; return how many of them were live.

        ``is_hop``: another node is known to have them.
        """
        count = 0
        for topic in [topic for topic in self.topics_of(line) if topics is None or topic in topics]:
            wish = self._wishes[topic]
            self._unassign(topic, wish)
            if wish.is_live:
                count += 1
                wish.is_live = False
                wish.lost_at, wish.lost_from = now, line.address
                for inbox in wish.inboxes:
                    inbox.lost(topic, gap)
            wish.put_off(now, is_hop=is_hop)
        return count

    def failed(self, line: Any, error: Exception, now: float) -> None:
        """Note that a line cannot be connected: callers that wait for its topics get the error."""
        topics = set(self.topics_of(line))
        self._tell(topics, error)
        self.lost(line, Gap("lost", now), now)

    def refused(self, topics: Iterable[Topic], error: Error) -> list[Inbox]:
        """Note that topics will never be live: their subscribers end with the error, or the callers that wait do.

        Returns those that have ended.
        """
        refused = set(topics)
        waiting = self._tell(refused, error)
        ended = []
        for topic in refused & self._wishes.keys():
            for inbox in list(self._wishes[topic].inboxes):
                if inbox in waiting:
                    self.drop(inbox, [topic])
                else:
                    inbox.failure = inbox.failure or error
                    self.drop(inbox, [topic])
                    ended.append(inbox)
        return ended

    def _tell(self, topics: set[Topic], error: Exception) -> set[Inbox]:
        """End the claims to these topics; return whose they were."""
        told = [claim for claim in self._claims if claim.error is None and claim.missing & topics]
        for claim in told:
            claim.error = error
        return {claim.inbox for claim in told}

    # Messages ----------------------------------------------------------------------------------------

    def readers(self, line: Any, topic: Topic) -> Iterable[Inbox]:
        """Return who gets a message that came on a line (Rule 2)."""
        wish = self._wishes.get(topic)
        return () if wish is None or wish.line is not line else wish.inboxes

    def count(self, inbox: Inbox) -> int:
        """Return how many topics a subscriber has."""
        return len(self.inboxes.get(inbox, ()))
