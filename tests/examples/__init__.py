"""Examples of every command: the call, what the server answers, and the calls that are refused.

The files mirror those of ``respool/commands``; each has three tables.

``EXAMPLES``  rows of a call, its value, the commands to run before (separated by semicolons), the servers that have the
              options used, separated by commas (``ALL``), and where to make the call (``EVERYWHERE``). ``bytes`` in a
              value stand for what users stored, and are str where the pool has an encoding; ``Blob`` is bytes for all;
              str stands for what the server tells. A function judges values that vary; ``NotMade`` says why no test
              makes the call.
``REFUSED``   calls that raise UsageValueError, with a pattern that the message must match.
``MISTYPED``  calls that raise UsageTypeError, likewise.

The tests of the commands read all of them, and so do the pages about the commands and the file that type checkers
read (``tools/generate.py``). So an example is data: nothing here imports respool before it is asked for a command, but
for the records in values (``respool._facts.records``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from respool import Command

FUTURE: Final = 4_000_000_000  # seconds since 1970
FAR: Final = datetime.fromtimestamp(FUTURE, UTC)

#: The servers that tests run against.
ALL: Final = "valkey, redis, redis 8.2"
#: Where a call is made: through a pool's method, on a lease, in a pipeline, in an atomic one.
EVERYWHERE: Final = "pool, lease, pipeline, atomic"
#: On a connection of the test's own, without respool: the call ends that connection, or a lease forbids it.
BARE: Final = "bare"


class Call(NamedTuple):
    """A call of a command function."""

    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]

    def __str__(self) -> str:
        words = [repr(arg) for arg in self.args] + [f"{name}={value!r}" for name, value in self.options.items()]
        return f"{self.name}({', '.join(words)})"

    @property
    def command(self) -> Command[Any]:
        from respool import commands

        made: Command[Any] = getattr(commands, self.name)(*self.args, **self.options)
        return made


class NotMade(NamedTuple):
    """Why no test makes a call. It is still judged by its words."""

    why: str


#: For commands and options of newer servers: FakeNode answers them in ``tests/commands/test_words.py``.
NO_SERVER: Final = NotMade("no server here has it")


class Blob(bytes):
    """A value that is bytes, whatever the encoding of the pool."""


class Example(NamedTuple):
    """One call, with its value."""

    call: Call
    value: Any
    given: str = ""
    servers: str = ALL
    where: str = EVERYWHERE
    group: str = ""

    @property
    def is_made(self) -> bool:
        """Whether a test makes the call."""
        return not isinstance(self.value, NotMade)


Row: TypeAlias = tuple[Any, ...]
Refused: TypeAlias = tuple[Call, str]


def call(name: str, /, *args: Any, **options: Any) -> Call:
    """Return the call of a command function."""
    return Call(name, args, options)


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _groups() -> Iterator[tuple[str, Any]]:
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        yield path.stem, import_module(f"examples.{path.stem}")


def examples() -> list[Example]:
    """Return the examples of all groups."""
    return [Example(*row)._replace(group=group) for group, module in _groups() for row in module.EXAMPLES]


def refused() -> list[Refused]:
    """Return the calls that have a wrong value."""
    return [row for _, module in _groups() for row in module.REFUSED]


def mistyped() -> list[Refused]:
    """Return the calls that have an argument of a wrong type."""
    return [row for _, module in _groups() for row in module.MISTYPED]


def judge(value: Any, expected: Any, encoding: str | None) -> bool:
    """Return whether a call's value is the expected one, in types too, for a pool with this encoding."""
    if isinstance(expected, Blob):
        return type(value) is bytes and value == expected
    if callable(expected):
        judge_it: Callable[[Any], bool] = expected
        return judge_it(value)
    if isinstance(expected, bytes) and encoding:
        return type(value) is str and value == expected.decode()
    if type(value) is not type(expected):
        return False
    if isinstance(expected, list | tuple):
        return len(value) == len(expected) and all(map(judge, value, expected, [encoding] * len(expected)))
    if isinstance(expected, dict):
        as_list = [list(item) for item in value.items()]
        return judge(as_list, [list(item) for item in expected.items()], encoding)
    if isinstance(expected, set):
        stored = {item.decode() if encoding and isinstance(item, bytes) else item for item in expected}
        return bool(value == stored)
    return bool(value == expected)
