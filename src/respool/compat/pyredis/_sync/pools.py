# Generated from respool/compat/pyredis/_async/pools.py by tools/generate.py. Do not edit.
"""The pools of pyredis: they count clients, and a pool of respool has the connections.

Rule 1: what counts is clients that are lent. Each may take one connection to each server when it needs it, so the pool
        below never has to refuse one; it is as large as this pool, or as the number of clients that are out.
Rule 2: counting happens under the lock, and nothing is waited for meanwhile.
Rule 3: lent clients are referred to weakly: one that is dropped without ``release`` costs no place.
Rule 4: a forked child begins with no clients.
"""

from __future__ import annotations

import os
from typing import Any, NoReturn
from weakref import WeakSet

from respool import ClusterPool as Cluster
from respool import HashPool as Hash
from respool import Pool as Node
from respool import SentinelPool as Sentinel
from respool import Command
from respool.compat.pyredis._sync.clients import (
    Client,
    ClusterClient,
    HashClient,
    Lent,
    Reader,
    taking_places,
)
from respool.compat.pyredis._sync.worlds import fit_soon, locked, new_lock
from respool.compat.pyredis._names import (
    buckets_of,
    check_tags,
    command_of,
    options_of,
    places_of,
    refuse_state,
    where_of,
)
from respool.errors import PoolExhausted, UsageTypeError, UsageValueError
from respool.types import Commands


class BasePool(Commands[Any]):
    """What all pools have in common. It lends nothing itself."""

    def __init__(
        self,
        database: int = 0,
        password: str | None = None,
        encoding: str | None = None,
        conn_timeout: float | None = 2,
        read_timeout: float | None = 2,
        pool_size: int = 16,
        lock: Any = None,
        username: str | None = None,
    ) -> None:
        """Check the options; no I/O."""
        self._database = database
        self._password = password
        self._encoding = encoding
        self._conn_timeout = conn_timeout
        self._read_timeout = read_timeout
        self._username = username
        self._pool_size = _checked(pool_size)
        self._close_on_err = False
        self._given_lock = lock
        self._source: Any = None  # an Lent
        self._begin()

    def _begin(self) -> None:
        """Count from zero: at first, and in a forked child."""
        self._process = os.getpid()
        self._lock = new_lock() if self._given_lock is None else self._given_lock
        self._used: WeakSet[Any] = WeakSet()

    # Properties --------------------------------------------------------------------------------------

    @property
    def database(self) -> int:
        """The database of all connections."""
        return self._database

    @property
    def password(self) -> str | None:
        """The password."""
        return self._password

    @property
    def username(self) -> str | None:
        """The ACL user."""
        return self._username

    @property
    def encoding(self) -> str | None:
        """The encoding of replies; None for bytes."""
        return self._encoding

    @property
    def conn_timeout(self) -> float | None:
        """Seconds that connecting may take."""
        return self._conn_timeout

    @property
    def read_timeout(self) -> float | None:
        """Seconds that a reply may take."""
        return self._read_timeout

    @property
    def close_on_err(self) -> bool:
        """Whether all free connections are closed when a client comes back closed."""
        return self._close_on_err

    @property
    def pool_size(self) -> int:
        """The largest number of clients that are lent at a time."""
        return self._pool_size

    @pool_size.setter
    def pool_size(self, size: int) -> None:
        self._pool_size = _checked(size)
        if self._source is not None:
            fit_soon(self._fit)

    def _fit(self) -> None:
        with locked(self._lock):
            self._fit_now()

    def _fit_now(self) -> None:
        """Make the pool of respool as large as it must be (Rule 1), under the lock. Nothing is waited for."""
        wanted, engine = max(self._pool_size, len(self._used)), self._source.engine
        if engine.max_size != wanted:
            engine.resize(max_size=wanted)

    # Clients -----------------------------------------------------------------------------------------

    def _connect(self) -> Any:
        """Make a client; no I/O."""
        raise NotImplementedError(f"{type(self).__name__} lends no clients: use Pool, ClusterPool, HashPool ...")

    def acquire(self) -> Any:
        """Return a client, at once: it connects when its first command needs a connection.

        Raises PoolExhausted (PyRedisError) if ``pool_size`` of them are lent.
        """
        if self._process != os.getpid():
            self._begin()
        with locked(self._lock):
            if len(self._used) >= self._pool_size:
                raise PoolExhausted(f"Max connections {self._pool_size} exhausted")
            client = self._connect()
            self._used.add(client)
            self._fit_now()
        return client

    def release(self, conn: Any) -> None:
        """Take a client back. What it left behind is undone before its connection is lent again.

        A client that is not lent, or is another pool's, is closed. Never raises for a client of pyredis.
        """
        if self._process != os.getpid():
            self._begin()
        if not self._took_back(conn):
            conn.close()
            if isinstance(owner := getattr(conn, "_owner", None), BasePool):
                owner._took_back(conn)

    def _took_back(self, conn: Any) -> bool:
        """Take a client back if it is lent; return whether it was. Under the lock, and nothing is waited for."""
        with locked(self._lock):
            is_mine = conn in self._used
            if is_mine:
                self._used.discard(conn)
                was_closed = conn.closed
                conn._end()
                if was_closed and self._close_on_err:
                    self._source.engine.drain()
                self._fit_now()
        return is_mine

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Acquire a client, run one command, and release the client.

        Raises UsageError for a command that changes the state of a connection: it would have no effect.
        """
        command = command_of(args)
        refuse_state(command)
        client = self.acquire()
        try:
            return client.execute(command, **kwargs)
        finally:
            self.release(client)

    def _execute(self, args: tuple[Any, ...], spec: Any, parse: Any = None) -> Any:
        return self.execute(Command.of(args, spec, parse))

    def close(self) -> None:
        """Close all connections. pyredis had no such method: a pool that is dropped closes them too."""
        if self._source is not None:
            self._source.engine.close()

    # Making ------------------------------------------------------------------------------------------

    def _options(self, tries: int = 3) -> dict[str, Any]:
        """Return the options of the pool of respool. A client may wait ``tries`` times the time for connecting."""
        options = options_of(
            database=self._database,
            password=self._password,
            encoding=self._encoding,
            conn_timeout=self._conn_timeout,
            read_timeout=self._read_timeout,
            username=self._username,
        )
        return options | {
            "shared": 0,
            "max_size": self._pool_size,
            "close_on_error": self._close_on_err,
            "warn_unclosed": False,  # code for pyredis does not know of ``close``
            "acquire_timeout": None if self._conn_timeout is None else self._conn_timeout * tries,
        }

    def __reduce__(self) -> NoReturn:
        raise UsageTypeError("a pool cannot be copied or pickled; make one in each process")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} used={len(self._used)}/{self._pool_size}>"


class Pool(BasePool):
    """A pool of clients of one server."""

    def __init__(
        self, host: str | None = None, port: int = 6379, unix_sock: str | None = None, **kwargs: Any
    ) -> None:
        """Check the options; no I/O. Exactly one of ``host`` and ``unix_sock`` must be given."""
        where = where_of(host, port, unix_sock)
        super().__init__(**kwargs)
        self._host = host
        self._port = port
        self._unix_sock = unix_sock
        self._source = Lent(Node(**where, **self._options()))

    @property
    def host(self) -> str | None:
        """The host."""
        return self._host

    @property
    def port(self) -> int:
        """The port."""
        return self._port

    @property
    def unix_sock(self) -> str | None:
        """The path of the unix socket."""
        return self._unix_sock

    def _connect(self) -> Client:
        return Client(_lent=(self._source, self))


class SentinelPool(BasePool):
    """A pool of clients of the primary that sentinels name."""

    def __init__(
        self,
        sentinels: Any,
        name: str,
        slave_ok: bool = False,  # noqa: FBT001, FBT002
        retries: int = 3,
        sentinel_password: str | None = None,
        sentinel_username: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the options; no I/O. With ``slave_ok`` replicas answer reads, and the primary takes the writes.

        A command waits for a primary for ``retries`` times ``conn_timeout``.
        """
        super().__init__(**kwargs)
        self._close_on_err = True
        self._sentinels = places_of(sentinels)
        self._sentinel_username = sentinel_username
        self._sentinel_password = sentinel_password
        self._name = name
        self._slave_ok = slave_ok
        self._retries = retries
        self._source = Lent(
            Sentinel(
                service=name,
                read_from="replica" if slave_ok else "primary",
                **sentinel_options(self._sentinels, sentinel_password, sentinel_username),
                **self._options(retries),
            )
        )

    @property
    def sentinels(self) -> list[tuple[str, int]]:
        """The sentinels."""
        return self._sentinels

    @property
    def sentinel_username(self) -> str | None:
        """The ACL user at the sentinels."""
        return self._sentinel_username

    @property
    def sentinel_password(self) -> str | None:
        """The password at the sentinels."""
        return self._sentinel_password

    @property
    def name(self) -> str:
        """The name under which the sentinels know the primary."""
        return self._name

    @property
    def slave_ok(self) -> bool:
        """Whether replicas answer reads."""
        return self._slave_ok

    @property
    def retries(self) -> int:
        """How often connecting is tried."""
        return self._retries

    def _connect(self) -> Client:
        kind = Reader if self._slave_ok else Client
        return kind(_lent=(self._source, self))


@taking_places
class ClusterPool(BasePool):
    """A pool of clients of a cluster."""

    def __init__(
        self,
        seeds: Any,
        slave_ok: bool = False,  # noqa: FBT001, FBT002
        password: str | None = None,
        username: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Check the options; no I/O. With ``slave_ok`` replicas answer reads."""
        super().__init__(password=password, username=username, **kwargs)
        self._slave_ok = slave_ok
        self._source = Lent(
            Cluster(seeds=places_of(seeds), read_from="replica" if slave_ok else "primary", **self._options())
        )

    @property
    def slave_ok(self) -> bool:
        """Whether replicas answer reads."""
        return self._slave_ok

    def _connect(self) -> ClusterClient:
        return ClusterClient(_lent=(self._source, self))


@taking_places
class HashPool(BasePool):
    """A pool of clients of several servers, over which keys are spread."""

    def __init__(self, buckets: Any, *, tags: str = "server", **kwargs: Any) -> None:
        """Check the options; no I/O.

        ``buckets`` is a list of (host, port), or a mapping with such values; their order decides which keys each has.
        ``tags="pyredis"`` reads hash tags as pyredis does, where that differs from what servers do.
        """
        super().__init__(**kwargs)
        self._buckets = buckets
        self._tags = check_tags(tags)
        self._source = Lent(Hash(buckets_of(buckets), **self._options()))

    @property
    def buckets(self) -> Any:
        """The buckets, as they were given."""
        return self._buckets

    def _connect(self) -> HashClient:
        return HashClient(encoding=self._encoding, tags=self._tags, _lent=(self._source, self))


def sentinel_options(sentinels: Any, password: str | None, username: str | None) -> dict[str, Any]:
    """Return the options of respool that say where sentinels are."""
    return {
        "sentinels": sentinels,
        "sentinel_password": password or None,
        "sentinel_username": (username or None) if password else None,
    }


def _checked(size: Any) -> int:
    if not isinstance(size, int) or isinstance(size, bool):
        raise UsageTypeError(f"pool_size must be a whole number, not {size!r}")
    if size < 1:
        raise UsageValueError(f"pool_size must be above zero, not {size!r}")
    return size
