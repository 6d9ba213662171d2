"""redis-py's asyncio client for a cluster and its pipeline, whose commands go through an ``AsyncClusterPool``.

Rule 1: as in ``_cluster``: redis-py keeps its own view of the nodes, and dispatches whatever is not for one slot. It
        finds them before the first command, over connections that are closed again: a client that nobody closes leaves
        nothing behind, and may be used in several event loops.
Rule 2: ``execute_command`` is overridden here, so it looks whether the one of redis-py has been replaced, or measures
        its calls, and then calls it.
Rule 3: redis-py closes the client to find the nodes anew. That leaves the engine alone: others' commands are in it.
Rule 4: WATCH, pub/sub and MONITOR take redis-py's own path, and so does what the engine has no options for.
"""

from __future__ import annotations

import asyncio
import inspect
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any, Final

from redis.asyncio import cluster
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import RedisError

from respool import Command
from respool.compat.redis._async_client import _run
from respool.compat.redis._async_engines import AsyncEngineOwner
from respool.compat.redis._cluster_calls import (
    Call,
    at_node,
    commands_of,
    mark_for,
    plan_at_node,
    plan_in_one_slot,
    plans_in_slots,
    raise_first,
    refusal_of,
    remap_for,
    values_of,
)
from respool.compat.redis._cluster_settings import async_options_of
from respool.compat.redis._commands import Plan, identity_of
from respool.compat.redis._encoding import needs_encoding
from respool.compat.redis._engines import own
from respool.compat.redis._errors import as_redis_error, last_of
from respool.compat.redis._observed import is_observed
from respool.compat.redis._runs import called_back
from respool.compat.redis._settings import Classes
from respool.errors import Error, PoolClosed, TransactionAborted

_CLASSES: Final = Classes(Connection, SSLConnection)
_Client: Final = cluster.RedisCluster
_PING: Final[Command[Any]] = Command("PING")
_Pipeline: Final = cluster.ClusterPipeline
_execute_command: Final = _Client.execute_command
#: Whether redis-py runs a command that it has dispatched, and so may close the client by itself (Rule 3).
_is_dispatching: Final[ContextVar[bool]] = ContextVar("_is_dispatching", default=False)


class AsyncEngineNode:
    """Stands where redis-py has a node while the engine runs a command there."""

    def __init__(self, node: Any, owner: Any, engine: Any, plan: Plan, mark: Command[Any] | None) -> None:
        self.name, self.host, self.port, self.db = node.name, node.host, node.port, 0
        self._address = (node.host, int(node.port))
        self._owner = owner
        self._engine = engine
        self._plan = plan
        self._mark = mark

    async def execute_command(self, *args: Any, asking: bool = False, **options: Any) -> Any:
        """Run a command. ``asking`` is for commands that are not run here."""
        if self._mark is not None:
            return await self._wait(self._mark, args)
        try:
            return await _run(self, self, self._plan, self._owner.response_callbacks, args, options)
        except RedisError as error:
            raised = at_node(error, self._plan)
            raise raised from raised.__cause__

    async def execute(self, command: Command[Any]) -> Any:
        """Run a command at this node, as an engine does."""
        return await self._owner._on_engine(lambda engine: engine.execute(command, node=self._address), self._engine)

    async def _wait(self, mark: Command[Any], args: tuple[Any, ...]) -> Any:
        run = [mark, self._plan.command(args)]
        try:
            return last_of(
                await self._owner._on_engine(
                    lambda engine: engine.execute_many(run, atomic=False, node=self._address), self._engine
                )
            )
        except Error as error:
            raise as_redis_error(error) from error

    def _make_engine(self) -> Any:
        return self

    def update_active_connections_for_reconnect(self) -> None:
        """Do nothing: the engine looks after its connections. So does the next method."""

    async def disconnect_free_connections(self) -> None: ...


class RedisCluster(AsyncEngineOwner, cluster.RedisCluster):
    """redis-py's asyncio ``RedisCluster`` on a respool pool: the same commands, nodes, callbacks and errors."""

    #: Whether the nodes may have changed since redis-py has looked.
    _is_stale = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    # The engines -------------------------------------------------------------------------------------

    def _read_options(self) -> dict[str, Any]:
        options = async_options_of(self, _CLASSES)
        if options:
            options["remap"] = own(self).setdefault("_remap", remap_for(self))
        return options

    def _text_encoder(self) -> Any:
        return self.encoder if needs_encoding(self.connection_kwargs) else None

    def _running_engine(self) -> Any:
        """Return the engine of the running loop; None if only redis-py's own path serves this client."""
        return self._engine if self._loop is asyncio.get_running_loop() else self._make_engine()

    async def _on_engine(self, call: Any, engine: Any) -> Any:
        """Call a function with the engine, and again with the next one if it was dropped before it sent anything."""
        try:
            return await call(engine)
        except PoolClosed:
            current = self._make_engine()
            if current is None or current is engine:
                raise
            return await call(current)

    async def _take_identity(self, changes: dict[str, Any]) -> None:
        changes.pop("db", None)  # a cluster has one
        if changes:
            await super()._take_identity(changes)

    # Commands ----------------------------------------------------------------------------------------

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Execute a command where its keys are, or at the nodes of its flags or of ``target_nodes``."""
        engine = self._running_engine()
        if engine is not None and _Client.execute_command is _execute_command and not is_observed():
            plan = plan_in_one_slot(self, args, kwargs)
            if plan is not None:
                if self._initialize and not self.nodes_manager.nodes_cache:
                    await self.initialize()
                kwargs.pop("target_nodes", None)
                return await _run(self, engine, plan, self.response_callbacks, args, kwargs)
        await self._look_again()
        reply = await super().execute_command(*args, **kwargs)
        if changes := identity_of(args):
            await self._take_identity(changes)
        return reply

    async def _execute_command(self, target_node: Any, *args: Any, **kwargs: Any) -> Any:
        plan = plan_at_node(args)
        engine = None if plan is None else self._running_engine()
        if plan is not None and engine is not None and await self._knows(engine, target_node):
            mark = mark_for(self, target_node) if plan.is_wait else None
            if mark is not None or not plan.is_wait:
                target_node = AsyncEngineNode(target_node, self, engine, plan, mark)
        token = _is_dispatching.set(True)
        try:
            return await super()._execute_command(target_node, *args, **kwargs)
        finally:
            _is_dispatching.reset(token)

    async def _knows(self, engine: Any, node: Any) -> bool:
        """Tell whether the engine's map has a node. redis-py may know it by another name, or have a newer view."""
        if not engine.nodes:
            try:
                await engine.execute(_PING)  # the map is there before any command is sent
            except Error:
                return False
        return (node.host, int(node.port)) in engine.nodes

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        pipe: Any = super().pipeline(transaction, shard_hint)
        if type(pipe) is _Pipeline:
            pipe.__class__ = ClusterPipeline
        strategy = getattr(pipe, "_execution_strategy", None)  # redis-py 6.1 has none
        if isinstance(pipe, ClusterPipeline) and strategy is not None:
            strategy.__class__ = _STRATEGIES.get(type(strategy), type(strategy))
        return pipe

    # redis-py's view of the nodes ----------------------------------------------------------------------

    async def initialize(self, *args: Any, **kwargs: Any) -> Any:
        """Find the nodes, as redis-py does, and close the connections that were needed for it (Rule 1)."""
        is_needed = self._initialize
        await super().initialize(*args, **kwargs)
        if is_needed:
            await self._hang_up()
        return self

    async def _look_again(self) -> None:
        """Let redis-py find the nodes again if they may have changed."""
        if self._is_stale and not self._initialize:
            self._is_stale = False
            await self.nodes_manager.initialize()
            await self._hang_up()

    async def _hang_up(self) -> None:
        """Close the connections of redis-py's nodes that nobody uses."""
        for node in self._own_nodes():
            for _ in range(len(node._free)):
                if not node._free:
                    break
                connection = node._free.popleft()  # nobody gets it meanwhile
                try:
                    await connection.disconnect()
                finally:
                    node._free.append(connection)

    def _own_nodes(self) -> list[Any]:
        manager = self.nodes_manager
        nodes: dict[int, Any] = {
            id(node): node for cache in (manager.nodes_cache, manager.startup_nodes) for node in cache.values()
        }
        return list(nodes.values())

    # Settings and the end ----------------------------------------------------------------------------

    def set_retry(self, retry: Any) -> None:
        super().set_retry(retry)
        self._settings_changed()

    async def aclose(self) -> None:
        """Close the client, as redis-py does, and the engine of the running loop."""
        try:
            await super().aclose()
        finally:
            if not _is_dispatching.get():
                await self._hang_up()  # redis-py leaves those that it has used since it closed itself (Rule 3)
                await self._close_engine()

    def __del__(self, *args: Any) -> None:
        if hasattr(self, "nodes_manager") and any(
            connection.is_connected for node in self._own_nodes() for connection in node._connections
        ):
            super().__del__(*args)


update_wrapper(RedisCluster.__init__, cluster.RedisCluster.__init__)  # its signature


# Pipelines -------------------------------------------------------------------------------------------------------


class ClusterPipeline(cluster.ClusterPipeline):
    """redis-py's asyncio ``ClusterPipeline``: without WATCH its commands go through respool, a run for each node."""

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
    engine = client._running_engine() if isinstance(client, RedisCluster) else None
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

        async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:  # noqa: FBT001, FBT002
            client: Any = self._pipe.cluster_client
            stack = self._command_queue
            is_one_run = not self._watching and self._transaction_connection is None and len(self._pipeline_slots) == 1
            commands: list[Call] = [(entry.args, entry.kwargs) for entry in stack]
            found = await _replies(client, commands, atomic=True) if stack and is_one_run else None
            if found is None:
                own_values: list[Any] = await super().execute(raise_on_error, allow_redirections)
                return own_values
            plans, values = found
            if raise_on_error:
                raise_first(values, commands)
            return await _shaped(client, plans, commands, values)

    _STRATEGIES.update(
        {cluster.PipelineStrategy: PipelineStrategy, cluster.TransactionStrategy: TransactionStrategy}
    )
