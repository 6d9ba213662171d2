# Generated from respool/_async/from_url.py by tools/generate.py. Do not edit.
"""Create the right kind of pool for a URL, by the scheme of the URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool._sync.cluster_pool import ClusterPool
from respool._sync.door import Door
from respool._sync.hash_pool import HashPool
from respool._sync.pool import Pool
from respool._sync.sentinel_pool import SentinelPool
from respool._facts.option_types import FROM_URL, Encoding, S
from respool._facts.url import kind_of

if TYPE_CHECKING:
    from typing import Unpack

    from respool._facts.option_types import AnyPoolOptions


def from_url(
    url: str, *, encoding: Encoding[S] | None = FROM_URL, **options: Unpack[AnyPoolOptions]
) -> Door[S]:
    """Return the pool for ``url``. Does no I/O.

    ``Pool`` if it names a single node: ``redis://``, ``valkey://`` (TCP), ``rediss://``, ``valkeys://`` (TLS) and
    ``unix://``. ``ClusterPool`` if it names nodes of a cluster (``redis+cluster://`` and its kin),
    ``SentinelPool`` for sentinels (``redis+sentinel://``), and ``HashPool`` for buckets (``redis+hash://``).
    ``respool.types.Door`` is what they have in common. Raises UsageError for an unknown scheme or an option that
    this kind of pool does not have.
    """
    kinds: dict[str, Any] = {"cluster": ClusterPool, "sentinel": SentinelPool, "hash": HashPool}
    pool: Door[S] = kinds.get(kind_of(url), Pool)(url, encoding=encoding, **options)
    return pool
