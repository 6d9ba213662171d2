"""The clients of coredis: respool's commands on a pool that several clients may share.

Rule 1: a client has no state of its own but whether it wants replies. Closing it closes the pool that it made, and
        never one that it was given.
Rule 2: commands and their replies are respool's; errors are those of coredis.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self, Unpack

from respool import AsyncCommands, Command, RetryPolicy
from respool.compat.coredis.arguments import ClientArguments, with_tls
from respool.compat.coredis.connection import UnixDomainSocketConnection
from respool.compat.coredis.exceptions import RedisClusterException, old_errors
from respool.compat.coredis.pool import READS, ClusterConnectionPool, ConnectionPool
from respool.compat.coredis.pubsub import ClusterPubSub, PubSub, ShardedPubSub
from respool.compat.coredis.script import Script
from respool.errors import UsageAttributeError, UsageTypeError, UsageValueError

#: Names of coredis that are not here, and what to write instead.
_NOT_HERE = {
    "decoding": "make the pool with decode_responses=True, and ask its engine.using(encoding=None) for bytes",
    "ensure_persistence": "call waitaof() on a connection of get_connection(), after the write",
    "ensure_replication": "call wait() on a connection of get_connection(), after the write",
    "get_library": "call function_list() and fcall()",
    "monitor": "use redis-cli or valkey-cli for MONITOR",
    "register_library": "call function_load(code), then fcall()",
    "sharded_pubsub": "use pubsub(): shard channels are those of a RedisCluster",
    "transaction": "watch keys on a connection of get_connection(), and use its pipeline(atomic=True)",
}


class Client(AsyncCommands[Any]):
    """What ``Redis`` and ``RedisCluster`` share: commands on a pool."""

    connection_pool: Any
    _PUBSUB: type[PubSub] = PubSub

    def _set_up(self, pool: ConnectionPool | None, make: Any, *, noreply: bool, cache: Any) -> None:
        if cache is not None:
            raise UsageValueError("cache= cannot be honoured, respool has no client-side cache: leave it out")
        self._owns_pool = pool is None
        self.connection_pool = make() if pool is None else pool
        self.encoding = self.connection_pool.encoding
        self.decode_responses = self.connection_pool.decode_responses
        self.protocol_version = self.connection_pool.connection_kwargs.get("protocol_version") or 3
        self._noreply = noreply
        self._ignores: ContextVar[bool] = ContextVar("ignore_replies", default=False)

    async def execute(self, *args: Any) -> Any:
        """Run one command, given by its arguments or as a ``respool.Command``, and return its reply.

        Raises the exceptions of ``respool.compat.coredis.exceptions``; the error of respool is their ``__cause__``.
        """
        pool = self.connection_pool
        await pool.initialize()
        with old_errors():
            if not self.noreply:
                return await pool.engine.execute(*args)
            return await pool.engine.execute_noreply(*args)

    async def execute_command(self, command: bytes | str, *args: Any) -> Any:
        """Run one command and return its reply: ``execute_command(b"CLIENT ID")``."""
        words = command.split()
        return await self.execute(*words, *args)

    async def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False
    ) -> list[Any]:
        """Run commands as one pipeline and return one value for each, errors as values."""
        pool = self.connection_pool
        await pool.initialize()
        with old_errors():
            return await pool.engine.execute_many(commands, atomic=atomic)  # type: ignore[no-any-return]

    @property
    def noreply(self) -> bool:
        """Whether commands are sent without waiting for replies; they return None then."""
        return self._noreply or self._ignores.get()

    @noreply.setter
    def noreply(self, value: bool) -> None:
        self._noreply = value

    @contextmanager
    def ignore_replies(self) -> Iterator[Self]:
        """Wait for no reply inside of the block, in this task: ``with client.ignore_replies(): ...``."""
        token = self._ignores.set(True)
        try:
            yield self
        finally:
            self._ignores.reset(token)

    def pubsub(
        self, ignore_subscribe_messages: bool = False, retry_policy: object = None, **kwargs: Any  # noqa: FBT001, FBT002
    ) -> PubSub:
        """Return what subscribes to channels and patterns; see ``PubSub`` for the keywords."""
        return self._PUBSUB(self.connection_pool, ignore_subscribe_messages, retry_policy, **kwargs)

    def register_script(self, script: str | bytes) -> Script:
        """Return a Lua script as a function: ``await script(keys=[...], args=[...])``; no I/O."""
        return Script(self, script)

    async def initialize(self) -> Self:
        """Prepare the pool for its first use, which would do so too; ``await client`` is the same."""
        await self.connection_pool.initialize()
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.initialize().__await__()

    async def aclose(self) -> None:
        """Close the pool if this client made it; one that the client was given stays open."""
        if self._owns_pool:
            await self.connection_pool.aclose()

    async def __aenter__(self) -> Self:
        return await self.initialize()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}<{self.connection_pool!r}>"

    if not TYPE_CHECKING:  # type checkers must still report names that do not exist

        def __getattr__(self, name: str) -> Any:
            """Say what to write instead of a name of coredis that is not here."""
            if name in _NOT_HERE:
                raise UsageAttributeError(f"respool.compat.coredis has no {name}: {_NOT_HERE[name]}")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


class Redis(Client):
    """A client of one server."""

    def __init__(
        self,
        host: str | None = "localhost",
        port: int | None = 6379,
        db: int = 0,
        *,
        connection_pool: ConnectionPool | None = None,
        connection_pool_cls: type[ConnectionPool] = ConnectionPool,
        unix_socket_path: str | None = None,
        max_connections: int | None = None,
        verify_version: bool = True,
        cache: Any = None,
        noreply: bool = False,
        retry_policy: RetryPolicy | None = READS,
        **arguments: Unpack[ClientArguments],
    ) -> None:
        """Take the keywords of coredis; no I/O.

        ``connection_pool``: the pool to use, which other clients may use too; what it was made with holds then, and
        not what is said here. Otherwise the client makes one of ``connection_pool_cls``. ``noreply``: commands are sent
        without waiting for replies. ``verify_version`` is accepted, and changes nothing.
        """
        _check_pool(connection_pool, ConnectionPool, retry_policy)

        def make() -> ConnectionPool:
            place: dict[str, Any] = {"host": host or "localhost", "port": port or 6379}
            if unix_socket_path is not None:
                place = {"path": unix_socket_path, "connection_class": UnixDomainSocketConnection}
            return connection_pool_cls(
                **place,
                db=db,
                max_connections=max_connections,
                noreply=noreply,
                retry_policy=retry_policy,
                **with_tls(arguments),
            )

        self._set_up(connection_pool, make, noreply=noreply, cache=cache)

    @classmethod
    def from_url(
        cls,
        url: str,
        db: int | str | None = None,
        *,
        verify_version: bool = True,
        cache: Any = None,
        noreply: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Return a client with a pool of its own for a URL: see ``ConnectionPool.from_url``, which gets ``kwargs``."""
        pool = ConnectionPool.from_url(url, db, noreply=noreply, **kwargs)
        client = cls(connection_pool=pool, verify_version=verify_version, cache=cache, noreply=noreply)
        client._owns_pool = True
        return client


class RedisCluster(Client):
    """A client of a cluster."""

    connection_pool: ClusterConnectionPool
    _PUBSUB = ClusterPubSub

    def __init__(
        self,
        host: str | None = None,
        port: int | None = None,
        *,
        startup_nodes: Iterable[Any] | None = None,
        max_connections: int = 32,
        max_connections_per_node: bool = False,
        readonly: bool = False,
        read_from_replicas: bool = False,
        reinitialize_steps: int | None = None,
        skip_full_coverage_check: bool = False,
        nodemanager_follow_cluster: bool = True,
        connection_pool: ClusterConnectionPool | None = None,
        connection_pool_cls: type[ClusterConnectionPool] = ClusterConnectionPool,
        verify_version: bool = True,
        non_atomic_cross_slot: bool = True,
        cache: Any = None,
        noreply: bool = False,
        retry_policy: RetryPolicy | None = READS,
        **arguments: Unpack[ClientArguments],
    ) -> None:
        """Take the keywords of coredis; no I/O. See ``Redis`` and ``ClusterConnectionPool``.

        ``non_atomic_cross_slot=False`` is refused: MGET, MSET, DEL and their kin are always split by slot.
        """
        _check_pool(connection_pool, ClusterConnectionPool, retry_policy)
        if not non_atomic_cross_slot:
            raise UsageValueError(
                "non_atomic_cross_slot=False cannot be honoured, MGET, MSET, DEL and their kin are always split by "
                "slot: leave it out, and send a transaction where all keys must change together"
            )
        if "db" in arguments:
            raise RedisClusterException("Argument 'db' is not possible to use in cluster mode: leave it out")

        def make() -> ClusterConnectionPool:
            return connection_pool_cls(
                startup_nodes=[*(startup_nodes or ()), *([{"host": host, "port": port or 7000}] if host else [])],
                max_connections=max_connections,
                max_connections_per_node=max_connections_per_node,
                read_from_replicas=readonly or read_from_replicas,
                noreply=noreply,
                retry_policy=retry_policy,
                **with_tls(arguments),
            )

        self._set_up(connection_pool, make, noreply=noreply, cache=cache)

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        verify_version: bool = True,
        cache: Any = None,
        noreply: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Return a client with a pool of its own, whose first node the URL names; that pool gets ``kwargs``."""
        pool = ClusterConnectionPool.from_url(url, noreply=noreply, **kwargs)
        client = cls(connection_pool=pool, verify_version=verify_version, cache=cache, noreply=noreply)
        client._owns_pool = True
        return client

    def sharded_pubsub(
        self,
        ignore_subscribe_messages: bool = False,  # noqa: FBT001, FBT002 - as in coredis
        read_from_replicas: bool = False,  # noqa: FBT001, FBT002
        retry_policy: object = None,
        **kwargs: Any,
    ) -> ShardedPubSub:
        """Return what subscribes to shard channels. They are at primaries, whatever ``read_from_replicas`` says."""
        del read_from_replicas
        return ShardedPubSub(self.connection_pool, ignore_subscribe_messages, retry_policy, **kwargs)

    async def scan_iter(self, **options: Any) -> AsyncIterator[Any]:
        """Iterate over the keys of all nodes, also while slots move; ``match``, ``count`` and ``type`` as elsewhere."""
        await self.connection_pool.initialize()
        with old_errors():
            async for key in self.connection_pool.engine.scan_iter(**options):
                yield key


def _check_pool(pool: Any, kind: type[ConnectionPool], retry_policy: RetryPolicy | None) -> None:
    is_cluster = isinstance(pool, ClusterConnectionPool)
    if pool is None:
        return
    if not isinstance(pool, kind) or is_cluster != (kind is ClusterConnectionPool):
        raise UsageTypeError(f"connection_pool must be a {kind.__name__} of respool.compat.coredis, not {pool!r}")
    if retry_policy is not READS:
        raise UsageValueError("retry_policy= belongs to the pool here: give it to the pool that clients share")
