"""What real servers do to their clients, met at every place at once: freezing, restarting, refusing, hanging up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from typing import Any, Self

import hiredis
import pytest

from respool import RetryPolicy
from respool.errors import AuthenticationFailed, Busy, ConnectFailed, ConnectionLost, Loading, ReadTimeout
from respool.testing import Server
from servers.places import Face, Place, places_of, until

Pools = list[tuple[Place, Face]]


class Everywhere:
    """A pool at every place of a server."""

    def __init__(self, server: Server, **options: Any) -> None:
        self.pools: Pools = []
        self._places = places_of(server)
        self._options = options
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for place in self._places:
            pool = await self._stack.enter_async_context(place.pool(**self._options))
            self.pools.append((place, pool))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def each(self, act: Callable[[Place, Face], Awaitable[Any]]) -> list[Any]:
        """Let all pools do it at the same time."""
        # Nobody is cancelled: a thread could not be, and would go on without us.
        results = await asyncio.gather(*(act(place, pool) for place, pool in self.pools), return_exceptions=True)
        met = zip(self.pools, results, strict=True)
        failed = [f"{place}: {result!r}" for (place, _), result in met if isinstance(result, BaseException)]
        assert not failed, "\n".join(failed)
        return results


async def ping(_: Place, pool: Face) -> None:
    assert await pool.execute("PING") == b"PONG"


async def test_a_blocking_command_longer_than_read_timeout_runs_once_and_keeps_its_own_time(server: Server, figure: Any) -> None:
    server.command("CONFIG", "RESETSTAT")

    async def block(_: Place, pool: Face) -> float:
        started = time.monotonic()
        assert await pool.execute("BLPOP", "nothing", 1) is None
        return time.monotonic() - started

    async with Everywhere(server, read_timeout=0.8) as everywhere:
        await everywhere.each(ping)
        times = await everywhere.each(block)
        await everywhere.each(ping)
    assert min(times) >= 0.99
    assert max(times) < 4.0
    assert server.info("commandstats")["cmdstat_blpop"].startswith(f"calls={len(times)},")
    figure("P-23", "BLPOP of 1 s with a read_timeout of 0.8 s takes, at most, s", max(times), most=True)


async def test_a_blocking_command_is_answered_while_commands_go_on_beside_it(server: Server) -> None:
    async def wait_for_value(place: Place, pool: Face) -> None:
        await pool.execute("DEL", f"list {place}")
        blocked = asyncio.ensure_future(pool.execute("BLPOP", f"list {place}", 10))
        await until(lambda: any(client["cmd"] == "blpop" for client in server.clients()))
        assert await pool.execute("PING") == b"PONG"
        await pool.execute("RPUSH", f"list {place}", "x")
        assert await blocked == [f"list {place}".encode(), b"x"]

    async with Everywhere(server, read_timeout=0.5) as everywhere:
        await everywhere.each(wait_for_value)


async def test_a_frozen_server_is_noticed_after_read_timeout_and_found_again(own_server: Callable[..., Server]) -> None:
    server = own_server()

    async def notice(_: Place, pool: Face) -> float:
        started = time.monotonic()
        with pytest.raises(ReadTimeout):
            await pool.execute("GET", "k")
        return time.monotonic() - started

    async def come_back(_: Place, pool: Face) -> None:
        async def works() -> bool:
            try:
                return bool(await pool.execute("PING") == b"PONG")
            except (ReadTimeout, ConnectFailed, ConnectionLost):
                return False

        await until(works)
        assert pool.body.leased == 0

    async with Everywhere(server, read_timeout=1.0, connect_timeout=2.0, retry=None) as everywhere:
        await everywhere.each(ping)
        server.pause()
        try:
            times = await everywhere.each(notice)
        finally:
            server.resume()
        await everywhere.each(come_back)
    assert min(times) >= 0.99
    assert max(times) < 1.0 + 3.0


async def test_a_restart_costs_reads_nothing_and_writes_at_most_one_error(own_server: Callable[..., Server]) -> None:
    server = own_server()

    async def read(place: Place, pool: Face) -> None:
        assert [await pool.get(f"count {place}") for _ in range(3)] == [None, None, None]

    async def write(place: Place, pool: Face) -> int:
        errors = 0
        for _ in range(5):
            try:
                await pool.incr(f"count {place}")
            except (ConnectionLost, ConnectFailed):
                errors += 1
        return errors

    async with Everywhere(server) as everywhere:
        assert await everywhere.each(write) == [0] * 12
        await asyncio.to_thread(server.restart)
        await everywhere.each(read)
        await asyncio.to_thread(server.restart)
        assert max(await everywhere.each(write)) <= 1


async def test_a_server_that_takes_no_more_clients_says_so_and_the_slot_comes_back(
    own_server: Callable[..., Server],
) -> None:
    places = 20
    server = own_server(config={"maxclients": places})

    told: list[str] = []

    async def be_refused(_: Place, pool: Face) -> None:
        for _ in range(2):
            with pytest.raises((Busy, ConnectFailed)) as caught:
                async with pool.lease():
                    pass
            told.append(str(caught.value))
        await until(lambda: pool.body.size == 0)

    async with Everywhere(server, shared=0) as everywhere:
        with ExitStack() as others:
            taken = 0
            while taken < places:  # the server may still have the connection that asked whether it was up
                try:
                    others.enter_context(server.connect())("PING")
                    taken += 1
                except (OSError, hiredis.ReplyError):
                    await asyncio.sleep(0.01)
            await everywhere.each(be_refused)
        # A client whose first write meets the closed socket, or that begins with TLS, cannot read the reason.
        assert any("max number of clients" in message for message in told)
        for place, pool in everywhere.pools:
            await ping(place, pool)
            await pool.clear()


async def test_a_reply_beyond_the_output_limit_ends_the_connection_and_nothing_else(
    own_server: Callable[..., Server],
) -> None:
    server = own_server(config={"client-output-buffer-limit": "normal 1mb 0 0"})
    # One huge value would not do: Valkey sends it without a copy, and whether that counts is a matter of luck.
    server.command("SETRANGE", "long", 12_000, "x")

    async def ask_too_much(_: Place, pool: Face) -> None:
        with pytest.raises(ConnectionLost):
            await pool.execute_many([("GET", "long")] * 500)
        assert await pool.execute("PING") == b"PONG"
        assert pool.body.leased == 0

    async with Everywhere(server, retry=None) as everywhere:
        await everywhere.each(ask_too_much)


async def test_while_the_server_loads_commands_are_tried_again_within_their_policy(
    own_server: Callable[..., Server],
) -> None:
    # Loading takes about half a second, and the server says so to everybody meanwhile.
    slow = {"key-load-delay": 2500, "loading-process-events-interval-bytes": 1024}
    server = own_server(config=slow)
    server.command("DEBUG", "POPULATE", 1200, "key", 2048)
    server.command("SET", "k", "v")
    patient = RetryPolicy(attempts=1000, base=0.01, cap=0.02, budget_floor=1000)

    async def be_told(_: Place, pool: Face) -> None:
        with pytest.raises(Loading):
            await pool.get("k")

    async def wait(place: Place, pool: Face) -> int:
        if place.transport == "unix":
            assert await pool.set(f"k {place}", "w")  # a write that was refused did not run
        assert await pool.get("k") == b"v"
        assert pool.body.stats().lost == 0
        return int(pool.body.stats().retries)

    async with Everywhere(server, retry=None) as hasty, Everywhere(server, retry=patient) as everywhere:
        await hasty.each(ping)
        await everywhere.each(ping)
        reload = asyncio.create_task(asyncio.to_thread(server.command, "DEBUG", "RELOAD", timeout=30.0))

        async def is_loading() -> bool:
            try:
                await hasty.pools[0][1].get("k")
            except Loading:
                return True
            return False

        await until(is_loading)
        await hasty.each(be_told)
        retries = await everywhere.each(wait)
        assert min(retries) >= 1
        await reload


async def test_a_password_changed_at_run_time_touches_new_connections_only(own_server: Callable[..., Server]) -> None:
    server = own_server(password="old")

    async def be_refused(_: Place, pool: Face) -> None:
        assert await pool.execute("PING") == b"PONG"  # the shared connection is in
        with pytest.raises(AuthenticationFailed) as caught:
            async with pool.lease():
                pass
        assert "old" not in str(caught.value)
        assert pool.body.leased == 0

    async with Everywhere(server, password="old") as everywhere:
        await everywhere.each(ping)
        server.command("CONFIG", "SET", "requirepass", "new")
        server.password = "new"
        await everywhere.each(be_refused)


async def test_credentials_are_asked_for_each_connection_and_may_rotate(own_server: Callable[..., Server]) -> None:
    server = own_server(password="first")
    current = ["first"]

    async def use_both_lanes(_: Place, pool: Face) -> None:
        assert await pool.execute("PING") == b"PONG"
        async with pool.lease() as lease:
            assert await lease.execute("ACL", "WHOAMI") == b"default"

    async with Everywhere(server, credentials=lambda: ("default", current[0])) as everywhere:
        await everywhere.each(use_both_lanes)
        server.command("CONFIG", "SET", "requirepass", "second")
        server.password = current[0] = "second"
        server.command("CLIENT", "KILL", "TYPE", "normal")
        await everywhere.each(use_both_lanes)


async def test_a_user_that_is_deleted_is_hung_up_on_and_comes_back_when_it_is_there_again(
    own_server: Callable[..., Server],
) -> None:
    server = own_server()
    create = ("ACL", "SETUSER", "bob", "on", ">secret", "~*", "&*", "+@all")

    async def be_nobody(_: Place, pool: Face) -> None:
        with pytest.raises(AuthenticationFailed):
            await pool.execute("PING", timeout=3.0)

    async def be_somebody(_: Place, pool: Face) -> None:
        async def is_in() -> bool:
            try:
                return bool(await pool.execute("ACL", "WHOAMI") == b"bob")
            except AuthenticationFailed:
                return False

        await until(is_in, 8.0)

    server.command(*create)
    async with Everywhere(server, username="bob", password="secret") as everywhere:
        await everywhere.each(ping)
        server.command("ACL", "DELUSER", "bob")
        await everywhere.each(be_nobody)
        server.command(*create)
        await everywhere.each(be_somebody)
