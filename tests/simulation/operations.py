"""The operations of callers that do not hold a lease."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from respool.errors import Error, ServerError, TransactionAborted, UsageError

from .books import NOT_NOW, Broken, is_without_multi, surely_not_executed
from .clients import Client


async def set_own(c: Client) -> None:
    value = c.new_value()
    try:
        await c.execute("SET", c.key, value)
    except BaseException as error:
        if not surely_not_executed(error):
            c.possible.add(value)
        raise
    if c.run.keeps_order:
        c.possible = {value}
    else:
        c.possible |= {value}
        c.possible.discard(None)


async def get_own(c: Client) -> None:
    value = await c.execute("GET", c.key)
    if value is None and c.run.plan.selects:
        return
    if value not in c.possible:
        raise Broken(f"GET {c.key!r} answered {value!r}, which is none of {sorted(map(str, c.possible))}")


async def overtake(c: Client) -> None:
    """Give up a write and do another: the first must not overtake the second (R-23)."""
    first, second = c.new_value(), c.new_value()
    c.possible |= {first, second}
    try:
        async with asyncio.timeout(c.chance.choice((0.0, 0.0001, 0.001))):
            await c.pool.execute("SET", c.key, first)
    except TimeoutError:
        pass
    await c.pool.execute("SET", c.key, second)
    if c.run.keeps_order:
        c.possible = {second}
    await get_own(c)


async def incr(c: Client) -> None:
    key = c.run.counter(c.chance)
    with c.books.write(counters=[key]) as write:
        value = await c.execute("INCR", key)
        write.acknowledged()
    _saw(c, key, value)


def _saw(c: Client, key: bytes, value: Any) -> None:
    if c.run.plan.selects:
        c.books.expect(got=type(value), wanted=int, what="INCR")
    else:
        c.books.saw_counter(key, value)


async def echo(c: Client) -> None:
    token = c.books.token(c.name)
    c.books.expect(got=await c.execute("ECHO", token), wanted=token, what="ECHO")


async def echo_in_a_row(c: Client) -> None:
    for _ in range(c.chance.randint(2, 6)):
        token = c.books.token(c.name)
        c.books.expect(got=await c.pool.execute("ECHO", token), wanted=token, what="ECHO")


async def echo_at_once(c: Client) -> None:
    """Several calls of one client at the same time."""
    tokens = [c.books.token(c.name) for _ in range(c.chance.randint(2, 5))]
    answers = await asyncio.gather(*[c.pool.execute("ECHO", token) for token in tokens], return_exceptions=True)
    for token, answer in zip(tokens, answers, strict=True):
        if isinstance(answer, asyncio.CancelledError):
            raise Broken("one of several calls was cancelled, and nobody had cancelled it")
        if not isinstance(answer, BaseException):
            c.books.expect(got=answer, wanted=token, what="ECHO")
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


async def mget(c: Client) -> None:
    others = [client.key for client in c.chance.sample(c.run.clients, min(3, len(c.run.clients)))]
    values = await c.execute("MGET", *others)
    c.books.expect(got=len(values), wanted=len(others), what="MGET")
    for key, value in zip(others, values, strict=True):
        if value is not None and not value.startswith(key + b"="):
            raise Broken(f"MGET answered {value!r} for {key!r}")


async def push(c: Client) -> None:
    token = c.books.token(c.name)
    with c.books.write(tokens=[token]) as write:
        length = await c.execute("LPUSH", c.run.list_name(c.chance), token)
        write.acknowledged()
    c.books.expect(got=type(length), wanted=int, what="LPUSH")


async def blpop(c: Client) -> None:
    key, seconds = c.run.list_name(c.chance), c.chance.choice((0.001, 0.05, 0.5, 2.0))
    answer = await c.execute("BLPOP", key, seconds)
    if answer is not None and (len(answer) != 2 or answer[0] != key or not answer[1].startswith(b"tok:")):
        raise Broken(f"BLPOP {key!r} answered {answer!r}")


async def wrong_type(c: Client) -> None:
    """Send a command that the server refuses: only this caller gets the error."""
    await set_own(c)
    try:
        await c.pool.execute("LPUSH", c.key, b"x")
    except ServerError as error:
        if error.code not in ("WRONGTYPE", *NOT_NOW):
            raise
    else:
        if not c.run.plan.selects:
            raise Broken("LPUSH to a string was not refused")


async def usage_errors(c: Client) -> None:
    """A call that is refused before anything is sent leaves nothing in the queue."""
    for args in (("GET", object()), ("SELECT", 1), ("MULTI",), ("CLIENT", "REPLY", "OFF"), ("SET", "k", True)):
        try:
            await c.pool.execute(*args)
        except UsageError:
            continue
        raise Broken(f"{args} was not refused")
    tokens = [c.books.token(c.name) for _ in range(c.chance.randint(1, 12))]
    try:
        with c.books.write(tokens=tokens):
            await c.pool.execute_many([*(("LPUSH", "l:0", token) for token in tokens), ("SET", "k", None)])
    except UsageError:
        return
    raise Broken("a pipeline with None in it was not refused")


async def pipeline(c: Client) -> None:
    await _run(c, [_part(c) for _ in range(c.chance.randint(1, 12))])


async def atomic(c: Client) -> None:
    await _run(c, [_part(c) for _ in range(c.chance.randint(1, 6))], atomic=True)


async def big_pipeline(c: Client) -> None:
    count = c.chance.choice((1030, 2100)) if c.chance.random() < 0.2 else 40
    parts = [_part(c) for _ in range(5)]
    filler = [(("ECHO", token), token, b"") for token in [c.books.token(c.name)] * count]
    await _run(c, parts + filler)


#: What a script says after it has written: by these words a server itself says that nothing ran (R-24).
SAID: Final = tuple(f"{word} said by a script" for word in "TRYAGAIN LOADING READONLY CLUSTERDOWN MASTERDOWN".split())


def _is_of_script(error: BaseException | None) -> bool:
    return isinstance(error, ServerError) and "said by a script" in str(error)


async def script(c: Client) -> None:
    """Run a script that writes, and then perhaps says that it did not: it ran exactly once."""
    token, text = c.books.token(c.name), c.chance.choice(("", *SAID))
    with c.books.write(tokens=[token]) as write:
        try:
            answer = await c.execute("EVAL", text, 1, c.run.list_name(c.chance), token)
        except ServerError as error:
            if not _is_of_script(error):
                raise
            answer = error
        write.acknowledged()
    c.books.expect(got=type(answer) is int, wanted=not text, what="whether a script had a length")


def _part(c: Client) -> tuple[tuple[Any, ...], Any, bytes]:
    """Return a command, its expected reply (None: any of its kind), and the counter or token that it writes."""
    kind = c.chance.randrange(6 if c.run.plan.scripts else 4)
    if kind >= 4:
        token, text = c.books.token(c.name), c.chance.choice(SAID)
        return ("EVAL", text, 1, c.run.list_name(c.chance), token), ServerError, token
    if kind == 0:
        key = c.run.counter(c.chance)
        return ("INCR", key), int, key
    if kind == 1:
        token = c.books.token(c.name)
        return ("LPUSH", c.run.list_name(c.chance), token), int, token
    if kind == 2:
        return ("LPUSH", "a string", "x"), ServerError, b""
    token = c.books.token(c.name)
    return ("ECHO", token), token, b""


async def _run(c: Client, parts: list[tuple[tuple[Any, ...], Any, bytes]], *, atomic: bool = False) -> None:
    tokens = [name for _, _, name in parts if name.startswith(b"tok:")]
    counters = [name for _, _, name in parts if name.startswith(b"n:")]
    with c.books.write(tokens=tokens, counters=counters) as write:
        try:
            answers = await _send(c, [args for args, _, _ in parts], is_atomic=atomic)
        except ServerError as error:
            ran = sum(wanted is not ServerError for _, wanted, _ in parts)
            if is_without_multi(error) and f"{ran} of the {len(parts)} commands ran" in str(error):
                write.acknowledged()
            raise
        if atomic and c.run.plan.refused.keys() & {"MULTI", "EXEC"}:
            raise Broken(f"an atomic run ended well, and the server refuses {sorted(c.run.plan.refused)}")
        if not any(map(_is_not_now, answers)):
            write.acknowledged()
    c.books.expect(got=len(answers), wanted=len(parts), what="a pipeline")
    for (args, wanted, name), answer in zip(parts, answers, strict=True):
        if _is_not_now(answer):
            continue
        if isinstance(wanted, type):
            if not isinstance(answer, wanted):
                raise Broken(f"{args} in a pipeline answered {answer!r}")
        elif answer != wanted:
            raise Broken(f"{args} in a pipeline answered {answer!r}")
        if name.startswith(b"n:"):
            _saw(c, name, answer)


async def _send(c: Client, commands: list[tuple[Any, ...]], *, is_atomic: bool) -> list[Any]:
    way = c.chance.random()
    try:
        if way < 0.5:
            return await c.pool.execute_many(commands, atomic=is_atomic)
        if way < 0.75:
            c.limit = c.soon()
            return await c.pool.execute_many(commands, atomic=is_atomic, timeout=c.limit)
        async with c.pool.pipeline(atomic=is_atomic, raise_errors=False) as p:
            results = [p.execute(*args) for args in commands]
        return [_value(result) for result in results]
    except TransactionAborted as error:
        if any(code in str(error) for code in NOT_NOW):
            raise ServerError("LOADING") from error
        raise


def _is_not_now(answer: Any) -> bool:
    return isinstance(answer, ServerError) and answer.code in NOT_NOW and not _is_of_script(answer)


def _value(result: Any) -> Any:
    try:
        return result.result()
    except Error as error:
        return error


async def noreply(c: Client) -> None:
    token = c.books.token(c.name)
    with c.books.write(tokens=[token]):
        await c.pool.execute_noreply("LPUSH", c.run.list_name(c.chance), token)


async def noreply_many(c: Client) -> None:
    tokens = [c.books.token(c.name) for _ in range(c.chance.randint(1, 5))]
    with c.books.write(tokens=tokens):
        await c.pool.execute_many_noreply([("LPUSH", c.run.list_name(c.chance), token) for token in tokens])


async def big_value(c: Client) -> None:
    value = b"%b=%b" % (b"big", b"x" * c.chance.choice((2_000, 20_000)))
    c.books.expect(got=await c.execute("ECHO", value), wanted=value, what="ECHO of much")


async def cancel(c: Client) -> None:
    await c.cancel_somebody()


# Run-time control ---------------------------------------------------------------------------------------


async def resize(c: Client) -> None:
    least = max(1, c.run.plan.options["shared"] or 1)
    most = least + c.chance.randint(0, 4)
    await c.pool.resize(min_size=c.chance.randint(0, most), max_size=most)


async def clear(c: Client) -> None:
    await c.pool.clear()


async def drain(c: Client) -> None:
    c.pool.drain()
    c.run.drained = len(c.run.faults.sockets)


async def select(c: Client) -> None:
    c.run.selecting += 1
    try:
        await c.pool.select(c.chance.choice((0, 3)))
    finally:
        c.run.selecting -= 1
        c.run.selected += 1


async def select_nothing(c: Client) -> None:
    """Select a db that the server does not have: it refuses, and nothing changes."""
    before = c.pool.db
    try:
        await c.pool.select(99)
    except ServerError as error:
        if error.code == "ERR" and not c.run.plan.selects:
            c.books.expect(got=c.pool.db, wanted=before, what="db after a refused select")
    else:
        raise Broken("SELECT 99 was not refused")


async def wait_ready(c: Client) -> None:
    c.limit = c.soon()
    await c.pool.wait_ready(c.limit)


async def look(c: Client) -> None:
    """A pool's counts are consistent at every moment, and its repr hides the password."""
    stats, pool = c.pool.stats(), c.pool
    c.books.expect(got=stats.size, wanted=stats.shared + stats.idle + stats.leased + stats.dialing, what="size")
    gauges = (pool.size, pool.shared, pool.idle, pool.leased, pool.dialing, pool.waiting)
    told = (stats.size, stats.shared, stats.idle, stats.leased, stats.dialing, stats.waiting)
    c.books.expect(got=gauges, wanted=told, what="the gauges")
    if "secret" in repr(pool):
        raise Broken("repr() shows the password")


ORDINARY = (
    (set_own, 6), (get_own, 8), (overtake, 4), (incr, 10), (echo, 8), (echo_in_a_row, 2), (echo_at_once, 3), (mget, 3), (push, 4),
    (blpop, 3), (wrong_type, 1), (usage_errors, 1), (pipeline, 4), (atomic, 4), (big_pipeline, 1), (noreply, 3),
    (noreply_many, 2), (big_value, 1), (cancel, 9), (look, 1),
)  # fmt: skip
CONTROLS = ((resize, 2), (clear, 2), (drain, 2), (wait_ready, 1))
SCRIPTS = ((script, 15), (pipeline, 4), (atomic, 4))
TRANSACTIONS = ((atomic, 10),)
SELECTS = ((select, 3), (select_nothing, 1))
