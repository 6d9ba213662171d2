"""A world without faults, for tests that script their own."""

from __future__ import annotations

import warnings
from collections.abc import Coroutine
from random import Random
from typing import Any

from .loop import Order, SimLoop, World
from .network import SimSocket, Weather
from .server import Server


class Stage:
    """A loop, a network and a server. ``run`` plays a story in it and checks that nothing is left: no socket, no timer, no complaint."""

    def __init__(self, order: Order | None = None) -> None:
        self.world = World()
        self.server = Server(self.world, Random(1))
        self.loop = SimLoop(self.world, Random(2), order or Order(), self._socket)
        self.sockets: list[SimSocket] = []
        self._complaints: list[str] = []
        self.loop.set_exception_handler(lambda _, context: self._complaints.append(str(context)))

    def _socket(self, address: Any) -> SimSocket:
        number = len(self.sockets) + 1
        server = self._server_at(address)
        self.sockets.append(SimSocket(self.world, self.loop, Random(number), Weather(), number, server))
        return self.sockets[-1]

    def _server_at(self, _: Any) -> Server:
        """Return what answers at an address."""
        return self.server

    def run(self, story: Coroutine[Any, Any, Any]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                outcome = self.loop.run_until_complete(story)
                assert self.loop.pending_timers == []
            finally:
                self.loop.close()
        assert self._complaints == []
        assert [sock.number for sock in self.sockets if not sock.is_closed] == []
        return outcome
