"""A cache backend for Django: its own Redis cache, on respool's pools. Settings are all that changes.

    CACHES = {"default": {"BACKEND": "respool.contrib.django.RedisCache", "LOCATION": "redis://127.0.0.1:6379"}}

Every option of ``django.core.cache.backends.redis.RedisCache`` holds. It needs ``respool[redis]``.
"""

from __future__ import annotations

from typing import Any

from django.core.cache.backends import redis as backend  # pyright: ignore[reportMissingImports]

from respool.compat.redis import Redis


class RedisCacheClient(backend.RedisCacheClient):
    """Django's ``RedisCacheClient`` with one client for each server, where Django makes one for each call."""

    def __init__(self, servers: Any, *args: Any, **options: Any) -> None:
        super().__init__(servers, *args, **options)
        self._client = Redis
        self._clients: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """Return the client for a server; reads may go to another one than writes."""
        index = self._get_connection_pool_index(write)
        client = self._clients.get(index)
        if client is None:
            if index not in self._pools:
                self._pools[index] = self._pool_class.from_url(self._servers[index], **self._pool_options)
            client = self._clients.setdefault(index, Redis(connection_pool=self._pools[index]))
        return client


class RedisCache(backend.RedisCache):
    """Django's ``RedisCache`` on respool's pools."""

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = RedisCacheClient
