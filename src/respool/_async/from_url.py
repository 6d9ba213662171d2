# Written once: respool/_sync/from_url.py is generated from this file.
"""From a URL to the right pool: the scheme says which one it is."""

from __future__ import annotations

from typing import Any

from respool._async.pool import AsyncPool


def async_from_url(url: str, **options: Any) -> AsyncPool[Any]:
    """Return the pool for ``url``. Does no I/O.

    ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and ``unix://`` are one node. Raises
    UsageError for an unknown scheme or a bad option.
    """
    return AsyncPool(url, **options)
