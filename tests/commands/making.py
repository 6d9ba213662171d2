"""Make the call of an example everywhere: through a pool, on a lease, in a pipeline and in an atomic one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from effort import IS_PROOF, deal
from examples import EVERYWHERE, Call, Example, judge
from respool import Pool
from respool.errors import Error, UnknownCommand

Surface = Callable[[Call, Iterable[str]], Any]


def from_pool(pool: Pool[Any], call: Call, given: Iterable[str]) -> Any:
    prepare(pool, given)
    return getattr(pool, call.name)(*call.args, **call.options)


def from_lease(pool: Pool[Any], call: Call, given: Iterable[str]) -> Any:
    with pool.acquire() as lease:
        prepare(lease, given)
        return getattr(lease, call.name)(*call.args, **call.options)


def from_pipeline(pool: Pool[Any], call: Call, given: Iterable[str], *, atomic: bool = False) -> Any:
    prepare(pool, given)
    with pool.pipeline(atomic=atomic) as pipe:
        result = getattr(pipe, call.name)(*call.args, **call.options)
    return result.result()


def from_atomic_pipeline(pool: Pool[Any], call: Call, given: Iterable[str]) -> Any:
    return from_pipeline(pool, call, given, atomic=True)


SURFACES = {"pool": from_pool, "lease": from_lease, "pipeline": from_pipeline, "atomic": from_atomic_pipeline}


def prepare(target: Any, given: Iterable[str]) -> None:
    for line in given:
        target.execute(*line.split(" "))


def places(example: Example) -> list[str]:
    """Return where to make a call: what changes its connection can only be sent on a lease."""
    spec = example.call.command.spec
    on_a_lease = example.where == EVERYWHERE and (spec.effect or spec.refusal)
    return ["lease"] if on_a_lease else example.where.split(", ")


def is_unknown(error: Any) -> bool:
    return isinstance(error, UnknownCommand) or "unknown subcommand" in str(error).lower()


def check(example: Example, called: str, pools: Any, restore: Callable[[], object]) -> None:
    """Make a call everywhere and judge its values. ``restore`` makes the server what the example expects.

    In the short form each pool is asked in one place, the next pool in the next place.
    """
    if called not in example.servers.split(", "):
        pytest.skip("this server does not know the option")
    every, worlds = places(example), [*pools.items()]
    first = deal(str(example.call), range(len(worlds)))
    for number, ((protocol, encoding), pool) in enumerate(worlds[first:] + worlds[:first]):
        for place in every if IS_PROOF else [every[number % len(every)]]:
            restore()
            try:
                value = SURFACES[place](pool, example.call, filter(None, example.given.split(";")))
            except Error as error:
                if not is_unknown(error):
                    raise
                pytest.skip("this server does not know the command")
            assert judge(value, example.value, encoding), (value, place, protocol, encoding)


def check_bare(example: Example, ask: Any, encoding: str | None) -> None:
    """Make a call on a connection without respool and judge its value."""
    for line in filter(None, example.given.split(";")):
        assert not isinstance(ask(*line.split(" ")), Error)
    command = example.call.command
    reply = ask(*command.args)
    value = reply if command.parse is None else command.parse(reply)
    assert judge(value, example.value, encoding), value
