"""Record what callers did and which outcomes they got, and compare it with what the server executed.

Rule 1: a write is *acknowledged*, *unknown* or *surely not executed*. The last is a claim of the pool (an error whose
        ``executed`` is "no", a PoolError, an error reply), and is checked like the first.
Rule 2: a broken promise is raised where it is found, as ``Broken``. If that is impossible, it is kept for the end.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

from respool.errors import Error, PoolError, ServerError, TransportError, UsageError

if TYPE_CHECKING:
    from types import TracebackType

    from .server import Server, Session


class Broken(AssertionError):
    """The pool broke a promise."""


class HookError(Exception):
    """Raised by hooks of the run."""


#: Error replies of a server that is temporarily unavailable: the command did not run (R-24).
NOT_NOW = frozenset({"LOADING", "READONLY"})


def surely_not_executed(error: BaseException) -> bool:
    """Return whether an error claims that the command did not run."""
    if isinstance(error, TransportError):
        return error.executed == "no"
    return isinstance(error, PoolError | UsageError | ServerError | HookError)


def is_refusal(error: BaseException, refused: dict[str, str]) -> bool:
    """Return whether the server of this run gives this error to a word of a transaction that it does not know."""
    texts = [text.partition(" ")[2].rstrip() for text in refused.values()]
    return isinstance(error, ServerError) and error.message.startswith(tuple(texts))


def is_without_multi(error: BaseException | None) -> bool:
    """Return whether an atomic run says that its commands were executed one by one, because MULTI was refused."""
    return isinstance(error, ServerError) and "MULTI was refused" in str(error)


class Write:
    """One write in progress: ``with books.write(...) as write: ...; write.acknowledged()``."""

    def __init__(self, books: Books, tokens: list[bytes], counters: list[bytes]) -> None:
        self._books = books
        self._tokens = tokens
        self._counters = counters
        self._is_acknowledged = False

    def acknowledged(self) -> None:
        self._is_acknowledged = True

    def __enter__(self) -> Write:
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: TracebackType | None) -> None:
        self.settle(error)

    def settle(self, error: BaseException | None) -> None:
        """Note how it ended."""
        books = self._books
        is_alone = is_without_multi(error)
        if self._is_acknowledged or (is_alone and "all of the" in str(error)):
            books.tokens.update(dict.fromkeys(self._tokens, "acknowledged"))
            books.acknowledged.update(self._counters)
        elif error is not None and not is_alone and surely_not_executed(error):
            books.tokens.update(dict.fromkeys(self._tokens, f"not executed, by {error!r}"))
        else:
            books.tokens.update(dict.fromkeys(self._tokens, "unknown"))
            books.unknown.update(self._counters)


class Books:
    """The callers' record of one run."""

    def __init__(self) -> None:
        self.tokens: dict[bytes, str] = {}
        self.acknowledged: Counter[bytes] = Counter()
        self.unknown: Counter[bytes] = Counter()
        self.counted: dict[bytes, set[int]] = {}
        self.errors: Counter[str] = Counter()
        self.cancels = 0
        self.operations = 0
        self.exhausted = 0
        self.timeouts = 0
        self.leaks = 0
        self.failures: list[str] = []
        self.holders: dict[int, str] = {}
        self._serial = 0

    def fail(self, message: str) -> None:
        """Keep a broken promise for the end of the run."""
        self.failures.append(message)

    @property
    def last_token(self) -> int:
        return self._serial

    def token(self, where: str) -> bytes:
        self._serial += 1
        return b"tok:%b:%d" % (where.encode(), self._serial)

    def write(self, *, tokens: list[bytes] | None = None, counters: list[bytes] | None = None) -> Write:
        return Write(self, tokens or [], counters or [])

    def saw_counter(self, key: bytes, value: Any) -> None:
        """Record the reply of an INCR: no two replies of one counter may be equal."""
        seen = self.counted.setdefault(key, set())
        if type(value) is not int or value in seen:
            raise Broken(f"INCR {key!r} answered {value!r}, which is somebody else's reply")
        seen.add(value)

    def expect(self, *, got: Any, wanted: Any, what: str) -> None:
        if got != wanted:
            raise Broken(f"{what} answered {got!r} instead of {wanted!r}")

    def note_error(self, error: BaseException) -> None:
        self.errors[type(error).__name__] += 1

    # Leases ------------------------------------------------------------------------------------------

    def leased(self, session: Session, who: str, db: int, protocol: int, name: str) -> None:
        """Check a lease at the server: no other caller may have it, and it must be like new (P-19)."""
        number = session.sock.number
        if number in self.holders:
            raise Broken(f"connection {number} was lent to {who} while {self.holders[number]} has it")
        self.holders[number] = who
        if session.is_over:
            return  # it has just ended, and the pool may not know yet
        dirt = {
            "MULTI": session.transaction is not None,
            "WATCH": bool(session.watched),
            "SUBSCRIBE": bool(session.channels),
            "CLIENT REPLY": not session.replies or bool(session.skips),
            "CLIENT TRACKING": session.is_tracking,
            "a blocked command": session.waits_for is not None,
            "SELECT": session.db != db,
            "HELLO": session.protocol != protocol,
            "CLIENT SETNAME": session.name != name,
            "AUTH": not session.is_known,
        }
        found = [what for what, is_there in dirt.items() if is_there]
        if found:
            raise Broken(f"{who} was lent connection {number} with {', '.join(found)} left on it")

    def returned(self, session: Session) -> None:
        self.holders.pop(session.sock.number, None)

    # The end -----------------------------------------------------------------------------------------

    def compare(self, server: Server) -> None:
        """Compare the callers' record with what the server executed (P-01, P-10)."""
        for token, outcome in self.tokens.items():
            ran = server.executed[token]
            if ran > 1:
                self.fail(f"{token!r} ran {ran} times")
            if outcome == "acknowledged" and ran != 1:
                self.fail(f"{token!r} was acknowledged and ran {ran} times")
            if outcome.startswith("not executed") and ran:
                self.fail(f"{token!r} ran, but its caller was told: {outcome}")
        for words in server.insisted:
            self.fail(f"{words[:3]} was sent again to the connection that had said READONLY")
        for words in server.asked_again:
            self.fail(f"{words[:3]} was sent again after a reply that was not RESP")
        for token in server.executed.keys() - self.tokens.keys():
            self.fail(f"{token!r} ran, and nobody ever sent it")
        for key in self.acknowledged.keys() | self.unknown.keys() | server.increments.keys():
            least, most = self.acknowledged[key], self.acknowledged[key] + self.unknown[key]
            if not least <= server.increments[key] <= most:
                self.fail(f"{key!r} stands at {server.increments[key]}, acknowledged {least}, at most {most}")


def is_expected(error: BaseException) -> bool:
    """Return whether a caller may get this error at all while there are faults."""
    return isinstance(error, Error | HookError) and not isinstance(error, UsageError)


def cancels_of(task: asyncio.Task[Any]) -> int:
    """Uncancel a task for each cancel that was delivered, and return how many there were."""
    count = task.cancelling()
    for _ in range(count):
        task.uncancel()
    return count
