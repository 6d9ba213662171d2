# Generated from respool/compat/pyredis/_async/clients.py by tools/generate.py. Do not edit.
"""The clients of pyredis: made alone, or lent by a pool.

Rule 1: a client connects when its first command needs a connection, and keeps it until it is closed or given back.
Rule 2: a source says where connections come from: from a pool of respool, or one is opened for this client alone.
Rule 3: a client that was given back to its pool is dead. Its connection, made clean, is lent to others.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any

from respool import ClusterPool, Connection, HashPool, Command
from respool.compat.pyredis._sync.worlds import new_mutex
from respool.compat.pyredis._names import (
    buckets_of,
    check_place,
    check_tags,
    command_of,
    is_session,
    options_of,
    place_of,
    places_of,
    slot_of,
    where_of,
)
from respool.errors import ConnectFailed, ConnectionLost, PoolTimeout, UsageError
from respool.types import Commands


class Alone:
    """The source of a client that was made alone: one connection, opened for it."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options

    def take(self, place: Any) -> Any:
        """Open a connection."""
        connection: Connection[Any] = Connection(**self._options)
        connection.open()
        return connection

    def give(self, connection: Any) -> None:
        """Close a connection."""
        connection.close()

    def close(self) -> None:
        """Nothing else is open."""


class Lent:
    """The source of clients of a pool: leases of a pool of respool."""

    def __init__(self, engine: Any, *, is_owned: bool = False) -> None:
        self.engine = engine
        self._is_owned = is_owned

    @property
    def places(self) -> list[Any]:
        """The buckets, in their order."""
        return list(self.engine.nodes)

    def place_at(self, sock: str) -> Any:
        """Return the bucket at ``sock``."""
        return place_of(sock)

    def take(self, place: dict[str, Any] | None) -> Any:
        """Lease a connection. Raises ConnectFailed (PyRedisConnError) if none can be made."""
        try:
            return self.engine.acquire(**(place or {}))
        except PoolTimeout as error:
            raise ConnectFailed(f"no connection could be made: {error}") from error

    def execute(self, command: Command[Any], **where: Any) -> Any:
        """Run one command on whichever connection is free. Raises ConnectFailed if none can be made."""
        try:
            return self.engine.execute(command, **where)
        except PoolTimeout as error:
            raise ConnectFailed(f"no connection could be made: {error}") from error

    def give(self, connection: Any) -> None:
        """Give a lease back, in whatever state it is."""
        try:
            self.engine.release(connection)
        except UsageError:  # it belongs to a parent process or to a closed event loop
            connection.abort()

    def close(self) -> None:
        """Close the pool if only this client has it."""
        if self._is_owned:
            self.engine.close()


class _Client(Commands[Any]):
    """What the clients have in common: connections by place, ``close``, transactions."""

    def __init__(self, source: Any, owner: Any = None) -> None:
        self._source = source
        self._owner = owner  # the pool that has lent it
        self._conns: dict[Any, Any] = {}
        self._taking = new_mutex()
        self._is_closed = False
        self._is_released = False

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called, or a connection was lost."""
        return self._is_closed or any(connection.closed for connection in self._conns.values())

    def close(self) -> None:
        """Close the connections. A client of a pool must still be released."""
        self._is_closed = True
        for connection in self._conns.values():
            connection.abort()
        if self._owner is None:
            self._give_back()
            self._source.close()

    def _end(self) -> None:
        """End the life of a client that its pool takes back."""
        self._is_closed = self._is_released = True
        self._give_back()

    def _give_back(self) -> None:
        """Give the connections back to where they came from."""
        while self._conns:
            _, connection = self._conns.popitem()
            self._source.give(connection)

    def _connection(self, key: Any = None, place: Any = None) -> Any:
        """Return the connection of this client to a place, which ``key`` names."""
        if self._is_released:
            raise UsageError("this client was given back to its pool; acquire another one")
        if self.closed:
            raise ConnectionLost("the client is closed; make or acquire another one")
        if key in self._conns:
            return self._conns[key]
        with self._taking:  # one for all calls that need it
            if key not in self._conns:
                connection = self._source.take(place)
                if self._is_closed:  # meanwhile
                    self._source.give(connection)
                    raise ConnectionLost("the client was closed or given back while it connected")
                self._conns[key] = connection
            return self._conns[key]

    def _execute(self, args: tuple[Any, ...], spec: Any, parse: Any = None) -> Any:
        return self.execute(Command.of(args, spec, parse))

    def execute(self, *args: Any, **where: Any) -> Any:
        """Run one command, given by its arguments."""
        raise NotImplementedError

    def multi(self, **where: Any) -> Any:
        """Begin a transaction: the commands that follow are queued."""
        return self.execute("MULTI", **where)

    def exec(self, **where: Any) -> Any:
        """Run what was queued, and return a list of replies; None if a watched key has changed."""
        return self.execute("EXEC", **where)

    def discard(self, **where: Any) -> Any:
        """Drop what was queued."""
        return self.execute("DISCARD", **where)


class Bulk(_Client):
    """Bulk mode: commands are collected, and sent as one pipeline of each connection."""

    def __init__(self, source: Any, owner: Any = None) -> None:
        super().__init__(source, owner)
        self._bulk_size: int | None = None
        self._bulk: list[tuple[Any, Any, Command[Any]]] = []
        self._results: list[Any] | None = None

    @property
    def bulk(self) -> bool:
        """Whether commands are collected."""
        return self._bulk_size is not None

    def bulk_start(self, bulk_size: int = 5000, keep_results: bool = True) -> None:  # noqa: FBT001, FBT002
        """Collect commands from now on; they return None. Each ``bulk_size`` of them are sent together."""
        if self.bulk:
            raise UsageError("already in bulk mode: call bulk_stop() first")
        self._bulk_size = bulk_size
        self._results = [] if keep_results else None

    def bulk_stop(self) -> list[Any] | None:
        """Send the rest, and return all results, errors of the server among them; None if they are not kept."""
        if not self.bulk:
            raise UsageError("not in bulk mode: call bulk_start() first")
        self._bulk_send()
        results, self._results, self._bulk_size = self._results, None, None
        return results

    def _collect(self, command: Command[Any], key: Any = None, place: Any = None) -> None:
        self._bulk.append((key, place, command))
        if self._bulk_size is not None and len(self._bulk) >= self._bulk_size:
            self._bulk_send()

    def _bulk_send(self) -> None:
        collected, self._bulk = self._bulk, []
        results: list[Any] = [None] * len(collected)
        for key, place in {key: place for key, place, _ in collected}.items():
            mine = [at for at, each in enumerate(collected) if each[0] == key]
            connection = self._connection(key, place)
            for at, value in zip(mine, connection.execute_many([collected[at][2] for at in mine]), strict=True):
                results[at] = value
        if self._results is not None:
            self._results += results

    def _give_back(self) -> None:
        super()._give_back()
        self._bulk_size = self._results = None
        if self._bulk:
            said = f"{len(self._bulk)} commands in bulk mode were never sent: call bulk_stop()"
            self._bulk = []
            warnings.warn(said, RuntimeWarning, stacklevel=4)


class Client(Bulk):
    """A client of one server, over one connection."""

    def __init__(
        self,
        host: str | None = None,
        port: int = 6379,
        unix_sock: str | None = None,
        *,
        database: int | None = None,
        password: str | None = None,
        encoding: str | None = None,
        conn_timeout: float | None = 2,
        read_timeout: float | None = 2,
        username: str | None = None,
        _lent: tuple[Any, Any] | None = None,
    ) -> None:
        """Check the options; no I/O. Exactly one of ``host`` and ``unix_sock`` must be given."""
        if _lent is not None:
            super().__init__(*_lent)
            return
        options = options_of(
            database=database,
            password=password,
            encoding=encoding,
            conn_timeout=conn_timeout,
            read_timeout=read_timeout,
            username=username,
        )
        super().__init__(Alone(options | where_of(host, port, unix_sock)))

    def execute(self, *args: Any) -> Any:
        """Run one command and return its reply; in bulk mode collect it and return None."""
        command = command_of(args)
        if self.bulk:
            return self._collect(command)
        connection = self._connection()
        return connection.execute(command)


class Reader(Client):
    """A client of a pool whose reads are answered by replicas. What needs one connection gets one to the primary."""

    def execute(self, *args: Any) -> Any:
        """Run one command and return its reply; in bulk mode collect it and return None."""
        command = command_of(args)
        if self.bulk or self._conns or self._is_closed or self._is_released or is_session(command):
            return super().execute(command)
        return self._source.execute(command)


# Clients of several servers ----------------------------------------------------------------------------


class _At(Commands[Any]):
    """The commands of a client or pool, sent to one place."""

    def __init__(self, target: Any, where: dict[str, Any]) -> None:
        self._target = target
        self._where = where

    def _execute(self, args: tuple[Any, ...], spec: Any, parse: Any = None) -> Any:
        return self._target.execute(Command.of(args, spec, parse), **self._where)


def taking_places(kind: Any) -> Any:
    """Make every command method of a class take ``shard_key=`` and ``sock=``."""
    for name in dir(Commands):
        if not name.startswith("_") and name not in vars(kind):
            setattr(kind, name, _taking_place(getattr(Commands, name)))
    return kind


def _taking_place(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, *args: Any, shard_key: Any = None, sock: str | None = None, **options: Any) -> Any:
        if shard_key is None and sock is None:
            return method(self, *args, **options)
        return method(_At(self, {"shard_key": shard_key, "sock": sock}), *args, **options)

    return call


@taking_places
class HashClient(Bulk):
    """A client of several servers, over which keys are spread; it has one connection to each that it has used."""

    def __init__(
        self,
        buckets: Any = None,
        database: int | None = None,
        password: str | None = None,
        encoding: str | None = None,
        conn_timeout: float | None = 2,
        read_timeout: float | None = 2,
        username: str | None = None,
        *,
        tags: str = "server",
        _lent: tuple[Any, Any] | None = None,
    ) -> None:
        """Check the options; no I/O. ``tags="pyredis"`` reads hash tags as pyredis does."""
        self._encoding = encoding
        self._tags = check_tags(tags)
        if _lent is None:
            options = options_of(
                database=database,
                password=password,
                encoding=encoding,
                conn_timeout=conn_timeout,
                read_timeout=read_timeout,
                username=username,
            )
            engine: HashPool[Any] = HashPool(
                buckets_of(buckets),
                shared=0,
                max_size=1,
                acquire_timeout=None if conn_timeout is None else 3 * conn_timeout,
                **options,
            )
            _lent = (Lent(engine, is_owned=True), None)
        super().__init__(*_lent)

    def execute(self, *args: Any, shard_key: Any = None, sock: str | None = None) -> Any:
        """Run one command at the bucket of ``shard_key``, at ``sock``, or at that of its keys.

        In bulk mode it is collected, and None is returned. Raises UsageError if it is not clear where it goes.
        """
        command = command_of(args)
        place = self._place(command, shard_key, sock)
        if self.bulk:
            return self._collect(command, place, {"node": place})
        connection = self._connection(place, {"node": place})
        return connection.execute(command)

    def _place(self, command: Command[Any], shard_key: Any, sock: str | None) -> Any:
        check_place(command, shard_key, sock)
        if sock is not None:
            return self._source.place_at(sock)
        places, keys = self._source.places, command.keys if shard_key is None else [shard_key]
        found = {slot_of(key, self._encoding, self._tags) % len(places) for key in keys}
        if len(found) > 1:
            raise UsageError(
                f"{command.name} has keys in several buckets: send one command for each of them, "
                "or say with shard_key= or sock= where this one goes"
            )
        return places[found.pop()]


class HashReader(HashClient):
    """The same, with reads that are answered by replicas. What needs one connection gets one to the primary."""

    def execute(self, *args: Any, shard_key: Any = None, sock: str | None = None) -> Any:
        """Run one command as ``HashClient.execute`` does; a read at a replica of its bucket."""
        command = command_of(args)
        if self.bulk or self._conns or self._is_closed or is_session(command):
            return super().execute(command, shard_key=shard_key, sock=sock)
        return self._source.execute(command, node=self._place(command, shard_key, sock))


@taking_places
class ClusterClient(_Client):
    """A client of a cluster. A transaction, or WATCH, gets a connection to its node for as long as it lasts."""

    def __init__(
        self,
        seeds: Any = None,
        database: int | None = 0,
        password: str | None = None,
        encoding: str | None = None,
        slave_ok: bool = False,  # noqa: FBT001, FBT002
        conn_timeout: float | None = 2,
        read_timeout: float | None = 2,
        cluster_map: Any = None,
        username: str | None = None,
        *,
        _lent: tuple[Any, Any] | None = None,
    ) -> None:
        """Check the options; no I/O. Exactly one of ``seeds`` and ``cluster_map`` must be given."""
        if _lent is None:
            if bool(seeds) == bool(cluster_map):
                raise UsageError("give either seeds= or cluster_map=: one of them says where the cluster is")
            engine: ClusterPool[Any] = ClusterPool(
                seeds=places_of(seeds or cluster_map.seeds),
                read_from="replica" if slave_ok else "primary",
                shared=0,
                acquire_timeout=None if conn_timeout is None else 3 * conn_timeout,
                max_size=2,  # one for a transaction, one for what goes on beside it
                **options_of(
                    database=database,
                    password=password,
                    encoding=encoding,
                    conn_timeout=conn_timeout,
                    read_timeout=read_timeout,
                    username=username,
                ),
            )
            _lent = (Lent(engine, is_owned=True), None)
        super().__init__(*_lent)

    def execute(self, *args: Any, shard_key: Any = None, sock: str | None = None) -> Any:
        """Run one command at the node of its keys, of ``shard_key``, or at ``sock``; redirects are followed.

        From MULTI or WATCH on, everything goes to the node of that command, until the transaction has ended. Raises
        UsageError if it is not clear where a command goes.
        """
        command = command_of(args)
        if self._conns or is_session(command):
            return self._execute_in_session(command, shard_key, sock)
        if self._is_released or self._is_closed:
            self._connection()  # it says why there is none
        check_place(command, shard_key, sock)
        if sock is not None:
            return self._source.execute(command, node=place_of(sock))
        if command.keys:
            return self._source.execute(command)
        connection = self._source.take({"key": shard_key})
        try:
            return connection.execute(command)
        finally:
            self._source.give(connection)

    def _execute_in_session(self, command: Command[Any], shard_key: Any, sock: str | None) -> Any:
        """Run a command of a transaction on the connection that the transaction has."""
        if not self._conns:
            check_place(command, shard_key, sock)
        key = command.keys[0] if shard_key is None and command.keys else shard_key
        connection = self._connection(None, {"key": key} if sock is None else {"node": place_of(sock)})
        try:
            return connection.execute(command)
        finally:
            if connection.is_clean and not connection.closed:
                self._give_back()
