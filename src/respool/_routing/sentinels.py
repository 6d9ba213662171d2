"""The sentinels that are known: what each said last, and when each is asked again.

    next_at -> due -> Ask -> answered | failed -> News

Rule 1: every known sentinel is asked, in random order and ``HEDGE`` apart. While there is no primary the next one is
        asked as soon as one has answered or failed.
Rule 2: one is asked again after ``PERIOD``, after ``RETRY`` while there is no primary, and soon after a new
        subscription or what it published. It has one open question, and never two within ``PAUSE``.
Rule 3: what a sentinel said counts until it says something else, even if it cannot be reached. An answer to a question
        from before its latest announcement is not what it says.
Rule 4: an announcement has no epoch. It stands until the sentinel answers; if that fails, for ``PATIENCE``.
Rule 5: seeds stay known as the user wrote them; others become known by answers and events, up to ``MOST``. Of two
        addresses with one id the seed stays. One that failed, and that no other lists, is forgotten, but not within
        ``PAUSE``: others may list it again. None is forgotten while it has an announcement, or alone the highest
        epoch: an older view would win.

Times are absolute seconds of one monotonic clock; random numbers are in [0, 1). What is asked must end, with an answer
or not: the caller limits the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from respool._facts.errors import UsageValueError
from respool._facts.option_types import Address
from respool._routing.sentinel_answers import Answer

HEDGE: Final = 0.1
PAUSE: Final = 0.1
RETRY: Final = 1.0
#: Seconds between two questions when nothing is wrong, give or take a quarter.
PERIOD: Final = 10.0
#: Longer than sentinels need to tell each other, and to make an old primary a replica: ten seconds or so.
PATIENCE: Final = 30.0
MOST: Final = 32
_NEVER: Final = float("inf")


class Ask(NamedTuple):
    """A sentinel to be asked the ``questions`` of sentinel_answers.py."""

    sentinel: Address
    at: float


class News(NamedTuple):
    """Which sentinels became known, and which are known no more."""

    discovered: tuple[Address, ...] = ()
    forgotten: tuple[Address, ...] = ()


class Sentinel:
    """What is known of one sentinel."""

    __slots__ = (
        "_asked_at",
        "_heard_at",
        "_is_stale",
        "_next_at",
        "_open",
        "accused",
        "answer",
        "failure",
        "heir",
        "id",
        "is_seed",
        "replicas",
    )

    def __init__(self, next_at: float, own_id: str = "", *, is_seed: bool = False) -> None:
        self.id = own_id
        self.is_seed = is_seed
        self.answer: Answer | None = None
        #: Why the latest question failed.
        self.failure: Exception | None = None
        #: The replicas of the answer, and whether each is down, with what events changed since.
        self.replicas: dict[Address, bool] = {}
        #: The primary that its announcement takes the role from, and the node that gets it; None without one.
        self.accused: Address | None = None
        self.heir: Address | None = None
        self._heard_at = 0.0  # when the announcement came
        self._next_at = next_at
        self._asked_at = -_NEVER
        self._open: Ask | None = None
        self._is_stale = False  # whether the open question is older than what it published

    @property
    def named(self) -> Address | None:
        """The primary by its latest answer."""
        return None if self.answer is None else self.answer.primary

    @property
    def epoch(self) -> int:
        """The epoch of its latest answer, -1 without one."""
        return -1 if self.answer is None else self.answer.epoch

    @property
    def is_heard(self) -> bool:
        """Whether it has answered or failed."""
        return self.answer is not None or self.failure is not None

    def __str__(self) -> str:
        """What it said, for messages."""
        if self.failure is not None:
            return f"failed ({self.failure})"
        if self.named is None:
            return "does not know it"
        return f"names {self.named[0]}:{self.named[1]} at epoch {self.epoch}"

    def next_at(self) -> float:
        """Return when it is to be asked."""
        return _NEVER if self._open is not None else self._next_at

    def due(self, address: Address, now: float) -> Ask | None:
        """Return the question to ask it now, if there is one."""
        if now < self.next_at():
            return None
        self._open = Ask(address, now)
        self._asked_at = now
        self._next_at = _NEVER
        self._is_stale = False
        return self._open

    def ask_by(self, at: float) -> None:
        """Ask it at ``at``, or before if that was planned, but not too soon after the question before.

        An open question is not enough: its answer may be older than the reason to ask.
        """
        self._next_at = min(self._next_at, max(at, self._asked_at + PAUSE))

    def was_asked_since(self, at: float) -> bool:
        return self._asked_at >= at

    def has_failed_before(self, at: float) -> bool:
        return self.failure is not None and self._open is None and self._asked_at <= at

    def published(self, now: float) -> None:
        """Note that it published something that its next answer explains."""
        self._is_stale = True
        self.ask_by(now)

    def announce(self, accused: Address, heir: Address, now: float) -> None:
        """Note its announcement that ``heir`` has the role of ``accused``."""
        self.accused, self.heir = accused, heir
        self._heard_at = now

    def withdraw(self) -> None:
        """Forget its announcement."""
        self.accused = self.heir = None

    def end(self, ask: Ask, next_at: float) -> bool:
        """End a question, and tell whether it was open."""
        if self._open is not ask:
            return False
        self._open = None
        self._next_at = min(self._next_at, next_at)
        return True

    def take(self, answer: Answer) -> None:
        """Take the answer to the question that ended (Rules 3 and 4)."""
        self.failure = None
        self.id = answer.id or self.id
        if not self._is_stale:
            self.answer = answer
            self.replicas = dict(answer.replicas)
            self.withdraw()

    def fail(self, error: Exception, now: float) -> None:
        """Note that the question that ended has no answer (Rules 3 and 4)."""
        self.failure = error
        if now >= self._heard_at + PATIENCE:
            self.withdraw()


class Sentinels:
    """All sentinels that are known."""

    __slots__ = ("_needed_at", "known")

    def __init__(self, seeds: Sequence[Address], now: float, random: Callable[[], float]) -> None:
        if not seeds:
            raise UsageValueError("a pool with sentinels needs the address of one of them at least")
        order = sorted(dict.fromkeys(seeds), key=lambda _: random())
        self.known = {seed: Sentinel(now + place * HEDGE, is_seed=True) for place, seed in enumerate(order)}
        self._needed_at: float | None = now  # since when there is no primary; None if there is one

    def next_at(self) -> float:
        """Return when ``due`` will have somebody to ask, if nothing happens until then; it may be over already."""
        return min(sentinel.next_at() for sentinel in self.known.values())

    def due(self, now: float) -> list[Ask]:
        """Return whom to ask now. Each must end in ``answered`` or ``failed``."""
        asks = (sentinel.due(address, now) for address, sentinel in self.known.items())
        return [ask for ask in asks if ask is not None]

    def hurry(self, now: float) -> None:
        """Ask all of them, for there is no primary from now on. Those with an announcement come first."""
        self._needed_at = now
        for place, sentinel in enumerate(sorted(self.known.values(), key=lambda each: each.accused is None)):
            sentinel.ask_by(now + place * HEDGE)

    def rest(self) -> None:
        """Note that there is a primary."""
        self._needed_at = None

    def answered(self, ask: Ask, answer: Answer, now: float, chance: float) -> News | None:
        """Take an answer; None if it is not waited for."""
        if not self._end(ask, now, chance):
            return None
        self.known[ask.sentinel].take(answer)
        discovered = [address for address, its_id in answer.sentinels.items() if self.meet(address, its_id, now)]
        return News(tuple(discovered), (*self._forget_twins(ask.sentinel), *self._forget_gone(now)))

    def failed(self, ask: Ask, error: Exception, now: float, chance: float) -> News | None:
        """Note that there is no answer, or one that was refused; None if it is not waited for."""
        if not self._end(ask, now, chance):
            return None
        self.known[ask.sentinel].fail(error, now)
        return News(forgotten=tuple(self._forget_gone(now)))

    def meet(self, address: Address, its_id: str, now: float) -> bool:
        """Get to know a sentinel, and tell whether it is a new one."""
        is_here = any(its_id == each.id != "" and each.failure is None for each in self.known.values())
        if is_here or address in self.known or len(self.known) >= MOST:
            return False
        self.known[address] = Sentinel(now, its_id)
        return True

    def _end(self, ask: Ask, now: float, chance: float) -> bool:
        sentinel = self.known.get(ask.sentinel)
        pause = (PERIOD if self._needed_at is None else RETRY) * (0.75 + chance / 2)
        if sentinel is None or not sentinel.end(ask, now + pause):
            return False
        if (since := self._needed_at) is not None:
            others = [each for each in self.known.values() if not each.was_asked_since(since)]
            if others:
                min(others, key=lambda each: each.next_at()).ask_by(now)
        return True

    def _forget_twins(self, address: Address) -> list[Address]:
        """Forget the other addresses of the sentinel that has answered at ``address``, or this one if it is no seed."""
        own = self.known[address]
        twins = [other for other, each in self.known.items() if each.id == own.id != "" and each is not own]
        if twins and not own.is_seed:
            twins = [address]
        twins = [twin for twin in twins if self._may_forget(self.known[twin])]
        for twin in twins:
            del self.known[twin]
        return twins

    def _forget_gone(self, now: float) -> list[Address]:
        """Forget those that failed and that no other lists."""
        listed = {address for each in self.known.values() if each.answer for address in each.answer.sentinels}
        failed = [address for address, each in self.known.items() if each.has_failed_before(now - PAUSE)]
        gone = [a for a in failed if a not in listed and self._may_forget(self.known[a])]
        for address in gone:
            del self.known[address]
        return gone

    def _may_forget(self, sentinel: Sentinel) -> bool:
        others = [each.epoch for each in self.known.values() if each is not sentinel]
        return not sentinel.is_seed and sentinel.accused is None and max(others, default=-2) >= sentinel.epoch
