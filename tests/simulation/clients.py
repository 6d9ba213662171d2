"""The callers of a run: each runs its operations one after the other, and checks every reply.

Rule 1: one operation is one coroutine function of ``operations`` or ``lease_operations``. This file knows how each of
        them may end.
Rule 2: a cancelled call raises CancelledError, and a call that was not cancelled never does (P-03).
Rule 3: a call with a time limit ends within the limit plus one tick (P-05).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from respool.errors import ConnectionLost, PoolError, ProtocolError, ReadTimeout, ServerError, UsageError

from .books import Broken, cancels_of, is_expected, is_refusal

if TYPE_CHECKING:
    from .run import Run
    from .server import Garble

#: How late a call may end: uvloop rounds a timer to the nearest millisecond, and its clock counts whole ones.
TICK: Final = 0.0021

Operation = Callable[["Client"], Coroutine[Any, Any, None]]


class Client:
    """One caller, its own key, and the values the key may have."""

    def __init__(self, run: Run, number: int) -> None:
        self.run = run
        self.number = number
        self.name = f"c{number}"
        self.chance = run.chance(f"client {number}")
        self.books = run.books
        self.pool = run.pool
        self.key = f"own:{number}".encode()
        #: The values that the key may have now; None: no value.
        self.possible: set[bytes | None] = {None}
        self.values = 0
        self.doing = "nothing"
        self.limit: float | None = None
        self.task: asyncio.Task[None] | None = None

    # Life --------------------------------------------------------------------------------------------

    async def live(self, operations: list[tuple[str, Operation]]) -> None:
        """Run the operations with pauses in between."""
        self.task = asyncio.current_task()
        for name, operation in operations:
            if self.run.is_over:
                return
            try:
                await self.pause()
            except asyncio.CancelledError:
                self._answered_cancel("a pause")
            await self._guarded(name, operation)

    async def pause(self) -> None:
        pace = self.run.plan.pace
        if pace and self.chance.random() < 0.6:
            await asyncio.sleep(self.chance.expovariate(1.0 / pace))

    async def _guarded(self, name: str, operation: Operation) -> None:
        """Run one operation and check how it ended."""
        run, books, task = self.run, self.books, asyncio.current_task()
        assert task is not None
        self.doing, self.limit = name, None
        books.operations += 1
        started, garbles, tokens = run.loop.time(), len(run.server.garbled), books.last_token
        outcome = "done"
        failure: Exception | None = None
        try:
            await operation(self)
        except asyncio.CancelledError:
            self._answered_cancel(name)
            outcome = "cancelled"
        except Broken as broken:
            books.fail(f"{self.name} {name}: {broken}")
        except Exception as error:
            outcome, failure = repr(error), error
            self._judge(name, error)
        if outcome != "cancelled":
            self._check_garbles(name, failure, run.server.garbled[garbles:], tokens)
        if task.cancelling():
            books.fail(f"{self.name} {name}: a cancel was swallowed, and {outcome} came out")
            cancels_of(task)
        if name in EXEMPT_FROM_TIME:
            self.limit = None
        if self.limit is not None:
            self._check_time(name, started, self.limit)
        run.note(self.name, name, outcome)
        self.doing = "nothing"

    def _answered_cancel(self, name: str) -> None:
        task = self.task
        assert task is not None
        if cancels_of(task) == 0:
            self.books.fail(f"{self.name} {name}: CancelledError, and nobody had cancelled")

    def _judge(self, name: str, error: Exception) -> None:
        """Check that this error can occur in this run."""
        books, plan = self.books, self.run.plan
        books.note_error(error)
        if type(error) is TimeoutError and self.limit is not None:
            return  # the caller's own asyncio.timeout
        if not is_expected(error):
            books.fail(f"{self.name} {name}: {error!r}")
        elif isinstance(error, PoolError):
            return
        elif plan.is_calm and self._is_blamed_on_world(error):
            books.fail(f"{self.name} {name}: {error!r} from {error.__cause__!r}, and nothing was wrong with the world")

    def _check_garbles(self, name: str, error: Exception | None, since: list[Garble], tokens: int) -> None:
        """Check that a reply that is not RESP ends in a ProtocolError for the caller of its command, and no other (R-24).

        Such a reply may be to a command that this caller gave up in an earlier operation. Only ``tokens`` tell.
        """
        mine = [garble for garble in since if garble.belongs_to(self.name, self.key)]
        if isinstance(error, ProtocolError):
            others = [garble for garble in self.run.server.garbled if garble.is_anonymous and not garble.is_settled]
            if not (mine or others):
                self.books.fail(f"{self.name} {name}: {error!r}, and its reply was as it should be")
            elif not mine:
                others[0].is_settled = True
        elif name not in UNANSWERED and (error is None or isinstance(error, ConnectionLost)):
            for garble in mine:
                if garble.newest_token > tokens:
                    self.books.fail(f"{self.name} {name}: the reply to {garble.words[:2]} was not RESP, and the end was {error!r}")

    def _is_blamed_on_world(self, error: Exception) -> bool:
        plan = self.run.plan
        if plan.closes_early or plan.selects:
            return False  # closing fails commands in flight, and so does a cancelled select()
        if isinstance(error, ReadTimeout):
            return self.limit is None
        if is_refusal(error, plan.refused):
            return False
        return isinstance(error, ConnectionLost | ProtocolError | ServerError | UsageError | ConnectionError)

    def _check_time(self, name: str, started: float, limit: float) -> None:
        now = self.run.loop.time()
        late = now - started - limit - self.run.faults.stalled_between(started - TICK, now + TICK)
        if late > TICK:
            self.books.fail(f"{self.name} {name}: limited to {limit:g} s, it ended {late:.6f} s late")

    # Help for operations -------------------------------------------------------------------------------

    def soon(self) -> float:
        """Return a time limit, sometimes generous, sometimes very short."""
        return self.chance.choice((0.0, 0.0005, 0.002, 0.05, 1.0, 10.0))

    def new_value(self) -> bytes:
        self.values += 1
        return b"%b=%d" % (self.key, self.values)

    async def execute(self, *args: Any) -> Any:
        """Run one command in a random way: without a limit, with ``timeout=``, or under asyncio.timeout."""
        way = self.chance.random()
        if way < 0.7:
            answer = await self.pool.execute(*args)
        else:
            self.limit = seconds = self.soon()
            if way < 0.85:
                answer = await self.pool.execute(*args, timeout=seconds)
            else:
                async with asyncio.timeout(seconds):
                    answer = await self.pool.execute(*args)
        if answer == b"QUEUED":
            raise Broken(f"{args[0]} was sent into somebody's open transaction")
        return answer

    async def cancel_somebody(self) -> None:
        """Cancel another client now, or in the same round in which its wait ends, or twice."""
        others = [client for client in self.run.clients if client.task is not None and not client.task.done()]
        others = [client for client in others if client is not self]
        if not others:
            return
        victim = self.chance.choice(others)
        for _ in range(self.chance.choice((1, 1, 1, 2))):
            if self.chance.random() < 0.5:
                await asyncio.sleep(0)
            assert victim.task is not None
            victim.task.cancel()
            self.books.cancels += 1


#: Operations of which only a part has a time limit.
EXEMPT_FROM_TIME: Final = frozenset({"overtake", "wrong_type"})

#: Operations that do not wait for the reply to each of their commands, or end in the error of another one.
UNANSWERED: Final = frozenset({"echo_at_once", "lease_in_flight", "lease_noreply", "noreply", "noreply_many", "overtake"})
