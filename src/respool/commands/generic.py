"""Commands on keys, whatever type of value they hold.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
time to live is an int in the command's unit, or a timedelta; a moment is an int since 1970, or a datetime
with a timezone.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageValueError
from respool.commands._arguments import (
    MILLISECOND,
    SECOND,
    at_least,
    choose,
    duration,
    flag,
    limited,
    moment,
    nothing_to_send,
    option,
    several,
)
from respool.commands._parsers import as_moved, as_page, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Duration, Moment, Text

COPY = spec("COPY").derive(parse=bool)
DEL = spec("DEL")
DUMP = spec("DUMP")
EXISTS = spec("EXISTS")
EXPIRE = spec("EXPIRE").derive(parse=bool)
EXPIREAT = spec("EXPIREAT").derive(parse=bool)
EXPIRETIME = spec("EXPIRETIME")
KEYS = spec("KEYS")
MIGRATE = spec("MIGRATE").derive(parse=as_moved)
MOVE = spec("MOVE").derive(parse=bool)
OBJECT_ENCODING = spec("OBJECT ENCODING").derive(parse=as_text)
OBJECT_FREQ = spec("OBJECT FREQ")
OBJECT_IDLETIME = spec("OBJECT IDLETIME")
OBJECT_REFCOUNT = spec("OBJECT REFCOUNT")
PERSIST = spec("PERSIST").derive(parse=bool)
PEXPIRE = spec("PEXPIRE").derive(parse=bool)
PEXPIREAT = spec("PEXPIREAT").derive(parse=bool)
PEXPIRETIME = spec("PEXPIRETIME")
PTTL = spec("PTTL")
RANDOMKEY = spec("RANDOMKEY")
RENAME = spec("RENAME").derive(parse=bool)
RENAMENX = spec("RENAMENX").derive(parse=bool)
RESTORE = spec("RESTORE").derive(parse=bool)
SCAN = spec("SCAN").derive(parse=as_page)
SORT = spec("SORT")
SORT_RO = spec("SORT_RO")
TOUCH = spec("TOUCH")
TTL = spec("TTL")
TYPE = spec("TYPE").derive(parse=as_text)
UNLINK = spec("UNLINK")
WAIT = spec("WAIT")
WAITAOF = spec("WAITAOF").derive(parse=tuple)


def copy(source: Key, destination: Key, *, db: int | None = None, replace: bool = False) -> Command[bool]:
    """Copy a key with its expiry, and return whether it was copied.

    Nothing is copied if the source does not exist, or if the destination exists and ``replace`` is not set.
    ``db`` is the database of the destination. Since Redis 6.2.
    """
    return Command(COPY, source, destination, *option("DB", db), *flag("REPLACE", replace))


def delete(*keys: Key) -> Command[int]:
    """Delete keys and return how many of them existed (DEL).

    Raises UsageValueError without keys. ``unlink`` frees the memory of big values in the background.
    """
    if keys:
        return Command(DEL, *keys)
    raise nothing_to_send(DEL, "key")


def dump(key: Key) -> Command[bytes | None]:
    """Return the value of a key in the server's own format, for ``restore``; None if there is no such key.

    The format is binary: it is bytes whatever the ``encoding`` of the pool. The expiry is not included.
    """
    return Command(DUMP, key)


def exists(*keys: Key) -> Command[int]:
    """Return how many of the keys exist; a key given twice counts twice.

    Raises UsageValueError without keys.
    """
    if keys:
        return Command(EXISTS, *keys)
    raise nothing_to_send(EXISTS, "key")


def expire(
    key: Key, seconds: Duration, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> Command[bool]:
    """Let a key expire after a number of seconds, and return whether the expiry was set.

    False means that there is no such key, or that a condition did not hold: with ``nx`` the key must have no
    expiry, with ``xx`` it must have one, with ``gt`` the new one must be later, with ``lt`` earlier (no expiry
    counts as never). Conditions need Redis 7.0. Raises UsageValueError for ``nx`` with another condition and
    for ``gt`` with ``lt``. A time of 0 or less deletes the key.
    """
    if isinstance(seconds, int) and not (nx or xx or gt or lt):
        return Command(EXPIRE, key, seconds)
    return Command(EXPIRE, key, duration("seconds", seconds, SECOND), *_condition(nx=nx, xx=xx, gt=gt, lt=lt))


def expireat(
    key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> Command[bool]:
    """Let a key expire at a moment in seconds since 1970, and return whether the expiry was set.

    The reply and the conditions are those of ``expire``. A moment in the past deletes the key.
    """
    return Command(EXPIREAT, key, moment("when", when, SECOND), *_condition(nx=nx, xx=xx, gt=gt, lt=lt))


def expiretime(key: Key) -> Command[int]:
    """Return when a key expires, in seconds since 1970.

    -1 means never, -2 that there is no such key. Since Redis 7.0.
    """
    return Command(EXPIRETIME, key)


def keys(pattern: Key) -> Command[list[Text]]:
    """Return all keys that match a glob pattern.

    Meanwhile the server runs no other command: use ``scan`` unless the database is small.
    """
    return Command(KEYS, pattern)


def migrate(
    host: str,
    port: int,
    *keys: Key,
    timeout: Duration,
    db: int = 0,
    copy: bool = False,
    replace: bool = False,
    username: str | bytes | None = None,
    password: str | bytes | None = None,
) -> Command[bool]:
    """Move keys to another server, and return whether there were any to move.

    ``db`` is the database there. With ``copy`` the keys stay here too; without ``replace`` the server refuses to
    overwrite one there. ``username`` (Redis 6.0) and ``password`` are for the other server. ``timeout`` is how many
    milliseconds the other server may be silent, 0 is one second; meanwhile both servers run no other command. After an
    error of the code IOERR a key may be on both of them. Raises UsageValueError without keys, and for ``username``
    without ``password``.
    """
    if not keys:
        raise nothing_to_send(MIGRATE, "key")
    if username is not None and password is None:
        raise UsageValueError("username needs password")
    login = option("AUTH", password) if username is None or password is None else ("AUTH2", username, password)
    words = (*flag("COPY", copy), *flag("REPLACE", replace), *login)
    time = at_least(0, "timeout", duration("timeout", timeout, MILLISECOND))
    if len(keys) == 1:
        return Command(MIGRATE, host, port, keys[0], db, time, *words)
    return Command(MIGRATE, host, port, "", db, time, *words, "KEYS", *keys)


def move(key: Key, db: int) -> Command[bool]:
    """Move a key to another database, and return whether it was moved.

    It is not moved if the other database has a key of that name.
    """
    return Command(MOVE, key, db)


def object_encoding(key: Key) -> Command[str | None]:
    """Return how the server stores a value (``"embstr"``, ``"listpack"``, ...); None if there is no such key."""
    return Command(OBJECT_ENCODING, key)


def object_freq(key: Key) -> Command[int | None]:
    """Return how often a key is used, on a logarithmic scale; None if there is no such key.

    The server refuses unless its ``maxmemory-policy`` is one of the LFU ones.
    """
    return Command(OBJECT_FREQ, key)


def object_idletime(key: Key) -> Command[int | None]:
    """Return for how many seconds a key has not been used; None if there is no such key.

    The server refuses when its ``maxmemory-policy`` is one of the LFU ones.
    """
    return Command(OBJECT_IDLETIME, key)


def object_refcount(key: Key) -> Command[int | None]:
    """Return how many references the server holds to a value; None if there is no such key."""
    return Command(OBJECT_REFCOUNT, key)


def persist(key: Key) -> Command[bool]:
    """Remove the expiry of a key, and return whether it had one."""
    return Command(PERSIST, key)


def pexpire(
    key: Key,
    milliseconds: Duration,
    *,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
) -> Command[bool]:
    """Let a key expire after a number of milliseconds, and return whether the expiry was set.

    The reply and the conditions are those of ``expire``.
    """
    if isinstance(milliseconds, int) and not (nx or xx or gt or lt):
        return Command(PEXPIRE, key, milliseconds)
    time = duration("milliseconds", milliseconds, MILLISECOND)
    return Command(PEXPIRE, key, time, *_condition(nx=nx, xx=xx, gt=gt, lt=lt))


def pexpireat(
    key: Key, when: Moment, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
) -> Command[bool]:
    """Let a key expire at a moment in milliseconds since 1970, and return whether the expiry was set.

    The reply and the conditions are those of ``expire``. A moment in the past deletes the key.
    """
    return Command(PEXPIREAT, key, moment("when", when, MILLISECOND), *_condition(nx=nx, xx=xx, gt=gt, lt=lt))


def pexpiretime(key: Key) -> Command[int]:
    """Return when a key expires, in milliseconds since 1970.

    -1 means never, -2 that there is no such key. Since Redis 7.0.
    """
    return Command(PEXPIRETIME, key)


def pttl(key: Key) -> Command[int]:
    """Return how many milliseconds a key has left.

    -1 means that it never expires, -2 that there is no such key.
    """
    return Command(PTTL, key)


def randomkey() -> Command[Text | None]:
    """Return a random key of the database, or None if it is empty."""
    return Command(RANDOMKEY)


def rename(key: Key, newkey: Key) -> Command[bool]:
    """Rename a key and return True; an existing key of the new name is replaced.

    The server refuses when there is no such key.
    """
    return Command(RENAME, key, newkey)


def renamenx(key: Key, newkey: Key) -> Command[bool]:
    """Rename a key unless the new name is taken, and return whether it was renamed.

    The server refuses when there is no such key.
    """
    return Command(RENAMENX, key, newkey)


def restore(
    key: Key,
    ttl: Duration,
    value: bytes,
    *,
    replace: bool = False,
    absttl: bool = False,
    idletime: int | None = None,
    freq: int | None = None,
) -> Command[bool]:
    """Create a key from the result of ``dump``, and return True.

    ``ttl`` is in milliseconds, 0 means never; with ``absttl`` it counts from 1970. Without ``replace`` the
    server refuses (code BUSYKEY) if the key exists. ``idletime`` is in seconds and excludes ``freq``.
    """
    usage = choose(idletime=option("IDLETIME", idletime), freq=option("FREQ", freq))
    words = (*flag("REPLACE", replace), *flag("ABSTTL", absttl), *usage)
    return Command(RESTORE, key, at_least(0, "ttl", duration("ttl", ttl, MILLISECOND)), value, *words)


def scan(
    cursor: int = 0, *, match: Key | None = None, count: int | None = None, type: str | None = None
) -> Command[tuple[int, list[Text]]]:
    """Return the next cursor and some of the keys.

    Begin with cursor 0; the cursor is 0 again at the end. ``match`` is a glob pattern, ``type`` the name of a
    type; a page may be empty although more keys follow. ``count`` is how many keys the server examines for a
    page. A key that exists during the whole scan is returned at least once.
    """
    count = None if count is None else at_least(1, "count", count)
    return Command(SCAN, cursor, *option("MATCH", match), *option("COUNT", count), *option("TYPE", type))


@overload
def sort(
    key: Key,
    *,
    by: Key | None = None,
    limit: tuple[int, int] | None = None,
    get: Sequence[Key] = (),
    desc: bool = False,
    alpha: bool = False,
    store: None = None,
) -> Command[list[Text | None]]: ...
@overload
def sort(
    key: Key,
    *,
    by: Key | None = None,
    limit: tuple[int, int] | None = None,
    get: Sequence[Key] = (),
    desc: bool = False,
    alpha: bool = False,
    store: Key,
) -> Command[int]: ...
def sort(
    key: Key,
    *,
    by: Key | None = None,
    limit: tuple[int, int] | None = None,
    get: Sequence[Key] = (),
    desc: bool = False,
    alpha: bool = False,
    store: Key | None = None,
) -> Command[Any]:
    """Return the elements of a list, set or sorted set in order, or store them as a list.

    With ``store`` they are stored under that key, and the reply is their number. Without ``alpha`` elements
    must be numbers, and the server refuses others. ``by`` is a pattern for the keys that hold the weights,
    ``get`` has patterns for keys whose values are returned in place of the elements (``"#"`` is the element
    itself, and a missing key gives None), ``limit`` is an offset and a count.
    """
    words = _order("SORT", by=by, limit=limit, get=get, desc=desc, alpha=alpha)
    return Command(SORT, key, *words, *option("STORE", store))


def sort_ro(
    key: Key,
    *,
    by: Key | None = None,
    limit: tuple[int, int] | None = None,
    get: Sequence[Key] = (),
    desc: bool = False,
    alpha: bool = False,
) -> Command[list[Text | None]]:
    """Return the elements of a list, set or sorted set in order; a replica can do it too.

    The options are those of ``sort``. Since Redis 7.0.
    """
    return Command(SORT_RO, key, *_order("SORT_RO", by=by, limit=limit, get=get, desc=desc, alpha=alpha))


def touch(*keys: Key) -> Command[int]:
    """Mark keys as just used, for eviction, and return how many of them existed.

    Raises UsageValueError without keys.
    """
    if keys:
        return Command(TOUCH, *keys)
    raise nothing_to_send(TOUCH, "key")


def ttl(key: Key) -> Command[int]:
    """Return how many seconds a key has left.

    -1 means that it never expires, -2 that there is no such key.
    """
    return Command(TTL, key)


def type(key: Key) -> Command[str]:
    """Return the name of the type that a key holds: ``"string"``, ``"list"``, ...

    It is ``"none"`` if there is no such key.
    """
    return Command(TYPE, key)


def unlink(*keys: Key) -> Command[int]:
    """Delete keys, free their memory in the background, and return how many of them existed.

    Raises UsageValueError without keys.
    """
    if keys:
        return Command(UNLINK, *keys)
    raise nothing_to_send(UNLINK, "key")


def wait(numreplicas: int, timeout: Duration) -> Command[int]:
    """Block until replicas have what this connection wrote, and return how many have it.

    Returns once ``numreplicas`` have it, or after ``timeout`` milliseconds (0 waits for ever). It covers only
    the writes of its own connection: call it on the lease that made them.
    """
    return Command(WAIT, numreplicas, at_least(0, "timeout", duration("timeout", timeout, MILLISECOND)))


def waitaof(numlocal: int, numreplicas: int, timeout: Duration) -> Command[tuple[int, int]]:
    """Block until what this connection wrote is on disk, and return on how many servers.

    The reply is 0 or 1 for the server itself, and the number of replicas. ``timeout`` is in milliseconds, 0
    waits for ever. It covers only the writes of its own connection: call it on the lease that made them. Since
    Redis 7.2.
    """
    time = at_least(0, "timeout", duration("timeout", timeout, MILLISECOND))
    return Command(WAITAOF, numlocal, numreplicas, time)


# Options that several commands share -------------------------------------------------------------------


def _condition(*, nx: bool, xx: bool, gt: bool, lt: bool) -> tuple[Arg, ...]:
    """Return the words of the conditions of EXPIRE and the similar commands."""
    later = choose(gt=flag("GT", gt), lt=flag("LT", lt))
    if nx and (xx or later):
        raise UsageValueError("nx excludes xx, gt and lt")
    return (*flag("NX", nx), *flag("XX", xx), *later)


def _order(
    name: str, *, by: Key | None, limit: tuple[int, int] | None, get: Sequence[Key], desc: bool, alpha: bool
) -> tuple[Arg, ...]:
    """Return the words of the options that SORT and SORT_RO share."""
    patterns: Sequence[Key] = (get,) if isinstance(get, str | bytes) else several(name, "get", get)
    wanted = [word for pattern in patterns for word in ("GET", pattern)]
    return (*option("BY", by), *limited(limit), *wanted, *flag("DESC", desc), *flag("ALPHA", alpha))
