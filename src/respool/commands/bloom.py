"""Commands on Bloom filters.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. The commands
are those of the module bloom, which is part of Redis 8; that of Valkey has all but ``bf_scandump`` and
``bf_loadchunk``. A filter tells whether an item was added to it: "no" is certain, "yes" is wrong at the error rate of
the filter. On a key that holds another type the server answers with an error.

Source of the facts: the pages of the commands at redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageValueError
from respool.commands._arguments import at_least, choose, flag, nothing_to_send, option, whole
from respool.commands._parsers import as_answers, as_facts, as_only_fact, as_tuple

if TYPE_CHECKING:
    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Value

BF_ADD = spec("BF.ADD").derive(parse=bool)
BF_CARD = spec("BF.CARD")
BF_EXISTS = spec("BF.EXISTS").derive(parse=bool)
BF_INFO = spec("BF.INFO").derive(parse=as_facts)
BF_INFO_ONE = spec("BF.INFO").derive(parse=as_only_fact)
BF_INSERT = spec("BF.INSERT").derive(parse=as_answers)
BF_LOADCHUNK = spec("BF.LOADCHUNK").derive(parse=bool)
BF_MADD = spec("BF.MADD").derive(parse=as_answers)
BF_MEXISTS = spec("BF.MEXISTS").derive(parse=as_answers)
BF_RESERVE = spec("BF.RESERVE").derive(parse=bool)
BF_SCANDUMP = spec("BF.SCANDUMP").derive(parse=as_tuple, blob=True)


def bf_add(key: Key, item: Value) -> Command[bool]:
    """Add an item, and return whether it was new as far as the filter can tell.

    Makes a filter of the server's default size if there is none. The server refuses an item when the filter is full and
    may not grow.
    """
    return Command(BF_ADD, key, item)


def bf_card(key: Key) -> Command[int]:
    """Return how many items were added and new, 0 if there is no filter."""
    return Command(BF_CARD, key)


def bf_exists(key: Key, item: Value) -> Command[bool]:
    """Return whether an item may have been added; False, which is certain, if there is no filter."""
    return Command(BF_EXISTS, key, item)


@overload
def bf_info(key: Key, part: None = None) -> Command[dict[str, Any]]: ...
@overload
def bf_info(key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS"]) -> Command[int]: ...
@overload
def bf_info(key: Key, part: Literal["EXPANSION"]) -> Command[int | None]: ...
def bf_info(key: Key, part: Literal["CAPACITY", "SIZE", "FILTERS", "ITEMS", "EXPANSION"] | None = None) -> Command[Any]:
    """Return facts about a filter, or one of them.

    ``"CAPACITY"`` is how many items fit, ``"SIZE"`` the memory in bytes, ``"FILTERS"`` how often it grew, plus 1,
    ``"ITEMS"`` how many items were added, and ``"EXPANSION"`` by which factor it grows, None if it may not. Without
    ``part`` the names are the server's, such as "Number of filters". The server refuses a key that does not exist.
    """
    if part is None:
        return Command(BF_INFO, key)
    return Command(BF_INFO_ONE, key, part)


def bf_insert(
    key: Key,
    *items: Value,
    capacity: int | None = None,
    error: float | None = None,
    expansion: int | None = None,
    nocreate: bool = False,
    nonscaling: bool = False,
) -> Command[list[bool]]:
    """Add items, make the filter if there is none, and return for each item whether it was new.

    ``capacity``, ``error``, ``expansion`` and ``nonscaling`` are those of ``bf_reserve``, for a filter that is made.
    With ``nocreate`` the server refuses a key that does not exist. A full filter raises as in ``bf_madd``. Raises
    UsageValueError without items, for options that exclude each other, for an error rate that is not between 0 and 1,
    and for other numbers below 1.
    """
    if not items:
        raise nothing_to_send(BF_INSERT, "item")
    size = None if capacity is None else at_least(1, "capacity", capacity)
    rate = None if error is None else _rate("error", error)
    made = (*option("CAPACITY", size), *option("ERROR", rate))
    if nocreate and made:
        raise UsageValueError("nocreate excludes capacity and error: they are for a filter that is made")
    growth = _growth(expansion, nonscaling=nonscaling)
    return Command(BF_INSERT, key, *made, *growth, *flag("NOCREATE", nocreate), "ITEMS", *items)


def bf_loadchunk(key: Key, iterator: int, data: bytes) -> Command[bool]:
    """Restore a part of a filter that ``bf_scandump`` returned, together with its iterator.

    Always True. The first part replaces what the key holds.
    """
    return Command(BF_LOADCHUNK, key, whole("iterator", iterator), data)


def bf_madd(key: Key, *items: Value) -> Command[list[bool]]:
    """Add items, and return for each whether it was new as far as the filter can tell.

    Makes a filter of the server's default size if there is none. When the filter is full and may not grow, the server's
    error is raised, and the items before that one were added. Raises UsageValueError without items.
    """
    if items:
        return Command(BF_MADD, key, *items)
    raise nothing_to_send(BF_MADD, "item")


def bf_mexists(key: Key, *items: Value) -> Command[list[bool]]:
    """Return for each of several items whether it may have been added; all False if there is no filter.

    Raises UsageValueError without items.
    """
    if items:
        return Command(BF_MEXISTS, key, *items)
    raise nothing_to_send(BF_MEXISTS, "item")


def bf_reserve(
    key: Key, error_rate: float, capacity: int, *, expansion: int | None = None, nonscaling: bool = False
) -> Command[bool]:
    """Make a filter for a number of items, with an error rate such as 0.01.

    Always True. When it is full, it grows by the factor ``expansion`` (2 by default), or with ``nonscaling`` refuses
    more items. The server refuses a key that exists. Raises UsageValueError for both options, for a rate that is not
    between 0 and 1, and for other numbers below 1.
    """
    growth = _growth(expansion, nonscaling=nonscaling)
    return Command(BF_RESERVE, key, _rate("error_rate", error_rate), at_least(1, "capacity", capacity), *growth)


def bf_scandump(key: Key, iterator: int = 0) -> Command[tuple[int, bytes]]:
    """Return the next iterator and a part of a filter, to give both to ``bf_loadchunk``.

    Begin with iterator 0; at the end the iterator is 0 again and the part empty. Nothing may change the filter
    meanwhile. A part is bytes, also on a pool with an encoding. The server refuses a key that does not exist.
    """
    return Command(BF_SCANDUMP, key, whole("iterator", iterator))


def _growth(expansion: int | None, *, nonscaling: bool) -> tuple[Arg, ...]:
    factor = None if expansion is None else at_least(1, "expansion", expansion)
    return choose(expansion=option("EXPANSION", factor), nonscaling=flag("NONSCALING", nonscaling))


def _rate(name: str, rate: float) -> float:
    if not 0 < rate < 1:
        raise UsageValueError(f"{name} must be between 0 and 1, not {rate!r}")
    return rate
