# Generated from respool/compat/pyredis/_async/hashed.py by tools/generate.py. Do not edit.
"""Buckets that sentinels watch: each is a primary with a name, and keys are spread over the names."""

from __future__ import annotations

from typing import Any

from respool import SentinelPool as Sentinel
from respool.compat.pyredis._sync.clients import HashClient, HashReader, Lent, taking_places
from respool.compat.pyredis._sync.pools import BasePool, sentinel_options
from respool.compat.pyredis._names import Place, check_tags, place_of, places_of
from respool.errors import UsageValueError


class Several:
    """The pools of all buckets, with what the face asks of one pool."""

    def __init__(self, pools: dict[str, Any]) -> None:
        self.pools = pools

    @property
    def max_size(self) -> int:
        """The size of each."""
        return int(next(iter(self.pools.values())).max_size)

    def resize(self, *, max_size: int) -> None:
        """Resize each."""
        for pool in self.pools.values():
            pool.resize(max_size=max_size)

    def drain(self) -> None:
        """Replace all connections."""
        for pool in self.pools.values():
            pool.drain()

    def close(self) -> None:
        """Close each."""
        for pool in self.pools.values():
            pool.close()


class LentByName(Lent):
    """The source of clients of several buckets, which have names."""

    @property
    def places(self) -> list[str]:
        """The names of the buckets, in their order."""
        return list(self.engine.pools)

    def place_at(self, sock: str) -> str:
        """Return the bucket that is called ``sock``, or whose primary is there."""
        pools: dict[str, Any] = self.engine.pools
        if sock in pools:
            return sock
        wanted: Place = place_of(sock)
        found = next((name for name, pool in pools.items() if pool.primary == wanted), None)
        if found is None:
            raise UsageValueError(f"no bucket has its primary at {sock!r} now; the buckets are {', '.join(pools)}")
        return found

    def _pool(self, key: Any) -> Any:
        return self.engine.pools[key]

    def take(self, key: Any, place: Any = None) -> Any:
        """Lease a connection to the primary of the bucket that ``key`` names."""
        return super().take(key, None)


@taking_places
class SentinelHashPool(BasePool):
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
        options = self._options(retries) | sentinel_options(self._sentinels, sentinel_password, sentinel_username)
        read_from: Any = "replica" if slave_ok else "primary"
        self._source = LentByName(
            Several({name: Sentinel(service=name, read_from=read_from, **options) for name in self._buckets})
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

    def _connect(self) -> HashClient:
        kind = HashReader if self._slave_ok else HashClient
        return kind(encoding=self._encoding, tags=self._tags, _lent=(self._source, self))
