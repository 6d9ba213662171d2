# Generated from respool/_async/from_url.py by tools/generate.py. Do not edit.
"""From a URL to the right pool: the scheme says which one it is."""

from __future__ import annotations

from typing import Any

from respool._sync.pool import Pool


def from_url(url: str, **options: Any) -> Pool[Any]:
    """Return the pool for ``url``. Does no I/O.

    ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and ``unix://`` are one node. Raises
    UsageError for an unknown scheme or a bad option.
    """
    return Pool(url, **options)
