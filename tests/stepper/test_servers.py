"""Every public coroutine, interrupted at each of its suspensions, on a real server, with asyncio and with uvloop."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from respool.testing import Server, ShortConnection

from .play import every_suspension
from .scenes import CALLS, Call

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.mark.parametrize("make_loop", LOOPS.values(), ids=LOOPS)
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_interrupted_at_each_suspension_it_leaves_a_working_pool(
    call: Call, make_loop: Callable[[], asyncio.AbstractEventLoop], server: Server, figure: Any
) -> None:
    loop = make_loop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
    where = {"host": server.host, "port": server.port}
    try:
        with server.connect() as link:
            count = loop.run_until_complete(every_suspension(call, where, lambda: _accepted(link)))
        gc.collect()
    finally:
        loop.close()
    assert complaints == []
    figure("P-03", "interruptions at a suspension, on a real server", count)


def _accepted(link: ShortConnection) -> int:
    found = re.search(rb"total_connections_received:(\d+)", link("INFO", "stats"))
    assert found is not None
    return int(found[1])
