"""How a call of redis-py becomes a respool command, and which calls may take the fast path.

Rule 1: a command that changes the state of its connection, or needs one, is not fast: it takes redis-py's own path.
Rule 2: a call is looked up by its first argument alone. Only names that are whole without the next argument are kept.
Rule 3: a call that changes who the client is (AUTH, SELECT, CLIENT SETNAME, HELLO) names the settings that the engine
        must have from then on. Otherwise later commands would run under the old identity.
Rule 4: WAIT and WAITAOF ask for the writes of their own connection, and with an engine those of the caller went over
        another one. Behind ``MARK``, a write that changes nothing, they ask for every write that came before it.
"""

from __future__ import annotations

from typing import Any, Final, final

from respool import Command

#: A message on a channel without subscribers, which is replicated as a write is.
MARK: Final[Command[Any]] = Command("PUBLISH", "respool:wait", "")
_WAITS: Final = frozenset(("WAIT", "WAITAOF"))
#: Commands that are not fast although no connection's state changes: SHUTDOWN has no reply.
_ON_ONE_CONNECTION: Final = _WAITS | {"SHUTDOWN"}

#: Names are kept up to this many characters, and no more of them than that.
_LONGEST_NAME: Final = 64
_MOST_NAMES: Final = 4096


@final
class Plan:
    """How to send the commands of one name."""

    __slots__ = ("blob_spec", "is_fast", "is_wait", "name", "runs_code", "spec", "words")

    def __init__(self, name: Any, words: tuple[Any, ...], spec: Any) -> None:
        #: The name under which redis-py keeps the callback for the reply.
        self.name = name
        #: What is sent in place of the first argument; None: the argument itself.
        self.words = None if words == (name,) else words
        self.spec = spec
        #: The same for a reply that stays bytes.
        self.blob_spec = spec.derive(blob=True)
        #: Whether errors may be nested in its reply: code of users or modules makes it.
        self.runs_code: bool = spec.runs_code
        #: Whether it asks for the writes of its connection (Rule 4).
        self.is_wait = spec.name in _WAITS
        self.is_fast = spec.effect is None and spec.refusal is None and spec.name not in _ON_ONE_CONNECTION

    def command(self, args: tuple[Any, ...], *, blob: bool = False) -> Command[Any]:
        """Return the call as a command; with ``blob`` its reply is not decoded."""
        sent = args if self.words is None else (*self.words, *args[1:])
        return Command.of(sent, self.blob_spec if blob else self.spec, None)


_PLANS: dict[Any, Plan] = {}

#: Finds the plan of a name that is kept.
known_plan: Final = _PLANS.get


def plan_of(args: tuple[Any, ...]) -> Plan | None:
    """Return the plan for a call; None if its first argument is no name."""
    first = args[0] if args else None
    if not isinstance(first, str | bytes):
        return None
    known = _PLANS.get(first)
    if known is not None:
        return known
    words: tuple[Any, ...] = tuple(first.split())
    if not words:
        return None
    spec = Command(*words, *args[1:2]).spec
    plan = Plan(first.upper(), (first,) if words == (first,) else words, spec)
    if words == (first,):
        plan.words = None
    is_whole = Command(*words, "?").spec.name.count(" ") == len(words) - 1 == spec.name.count(" ")
    if is_whole and len(first) <= _LONGEST_NAME and len(_PLANS) < _MOST_NAMES:
        _PLANS[first] = plan
    return plan


def planned(args: tuple[Any, ...]) -> Plan:
    """Return the plan for a call that begins with a name."""
    plan = plan_of(args)
    if plan is None:
        raise TypeError("the first argument of a command is its name, str or bytes")
    return plan


def identity_of(args: tuple[Any, ...]) -> dict[str, Any]:
    """Return the settings that a call changes on its connection if the server accepts it; {} for most calls."""
    first = args[0] if args else None
    if not isinstance(first, str | bytes):
        return {}
    words = [*map(_text, first.split()), *map(_text, args[1:])]
    name = words[0].upper() if words else ""
    if name == "AUTH":
        return _credentials(words[1:])
    if name == "SELECT" and len(words) == 2 and words[1].isdigit():
        return {"db": int(words[1])}
    if name == "CLIENT" and len(words) == 3 and words[1].upper() == "SETNAME":
        return {"client_name": words[2] or None}
    if name == "HELLO":
        return _said_in_hello(words[2:])
    return {}


def _credentials(words: list[str]) -> dict[str, Any]:
    if not 1 <= len(words) <= 2:
        return {}
    return {"username": words[0] if len(words) == 2 else None, "password": words[-1], "credentials": None}


def _said_in_hello(words: list[str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    while words:
        if words[0].upper() == "AUTH":
            changes.update(_credentials(words[1:3]))
            words = words[3:]
        elif words[0].upper() == "SETNAME":
            changes["client_name"] = words[1] if len(words) > 1 else None
            words = words[2:]
        else:
            words = words[1:]
    return changes


def _text(word: Any) -> str:
    return bytes(word).decode("utf-8", "surrogateescape") if isinstance(word, bytes | bytearray) else str(word)
