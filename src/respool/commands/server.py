"""Commands on a server as a whole: its data, its settings, its files, its role, its end.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool._facts.server_records import PrimaryRole, ReplicaRole, SentinelRole
from respool.commands._arguments import (
    MILLISECOND,
    at_least,
    choose,
    duration,
    flag,
    flattened,
    nothing_to_send,
    option,
    shown,
    switch,
    whole,
)
from respool.commands._parsers import as_text
from respool.commands._reports import as_moment, as_report, as_role, as_settings, as_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from respool.commands._arguments import Duration, FlushMode, Value


BGREWRITEAOF = spec("BGREWRITEAOF").derive(parse=as_text)
BGSAVE = spec("BGSAVE").derive(parse=as_text)
CONFIG_GET = spec("CONFIG GET").derive(parse=as_settings)
CONFIG_RESETSTAT = spec("CONFIG RESETSTAT").derive(parse=bool)
CONFIG_REWRITE = spec("CONFIG REWRITE").derive(parse=bool)
CONFIG_SET = spec("CONFIG SET").derive(parse=bool)
DBSIZE = spec("DBSIZE")
FAILOVER = spec("FAILOVER").derive(parse=bool)
FLUSHALL = spec("FLUSHALL").derive(parse=bool)
FLUSHDB = spec("FLUSHDB").derive(parse=bool)
INFO = spec("INFO").derive(parse=as_report)
LASTSAVE = spec("LASTSAVE").derive(parse=as_moment)
LOLWUT = spec("LOLWUT").derive(parse=as_text)
REPLICAOF = spec("REPLICAOF").derive(parse=bool)
ROLE = spec("ROLE").derive(parse=as_role)
SAVE = spec("SAVE").derive(parse=bool)
SHUTDOWN = spec("SHUTDOWN").derive(parse=bool)
SWAPDB = spec("SWAPDB").derive(parse=bool)
TIME = spec("TIME").derive(parse=as_time)


def bgrewriteaof() -> Command[str]:
    """Rewrite the append-only file in the background, and return what the server says: started or scheduled."""
    return Command(BGREWRITEAOF)


def bgsave(*, schedule: bool = False, cancel: bool = False) -> Command[str]:
    """Save all data to a file in the background, and return what the server says.

    The server refuses while it saves, and while it rewrites the append-only file; with ``schedule`` it then saves as
    soon as that is done. ``cancel`` ends a save, or takes back one that is scheduled (Valkey 8.1). Raises
    UsageValueError for both.
    """
    if not schedule and not cancel:
        return Command(BGSAVE)
    return Command(BGSAVE, *choose(schedule=flag("SCHEDULE", schedule), cancel=flag("CANCEL", cancel)))


def config_get(*patterns: str) -> Command[dict[str, str]]:
    """Return the settings whose names match one of the glob patterns, with their values.

    All values are str: ``{"hz": "10", "maxmemory": "0"}``. Several patterns need Redis 7.0. Raises UsageValueError
    without patterns.
    """
    if patterns:
        return Command(CONFIG_GET, *patterns)
    raise nothing_to_send(CONFIG_GET, "pattern")


def config_resetstat() -> Command[bool]:
    """Set the statistics of ``info`` back to 0, and return True."""
    return Command(CONFIG_RESETSTAT)


def config_rewrite() -> Command[bool]:
    """Write the settings that differ to the server's configuration file, and return True.

    The server refuses if it was started without one.
    """
    return Command(CONFIG_REWRITE)


def config_set(settings: Mapping[str, Value]) -> Command[bool]:
    """Change settings, all or none of them, and return True.

    ``config_set({"maxmemory": "100mb", "appendonly": "yes"})``. Several at once need Redis 7.0. Raises UsageValueError
    for an empty mapping.
    """
    return Command(CONFIG_SET, *flattened(CONFIG_SET, settings, "setting"))


def dbsize() -> Command[int]:
    """Return the number of keys in the database."""
    return Command(DBSIZE)


def failover(
    *,
    to: tuple[str, int] | None = None,
    force: bool = False,
    abort: bool = False,
    timeout: Duration | None = None,
) -> Command[bool]:
    """Begin to change places with a replica, and return True; ``info("replication")`` tells when it is done.

    The server holds back writes until a replica, or the one at ``to``, has caught up: for ever, or for ``timeout``
    milliseconds. Then it gives up; with ``force`` it fails over anyway. ``abort`` ends a failover that has not come
    so far. Raises UsageValueError for ``force`` without ``to`` and ``timeout``, for ``abort`` with anything else, and
    for a timeout below 1. Since Redis 6.2.
    """
    if to is None and timeout is None and not force and not abort:
        return Command(FAILOVER)
    if abort and (to is not None or timeout is not None or force):
        raise UsageValueError("abort excludes to, force and timeout")
    if force and (to is None or timeout is None):
        raise UsageValueError("force needs to and timeout")
    time = None if timeout is None else at_least(1, "timeout", duration("timeout", timeout, MILLISECOND))
    target = () if to is None else ("TO", *_address(to), *flag("FORCE", force))
    return Command(FAILOVER, *target, *flag("ABORT", abort), *option("TIMEOUT", time))


def flushall(mode: FlushMode | None = None) -> Command[bool]:
    """Remove all keys of all databases, and return True.

    ``ASYNC`` frees their memory in the background, ``SYNC`` before the server goes on (Redis 6.2). Without a mode
    ``lazyfree-lazy-user-flush`` decides.
    """
    if mode is None:
        return Command(FLUSHALL)
    return Command(FLUSHALL, mode)


def flushdb(mode: FlushMode | None = None) -> Command[bool]:
    """Remove all keys of the database, and return True.

    ``mode`` is as for ``flushall``.
    """
    if mode is None:
        return Command(FLUSHDB)
    return Command(FLUSHDB, mode)


def info(*sections: str) -> Command[dict[str, Any]]:
    """Return what the server tells about itself, all in one dict: the usual sections, or those that are named.

    Values are int, float or str: ``{"redis_version": "7.2.4", "connected_clients": 2, "mem_fragmentation_ratio": 13.5,
    ...}``. What the server writes as ``a=1,b=2`` is a dict: ``info("keyspace")`` is ``{"db0": {"keys": 1, ...}}``. A
    version, hash or id stays str, whatever its characters. A name that comes more than once has a list of its values;
    ``"module"`` always has one. An unknown section adds nothing. Several sections need Redis 7.0.
    """
    return Command(INFO, *sections)


def lastsave() -> Command[datetime]:
    """Return when the data were last saved to a file, or when the server started; in UTC."""
    return Command(LASTSAVE)


def lolwut(*parameters: int | str, version: int | None = None) -> Command[str]:
    """Return a piece of computer art, made of characters.

    ``version`` is that of the server whose piece it is, its own by default; ``parameters`` change it. Since Redis 5.0.
    """
    return Command(LOLWUT, *option("VERSION", version), *parameters)


@overload
def replicaof(host: None, port: None = None) -> Command[bool]: ...
@overload
def replicaof(host: str, port: int) -> Command[bool]: ...
def replicaof(host: str | None, port: int | None = None) -> Command[bool]:
    """Make the server a replica of another one, and return True. ``replicaof(None)`` makes it a primary again.

    A replica drops its own data, takes those of the primary, and refuses writes. Raises UsageTypeError for a host
    without a port and a port without a host. Since Redis 5.0.
    """
    if host is None and port is None:
        return Command(REPLICAOF, "NO", "ONE")
    if host is None or port is None:
        raise UsageTypeError("REPLICAOF takes a host and a port, or None")
    return Command(REPLICAOF, *_address((host, port)))


def role() -> Command[PrimaryRole | ReplicaRole | SentinelRole]:
    """Return the role of the server in replication; ``role().role`` is "master", "slave" or "sentinel"."""
    return Command(ROLE)


def save() -> Command[bool]:
    """Save all data to a file, and return True. The server does nothing else meanwhile: see ``bgsave``."""
    return Command(SAVE)


def shutdown(
    *,
    save: bool | None = None,
    now: bool = False,
    force: bool = False,
    safe: bool = False,
    failover: bool = False,
    abort: bool = False,
) -> Command[bool]:
    """End the server. A server that ends does not answer: the call then raises OutcomeUnknown.

    It is never sent twice. OutcomeUnknown is what success looks like; ServerError says why the server goes on, and
    then nothing has changed. The server saves its data if ``save`` is True, does not if it is False, and else if its
    settings have save points. First it waits for its replicas, up to ``shutdown-timeout``, unless ``now``; ``force``
    ignores that saving fails (both Redis 7.0). ``abort`` ends that wait from another connection, and returns True.
    ``safe`` refuses where it would be unsafe, as on a primary of a cluster, and ``failover`` first hands over to a
    replica of the cluster (both Valkey 9.0). Raises UsageValueError for ``abort`` with anything else.
    """
    mode = () if save is None else (switch("save", save, ("SAVE", "NOSAVE")),)
    how = (*flag("NOW", now), *flag("FORCE", force), *flag("SAFE", safe), *flag("FAILOVER", failover))
    if abort and (mode or how):
        raise UsageValueError("abort excludes all other options")
    return Command(SHUTDOWN, *mode, *how, *flag("ABORT", abort))


def swapdb(first: int, second: int) -> Command[bool]:
    """Exchange the contents of two databases for all clients, and return True."""
    return Command(SWAPDB, first, second)


def time() -> Command[datetime]:
    """Return the time of the server's clock, in UTC."""
    return Command(TIME)


def _address(address: tuple[str, int]) -> tuple[str, int]:
    match address:
        case (host, port):
            return host, whole("port", port)
    raise UsageTypeError(f"an address must be a tuple of a host and a port, not {shown(address)}")
