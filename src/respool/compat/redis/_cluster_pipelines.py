"""The pipelines of redis-py's client for a cluster, whose commands go through a respool ``ClusterPool``.

Rule 1: a pipeline goes to the engine whole, in a run for each node; a transaction, in one run. If a command in it is to
        be dispatched by redis-py, or redis-py measures its calls, all of it takes redis-py's own path.
Rule 2: a transaction that watches keys has a lease to the node of their slot, from the first WATCH to the end or to
        UNWATCH. Only that WATCH is tried again, on another lease: what else redis-py would send again, on a connection
        that watches nothing, ends in a WatchError, or in the connection's error if it may have written.
"""

from __future__ import annotations

from typing import Any, Final

from redis import cluster
from redis.exceptions import ClusterError, RedisError
from redis.retry import Retry

from respool.compat.redis._client import _run
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
from respool.compat.redis._watching import LeaseConnection
from respool.errors import Error, TransactionAborted


class ClusterPipeline(cluster.ClusterPipeline):
    """redis-py's ``ClusterPipeline``: its commands go through respool, those after WATCH on a lease."""

    #: Whose pipeline it is; None: one that was not made by ``RedisCluster.pipeline``.
    _client: Any = None

    def _serve(self, client: Any) -> None:
        self._client = client
        strategy: Any = self._execution_strategy
        strategy.__class__ = _STRATEGIES.get(type(strategy), type(strategy))

    def __del__(self) -> None:
        strategy = self.__dict__.get("_execution_strategy")
        if type(strategy) is TransactionStrategy:
            strategy._let_go()  # an UNWATCH would wait
        super().__del__()


def _replies(pipe: Any, stack: list[Call], *, atomic: bool) -> tuple[list[Plan], list[Any]] | None:
    """Run a pipeline on the engine; return None if it is to be dispatched by redis-py."""
    client = pipe._client
    engine = client._engine or client._make_engine()
    if engine is None or is_observed():
        return None
    plans = plans_in_slots(client, stack)
    if plans is None:
        client._look_again()
        return None
    calls = commands_of(plans, stack)
    try:
        replies = client._on_engine(lambda engine: engine.execute_many(calls, atomic=atomic), engine)
    except TransactionAborted as error:
        raise refusal_of(stack, error) from error
    except Error as error:
        raise as_redis_error(error) from error
    return plans, values_of(plans, replies)


class PipelineStrategy(cluster.PipelineStrategy):
    """redis-py's strategy for pipelines that are no transactions."""

    def send_cluster_commands(
        self, stack: Any, raise_on_error: bool = True, allow_redirections: bool = True  # noqa: FBT001, FBT002
    ) -> Any:
        pipe: Any = self._pipe
        commands = [(entry.args, entry.options) for entry in stack]
        found = _replies(pipe, commands, atomic=False) if allow_redirections and stack else None
        if found is None:
            return super().send_cluster_commands(stack, raise_on_error, allow_redirections)
        plans, values = found
        if raise_on_error:
            raise_first(values, commands)
        first = called_back(plans, commands, values, pipe._client._node_callbacks())
        return called_back(plans, commands, first, pipe.cluster_response_callbacks)


class TransactionStrategy(cluster.TransactionStrategy):
    """redis-py's strategy for transactions. It shapes their replies only by the callbacks of the cluster's client."""

    _pipe: Any
    _retry: Any
    _watching: bool
    #: What watches keys for it (Rule 2).
    _lease: LeaseConnection | None = None

    def _immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        """Run WATCH, UNWATCH, or a command between WATCH and MULTI."""
        lease = self._lease or self._borrow(args)
        if lease is None:
            return super()._immediate_execute_command(*args, **options)
        if args[0] == "WATCH" and not lease.is_held:
            return self._retry.call_with_retry(lambda: self._now(lease, args, options), lambda _: None)
        return self._now(lease, args, options)

    def _borrow(self, args: tuple[Any, ...]) -> LeaseConnection | None:
        """Make the lease for a first WATCH; None if redis-py's own path serves this transaction."""
        client = self._pipe._client
        engine = client._engine or client._make_engine()
        if engine is None or args[0] != "WATCH" or self._transaction_connection or is_observed():
            return None
        self._retry.update_supported_errors([ClusterError])  # the node has not the slot any more
        self._lease = LeaseConnection(client, engine, Retry, key=client.get_encoder().encode(args[1]))
        return self._lease

    def _now(self, lease: LeaseConnection, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        plan, is_first = planned(args), not lease.is_held
        try:
            reply = _run(lease, lease, plan, self._pipe._client._node_callbacks(), args, options)
        except RedisError as error:
            lost = None if is_first else watch_lost(error, [plan])
            if is_first:
                lease.disconnect()
            if lost is None:
                raise
            self.reset()
            raise lost from error.__cause__
        if args[0] in self.UNWATCH_COMMANDS:
            self._let_go()
        return reply

    def execute(self, raise_on_error: bool = True) -> Any:  # noqa: FBT001, FBT002 - redis-py's signature
        stack: Any = self._command_queue
        commands = [(entry.args, entry.options) for entry in stack]
        found = None
        if len(self._pipeline_slots) == 1 and self._lease is not None:
            found = self._watched_run(self._lease, commands)
        elif len(self._pipeline_slots) == 1 and stack and not (self._watching or self._transaction_connection):
            found = _replies(self._pipe, commands, atomic=True)
        if found is None:
            return super().execute(raise_on_error)
        plans, values = found
        if raise_on_error:
            raise_first(values, commands)
        return called_back(plans, commands, values, self._pipe.cluster_response_callbacks)

    def _watched_run(self, lease: LeaseConnection, stack: list[Call]) -> tuple[list[Plan], list[Any]]:
        lease.prepare(stack)
        try:
            replies = lease.run(commands_of(lease.plans, stack), atomic=True)
        except Error as error:
            raise watched_refusal_of(stack, lease.plans, error) from error
        finally:
            self._watching = False  # EXEC has ended it; else the pool does when it gets the lease back
        return lease.plans, values_of(lease.plans, replies)

    def reset(self) -> None:
        try:
            if self._lease is not None and self._watching:
                self._lease.unwatch()
        finally:
            self._let_go()
            super().reset()

    def _let_go(self) -> None:
        """Give the lease back, without waiting."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self._watching = False
            lease.release()


_STRATEGIES: Final[dict[type[Any], type[Any]]] = {
    cluster.PipelineStrategy: PipelineStrategy,
    cluster.TransactionStrategy: TransactionStrategy,
}
