"""The faults of the soak: one after the other, with healthy periods in between."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable

from respool.testing import FaultProxy, Server


class Trouble:
    """Causes faults in a thread of its own until ``stop`` is called."""

    def __init__(self, server: Server, proxies: list[FaultProxy], seed: int) -> None:
        self._server = server
        self._proxies = proxies
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trouble")
        self.made: Counter[str] = Counter()
        self.errors: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and remove all faults."""
        self._stop.set()
        self._thread.join()
        self._server.start()
        for proxy in self._proxies:
            proxy.heal()
            proxy.cut()  # connections that lost bytes in a black hole would stay dead

    def _wait(self, low: float, high: float) -> None:
        self._stop.wait(self._chance.uniform(low, high))

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wait(0.2, 1.5)
            fault = self._chance.choice(FAULTS)
            self.made[fault.__name__.strip("_")] += 1
            try:
                fault(self, self._chance.choice(self._proxies))
            except Exception as error:
                self.errors.append(f"{fault.__name__}: {error!r}")

    def _cut(self, proxy: FaultProxy) -> None:
        proxy.cut()

    def _reset(self, proxy: FaultProxy) -> None:
        proxy.reset()

    def _limit(self, proxy: FaultProxy) -> None:
        direction = self._chance.choice((proxy.up, proxy.down))
        direction.limit_after(self._chance.randrange(2000), total=self._chance.random() < 0.5)
        self._heal(proxy, 0.3)

    def _latency(self, proxy: FaultProxy) -> None:
        proxy.down.latency = self._chance.uniform(0.002, 0.05)
        proxy.up.slice_size = self._chance.randrange(1, 50)
        self._heal(proxy, 1.0)

    def _slice(self, proxy: FaultProxy) -> None:
        proxy.down.slice_size = self._chance.randrange(1, 20)
        proxy.down.slice_gap = 0.0005
        self._heal(proxy, 0.5)

    def _black_hole(self, proxy: FaultProxy) -> None:
        self._chance.choice((proxy.up, proxy.down)).black_hole = True
        self._heal(proxy, 0.8)

    def _hold(self, proxy: FaultProxy) -> None:
        direction = self._chance.choice((proxy.up, proxy.down))
        direction.hold()
        self._wait(0.05, 0.8)
        direction.release()

    def _refuse(self, proxy: FaultProxy) -> None:
        proxy.refuse(hang_up=self._chance.random() < 0.5)
        proxy.cut()
        self._heal(proxy, 0.6)

    def _restart(self, _: FaultProxy) -> None:
        if self._chance.random() < 0.5:
            self._server.kill()
            self._wait(0.0, 0.5)
        self._server.restart()

    def _pause(self, _: FaultProxy) -> None:
        self._server.pause()
        self._wait(0.05, 0.8)
        self._server.resume()

    def _kill_clients(self, _: FaultProxy) -> None:
        self._server.command("CLIENT", "KILL", "TYPE", "normal")

    def _heal(self, proxy: FaultProxy, longest: float) -> None:
        self._wait(0.05, longest)
        proxy.heal()


FAULTS: list[Callable[[Trouble, FaultProxy], None]] = [
    Trouble._cut,
    Trouble._reset,
    Trouble._limit,
    Trouble._latency,
    Trouble._slice,
    Trouble._black_hole,
    Trouble._hold,
    Trouble._refuse,
    Trouble._restart,
    Trouble._pause,
    Trouble._kill_clients,
]
