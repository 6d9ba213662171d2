"""The load that every side runs: tasks or threads that each send a request as soon as the last one is answered.

Rule 1: the loop is the same for all sides. A side only supplies ``open``, ``get``, ``set`` and ``close``.
Rule 2: the value is checked once, before the measurement. Then a warm-up runs the same loop as the measurement.
Rule 3: garbage collection stays on, with its defaults, for all sides. Each measurement begins after a full collection.
Rule 4: requests that were sent before the end are waited for and counted, and the time includes that wait.
"""

from __future__ import annotations

import asyncio
import gc
import math
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks._question import Missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from benchmarks._question import Place

KEY = "bench:key"
KEYS = [f"bench:key:{number}" for number in range(100)]  # they are spread evenly over the slots of a cluster
VALUE = b"0123456789abcdef" * 4
WARM_UP = 0.3  # as a fraction of the measured time


class AsyncSide(Protocol):
    """A client for asyncio. ``get`` and ``set`` are the library's own methods if possible."""

    get: Callable[[str], Awaitable[Any]]
    set: Callable[[str, bytes], Awaitable[Any]]

    async def open(self, place: Place, tasks: int) -> None: ...

    async def close(self) -> None: ...


class SyncSide(Protocol):
    """A client for threads."""

    get: Callable[[str], Any]
    set: Callable[[str, bytes], Any]

    def open(self, place: Place, threads: int) -> None: ...

    def close(self) -> None: ...


def run_async(work: Coroutine[Any, Any, dict[str, float]]) -> dict[str, float]:
    """Run ``work`` in a new uvloop event loop, which all sides use."""
    try:
        import uvloop
    except ImportError:
        work.close()
        raise Missing("uvloop is not installed") from None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def run_gets(side: AsyncSide, place: Place, tasks: int) -> dict[str, float]:
    """Return the GETs per second of ``tasks`` tasks together."""

    async def work() -> dict[str, float]:
        await side.open(place, tasks)
        try:
            await side.set(KEY, VALUE)
            check(await side.get(KEY), VALUE)
            get = side.get
            return {"ops/s": await ask_async(lambda: get(KEY), tasks, place.seconds)}
        finally:
            await side.close()

    return run_async(work())


async def ask_async(ask: Callable[[], Awaitable[Any]], tasks: int, seconds: float) -> float:
    """Warm up, then return the answers per second that ``tasks`` tasks together got."""
    await _ask_for(ask, tasks, seconds * WARM_UP)
    gc.collect()
    return await _ask_for(ask, tasks, seconds)


async def _ask_for(ask: Callable[[], Awaitable[Any]], tasks: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    is_on = True
    asked = 0

    async def ask_on() -> None:
        nonlocal asked
        await gate
        count = 0
        while is_on:
            await ask()
            count += 1
        asked += count

    def stop() -> None:
        nonlocal is_on
        is_on = False

    # All tasks wait for this future first, so that creating them is not timed.
    gate = loop.create_future()
    crowd = [loop.create_task(ask_on()) for _ in range(tasks)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.call_later(seconds, stop)
    start = perf_counter()
    gate.set_result(None)
    for task in crowd:
        await task
    return asked / (perf_counter() - start)


def run_thread_gets(side: SyncSide, place: Place, threads: int, *, with_p99: bool) -> dict[str, float]:
    """Return the GETs per second of ``threads`` threads, and the 99th percentile of their latency in ms."""
    side.open(place, threads)
    try:
        side.set(KEY, VALUE)
        check(side.get(KEY), VALUE)
        get = side.get
        return ask_threads(lambda: get(KEY), threads, place.seconds, with_p99=with_p99)
    finally:
        side.close()


def ask_threads(ask: Callable[[], Any], threads: int, seconds: float, *, with_p99: bool = False) -> dict[str, float]:
    """Warm up, then measure ``threads`` threads. The same threads do both, because some sides have a socket each."""
    is_on = True
    counts: list[int] = []
    times: list[list[float]] = []
    errors: list[BaseException] = []
    begin = threading.Barrier(threads + 1)

    def ask_on() -> None:
        while is_on:
            ask()
        begin.wait()
        begin.wait()
        count, took = 0, []
        if with_p99:
            while is_on:
                before = perf_counter()
                ask()
                took.append(perf_counter() - before)
            count = len(took)
        else:
            while is_on:
                ask()
                count += 1
        counts.append(count)
        times.append(took)

    def ask_on_or_tell() -> None:
        try:
            ask_on()
        except BaseException as error:
            errors.append(error)
            begin.abort()

    crowd = [threading.Thread(target=ask_on_or_tell, daemon=True) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    stop = threading.Event()  # never set: its ``wait`` is an exact sleep even if the GIL is busy
    try:
        stop.wait(seconds * WARM_UP)
        is_on = False
        begin.wait()
        gc.collect()
        is_on = True
        begin.wait()
        start = perf_counter()
        stop.wait(seconds)
    except threading.BrokenBarrierError:
        raise next(error for error in errors if not isinstance(error, threading.BrokenBarrierError)) from None
    finally:
        is_on = False
    for thread in crowd:
        thread.join()
    took = perf_counter() - start
    if errors:
        raise errors[0]
    figures = {"ops/s": sum(counts) / took}
    if with_p99:
        figures["p99 ms"] = percentile([time for one in times for time in one], 0.99) * 1000
    return figures


def percentile(figures: list[float], share: float) -> float:
    """Return the smallest figure that at least ``share`` of all do not exceed."""
    ranked = sorted(figures)
    return ranked[math.ceil(share * len(ranked)) - 1]


def check(answer: Any, wanted: bytes) -> None:
    """Raise AssertionError if a side does not return the value that was set."""
    if answer != wanted:
        raise AssertionError(f"the answer is {answer!r:.80}, not the value that was set")
