"""Whether a node of a ``FakeCluster`` serves a command: what servers answer instead.

Rule 1: pure. The order of the questions is that of the servers; tests compare the answers with those of real ones.
Rule 2: Redis 7 asks about a migrating slot when a command is queued, Valkey 9 only when EXEC runs the transaction. In
        Valkey 9 alone a replica knows of its primary's migrations, and answers READONLY connections accordingly.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

from respool._facts.command import Spec
from respool._facts.slots import slot_of
from respool.testing._actions import Command
from respool.testing._fake_view import FakeMember, FakeView

Flavor: TypeAlias = Literal["valkey", "redis"]
Calls: TypeAlias = Iterable[tuple[Spec, Command]]

CROSSSLOT: Final = b"-CROSSSLOT Keys in request don't hash to the same slot\r\n"
TRYAGAIN: Final = b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
UNSERVED: Final = b"-CLUSTERDOWN Hash slot not served\r\n"
DOWN: Final = b"-CLUSTERDOWN The cluster is down\r\n"

#: Commands that are no reads for us, because they change the connection, and no writes for a server.
NO_WRITES: Final = frozenset(("WATCH", "SSUBSCRIBE", "SUNSUBSCRIBE"))


class Situation(NamedTuple):
    """What a node looks at besides the command: its view, its id, its keys, and the state of the connection."""

    view: FakeView
    me: str
    has: Container[bytes]
    flavor: Flavor
    is_asking: bool
    is_readonly: bool
    is_queueing: bool


def refusal(calls: Calls, here: Situation) -> bytes | None:
    """Return the error that a node answers to a command, or to EXEC with these commands; None if it serves it."""
    keys: list[bytes] = []
    only_reads = True
    for spec, call in calls:
        if own := spec.keys_of(call):
            keys += own
            only_reads &= spec.safe or spec.name in NO_WRITES
    if not keys:
        return None
    slot = slot_of(keys[0])
    owner = here.view.owner(slot)
    if owner is None and here.flavor == "redis":
        return UNSERVED
    if any(slot_of(key) != slot for key in keys[1:]):
        return CROSSSLOT
    if owner is None:
        return UNSERVED
    if here.view.state != "ok":
        return DOWN
    if owner.id == here.me and slot not in here.view.leaving:  # by far the most frequent case
        return None
    return _away(slot, owner, set(keys), here, only_reads=only_reads)


def _away(slot: int, owner: FakeMember, keys: set[bytes], here: Situation, *, only_reads: bool) -> bytes | None:
    """Answer for a slot that belongs to another node, or is about to."""
    view, me = here.view, here.me
    is_mine = owner.id == me
    myself = view.member(me)
    above = myself.primary if myself is not None and here.is_readonly else ""
    is_follower = above == owner.id
    target = view.leaving.get(slot)
    selves = (me, above) if here.flavor == "valkey" else (me,)
    is_looked_for = target is not None and not (here.is_queueing and here.flavor == "valkey")
    missing = sum(key not in here.has for key in keys) if is_looked_for else 0
    if target is not None and missing and owner.id in selves:
        return TRYAGAIN if missing < len(keys) else _to(b"ASK", slot, view.member(target))
    if target in selves and here.is_asking:
        return TRYAGAIN if missing and len(keys) > 1 else None
    if is_mine or (is_follower and only_reads):
        return None
    return _to(b"MOVED", slot, owner)


def _to(code: bytes, slot: int, member: FakeMember | None) -> bytes:
    if member is None:
        raise ValueError(f"slot {slot} goes to a node that is none of the view's members: add it")
    return b"-%s %d %s:%d\r\n" % (code, slot, (member.host or "").encode(), member.port)
