"""Commands on sets.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
set without members does not exist, and its members have no order. On a key that holds another type the server
answers WrongType.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from respool._facts.command import Command, spec
from respool.commands._arguments import at_least, counted, flag, nothing_to_send, option, whole
from respool.commands._parsers import as_bools, as_list, as_page, as_set

if TYPE_CHECKING:
    from respool._facts.command import Key
    from respool.commands._arguments import Text, Value

SADD = spec("SADD")
SCARD = spec("SCARD")
SDIFF = spec("SDIFF").derive(parse=as_set)
SDIFFCARD = spec("SDIFFCARD")
SDIFFSTORE = spec("SDIFFSTORE")
SINTER = spec("SINTER").derive(parse=as_set)
SINTERCARD = spec("SINTERCARD")
SINTERSTORE = spec("SINTERSTORE")
SISMEMBER = spec("SISMEMBER").derive(parse=bool)
SMEMBERS = spec("SMEMBERS").derive(parse=as_set)
SMISMEMBER = spec("SMISMEMBER").derive(parse=as_bools)
SMOVE = spec("SMOVE").derive(parse=bool)
SPOP = spec("SPOP")
SPOP_MANY = spec("SPOP").derive(parse=as_set)
SRANDMEMBER = spec("SRANDMEMBER")
SRANDMEMBER_MANY = spec("SRANDMEMBER").derive(parse=as_list)
SREM = spec("SREM")
SSCAN = spec("SSCAN").derive(parse=as_page)
SUNION = spec("SUNION").derive(parse=as_set)
SUNIONCARD = spec("SUNIONCARD")
SUNIONSTORE = spec("SUNIONSTORE")


def sadd(key: Key, *members: Value) -> Command[int]:
    """Add members to a set, and return how many were not in it before.

    Makes the set if there is none. Raises UsageValueError without members.
    """
    if members:
        return Command(SADD, key, *members)
    raise nothing_to_send(SADD, "member")


def scard(key: Key) -> Command[int]:
    """Return the number of members of a set, 0 if there is no set."""
    return Command(SCARD, key)


def sdiff(*keys: Key) -> Command[set[Text]]:
    """Return the members of the first set that are in none of the others.

    A key that does not exist counts as an empty set. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SDIFF, *keys)
    raise nothing_to_send(SDIFF, "key")


def sdiffcard(*keys: Key, limit: int | None = None) -> Command[int]:
    """Return how many members of the first set are in none of the others.

    A key that does not exist counts as an empty set. The server stops counting at ``limit``, which is then the reply;
    0 is no limit. Raises UsageValueError without keys and for a negative limit. Since Redis 8.10; not yet tested
    against a server.
    """
    limit = None if limit is None else at_least(0, "limit", limit)
    return Command(SDIFFCARD, *counted(SDIFFCARD, keys), *option("LIMIT", limit))


def sdiffstore(destination: Key, *keys: Key) -> Command[int]:
    """Store the members of the first set that are in none of the others, and return their number.

    The result replaces what ``destination`` holds, of whatever type; an empty one removes it. A key that does
    not exist counts as an empty set. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SDIFFSTORE, destination, *keys)
    raise nothing_to_send(SDIFFSTORE, "key")


def sinter(*keys: Key) -> Command[set[Text]]:
    """Return the members that all of the sets have.

    The result is empty if one of the keys does not exist. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SINTER, *keys)
    raise nothing_to_send(SINTER, "key")


def sintercard(*keys: Key, limit: int | None = None) -> Command[int]:
    """Return how many members all of the sets have, 0 if one of the keys does not exist.

    The server stops counting at ``limit``, which is then the reply; 0 is no limit. Raises UsageValueError
    without keys and for a negative limit. Since Redis 7.0.
    """
    limit = None if limit is None else at_least(0, "limit", limit)
    return Command(SINTERCARD, *counted(SINTERCARD, keys), *option("LIMIT", limit))


def sinterstore(destination: Key, *keys: Key) -> Command[int]:
    """Store the members that all of the sets have, and return their number.

    The result replaces what ``destination`` holds, of whatever type; an empty one removes it. It is empty if
    one of the keys does not exist. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SINTERSTORE, destination, *keys)
    raise nothing_to_send(SINTERSTORE, "key")


def sismember(key: Key, member: Value) -> Command[bool]:
    """Return whether a set has a member; False if there is no set."""
    return Command(SISMEMBER, key, member)


def smembers(key: Key) -> Command[set[Text]]:
    """Return all members of a set; the empty set if there is none."""
    return Command(SMEMBERS, key)


def smismember(key: Key, *members: Value) -> Command[list[bool]]:
    """Return a list that tells, for each of ``members`` in order, whether a set has it.

    If there is no set, all are False. Raises UsageValueError without members. Since Redis 6.2.
    """
    if members:
        return Command(SMISMEMBER, key, *members)
    raise nothing_to_send(SMISMEMBER, "member")


def smove(source: Key, destination: Key, member: Value) -> Command[bool]:
    """Move a member from one set to another, and return whether it was in the source.

    If it was not, or if there is no source, nothing changes.
    """
    return Command(SMOVE, source, destination, member)


@overload
def spop(key: Key, count: None = None) -> Command[Text | None]: ...
@overload
def spop(key: Key, count: int) -> Command[set[Text]]: ...
def spop(key: Key, count: int | None = None) -> Command[Any]:
    """Remove a random member of a set and return it, or a set of up to ``count`` of them.

    Returns None if there is no set, but with ``count`` (Redis 3.2) the empty set. Raises UsageValueError for a
    negative count.
    """
    if count is None:
        return Command(SPOP, key)
    return Command(SPOP_MANY, key, at_least(0, "count", count))


@overload
def srandmember(key: Key, count: None = None) -> Command[Text | None]: ...
@overload
def srandmember(key: Key, count: int) -> Command[list[Text]]: ...
def srandmember(key: Key, count: int | None = None) -> Command[Any]:
    """Return a random member of a set without removing it, or a list of up to ``count`` of them.

    Returns None if there is no set, but with ``count`` the empty list. With a negative count the list has
    exactly as many members as the count without its sign, and may have one several times. Raises
    UsageTypeError for a count that is not a whole number.
    """
    if count is None:
        return Command(SRANDMEMBER, key)
    return Command(SRANDMEMBER_MANY, key, whole("count", count))


def srem(key: Key, *members: Value) -> Command[int]:
    """Remove members from a set, and return how many were in it.

    It is 0 if there is no set. Raises UsageValueError without members.
    """
    if members:
        return Command(SREM, key, *members)
    raise nothing_to_send(SREM, "member")


def sscan(
    key: Key, cursor: int = 0, *, match: Key | None = None, count: int | None = None
) -> Command[tuple[int, list[Text]]]:
    """Return the next cursor and some of the members of a set; 0 and no members if there is no set.

    Begin with cursor 0; the cursor is 0 again at the end. ``match`` is a glob pattern; a page may be empty
    although more members follow. ``count`` is how many members the server examines for a page. A member that
    is in the set during the whole scan is returned at least once. Raises UsageValueError for a count below 1.
    """
    count = None if count is None else at_least(1, "count", count)
    return Command(SSCAN, key, cursor, *option("MATCH", match), *option("COUNT", count))


def sunion(*keys: Key) -> Command[set[Text]]:
    """Return the members that at least one of the sets has.

    A key that does not exist counts as an empty set. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SUNION, *keys)
    raise nothing_to_send(SUNION, "key")


def sunioncard(*keys: Key, approx: bool = False, limit: int | None = None) -> Command[int]:
    """Return how many members the sets have together, each counted once.

    A key that does not exist counts as an empty set. ``approx`` estimates the number, which takes less memory. The
    server stops counting at ``limit``, which is then the reply; 0 is no limit. Raises UsageValueError without keys and
    for a negative limit. Since Redis 8.10; not yet tested against a server.
    """
    limit = None if limit is None else at_least(0, "limit", limit)
    return Command(SUNIONCARD, *counted(SUNIONCARD, keys), *flag("APPROX", approx), *option("LIMIT", limit))


def sunionstore(destination: Key, *keys: Key) -> Command[int]:
    """Store the members that at least one of the sets has, and return their number.

    The result replaces what ``destination`` holds, of whatever type; an empty one removes it. A key that does
    not exist counts as an empty set. Raises UsageValueError without keys.
    """
    if keys:
        return Command(SUNIONSTORE, destination, *keys)
    raise nothing_to_send(SUNIONSTORE, "key")
