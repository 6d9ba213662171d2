"""A plugin for redis-py's own test suite: its tests get the classes of ``respool.compat.redis``.

``pytest -p dropin_plugin`` imports it before any conftest.py, so before any test names ``redis.Redis``. With
``DROPIN_ON=cluster`` that name stays redis-py's: it is the class of a cluster's nodes, and tests mock its methods.
"""

import os
from importlib import import_module

from respool.compat import redis

if os.environ.get("DROPIN_ON") == "cluster":
    kept = {place: vars(import_module(place))["Redis"] for place in ("redis", "redis.asyncio")}
    redis.install()
    for place, theirs in kept.items():
        vars(import_module(place))["Redis"] = theirs
else:
    redis.install()
