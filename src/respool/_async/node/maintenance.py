# Written once: respool/_sync/node/maintenance.py is generated from this file.
"""The background maintenance of a node until it is closed: retire, check, redial (R-12, R-15, R-16, R-17).

Rule 1: ``upkeep`` and ``ledger`` decide what is due; this file does it, one round after the other.
Rule 2: between rounds the task sleeps until something may be due; any other change wakes it through ``Node.alarm``.
        A pool of many nodes has one such task, and all its nodes have the same alarm.
"""

from __future__ import annotations

from respool._async.node.node import Node
from respool._async.shell.compat import disown
from respool._pooling.slot import Place, Slot
from respool._pooling.upkeep import due_for_check, give_up_unused, next_sweep_at, sweep


async def maintain(node: Node) -> None:
    """Retire, check and redial in the background until the node is closed."""
    try:
        while not (node.ledger.closed or node.is_abandoned):
            seconds = maintain_once(node)
            await node.alarm.wait(None if seconds == float("inf") else seconds)
    finally:
        end_maintenance(node)


def end_maintenance(node: Node) -> None:
    """Close a node whose pool was dropped; or what it can spare, if nobody need close it and its event loop ends."""
    if node.ledger.closed:
        return
    if node.is_abandoned:
        node.close_now()
    elif not node.options.warn_unclosed:
        node.close_spare()


def maintain_once(node: Node) -> float:
    """Do what is due now; return after how many seconds something may be due again if nothing happens."""
    ledger, options = node.ledger, node.options
    now = node.now()
    with node.lock:
        if sweep(ledger, now, options.max_idle) and ledger.extra:
            give_up_unused(ledger, [slot for slot in ledger.shared_slots if disown(slot.connection)])
        checks = due_for_check(ledger, now, options.keepalive)
        wake_at = next_sweep_at(ledger, now, options.max_idle, options.keepalive)
    for slot in checks:
        node.tasks.start_or_run(_probe, node, slot)
    node.settle()
    seconds = node.longest_rest if wake_at is None else min(max(wake_at - node.now(), 0.001), node.longest_rest)
    for connection in node.connections():
        look_in = connection._transport.end_if_silent()
        seconds = seconds if look_in is None else min(seconds, look_in)
    return seconds


async def _probe(node: Node, slot: Slot) -> None:
    """PING a connection that has been idle for long; it is lost if it does not answer (R-12).

    A shared connection that is busy is watched already (R-14), and a PING behind its pending replies may take any
    time. In threads it is busy only while a caller waits; otherwise nobody would notice that replies do not come.
    """
    connection, patience = slot.connection, node.options.read_timeout
    if slot.place is Place.SHARED and connection is not None:
        if connection._transport.is_busy:
            return
        patience = None  # other commands may go first; silence ends the connection in any case
    is_alive = connection is not None and await node.is_alive(connection, patience)
    if not is_alive and connection is not None:
        connection._transport.abort_as_silent()
    with node.lock:
        if slot.place is Place.DIALING and is_alive:
            node.ledger.made_clean(slot, node.now())
        elif slot.place is Place.DIALING:
            node.ledger.not_made_clean(slot)
    node.settle()
