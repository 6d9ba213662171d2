"""The pools of coredis, each over a pool of respool: ``engine``.

Rule 1: these pools lease a connection for each command (``shared=0``), as those of coredis did before 4.24. So
        ``max_connections`` bounds how many commands run at a time: what is beyond it raises, or waits.
Rule 2: construction does no I/O. A pool outlives its clients, and warns nobody when it is dropped: its connections are
        closed then.
Rule 3: a pool for a cluster counts the nodes at its first use. If a limit for all of them together is below that
        number, it is increased with a warning.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final, Self
from weakref import WeakSet

from respool import AsyncClusterPool, AsyncConnection, AsyncPool, RetryPolicy
from respool.compat.coredis.arguments import PARSERS, arguments_of, encoding_of, options_of
from respool.compat.coredis.connection import (
    BaseConnection,
    ClusterConnection,
    Connection,
    UnixDomainSocketConnection,
    pooled,
)
from respool.compat.coredis.exceptions import ConnectionError, RedisClusterException, old_errors  # noqa: A004
from respool.errors import ConnectFailed, UsageError, UsageTypeError

#: The limit of a pool that was given none.
UNLIMITED: Final = 2**31

#: The default of ``retry_policy``: respool's, which never sends a write again that may have run.
READS: Final = RetryPolicy()

#: Its constructor has no effects, so a pool may try it.
_OURS: Final = (Connection, UnixDomainSocketConnection, ClusterConnection)


class ConnectionPool:
    """A pool of connections to one server. When all of them are in use, a command raises ConnectionError at once."""

    #: How the options in the query string of a URL are read.
    URL_QUERY_ARGUMENT_PARSERS: ClassVar[dict[str, Callable[[str], Any]]] = PARSERS

    engine: Any

    def __init__(
        self,
        *,
        connection_class: type[BaseConnection] | None = None,
        max_connections: int | None = None,
        max_idle_time: float = 0,
        idle_check_interval: float = 1,
        retry_policy: RetryPolicy | None = READS,
        **connection_kwargs: Any,
    ) -> None:
        """Check the keywords; no I/O.

        ``max_connections``: 2**31 by default. ``max_idle_time``: seconds after which an unused connection is closed; 0
        keeps it. ``idle_check_interval`` is accepted: respool needs none. ``retry_policy``: respool's; None retries
        nothing. All other keywords reach the constructor of ``connection_class``.
        """
        self._set_up(
            connection_class or Connection,
            connection_kwargs,
            max_connections=max_connections or UNLIMITED,
            max_idle_time=max_idle_time,
            idle_check_interval=idle_check_interval,
            retry_policy=retry_policy,
        )

    def _set_up(
        self,
        connection_class: type[BaseConnection],
        connection_kwargs: dict[str, Any],
        *,
        max_connections: int,
        max_idle_time: float,
        idle_check_interval: float,
        retry_policy: RetryPolicy | None,
        timeout: float | None = None,
        is_blocking: bool = False,
        queue_class: type[asyncio.Queue[Any]] = asyncio.LifoQueue,
    ) -> None:
        if retry_policy is not None and not isinstance(retry_policy, RetryPolicy):
            raise UsageTypeError(
                "retry_policy must be a respool.RetryPolicy(attempts=..., base=...) or None, not "
                f"{type(retry_policy).__name__}: which commands are safe to send again is decided by respool"
            )
        self.connection_class = connection_class
        self.connection_kwargs = connection_kwargs
        self.max_connections = max_connections
        self.max_idle_time = max_idle_time
        self.idle_check_interval = idle_check_interval
        self.encoding = str(connection_kwargs.get("encoding") or "utf-8")
        self.decode_responses = encoding_of(connection_kwargs) is not None
        self._leases: WeakSet[AsyncConnection[Any]] = WeakSet()
        kind = pooled(connection_class)
        if connection_class in _OURS:
            connection_class(**connection_kwargs)
        self._options = {
            "host": "127.0.0.1",
            **options_of(connection_kwargs),
            "shared": 0,
            "connection_class": kind,
            "connection_options": connection_kwargs,
            "max_idle": max_idle_time or None,
            "retry": retry_policy,
            "on_full": "wait" if is_blocking else "raise",
            "acquire_timeout": timeout,
            "max_waiting": UNLIMITED,
            "idle_order": "lifo" if issubclass(queue_class, asyncio.LifoQueue) else "fifo",
            "warn_unclosed": False,
        }
        self.engine = self._make_engine()

    def _make_engine(self) -> Any:
        return AsyncPool(**self._options, max_size=self.max_connections)

    @classmethod
    def from_url(
        cls, url: str, db: int | str | None = None, decode_components: bool = False, **kwargs: Any  # noqa: FBT001, FBT002
    ) -> Self:
        """Return a pool for ``redis://``, ``rediss://`` or ``unix://``; what the URL says overrides the keywords.

        ``redis://[user:password@]host[:port][/db]``, ``unix://[user:password@]/path/to/socket[?db=0]``; the query
        string may hold every keyword that is a text, a number or a flag. ``decode_components``: percent-escapes in
        host, path, user and password stand for characters.
        """
        found = arguments_of(url, db, kwargs, cls.URL_QUERY_ARGUMENT_PARSERS, decode=decode_components)
        if "path" in found:
            found.setdefault("connection_class", UnixDomainSocketConnection)
        return cls(**found)

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{self.connection_class.describe(self.connection_kwargs)}>"

    async def initialize(self) -> None:
        """Prepare the pool for its first use, which calls this too; a single server needs nothing."""

    async def get_connection(self, command_name: bytes | str | None = None, *args: Any, **options: Any) -> Any:
        """Lease a connection, which is open and nobody else's until it is given to ``release``.

        The arguments are those of coredis, and not needed. Raises ConnectionError.
        """
        if not options.get("acquire", True):
            raise UsageError("acquire=False would lend a connection that others use too: leave it out, and release it")
        return await self._lease()

    async def _lease(self, **place: Any) -> Any:
        with old_errors():
            lease = await self.engine.acquire(**place)
        self._leases.add(lease)
        return lease

    def release(self, connection: Any) -> None:
        """Give a connection back at once. Raises UsageError, and changes nothing, for one that is not on loan."""
        self.engine.release(connection)
        self._leases.discard(connection)

    def disconnect(self) -> None:
        """Close all connections: idle ones, those on loan, and those that run a command once it is answered.

        The pool can be used on. Without a running event loop there is nothing to close.
        """
        for lease in self._leases:
            lease.abort()
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            self.engine.drain()

    def reset(self) -> None:
        """Begin anew: the same as ``disconnect``."""
        self.disconnect()

    async def aclose(self) -> None:
        """Close the pool for good: callers get ConnectionError, and connections on loan close when released."""
        await self.engine.aclose()


class BlockingConnectionPool(ConnectionPool):
    """A pool of connections to one server. When all of them are in use, a command waits for one.

    After ``timeout`` seconds, connecting included, it raises ConnectionError; with None it waits for ever.
    """

    def __init__(
        self,
        connection_class: type[BaseConnection] | None = None,
        queue_class: type[asyncio.Queue[Any]] = asyncio.LifoQueue,
        max_connections: int | None = None,
        timeout: float | None = 20,
        max_idle_time: float = 0,
        idle_check_interval: float = 1,
        retry_policy: RetryPolicy | None = READS,
        **connection_kwargs: Any,
    ) -> None:
        """Check the keywords; no I/O.

        ``max_connections``: 50 by default. ``queue_class``: LifoQueue lends the connection that was used last, any
        other queue each in turn. The rest is as in ``ConnectionPool``.
        """
        self.timeout = timeout
        self.queue_class = queue_class
        self._set_up(
            connection_class or Connection,
            connection_kwargs,
            max_connections=max_connections or 50,
            max_idle_time=max_idle_time,
            idle_check_interval=idle_check_interval,
            retry_policy=retry_policy,
            timeout=timeout,
            is_blocking=True,
            queue_class=queue_class,
        )


class ClusterConnectionPool(ConnectionPool):
    """Connections to all nodes of a cluster. When all of them are in use, a command raises ConnectionError at once.

    ``blocking=True`` makes it wait for ``timeout`` seconds, connecting included.
    """

    def __init__(
        self,
        startup_nodes: Iterable[Any] | None = None,
        connection_class: type[BaseConnection] = ClusterConnection,
        queue_class: type[asyncio.Queue[Any]] = asyncio.LifoQueue,
        max_connections: int | None = None,
        max_connections_per_node: bool = False,  # noqa: FBT001, FBT002 - the old order
        reinitialize_steps: int | None = None,
        skip_full_coverage_check: bool = False,  # noqa: FBT001, FBT002
        nodemanager_follow_cluster: bool = True,  # noqa: FBT001, FBT002
        readonly: bool = False,  # noqa: FBT001, FBT002
        read_from_replicas: bool = False,  # noqa: FBT001, FBT002
        max_idle_time: float = 0,
        idle_check_interval: float = 1,
        blocking: bool = False,  # noqa: FBT001, FBT002
        timeout: float | None = 20,
        retry_policy: RetryPolicy | None = READS,
        **connection_kwargs: Any,
    ) -> None:
        """Check the keywords; no I/O.

        ``startup_nodes``: the nodes to ask for the map first, each ``{"host": ..., "port": ...}``; or ``host=`` and
        ``port=``. ``max_connections`` (2**31 by default) bounds the connections to all nodes together, with
        ``max_connections_per_node=True`` those to each node. ``read_from_replicas`` (once ``readonly``): all nodes of
        a shard answer reads. ``reinitialize_steps``, ``skip_full_coverage_check`` and ``nodemanager_follow_cluster``
        are accepted: respool follows the cluster by itself.
        """
        nodes = list(startup_nodes or ())
        host, port = connection_kwargs.pop("host", None), connection_kwargs.pop("port", None)
        if host:
            nodes.append({"host": host, "port": port or 7000})
        if connection_kwargs.get("path"):
            raise RedisClusterException("The nodes of a cluster are reached over TCP: give host= and port=, not path=")
        if not nodes:
            raise RedisClusterException("No startup nodes provided: give startup_nodes=, or host= and port=")
        if connection_kwargs.get("db"):
            raise RedisClusterException("Argument 'db' is not possible to use in cluster mode: leave it out")
        self.startup_nodes = [_address(node) for node in nodes]
        self.max_connections_per_node = max_connections_per_node
        self.read_from_replicas = self.readonly = read_from_replicas or readonly
        self.blocking = blocking
        self.timeout = self.blocking_timeout = timeout
        self.queue_class = queue_class
        self.initialized = False
        self._set_up(
            connection_class,
            {**connection_kwargs, "read_from_replicas": self.read_from_replicas},
            max_connections=max_connections or UNLIMITED,
            max_idle_time=max_idle_time,
            idle_check_interval=idle_check_interval,
            retry_policy=retry_policy,
            timeout=timeout if blocking else None,
            is_blocking=blocking,
            queue_class=queue_class,
        )

    def _make_engine(self) -> Any:
        options = {name: value for name, value in self._options.items() if name not in ("host", "port", "path")}
        has_total = not self.max_connections_per_node and self.max_connections < UNLIMITED
        return AsyncClusterPool(
            **options,
            seeds=self.startup_nodes,
            max_size=self.max_connections,
            max_total=self.max_connections if has_total else None,
            read_from="any" if self.read_from_replicas else "primary",
        )

    def __repr__(self) -> str:
        nodes = ({"host": host, "port": port} for host, port in self.startup_nodes)
        return f"{type(self).__name__}<{', '.join(map(self.connection_class.describe, nodes))}>"

    async def initialize(self) -> None:
        """Find the nodes of the cluster, unless they are known (Rule 3).

        Raises RedisClusterException when none of the startup nodes can be reached.
        """
        while not self.initialized:
            engine = self.engine
            try:
                with old_errors():
                    await engine.open()
            except ConnectionError as error:
                if engine is not self.engine:
                    continue  # another caller has replaced it, see below
                if isinstance(error.__cause__, ConnectFailed):
                    raise RedisClusterException(f"Redis Cluster cannot be connected: {error}") from error.__cause__
                raise
            lacking = 0 if self.max_connections_per_node else len(engine.nodes) - self.max_connections
            if lacking <= 0:
                self.initialized = True
            elif engine is self.engine:
                before, self.max_connections = self.max_connections, len(engine.nodes)
                self.engine = self._make_engine()
                await engine.aclose()
                warnings.warn(
                    f"max_connections={before} is less than the number of nodes of the cluster ({len(engine.nodes)}), "
                    f"and has been increased by {lacking} connections: give at least one for each node",
                    UserWarning,
                    stacklevel=2,
                )

    async def get_connection(self, command_name: bytes | str | None = None, *keys: Any, **options: Any) -> Any:
        """Lease a connection for messages: ``get_connection(b"pubsub", channel="news")``.

        Without a channel it is to some node. For commands, ``get_connection_by_key`` and ``get_connection_by_node`` say
        where. Raises ConnectionError, RedisClusterException.
        """
        if command_name not in (b"pubsub", "pubsub"):
            raise RedisClusterException(
                "Only 'pubsub' commands can use get_connection(): call get_connection_by_key(key) or "
                "get_connection_by_node(node)"
            )
        channel = options.get("channel")
        return await (self.get_connection_by_key(channel) if channel else self.get_random_connection())

    async def get_connection_by_key(self, key: bytes | str) -> Any:
        """Lease a connection to the node that serves a key."""
        if not key:
            raise RedisClusterException("No way to dispatch this command to Redis Cluster: it needs a key")
        await self.initialize()
        return await self._lease(key=key)

    async def get_connection_by_node(self, node: Any) -> Any:
        """Lease a connection to a node: ``{"host": ..., "port": ...}``, (host, port) or ``"host:port"``."""
        await self.initialize()
        return await self._lease(node=node if isinstance(node, str) else _address(node))

    async def get_random_connection(self) -> Any:
        """Lease a connection to some node."""
        await self.initialize()
        return await self._lease(node=self.engine.nodes[0])


class BlockingClusterConnectionPool(ClusterConnectionPool):
    """Connections to all nodes of a cluster. When all of them are in use, a command waits for one."""

    def __init__(
        self,
        startup_nodes: Iterable[Any] | None = None,
        connection_class: type[BaseConnection] = ClusterConnection,
        queue_class: type[asyncio.Queue[Any]] = asyncio.LifoQueue,
        max_connections: int | None = None,
        max_connections_per_node: bool = False,  # noqa: FBT001, FBT002 - the old order
        **options: Any,
    ) -> None:
        """Take the keywords of ``ClusterConnectionPool``, without ``blocking``."""
        if "blocking" in options:
            raise UsageTypeError("BlockingClusterConnectionPool always waits: leave blocking= out")
        super().__init__(
            startup_nodes,
            connection_class,
            queue_class,
            max_connections,
            max_connections_per_node,
            blocking=True,
            **options,
        )


def _address(node: Any) -> tuple[str, int]:
    """Return the host and the port of a node, given as a dict, a pair or an object."""
    if isinstance(node, Mapping):
        return node["host"], int(node["port"])
    if isinstance(node, tuple | list):
        host, port = node
        return host, int(port)
    return node.host, int(node.port)
