"""redis-py's client for a cluster, whose commands go through a respool ``ClusterPool``.

Rule 1: redis-py finds the nodes at construction and keeps its own view of them, for ``get_nodes`` and the like and for
        what it dispatches (``_cluster_calls``). When the engine hears of other nodes, redis-py looks again before
        it dispatches anything. A command for one slot does not need that view.
Rule 2: only ``_internal_execute_command`` and ``_execute_command`` are overridden, and of a pipeline its strategies.
        So what patches redis-py's methods keeps working. While redis-py measures, it dispatches everything.
Rule 3: a command that redis-py dispatches goes through its own ``_execute_command``, with an ``EngineNode`` in place of
        the node: what it does after an error, and its callbacks, stay its own.
Rule 4: pub/sub and MONITOR take redis-py's own path, and so does what the engine has no options for.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import update_wrapper
from typing import Any, Final

from redis import cluster
from redis.connection import Connection, SSLConnection
from redis.exceptions import RedisError

from respool import Command
from respool.compat.redis._client import _run
from respool.compat.redis._cluster_calls import (
    at_node,
    mark_for,
    plan_at_node,
    plan_in_one_slot,
    remap_for,
    with_callback,
)
from respool.compat.redis._cluster_pipelines import ClusterPipeline
from respool.compat.redis._cluster_settings import sync_options_of
from respool.compat.redis._commands import Plan, identity_of
from respool.compat.redis._encoding import needs_encoding
from respool.compat.redis._engines import NOBODY, EngineOwner, own
from respool.compat.redis._errors import as_redis_error, last_of
from respool.compat.redis._observed import is_observed
from respool.compat.redis._settings import Classes
from respool.errors import Error, PoolClosed

_CLASSES: Final = Classes(Connection, SSLConnection)
_PING: Final[Command[Any]] = Command("PING")
_Pipeline: Final = cluster.ClusterPipeline


class EngineNode:
    """Stands where redis-py has a node, its client, pool and connection, while the engine runs a command there."""

    def __init__(self, node: Any, owner: Any, engine: Any, plan: Plan, mark: Command[Any] | None) -> None:
        self.name, self.host, self.port, self.db = node.name, node.host, node.port, 0
        self._address = (node.host, int(node.port))
        self._owner = owner
        self._inner = engine
        self._plan = plan
        self._mark = mark
        self._args: tuple[Any, ...] = ()
        self._lock = nullcontext()

    @property
    def _itself(self) -> EngineNode:  # an attribute would be a cycle, and keep the client until the next gc run
        return self

    connection = connection_pool = _engine = _itself

    @property
    def redis_connection(self) -> EngineNode:
        return self

    @redis_connection.setter
    def redis_connection(self, _: None) -> None:
        """Do nothing: redis-py 6 forgets a client after an error."""

    def send_command(self, *args: Any, **_: Any) -> None:
        """Remember the command; ``parse_response`` runs it."""
        self._args = args

    def parse_response(self, _: Any, __: Any, **options: Any) -> Any:
        if self._mark is not None:
            return self._wait(self._mark)
        try:
            return _run(self, self, self._plan, self._owner._node_callbacks(), self._args, options)
        except RedisError as error:
            raised = at_node(error, self._plan)
            raise raised from raised.__cause__

    def execute(self, command: Command[Any]) -> Any:
        """Run a command at this node, as an engine does."""
        return self._owner._on_engine(lambda engine: engine.execute(command, node=self._address), self._inner)

    def _wait(self, mark: Command[Any]) -> Any:
        run = [mark, self._plan.command(self._args)]
        try:
            return last_of(
                self._owner._on_engine(
                    lambda engine: engine.execute_many(run, atomic=False, node=self._address), self._inner
                )
            )
        except Error as error:
            raise as_redis_error(error) from error

    def release(self, _: Any) -> None:
        """Do nothing: the engine looks after its connections. So do the next methods."""

    def disconnect(self, *_: Any) -> None: ...

    def update_active_connections_for_reconnect(self) -> None: ...

    def disconnect_free_connections(self) -> None: ...


class RedisCluster(EngineOwner, cluster.RedisCluster):
    """redis-py's ``RedisCluster`` on a respool pool: the same commands, nodes, callbacks and errors."""

    #: Whether the nodes may have changed since redis-py has looked (Rule 1).
    _is_stale = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._options = {}  # what redis-py sends meanwhile is its own
        super().__init__(*args, **kwargs)
        self._options = None

    # The engine --------------------------------------------------------------------------------------

    def _read_options(self) -> dict[str, Any]:
        options = sync_options_of(self, _CLASSES)
        if options:
            options["remap"] = own(self).setdefault("_remap", remap_for(self))
        return options

    def _text_encoder(self) -> Any:
        encoder = self.get_encoder()
        settings = {"encoding": encoder.encoding, "encoding_errors": encoder.encoding_errors}
        return encoder if needs_encoding(settings) else None

    def _node_callbacks(self) -> Any:
        """Return the callbacks of redis-py's clients for single nodes."""
        callbacks = self.__dict__.get("_callbacks")
        if callbacks is None:
            node = self.get_default_node() or self.get_nodes()[0]
            callbacks = self._callbacks = self.get_redis_connection(node).response_callbacks
        return callbacks

    def _on_engine(self, call: Any, engine: Any) -> Any:
        """Call a function with the engine, and again with the next one if it was dropped before it sent anything."""
        try:
            return call(engine)
        except PoolClosed:
            current = self._engine or self._make_engine()
            if current is None or current is engine:
                raise
            return call(current)

    def _take_identity(self, changes: dict[str, Any]) -> None:
        changes.pop("db", None)  # a cluster has one
        if changes:
            super()._take_identity(changes)

    # Commands ----------------------------------------------------------------------------------------

    def _internal_execute_command(self, *args: Any, **kwargs: Any) -> Any:
        engine = self._engine or self._make_engine()
        if engine is not None and not is_observed():
            plan = plan_in_one_slot(self, args, kwargs)
            if plan is not None:
                kwargs.pop("target_nodes", None)
                reply = _run(self, engine, plan, self._node_callbacks(), args, kwargs)
                return with_callback(plan, self.cluster_response_callbacks, reply, kwargs)
        self._look_again()
        reply = super()._internal_execute_command(*args, **kwargs)
        if changes := identity_of(args):
            self._take_identity(changes)
        return reply

    def _execute_command(self, target_node: Any, *args: Any, **kwargs: Any) -> Any:
        plan = plan_at_node(args)
        engine = None if plan is None else self._engine or self._make_engine()
        if plan is not None and engine is not None and self._knows(engine, target_node):
            mark = mark_for(self, target_node) if plan.is_wait else None
            if mark is not None or not plan.is_wait:
                target_node = EngineNode(target_node, self, engine, plan, mark)
        return super()._execute_command(target_node, *args, **kwargs)

    def _knows(self, engine: Any, node: Any) -> bool:
        """Tell whether the engine's map has a node. redis-py may know it by another name, or have a newer view."""
        if not engine.nodes:
            try:
                engine.execute(_PING)  # the map is there before any command is sent
            except Error:
                return False
        return (node.host, int(node.port)) in engine.nodes

    def _look_again(self) -> None:
        """Let redis-py find the nodes again if they may have changed."""
        if self._is_stale:
            self._is_stale = False
            self.nodes_manager.initialize()

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> Any:
        pipe: Any = super().pipeline(transaction, shard_hint)
        if type(pipe) is _Pipeline:
            pipe.__class__ = ClusterPipeline
        if isinstance(pipe, ClusterPipeline):
            pipe._serve(self)
        return pipe

    # Settings and the end ----------------------------------------------------------------------------

    def set_retry(self, retry: Any) -> None:
        super().set_retry(retry)
        self._settings_changed()

    def disconnect_connection_pools(self) -> None:
        super().disconnect_connection_pools()
        self._identity = NOBODY
        self._close_engine()

    def close(self) -> None:
        super().close()
        self._identity = NOBODY
        self._close_engine()

    def __del__(self) -> None:
        self._forget_engine()
        super().__del__()


update_wrapper(RedisCluster.__init__, cluster.RedisCluster.__init__)  # its signature
