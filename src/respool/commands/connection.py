"""Commands on connections.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name.
Commands that change the state of their connection are refused on a shared one (R-20): call them on a lease,
which is cleaned or closed when it is released (R-28).

``CLIENT REPLY`` is missing because the server may not answer it: see ``execute_noreply``.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageValueError
from respool.commands._arguments import (
    MILLISECOND,
    at_least,
    choose,
    duration,
    flag,
    nothing_to_send,
    only_known,
    option,
    several,
    switch,
)
from respool.commands._parsers import as_client, as_clients, as_facts, as_greeting, as_text

if TYPE_CHECKING:
    from typing import Unpack

    from respool._facts.command import Arg, Key
    from respool.commands._arguments import Duration, Text, Value

ClientType: TypeAlias = Literal["normal", "master", "primary", "replica", "pubsub"]
"""A kind of client in ``CLIENT LIST``; ``"primary"`` is the newer word for ``"master"``."""

AUTH = spec("AUTH").derive(parse=bool)
CLIENT_CACHING = spec("CLIENT CACHING").derive(parse=bool)
CLIENT_CAPA = spec("CLIENT CAPA").derive(parse=bool)
CLIENT_GETNAME = spec("CLIENT GETNAME").derive(parse=as_text)
CLIENT_GETREDIR = spec("CLIENT GETREDIR")
CLIENT_ID = spec("CLIENT ID")
CLIENT_IMPORT_SOURCE = spec("CLIENT IMPORT-SOURCE").derive(parse=bool)
CLIENT_INFO = spec("CLIENT INFO").derive(parse=as_client)
CLIENT_KILL = spec("CLIENT KILL")
CLIENT_LIST = spec("CLIENT LIST").derive(parse=as_clients)
CLIENT_NO_EVICT = spec("CLIENT NO-EVICT").derive(parse=bool)
CLIENT_NO_TOUCH = spec("CLIENT NO-TOUCH").derive(parse=bool)
CLIENT_PAUSE = spec("CLIENT PAUSE").derive(parse=bool)
CLIENT_SETINFO = spec("CLIENT SETINFO").derive(parse=bool)
CLIENT_SETNAME = spec("CLIENT SETNAME").derive(parse=bool)
CLIENT_TRACKING = spec("CLIENT TRACKING").derive(parse=bool)
CLIENT_TRACKINGINFO = spec("CLIENT TRACKINGINFO").derive(parse=as_facts)
CLIENT_UNBLOCK = spec("CLIENT UNBLOCK").derive(parse=bool)
CLIENT_UNPAUSE = spec("CLIENT UNPAUSE").derive(parse=bool)
ECHO = spec("ECHO")
HELLO = spec("HELLO").derive(parse=as_greeting)
PING = spec("PING").derive(parse=bool)
PING_ECHO = spec("PING")
QUIT = spec("QUIT").derive(parse=bool)
RESET = spec("RESET").derive(parse=bool)
SELECT = spec("SELECT").derive(parse=bool)


class ClientFilter(TypedDict, total=False):
    """The filters of ``client_list`` and ``client_kill``; a client must match all of them.

    - ``id``, ``type``, ``user``, ``name``, ``db``, ``flags``, ``lib_name``, ``lib_ver``, ``capa``: as
      ``client_list`` shows them
    - ``addr``, ``ip``: the client's address with its port, or without it
    - ``laddr``: the address that the client connected to, with its port
    - ``idle``, ``maxage``: idle for, or connected for, at least this many seconds
    - ``skipme``: whether the calling connection itself is left out
    - ``not_id``, ``not_type`` and so on: clients that do not match

    Servers before Valkey 9.0 know only some of these: ``type`` and ``id``; for ``client_kill`` also ``addr``,
    ``laddr``, ``user``, ``skipme``, and since Redis 7.4 and Valkey 8.0 ``maxage``.
    """

    id: int | Sequence[int]
    type: ClientType
    user: str
    addr: str
    laddr: str
    skipme: bool
    maxage: int
    name: str
    idle: int
    flags: str
    lib_name: str
    lib_ver: str
    db: int
    capa: str
    ip: str
    not_id: int | Sequence[int]
    not_type: ClientType
    not_user: str
    not_addr: str
    not_laddr: str
    not_name: str
    not_flags: str
    not_lib_name: str
    not_lib_ver: str
    not_db: int
    not_capa: str
    not_ip: str


def auth(password: str | bytes, username: str | bytes | None = None) -> Command[bool]:
    """Log in as a user, or as the default user if no name is given, and return True.

    For a lease; give ``username`` and ``password`` to the pool for all its connections. Raises
    AuthenticationFailed if the server does not accept them.
    """
    if username is None:
        return Command(AUTH, password)
    return Command(AUTH, username, password)


def client_caching(*, yes: bool) -> Command[bool]:
    """Set whether the keys of the next command are tracked, and return True.

    The server refuses unless tracking is on with ``optin`` (for yes) or ``optout`` (for no).
    """
    return Command(CLIENT_CACHING, switch("yes", yes, ("YES", "NO")))


def client_capa(*capabilities: str) -> Command[bool]:
    """Announce the capabilities of this connection (``"redirect"``) to the server, and return True.

    Raises UsageValueError without a capability. Since Valkey 8.0.
    """
    if capabilities:
        return Command(CLIENT_CAPA, *capabilities)
    raise nothing_to_send(CLIENT_CAPA, "capability")


def client_getname() -> Command[str | None]:
    """Return the name of this connection, or None when it has none."""
    return Command(CLIENT_GETNAME)


def client_getredir() -> Command[int]:
    """Return the id of the client that receives this connection's invalidations.

    0 means that this connection itself receives them, -1 that tracking is off.
    """
    return Command(CLIENT_GETREDIR)


def client_id() -> Command[int]:
    """Return the id of this connection; a server never uses an id twice."""
    return Command(CLIENT_ID)


def client_import_source(*, on: bool) -> Command[bool]:
    """Set whether this connection is an import source, for a server in import mode, and return True.

    Since Valkey 8.1.
    """
    return Command(CLIENT_IMPORT_SOURCE, switch("on", on))


def client_info() -> Command[dict[str, str]]:
    """Return the server's information about this connection, with the field names of the server.

    ``{"id": "3", "addr": "127.0.0.1:40000", "name": "", ...}``: all values are str. Since Redis 6.2.
    """
    return Command(CLIENT_INFO)


def client_kill(**filters: Unpack[ClientFilter]) -> Command[int]:
    """Close the connections that match all the filters, and return their number.

    ``skipme=False`` includes the calling connection. Raises UsageValueError without a filter.
    """
    if not filters.keys() - {"skipme"}:
        raise UsageValueError("CLIENT KILL without a filter would close every connection but this one")
    return Command(CLIENT_KILL, *_filter_words(filters, "KILL"))


def client_list(**filters: Unpack[ClientFilter]) -> Command[list[dict[str, str]]]:
    """Return the server's information about its connections, or about those that match all the filters.

    The list has one dict for each connection, like the dict of ``client_info``.
    """
    return Command(CLIENT_LIST, *_filter_words(filters, "LIST"))


def client_no_evict(*, on: bool) -> Command[bool]:
    """Set whether this connection stays open when the clients use too much memory, and return True.

    Since Redis 7.0.
    """
    return Command(CLIENT_NO_EVICT, switch("on", on))


def client_no_touch(*, on: bool) -> Command[bool]:
    """Set whether commands on this connection do not count as a use of keys, for eviction; return True.

    Since Redis 7.2.
    """
    return Command(CLIENT_NO_TOUCH, switch("on", on))


def client_pause(timeout: Duration, mode: Literal["WRITE", "ALL"] = "ALL") -> Command[bool]:
    """Suspend all clients of the server for ``timeout`` milliseconds, and return True.

    ``WRITE`` holds back only commands that may write (Redis 6.2). ``client_unpause`` ends it early.
    """
    time = at_least(0, "timeout", duration("timeout", timeout, MILLISECOND))
    return Command(CLIENT_PAUSE, time, *(() if mode == "ALL" else (mode,)))


def client_setinfo(attribute: Literal["LIB-NAME", "LIB-VER"], value: str) -> Command[bool]:
    """Set the name or version of the library behind this connection on the server, and return True.

    A pool does this for each new connection. Spaces and special characters are not allowed. Since Redis 7.2.
    """
    return Command(CLIENT_SETINFO, attribute, value)


def client_setname(name: str) -> Command[bool]:
    """Name this connection, or remove its name with the empty string, and return True.

    For a lease; give ``client_name`` to the pool for all its connections. No spaces or special characters.
    """
    return Command(CLIENT_SETNAME, name)


def client_tracking(
    *,
    on: bool,
    redirect: int | None = None,
    prefixes: Sequence[Key] = (),
    bcast: bool = False,
    optin: bool = False,
    optout: bool = False,
    noloop: bool = False,
) -> Command[bool]:
    """Turn invalidation messages on or off for the keys that this connection has read, and return True.

    ``redirect`` is the id of another client to send them to, ``bcast`` covers every key, or those with the
    ``prefixes``; ``noloop`` leaves out changes by this connection itself. Raises UsageValueError for ``optin``
    with ``optout``, for either with ``bcast``, and for prefixes without ``bcast``.
    """
    if prefixes and not bcast:
        raise UsageValueError("prefixes need bcast")
    mode = choose(bcast=flag("BCAST", bcast), optin=flag("OPTIN", optin), optout=flag("OPTOUT", optout))
    wanted = [word for prefix in several("CLIENT TRACKING", "prefixes", prefixes) for word in ("PREFIX", prefix)]
    words = (*option("REDIRECT", redirect), *wanted, *mode, *flag("NOLOOP", noloop))
    return Command(CLIENT_TRACKING, switch("on", on), *words)


def client_trackinginfo() -> Command[dict[str, Any]]:
    """Return the tracking state of this connection: ``{"flags": ["off"], "redirect": -1, "prefixes": []}``.

    Since Redis 6.2.
    """
    return Command(CLIENT_TRACKINGINFO)


def client_unblock(client_id: int, *, error: bool = False) -> Command[bool]:
    """End another connection's blocking command, and return whether it was blocked.

    The command ends as if it had timed out; with ``error`` it gets an error (code UNBLOCKED) instead.
    """
    return Command(CLIENT_UNBLOCK, client_id, *flag("ERROR", error))


def client_unpause() -> Command[bool]:
    """End ``client_pause`` and return True.

    Since Redis 6.2.
    """
    return Command(CLIENT_UNPAUSE)


def echo(message: Value) -> Command[Text]:
    """Return the message."""
    return Command(ECHO, message)


def hello(
    protover: Literal[2, 3] | None = None,
    *,
    username: str | None = None,
    password: str | bytes | None = None,
    clientname: str | None = None,
) -> Command[dict[str, Any]]:
    """Change protocol, user and name where given, and return the server's information about itself.

    For a lease; a pool does this for each new connection. Raises UsageValueError for credentials or a name
    without ``protover``, and for a user without a password. Since Redis 6.0.
    """
    if password is None and username is not None:
        raise UsageValueError("username needs password")
    login = () if password is None else ("AUTH", "default" if username is None else username, password)
    words = (*login, *option("SETNAME", clientname))
    if protover is None:
        if words:
            raise UsageValueError("password and clientname need protover")
        return Command(HELLO)
    return Command(HELLO, protover, *words)


@overload
def ping() -> Command[bool]: ...
@overload
def ping(message: Value) -> Command[Text]: ...
def ping(message: Value | None = None) -> Command[Any]:
    """Check that the server is alive: return True, or ``message`` if it is given."""
    if message is None:
        return Command(PING)
    return Command(PING_ECHO, message)


def quit() -> Command[bool]:
    """Ask the server to close this connection, and return True.

    For a lease, whose connection the pool replaces. Close a pool with ``close`` or ``aclose``.
    """
    return Command(QUIT)


def reset() -> Command[bool]:
    """Reset all state of this connection, and return True.

    For a lease. It ends transactions, subscriptions and tracking, and restores RESP2, database 0 and the
    default user. Since Redis 6.2.
    """
    return Command(RESET)


def select(db: int) -> Command[bool]:
    """Change the database of this connection and return True.

    For a lease; on a pool ``select`` changes the database of all its connections.
    """
    return Command(SELECT, db)


def _filter_words(filters: ClientFilter, verb: Literal["KILL", "LIST"]) -> list[Arg]:
    """Return the words of the filters.

    LIST takes all ids after a single word, KILL needs the word before each id: Redis 7 insists on both.
    """
    only_known(f"CLIENT {verb}", filters, ClientFilter.__optional_keys__)
    words: list[Arg] = []
    for name, value in filters.items():
        word = name.upper().replace("_", "-")
        if isinstance(value, bool):
            words += (word, "yes" if value else "no")
        elif isinstance(value, str | bytes | int):
            words += (word, value)
        elif word in ("ID", "NOT-ID") and value:
            ids: Sequence[int] = several(f"CLIENT {verb}", name, value)
            words += (word, *ids) if verb == "LIST" else [part for each in ids for part in (word, each)]
        else:
            raise UsageValueError(f"{name} must have a value, not {value!r}")
    return words
