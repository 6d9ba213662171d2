"""The operations of callers of a cluster that do not hold a lease. Some are those for one node."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from respool.errors import Error, ServerError, TransactionAborted, UsageError

from .. import operations
from ..books import Broken
from .clients import ClusterClient as Client

Part = tuple[tuple[Any, ...], Any, bytes]


def shared_key(c: Client) -> bytes:
    return b"s:%d" % c.chance.randrange(6)


async def set_own(c: Client) -> None:
    value = c.books.value_for(c.key, c.name)
    error: BaseException | None = None
    try:
        with c.books.prompt_write(value) as write:
            await c.execute("SET", c.key, value)
            write.acknowledged()
    except BaseException as failure:
        error = failure
        raise
    finally:
        c.wrote(value, error)
        del error


async def get_own(c: Client) -> None:
    value = await c.execute("GET", c.key)
    if not c.could_have(value):
        raise Broken(f"GET {c.key!r} answered {value!r}, and it can have {sorted(map(str, c.possible))}")


async def set_shared(c: Client) -> None:
    key = shared_key(c)
    value = c.books.value_for(key, c.name)
    with c.books.prompt_write(value) as write:
        await c.execute("SET", key, value)
        write.acknowledged()


async def get_shared(c: Client) -> None:
    key = shared_key(c)
    c.books.saw_value(key, await c.execute("GET", key))


async def push(c: Client) -> None:
    token = c.books.token(c.name)
    with c.books.prompt_write(token) as write:
        length = await c.execute("LPUSH", c.run.list_name(c.chance), token)
        write.acknowledged()
    c.books.expect(got=type(length), wanted=int, what="LPUSH")


async def blpop(c: Client) -> None:
    """A blocked call keeps its own time, wherever its slot goes."""
    key, seconds = c.run.list_name(c.chance), c.chance.choice((0.001, 0.05, 0.5, 2.0))
    started = c.run.loop.time()
    answer = await c.execute("BLPOP", key, seconds)
    took = c.run.loop.time() - started
    if answer is None and took < seconds - 0.002:
        raise Broken(f"BLPOP {key!r} {seconds:g} gave up after {took:.4f} s")
    if answer is not None and (len(answer) != 2 or answer[0] != key or not answer[1].startswith(b"tok:")):
        raise Broken(f"BLPOP {key!r} answered {answer!r}")


# Several keys -------------------------------------------------------------------------------------------


async def mget(c: Client) -> None:
    keys = [shared_key(c) for _ in range(c.chance.randint(1, 6))]  # some of them twice
    values = await c.execute("MGET", *keys)
    c.books.expect(got=len(values), wanted=len(keys), what="MGET")
    for key, value in zip(keys, values, strict=True):
        c.books.saw_value(key, value)


async def mset(c: Client) -> None:
    keys = list({shared_key(c): None for _ in range(4)})
    pairs = [(key, c.books.value_for(key, c.name)) for key in keys]
    failure: Exception | None = None
    with c.books.write(tokens=[value for _, value in pairs]) as write:
        try:
            answer = await c.execute("MSET", *(word for pair in pairs for word in pair))
        except (ServerError, Error) as error:
            failure = error  # of one part; what became of the others is unknown
        else:
            write.acknowledged()
            c.books.expect(got=answer, wanted=b"OK", what="MSET")
    if failure is not None:
        raise failure


async def delete(c: Client) -> None:
    keys = [shared_key(c) for _ in range(c.chance.randint(1, 4))]
    count = await c.execute(c.chance.choice(("DEL", "UNLINK", "EXISTS")), *keys)
    if type(count) is not int or not 0 <= count <= len(keys):
        raise Broken(f"a count of {len(keys)} keys is {count!r}")


async def dbsize(c: Client) -> None:
    c.books.expect(got=type(await c.execute("DBSIZE")), wanted=int, what="DBSIZE")


async def keyless(c: Client) -> None:
    """What concerns one node must name it; then it goes there."""
    try:
        await c.pool.execute("INFO")
    except UsageError:
        pass
    else:
        raise Broken("INFO without a node was not refused")
    nodes = c.pool.nodes
    if nodes:
        try:
            c.books.expect(
                got=await c.pool.execute("ECHO", b"x", node=c.chance.choice(nodes)), wanted=b"x", what="ECHO"
            )
        except UsageError as error:  # it has left meanwhile
            if "has no node" not in str(error):
                raise


# Runs ---------------------------------------------------------------------------------------------------


def _part(c: Client) -> Part:
    """Return a command, the type of its reply, and the counter, token or key that it is about."""
    kind = c.chance.randrange(5)
    if kind == 0:
        key = c.run.counter(c.chance)
        return ("INCR", key), int, key
    if kind == 1:
        token = c.books.token(c.name)
        return ("LPUSH", c.run.list_name(c.chance), token), int, token
    if kind == 2:
        key = shared_key(c)
        return ("GET", key), object, key
    if kind == 3:
        key = shared_key(c)
        value = c.books.value_for(key, c.name)
        return ("SET", key, value), bytes, value
    token = c.books.token(c.name)
    return ("ECHO", token), bytes, b""


async def pipeline(c: Client) -> None:
    await _run(c, [_part(c) for _ in range(c.chance.randint(1, 12))])


async def reads(c: Client) -> None:
    keys = [shared_key(c) for _ in range(c.chance.randint(1, 8))]
    await _run(c, [(("GET", key), object, key) for key in keys])


async def _run(c: Client, parts: list[Part]) -> None:
    commands = [args for args, _, _ in parts]
    answers: list[Any] = []
    try:
        if c.chance.random() < 0.7:
            answers = await c.pool.execute_many(commands)
        else:
            c.limit = c.soon()
            answers = await c.pool.execute_many(commands, timeout=c.limit)
        c.books.expect(got=len(answers), wanted=len(parts), what="a pipeline")
    except BaseException as error:
        for part in parts:
            _note(c, part, error)
        raise
    for part, answer in zip(parts, answers, strict=True):
        _note(c, part, answer)
    worst = next((answer for answer in answers if isinstance(answer, Error)), None)
    if worst is not None:
        raise worst


def _note(c: Client, part: Part, answer: Any) -> None:
    """Note how one command of a run ended."""
    args, wanted, name = part
    tokens = [name] if name.startswith(b"tok:") else []
    counters = [name] if name.startswith(b"n:") else []
    write = c.books.write(tokens=tokens, counters=counters)
    if isinstance(answer, BaseException):
        write.settle(answer)
        return
    write.acknowledged()
    write.settle(None)
    if not isinstance(answer, wanted) and answer is not None:
        raise Broken(f"{args} in a pipeline answered {answer!r}")
    if args[0] == "INCR":
        c.books.saw_counter(name, answer)
    elif args[0] == "GET":
        c.books.saw_value(name, answer)
    elif args[0] == "ECHO":
        c.books.expect(got=answer, wanted=args[1], what="ECHO in a pipeline")


async def atomic(c: Client) -> None:
    """A transaction runs as a whole or not at all, also while its slot moves."""
    tag = c.chance.randrange(3)
    tokens = [c.books.token(c.name) for _ in range(c.chance.randint(1, 3))]
    counter = b"n:{%d}" % tag
    commands: list[tuple[Any, ...]] = [("LPUSH", b"l:{%d}:%d" % (tag, number), t) for number, t in enumerate(tokens)]
    commands += [("INCR", counter), ("ECHO", tokens[0])]
    c.books.transactions.append(tokens)
    with c.books.write(tokens=tokens, counters=[counter]) as write:
        if c.chance.random() < 0.7:
            answers = await c.pool.execute_many(commands, atomic=True)
        else:
            c.limit = c.soon()
            answers = await c.pool.execute_many(commands, atomic=True, timeout=c.limit)
        write.acknowledged()
    c.books.expect(got=[type(answer) for answer in answers], wanted=[int] * (len(tokens) + 1) + [bytes], what="EXEC")
    c.books.saw_counter(counter, answers[-2])


async def atomic_over_slots(c: Client) -> None:
    """Keys in two slots are refused before anything is sent."""
    try:
        await c.pool.execute_many([("LPUSH", "l:0", "tok:never"), ("GET", "s:1")], atomic=True)
    except UsageError:
        return
    except TransactionAborted:
        pass
    raise Broken("a transaction over two slots was not refused")


# Without replies ----------------------------------------------------------------------------------------


async def noreply(c: Client) -> None:
    token = c.books.token(c.name)
    with c.books.write(tokens=[token]):
        await c.pool.execute_noreply("LPUSH", c.run.list_name(c.chance), token)
        c.books.unanswered.append(token)


async def noreply_many(c: Client) -> None:
    tokens = [c.books.token(c.name) for _ in range(c.chance.randint(1, 5))]
    with c.books.write(tokens=tokens):
        await c.pool.execute_many_noreply([("LPUSH", c.run.list_name(c.chance), token) for token in tokens])
        c.books.unanswered += tokens


async def at_once(c: Client) -> None:
    """Several calls of one caller at the same time."""
    keys = [c.run.counter(c.chance) for _ in range(c.chance.randint(2, 6))]

    async def one(key: bytes) -> None:
        with c.books.write(counters=[key]) as write:
            value = await c.pool.execute("INCR", key)
            write.acknowledged()
        c.books.saw_counter(key, value)

    outcomes = await asyncio.gather(*map(one, keys), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, asyncio.CancelledError):
            raise Broken("one of several calls was cancelled, and nobody had cancelled it")
        if isinstance(outcome, BaseException):
            raise outcome


async def drain(c: Client) -> None:
    c.pool.drain()


ORDINARY: Final[tuple[tuple[Any, int], ...]] = (
    (set_own, 10), (get_own, 8), (set_shared, 8), (get_shared, 6), (operations.incr, 14), (push, 8), (blpop, 6),
    (mget, 6), (mset, 5), (delete, 3), (dbsize, 1), (keyless, 1), (operations.echo, 2), (pipeline, 10), (reads, 4),
    (atomic, 8), (atomic_over_slots, 1), (noreply, 4), (noreply_many, 4), (at_once, 4), (operations.cancel, 5),
    (operations.look, 2), (operations.wait_ready, 1), (operations.clear, 1), (drain, 1),
)  # fmt: skip
