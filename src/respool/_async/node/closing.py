# Written once: respool/_sync/node/closing.py is generated from this file.
"""How a node ends: closed with patience, alone at the end of the interpreter, or forgotten (R-33, R-35, R-38).

Rule 1: nothing of a node is left when ``close`` returns: no task, no thread, no timer, no idle socket.
Rule 2: ``forget`` takes no lock: whoever holds one may not exist any more.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from respool._async.node.node import Node
from respool._async.shell.compat import runs_alone
from respool._facts.errors import PoolClosed
from respool._shell.absent import FORKED, Absent


async def close(node: Node, timeout: float | None) -> None:
    """Close everything: waiters at once, shared connections after what is in flight or ``timeout`` (R-33)."""
    if node.is_inside():  # by a signal handler or a finaliser: the maintenance task closes when the books are free
        node.abandon()
        return
    if runs_alone():
        _close_alone(node)
        return
    deadline = None if timeout is None else node.now() + timeout
    try:
        with node.lock:
            node.ledger.close()
            shared = [slot.connection for slot in node.ledger.shared_slots if slot.connection is not None]
        node.on_change()
        node.settle()
        for connection in shared:
            await connection._transport.wait_idle(deadline, then_close=True)
    finally:
        node.alarm.quiet()
        node.alarm.set()
        node.close_now()
        _cut_short(node)
        await node.tasks.stop(deadline, partial(_cut_short, node))
        _discard_unfinished(node)
    await wait_closed(node)


def _close_alone(node: Node) -> None:
    """Close without waiting for anybody: the interpreter is ending, and no other thread runs any more (R-38)."""
    ledger = node.ledger
    try:
        node.close_now()
    except PoolClosed:  # a thread stopped with a lock in its hands: the sockets can be closed all the same
        ledger.closed = True
    slots = (*ledger.shared_slots, *ledger.idle_slots, *ledger.dials)
    connections: list[Any] = [slot.connection for slot in slots if slot.connection is not None]
    for connection in (*connections, *node.in_making):
        connection._transport.abort_in_finaliser()


def _cut_short(node: Node) -> None:
    """End what the crew waits for: a thread cannot be cancelled, but its socket can be closed."""
    with node.lock:
        held = [slot.connection for slot in node.ledger.dials if slot.connection is not None]
    for connection in [*node.in_making, *held]:
        connection.abort()


def _discard_unfinished(node: Node) -> None:
    """Strike what the crew was dismissed from, perhaps before it had begun."""
    with node.lock:
        for slot in list(node.ledger.dials):
            if slot.connection is None:
                node.ledger.abandon_dial(slot)
            else:
                node.ledger.not_made_clean(slot)
    node.settle()


async def wait_closed(node: Node) -> None:
    """Wait until every socket that was closed is gone."""
    while node.just_closed:
        await node.just_closed.pop().wait_closed()


def forget(node: Node, instead: Absent = FORKED) -> None:
    """Let go of every socket, without a lock whose holder may not exist: after a fork, or the loop's end (R-35)."""
    ledger = node.ledger
    ledger.closed = True  # what unwinds now asks for nothing more
    node.tasks.forget()
    slots = (*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots, *ledger.dials)
    connections: list[Any] = [slot.connection for slot in slots if slot.connection is not None]
    for connection in (*connections, *node.in_making):
        connection._transport.forget()
        connection.__dict__["_transport"] = instead
        connection._slot = connection._lane = None  # leaving the block of a lease does nothing here
