"""What a server means that did not run a command: MOVED, ASK, TRYAGAIN, READONLY and their kin.

Rule 1: a command that is read here did not run, so any command may be sent again (R-24). Users' code can answer with
        the same words after it has done anything: of its errors only a MOVED or ASK about the slot of its own keys is
        believed, unless running it twice does no harm.
Rule 2: MOVED and REDIRECT say where something is from now on; ASK says where one command goes once, directly behind an
        ASKING on the same connection.
Rule 3: an atomic run is followed only as a whole, and only if the server has certainly dropped it.
Rule 4: CLUSTERSCAN concerns a slot, and a cursor is no key. While a slot moves, the node that it leaves answers ASK,
        but neither node has all of its keys: it waits until the slot has moved.
Rule 5: hops are bounded by ``MOST_HOPS``. Waiting is bounded by the caller's deadline alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

from respool._facts.command import Spec
from respool._facts.errors import Error, ServerError, TooManyRedirects, TransactionAborted, is_demoted
from respool._facts.option_types import Address
from respool._facts.slots import SLOTS
from respool._protocol.run import Run, reasons_of, why_in_doubt

#: A call follows at most this many redirects without waiting in between.
MOST_HOPS: Final = 16

#: Pauses, in seconds, double from the first to the longest. Chance takes up to half of each.
_HOP_PAUSE: Final = (0.001, 0.1)
_WAIT_PAUSE: Final = (0.02, 0.2)

_TO_SLOT: Final = re.compile(r"([0-9]{1,5}) (\S*):([0-9]{1,5})")
_TO_NODE: Final = re.compile(r"()(\S*):([0-9]{1,5})")

#: Codes without an address, and whether the map may be out of date.
_WAITS: Final = {"TRYAGAIN": False, "LOADING": False, "MASTERDOWN": True, "CLUSTERDOWN": True, "UNBLOCKED": True}
#: How the server answers a blocked command that CLIENT UNBLOCK ended: somebody wants it to fail.
_ON_PURPOSE: Final = "client unblocked via CLIENT UNBLOCK"


class Step(Enum):
    """What to do with a command that did not run."""

    #: Send it to the node ``to`` at once; that is where the slot is from now on.
    GO = "go"
    #: Send it to the node ``to`` this time, behind ASKING; the slot stays where it is.
    ASK = "ask"
    #: Send it again a little later, where the map then says.
    WAIT = "wait"


class Redirect(NamedTuple):
    """How a command goes on that a server did not run."""

    #: The first word of the server's error.
    code: str
    step: Step
    #: The node for ``GO`` and ``ASK``. If it is the one that answered, its connections lead elsewhere: renew them.
    to: Address | None = None
    #: The slot that MOVED or ASK named.
    slot: int | None = None
    #: Whether the map of the cluster is out of date, or may be.
    needs_refresh: bool = False


def read_redirect(error: Error, asked: Address, spec: Spec, slot: int | None = None) -> Redirect | None:
    """Return how a command goes on that was sent to ``asked`` and ended in ``error``; None if it does not.

    ``slot`` is that of the command's keys. A malformed redirect is an ordinary error of the server, so None as well.
    """
    redirect = _read(error, asked)
    if redirect is not None and redirect.step is Step.ASK and spec.name == "CLUSTERSCAN":
        return _later(redirect)
    if redirect is None or spec.safe or not spec.runs_code:
        return redirect
    return redirect if redirect.slot is not None and redirect.slot == slot else None


def read_refusal(error: Error, asked: Address, spec: Spec, slot: int | None = None) -> Redirect | None:
    """Return the same, and for READONLY too: the node was demoted, and the command waits for its heir.

    For pools that learn who that is; at a replica that stays one, READONLY is the answer.
    """
    redirect = read_redirect(error, asked, spec, slot)
    if redirect is None and is_demoted(error) and (spec.safe or not spec.runs_code):
        return Redirect("READONLY", Step.WAIT, needs_refresh=True)
    return redirect


def read_run(run: Run, replies: list[Any] | Error, asked: Address) -> Redirect | None:
    """Return how an atomic run goes on that was sent to ``asked``, as a whole; None if it does not.

    None means that it ran, that its outcome is unknown, or that it was refused for another reason: ``run.read`` then
    says which. Redis 7 refuses commands before EXEC, which it answers with EXECABORT; Valkey 9 and Redis alike refuse
    EXEC itself if the slot moved after the commands were queued.
    """
    if not run.is_atomic or isinstance(replies, Error) or why_in_doubt(replies) is not None:
        return None
    began, own, outcome = replies[0], replies[1:-1], replies[-1]
    refusals = [reply for reply in own if isinstance(reply, Error)]
    if isinstance(began, Error):  # no transaction was open, so each command was on its own
        is_whole = len(refusals) == len(own) and not run.runs_code
        return _read_all([began, *refusals], asked) if is_whole else None
    if not isinstance(outcome, TransactionAborted):
        return _read(outcome, asked)
    redirect = _read_all(refusals or reasons_of(outcome), asked)
    if redirect is None or redirect.step is not Step.ASK:
        return redirect
    # If some keys are still here, no node has all of them until the slot has moved.
    triples = zip(run.specs, run.calls, own, strict=True)
    is_mixed = any(not isinstance(reply, Error) and spec.keys_of(call) for spec, call, reply in triples)
    return _later(redirect) if is_mixed else redirect


class Hops:
    """The way of one call from node to node: how long it pauses before each step, and when it gives up."""

    __slots__ = ("_asked", "_circles", "_waits")

    def __init__(self) -> None:
        self._asked: list[Address] = []  # who has answered with a redirect, since the call last waited
        self._circles = 0
        self._waits = 0

    def pause_before(self, redirect: Redirect, asked: Address, chance: float) -> float:
        """Return the seconds to pause before the call does what ``asked`` said; ``chance`` is from 0 to 1.

        A node that is new to the call is asked at once. One that it has asked before (A sends it to B, and B back to A)
        is asked again after a pause: while a role changes hands, such a circle ends by itself.

        Raises TooManyRedirects for one hop more than ``MOST_HOPS``.
        """
        if redirect.to is None:
            self._asked.clear()
            self._circles = 0
            self._waits += 1
            return _pause(_WAIT_PAUSE, self._waits, chance)
        self._asked.append(asked)
        is_circle = redirect.to in self._asked
        if len(self._asked) > MOST_HOPS:
            last = f"the last from {_text(asked)} to {_text(redirect.to)}"
            why = ", which had been asked before" if is_circle else ""
            message = f"after {MOST_HOPS} redirects, {last}{why}; it did not run: compare CLUSTER SLOTS of these nodes"
            raise TooManyRedirects(redirect.code, message)
        if not is_circle:
            return 0.0
        self._circles += 1
        return _pause(_HOP_PAUSE, self._circles, chance)


def _read(error: Any, asked: Address) -> Redirect | None:
    """Read one reply, as if it were certainly the server's own; None if it is no error of this kind."""
    if not isinstance(error, ServerError):
        return None
    code = error.code
    if code in ("MOVED", "ASK"):
        return _to_address(code, _TO_SLOT.fullmatch(error.message), asked)
    if code == "REDIRECT":
        return _to_address(code, _TO_NODE.fullmatch(error.message), asked)
    if code not in _WAITS or error.message.startswith(_ON_PURPOSE):
        return None
    return Redirect(code, Step.WAIT, needs_refresh=_WAITS[code])


def _to_address(code: str, words: re.Match[str] | None, asked: Address) -> Redirect | None:
    """Read a slot, a host and a port. Without a host it is that of ``asked``; ``?`` is a host without a name."""
    if words is None:
        return None
    slot, host, port = int(words[1]) if words[1] else None, words[2] or asked[0], int(words[3])
    if not 0 < port < 65536 or (slot is not None and slot >= SLOTS):
        return None
    if host == "?":  # the map may know its address
        return Redirect(code, Step.WAIT, None, slot, needs_refresh=True)
    return Redirect(code, Step.ASK if code == "ASK" else Step.GO, (host, port), slot, needs_refresh=code != "ASK")


def _read_all(errors: Sequence[Error], asked: Address) -> Redirect | None:
    """Read several errors as one. A single other error among them decides: the run would be refused again."""
    found = [_read(error, asked) for error in errors]
    redirects = [redirect for redirect in found if redirect is not None]
    if not redirects or len(redirects) < len(found):
        return None
    moved = [redirect for redirect in redirects if redirect.step is Step.GO]
    if moved:
        return moved[-1]  # the latest word
    if len(set(redirects)) == 1:
        return redirects[0]
    later = next((redirect for redirect in redirects if redirect.step is Step.WAIT), redirects[0])
    return _later(later, needs_refresh=any(redirect.needs_refresh for redirect in redirects))


def _later(redirect: Redirect, *, needs_refresh: bool = False) -> Redirect:
    return redirect._replace(step=Step.WAIT, to=None, needs_refresh=needs_refresh)


def _pause(bounds: tuple[float, float], count: int, chance: float) -> float:
    first, longest = bounds
    return min(first * 2.0 ** min(count - 1, 30), longest) * (1.0 - 0.5 * chance)


def _text(address: Address) -> str:
    host, port = address
    return f"{host}:{port}"
