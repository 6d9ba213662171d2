"""redis-py's asyncio client for a cluster, whose commands go through an ``AsyncClusterPool``.

Rule 1: as in ``_cluster``: redis-py keeps its own view of the nodes, and dispatches whatever is not for one slot. It
        finds them before the first command, over connections that are closed again: a client that nobody closes leaves
        nothing behind, and may be used in several event loops.
Rule 2: ``execute_command`` is overridden here, so it looks whether the one of redis-py has been replaced, or measures
        its calls, and then calls it.
Rule 3: redis-py closes the client to find the nodes anew. That leaves the engine alone: others' commands are in it.
Rule 4: pub/sub and MONITOR take redis-py's own path, and so does what the engine has no options for.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import update_wrapper
from typing import Any, Final

from redis.asyncio import cluster
from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import RedisError

from respool import Command
from respool.compat.redis._async_client import _run
from respool.compat.redis._async_cluster_pipelines import ClusterPipeline
from respool.compat.redis._async_engines import AsyncEngineOwner
from respool.compat.redis._cluster_calls import (
    at_node,
    mark_for,
    plan_at_node,
    plan_in_one_slot,
    remap_for,
)
from respool.compat.redis._cluster_settings import async_options_of
from respool.compat.redis._commands import Plan, identity_of
from respool.compat.redis._encoding import needs_encoding
from respool.compat.redis._engines import own
from respool.compat.redis._errors import as_redis_error, last_of
from respool.compat.redis._observed import is_observed
from respool.compat.redis._settings import Classes
from respool.errors import Error, PoolClosed

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
        if isinstance(pipe, ClusterPipeline):
            pipe._serve()
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
        shards = {id(shard): shard for shard in manager.slots_cache.values()}  # redis-py 7 has other objects there
        groups = (manager.nodes_cache.values(), manager.startup_nodes.values(), *shards.values())
        nodes: dict[int, Any] = {id(node): node for group in groups for node in group}
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
