"""Whether redis-py measures its own calls (``redis.observability``, redis-py 7.2 and newer)."""

from __future__ import annotations

try:
    from redis.observability.providers import get_observability_instance
except ImportError:

    def is_observed() -> bool:
        """Return False: this redis-py cannot measure."""
        return False

else:

    def is_observed() -> bool:
        """Tell whether a program has asked redis-py to measure its calls."""
        return get_observability_instance().get_provider_manager() is not None
