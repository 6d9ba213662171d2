"""Pipelines that watch keys: a lease of the engine in the place of redis-py's connection. Sync and asyncio.

Rule 1: a connection is leased for the first WATCH, and ``reset`` gives it back, behind an UNWATCH if that is needed.
Rule 2: only that WATCH is tried again after a lost connection, on another one, as often as the engine's policy says.
Rule 3: a caller who gets a WatchError runs the transaction again. So the WatchError that redis-py raises after a lost
        connection is raised here only if the server has certainly not written; else the connection's error is.
Rule 4: a command whose options name the reply to an error (``EMPTY_RESPONSE``: MGET of no keys) is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from redis.backoff import ExponentialBackoff
from redis.client import EMPTY_RESPONSE

from respool import Command
from respool.compat.redis._commands import planned
from respool.compat.redis._encoding import EncodingEngine
from respool.compat.redis._runs import AsyncEngineConnection, EngineConnection
from respool.errors import Error, PoolClosed, PoolError, UsageError

_UNWATCH: Final[Command[Any]] = Command("UNWATCH")


class Leased(EngineConnection):
    """The part of a ``LeaseConnection`` without I/O."""

    __slots__ = ("_lease", "_sender", "_unsent", "_where")

    def __init__(self, pool: Any, engine: Any, retry: Callable[..., Any], **where: Any) -> None:
        policy = pool._options["retry"]
        super().__init__(pool, engine, [], retry(ExponentialBackoff(policy.cap, policy.base), policy.attempts - 1))
        self._where = where  # in a cluster: key=
        self._lease: Any = None
        self._sender: Any = None
        self._unsent: dict[int, Any] = {}

    @property
    def is_held(self) -> bool:
        """Whether a connection is leased."""
        return self._lease is not None

    def try_once(self) -> None:
        """Try no command again from now on (Rule 2)."""
        self.retry.update_retries(0)

    def prepare(self, stack: list[Any]) -> None:
        """Get ready to run the commands of the pipeline."""
        self.plans = [planned(args) for args, _ in stack]
        self._unsent = {at: given[EMPTY_RESPONSE] for at, (_, given) in enumerate(stack) if EMPTY_RESPONSE in given}
        self.try_once()

    def _sent(self, calls: list[Command[Any]]) -> list[Command[Any]]:
        return [call for at, call in enumerate(calls) if at not in self._unsent]

    def _whole(self, replies: list[Any]) -> list[Any]:
        for at, reply in self._unsent.items():
            replies.insert(at, reply)
        return replies

    def _is_final(self, error: PoolError) -> bool:
        """Tell whether an engine's refusal is to be raised: it is still the one of the pool."""
        if isinstance(error, PoolClosed) and self.renew():
            return False
        self.try_once()
        return True

    def _take(self, lease: Any) -> None:
        engine = self.engine
        self._sender = engine.over(lease) if isinstance(engine, EncodingEngine) else lease
        self._lease = lease

    def _give_back(self, *, is_usable: bool) -> None:
        """Give the lease back, without waiting. The next command leases another connection."""
        lease, self._lease, self._sender = self._lease, None, None
        if lease is not None:
            if not is_usable:
                lease.abort()
            try:
                self.engine.release(lease)
            except UsageError:  # in a forked child: it is its parent's
                pass

    def _is_free(self) -> bool:
        """Tell whether the lease can answer at once. One that still owes a reply is closed."""
        if self._lease is not None and self._lease.in_flight:
            self._give_back(is_usable=False)
        return self._lease is not None

    def release(self) -> None:
        self._give_back(is_usable=True)


class LeaseConnection(Leased):
    """Stands where redis-py's pipeline keeps its connection while it watches keys, and runs commands as an engine."""

    __slots__ = ()

    @property
    def _engine(self) -> LeaseConnection:  # it stands for its pool, too
        return self

    def execute(self, command: Command[Any]) -> Any:
        return self._lent().execute(command)

    def run(self, calls: list[Command[Any]], *, atomic: bool) -> list[Any]:
        return self._whole(self._lent().execute_many(self._sent(calls), atomic=atomic))

    def _lent(self) -> Any:
        while self._lease is None:
            self.renew()
            try:
                self._take(self.engine.acquire(**self._where))
            except PoolError as error:
                if self._is_final(error):
                    raise
        return self._sender

    def unwatch(self) -> None:
        """Forget the watched keys. The connection is closed if that fails, or behind a command that was given up."""
        if self._is_free():
            try:
                self._sender.execute(_UNWATCH)
            except Error:
                self.disconnect()

    def disconnect(self, *_: Any, **__: Any) -> None:
        self._give_back(is_usable=False)


class AsyncLeaseConnection(Leased, AsyncEngineConnection):
    """The same for asyncio."""

    __slots__ = ()

    async def execute(self, command: Command[Any]) -> Any:
        return await (await self._lent()).execute(command)

    async def run(self, calls: list[Command[Any]], *, atomic: bool) -> list[Any]:  # type: ignore[override]
        return self._whole(await (await self._lent()).execute_many(self._sent(calls), atomic=atomic))

    async def _lent(self) -> Any:
        while self._lease is None:
            self.renew()
            try:
                self._take(await self.engine.acquire(**self._where))
            except PoolError as error:
                if self._is_final(error):
                    raise
        return self._sender

    def _make_engine(self) -> AsyncLeaseConnection:  # it stands for its pool, too
        return self

    async def unwatch(self) -> None:
        if self._is_free():
            try:
                await self._sender.execute(_UNWATCH)
            except Error:
                await self.disconnect()

    def _close(self) -> None:
        """Drop the lease of a pipeline that nobody has reset: its own finaliser reports it and frees its place."""
        self._lease = self._sender = None

    async def disconnect(self, *_: Any, **__: Any) -> None:  # type: ignore[override]
        self._give_back(is_usable=False)
