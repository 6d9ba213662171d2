"""One run: the threaded engine, with threads, locks, clock and sockets controlled by the baton.

Rule 1: the engine's code is not replaced, only what it imports: in every module below ``respool/_sync`` the names
        ``threading``, ``time``, ``socket``, ``select`` and so on refer to the baton's versions.
Rule 2: all randomness comes from the seed, and sets of slots keep insertion order.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType
from typing import Any, Final

import respool._pooling.books
import respool._pooling.keeping
import respool._pooling.ledger
import respool._protocol.wire
import respool._sync
from respool._sync.node import node as node_module
from simulation.network import Weather
from simulation.plan import chance_of
from simulation.server import Server

from .baton import Baton, Rhythm
from .network import ThreadSocket, select_with_polls, socket_with
from .primitives import Face, SimQueue, threading_with, time_with

MODULES: Final = [
    importlib.import_module(module.name) for module in pkgutil.walk_packages(respool._sync.__path__, "respool._sync.")
]

#: Modules in which every line may be a switch point. The command methods are left out: they only pass calls on.
TRACED: Final = frozenset(
    module.__file__ or ""
    for module in [*MODULES, respool._protocol.wire, respool._pooling.books, respool._pooling.keeping, respool._pooling.ledger]
    if not module.__name__.endswith("_commands")
)


class InOrder(dict[Any, None]):
    """A set that keeps insertion order."""

    def add(self, item: Any) -> None:
        self[item] = None

    def discard(self, item: Any) -> None:
        self.pop(item, None)

    def remove(self, item: Any) -> None:
        del self[item]


class Stage:
    """The baton, the server, and the sockets between them."""

    def __init__(self, seed: int, rhythm: Rhythm, weather: Weather) -> None:
        self.seed = seed
        self.weather = weather
        self.baton = Baton(chance_of(seed, "turns"), rhythm, TRACED)
        self.server = Server(self.baton.world, chance_of(seed, "server"))
        self.server.latency = weather.latency
        self.sockets: list[ThreadSocket] = []

    def chance(self, name: str) -> Random:
        return chance_of(self.seed, name)

    def run(self, story: Callable[[], None]) -> None:
        """Run ``story`` as the first thread; ``baton.failures`` has what went wrong."""
        gc_was_on = gc.isenabled()
        gc.disable()  # so that finalisers run only where the last reference is dropped
        try:
            with self._in_place():
                self.baton.run(story)
        finally:
            if gc_was_on:
                gc.enable()

    def _make_socket(self) -> ThreadSocket:
        number = len(self.sockets) + 1
        sock = ThreadSocket(self.baton, self.chance(f"socket {number}"), self.weather, number, self.server)
        self.sockets.append(sock)
        return sock

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        baton = self.baton
        threading = threading_with(baton)
        substitutes = {
            "threading": threading,
            "Lock": threading.Lock,
            "RLock": threading.RLock,
            "time": time_with(baton),
            "monotonic": lambda: baton.now,
            "SimpleQueue": lambda: SimQueue(baton),
            "socket": socket_with(self._make_socket),
            "select": select_with_polls,
            "random": Face(random, random=self.chance("engine").random),
            "tune": lambda *_: None,
            "thread_name": lambda: baton.me,  # the real ones are used again when a thread has ended
            "step": ThreadSocket.talk if self.chance("step").random() < 0.5 else None,
        }
        before: list[tuple[ModuleType, str, Any]] = []
        for module in MODULES:
            for name, substitute in substitutes.items():
                if name in vars(module):
                    before.append((module, name, getattr(module, name)))
                    setattr(module, name, substitute)
        vars(node_module)["set"] = InOrder  # a builtin's name
        try:
            yield
        finally:
            del vars(node_module)["set"]
            for module, name, real in before:
                setattr(module, name, real)
