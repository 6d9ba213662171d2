"""Under gevent's monkey patching, greenlets can use a pool as threads do (R-39, P-30)."""

from __future__ import annotations

import importlib.util

import pytest

from respool.testing import Server
from scripts import run_script

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("gevent") is None, reason="gevent is not installed"),
]

BEGIN = """
from gevent import monkey
monkey.patch_all()
import sys, threading, time
import gevent
from respool import Connection, Pool
from respool.errors import ReadTimeout
from respool.testing import FakeNode

url = sys.argv[1]
ticks = 0

def tick():
    '''Count how often others may run.'''
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1

gevent.spawn(tick)

def took(seconds, work):
    '''Call it; it must take that long, and others must run meanwhile. Return what it returned or raised.'''
    global ticks
    ticks, started = 0, time.monotonic()
    try:
        outcome = work()
    except Exception as error:
        outcome = error
    assert seconds * 0.9 < time.monotonic() - started < seconds + 3.0, (time.monotonic() - started, outcome)
    assert ticks > seconds * 10
    return outcome

def together(count, work):
    '''Let many greenlets do it at the same time; all must succeed.'''
    greenlets = [gevent.spawn(work, number) for number in range(count)]
    assert len(gevent.joinall(greenlets, timeout=20)) == count
    for greenlet in greenlets:
        greenlet.get()
"""


def run_green(server: Server, script: str, begin: str = BEGIN) -> None:
    assert run_script(begin + script + "\nprint('done')\n", server.url) == "done\n"


@pytest.mark.parametrize("options", ["", "shared=1", "shared=4"])
def test_greenlets_have_no_connections_to_themselves(server: Server, options: str) -> None:
    run_green(
        server,
        f"""
with Pool(url, {options}) as pool:
    pool.ping()
    assert (pool._shared._affinity, pool._shared._grows) == (None, False)
    def use(number):
        for count in range(20):
            word = f"{{number}}:{{count}}".encode()
            assert pool.execute("ECHO", word) == word
    together(50, use)
    wanted = 4 if "4" in "{options}" else 1
    assert pool.shared == pool.stats().opened == wanted
""",
    )


@pytest.mark.parametrize("options", ["shared=1", "shared=4", "shared=0, max_size=5", "shared=0, max_size=200"])
def test_many_greenlets_use_one_pool(server: Server, options: str) -> None:
    run_green(
        server,
        f"""
with Pool(url, {options}) as pool:
    def use(number):
        for count in range(10):
            word = f"{{number}}:{{count}}".encode()
            assert pool.execute("ECHO", word) == word
            with pool.acquire() as conn:
                assert conn.execute("ECHO", word) == word
    together(200, use)
    assert pool.stats().lost == 0 and pool.leased == 0
""",
    )


@pytest.mark.parametrize("shared", [0, 1])
def test_times_are_kept_while_others_run(server: Server, shared: int) -> None:
    run_green(
        server,
        f"""
with FakeNode({{"GET": b""}}) as node, Pool(node.url, shared={shared}, read_timeout=1.0, retry=None) as pool:
    assert isinstance(took(1.0, lambda: pool.get("k")), ReadTimeout)
    assert isinstance(took(0.3, lambda: pool.execute("GET", "k", timeout=0.3)), ReadTimeout)
with Pool(url, shared={shared}) as pool:
    assert took(1.0, lambda: pool.blpop("nothing", timeout=1)) is None
with Pool(url, shared={shared}, max_size=2) as pool, pool.acquire() as one:
    def wait():
        with pool.acquire(0.5), pool.acquire(0.5): pass
    took(0.5, wait)
""",
    )


def test_values_larger_than_every_buffer_pass_both_ways(server: Server) -> None:
    run_green(
        server,
        """
with Pool(url, shared=1) as pool:
    def use(number):
        value = bytes([number]) * 3_000_000
        pool.set(f"k{number}", value)
        assert pool.get(f"k{number}") == value
    together(8, use)
""",
    )


def test_a_lost_connection_is_replaced(server: Server) -> None:
    run_green(
        server,
        """
with Connection(url) as other, Pool(url, shared=1) as pool:
    assert pool.ping()
    assert other.execute("CLIENT", "KILL", "TYPE", "normal") == 1
    together(50, lambda number: pool.get("k"))
    assert pool.stats().lost == 1
""",
    )


def test_threads_of_the_standard_library_are_greenlets_too(server: Server) -> None:
    run_green(
        server,
        """
from concurrent.futures import ThreadPoolExecutor
with Pool(url, shared=1) as pool, ThreadPoolExecutor(20) as executor:
    assert list(executor.map(pool.incr, ["counter"] * 500))[-1] <= 500
    assert int(pool.get("counter")) == 500
""",
    )


def test_over_tls() -> None:
    with Server(tls=True) as server:
        assert run_script(
            BEGIN
            + """
from respool.testing._certificate import client_context
with Pool(url, tls=client_context(), shared=1) as pool:
    together(50, lambda number: pool.set(f"k{number}", b"x" * 100_000))
    assert pool.get("k49") == b"x" * 100_000
with Pool(url, tls=client_context(), shared=0) as pool:
    assert took(1.0, lambda: pool.blpop("nothing", timeout=1)) is None
print("done")
""",
            server.tls_url,
        ) == "done\n"


def test_a_patch_that_comes_too_late_is_a_clear_error(server: Server) -> None:
    run_green(
        server,
        """
import warnings
from respool import Connection, Pool
from respool.errors import UsageError
pool = Pool(sys.argv[1])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from gevent import monkey
    monkey.patch_all()
for use in (pool.open, pool.ping, Connection(sys.argv[1]).open):
    try:
        use()
    except UsageError as error:
        assert "the first of all imports" in str(error)
    else:
        raise AssertionError(use)
""",
        begin="import sys\n",
    )


def test_sockets_without_threads_are_a_clear_error(server: Server) -> None:
    run_green(
        server,
        """
from respool import Pool
from respool.errors import UsageError
try:
    Pool(sys.argv[1]).open()
except UsageError as error:
    assert "without thread=False" in str(error)
else:
    raise AssertionError
""",
        begin="from gevent import monkey\nmonkey.patch_all(thread=False)\nimport sys\n",
    )


def test_green_threads_that_are_not_supported_say_so(server: Server) -> None:
    run_green(
        server,
        """
import socket
from respool import Pool
from respool.errors import UsageError

class GreenSocket:  # what eventlet puts there
    __module__ = "eventlet.greenio.base"

socket.socket = GreenSocket
try:
    Pool(sys.argv[1]).open()
except UsageError as error:
    assert "eventlet" in str(error)
else:
    raise AssertionError
""",
        begin="import sys\n",
    )
