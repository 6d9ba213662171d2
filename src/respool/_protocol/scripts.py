"""Scripts that are called by their hash: how their text gets to a node, and what NOSCRIPT proves.

Rule 1: a call whose spec has a ``script`` brings it along: SCRIPT LOAD goes before it, in the same write. In a run it
        goes before the first call of each script. What a node has had once is not remembered: it forgets its scripts
        when it is restarted, and when anybody calls SCRIPT FLUSH, and then a run could not be repaired.
Rule 2: in a transaction the text takes the place of the hash (EVAL). NOSCRIPT would be an element of the reply to EXEC,
        when all other commands have run.
Rule 3: NOSCRIPT in the server's own words proves that nothing ran, so any call may be sent again. In other words it
        comes from the script itself, after whatever that has done.
Rule 4: if a script could not be loaded, the reason takes the place of the NOSCRIPT that follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from respool._facts.command import Args, Spec
from respool._facts.errors import Error, NoScript, again


def loads_of(spec: Spec) -> tuple[Args, ...]:
    """Return what to send before a call: nothing, or one SCRIPT LOAD."""
    return () if spec.script is None else (("SCRIPT", "LOAD", spec.script),)


def as_text(args: Args, spec: Spec) -> Args:
    """Return a call that sends the text of its script in place of the hash; any other call as it is."""
    return args if spec.script is None else (spec.name.replace("SHA", ""), spec.script, *args[2:])


def by_text(calls: Sequence[Args], specs: Sequence[Spec]) -> list[Args]:
    """Return the calls of a run with texts in place of hashes."""
    return list(map(as_text, calls, specs))


def with_loads(calls: Sequence[Args], specs: Sequence[Spec]) -> tuple[list[Args], set[int]]:
    """Return the calls of a run with what loads their scripts, and the places of that."""
    sent: list[Args] = []
    places: set[int] = set()
    loaded: set[bytes | None] = {None}
    for args, spec in zip(calls, specs, strict=True):
        if spec.script not in loaded:
            loaded.add(spec.script)
            places.add(len(sent))
            sent += loads_of(spec)
        sent.append(args)
    return sent, places


def without_loads(replies: Sequence[Any], places: set[int], specs: Sequence[Spec]) -> list[Any]:
    """Return the replies to the calls alone, from those to what ``with_loads`` returned."""
    own: list[Any] = []
    refusals: dict[bytes | None, Error] = {}
    for at, reply in enumerate(replies):
        script = specs[len(own)].script
        if at not in places:
            own.append(_with_reason(reply, refusals.get(script)))
        elif isinstance(reply, Error):
            refusals[script] = reply
    return own


def reply_to_last(replies: list[Any] | Error, spec: Spec) -> Any:
    """Return the reply to one call, from those to it and to what was sent before it; it may be an error value."""
    if isinstance(replies, Error):
        return replies
    refusal = replies[0] if spec.script is not None and isinstance(replies[0], Error) else None
    return _with_reason(replies[-1], refusal)


def is_unknown_script(error: NoScript) -> bool:
    """Tell whether the server itself says that it does not know a script, so that nothing ran (Rule 3)."""
    return error.message.startswith("No matching script") and " script: " not in error.message


def _with_reason(reply: Any, refusal: Error | None) -> Any:
    return again(refusal) if refusal is not None and isinstance(reply, NoScript) else reply
