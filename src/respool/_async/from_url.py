# Written once: respool/_sync/from_url.py is generated from this file.
"""Create the right kind of pool for a URL, by the scheme of the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool._async.cluster_pool import AsyncClusterPool
from respool._async.door import AsyncDoor
from respool._async.hash_pool import AsyncHashPool
from respool._async.pool import AsyncPool
from respool._async.sentinel_pool import AsyncSentinelPool
from respool._facts.option_types import FROM_URL, Encoding, S
from respool._facts.url import kind_of

if TYPE_CHECKING:
    from typing import Unpack

    from respool._facts.option_types import AnyPoolOptions


def async_from_url(
    url: str, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[AnyPoolOptions]
) -> AsyncDoor[S]:
    """Return the pool for ``url``. Does no I/O.

    ``AsyncPool`` if it names a single node: ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and
    ``unix://``. ``AsyncClusterPool`` if it names nodes of a cluster (``redis+cluster://`` and its kin),
    ``AsyncSentinelPool`` for sentinels (``redis+sentinel://``), and ``AsyncHashPool`` for buckets (``redis+hash://``).
    ``respool.types.AsyncDoor`` is what they have in common. Raises UsageError for an unknown scheme or an option that
    this kind of pool does not have.
    """
    kinds: dict[str, Any] = {"cluster": AsyncClusterPool, "sentinel": AsyncSentinelPool, "hash": AsyncHashPool}
    pool: AsyncDoor[S] = kinds.get(kind_of(url), AsyncPool)(url, encoding=encoding, **options)
    return pool
