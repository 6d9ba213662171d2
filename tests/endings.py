"""Ways in which a program with pools may end, each in a process of its own (R-38, P-27).

    python -m tests.endings --runs 1000      run random ones; the exit code is not 0 if one hangs or prints an error
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import respool

#: The longest that a program may take, in seconds: far more than it needs on a busy machine.
PATIENCE = 60.0

BEGIN = """
import asyncio, atexit, os, sys, threading
from respool import AsyncPool, Connection, Pool
from respool.errors import Error

url = sys.argv[1]

def tried(*works, write=os.write, Error=Error):
    '''Call one after the other, and tell what came of it; at teardown there is no print any more.'''
    for work in works:
        try:
            work()
            write(1, b"done\\n")
        except Error as error:
            write(1, type(error).__name__.encode() + b"\\n")

class AtTeardown:
    '''Calls things when it is torn down: when the modules of the program go, whatever its daemon threads hold.'''
    def __init__(self, *works):
        self.works, self.tried = works, tried
        module = type(sys)("kept")
        module.thing = self
        sys.modules["kept"] = module
    def __del__(self):
        self.tried(*self.works)

def busy(work, count=3):
    '''Start daemon threads that work without end, and return when they do.'''
    begun = threading.Semaphore(0)
    def run():
        while True:
            work()
            begun.release()
    for _ in range(count):
        threading.Thread(target=run, daemon=True).start()
    for _ in range(count * 20):
        begun.acquire()

def uses(pool):
    return (
        pool.ping, lambda: pool.execute_many([("PING",)]), lambda: pool.execute_noreply("PING"), pool.stats,
        lambda: pool.execute("BLPOP", "nothing", 0.01), pool.acquire, lambda: pool.select(1), pool.drain, pool.clear,
        lambda: pool.resize(max_size=9), pool.close, pool.ping,
    )

def main():
"""

#: For threads.
SCENES = {
    "a generator holds a pool": """
    def hold():
        with Pool(url) as pool:
            yield pool.ping()
    global kept
    kept = hold()
    assert next(kept)
""",
    "a generator holds a pool that it closes without patience": """
    def hold():
        pool = Pool(url, shared=2)
        try:
            yield pool.ping()
        finally:
            pool.close(timeout=0)
    global kept
    kept = hold()
    assert next(kept)
""",
    "a generator holds a lease": """
    def hold():
        with Pool(url, shared=1) as pool, pool.acquire() as conn:
            yield conn.ping()
    global kept
    kept = hold()
    assert next(kept)
""",
    "a pool is left open": """
    global shared, exclusive
    shared, exclusive = Pool(url), Pool(url, shared=0)
    assert shared.ping() and exclusive.ping()
""",
    "a lease is left out": """
    global lease
    lease = Pool(url).acquire()
""",
    "a pool is used at teardown": """
    pool = Pool(url, shared=1)
    pool.ping()
    AtTeardown(*uses(pool))
""",
    "an exclusive pool is used at teardown": """
    pool = Pool(url, shared=0)
    pool.ping()
    AtTeardown(*uses(pool))
""",
    "a pool is first used at teardown": """
    AtTeardown(*uses(Pool(url)))
""",
    "a pool is made at teardown": """
    AtTeardown(lambda: Pool(url).ping(), lambda: Pool(url).acl_whoami(), lambda: Pool(url).open(), lambda: Connection(url).open())
""",
    "a pool that daemon threads use is used at teardown": """
    pool = Pool(url, shared=1)
    busy(pool.ping)
    AtTeardown(*uses(pool))
""",
    "a pool that daemon threads use without replies is used at teardown": """
    pool = Pool(url, shared=2)
    busy(lambda: pool.execute_noreply("PING"))
    AtTeardown(*uses(pool))
""",
    "a pool that daemon threads lease from is used at teardown": """
    pool = Pool(url, shared=0, max_size=2)
    busy(pool.ping)
    AtTeardown(*uses(pool))
""",
    "a pool that daemon threads wait for is used at teardown": """
    pool = Pool(url, shared=0, max_size=1, acquire_timeout=None)
    busy(pool.ping, 8)
    AtTeardown(*uses(pool))
""",
    "a pool that daemon threads use is closed at teardown": """
    pool = Pool(url, shared=1)
    busy(pool.ping)
    AtTeardown(pool.close)
""",
    "a pool that a daemon thread moves to another database is moved at teardown": """
    pool = Pool(url, shared=1)
    busy(lambda: pool.select(0), 1)
    AtTeardown(lambda: pool.select(1), pool.close)
""",
    "daemon threads open and close pools": """
    def work():
        with Pool(url, shared=0) as pool:
            pool.ping()
    busy(work, 2)
""",
    "a connection that daemon threads use is used at teardown": """
    conn = Connection(url)
    conn.open()
    busy(conn.ping)
    AtTeardown(conn.ping, lambda: conn.execute_noreply("PING"), conn.close)
""",
    "a thread that outlives the main thread uses a pool": """
    pool = Pool(url)
    pool.ping()
    def work():
        threading.main_thread().join()
        pool.ping()
        with pool.acquire() as conn:
            conn.ping()
        pool.close()
    threading.Thread(target=work).start()
""",
    "a thread that outlives the main thread opens a pool": """
    pool = Pool(url)
    def work():
        threading.main_thread().join()
        tried(pool.ping, pool.close)
    threading.Thread(target=work).start()
""",
    "pools are used, opened and closed in functions registered with atexit": """
    new, old, other = Pool(url), Pool(url), Pool(url)
    assert old.ping() and other.ping()
    atexit.register(tried, new.ping, old.ping, other.close, new.close, old.close)
""",
}

#: For asyncio.
ASYNC_SCENES = {
    "an event loop runs in a function registered with atexit": """
    pool = AsyncPool(url.replace("127.0.0.1", "localhost"))
    async def use():
        await pool.ping()
        await pool.aclose()
    atexit.register(tried, lambda: asyncio.run(use()))
""",
    "an event loop of a daemon thread uses a pool": """
    pool = AsyncPool(url)
    begun = threading.Event()
    async def use():
        while True:
            await pool.ping()
            begun.set()
    threading.Thread(target=lambda: asyncio.run(use()), daemon=True).start()
    begun.wait()
""",
    "an async pool and a lease are left open": """
    global kept
    pool = AsyncPool(url)
    async def use():
        await pool.ping()
        return await pool.acquire()
    kept = pool, asyncio.run(use())
""",
    "an async generator holds a pool": """
    async def hold():
        async with AsyncPool(url) as pool:
            yield await pool.ping()
    global kept
    kept = hold()
    async def use():
        assert await anext(kept)
    asyncio.run(use())
""",
}


def pythons() -> list[str]:
    """Return other interpreters on this machine that can run respool: python3.11 to 3.14, and RESPOOL_PYTHONS."""
    named = [found for minor in (11, 12, 13, 14) if (found := shutil.which(f"python3.{minor}"))]
    named += filter(None, os.environ.get("RESPOOL_PYTHONS", "").split(os.pathsep))
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    probe = "import sys, hiredis; print('%d.%d' % sys.version_info[:2])"
    versions = {}
    for python in named:
        asked = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
        if asked.returncode == 0 and asked.stdout.strip() != mine:
            versions[asked.stdout.strip()] = python
    return list(versions.values())


def play(script: str, url: str, python: str = sys.executable) -> list[str]:
    """Run a program to its end and return its output. It must end by itself, in time and without an error."""
    body = BEGIN + script + "\nmain()\n"
    paths = str(Path(respool.__file__).parents[1])
    done = subprocess.run(
        [python, "-c", body, url],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout.split()


def main(argv: Sequence[str] | None = None) -> int:
    """Run random programs and check how they end."""
    from respool.testing import Server

    parser = argparse.ArgumentParser(prog="python -m tests.endings", description="programs that end with pools")
    parser.add_argument("--runs", type=int, default=100, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(argv)
    chance = random.Random(wanted.seed)
    scenes, all_pythons = {**SCENES, **ASYNC_SCENES}, [sys.executable, *pythons()]
    failures, longest = 0, 0.0
    with Server() as server:
        for _ in range(wanted.runs):
            name, python = chance.choice(list(scenes)), chance.choice(all_pythons)
            began = time.monotonic()
            try:
                play(scenes[name], server.url, python)
            except (AssertionError, subprocess.TimeoutExpired) as error:
                failures += 1
                print(f"{python}: {name}: {error}", flush=True)
            longest = max(longest, time.monotonic() - began)
    print(f"{wanted.runs} programs of {len(scenes)} kinds on {len(all_pythons)} interpreters: {failures} hung or "
          f"complained; the longest took {longest:.1f} s, its start included")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
