"""What a command is: its words, the facts about its name, and how its reply is parsed.

Rule 1: a ``Spec`` holds the facts about a command *name*; there is one per name, made from ``command_table`` or
        ``module_table``.
Rule 2: a ``Command`` is one call: arguments, spec, parser. It is a value and never changes.
Rule 3: an unknown name gets a careful spec: a write that is never sent twice, and that may run users' code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from typing import Any, Final, Generic, Never, TypeAlias, TypeVar, final, overload

from respool._facts.command_table import BLOBS, BLOCKING, CONTAINERS, EFFECTS, KEYS, REFUSALS, RUNS_CODE
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.module_table import MODULE_BLOCKING, MODULE_CONTAINERS, MODULE_KEYS

Arg: TypeAlias = bytes | str | int | float | bytearray | memoryview
"""One argument of a command. Text is sent in the pool's encoding, UTF-8 by default; a number as its decimal digits."""
Key: TypeAlias = bytes | str | int | float | bytearray | memoryview
"""The name of a key; like every argument it need not be text."""
Args: TypeAlias = tuple[Any, ...]
"""A command as it is sent: its name and its arguments."""
Parser: TypeAlias = Callable[[Any], Any]
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")
Something = TypeVar("Something")
_ASYNC: Final = CO_COROUTINE | CO_ASYNC_GENERATOR
#: The types of replies that are never None. A reply of another type may be None, as far as ``Command.map`` knows.
Present: TypeAlias = int | float | bytes | str | datetime | list[Any] | dict[Any, Any] | set[Any] | tuple[Any, ...]


@final
class Spec:
    """The facts about one command name.

    ``safe``     sending it twice does no harm: the server calls it read-only, or it only returns information (R-24).
    ``blocking`` where among the arguments the server-side timeout is, or None; ``blocks_for`` reads it (R-21).
    ``effect``   what it does to the state of its connection, or None (R-28).
    ``refusal``  why it may not be sent on a shared connection, and what to use instead, or None (R-20).
    ``blob``     its reply stays bytes where the connection has an encoding, because it is binary by nature.
    ``script``   the text of the script whose hash it sends; it is loaded before the call, on the same connection. None
                 if there is nothing to load.
    ``plain``    none of the last five applies: the only field that the hot path of a pool for one node reads.
    ``reads``    it reads keys and changes nothing, so a replica can run it.
    ``one_key``  the index of its only key among the arguments; 0 if it has none, or several, or a rule finds them.
    ``runs_code`` it runs users' code (a script, a function, a module), which can answer with any error, so its errors
                 prove nothing (R-24).
    """

    __slots__ = (
        "blob",
        "blocking",
        "effect",
        "key_rule",
        "name",
        "one_key",
        "parse",
        "plain",
        "reads",
        "refusal",
        "runs_code",
        "safe",
        "script",
        "words",
    )

    def __init__(
        self,
        name: str,
        *,
        safe: bool = False,
        key_rule: str = "",
        blocking: str | None = None,
        effect: str | None = None,
        refusal: str | None = None,
        parse: Parser | None = None,
        runs_code: bool = True,
        blob: bool = False,
        reads: bool = False,
        script: bytes | None = None,
    ) -> None:
        self.name = name
        self.words = tuple(name.split(" "))
        self.safe = safe
        self.key_rule = key_rule
        self.one_key = int(key_rule) if key_rule.isdigit() else 0
        self.blocking = blocking
        self.effect = effect
        self.refusal = refusal
        self.parse = parse
        self.runs_code = runs_code
        self.blob = blob
        self.reads = reads
        self.script = script
        self.plain = blocking is None and effect is None and refusal is None and not blob and script is None

    def __repr__(self) -> str:
        return f"<Spec {self.name}>"

    def derive(
        self,
        *,
        parse: Parser | None = None,
        safe: bool | None = None,
        blob: bool | None = None,
        script: bytes | None = None,
    ) -> Spec:
        """Return a copy with another reply parser, safe to send twice, with a reply that stays bytes, or a script."""
        return Spec(
            self.name,
            safe=self.safe if safe is None else safe,
            key_rule=self.key_rule,
            blocking=self.blocking,
            effect=self.effect,
            refusal=self.refusal,
            parse=self.parse if parse is None else parse,
            runs_code=self.runs_code,
            blob=self.blob if blob is None else blob,
            reads=self.reads,
            script=self.script if script is None else script,
        )

    def blocks_for(self, args: Sequence[Any]) -> float | None:
        """Return how many seconds the server may block for this call: inf without limit, None if it never blocks."""
        if self.blocking is None:
            return None
        position, unit = self.blocking.split()
        if position.startswith("BLOCK:"):
            index = _option(args, "BLOCK", int(position[6:]))
            if index is None:
                return None
        else:
            index = int(position)
        try:
            seconds = float(args[index]) * (0.001 if unit == "ms" else 1.0)
        except (IndexError, TypeError, ValueError, OverflowError):
            return 0.0  # the server will refuse the call at once
        if seconds == 0:
            return math.inf
        return seconds if seconds > 0 else 0.0

    def with_timeout(self, args: tuple[Any, ...], seconds: float) -> tuple[Any, ...]:
        """Return the call with another server-side timeout, above zero, for a call for which ``blocks_for`` has one."""
        position, unit = str(self.blocking).split()
        index = _option(args, "BLOCK", int(position[6:])) if position.startswith("BLOCK:") else int(position)
        left: int | float = max(round(seconds * 1000), 1)
        changed = list(args)
        changed[index or 0] = left if unit == "ms" else left / 1000
        return tuple(changed)

    def keys_of(self, args: Sequence[Any]) -> list[Any]:
        """Return the keys among ``args`` (the command name included), in order."""
        found: list[Any] = []
        for rule in self.key_rule.split("+") if self.key_rule else ():
            found += _keys_by_rule(rule, args)
        return found


def _keys_by_rule(rule: str, args: Sequence[Any]) -> Sequence[Any]:
    """Apply one key rule; ``command_table`` says how rules are written."""
    if rule == "STREAMS":
        start = _option(args, "STREAMS")
        if start is None:
            return ()
        return args[start : start + (len(args) - start) // 2]
    if rule == "KEYS":
        start = _option(args, "KEYS", 6) if len(args) > 3 and args[3] in ("", b"") else None
        return args[3:4] if start is None else args[start:]
    if rule.startswith("STORE:"):
        return _stored(args, int(rule[6:]))
    if rule.startswith("#"):
        position, _, step = rule[1:].partition(":")
        at = int(position)
        try:
            count = int(args[at])
        except (IndexError, TypeError, ValueError, OverflowError):
            return ()
        stride = int(step or 1)
        return args[at + 1 : at + 1 + count * stride : stride]
    parts = [int(part) for part in rule.split(":")]
    first = parts[0]
    last = parts[1] if len(parts) > 1 else first
    stride = parts[2] if len(parts) > 2 else 1
    return args[first : last + 1 if last >= 0 else len(args) + last + 1 : stride]


#: Options with values that may be spelled like an option, and how many: group and consumer, username and password.
_VALUES: Final = {"AUTH": 1, "AUTH2": 2, "GROUP": 2}


def _option(args: Sequence[Any], word: str, index: int = 1) -> int | None:
    """Return the index after the option ``word``, looking from ``index`` on, or None. No option follows STREAMS."""
    while index < len(args):
        arg = args[index]
        option = _word(arg) if isinstance(arg, bytes | str | bytearray | memoryview) else ""
        if option == word:
            return index + 1
        if option == "STREAMS":
            return None
        index += _VALUES.get(option, 0) + 1
    return None


#: What stands between two options: how many values these have, any of which may be spelled like an option.
_CHOICES: Final = {"BY": 1, "COUNT": 1, "GET": 1, "LIMIT": 2}


def _stored(args: Sequence[Any], index: int) -> Sequence[Any]:
    """Return the key behind STORE or STOREDIST, looking from ``index`` on: behind the last one, as the server does."""
    found: Sequence[Any] = ()
    while index < len(args):
        arg = args[index]
        option = _word(arg) if isinstance(arg, bytes | str | bytearray | memoryview) else ""
        if option in ("STORE", "STOREDIST"):
            found = args[index + 1 : index + 2]
            index += 1
        index += _CHOICES.get(option, 0) + 1
    return found


#: Reads that go to primaries alone: a cursor is one node's own, and replicas would answer by turns.
_CURSORS: Final = frozenset(("CLUSTERSCAN", "HSCAN", "SSCAN", "ZSCAN"))


def _build_specs() -> dict[str, Spec]:
    specs: dict[str, Spec] = {}
    for table, is_of_modules in ((KEYS, False), (MODULE_KEYS, True)):
        for line in table.strip().splitlines():
            head, _, names = line.partition("|")
            access, _, key_rule = head.strip().partition(" ")
            for name in names.split():
                name = name.replace("/", " ")
                specs[name] = Spec(
                    name,
                    safe=access == "read",
                    key_rule=key_rule.strip(),
                    blocking=BLOCKING.get(name) or MODULE_BLOCKING.get(name),
                    effect=EFFECTS.get(name),
                    refusal=REFUSALS.get(name),
                    runs_code=is_of_modules or name in RUNS_CODE,
                    blob=name in BLOBS,
                    reads=access == "read" and bool(key_rule) and name not in _CURSORS,
                )
    return specs


SPECS: Final[dict[str, Spec]] = _build_specs()

#: Names whose second word is part of the name.
_TWO_WORDS: Final = CONTAINERS | MODULE_CONTAINERS

#: The specs of one-word names, by their usual spellings.
SPELLED: Final[dict[Any, Spec]] = {
    spelling: found
    for name, found in SPECS.items()
    if name not in _TWO_WORDS and " " not in name
    for spelling in (name, name.lower(), name.encode(), name.lower().encode())
}


def spec(name: str) -> Spec:
    """Return the spec of a known command, by its upper-case name (``"CLIENT LIST"`` for a subcommand)."""
    return SPECS[name]


def find_spec(args: Sequence[Any]) -> Spec:
    """Return the spec for raw arguments; an unknown name gets a careful spec of its own (Rule 3)."""
    name = _word(args[0])
    if " " in name:  # the error does not show it: a password may follow the name
        raise UsageValueError("a command's name has no spaces: each word is an argument of its own, as in 'GET', 'key'")
    known = SPECS.get(name)
    if name in _TWO_WORDS and len(args) > 1:
        full = f"{name} {_word(args[1])}"
        return SPECS.get(full) or Spec(full, effect=EFFECTS.get(name), refusal=REFUSALS.get(name))
    return known or Spec(name)


def _word(arg: Any) -> str:
    if isinstance(arg, str):
        return arg.upper()
    if isinstance(arg, bytes | bytearray | memoryview):
        return bytes(arg).decode("latin-1").upper()
    raise UsageTypeError(f"a command name is str or bytes, not {type(arg).__name__}")


@final
class Command(Generic[T_co]):
    """One call of one command: what to send, what is known about it, and how to parse the reply.

    The functions of ``respool.commands`` make it, or you do: ``Command("GET", "key")``. ``idempotent=True`` says that
    running it twice is harmless, so it is retried like a read when its connection is lost (R-24).
    """

    __slots__ = ("args", "parse", "spec")

    def __init__(
        self,
        spec: Spec | str | bytes,
        *args: Arg,
        parse: Callable[[Any], T_co] | None = None,
        idempotent: bool = False,
    ) -> None:
        if isinstance(spec, Spec):
            self.args: tuple[Arg, ...] = (*spec.words, *args)
        else:
            self.args = (spec, *args)
            spec = find_spec(self.args)
        if idempotent:
            spec = spec.derive(safe=True)
        self.spec = spec
        self.parse: Parser | None = spec.parse if parse is None else parse

    @classmethod
    def of(cls, args: tuple[Arg, ...], spec: Spec, parse: Parser | None) -> Command[Any]:
        """Make a command whose spec is known already; ``args`` includes the name."""
        command: Command[Any] = object.__new__(cls)
        command.args = args
        command.spec = spec
        command.parse = spec.parse if parse is None else parse
        return command

    # Type checkers take the first line that fits: a reply of unknown type; one that is never None; anything or None.
    @overload
    def map(self: Command[Never], f: Callable[[Any], R], /) -> Command[R | None]: ...

    @overload
    def map(self: Command[Present], f: Callable[[T_co], R], /) -> Command[R]: ...

    @overload
    def map(self: Command[Something | None], f: Callable[[Something], R], /) -> Command[R | None]: ...

    def map(self, f: Callable[[Any], Any], /) -> Command[Any]:
        """Return the same command with a reply that is given to ``f``: ``commands.get("k").map(User.from_json)``.

        ``f`` gets the reply as it is without ``map``, and is called where the reply is awaited. None stays None, and
        errors stay errors: ``f`` sees neither. What ``f`` raises reaches the caller unchanged; the command has run and
        is not sent again. Raises UsageTypeError unless ``f`` is a function, and for an ``async`` one.
        """
        if not callable(f):
            raise UsageTypeError(f"map takes a function that gets the reply, not {type(f).__name__}")
        if is_async(f):
            raise UsageTypeError("map takes a plain function: await an async one with what execute returns")
        return Command.of(self.args, self.spec, partial(_mapped, self.parse, f))

    def idempotent(self) -> Command[T_co]:
        """Return the same command, marked as harmless to run twice: it is retried like a read (R-24)."""
        return Command.of(self.args, self.spec.derive(safe=True), self.parse)

    @property
    def name(self) -> str:
        """The upper-case name, with the subcommand where there is one."""
        return self.spec.name

    @property
    def keys(self) -> list[Any]:
        """The keys among the arguments."""
        return self.spec.keys_of(self.args)

    def __repr__(self) -> str:
        count = len(self.args) - 1
        return f"<Command {self.spec.name}, {count} argument{'' if count == 1 else 's'}>"  # no values: maybe secrets


def is_async(f: Any) -> bool:
    """Tell whether calling ``f`` runs nothing, but returns a coroutine or an async generator."""
    while isinstance(f, partial):
        f = f.func
    code = getattr(f, "__code__", None) or getattr(type(f).__call__, "__code__", None)  # of a function, or an object
    return code is not None and code.co_flags & _ASYNC != 0


def _mapped(parse: Parser | None, f: Parser, reply: Any) -> Any:
    value = reply if parse is None else parse(reply)
    return None if value is None else f(value)


def as_command(value: Command[Any] | Sequence[Any]) -> Command[Any]:
    """Return ``value`` as a Command; the first item of a sequence of arguments is the command's name."""
    if isinstance(value, Command):
        return value
    if isinstance(value, str | bytes | bytearray | memoryview):
        raise UsageTypeError(f"a command is a Command or a sequence of arguments, not {type(value).__name__}")
    try:
        args = tuple(value)
    except TypeError:
        raise UsageTypeError(f"a command is a Command or a sequence of arguments, not {type(value).__name__}") from None
    if not args:
        raise UsageValueError("a command needs at least its name")
    return Command(*args)
