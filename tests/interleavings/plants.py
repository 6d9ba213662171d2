"""Defects to plant in the engine: each replaces a line of a method, and must be found within a few hundred seeds.

If the line of a plant does not exist any more, its test fails, and the plant must be adapted.
"""

from __future__ import annotations
import __future__

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from respool._pooling.keeping import Keeping
from respool._pooling.ledger import Ledger
from respool._sync.node.node import Node
from respool._sync.shell.calls import Answered
from respool._sync.shell.transport import Transport

#: The defect, the method, the text to replace, and its replacement.
PLANTS: Final[list[tuple[str, type, str, str, str]]] = [
    ("the leader resigns without the lock", Transport, "_resign", "with self._lock:", "if True:"),
    (
        "a follower that has given up is made the leader",
        Transport,
        "_resign",
        "if call.value is WAITING and not call.is_given_up:",
        "if call.value is WAITING:",
    ),
    ("a follower that is made the leader is not woken", Transport, "_resign", "gate.release()", "pass"),
    ("who wakes up wakes nobody", Transport, "_follow", "self._answered.wake_next()", "pass"),
    ("a call is forgotten that nobody woke", Answered, "_wake_one", "self.remove(call)", "self.popleft()"),
    (
        "what was told while the leader left is not sent",
        Transport,
        "_resign",
        "if self._out and not self._rest and self._error is None:",
        "if False:",
    ),
    ("a command is put without the lock", Transport, "_join", "with self._lock:", "if True:"),
    ("what is queued is taken without the lock", Transport, "_send_queued", "with self._lock:", "if True:"),
    ("replies are completed without the lock", Transport, "_take_in", "with self._lock:", "if True:"),
    ("a leader that gives up does not hand over", Transport, "_give_up", "if leads:", "if False:"),
    (
        "a thread leads although another does",
        Transport,
        "_catch_up",
        "if self._leader is not None or self._error is not None:",
        "if self._error is not None:",
    ),
    ("the socket is closed under its reader", Transport, "_end_now", "if self._leader is None:", "if True:"),
    ("a run is posted without the lock", Transport, "post_many", "with self._lock:", "if True:"),
    (
        "a posted run is made the leader before it is collected",
        Transport,
        "post_many",
        "if ticket.gate is not None:",
        "if False:",
    ),
    ("who posts keeps leading", Transport, "post_many", "self._hand_over()", "pass"),
    ("a thread collects without the lock", Transport, "collect", "with self._lock:", "if True:"),
    ("the node settles without the lock", Node, "settle_alone", "with self.lock:", "if True:"),
    ("a thread keeps what somebody waits for", Keeping, "keep", "self.waiters", "False"),
    ("a thread keeps what a closed pool should close", Keeping, "keep", "or self.closed", "or False"),
    ("who keeps does not look again", Keeping, "keep", "if self._gathered == gathered:", "if True:"),
    ("who keeps takes back what another has found", Keeping, "keep", "del self._kept[slot]", "self._kept.pop(slot, None)"),
    ("a thread takes what another has taken", Keeping, "take_kept", "del self._kept[slot]", "self._kept.pop(slot, None)"),
    ("who gathers takes what its thread has taken", Keeping, "gather", "del self._kept[slot]", "self._kept.pop(slot, None)"),
    ("who queues does not look for what is kept", Ledger, "enqueue", "if self._kept and not waiting:", "if False:"),
    ("who queues is not noticed by who keeps", Ledger, "enqueue", "self._gathered += 1", "pass"),
]


@contextmanager
def planted(owner: Any, method: str, words: str, others: str) -> Iterator[None]:
    """Replace ``words`` in the source of a method for a while. Line numbers do not change, so tracing works."""
    real = getattr(owner, method)
    lines, first = inspect.getsourcelines(real)
    source = textwrap.dedent("".join(lines))
    assert source.count(words) >= 1, f"{words!r} does not stand in {owner.__name__}.{method} any more"
    code = compile("\n" * (first - 1) + source.replace(words, others), inspect.getfile(real), "exec", dont_inherit=True,
                   flags=__future__.annotations.compiler_flag)
    names: dict[str, Any] = {}
    exec(code, real.__globals__, names)
    setattr(owner, method, names[method])
    try:
        yield
    finally:
        setattr(owner, method, real)
