"""All combinations of gates and callers in threads: nothing is lost in any of them (P-02, R-01, R-05, R-36).

A thread cannot be cancelled and a hook cannot be interrupted, so no caller is cancelled and every hook ends.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gates.combinations import LONG, SHORT, SLOW, STATES_OF_HOOKS_IN_THREADS, Combination, Gates, Site, all_combinations
from leavings import workers
from respool import Connection, Pool
from respool._pooling import books as books_module
from respool.errors import PoolClosed, PoolTimeout
from respool.testing import wait_until

#: How many combinations are tried at the same time.
AT_ONCE = 32


class Hooks(Gates):
    """The gates as hooks for threads."""

    def enter(self, gate: str) -> None:
        if self.state(gate) == "slow":
            time.sleep(SLOW)

    def configure(self, _: Connection[Any]) -> None:
        self.enter("configure")

    def check(self, _: Connection[Any]) -> None:
        self.enter("check")

    def reset(self, _: Connection[Any]) -> None:
        self.enter("reset")


class GatedConnection(Connection[Any]):
    """A connection whose dial is a gate."""

    def __init__(self, *, config: Any, gates: Hooks) -> None:
        super().__init__(config=config.changed(port=gates.port(), connect_timeout=gates.now.time_to_open))
        self.gates = gates

    def open(self) -> None:
        self.gates.enter("dial")
        super().open()


def make_pool(site: Site, gates: Hooks) -> Pool[Any]:
    return Pool(
        host="127.0.0.1",
        port=site.node.port,
        password=f"c{gates.now.number}",
        shared=0,
        max_size=2,
        connect_timeout=LONG,
        connection_class=GatedConnection,
        connection_options={"gates": gates},
        configure=gates.configure,
        check=gates.check,
        reset=gates.reset,
    )


def borrow(pool: Pool[Any], timeout: float) -> Exception | None:
    """Acquire, use and release a lease; return the error, if there was one."""
    try:
        with pool.acquire(timeout=timeout) as lease:
            assert lease.execute("PING") == b"PONG"
    except Exception as error:
        return error
    return None


# Callers ----------------------------------------------------------------------------------------------------


def wait_for_it(pool: Pool[Any], gates: Hooks) -> None:
    error = borrow(pool, gates.now.patience)
    expected = gates.now.errors or (type(None),)
    assert isinstance(error, expected), repr(error)


def have_little_time(pool: Pool[Any], gates: Hooks) -> None:
    error = borrow(pool, SHORT)
    assert error is None or isinstance(error, (PoolTimeout, *gates.now.errors)), repr(error)
    assert pool.waiting == 0  # at once, not only when the dial that it started has ended


def close_the_pool(pool: Pool[Any], gates: Hooks) -> None:
    came_back: list[Exception | None] = []
    caller = threading.Thread(target=lambda: came_back.append(borrow(pool, gates.now.patience)), name="caller")
    caller.start()
    halt = gates.now.halt
    wait_until(lambda: came_back or halt is None or halt in gates.reached)
    pool.close()
    caller.join(LONG)
    wait_until(lambda: pool.size == 0)
    (error,) = came_back
    assert error is None or isinstance(error, (PoolClosed, *gates.now.errors)), repr(error)


CALLERS: dict[str, Callable[[Pool[Any], Hooks], None]] = {
    "waits": wait_for_it,
    "has little time": have_little_time,
    "closes the pool": close_the_pool,
}


# The matrix -------------------------------------------------------------------------------------------------


def check_at_rest(pool: Pool[Any]) -> None:
    stats = pool.stats()
    pool._serving.node.ledger.check()  # type: ignore[union-attr]  # it is open
    assert (stats.leased, stats.dialing, stats.waiting, stats.shared) == (0, 0, 0, 0)
    assert stats.size == stats.idle <= pool.max_size
    assert stats.leases == stats.releases
    assert stats.opened == stats.size + stats.closed + stats.lost, "the counters have drifted"


def try_one(combination: Combination, site: Site) -> str | None:
    """Try one combination and return what was wrong."""
    gates = Hooks(combination, site)
    act = CALLERS[combination.caller]
    try:
        with make_pool(site, gates) as pool:
            act(pool, gates)
            if not pool.closed:
                act(pool, gates)  # the second caller may find an idle connection
                wait_until(lambda: pool.dialing == 0, LONG, interval=0.02)
                check_at_rest(pool)
                if combination.caller == "waits":
                    assert pool.size in combination.kept
                gates.heal()
                error = borrow(pool, LONG)
                assert error is None, f"it does not serve although all is well again: {error!r}"
                wait_until(lambda: pool.dialing == 0, LONG, interval=0.02)
                check_at_rest(pool)
                assert pool.size >= 1
        check_at_rest(pool)
        assert pool.size == 0
    except Exception as error:
        return f"{combination}: {error!r}"
    return None


@pytest.mark.slow
def test_nothing_is_lost_in_any_combination_of_gates_and_callers(
    site: Site, monkeypatch: pytest.MonkeyPatch, figure: Any
) -> None:
    # With so many threads on one interpreter a reset of 10 ms can take longer than a caller waits for one.
    monkeypatch.setattr(books_module, "STAGGER", 2.0)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="matrix") as crew:
        matrix = list(all_combinations(STATES_OF_HOOKS_IN_THREADS, tuple(CALLERS)))
        failed = [wrong for wrong in crew.map(lambda combination: try_one(combination, site), matrix) if wrong]
    assert not failed, "\n".join([f"{len(failed)} combinations failed", *failed[:20]])
    assert len(matrix) == 1296
    wait_until(lambda: workers() == [])
    figure("P-02", "combinations of gates and callers that lost nothing", 1296)
