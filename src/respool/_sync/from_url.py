# Generated from respool/_async/from_url.py by tools/generate.py. Do not edit.
"""Create the right kind of pool for a URL, by the scheme of the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._sync.pool import Pool
from respool._facts.option_types import FROM_URL, Encoding, PoolOptions, S

if TYPE_CHECKING:
    from typing import Unpack


def from_url(
    url: str, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[PoolOptions]
) -> Pool[S]:
    """Return the pool for ``url``. Does no I/O.

    ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and ``unix://`` name a single node. Raises
    UsageError for an unknown scheme or a bad option.
    """
    return Pool(url, encoding=encoding, **options)
