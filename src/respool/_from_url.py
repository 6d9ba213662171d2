"""From a URL to the right pool: the scheme says which one it is."""

from __future__ import annotations

from typing import Any

from respool._async._pool import AsyncPool
from respool._sync._pool import Pool


def from_url(url: str, **options: Any) -> Pool[Any]:
    """Return the pool for ``url``, for threads. Does no I/O.

    ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and ``unix://`` are one node. Raises
    UsageError for an unknown scheme or a bad option.
    """
    return Pool(url, **options)


def async_from_url(url: str, **options: Any) -> AsyncPool[Any]:
    """Return the pool for ``url``, for asyncio. Does no I/O. See ``from_url``."""
    return AsyncPool(url, **options)
