# Written once: respool/compat/pyredis/_sync/hashed.py is generated from this file.
"""Buckets that sentinels watch: each is a primary with a name, and keys are spread over the names."""

from __future__ import annotations

from typing import Any

from respool import AsyncHashPool as Hash
from respool.compat.pyredis._async.clients import AsyncHashClient, AsyncHashReader, AsyncLent, taking_places
from respool.compat.pyredis._async.pools import AsyncBasePool, sentinel_options
from respool.compat.pyredis._names import Place, check_tags, place_of, places_of
from respool.errors import UsageValueError


class AsyncLentByName(AsyncLent):
    """The source of clients of several buckets, which have names."""

    def place_at(self, sock: str) -> Place:
        """Return the bucket that is called ``sock``, or whose primary is there."""
        nodes: list[Place] = self.engine.nodes
        if (sock, 0) in nodes:
            return sock, 0
        primaries: list[Place | None] = self.engine.primaries
        place = place_of(sock)
        if place in primaries:
            return nodes[primaries.index(place)]
        names = ", ".join(name for name, _ in nodes)
        raise UsageValueError(f"no bucket has its primary at {sock!r} now; the buckets are {names}")


@taking_places
class AsyncSentinelHashPool(AsyncBasePool):
    """A pool of clients of several primaries, over which keys are spread. Sentinels say where each primary is."""

    def __init__(
        self,
        sentinels: Any,
        buckets: Any,
        slave_ok: bool = False,  # noqa: FBT001, FBT002
        retries: int = 3,
        sentinel_password: str | None = None,
        sentinel_username: str | None = None,
        *,
        tags: str = "server",
        **kwargs: Any,
    ) -> None:
        """Check the options; no I/O. ``buckets`` are the names of the primaries; their order decides who has a key."""
        super().__init__(**kwargs)
        self._close_on_err = True
        self._sentinels = places_of(sentinels)
        self._sentinel_username = sentinel_username
        self._sentinel_password = sentinel_password
        self._buckets = list(buckets)
        self._slave_ok = slave_ok
        self._retries = retries
        self._tags = check_tags(tags)
        if not self._buckets or len(set(self._buckets)) < len(self._buckets):
            raise UsageValueError(f"buckets= names each primary once, in an order that stays, not {buckets!r}")
        self._source = AsyncLentByName(
            Hash(
                self._buckets,
                read_from="replica" if slave_ok else "primary",
                **sentinel_options(self._sentinels, sentinel_password, sentinel_username),
                **self._options(retries),
            )
        )

    @property
    def sentinels(self) -> list[Place]:
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
    def buckets(self) -> list[str]:
        """The names of the primaries."""
        return self._buckets

    @property
    def slave_ok(self) -> bool:
        """Whether replicas answer reads."""
        return self._slave_ok

    @property
    def retries(self) -> int:
        """How often connecting is tried."""
        return self._retries

    def _connect(self) -> AsyncHashClient:
        kind = AsyncHashReader if self._slave_ok else AsyncHashClient
        return kind(encoding=self._encoding, tags=self._tags, _lent=(self._source, self))
