# Generated from respool/_async/node/closing.py by tools/generate.py. Do not edit.
"""End a node: close it gracefully, close it alone at interpreter exit, or forget it (R-33, R-35, R-38).

Rule 1: when ``close`` returns, no task, thread, timer or idle socket of the node is left.
Rule 2: ``forget`` takes no lock: the thread that holds it may no longer exist.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from respool._sync.node.node import Node
from respool._sync.shell.compat import runs_alone
from respool._facts.errors import PoolClosed
from respool._shell.absent import FORKED, Absent


def close(node: Node, timeout: float | None) -> None:
    """Close everything: waiters at once, shared connections after their pending replies or ``timeout`` (R-33)."""
    if node.is_inside():  # in a signal handler or a finaliser: the maintenance task closes once the lock is free
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
            connection._transport.wait_idle(deadline, then_close=True)
    finally:
        node.alarm.quiet()
        node.alarm.set()
        node.close_now()
        _cut_short(node)
        node.tasks.stop(deadline, partial(_cut_short, node))
        _discard_unfinished(node)
    wait_closed(node)


def _close_alone(node: Node) -> None:
    """Close without waiting: the interpreter is ending, and no other thread runs any more (R-38)."""
    ledger = node.ledger
    try:
        node.close_now()
    except PoolClosed:  # a stopped thread still holds a lock: the sockets can be closed all the same
        ledger.closed = True
    slots = (*ledger.shared_slots, *ledger.idle_slots, *ledger.kept_slots, *ledger.dials)
    connections: list[Any] = [slot.connection for slot in slots if slot.connection is not None]
    for connection in (*connections, *node.in_making):
        connection._transport.abort_in_finaliser()


def _cut_short(node: Node) -> None:
    """Unblock the background tasks: a thread cannot be cancelled, but the socket it waits for can be closed."""
    with node.lock:
        held = [slot.connection for slot in node.ledger.dials if slot.connection is not None]
    for connection in [*node.in_making, *held]:
        connection.abort()


def _discard_unfinished(node: Node) -> None:
    """Discard the slots whose background tasks were stopped, perhaps before they had begun."""
    with node.lock:
        for slot in list(node.ledger.dials):
            if slot.connection is None:
                node.ledger.abandon_dial(slot)
            else:
                node.ledger.not_made_clean(slot)
    node.settle()


def wait_closed(node: Node) -> None:
    """Wait until the sockets of all recently closed connections are closed."""
    while node.just_closed:
        node.just_closed.pop().wait_closed()


def forget(node: Node, instead: Absent = FORKED) -> None:
    """Drop every socket without taking a lock, after a fork or the end of the loop (Rule 2, R-35)."""
    ledger = node.ledger
    ledger.closed = True  # calls that unwind now must request nothing more
    node.tasks.forget()
    slots = (*ledger.shared_slots, *ledger.idle_slots, *ledger.leased_slots, *ledger.dials)
    connections: list[Any] = [slot.connection for slot in slots if slot.connection is not None]
    for connection in (*connections, *node.in_making):
        connection._transport.forget()
        connection.__dict__["_transport"] = instead
        connection._slot = connection._lane = None  # leaving the block of a lease now does nothing
