# Written once: respool/_sync/node/select.py is generated from this file.
"""Change the database of a whole pool (R-34).

Rule 1: one connection tries first, unless the caller knows; if the server refuses, nothing has changed anywhere.
Rule 2: then the pool's own database changes, and the other shared and idle connections get a SELECT, one by one, each
        behind the commands that were sent before it.
Rule 3: a connection that cannot follow is closed; a lease on the old database is closed when it is released.
"""

from __future__ import annotations

from typing import Any, Final

from respool._async.node.lease_lane import LeaseLane
from respool._async.node.node import Node
from respool._async.node.shared_lane import SharedLane
from respool._facts.errors import Error, ProtocolError
from respool._pooling.slot import Place, Slot
from respool._shell.sockets import Retired

_OK: Final = (b"OK", "OK")


async def select_db(node: Node, db: int, first: Slot | None) -> None:
    """Move the pool of ``node`` to database ``db``; ``first`` is there already.

    The caller makes sure that only one call runs at a time.
    """
    pending: list[Slot] = []
    me = object()
    try:
        with node.lock:
            node.db = db
            held = node.ledger.hold_idle(node.now(), me)
            pending = [slot for slot in (*node.ledger.shared_slots, *held) if slot is not first]
        while pending:
            is_there = await _follow(pending[-1], db)
            _enter(node, pending.pop(), is_there=is_there)
    finally:
        pending += [slot for slot in list(node.ledger.dials) if slot.taker is me and slot not in pending]
        for slot in pending:  # not moved, because the call was cancelled, or a thread interrupted
            _enter(node, slot, is_there=False)
        node.on_change()
        node.settle()


def leave_db(node: Node, db: int) -> None:
    """Make ``db`` the database of later connections, and close those that are idle or shared (Rule 3)."""
    with node.lock:
        node.db = db
        for slot in (*node.ledger.shared_slots, *node.ledger.gather()):
            node.ledger.discard(slot, "select")
    node.on_change()
    node.settle()


async def try_first(node: Node, leases: LeaseLane, shared: SharedLane, db: int) -> Slot | None:
    """Move one connection first. Returns its slot if it is a shared connection, None if it is a lease.

    Raises the server's error, with nothing changed.
    """
    patience = node.options.acquire_timeout
    if node.ledger.shared_target:
        await shared.wait(None if patience is None else node.now() + patience)
    with node.lock:
        slots = [slot for slot in node.ledger.shared_slots if slot.connection is not None]
        slots = [slot for slot in slots if slot.connection._transport.is_open]
        slot = min(slots, key=lambda slot: slot.is_draining, default=None)  # rather one that stays
    if slot is None:
        lease = await leases.borrow(patience)
        try:
            await lease.execute("SELECT", db)
        finally:
            leases.give_back(lease)  # no longer clean: the pool cleans or closes it
        return None
    try:
        reply = await slot.connection._transport.submit(("SELECT", db))
    except BaseException:
        _enter(node, slot, is_there=False)  # its database is unknown now
        raise
    if isinstance(reply, Error) and isinstance(reply.__cause__, Retired):  # it was closed before the send
        node.on_change()
        return await try_first(node, leases, shared, db)
    if isinstance(reply, Error):
        raise reply
    if reply not in _OK:
        _enter(node, slot, is_there=False)
        raise ProtocolError("SELECT was answered neither with OK nor with an error", address=node.options.address)
    _moved(slot, db)
    return slot


async def _follow(slot: Slot, db: int) -> bool:
    """Select ``db`` on one connection; False if it could not."""
    if slot.connection is None:
        return False
    reply = await slot.connection._transport.submit(("SELECT", db))
    if reply not in _OK or slot.connection is None:
        return False
    _moved(slot, db)
    return True


def _moved(slot: Slot, db: int) -> None:
    connection: Any = slot.connection
    if connection is not None:
        connection._options = connection._options.changed(db=db)
        connection._session.db = db


def _enter(node: Node, slot: Slot, *, is_there: bool) -> None:
    """Put a slot back to its place, or discard it."""
    with node.lock:
        if slot.place is not Place.DIALING:
            if not is_there:
                node.ledger.discard(slot, "select")
        elif is_there:
            node.ledger.made_clean(slot, node.now())
        else:
            node.ledger.not_made_clean(slot)
    node.settle()  # at once: the next connection may take long
