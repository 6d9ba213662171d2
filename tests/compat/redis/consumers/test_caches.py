"""Caches and rate limits: django-redis, Django's own cache, Flask-Caching, limits."""

from __future__ import annotations

import pytest

from compat.redis.consumers.conftest import Job

pytestmark = pytest.mark.slow


DJANGO = """
import django
from django.conf import settings

settings.configure(CACHES={"default": CACHE}, USE_TZ=True)
django.setup()
from django.core.cache import cache

cache.set("a", {"x": [1, 2]}, 30)
assert cache.get("a") == {"x": [1, 2]}
assert cache.add("a", 2) is False
cache.set("n", 1)
assert cache.incr("n", 5) == 6
assert not cache.set_many({"p": 1, "q": 2})
assert cache.get_many(["p", "q", "none"]) == {"p": 1, "q": 2}
assert cache.touch("p", 10)
cache.delete_many(["p", "q"])
assert cache.get("p") is None
"""


def test_the_cache_of_django(job: Job) -> None:
    job('CACHE = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL}\n' + DJANGO, needs="django")


def test_our_backend_for_django(job: Job) -> None:
    program = 'CACHE = {"BACKEND": "respool.contrib.django.RedisCache", "LOCATION": [URL, URL], "OPTIONS": {"client_name": "me"}}\n'
    check = """
assert cache._cache.get_client("a") is cache._cache.get_client("b")
assert cache._cache.get_client("a").client_getname() == "me"
"""
    job(program + DJANGO + check, needs="django", installs=False)


def test_django_redis(job: Job) -> None:
    program = 'CACHE = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": URL}\n' + DJANGO
    job(
        program
        + """
with cache.lock("l", timeout=5):
    assert not cache.lock("l", blocking_timeout=0.01).acquire()
assert sorted(cache.iter_keys("*")) == ["a", "n"]
assert cache.delete_pattern("*") == 2
""",
        needs="django_redis",
    )


def test_flask_caching(job: Job) -> None:
    program = """
from flask import Flask
from flask_caching import Cache

app = Flask("app")
cache = Cache(app, config={"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": URL})
calls = []
with app.app_context():
    cache.set("a", 1)
    assert cache.get("a") == 1
    cache.set_many({"b": 2, "c": 3})
    assert cache.get_many("b", "c") == [2, 3]

    @cache.memoize(30)
    def double(x):
        calls.append(x)
        return 2 * x

    assert (double(4), double(4), calls) == (8, 8, [4])
    cache.delete_memoized(double)
    assert (double(4), calls) == (8, [4, 4])
    cache.clear()
"""
    job(program, needs="flask_caching")


def test_limits(job: Job) -> None:
    program = """
from limits import parse, storage, strategies

for kind in (strategies.FixedWindowRateLimiter, strategies.MovingWindowRateLimiter, strategies.SlidingWindowCounterRateLimiter):
    store = storage.storage_from_string(URL)
    limiter = kind(store)
    three = parse("3/minute")
    assert [limiter.hit(three, kind.__name__) for _ in range(4)] == [True, True, True, False]
    assert limiter.get_window_stats(three, kind.__name__).remaining == 0
    store.reset()
"""
    job(program, needs="limits")
