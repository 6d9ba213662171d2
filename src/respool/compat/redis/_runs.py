"""A pipeline of redis-py as one run on an engine: what is sent, and how replies become values. Sync and asyncio.

Rule 1: a pipeline goes to the engine whole or not at all.
Rule 2: a server's error is a value, raised with its position by redis-py's own ``raise_first_error``. An error that
        redis-py takes for the end of the connection (LOADING, a wrong password) is raised as it is, in a transaction
        if it is the first reply.
Rule 3: a transaction whose command was refused raises the error of that command, not EXECABORT, as redis-py does.
"""

from __future__ import annotations

from typing import Any, Final

from redis import exceptions
from redis.client import EMPTY_RESPONSE, NEVER_DECODE

from respool import Command
from respool.compat.redis._commands import Plan, known_plan, plan_of
from respool.compat.redis._errors import as_redis_error, with_redis_errors
from respool.errors import Error, PoolClosed, TransactionAborted

#: Options of a call that are not for its callback.
_INTERNAL: Final = ("keys", NEVER_DECODE, EMPTY_RESPONSE)


def plans_for(stack: list[Any]) -> list[Plan] | None:
    """Return the plans of a pipeline's commands; None if one of them needs redis-py's own path."""
    plans: list[Plan] = []
    for args, options in stack:
        try:
            plan = known_plan(args[0]) or plan_of(args)
        except (IndexError, TypeError):
            return None
        if plan is None or not plan.is_fast or (options and EMPTY_RESPONSE in options):
            return None
        plans.append(plan)
    return plans


def run_of(plans: list[Plan], stack: list[Any]) -> list[Command[Any]]:
    """Return the commands to send."""
    of = Command.of  # an attribute less for each command
    return [
        plan.command(args, blob=NEVER_DECODE in options)
        if plan.words or NEVER_DECODE in options
        else of(args, plan.spec, None)
        for plan, (args, options) in zip(plans, stack, strict=True)
    ]


def read_run(plans: list[Plan], replies: list[Any], *, atomic: bool) -> tuple[list[Any], bool]:
    """Return the replies with redis-py's errors in them, and whether there is one. Raises one that ends a pipeline."""
    has_errors = False
    for at, (plan, reply) in enumerate(zip(plans, replies, strict=True)):
        if isinstance(reply, Error):
            has_errors = True
            error = replies[at] = as_redis_error(reply)
            if (not atomic or at == 0) and not isinstance(error, exceptions.ResponseError):
                raise error
        elif plan.runs_code:
            replies[at] = with_redis_errors(reply)
    return replies, has_errors


def may_have_written(error: BaseException | None, plans: list[Plan]) -> bool:
    """Tell whether respool's error leaves open that a command which writes has run."""
    return getattr(error, "executed", "no") != "no" and not all(plan.spec.safe for plan in plans)


def called_back(plans: list[Plan], stack: list[Any], values: list[Any], callbacks: Any) -> list[Any]:
    """Return what redis-py's callbacks make of the replies; errors stay errors."""
    find = dict.get
    shaped: list[Any] = []
    for plan, (_, options), value in zip(plans, stack, values, strict=True):
        callback = find(callbacks, plan.name)
        if callback is None or isinstance(value, Exception):
            shaped.append(value)
        else:
            shaped.append(callback(value, **for_callback(options)) if options else callback(value))
    return shaped


def for_callback(options: dict[str, Any]) -> dict[str, Any]:
    """Remove from a call's options what its callback does not take."""
    for name in _INTERNAL:
        options.pop(name, None)
    return options


def refusal_of(pipeline: Any, stack: list[Any], error: TransactionAborted) -> Exception:
    """Return the error to raise for a transaction that was not run."""
    refused, index = error.__cause__, error.refused_index
    if index is None and refused is None:
        changed: Exception = exceptions.WatchError("Watched variable changed.")
        return changed
    if index is None or not isinstance(refused, Error):
        return as_redis_error(error)
    made = as_redis_error(refused)
    pipeline.annotate_exception(made, index + 1, stack[index][0])
    return made


class EngineConnection:
    """Stands where redis-py's pipeline keeps its connection while the engine runs the pipeline.

    It has what ``Pipeline.execute`` asks a connection for: a retry policy, which retries nothing because the engine
    does, and the address for measurements.
    """

    __slots__ = ("db", "engine", "host", "plans", "pool", "port", "retry")

    def __init__(self, pool: Any, engine: Any, plans: list[Plan], retry: Any) -> None:
        self.pool = pool
        self.engine = engine
        self.plans = plans
        self.retry = retry
        settings = getattr(pool, "connection_kwargs", {})  # a client for a cluster has none
        self.host = settings.get("host")
        self.port = settings.get("port")
        self.db = settings.get("db", 0)

    def run(self, calls: list[Command[Any]], *, atomic: bool) -> list[Any]:
        """Run commands on the engine. One that was dropped before it sent them is replaced by the next one."""
        try:
            replies: list[Any] = self.engine.execute_many(calls, atomic=atomic)
        except PoolClosed:
            if not self.renew():
                raise
            replies = self.engine.execute_many(calls, atomic=atomic)
        return replies

    def renew(self) -> bool:
        """Take the pool's new engine if this one was dropped; False if it is still the pool's own, or there is none."""
        engine = self.pool._engine or self.pool._make_engine()
        if engine is None or engine is self.engine:
            return False
        self.engine = engine
        return True

    def release(self) -> None:
        """Do nothing: the engine looks after its connections. So do the next methods."""

    def _close(self) -> None: ...

    def disconnect(self, *_: Any, **__: Any) -> None: ...

    def should_reconnect(self) -> bool:
        return False


class AsyncEngineConnection(EngineConnection):
    """The same for asyncio."""

    __slots__ = ()

    async def run(self, calls: list[Command[Any]], *, atomic: bool) -> list[Any]:  # type: ignore[override]
        try:
            replies: list[Any] = await self.engine.execute_many(calls, atomic=atomic)
        except PoolClosed:
            if not self.renew():
                raise
            replies = await self.engine.execute_many(calls, atomic=atomic)
        return replies

    def renew(self) -> bool:
        engine = self.pool._make_engine()
        if engine is None or engine is self.engine:
            return False
        self.engine = engine
        return True

    async def disconnect(self, *_: Any, **__: Any) -> None:  # type: ignore[override]
        """Do nothing: the engine looks after its connections."""
