"""Thousands of calls, half of them cancelled at random moments: no reply reaches a wrong caller, nothing reconnects."""

from __future__ import annotations

import asyncio
import random

import pytest

from asyncio_.harness import wait_until
from respool import AsyncPool
from respool.testing import FaultProxy, Server


@pytest.mark.parametrize("shared", [1, 3])
@pytest.mark.parametrize("seed", range(2))
async def test_every_surviving_reply_belongs_to_its_request(server: Server, seed: int, shared: int) -> None:
    chance = random.Random(seed)
    received = server.info("stats")["total_connections_received"]
    async with AsyncPool(server.url, shared=shared) as pool:
        opened = int(server.info("stats")["total_connections_received"]) - int(received) - 1
        assert opened == shared
        received = server.info("stats")["total_connections_received"]
        calls = 0
        for _ in range(25):
            tasks = {}
            for number in range(40):
                word = f"{calls}".encode() * chance.choice((1, 1, 1, 300))
                calls += 1
                if number % 10 == 0:
                    task = asyncio.create_task(pool.execute_many([("ECHO", word), ("ECHO", b"x"), ("ECHO", word)]))
                    tasks[task] = [word, b"x", word]
                else:
                    task = asyncio.create_task(pool.execute("ECHO", word))
                    tasks[task] = word
            victims = chance.sample(list(tasks), len(tasks) // 2)
            for victim in victims:
                for _ in range(chance.randrange(3)):
                    await asyncio.sleep(0)
                victim.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for (task, expected), result in zip(tasks.items(), results, strict=True):
                if isinstance(result, asyncio.CancelledError):
                    assert task in victims
                else:
                    assert result == expected
        assert await pool.execute("ECHO", "after") == b"after"
        stats = pool.stats()
        assert int(server.info("stats")["total_connections_received"]) - int(received) == 1  # the connection of ``info`` itself
        assert (stats.opened, stats.lost, stats.retries) == (shared, 0, 0)
    assert pool.stats().in_flight == 0


async def test_what_was_given_up_is_counted_exactly(server: Server) -> None:
    chance = random.Random(5)
    with FaultProxy(server) as proxy:
        async with AsyncPool(proxy.url, shared=1) as pool:
            await pool.execute("PING")
            server.command("CONFIG", "RESETSTAT")
            greeted = pool.stats().replies
            proxy.down.hold()
            tasks = [asyncio.create_task(pool.execute("ECHO", f"{number}")) for number in range(1000)]
            runs = [asyncio.create_task(pool.execute_many([("ECHO", "x")] * 3)) for _ in range(100)]
            victims: list[asyncio.Task[object]] = [*chance.sample(tasks, 500), *chance.sample(runs, 50)]
            chance.shuffle(victims)
            for victim in victims:
                if chance.random() < 0.01:
                    await asyncio.sleep(0)
                victim.cancel()
            await asyncio.wait(victims)
            proxy.down.release()
            kept = [number for number, task in enumerate(tasks) if task not in victims]
            assert [await tasks[number] for number in kept] == [b"%d" % number for number in kept]
            assert await asyncio.gather(*[run for run in runs if run not in victims]) == [[b"x"] * 3] * 50
            await wait_until(lambda: pool.stats().in_flight == 0)
            stats = pool.stats()
            ran = int(server.info("commandstats")["cmdstat_echo"].split(",")[0].removeprefix("calls="))
            assert stats.replies - greeted == ran
            not_begun = 1300 - ran - stats.taken_back  # cancelled before their first step
            assert stats.dropped == 650 - stats.taken_back - not_begun
            assert proxy.connections == 1
