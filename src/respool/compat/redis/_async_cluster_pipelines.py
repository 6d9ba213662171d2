"""The pipelines of redis-py's asyncio client for a cluster, whose commands go through an ``AsyncClusterPool``.

Rule 1: as in ``_cluster_pipelines``.
Rule 2: redis-py finds the slot of a command of a transaction in an event loop of its own, in a thread. What is sent is
        sent by a coroutine that the caller awaits, so the engine is asked for there.
"""

from __future__ import annotations

import inspect
from typing import Any, Final

from redis.asyncio import cluster
from redis.asyncio.retry import Retry
from redis.exceptions import ClusterError, RedisError

from respool.compat.redis._async_client import _run
from respool.compat.redis._async_engines import AsyncEngineOwner
from respool.compat.redis._cluster_calls import (
    Call,
    commands_of,
    plans_in_slots,
    raise_first,
    refusal_of,
    values_of,
    watch_lost,
    watched_refusal_of,
)
from respool.compat.redis._commands import Plan, planned
from respool.compat.redis._errors import as_redis_error
from respool.compat.redis._observed import is_observed
from respool.compat.redis._runs import called_back
from respool.compat.redis._watching import AsyncLeaseConnection
from respool.errors import Error, TransactionAborted


class ClusterPipeline(cluster.ClusterPipeline):
    """redis-py's asyncio ``ClusterPipeline``: its commands go through respool, those after WATCH on a lease."""

    def _serve(self) -> None:
        strategy: Any = getattr(self, "_execution_strategy", None)  # redis-py 6.1 has none
        if strategy is not None:
            strategy.__class__ = _STRATEGIES.get(type(strategy), type(strategy))

    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
        """Execute all commands of the pipeline and return their replies, as redis-py does."""
        if not hasattr(self, "_execution_strategy"):  # redis-py 6.1
            pipe: Any = self
            stack, pipe._command_stack = pipe._command_stack, []
            values = await _values(pipe._client, stack, raise_on_error, is_allowed=allow_redirections)
            if values is not None:
                return values
            pipe._command_stack = stack
        found: list[Any] = await super().execute(raise_on_error, allow_redirections)
        return found


async def _values(client: Any, stack: list[Any], raise_on_error: Any, *, is_allowed: Any) -> list[Any] | None:
    """Run a pipeline that is no transaction; return None if it is to be dispatched by redis-py."""
    commands: list[Call] = [(entry.args, entry.kwargs) for entry in stack]
    found = await _replies(client, commands, atomic=False) if is_allowed and stack else None
    if found is None:
        return None
    plans, values = found
    if raise_on_error:
        raise_first(values, commands, shows_all=True)
    return await _shaped(client, plans, commands, values)


async def _replies(client: Any, stack: list[Call], *, atomic: bool) -> tuple[list[Plan], list[Any]] | None:
    """Run a pipeline on the engine; return None if it is to be dispatched by redis-py."""
    engine = _engine_of(client)
    if engine is None or is_observed():
        return None
    if client._initialize and not client.nodes_manager.nodes_cache:
        await client.initialize()
    plans = plans_in_slots(client, stack)
    if plans is None:
        await client._look_again()
        return None
    calls = commands_of(plans, stack)
    try:
        replies = await client._on_engine(lambda engine: engine.execute_many(calls, atomic=atomic), engine)
    except TransactionAborted as error:
        raise refusal_of(stack, error) from error
    except Error as error:
        raise as_redis_error(error) from error
    return plans, values_of(plans, replies)


def _engine_of(client: Any) -> Any:
    """Return the engine of a client; None if it has none, or is redis-py's own, made before ``install()``."""
    return client._running_engine() if isinstance(client, AsyncEngineOwner) else None


async def _shaped(client: Any, plans: list[Plan], stack: list[Call], values: list[Any]) -> list[Any]:
    shaped = called_back(plans, stack, values, client.response_callbacks)
    return [await value if inspect.isawaitable(value) else value for value in shaped]


_STRATEGIES: Final[dict[type[Any], type[Any]]] = {}

if hasattr(cluster, "PipelineStrategy"):  # not in redis-py 6.1

    class PipelineStrategy(cluster.PipelineStrategy):
        """redis-py's strategy for pipelines that are no transactions."""

        async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
            client: Any = self._pipe.cluster_client
            values = await _values(client, self._command_queue, raise_on_error, is_allowed=allow_redirections)
            if values is None:
                values = await super().execute(raise_on_error, allow_redirections)
            return values

    class TransactionStrategy(cluster.TransactionStrategy):
        """redis-py's strategy for transactions."""

        _pipe: Any
        _retry: Any
        _watching: bool
        #: What watches keys for it.
        _lease: AsyncLeaseConnection | None = None

        async def _immediate_execute_command(self, *args: Any, **options: Any) -> Any:
            """Run WATCH, UNWATCH, or a command between WATCH and MULTI."""
            lease = self._lease or self._borrow(args)
            if lease is None:
                return await super()._immediate_execute_command(*args, **options)
            if args[0] == "WATCH" and not lease.is_held:
                return await self._retry.call_with_retry(lambda: self._now(lease, args, options), _go_on)
            return await self._now(lease, args, options)

        def _borrow(self, args: tuple[Any, ...]) -> AsyncLeaseConnection | None:
            """Make the lease for a first WATCH; None if redis-py's own path serves this transaction."""
            client = self._pipe.cluster_client
            engine = _engine_of(client)
            if engine is None or args[0] != "WATCH" or self._transaction_connection or is_observed():
                return None
            self._retry.update_supported_errors([ClusterError])  # the node has not the slot any more
            self._lease = AsyncLeaseConnection(client, engine, Retry, key=client.encoder.encode(args[1]))
            return self._lease

        async def _now(self, lease: AsyncLeaseConnection, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
            plan, is_first = planned(args), not lease.is_held
            try:
                reply = await _run(lease, lease, plan, self._pipe.cluster_client.response_callbacks, args, options)
            except RedisError as error:
                lost = None if is_first else watch_lost(error, [plan])
                if is_first:
                    await lease.disconnect()
                if lost is None:
                    raise
                await self.reset()
                raise lost from error.__cause__
            if args[0] in self.UNWATCH_COMMANDS:
                self._let_go()
            return reply

        async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
            client: Any = self._pipe.cluster_client
            stack = self._command_queue
            commands: list[Call] = [(entry.args, entry.kwargs) for entry in stack]
            found = None
            if len(self._pipeline_slots) == 1 and self._lease is not None:
                found = await self._watched_run(self._lease, commands)
            elif len(self._pipeline_slots) == 1 and stack and not (self._watching or self._transaction_connection):
                found = await _replies(client, commands, atomic=True)
            if found is None:
                own_values: list[Any] = await super().execute(raise_on_error, allow_redirections)
                return own_values
            plans, values = found
            if raise_on_error:
                raise_first(values, commands)
            return await _shaped(client, plans, commands, values)

        async def _watched_run(self, lease: AsyncLeaseConnection, stack: list[Call]) -> tuple[list[Plan], list[Any]]:
            lease.prepare(stack)
            try:
                replies = await lease.run(commands_of(lease.plans, stack), atomic=True)
            except Error as error:
                raise watched_refusal_of(stack, lease.plans, error) from error
            finally:
                self._watching = False  # EXEC has ended it; else the pool does when it gets the lease back
            return lease.plans, values_of(lease.plans, replies)

        async def reset(self) -> None:
            try:
                if self._lease is not None and self._watching:
                    await self._lease.unwatch()
            finally:
                self._let_go()
                await super().reset()

        def _let_go(self) -> None:
            """Give the lease back, without waiting."""
            lease, self._lease = self._lease, None
            if lease is not None:
                self._watching = False
                lease.release()

    async def _go_on(_: Exception) -> None:
        """Do nothing before another try."""

    _STRATEGIES.update(
        {cluster.PipelineStrategy: PipelineStrategy, cluster.TransactionStrategy: TransactionStrategy}
    )
