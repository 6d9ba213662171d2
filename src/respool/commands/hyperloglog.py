"""Commands on HyperLogLogs, which count different elements without keeping them.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
HyperLogLog takes at most 12 KiB, and its counts have a standard error of 0.81 %. It is stored as a string. On
a key that holds another string, or another type, the server answers WrongType.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from respool._facts.command import Command, spec
from respool.commands._arguments import nothing_to_send

if TYPE_CHECKING:
    from respool._facts.command import Key
    from respool.commands._arguments import Value

PFADD = spec("PFADD").derive(parse=bool)
PFCOUNT = spec("PFCOUNT")
PFMERGE = spec("PFMERGE").derive(parse=bool)


def pfadd(key: Key, *elements: Value) -> Command[bool]:
    """Add elements, and return whether the count may have changed.

    Makes the HyperLogLog if there is none, and without elements does only that.
    """
    return Command(PFADD, key, *elements)


def pfcount(*keys: Key) -> Command[int]:
    """Return about how many different elements were added to any of the HyperLogLogs.

    A key that does not exist counts as empty. Raises UsageValueError without keys.
    """
    if keys:
        return Command(PFCOUNT, *keys)
    raise nothing_to_send(PFCOUNT, "key")


def pfmerge(destination: Key, *sources: Key) -> Command[bool]:
    """Merge HyperLogLogs into another one, and return True.

    What ``destination`` has counted already stays counted. It is made if there is none. Raises UsageValueError
    without sources.
    """
    if sources:
        return Command(PFMERGE, destination, *sources)
    raise nothing_to_send(PFMERGE, "source")
