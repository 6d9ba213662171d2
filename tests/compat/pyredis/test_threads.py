"""The face of pyredis in threads alone: many of them at once, and locks (003, points 3, 7 and 9)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from respool.compat.pyredis import Pool, PyRedisError
from respool.testing import Server


def test_003_09_every_pool_has_a_lock_of_its_own(server: Server) -> None:
    one, two = Pool(server.host, server.port), Pool(server.host, server.port)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with one._lock:
            held.set()
            done.wait(5.0)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5.0)
    assert two.execute("PING") == b"PONG"  # it would wait here
    done.set()
    holder.join()
    assert one.execute("PING") == b"PONG"
    one.close()
    two.close()


def test_003_07_a_lock_may_be_shared_on_purpose(server: Server) -> None:
    lock = threading.RLock()
    one, two = (Pool(server.host, server.port, pool_size=1, lock=lock) for _ in range(2))
    with lock:
        clients = [one.acquire(), two.acquire()]
    for pool, client in zip((one, two), clients, strict=True):
        assert client.ping() is True
        pool.release(client)
        pool.close()


def test_003_03_many_threads_never_exceed_pool_size_and_leave_no_client_behind(server: Server) -> None:
    pool = Pool(server.host, server.port, pool_size=3)
    refused = []

    def use(number: int) -> int:
        done = 0
        for step in range(60):
            try:
                client = pool.acquire()
            except PyRedisError as error:
                refused.append(str(error))
                continue
            try:
                assert client.execute("ECHO", f"{number} {step}") == f"{number} {step}".encode()
                if step % 7 == 0:
                    client.multi()
                if step % 11 == 0:
                    client.close()
                if step % 13 == 0:
                    pool.pool_size = 3 + step % 2
            finally:
                pool.release(client)
            done += 1
        return done

    with ThreadPoolExecutor(8) as threads:
        done = sum(threads.map(use, range(8)))
    assert done + len(refused) == 8 * 60
    assert set(refused) <= {"Max connections 3 exhausted", "Max connections 4 exhausted"}
    pool.pool_size = 3
    clients = [pool.acquire() for _ in range(3)]
    assert [client.ping() for client in clients] == [True] * 3
    for client in clients:
        pool.release(client)
    assert server.client_count() <= 3
    pool.close()
