"""The operations of callers with a lease, and the state in which they leave it.

Every lease is checked at the server when it is acquired: no other caller has it, and it is like new.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from respool.errors import Error, ServerError, UsageError

from .books import NOT_NOW, Broken
from .clients import Client

Lease = Any


async def _borrow(c: Client) -> Lease:
    """Acquire a lease with a time limit, and check it."""
    way = c.chance.random()
    seconds = None if way < 0.5 else c.soon()
    started, drained = c.run.loop.time(), c.run.drained
    selected = None if c.run.selecting else c.run.selected
    try:
        if seconds is None:
            lease = await c.pool.acquire()
        else:
            lease = await c.pool.acquire(timeout=seconds)
    finally:
        if seconds is not None:
            c._check_time("acquire", started, seconds)
    try:
        if session_of(lease).sock.number <= drained:
            raise Broken("a connection from before drain() was lent")
        if lease.db != c.pool.db and not c.run.selecting and selected == c.run.selected:
            raise Broken(f"a lease is on db {lease.db}, its pool on {c.pool.db}")
        _look_at(c, lease)
    except BaseException:
        c.pool.release(lease)
        raise
    return lease


def session_of(lease: Lease) -> Any:
    return lease._transport.sock.session  # type: ignore[attr-defined]  # it is a watched one


def _look_at(c: Client, lease: Lease) -> None:
    plan = c.run.plan
    db = lease.db if plan.selects else plan.options["db"]
    protocol = 3 if plan.options["protocol"] == 3 and plan.knows_resp3 else 2
    c.books.leased(session_of(lease), c.name, db, protocol, plan.options["client_name"] or "")
    if lease.in_flight or lease.closed:
        raise Broken(f"{lease!r} was lent")


def _give_back(c: Client, lease: Lease) -> None:
    c.books.returned(session_of(lease))
    c.pool.release(lease)


async def _with_lease(c: Client, work: Callable[[Client, Lease], Awaitable[None]]) -> None:
    lease = await _borrow(c)
    try:
        await work(c, lease)
    finally:
        _give_back(c, lease)


async def _echo(c: Client, lease: Lease) -> None:
    token = c.books.token(c.name)
    c.books.expect(got=await lease.execute("ECHO", token), wanted=token, what="ECHO on a lease")


# Well-behaved -------------------------------------------------------------------------------------------


async def lease_echo(c: Client) -> None:
    async def work(c: Client, lease: Lease) -> None:
        for _ in range(c.chance.randint(0, 3)):
            await _echo(c, lease)

    await _with_lease(c, work)


async def lease_as_context(c: Client) -> None:
    async with c.pool.acquire() as lease:
        _look_at(c, lease)
        try:
            await _echo(c, lease)
            await c.pause()
        finally:
            c.books.returned(session_of(lease))


async def lease_hold(c: Client) -> None:
    """Hold a lease, release it, and try to misuse it."""
    lease = await _borrow(c)
    try:
        await c.pause()
    finally:
        _give_back(c, lease)
    for misuse in (lambda: c.pool.release(lease), lambda: lease.abort() or _raise(lease)):
        before = c.pool.size, c.pool.idle, c.pool.leased
        try:
            misuse()
        except UsageError:
            c.books.expect(got=(c.pool.size, c.pool.idle, c.pool.leased), wanted=before, what="a misuse")
            continue
        raise Broken("a released lease could be used")


def _raise(lease: Lease) -> None:
    lease._transport.submit(("PING",))


async def lease_incr(c: Client) -> None:
    key = c.run.counter(c.chance)

    async def work(c: Client, lease: Lease) -> None:
        with c.books.write(counters=[key]) as write:
            value = await lease.execute("INCR", key)
            write.acknowledged()
        c.books.expect(got=type(value), wanted=int, what="INCR on a lease")

    await _with_lease(c, work)


async def lease_transaction(c: Client) -> None:
    key = c.run.counter(c.chance)

    async def work(c: Client, lease: Lease) -> None:
        await lease.execute("WATCH", key)
        await lease.execute("GET", key)
        await lease.execute("MULTI")
        c.books.expect(got=await lease.execute("INCR", key), wanted=b"QUEUED", what="INCR in MULTI")
        for misuse in (
            lease.execute_noreply("INCR", key),
            lease.execute("SUBSCRIBE", "news"),
            lease.execute_many([("INCR", key)], atomic=True),
        ):
            try:
                await misuse
            except UsageError:
                continue
            raise Broken("what shifts replies inside a MULTI was not refused")
        with c.books.write(counters=[key]) as write:
            values = await lease.execute("EXEC")
            if values is None:
                raise ServerError("EXECABORT", "the key was changed")
            write.acknowledged()
        c.books.expect(got=[type(value) for value in values], wanted=[int], what="EXEC")

    try:
        await _with_lease(c, work)
    except ServerError as error:
        if error.code not in ("EXECABORT", *NOT_NOW):
            raise


async def lease_discard(c: Client) -> None:
    """Begin a transaction and discard it, or leave it open if that is refused."""
    key = c.run.counter(c.chance)

    async def work(c: Client, lease: Lease) -> None:
        await lease.execute("MULTI")
        with c.books.write(counters=[key]):
            c.books.expect(got=await lease.execute("INCR", key), wanted=b"QUEUED", what="INCR in MULTI")
            c.books.expect(got=await lease.execute("DISCARD"), wanted=b"OK", what="DISCARD")
            raise ServerError("EXECABORT", "it was discarded")

    try:
        await _with_lease(c, work)
    except ServerError as error:
        if error.code not in ("EXECABORT", *NOT_NOW):
            raise


async def lease_atomic(c: Client) -> None:
    """Run a transaction, in pieces if so many commands are big, and go on with the lease whatever became of it."""

    async def work(c: Client, lease: Lease) -> None:
        token = c.books.token(c.name)
        with c.books.write(tokens=[token]):
            try:
                await lease.execute_many([("LPUSH", "l:0", token), *[("PING",)] * 9], atomic=True)
            except ServerError:
                if not lease.closed:
                    await _echo(c, lease)
                raise

    await _with_lease(c, work)


async def lease_many(c: Client) -> None:
    async def work(c: Client, lease: Lease) -> None:
        token, atomic = c.books.token(c.name), c.chance.random() < 0.5
        with c.books.write(tokens=[token]) as write:
            answers = await lease.execute_many([("LPUSH", "l:0", token), ("ECHO", token)], atomic=atomic)
            failed = [answer for answer in answers if isinstance(answer, Error)]
            if failed and failed[0].code not in NOT_NOW:
                raise Broken(f"a pipeline on a lease answered {answers!r}")
            if not failed:
                write.acknowledged()
                c.books.expect(got=answers[1], wanted=token, what="ECHO on a lease")

    try:
        await _with_lease(c, work)
    except ServerError as error:
        if error.code not in ("EXECABORT", *NOT_NOW):
            raise


async def lease_noreply(c: Client) -> None:
    async def work(c: Client, lease: Lease) -> None:
        token = c.books.token(c.name)
        with c.books.write(tokens=[token]):
            await lease.execute_noreply("LPUSH", "l:0", token)
        if c.chance.random() < 0.5:
            await _echo(c, lease)

    await _with_lease(c, work)


# Badly behaved ------------------------------------------------------------------------------------------


async def lease_dirty(c: Client) -> None:
    """Leave connection state behind that the next caller must not see."""

    async def work(c: Client, lease: Lease) -> None:
        dirt: list[tuple[Any, ...]] = [
            ("WATCH", "w"),
            ("SELECT", 7),
            ("CLIENT", "TRACKING", "ON"),
            ("CLIENT", "SETNAME", "mine"),
        ]
        if lease.protocol == 3:
            dirt.append(("SUBSCRIBE", "news"))
        chosen = c.chance.sample(dirt, c.chance.randint(0, 2))
        if not chosen or c.chance.random() < 0.3:
            chosen.append(("MULTI",))
        for args in chosen:
            await lease.execute(*args)

    await _with_lease(c, work)


async def lease_in_flight(c: Client) -> None:
    """Give up a command, and release the lease while its reply is pending."""

    async def work(c: Client, lease: Lease) -> None:
        token = c.books.token(c.name)
        c.limit = None
        seconds = c.chance.choice((0.0, 0.0001, 0.001))
        try:
            async with asyncio.timeout(seconds):
                with c.books.write(tokens=[token]) as write:
                    if seconds == 0.0001:  # sent in several pieces, if the run counts so many as big
                        await lease.execute_many([("LPUSH", "l:0", token), *[("PING",)] * 9], atomic=True)
                    else:
                        await lease.execute("LPUSH", "l:0", token)
                        write.acknowledged()
        except TimeoutError:
            pass
        if c.chance.random() < 0.3 and not lease.closed:
            await _echo(c, lease)

    await _with_lease(c, work)


async def lease_block(c: Client) -> None:
    async def work(c: Client, lease: Lease) -> None:
        way = c.chance.choice((0.001, 0.5))
        answer = await lease.execute("BLPOP", "l:0", way)
        if answer is not None and not answer[1].startswith(b"tok:"):
            raise Broken(f"BLPOP on a lease answered {answer!r}")

    await _with_lease(c, work)


async def lease_close(c: Client) -> None:
    async def work(_: Client, lease: Lease) -> None:
        await lease.aclose()

    await _with_lease(c, work)


async def lease_drop(c: Client) -> None:
    """Drop a lease without releasing it: the garbage collector gives it back (R-30)."""
    lease = await _borrow(c)
    c.books.returned(session_of(lease))
    c.books.leaks += 1
    del lease


TRANSACTIONS = ((lease_transaction, 5), (lease_discard, 5), (lease_atomic, 5))
LEASES = (
    (lease_echo, 8), (lease_as_context, 3), (lease_hold, 4), (lease_incr, 4), (lease_transaction, 4), (lease_many, 3),
    (lease_noreply, 2), (lease_dirty, 6), (lease_in_flight, 4), (lease_block, 2), (lease_close, 1), (lease_drop, 1),
)  # fmt: skip
