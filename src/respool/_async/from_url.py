# Written once: respool/_sync/from_url.py is generated from this file.
"""Create the right kind of pool for a URL, by the scheme of the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._async.pool import AsyncPool
from respool._facts.option_types import FROM_URL, Encoding, PoolOptions, S

if TYPE_CHECKING:
    from typing import Unpack


def async_from_url(
    url: str, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[PoolOptions]
) -> AsyncPool[S]:
    """Return the pool for ``url``. Does no I/O.

    ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and ``unix://`` name a single node. Raises
    UsageError for an unknown scheme or a bad option.
    """
    return AsyncPool(url, encoding=encoding, **options)
