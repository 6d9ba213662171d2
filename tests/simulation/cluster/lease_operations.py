"""The operations of callers with a lease of one node of a cluster.

A lease follows no redirect: when its slot has left, its commands are answered with MOVED.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from respool.errors import ServerError, UsageError

from ..books import Broken
from ..lease_operations import _give_back, _look_at, session_of
from .clients import ClusterClient as Client

Lease = Any


async def _borrow(c: Client, **where: Any) -> Lease:
    seconds = None if c.chance.random() < 0.5 else c.soon()
    started = c.run.loop.time()
    try:
        lease = await (c.pool.acquire(**where) if seconds is None else c.pool.acquire(timeout=seconds, **where))
    finally:
        if seconds is not None:
            c._check_time("acquire", started, seconds)
    try:
        _look_at(c, lease)
        session = session_of(lease)
        is_replica = lease._lane._node.options.standing.readonly
        if session.is_readonly != is_replica and not session.is_over:
            raise Broken(f"a lease of a {'replica' if is_replica else 'primary'} has READONLY={session.is_readonly}")
    except BaseException:
        c.pool.release(lease)
        raise
    return lease


async def _with_lease(c: Client, key: bytes, work: Callable[[Client, Lease], Awaitable[None]]) -> None:
    lease = await _borrow(c, key=key)
    try:
        await work(c, lease)
    finally:
        _give_back(c, lease)


async def lease_echo(c: Client) -> None:
    async def work(c: Client, lease: Lease) -> None:
        for _ in range(c.chance.randint(0, 3)):
            token = c.books.token(c.name)
            c.books.expect(got=await lease.execute("ECHO", token), wanted=token, what="ECHO on a lease")
            await c.pause()

    await _with_lease(c, c.key, work)


async def lease_of_node(c: Client) -> None:
    nodes = c.pool.nodes
    if not nodes:
        return
    try:
        lease = await _borrow(c, node=c.chance.choice(nodes))
    except UsageError as error:  # it has left meanwhile
        if "has no node" in str(error):
            return
        raise
    try:
        c.books.expect(got=await lease.execute("ECHO", b"x"), wanted=b"x", what="ECHO on a lease")
    finally:
        _give_back(c, lease)


async def lease_incr(c: Client) -> None:
    key = c.run.counter(c.chance)

    async def work(c: Client, lease: Lease) -> None:
        with c.books.write(counters=[key]) as write:
            value = await lease.execute("INCR", key)
            write.acknowledged()
        c.books.saw_counter(key, value)

    await _with_lease(c, key, work)


async def lease_check_and_set(c: Client) -> None:
    """Count with WATCH: no two callers get the same number, unless a crash has lost one."""
    key = b"cas:%d" % c.chance.randrange(2)

    async def work(c: Client, lease: Lease) -> None:
        await lease.execute("WATCH", key)
        number = int(await lease.execute("GET", key) or 0) + 1
        if c.chance.random() < 0.5:
            await c.pause()
        await lease.execute("MULTI")
        token = c.books.token(c.name)
        for args in (("SET", key, number), ("LPUSH", b"l:{%b}" % key, token)):
            c.books.expect(got=await lease.execute(*args), wanted=b"QUEUED", what=f"{args[0]} in MULTI")
        with c.books.write(tokens=[token]) as write:
            values = await lease.execute("EXEC")
            if values is None:
                raise ServerError("EXECABORT", "the key was changed")
            write.acknowledged()
        if c.run.plan.loses_nothing:
            if (key, number) in c.books.taken:
                raise Broken(f"two callers have counted {key!r} to {number}")
            c.books.taken.add((key, number))

    await _with_lease(c, key, work)


async def lease_empty_exec(c: Client) -> None:
    """Ask with an EXEC without commands whether a key was changed.

    It did not exist, so nothing touches it when its slot leaves: then the old node knows nothing of the change.
    """
    key = b"n:{%b}:%b" % (c.run.counter(c.chance), c.books.token(c.name))

    async def work(c: Client, lease: Lease) -> None:
        await lease.execute("WATCH", key)
        for _ in range(c.chance.randint(1, 4)):
            await c.pause()
        with c.books.write(counters=[key]) as write:
            await c.pool.execute("INCR", key)
            write.acknowledged()
        await lease.execute("MULTI")
        values = await lease.execute("EXEC")
        if values is not None and c.run.plan.loses_nothing:
            raise Broken(f"EXEC answered {values!r}, and {key!r} had been changed since WATCH")

    await _with_lease(c, key, work)


LEASES: Final[tuple[tuple[Any, int], ...]] = (
    (lease_echo, 4), (lease_of_node, 2), (lease_incr, 4), (lease_check_and_set, 5), (lease_empty_exec, 4),
)  # fmt: skip
