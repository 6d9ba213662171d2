"""The options as type checkers and editors see them: type, one line of text and default of each.

Rule 1: ``Options`` has the defaults and checks the values; a test compares its defaults with these texts.
Rule 2: pools, connections and ``from_url`` take the options as ``Unpack[...]`` in one signature without overloads, so
        that a type checker reports a misspelt option in one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict

from respool._facts.retry_policy import RetryPolicy

#: The host and the port of a node.
Address: TypeAlias = tuple[str, int]
#: Returns the address to dial for one that a server announces.
Remap: TypeAlias = Callable[[str, int], Address]

Strategy = Literal["least_pending", "round_robin", "random"]
ReadFrom = Literal["primary", "replica", "any"]
Credentials = Callable[[], Any]
Hook = Callable[[Any], Any]

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # type checkers include it; at run time nothing needs a default

    #: The type of keys and values in replies: str if an ``encoding`` is passed, else Any, because a URL may hold an
    #: encoding, which no type checker sees. ``pool: AsyncPool[bytes] = AsyncPool(url)`` states it explicitly.
    S = TypeVar("S", default=Any)
else:
    from typing import TypeVar

    S = TypeVar("S")

T_co = TypeVar("T_co", covariant=True)

#: The default of ``encoding`` arguments: use the encoding in the URL, or None.
FROM_URL: Any = type("FromUrl", (), {"__repr__": lambda _: "FROM_URL", "__slots__": ()})()

#: The default of ``timeout`` in ``acquire``: use the option ``acquire_timeout``. None waits for ever.
FROM_OPTIONS: Any = type("FromOptions", (), {"__repr__": lambda _: "FROM_OPTIONS", "__slots__": ()})()


class Encoding(Protocol[T_co]):
    """The name of an encoding, a ``str``, typed so that a type checker infers that replies are ``str`` too.

    ``encoding: Encoding[S] | None`` needs no overload: a ``str`` makes S ``str``, and None leaves S at its default.
    """

    def translate(self, table: dict[int, str], /) -> T_co:
        """Match ``str.translate``, which no other builtin type has in this form."""
        ...


class ConnectionOptions(TypedDict, total=False):
    """The options that one connection takes; docs/reference/options.md explains them."""

    # Where
    host: str
    """Name or address of the node. Default: ``'localhost'``."""
    port: int
    """TCP port. Default: ``6379``."""
    path: str | None
    """Path of a unix socket; overrides ``host`` and ``port``. Default: ``None``."""
    tls: bool | SSLContext
    """``True`` for TLS with the system's certificates, or an ``ssl.SSLContext``. Default: ``False``."""
    # Who
    db: int
    """Database number. Default: ``0``."""
    username: str | None
    """ACL user; needs ``password`` or ``credentials``. Default: ``None``."""
    password: str | None
    """Password; never shown in a ``repr`` or a message. Default: ``None``."""
    credentials: Credentials | None
    """Function called at every dial; returns a password, ``(username, password)``, or None. Default: ``None``."""
    client_name: str | None
    """Name of every connection in ``CLIENT LIST``: visible ASCII letters, no spaces. Default: ``None``."""
    client_info: bool
    """Whether to send this library's name and version to the server (``CLIENT SETINFO``). Default: ``True``."""
    protocol: Literal[2, 3]
    """RESP version; a server that does not know RESP3 gets RESP2 in any case. Default: ``3``."""
    encoding_errors: str
    """Python's error handler for replies that cannot be decoded: ``"replace"``, ... Default: ``'strict'``."""
    # How long
    connect_timeout: float | None
    """Seconds for a dial, handshake included. Default: ``2.0``."""
    read_timeout: float | None
    """Longest silence of the server, in seconds, while replies are pending. Default: ``5.0``."""
    # How many
    max_in_flight: int
    """Most commands queued or unanswered on one connection. Default: ``16384``."""
    max_in_flight_bytes: int
    """Most bytes of commands queued or unanswered on one connection. Default: ``67108864``."""
    # How connections live
    retry: RetryPolicy | None
    """What a pool retries, and when; ``None`` retries nothing. Default: ``RetryPolicy()``."""


class PoolOptions(ConnectionOptions, total=False):
    """The options that a pool takes. They are explained in docs/reference/options.md."""

    # How long
    acquire_timeout: float | None
    """Seconds a caller waits for a lease; also the default of ``open()``. Default: ``30.0``."""
    stall_after: float | None
    """Seconds of silence after which a shared connection gets no new work. Default: ``1.0``."""
    # How many
    min_size: int
    """Fewest connections that the pool keeps open. Default: ``0``."""
    max_size: int
    """Most connections at any time; shared ones and dials count. Default: ``16``."""
    shared: int | None
    """Shared connections; ``None``: one, if a lease has room beside it (threads: R-41); 0: none. Default: ``None``."""
    strategy: Strategy
    """Which shared connection gets the next command. Default: ``'least_pending'``."""
    on_full: Literal["wait", "raise"]
    """When all leases are out: wait, or raise ``PoolExhausted``. Default: ``'wait'``."""
    max_waiting: int
    """Most callers that may wait for a lease; 0: only idle connections are leased. Default: ``1024``."""
    max_dials: int
    """Most dials at a time. Default: ``2``."""
    # How connections live
    idle_order: Literal["lifo", "fifo"]
    """Which idle connection is leased first: the last one released, or the first one. Default: ``'lifo'``."""
    max_idle: float | None
    """Seconds after which a connection that was not needed is closed. Default: ``600.0``."""
    max_lifetime: float | None
    """Seconds after which a connection is replaced, minus a random part up to 10 %. Default: ``3600.0``."""
    keepalive: float | None
    """Seconds of idleness after which a connection is checked with PING. Default: ``30.0``."""
    close_on_error: bool
    """Whether to close the idle connections when one is lost in use. Default: ``False``."""
    # What the user plugs in
    connection_class: type[Any] | None
    """A subclass of ``AsyncConnection`` or ``Connection``. Default: ``None``."""
    connection_options: Mapping[str, Any] | None
    """Keywords for the constructor of ``connection_class``, passed unchanged. Default: ``None``."""
    configure: Hook | None
    """Called with each new connection, after its handshake and after every reset. Default: ``None``."""
    check: Hook | None
    """Called with a connection about to be leased; ``False`` or an exception closes it. Default: ``None``."""
    reset: Hook | None
    """Called with a connection that was released. Default: ``None``."""
    listener: Callable[[Any], None] | None
    """Plain function, called with each event (``respool.events``). Default: ``None``."""
    trace_leases: bool
    """Record where leases are acquired, to report it in leaks and timeouts. Default: ``False``."""
    warn_unclosed: bool
    """Warn about a pool that is dropped without being closed (``ResourceWarning``). Default: ``True``."""


class ClusterPoolOptions(PoolOptions, total=False):
    """The options that a pool for a cluster takes. Those of other pools hold for each node by itself."""

    # Where
    seeds: Iterable[Address | str]
    """Nodes to ask for the map first, as ``"host:port"`` or ``(host, port)``. Default: ``host`` and ``port``."""
    read_from: ReadFrom
    """Which nodes answer reads: primaries, replicas if one is up, or both. Default: ``'primary'``."""
    zone: str | None
    """Availability zone whose nodes answer reads if one is up (Valkey 9.1). Default: ``None``."""
    max_total: int | None
    """Most connections to all nodes together. Default: ``None``."""
    remap: Remap | None
    """Function called with each host and port that a node announces; returns those to dial. Default: ``None``."""


class HashPoolOptions(PoolOptions, total=False):
    """The options that a pool over buckets takes. Those that ``PoolOptions`` has not are for services."""

    # Where
    sentinels: Iterable[Address | str]
    """Sentinels to ask first, as ``"host:port"`` or ``(host, port)``; they name the others. Must be given."""
    sentinel_tls: bool | SSLContext
    """Like ``tls``, for connections to sentinels. Default: ``False``."""
    sentinel_username: str | None
    """ACL user at the sentinels. Default: ``None``."""
    sentinel_password: str | None
    """Password at the sentinels; never shown in a ``repr`` or a message. Default: ``None``."""
    sentinel_credentials: Credentials | None
    """Like ``credentials``, for connections to sentinels. Default: ``None``."""
    read_from: ReadFrom
    """Which nodes answer reads: the primary, replicas if one is up, or both. Default: ``'primary'``."""
    max_total: int | None
    """Most connections to all nodes together, without those to sentinels. Default: ``None``."""
    remap: Remap | None
    """Function called with each host and port that a server names; returns those to dial. Default: ``None``."""


class SentinelPoolOptions(HashPoolOptions, total=False):
    """The options that a pool with sentinels takes. Those of other pools hold for each node by itself."""

    service: str
    """Name under which the sentinels watch the primary, as in ``SENTINEL MASTERS``. Must be given."""


class AnyPoolOptions(ClusterPoolOptions, SentinelPoolOptions, total=False):
    """The options of all kinds of pool; which of them a pool takes, its URL decides."""
