"""What must be the same at every place: server x protocol x transport x world."""

from __future__ import annotations

from typing import Any

import pytest

from respool.errors import ConnectionLost, ServerError, WrongType
from servers.places import Face, Place, until

#: What DEBUG PROTOCOL answers in RESP3 and in RESP2.
TYPES: dict[str, tuple[Any, Any]] = {
    "string": (b"Hello World",) * 2,
    "integer": (12345,) * 2,
    "double": (3.141, b"3.141"),
    "null": (None,) * 2,
    "array": ([0, 1, 2],) * 2,
    "set": ([0, 1, 2],) * 2,
    "map": ({0: False, 1: True, 2: False}, [0, 0, 1, 1, 2, 0]),
    "attrib": (b"Some real reply following the attribute",) * 2,
    "push": (b"Some real reply following the push reply", ServerError),
    "verbatim": (b"This is a verbatim\nstring",) * 2,
    "true": (True, 1),
    "false": (False, 0),
    "bignum": (b"1234567999999999999999999999999999999",) * 2,
}

#: What a borrower may leave behind: commands, separated by semicolons.
DIRT = (
    "MULTI",
    "MULTI;NOSUCHCOMMAND",
    "WATCH k",
    "WATCH k;MULTI;GET k",
    "SELECT 5",
    "MULTI;SELECT 5;EXEC",
    "AUTH ann secret",
    "HELLO 3 AUTH ann secret",
    "HELLO 2",
    "CLIENT TRACKING ON",
    "CLIENT TRACKING ON BCAST",
    "CLIENT SETNAME dirty",
    "CLIENT NO-EVICT ON",
    "CLIENT CAPA redirect",
    "RESET",
)


async def info(thing: Face) -> dict[str, str]:
    """Return what the server says of the connection."""
    text = (await thing.execute("CLIENT", "INFO")).decode()
    return dict(field.partition("=")[::2] for field in text.split())


async def outcome(thing: Face, *args: Any) -> Any:
    try:
        return await thing.execute(*args)
    except ServerError as error:
        return type(error)


async def check_types(thing: Face, protocol: int) -> None:
    for name, values in TYPES.items():
        expected = values[0 if protocol == 3 else 1]
        reply = await outcome(thing, "DEBUG", "PROTOCOL", name)
        assert (name, reply, type(reply)) == (name, expected, type(expected))
        assert await thing.execute("ECHO", name) == name.encode()


class TestEveryPlace:
    async def test_every_type_of_reply_has_its_value_and_shifts_nothing(self, place: Place) -> None:
        pushes: list[Any] = []
        async with place.pool(listener=lambda event: pushes.append(getattr(event, "push", None))) as pool:
            await check_types(pool, place.protocol)
            async with pool.lease() as lease:
                await check_types(lease, place.protocol)
            assert pool.body.stats().lost == 0
        heard = [push for push in pushes if push is not None]
        assert len(heard) == (2 if place.protocol == 3 else 0)

    async def test_all_types_of_replies_in_one_pipeline_keep_their_places(self, place: Place) -> None:
        commands = [words for name in TYPES for words in (("DEBUG", "PROTOCOL", name), ("ECHO", name))]
        async with place.pool() as pool:
            replies = await pool.execute_many(commands)
        for number, (name, values) in enumerate(TYPES.items()):
            expected, reply = values[0 if place.protocol == 3 else 1], replies[2 * number]
            assert isinstance(reply, expected) if isinstance(expected, type) else reply == expected
            assert replies[2 * number + 1] == name.encode()

    async def test_a_server_error_is_raised_and_keeps_the_connection(self, place: Place) -> None:
        async with place.pool() as pool:
            await pool.execute("SET", "text", "x")
            with pytest.raises(WrongType):
                await pool.execute("LPUSH", "text", "y")
            assert await pool.execute("GET", "text") == b"x"
            assert pool.body.stats().opened == 1

    async def test_large_values_arrive_whole(self, place: Place) -> None:
        value = bytes(range(256)) * 8192  # 2 MiB
        async with place.pool() as pool:
            await pool.set("large", value)
            assert await pool.get("large") == value
            async with pool.lease() as lease:
                assert await lease.get("large") == value

    async def test_killed_connections_come_back_with_their_state_and_cost_reads_nothing(self, place: Place) -> None:
        options = {"db": 3, "client_name": "us", "username": "ann", "password": "secret"}
        async with place.pool(**options) as pool:
            await pool.set("k", "v")
            async with pool.lease() as lease:
                first = await info(lease)
            place.server.command("CLIENT", "KILL", "TYPE", "normal")
            assert await pool.get("k") == b"v"
            async with pool.lease() as lease:
                second = await info(lease)
            third = await info(pool)
            for state in (first, second, third):
                assert (state["db"], state["name"], state["user"], state["resp"]) == (
                    "3",
                    "us",
                    "ann",
                    str(place.protocol),
                )
            assert len({first["id"], second["id"], third["id"]}) == 3
            await until(lambda: len(place.server.clients()) == pool.body.size)

    async def test_a_lease_that_is_killed_in_use_raises_and_its_slot_comes_back(self, place: Place) -> None:
        async with place.pool(shared=0, max_size=1) as pool:
            async with pool.lease() as lease:
                place.server.command("CLIENT", "KILL", "ID", str(await lease.execute("CLIENT", "ID")))
                with pytest.raises(ConnectionLost):
                    await lease.execute("PING")
            assert await pool.execute("PING") == b"PONG"
            assert (pool.body.size, pool.body.idle) == (1, 1)

    async def test_the_next_borrower_finds_a_clean_connection(self, place: Place) -> None:
        async with place.pool(shared=0, max_size=1, db=2, client_name="us") as pool:
            await pool.set("k", "v")
            async with pool.lease() as lease:
                capabilities = (await info(lease)).get("capa", "")  # those of the handshake
            for dirt in DIRT:
                async with pool.lease() as lease:
                    for command in dirt.split(";"):
                        await lease.execute_many([command.split()])  # where an error is a value
                async with pool.lease() as lease:
                    state = await info(lease)
                    clean = {"db": "2", "name": "us", "user": "default", "resp": str(place.protocol)}
                    assert {name: state[name] for name in clean} == clean, dirt
                    assert state["flags"].strip("U") in ("", "N"), dirt  # U: a unix socket
                    assert state.get("capa", "") == capabilities, dirt
                    assert await lease.get("k") == b"v"
            assert pool.body.stats().leases == 2 * len(DIRT) + 2

    async def test_a_subscription_is_gone_for_the_next_borrower(self, place: Place) -> None:
        if place.protocol == 2:
            return  # a RESP2 lease refuses to subscribe; the tests of dirty leases have that
        async with place.pool(shared=0, max_size=1) as pool:
            async with pool.lease() as lease:
                await lease.execute("SUBSCRIBE", "channel")
                await lease.execute("PSUBSCRIBE", "c*")
            async with pool.lease() as lease:
                assert place.server.command("PUBLISH", "channel", "x") == 0
                state = await info(lease)
                assert (state["sub"], state["psub"]) == ("0", "0")
