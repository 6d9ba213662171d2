# Written once: tests/threads/test_forks.py is generated from this file.
"""After a fork the child starts with an empty pool, and the parent is not affected (R-35)."""

from __future__ import annotations

import pytest

from asyncio_.harness import LOOPS
from respool.testing import Server
from scripts import run_script

pytestmark = [pytest.mark.parametrize("loop", LOOPS)]

BEGIN = """
import gc, os, sys, threading, traceback
from asyncio_.harness import WAYS_OUT, Callers, run, wait_until
from respool import AsyncPool
from respool.errors import UsageError
from respool.testing import ShortConnection

url, host, port = sys.argv[1:4]

def fork(child, *, leave=os._exit):
    '''Run child in a forked process, and return its exit code when it has ended.'''
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            run(child)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            leave(code)
    return os.waitpid(pid, 0)[1]

def clients():
    with ShortConnection(host, int(port), timeout=5) as ask:
        return ask("CLIENT", "LIST").decode().count("name=us ")
"""


def run_in(loop: str, server: Server, script: str, url: str | None = None) -> None:
    assert run_script(BEGIN + script, url or server.url, server.host, str(server.port), loop=loop) == "done\n"


def test_the_child_starts_afresh_and_the_parent_goes_on(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, min_size=2, max_size=4, client_name="us")

async def child():
    assert (pool.size, pool.idle, pool.leased, pool.waiting, pool.closed) == (0, 0, 0, 0, False)
    assert pool.stats().opened == 0
    assert await pool.execute("ECHO", "child") == b"child"
    async with pool.acquire() as conn:
        assert await conn.execute("CLIENT", "ID") not in theirs
    await pool.aclose()
    assert clients() == 3

async def main():
    global theirs
    await pool.open()
    async with pool.acquire() as one, pool.acquire() as two:
        theirs = [await one.execute("CLIENT", "ID"), await two.execute("CLIENT", "ID")]
        third = await pool.acquire()
        assert clients() == 3
        before = pool.stats()
        assert fork(child) == 0
        assert pool.stats() == before
        assert clients() == 3
        assert [await one.execute("CLIENT", "ID"), await two.execute("CLIENT", "ID")] == theirs
        pool.release(third)
    for number in range(20):
        assert await pool.execute("ECHO", number) == str(number).encode()
    assert (pool.stats().lost, pool.stats().opened, pool.idle) == (0, 3, 3)
    await pool.aclose()
    assert clients() == 0

run(main)
print("done")
""",
    )


def test_a_reply_on_its_way_at_the_fork_reaches_the_parent(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, client_name="us")

async def child():
    await pool.rpush("list", "from the child")
    await pool.aclose()

async def main():
    callers = Callers()
    caller = callers.start(pool.execute, "BLPOP", "list", 5)
    await wait_until(lambda: clients() == 1 and pool.stats().replies == 4)
    assert fork(child) == 0
    assert await caller.result() == [b"list", b"from the child"]
    await callers.end()
    assert (pool.stats().lost, pool.idle) == (0, 1)
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_a_lease_of_the_parent_is_of_no_use_to_the_child_and_leaving_its_block_is_harmless(
    server: Server, loop: str
) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, client_name="us")
lease = None

async def child():
    try:
        await lease.execute("PING")
    except UsageError as error:
        assert "parent" in str(error), error
    else:
        raise AssertionError("the child used the parent's connection")
    assert lease.closed
    async with lease:
        pass
    try:
        pool.release(lease)
    except UsageError:
        pass
    await lease.aclose()
    del globals()["lease"]
    gc.collect()
    assert await pool.execute("PING") == b"PONG"
    assert pool.size == 1
    await pool.aclose()

async def main():
    global lease
    async with pool.acquire() as lease:
        before = await lease.execute("CLIENT", "ID")
        for leave in WAYS_OUT:
            assert fork(child, leave=leave) == 0
            assert await lease.execute("CLIENT", "ID") == before
    assert (pool.leased, pool.idle, pool.stats().lost) == (0, 1, 0)
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_the_child_may_leave_the_very_block_it_was_forked_in(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, client_name="us")

async def main():
    async with pool.acquire() as conn:
        before = await conn.execute("CLIENT", "ID")
        pid = os.fork()
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
            assert await conn.execute("CLIENT", "ID") == before
            assert clients() == 1
    if pid == 0:
        os._exit(0 if (pool.size, pool.leased) == (0, 0) else 1)
    assert await pool.execute("CLIENT", "ID") == before
    await pool.aclose()

try:
    run(main)
except BaseException:
    traceback.print_exc()
    os._exit(1)
print("done")
""",
    )


def test_a_child_that_never_uses_the_pool_ends_in_silence(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=1, min_size=3, client_name="us")

async def main():
    await pool.open()
    async with pool.acquire() as conn:
        for leave in WAYS_OUT:
            pid = os.fork()
            if pid == 0:
                gc.collect()
                leave(0)
            assert os.waitpid(pid, 0)[1] == 0
            assert clients() == 3
            assert await conn.execute("PING") == b"PONG"
            assert await pool.execute("PING") == b"PONG"
    assert pool.stats().lost == 0
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_a_child_that_closes_what_it_inherited_closes_nothing_of_the_parent(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=2, min_size=4, client_name="us")

async def child():
    await pool.aclose()
    assert pool.closed

async def main():
    await pool.open()
    before = pool.stats()
    assert fork(child) == 0
    assert not pool.closed
    assert clients() == 4
    for number in range(20):
        assert await pool.execute("ECHO", number) == str(number).encode()
    assert (pool.stats().lost, pool.stats().opened) == (0, before.opened)
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_forks_in_the_middle_of_a_storm_hang_nobody(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, max_size=3, client_name="us")
ends = False

async def child():
    for _ in range(3):
        assert await pool.execute("ECHO", "child") == b"child"
    await pool.aclose()

async def use(name):
    count = 0
    while not ends:
        assert await pool.execute("ECHO", f"{name}:{count}") == f"{name}:{count}".encode()
        count += 1
    return count

async def main():
    global ends
    callers = Callers()
    for name in range(6):
        callers.start(use, name)
    for turn in range(8):
        before = pool.stats().replies
        await wait_until(lambda: pool.stats().replies > before + 50)
        assert fork(child) == 0
    ends = True
    assert min(await callers.results()) > 0
    await callers.end()
    assert (pool.stats().lost, pool.size, pool.leased) == (0, 3, 0)
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_a_fork_of_a_fork_starts_afresh_too(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=0, client_name="us")

async def grandchild():
    assert pool.size == 0
    assert await pool.execute("ECHO", "grandchild") == b"grandchild"
    await pool.aclose()

async def child():
    assert await pool.execute("ECHO", "child") == b"child"
    assert fork(grandchild) == 0
    assert await pool.execute("ECHO", "child") == b"child"
    await pool.aclose()

async def main():
    assert await pool.execute("ECHO", "parent") == b"parent"
    assert fork(child) == 0
    assert await pool.execute("ECHO", "parent") == b"parent"
    assert (pool.stats().opened, pool.stats().lost) == (1, 0)
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_a_tls_connection_of_the_parent_is_not_said_goodbye_to(loop: str) -> None:
    with Server(tls=True) as server:
        run_in(
            loop,
            server,
            """
from respool.testing._certificate import client_context

pool = AsyncPool(url, tls=client_context(), shared=0, min_size=2)

async def child():
    assert await pool.execute("ECHO", "child") == b"child"
    await pool.aclose()

async def main():
    await pool.open()
    before = await pool.execute("CLIENT", "ID")
    for leave in WAYS_OUT:
        assert fork(child, leave=leave) == 0
        assert await pool.execute("CLIENT", "ID") == before
    assert (pool.stats().lost, pool.stats().opened) == (0, 2)
    await pool.aclose()

run(main)
print("done")
""",
            server.tls_url,
        )


def test_a_pool_made_before_the_fork_serves_processes_of_multiprocessing(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
import multiprocessing

pool = AsyncPool(url, shared=0, client_name="us")

async def add(count):
    for _ in range(count):
        await pool.incr("counter")
    await pool.aclose()

def work(count):
    run(lambda: add(count))

async def main():
    assert await pool.incr("counter") == 1
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(50,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert await pool.get("counter") == b"201"
    assert pool.stats().lost == 0
    await pool.aclose()

run(main)
print("done")
""",
    )


def test_what_the_parent_closes_is_closed_while_its_children_live(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
pool = AsyncPool(url, shared=1, min_size=3, client_name="us")

async def main():
    await pool.open()
    assert clients() == 3
    alive, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends)
        os.read(alive, 1)  # until the parent says so, or ends
        os._exit(0)
    await pool.aclose()
    await wait_until(lambda: clients() == 0)  # although a process lives that had a copy of each socket
    os.close(ends)
    assert os.waitpid(pid, 0)[1] == 0

run(main)
print("done")
""",
    )


def test_a_connection_in_the_making_is_not_kept_open_by_a_child(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
may_go = []

async def configure(conn):
    await wait_until(lambda: may_go)

pool = AsyncPool(url, shared=0, min_size=1, client_name="us", configure=configure, connect_timeout=5.0)

async def main():
    await pool.open(wait=False)
    await wait_until(lambda: clients() == 1)
    alive, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends)
        os.read(alive, 1)
        os._exit(0)
    may_go.append(True)
    await pool.wait_ready()
    await pool.aclose()
    await wait_until(lambda: clients() == 0)
    os.close(ends)
    assert os.waitpid(pid, 0)[1] == 0

run(main)
print("done")
""",
    )


@pytest.mark.parametrize("scheme", ["rediss", "redis"])
def test_a_dial_in_the_midst_of_its_handshake_is_not_kept_open_by_a_child_and_not_said_goodbye_to(
    server: Server, loop: str, scheme: str
) -> None:
    run_in(
        loop,
        server,
        """
import socket

listener = socket.create_server(("127.0.0.1", 0))
listener.setblocking(False)
pool = AsyncPool(f"{url}://127.0.0.1:{listener.getsockname()[1]}", shared=1, connect_timeout=20.0)

def accepted():
    try:
        return listener.accept()[0]
    except BlockingIOError:
        return None

def said(peer):
    try:
        return peer.recv(65536)
    except BlockingIOError:
        return None

async def main():
    await pool.open(wait=False)
    peer = await wait_until(accepted)
    peer.setblocking(False)
    await wait_until(lambda: said(peer))
    for leave in WAYS_OUT:
        pid = os.fork()
        if pid == 0:
            peer.close()  # its copies of what belongs to this test
            listener.close()
            gc.collect()
            leave(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert said(peer) is None  # neither a word nor an end
    alive, ends = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ends)
        os.read(alive, 1)
        os._exit(0)
    await pool.aclose(timeout=0)
    await wait_until(lambda: said(peer) == b"")
    os.close(ends)
    assert os.waitpid(pid, 0)[1] == 0
    peer.close()

run(main)
listener.close()
print("done")
""",
        scheme,
    )


def test_a_subscriber_stays_with_the_parent(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
from respool.errors import PoolClosed

pool = AsyncPool(url, client_name="us")

async def child():
    try:
        await sub.next(1.0)
        raise AssertionError("no error")
    except (PoolClosed, UsageError):
        pass
    await sub.aclose()
    async with pool.subscribe("b") as own:
        await pool.publish("b", "child")
        assert (await own.next(5.0)).data == b"child"
    await pool.aclose()

async def parent():
    global sub
    async with pool.subscribe("a") as sub:
        assert fork(child) == 0
        await pool.publish("a", "parent")
        assert (await sub.next(5.0)).data == b"parent"
        assert sub.gaps == 0
    await pool.aclose()
    await wait_until(lambda: clients() == 0)

run(parent)
print("done")
""",
    )


def test_a_pool_that_cannot_be_emptied_keeps_no_other_from_it(server: Server, loop: str) -> None:
    run_in(
        loop,
        server,
        """
class Broken(AsyncPool):
    def _after_fork(self):
        raise LookupError("broken")

os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # where Python reports what cannot be raised
broken = [Broken(url) for _ in range(8)]  # in no order: some come before the pool, some after it
pool = AsyncPool(url, client_name="us")
broken += [Broken(url) for _ in range(8)]

async def child():
    assert pool.size == 0
    assert await pool.execute("ECHO", "child") == b"child"
    await pool.aclose()

async def main():
    await pool.open()
    assert fork(child) == 0
    assert await pool.execute("ECHO", "parent") == b"parent"
    await pool.aclose()

run(main)
print("done")
""",
    )
