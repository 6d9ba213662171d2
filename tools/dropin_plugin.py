"""A plugin for redis-py's own test suite: its tests get the classes of ``respool.compat.redis``.

``pytest -p dropin_plugin`` imports it before any conftest.py, so before any test names ``redis.Redis``.
"""

from respool.compat import redis

redis.install()
