"""Task queues and channel layers: Celery, RQ, dramatiq, taskiq-redis, channels_redis."""

from __future__ import annotations

import pytest

from compat.redis.consumers.conftest import Job

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("pool", ["solo", "prefork", "threads", "gevent"])
def test_celery_runs_tasks_groups_and_chords(job: Job, pool: str) -> None:
    if pool == "gevent":
        pytest.importorskip("gevent", reason="gevent is not installed")
    program = f"""
import subprocess, pathlib

pathlib.Path("tasks.py").write_text('''
from respool.compat import redis
redis.install()
from celery import Celery
app = Celery("tasks", broker=URL, backend=URL)
app.conf.worker_hijack_root_logger = False

@app.task
def add(x, y):
    return x + y

@app.task
def total(numbers):
    return sum(numbers)
'''.replace("URL", repr(URL)))
sys.path.insert(0, "")
from tasks import add, app, total
from celery import chord, group

worker = subprocess.Popen([sys.executable, "-m", "celery", "-A", "tasks", "worker", "-P", "{pool}", "-c", "2", "-l", "error"])
try:
    assert add.delay(1, 2).get(timeout=40) == 3
    assert group(add.s(n, n) for n in range(5))().get(timeout=20) == [0, 2, 4, 6, 8]
    assert chord([add.s(n, 1) for n in range(4)])(total.s()).get(timeout=20) == 10
finally:
    worker.terminate()
    worker.wait(20)
"""
    job(program, needs="celery")


def test_rq_runs_jobs_in_process_and_in_forked_children(job: Job) -> None:
    program = """
import pathlib
pathlib.Path("work.py").write_text("def double(x): return 2 * x\\ndef fail(): raise ValueError('no')\\n")
sys.path.insert(0, "")
import redis, work
from rq import Queue, SimpleWorker, Worker

client = redis.Redis.from_url(URL)
queue = Queue(connection=client)
for kind in (SimpleWorker, Worker):
    good, bad = queue.enqueue(work.double, 4), queue.enqueue(work.fail)
    kind([queue], connection=client).work(burst=True, logging_level="ERROR")
    assert good.return_value() == 8
    assert bad.get_status(refresh=True) == "failed"
"""
    job(program, needs="rq")


def test_dramatiq_runs_messages_and_retries_them(job: Job) -> None:
    program = """
import threading
import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL)))
dramatiq.set_broker(broker)
tries = []

@dramatiq.actor(store_results=True, min_backoff=10, max_backoff=20)
def double(x):
    tries.append(x)
    if len(tries) == 1:
        raise ValueError("once")
    return 2 * x

message = double.send(4)
worker = dramatiq.Worker(broker, worker_threads=2)
worker.start()
assert message.get_result(block=True, timeout=20_000) == 8
assert tries == [4, 4]
broker.join("default", timeout=10_000)
worker.stop()
"""
    job(program, needs="dramatiq")


def test_taskiq_redis_runs_tasks(job: Job) -> None:
    program = """
import asyncio
from taskiq.receiver import Receiver
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

async def main():
    for kind in (ListQueueBroker, RedisStreamBroker):
        broker = kind(URL).with_result_backend(RedisAsyncResultBackend(URL, result_ex_time=30))

        @broker.task(task_name=kind.__name__)
        async def double(x):
            return 2 * x

        broker.is_worker_process = True
        await broker.startup()
        finish = asyncio.Event()
        listening = asyncio.create_task(Receiver(broker, max_async_tasks=4).listen(finish))
        task = await double.kiq(4)
        assert (await task.wait_result(timeout=20)).return_value == 8
        assert engines() > 0
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await broker.shutdown()

asyncio.run(main())
"""
    job(program, needs="taskiq_redis", tail="")


def test_channels_redis_sends_to_channels_and_groups(job: Job) -> None:
    program = """
import asyncio
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

async def main():
    for kind in (RedisChannelLayer, RedisPubSubChannelLayer):
        layer = kind(hosts=[URL])
        one, two = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("g", one)
        await layer.group_add("g", two)
        await layer.group_send("g", {"type": "hello"})
        assert (await asyncio.wait_for(layer.receive(one), 10))["type"] == "hello"
        assert (await asyncio.wait_for(layer.receive(two), 10))["type"] == "hello"
        await layer.send(one, {"type": "alone"})
        assert (await asyncio.wait_for(layer.receive(one), 10))["type"] == "alone"
        assert engines() > 0
        await layer.flush()
        await layer.close_pools() if kind is RedisChannelLayer else None

asyncio.run(main())
"""
    job(program, needs="channels_redis", tail="")


def test_arq_runs_jobs(job: Job) -> None:
    pytest.importorskip("arq", reason="arq asks for a redis-py older than 6: pip install --no-deps arq click")
    job(
        """
import asyncio
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import Worker

async def double(ctx, number):
    return 2 * number

async def main():
    pool = await create_pool(RedisSettings.from_dsn(URL))
    queued = await pool.enqueue_job("double", 21)
    worker = Worker(functions=[double], redis_pool=pool, burst=True, handle_signals=False)
    await worker.main()
    assert await queued.result(timeout=5) == 42
    assert type(pool.pipeline()).__module__.startswith("respool.")
    await pool.aclose(close_connection_pool=True)

asyncio.run(main())
""",
        needs="arq",
        tail="",
    )
