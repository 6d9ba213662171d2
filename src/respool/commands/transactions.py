"""Commands of transactions that watch keys.

Each function returns the ``Command`` for one call and sends nothing; a lease has a method of the same name. A watch
belongs to its connection, so a pool and its pipelines refuse it: take a lease with ``pool.acquire()``.

``MULTI``, ``EXEC`` and ``DISCARD`` are missing because ``pipeline(atomic=True)`` sends them.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._facts.command import Command, spec
from respool.commands._arguments import nothing_to_send

if TYPE_CHECKING:
    from respool._facts.command import Key

UNWATCH = spec("UNWATCH").derive(parse=bool)
WATCH = spec("WATCH").derive(parse=bool)


def unwatch() -> Command[bool]:
    """End every watch of this connection, and return True.

    A transaction ends them too, and so does the pool when the lease is given back. Call it on a lease.
    """
    return Command(UNWATCH)


def watch(*keys: Key) -> Command[bool]:
    """Watch keys until the next transaction on this connection, and return True.

    If one of them is changed before the transaction, nothing of that is run: ``pipeline(atomic=True)`` and
    ``execute_many(..., atomic=True)`` of the lease raise TransactionAborted. Call it on a lease, before the pipeline: a
    pool refuses it, and so does an atomic pipeline. Raises UsageValueError without keys.
    """
    if keys:
        return Command(WATCH, *keys)
    raise nothing_to_send(WATCH, "key")
