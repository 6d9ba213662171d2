"""The calls that are interrupted, and the scenes they run in.

A scene is a pool in some state, with other callers using it; the call is one public coroutine. Afterwards the pool
must work, and its counts must show that nothing is in use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from respool import AsyncConnection, AsyncPool

Pool = AsyncPool[bytes]


@dataclass
class Scene:
    """A pool, its server's address, and the leases that the scene holds."""

    where: dict[str, Any]
    pool: Pool
    held: list[Any] = field(default_factory=list)
    connection: Any = None
    timers: list[Any] = field(default_factory=list)

    def later(self, seconds: float, do: Callable[..., Any], *args: Any) -> None:
        self.timers.append(asyncio.get_running_loop().call_later(seconds, do, *args))

    def give_back(self) -> None:
        for timer in self.timers:
            timer.cancel()
        while self.held:
            self.pool.release(self.held.pop())


Act = Callable[[Scene], Coroutine[Any, Any, Any]]
Prepare = Callable[[Scene], Awaitable[None]]


@dataclass(frozen=True)
class Call:
    """One public coroutine in one scene."""

    name: str
    act: Act
    options: dict[str, Any] = field(default_factory=dict)
    prepare: Prepare | None = None
    #: Whether an interruption must cost no connection at all (P-04).
    is_free: bool = False
    #: Whether other callers use the pool meanwhile, and must not notice.
    has_neighbours: bool = True


async def warm(scene: Scene) -> None:
    await scene.pool.open()
    await scene.pool.execute("ECHO", "warm")


async def rested(scene: Scene) -> None:
    """Make its connection idle for longer than ``keepalive``."""
    await warm(scene)
    await asyncio.sleep(0.006)


async def lent_out(scene: Scene) -> None:
    """Lease the only connection, and release it a little later."""
    scene.held.append(await scene.pool.acquire())


async def own_connection(scene: Scene) -> None:
    scene.connection = AsyncConnection(**scene.where)
    await scene.connection.open()


async def unopened_connection(scene: Scene) -> None:
    scene.connection = AsyncConnection(**scene.where)


# Acts -------------------------------------------------------------------------------------------------


async def execute(scene: Scene) -> None:
    assert await scene.pool.execute("ECHO", "a") == b"a"


async def execute_in_time(scene: Scene) -> None:
    assert await scene.pool.execute("ECHO", "a", timeout=5.0) == b"a"


async def execute_many(scene: Scene) -> None:
    assert await scene.pool.execute_many([("ECHO", "a"), ("ECHO", "b")]) == [b"a", b"b"]


async def execute_atomic(scene: Scene) -> None:
    assert await scene.pool.execute_many([("ECHO", "a"), ("ECHO", "b")], atomic=True) == [b"a", b"b"]


async def execute_big(scene: Scene) -> None:
    assert len(await scene.pool.execute_many([("ECHO", "a")] * 1500)) == 1500


async def execute_noreply(scene: Scene) -> None:
    await scene.pool.execute_noreply("SET", "k", "v")


async def execute_many_noreply(scene: Scene) -> None:
    await scene.pool.execute_many_noreply([("SET", "k", "v"), ("SET", "k", "w")])


async def typed_command(scene: Scene) -> None:
    assert await scene.pool.echo(b"a") == b"a"


async def pipeline(scene: Scene) -> None:
    async with scene.pool.pipeline() as p:
        answer = p.execute("ECHO", "a")
    assert answer.result() == b"a"


async def pipeline_sent(scene: Scene) -> None:
    p = scene.pool.pipeline(atomic=True)
    answer = p.execute("ECHO", "a")
    assert await p.send() == [b"a"]
    assert answer.result() == b"a"


async def at_once(scene: Scene) -> None:
    answers = await asyncio.gather(*[scene.pool.execute("ECHO", str(number)) for number in range(5)])
    assert answers == [b"0", b"1", b"2", b"3", b"4"]


async def lease(scene: Scene) -> None:
    async with scene.pool.acquire() as conn:
        assert await conn.execute("ECHO", "a") == b"a"


async def lease_after_wait(scene: Scene) -> None:
    scene.later(0.002, scene.give_back)
    await lease(scene)


async def lease_in_time(scene: Scene) -> None:
    scene.later(0.002, scene.give_back)
    conn = await scene.pool.acquire(timeout=5.0)
    scene.pool.release(conn)


async def lease_transaction(scene: Scene) -> None:
    async with scene.pool.acquire() as conn:
        await conn.execute("WATCH", "k")
        await conn.execute("SELECT", 1)
        await conn.execute("MULTI")
        await conn.execute("SET", "k", "v")
        await conn.execute("EXEC")


async def lease_subscribe(scene: Scene) -> None:
    async with scene.pool.acquire() as conn:
        await conn.execute("SUBSCRIBE", "news")


async def blpop(scene: Scene) -> None:
    assert await scene.pool.execute("BLPOP", "nothing", 0.01) is None


async def within_pool(scene: Scene) -> None:
    """Use a pool of the call's own. The scene's pool must not be affected."""
    async with AsyncPool[bytes](**scene.where, shared=1, max_size=2) as pool:
        assert await pool.execute("ECHO", "a") == b"a"


async def select(scene: Scene) -> None:
    await scene.pool.select(1)


async def resize(scene: Scene) -> None:
    await scene.pool.resize(min_size=0, max_size=3)


async def clear(scene: Scene) -> None:
    await scene.pool.clear()


async def open_pool(scene: Scene) -> None:
    await scene.pool.open()


async def wait_ready(scene: Scene) -> None:
    scene.pool.drain()
    await scene.pool.wait_ready(5.0)


async def aclose(scene: Scene) -> None:
    scene.later(0.002, scene.give_back)
    late = asyncio.ensure_future(scene.pool.execute("ECHO", "late"))
    try:
        await asyncio.sleep(0)
        await scene.pool.aclose(timeout=5.0)
    finally:
        late.add_done_callback(lambda done: done.cancelled() or done.exception())


async def connection_open(scene: Scene) -> None:
    await scene.connection.open()


async def connection_execute(scene: Scene) -> None:
    assert await scene.connection.execute("ECHO", "a", timeout=5.0) == b"a"


async def connection_execute_many(scene: Scene) -> None:
    assert await scene.connection.execute_many([("ECHO", "a"), ("ECHO", "b")], atomic=True) == [b"a", b"b"]


async def connection_noreply(scene: Scene) -> None:
    await scene.connection.execute_noreply("SET", "k", "v")
    await scene.connection.execute_many_noreply([("SET", "k", "v"), ("SET", "k", "w")])
    assert await scene.connection.echo("a") == b"a"


async def connection_pipeline(scene: Scene) -> None:
    async with scene.connection.pipeline() as p:
        answer = p.echo("a")
    assert answer.result() == b"a"


async def within_connection(scene: Scene) -> None:
    async with AsyncConnection[bytes](**scene.where) as connection:
        assert await connection.execute("ECHO", "a") == b"a"


async def connection_reset(scene: Scene) -> None:
    await scene.connection.reset()


async def connection_aclose(scene: Scene) -> None:
    await scene.connection.aclose()


async def _slow_hook(_: Any) -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0.0005)


HOOKS: Final = {"configure": _slow_hook, "check": _slow_hook, "reset": _slow_hook}
ONE_SHARED: Final = {"shared": 1, "max_size": 3}
TWO_SHARED: Final = {"shared": 2, "max_size": 4}
EXCLUSIVE: Final = {"shared": 0, "max_size": 2}
SINGLE: Final = {"shared": 0, "max_size": 1}
NARROW: Final = {"shared": 1, "max_size": 2, "max_in_flight": 1}

CALLS: Final = [
    *[
        Call(
            f"{act.__name__}, {state}, {name}", act, options, prepare, is_free=prepare is warm and options["shared"] > 0
        )
        for act in (execute, execute_in_time, execute_many, execute_atomic, execute_noreply, pipeline, at_once)
        for name, options in (("shared", ONE_SHARED), ("two shared", TWO_SHARED), ("exclusive", EXCLUSIVE))
        for state, prepare in (("cold", None), ("warm", warm))
    ],
    Call("execute_many_noreply", execute_many_noreply, ONE_SHARED, warm, is_free=True),
    Call("execute_many_noreply, exclusive", execute_many_noreply, EXCLUSIVE, warm),
    Call("a typed command", typed_command, ONE_SHARED, warm, is_free=True),
    Call("pipeline.send", pipeline_sent, ONE_SHARED, warm, is_free=True),
    Call("pipeline.send, exclusive", pipeline_sent, EXCLUSIVE),
    Call("async with pool", within_pool, ONE_SHARED),
    Call("execute_big", execute_big, ONE_SHARED, warm),
    Call("execute through a narrow door", execute, NARROW, warm, is_free=True),
    Call("execute_many through a narrow door", execute_many, NARROW, warm, is_free=True),
    Call("execute_noreply through a narrow door", execute_noreply, NARROW, warm, is_free=True),
    Call("execute with hooks", execute, {**EXCLUSIVE, **HOOKS}),
    Call("lease, cold", lease, EXCLUSIVE),
    Call("lease, warm", lease, ONE_SHARED, warm),
    Call("lease with hooks", lease, {**EXCLUSIVE, **HOOKS}, warm),
    Call("lease after an old PING", lease, {**EXCLUSIVE, "keepalive": 0.005}, rested),
    Call("lease_after_wait", lease_after_wait, SINGLE, lent_out, has_neighbours=False),
    Call("lease_in_time", lease_in_time, SINGLE, lent_out, has_neighbours=False),
    Call("lease_transaction", lease_transaction, ONE_SHARED, warm),
    Call("lease_subscribe", lease_subscribe, ONE_SHARED, warm),
    Call("blpop, shared", blpop, ONE_SHARED, warm),
    Call("blpop, exclusive", blpop, EXCLUSIVE),
    Call("select, shared", select, TWO_SHARED, warm, has_neighbours=False),
    Call("select, exclusive", select, EXCLUSIVE, warm, has_neighbours=False),
    Call("resize", resize, {**EXCLUSIVE, "min_size": 2}, warm),
    Call("clear", clear, {**EXCLUSIVE, "min_size": 1}, warm),
    Call("open", open_pool, {**ONE_SHARED, "min_size": 3}, has_neighbours=False),
    Call("wait_ready", wait_ready, {**ONE_SHARED, "min_size": 3}, warm),
    Call("aclose, shared", aclose, ONE_SHARED, lent_out, has_neighbours=False),
    Call("aclose, exclusive", aclose, SINGLE, lent_out, has_neighbours=False),
    Call("aclose, cold", aclose, ONE_SHARED, has_neighbours=False),
    Call("connection.open", connection_open, {}, unopened_connection),
    Call("connection.execute", connection_execute, {}, own_connection),
    Call("connection.execute_many", connection_execute_many, {}, own_connection),
    Call("connection.execute_noreply", connection_noreply, {}, own_connection),
    Call("connection.pipeline", connection_pipeline, {}, own_connection),
    Call("async with connection", within_connection, {}),
    Call("connection.reset", connection_reset, {}, own_connection),
    Call("connection.aclose", connection_aclose, {}, own_connection),
]
