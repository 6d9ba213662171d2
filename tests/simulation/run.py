"""One run: a simulated world, a pool in it, its callers, and the checks at the end."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from respool import AsyncPool
from respool._protocol import run as run_module
from respool._protocol.run import BIG_COUNT
from respool.errors import Error

from . import lease_operations, operations
from .books import Books, Broken, HookError
from .clients import Client, Operation
from .ending import after_close, at_rest, recovers_alone, still_works
from .faults import Faults
from .loop import START, SimLoop, World
from .network import SimSocket
from .plan import Plan, chance_of, make_plan
from .server import Server
from .watch import Watch, watched

#: How many virtual seconds callers may take to end after all faults have ended.
PATIENCE = 300.0


@dataclass
class Result:
    """The result of one seed."""

    seed: int
    failures: list[str]
    digest: int
    commands: int = 0
    operations: int = 0
    cancels: int = 0
    faults: int = 0
    rounds: int = 0
    seconds: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)


class Run:
    """The state of one run."""

    plan: Any
    books: Any
    server: Any
    pool: Any

    def __init__(self, plan: Any, *, keep_trace: bool = False) -> None:
        self.plan = plan
        self._keep_trace = keep_trace
        self.trace: list[str] = []
        self.digest = 0
        self.world = World()
        self.loop = SimLoop(self.world, self.chance("loop"), plan.order, self._socket)
        self._build()
        self.is_over = False
        #: The number of the last connection that was started before ``drain()``.
        self.drained = 0
        self.selecting = 0  # calls of select() in progress,
        self.selected = 0  # and those that have ended
        self.clients: list[Client] = []
        self._network_chance = self.chance("network")
        self._hook_chance = self.chance("hooks")
        self._open()
        self.loop.on_step = self.watch.look
        self.loop.set_exception_handler(self._on_exception)

    def _build(self) -> None:
        """Make the world outside of the process, and the books."""
        plan: Plan = self.plan
        self.books = Books()
        self.server = Server(self.world, self.chance("server"))
        self.server.password = plan.password
        self.server.knows_resp3 = plan.knows_resp3
        self.server.denied = set(plan.denied)
        self.server.slowness = plan.slowness
        self.server.refused = plan.refused
        self.server.garble_rate = plan.garble_rate
        for db in (0, 3):
            self.server.data[db][b"a string"] = b"text"
        self.faults: Faults = Faults(self.world, self.server, plan.weather, self.chance("faults"), self.note)

    def _open(self) -> None:
        """Make the pool, and what watches it."""
        self.pool = AsyncPool(**self.plan.options, **self._hooks())
        self.watch: Any = Watch(self)

    def chance(self, name: str) -> Random:
        return chance_of(self.plan.seed, name)

    def note(self, *facts: Any) -> None:
        """Write one line of the trace."""
        line = f"{self.world.now - START:12.6f} {' '.join(map(str, facts))}"
        self.digest = zlib.crc32(line.encode(), self.digest)
        if self._keep_trace:
            self.trace.append(line)

    def _socket(self, address: Any) -> SimSocket:
        number = len(self.faults.sockets) + 1
        server = self._server_at(address)
        sock = SimSocket(self.world, self.loop, self._network_chance, self.plan.weather, number, server)
        self.faults.sockets.append(sock)
        self.watch.sockets.append(sock)
        self.note("dial", number)
        return sock

    def _server_at(self, _: Any) -> Server:
        """Return what answers at an address."""
        server: Server = self.server
        return server

    def _on_exception(self, _: Any, context: dict[str, Any]) -> None:
        self.books.fail(f"the loop was told: {context['message']} {context.get('exception')!r}")

    @property
    def struck(self) -> int:
        """How many faults there have been."""
        return self.faults.struck

    # What clients ask ------------------------------------------------------------------------------

    def counter(self, chance: Random) -> bytes:
        return b"n:%d" % chance.randrange(3)

    def list_name(self, chance: Random) -> bytes:
        return b"l:%d" % chance.randrange(2)

    @property
    def keeps_order(self) -> bool:
        """Whether a caller's write certainly runs after an earlier one that the caller gave up (R-23)."""
        return self.plan.is_calm and bool(self.plan.options["shared"]) and not self.plan.selects

    # Hooks -----------------------------------------------------------------------------------------

    def _hooks(self) -> dict[str, Any]:
        return {name: self._hook(name, kind) for name, kind in self.plan.hooks.items() if kind != "none"}

    def _hook(self, name: str, kind: str) -> Any:
        chance = self._hook_chance

        async def hook(connection: Any) -> bool:
            if kind == "slow":
                await asyncio.sleep(chance.choice((0.0, 0.001, 0.4 * self.plan.options["connect_timeout"])))
            if chance.random() < 0.5:
                await connection.execute("PING")
            if kind == "raises" and chance.random() < 0.3:
                raise HookError(name)
            return not (kind == "says no" and chance.random() < 0.3)

        return hook

    # The story -------------------------------------------------------------------------------------

    async def story(self) -> None:
        plan = self.plan
        self._schedule()
        if self.chance("open").random() < 0.3:
            try:
                await self.pool.open(timeout=self.chance("open timeout").choice((0.01, 1.0, None)))
            except (Error, HookError) as error:
                self.note("open", repr(error))
        self.clients = [self._client(number) for number in range(plan.clients)]
        tasks = [self.loop.create_task(client.live(self._operations(client))) for client in self.clients]
        closer = self.loop.create_task(self._close_early()) if plan.closes_early else None
        await self._finish(tasks)
        if closer is not None:
            await closer
        self.note("the callers are done")
        if not plan.closes_early:
            await self._rest()
        await self.pool.aclose()
        self._check_end()
        self.books.compare(self.server)

    def _schedule(self) -> None:
        self.faults.schedule(self.plan.faults)
        self.faults.schedule_failovers(self.plan.failovers)

    def _client(self, number: int) -> Client:
        return Client(self, number)

    async def _rest(self) -> None:
        """Check the pool at rest."""
        await at_rest(self)
        await recovers_alone(self)
        await still_works(self)

    def _check_end(self) -> None:
        after_close(self)

    def _operations(self, client: Client) -> list[tuple[str, Operation]]:
        table = self._table()
        chosen = client.chance.choices(
            [operation for operation, _ in table], [weight for _, weight in table], k=self.plan.operations
        )
        return [(operation.__name__, operation) for operation in chosen]

    def _table(self) -> list[Any]:
        """Return the operations of this run, with their weights."""
        table: list[Any] = [*operations.ORDINARY, *lease_operations.LEASES]
        if self.plan.controls:
            table += operations.CONTROLS
        if self.plan.selects:
            table += operations.SELECTS
        if self.plan.scripts:
            table += operations.SCRIPTS
        if self.plan.refused:
            table += operations.TRANSACTIONS + lease_operations.TRANSACTIONS
        return table

    async def _finish(self, tasks: list[Any]) -> None:
        """Wait for all callers. A caller that does not return although there is no fault hangs."""
        _, late = await asyncio.wait(tasks, timeout=self.plan.span * 2 + 100.0)
        self.is_over = True
        self.faults.heal()
        self.note("healed")
        if late:
            _, late = await asyncio.wait(late, timeout=PATIENCE)
        if late:
            stuck = [client for client in self.clients if client.task in late]
            raise Broken("; ".join(f"{client.name} never came back from {client.doing}" for client in stuck))
        for task in tasks:
            if task.exception() is not None:
                raise task.exception()

    async def _close_early(self) -> None:
        """Close the pool while callers use it, perhaps cancelled, perhaps more than once."""
        chance = self.chance("close")
        await asyncio.sleep(chance.uniform(0.3, 1.0) * self.plan.span)
        for _ in range(chance.randint(1, 3)):
            try:
                async with asyncio.timeout(chance.choice((None, 0.0, 0.001, 0.1))):
                    await self.pool.aclose(timeout=chance.choice((None, 0.0, 0.5)))
            except TimeoutError:
                continue
        self.note("closed")


def simulate(seed: int, *, keep_trace: bool = False) -> Result:
    """Run one seed from its plan to its last check."""
    return play(seed, lambda: Run(make_plan(seed), keep_trace=keep_trace))


def play(seed: int, make: Callable[[], Run]) -> Result:
    """Run one seed of any kind of run."""
    random.seed(seed)
    gc.disable()  # when a collection happens would depend on what ran before
    usual = sys.unraisablehook
    try:
        with watched(), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            run = make()
            run_module.BIG_COUNT = run.plan.big_count  # type: ignore[misc]  # final but for us
            sys.unraisablehook = lambda what: run.books.fail(f"nobody could be told: {what.exc_value!r}")
            _play(run)
            _check_warnings(run, [str(warning.message) for warning in warned])
    finally:
        run_module.BIG_COUNT = BIG_COUNT  # type: ignore[misc]
        sys.unraisablehook = usual
        gc.enable()
    return Result(
        seed=seed,
        failures=run.books.failures,
        digest=run.digest,
        commands=run.server.commands,
        operations=run.books.operations,
        cancels=run.books.cancels,
        faults=run.struck,
        rounds=run.loop.rounds,
        seconds=run.world.now - START,
        errors=run.books.errors,
        trace=run.trace,
    )


def _play(run: Run) -> None:
    try:
        run.loop.run_until_complete(run.story())
    except Exception as error:
        run.books.fail(f"{type(error).__name__}: {error}")
        run.note("failed", error)
        _dump(run)
    finally:
        _tear_down(run)


def _check_warnings(run: Run, warned: list[str]) -> None:
    """Check that a dropped lease has warned (R-30), and nothing else has."""
    if run.books.failures:
        return
    leaks = [message for message in warned if "was never given back" in message]
    if len(leaks) != run.books.leaks or len(warned) != len(leaks):
        run.books.fail(f"{run.books.leaks} leases were dropped, and the warnings were {warned}")


def _dump(run: Run) -> None:
    """Write the state of everything to the trace."""
    run.note(repr(run.pool))
    if run.pool._serving is not None:
        run.note(run.pool.stats())
    for task in sorted(asyncio.all_tasks(run.loop), key=lambda task: getattr(task, "number", 0)):
        frames = task.get_stack()
        where = " < ".join(f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}" for frame in frames)
        run.note("task", getattr(task.get_coro(), "__qualname__", "?"), where)


def _tear_down(run: Run) -> None:
    """Silently end what a failed run has left."""
    loop = run.loop
    loop.on_step = lambda: None
    if run.books.failures:
        loop.set_exception_handler(lambda *_: None)
        for node in run.watch.nodes:
            node.ledger.closed = True  # so that it dials no more
        for task in asyncio.all_tasks(loop):
            task.cancel()
        for _ in range(50):
            loop.call_soon(loop.stop)
            try:
                loop.run_forever()
            except Exception:
                break
        for sock in run.faults.sockets:
            if sock.transport is not None and sock.transport._sock is not None:
                sock.transport._sock = None
    loop.close()
