"""B15: what does an application see: CPU for each request, its latency, and an outage of the server?

Each request counts against a limit (INCR and EXPIRE in a transaction) and reads a page from the cache (GET, and SET
with a ttl on a miss). The visitors of the first case each send a request as soon as the last one is answered. In the
other cases requests arrive at a fixed rate, whatever becomes of those before, as they do on the web: a client that
fails quickly gets no more of them. Latency counts from the moment at which a request was due.

The outage begins ``BEFORE`` seconds after the first request. It ends when the server goes on (frozen), or when another
one answers on its port, without data (killed).
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from benchmarks._load import WARM_UP, percentile, run_async
from benchmarks._memory import frozen_server
from benchmarks._question import OURS, Bar, Case, Missing, Place, Question
from benchmarks.peers import async_side

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from respool.testing import Server

ALONE, PATIENT = "no server", "connect_timeout=5"
VISITORS = 100
RATE = 500  # requests per second
LONGER = 4  # times the seconds of a measurement, so that there is a 99th percentile at this rate
OUTAGE = 2.0  # seconds
PART = 7  # a quick run has an outage of so many measurements if that is shorter
BEFORE, AFTER = 0.5, 2.0  # seconds of requests around the outage
SLOW = 0.2  # seconds; as long as a request takes longer, all is not well
PATIENCE = 45.0  # seconds; below that of _rounds, so that this process ends its server itself


@dataclass
class Tally:
    """What became of the requests."""

    took: list[float] = field(default_factory=list)
    failed: int = 0
    last_bad: float = 0.0  # when the last one ended that failed or was slow
    cpu: float = 0.0  # seconds that this process ran
    seconds: float = 0.0  # for which requests were sent

    async def note(self, ask: Callable[[], Awaitable[None]], due: float) -> None:
        """Send a request that was due at ``due``."""
        try:
            await ask()
        except Exception:
            self.failed += 1
            self.last_bad = perf_counter()
        else:
            now = perf_counter()
            if now - due > SLOW:
                self.last_bad = now
        self.took.append(perf_counter() - due)

    @property
    def cpu_us(self) -> float:
        return self.cpu / len(self.took) * 1e6


def measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    return run_async(_measure(side, params, place))


async def _measure(side: str, params: Mapping[str, Any], place: Place) -> dict[str, float]:
    try:
        # Not at the head: Starlette may be missing, and only this question needs it.
        from benchmarks._application import Dictionaries, Visitors, make_application
    except ModuleNotFoundError as error:
        raise Missing(f"{error.name} is not installed") from None
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as ends:
        work = params["work"]
        if work == "killed":
            server = await _own_server(place, ends)
            place = replace(place, host=server.host, port=server.port, pid=server.pid)
        store = Dictionaries() if side == ALONE else async_side(side)
        await store.open(place, VISITORS)
        ends.push_async_callback(store.close)
        ask = Visitors(make_application(store)).ask
        await ask()  # raises if the application does not work
        await _crowd(ask, place.seconds * WARM_UP)
        gc.collect()
        match work:
            case "crowd":
                tally = await _crowd(ask, place.seconds)
                return {"requests/s": len(tally.took) / tally.seconds, **_figures(tally)}
            case "rate":
                return _figures(await _arrivals(ask, asyncio.create_task(asyncio.sleep(place.seconds * LONGER))))
            case "frozen":
                return await _outage(ask, _frozen(place), place.seconds)
            case _:
                return await _outage(ask, _killed(server), place.seconds)


def _figures(tally: Tally) -> dict[str, float]:
    if tally.failed:
        raise AssertionError(f"{tally.failed} requests failed though nothing was wrong")
    return {"CPU us/request": tally.cpu_us, "p99 ms": percentile(tally.took, 0.99) * 1000}


# Load ----------------------------------------------------------------------------------------------------


async def _crowd(ask: Callable[[], Awaitable[None]], seconds: float) -> Tally:
    """Let ``VISITORS`` tasks each send one request after the other."""
    tally = Tally()
    start, cpu = perf_counter(), process_time()

    async def visit() -> None:
        while perf_counter() - start < seconds:
            await tally.note(ask, perf_counter())

    await asyncio.gather(*(visit() for _ in range(VISITORS)))
    tally.cpu, tally.seconds = process_time() - cpu, perf_counter() - start
    return tally


async def _arrivals(ask: Callable[[], Awaitable[None]], until: asyncio.Task[Any]) -> Tally:
    """Send ``RATE`` requests per second until the task ``until`` is done; then wait for those on their way."""
    tally = Tally()
    start, cpu = perf_counter(), process_time()
    requests: set[asyncio.Task[None]] = set()
    number = 0
    while not until.done():
        due = start + number / RATE
        if (wait := due - perf_counter()) > 0:
            await asyncio.sleep(wait)
        request = asyncio.create_task(tally.note(ask, min(due, perf_counter())))
        requests.add(request)
        request.add_done_callback(requests.discard)
        number += 1
    tally.seconds = perf_counter() - start
    await asyncio.gather(until, *requests)
    tally.cpu = process_time() - cpu
    return tally


# Outages -------------------------------------------------------------------------------------------------


async def _outage(ask: Callable[[], Awaitable[None]], outage: Any, seconds: float) -> dict[str, float]:
    """Send requests before, during and after an outage."""
    back = 0.0

    async def weather() -> None:
        nonlocal back
        await asyncio.sleep(BEFORE)
        async with outage:
            await asyncio.sleep(min(OUTAGE, seconds * PART))
        back = perf_counter()
        await asyncio.sleep(AFTER)

    tally = await _arrivals(ask, asyncio.create_task(weather()))
    return {
        "failed": tally.failed,
        "longest s": max(tally.took),
        "well again s": max(0.0, tally.last_bad - back),
        "CPU us/request": tally.cpu_us,
    }


@asynccontextmanager
async def _frozen(place: Place) -> AsyncIterator[None]:
    with frozen_server(place):
        yield


@asynccontextmanager
async def _killed(server: Server) -> AsyncIterator[None]:
    await asyncio.to_thread(server.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


async def _own_server(place: Place, ends: AsyncExitStack) -> Server:
    """Start a server that may be killed: nobody else uses it."""
    from respool.testing import Server  # not at the head: other cases do without it

    server = await asyncio.to_thread(Server(place.binary).start)
    ends.push_async_callback(asyncio.to_thread, server.stop)
    return server


QUESTION = Question(
    id="B15",
    title=f"a Starlette application: cache and limit; {VISITORS} visitors, {RATE} requests/s, outages of {OUTAGE:g} s",
    sides=(OURS, "drop-in", "redis-py"),
    cases=(
        Case(f"{VISITORS} visitors", {"work": "crowd"}, sides=(OURS, "drop-in", "redis-py", ALONE)),
        Case(f"{RATE} requests/s", {"work": "rate"}, sides=(OURS, "drop-in", "redis-py", ALONE)),
        Case("frozen", {"work": "frozen"}, is_fresh=True, rounds=3),
        Case(
            "killed, started again",
            {"work": "killed"},
            sides=(OURS, PATIENT, "drop-in", "redis-py"),
            is_fresh=True,
            rounds=3,
        ),
    ),
    bars=(
        Bar(f"{VISITORS} visitors", "requests/s", over="redis-py", at_least=2),
        Bar(f"{VISITORS} visitors", "CPU us/request", over="redis-py", at_most=0.5),
    ),
    measure=measure,
    notes=(
        f"{ALONE}: a dictionary instead of a client; so this is in the CPU of all sides",
        "there is no web server; CPU is that of the whole process, with the tasks that send the requests",
        f"outages: {RATE} requests/s arrive",
        f"well again: from the server's return to the end of the last request that failed or took over {SLOW:g} s",
        "killed: with the default connect_timeout of 2 s callers of respool do not wait until such an outage is over",
        "killed: a count on its way fails with respool, as it may have been made; redis-py sends it again",
    ),
)
