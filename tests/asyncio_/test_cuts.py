# Written once: tests/threads/test_cuts.py is generated from this file.
"""An exchange cut after every single byte, in both directions: the right value or an error, never a wrong reply."""

from __future__ import annotations

from typing import Any

import pytest

from asyncio_.harness import Callers
from respool import AsyncPool, RetryPolicy
from respool.errors import OutcomeUnknown, TransportError
from respool.testing import FaultProxy, Server

PROMPT = RetryPolicy(base=0.0)


class Exchange:
    """Some reads and writes at the same time, and the outcomes of the writes."""

    def __init__(self, pool: AsyncPool[Any], callers: Callers) -> None:
        self._pool = pool
        self._callers = callers
        self.sure = self.unsure = 0

    async def run(self) -> None:
        start, pool = self._callers.start, self._pool
        reads = [start(pool.execute, "ECHO", word) for word in ("a", "bb")]
        run = start(pool.execute_many, [("ECHO", "1"), ("ECHO", "22")])
        count = start(self._count)
        assert [await read.result() for read in reads] == [b"a", b"bb"]
        assert await run.result() == [b"1", b"22"]
        await count.result()
        assert await pool.execute("ECHO", "after") == b"after"

    async def _count(self) -> None:
        try:
            await self._pool.incr("n")
        except OutcomeUnknown:
            self.unsure += 1
        else:
            self.sure += 1


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_reads_survive_a_cut_anywhere_and_a_write_runs_once_at_most(
    callers: Callers, server: Server, direction: str
) -> None:
    with FaultProxy(server) as proxy:
        faults = getattr(proxy, direction)
        async with AsyncPool(proxy.url, shared=1) as pool:
            before = faults.passed
            await Exchange(pool, callers).run()
            whole = faults.passed - before
        assert whole > 20
        sure, unsure, cuts = 1, 0, 0
        for count in range(whole + 1):
            async with AsyncPool(proxy.url, shared=1, retry=PROMPT, connect_timeout=5.0) as pool:
                exchange = Exchange(pool, callers)
                faults.limit_after(count, total=True)
                await exchange.run()
                sure, unsure = sure + exchange.sure, unsure + exchange.unsure
                cuts += pool.stats().lost
                assert pool.stats().in_flight == 0
                proxy.heal()
        assert cuts >= whole - 1  # the last byte may be the end of the exchange
        assert sure <= int(server.command("GET", "n")) <= sure + unsure


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_handshake_cut_anywhere_is_made_anew_and_whole(server: Server, direction: str) -> None:
    with FaultProxy(server) as proxy:
        faults = getattr(proxy, direction)
        async with AsyncPool(proxy.url, shared=1, client_name="cut") as pool:
            whole = faults.passed
            del pool
        for count in range(0, whole, 3):
            pool: AsyncPool[bytes] = AsyncPool(proxy.url, shared=1, client_name="cut")
            faults.limit_after(count, total=True)
            async with pool:
                proxy.heal()
                assert await pool.execute("CLIENT", "GETNAME") == b"cut"
                (conn,) = pool._serving.node.connections()  # type: ignore[union-attr]  # open, so there is one
                assert conn.protocol == 3  # a cut is not mistaken for a server without RESP3


async def test_a_large_reply_cut_anywhere_is_never_delivered_in_part(server: Server) -> None:
    value = bytes(range(256)) * 400
    server.command("SET", "k", value)
    with FaultProxy(server) as proxy:
        for count in range(0, len(value) + 20, 9_973):
            async with AsyncPool(proxy.url, shared=1, retry=None) as pool:
                proxy.down.limit_after(count, total=True)
                with pytest.raises(TransportError):
                    await pool.get("k")
                proxy.heal()
            async with AsyncPool(proxy.url, shared=1, retry=PROMPT) as pool:
                proxy.down.limit_after(count, total=True)
                assert await pool.get("k") == value
                proxy.heal()
