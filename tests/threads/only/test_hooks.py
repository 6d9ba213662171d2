"""An ``async`` function as a hook of a pool for threads is refused, and not silently ignored."""

from __future__ import annotations

from typing import Any

import pytest

from respool import Pool
from respool.errors import UsageTypeError
from respool.testing import Server


async def hook(*_: Any) -> bool:
    return False


@pytest.mark.parametrize("name", ["configure", "check", "reset", "credentials"])
def test_an_async_function_is_refused_before_anything_is_connected(name: str) -> None:
    options: dict[str, Any] = {name: hook}
    with pytest.raises(UsageTypeError, match=f"{name} must be a plain function"):
        Pool(**options)


@pytest.mark.parametrize("name", ["configure", "check", "credentials"])
def test_one_that_returns_a_coroutine_is_refused_where_the_caller_can_see_it(server: Server, name: str) -> None:
    options: dict[str, Any] = {name: lambda *args: hook(*args)}
    pool = Pool(server.url, shared=0, **options)
    with pytest.raises(UsageTypeError, match="plain functions"):
        pool.get("k")
        pool.get("k")  # only a connection that was idle is checked
    assert pool.leased == 0
    pool.close()


def test_a_reset_that_returns_a_coroutine_lets_no_connection_pass(server: Server) -> None:
    with Pool(server.url, shared=0, reset=lambda conn: hook(conn)) as pool:
        pool.get("k")
        assert pool.idle == 0
