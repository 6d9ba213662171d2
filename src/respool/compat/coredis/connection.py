"""The connections of coredis: respool's, with the old keywords and names.

Rule 1: in a pool, the pool's checked options say where and how a connection is opened; its own keywords reach its
        constructor unchanged, as those of coredis did. A connection that is used alone reads them itself.
Rule 2: the hook of a subclass is ``open``. A ``_connect`` of coredis made an asyncio transport, which nothing would
        use here: a class that has one is refused.
Rule 3: commands are respool's, and so are the errors that they raise here; clients raise those of coredis.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from ssl import SSLContext
from typing import Any, ClassVar, Literal, TypeVar

from respool import AsyncConnection
from respool.compat.coredis.arguments import options_of
from respool.errors import UsageError, UsageTypeError

C = TypeVar("C", bound="BaseConnection")


class BaseConnection(AsyncConnection[Any]):
    """A connection to derive from: give the class to a pool as ``connection_class``, and its keywords to that pool.

    Override ``open`` to prepare each new connection: call ``await super().open()`` in it, then run commands on
    ``self``. ``on_connect`` is called at the end of ``open``, and may be overridden as in coredis.
    """

    #: What ``repr`` shows.
    description: ClassVar[str] = "BaseConnection"
    #: What ``location`` shows.
    locator: ClassVar[str] = ""

    def __init__(
        self,
        stream_timeout: float | None = None,
        encoding: str = "utf-8",
        decode_responses: bool = False,  # noqa: FBT001, FBT002 - the old order
        *,
        client_name: str | None = None,
        protocol_version: Literal[2, 3] = 3,
        noreply: bool = False,
        noevict: bool = False,
        notouch: bool = False,
        retry_on_timeout: bool = False,
        socket_keepalive: bool | None = None,
        socket_keepalive_options: Mapping[int, int | bytes] | None = None,
        **place: Any,
    ) -> None:
        """Take the old keywords; no I/O. ``place``: host, port or path, and who connects.

        ``retry_on_timeout`` and ``socket_keepalive`` are accepted, and change nothing.
        """
        check_hook(type(self))
        if unknown := place.keys() - _PLACE:
            raise TypeError(f"{type(self).__name__} got an unexpected keyword argument {min(unknown)!r}")
        self.decode_responses = bool(decode_responses)
        self.protocol_version = protocol_version
        self.client_name = client_name
        self.noreply = noreply
        self.noevict = noevict
        self.notouch = notouch
        options = options_of(
            {
                **place,
                "stream_timeout": stream_timeout,
                "encoding": encoding,
                "decode_responses": decode_responses,
                "client_name": client_name,
                "protocol_version": protocol_version,
                "socket_keepalive_options": socket_keepalive_options,
            }
        )
        config = self.__dict__.pop(_CONFIG, None)
        if config is None:
            super().__init__(**options)
        else:
            self._check_same(options, config)
            super().__init__(config=config)

    def _check_same(self, options: Mapping[str, Any], config: Any) -> None:
        """Refuse what a constructor has chosen for one connection against its pool (Rule 1)."""
        for name, value in options.items():
            is_other = bool(value) != bool(config.tls) if name == "tls" else value != getattr(config, name)
            if is_other and value != _DEFAULTS.get(name):
                raise UsageError(
                    f"{type(self).__name__}.__init__ chooses another {name} than its pool has: give it to the pool, "
                    "whose keywords hold for all of its connections"
                )

    async def open(self) -> None:
        """Connect, do the handshake, and call ``on_connect``."""
        await super().open()
        if self.noevict:
            await self.client_no_evict(on=True)
        if self.notouch:
            await self.client_no_touch(on=True)
        await self.on_connect()

    async def on_connect(self) -> None:
        """Prepare a new connection. It does nothing; a subclass may override it."""

    async def connect(self) -> None:
        """Connect and do the handshake. A lease is connected already."""
        await self.open()

    def disconnect(self) -> None:
        """Close now; commands in flight fail. A lease must still be released."""
        self.abort()

    @property
    def is_connected(self) -> bool:
        """Whether commands can be sent."""
        return not self.closed

    @property
    def host(self) -> str:
        """The host that it connects to; nothing for a unix socket."""
        return _parts(self.address)["host"]

    @property
    def port(self) -> int:
        """The port that it connects to; 0 for a unix socket."""
        return int(_parts(self.address)["port"])

    @property
    def path(self) -> str:
        """The unix socket that it connects to; nothing for TCP."""
        return _parts(self.address)["path"]

    @property
    def location(self) -> str:
        """Where it connects to, as text."""
        return self.locator.format_map(_parts(self.address))

    @classmethod
    def describe(cls, description_args: Mapping[str, Any]) -> str:
        """Return what a ``repr`` shows of a connection with these keywords."""
        return cls.description.format_map(defaultdict(lambda: None, description_args))

    def __repr__(self) -> str:
        try:
            return self.describe({**_parts(self.address), "db": self.db})
        except (AttributeError, UsageError):  # it was released, or never constructed
            return super().__repr__()


class Connection(BaseConnection):
    """A connection over TCP, or TLS with ``ssl_context``."""

    description: ClassVar[str] = "Connection<host={host},port={port},db={db}>"
    locator: ClassVar[str] = "host={host},port={port}"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 6379,
        username: str | None = None,
        password: str | None = None,
        db: int | None = 0,
        *,
        connect_timeout: float | None = None,
        ssl_context: SSLContext | None = None,
        **options: Any,
    ) -> None:
        """Take the old keywords; no I/O. ``options``: those of ``BaseConnection``."""
        super().__init__(
            host=host,
            port=port,
            username=username,
            password=password,
            db=db,
            connect_timeout=connect_timeout,
            ssl_context=ssl_context,
            **options,
        )


class UnixDomainSocketConnection(BaseConnection):
    """A connection through a unix socket."""

    description: ClassVar[str] = "UnixDomainSocketConnection<path={path},db={db}>"
    locator: ClassVar[str] = "path={path}"

    def __init__(
        self,
        path: str = "",
        username: str | None = None,
        password: str | None = None,
        db: int | None = 0,
        *,
        connect_timeout: float | None = None,
        **options: Any,
    ) -> None:
        """Take the old keywords; no I/O. ``options``: those of ``BaseConnection``."""
        super().__init__(
            path=path, username=username, password=password, db=db, connect_timeout=connect_timeout, **options
        )


class ClusterConnection(Connection):
    """A connection to a node of a cluster. To a replica it begins with READONLY."""

    description: ClassVar[str] = "ClusterConnection<host={host},port={port}>"

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 6379,
        username: str | None = None,
        password: str | None = None,
        db: int | None = 0,
        *,
        read_from_replicas: bool = False,
        readonly: bool = False,
        **options: Any,
    ) -> None:
        """Take the old keywords; no I/O. ``readonly`` is the old name of ``read_from_replicas``."""
        self.read_from_replicas = self.readonly = read_from_replicas or readonly
        super().__init__(host, port, username, password, db, **options)


#: Keywords that say where a connection goes, and as whom.
_PLACE = frozenset({"host", "port", "path", "username", "password", "db", "connect_timeout", "ssl_context"})
_DEFAULTS = {**options_of({}), "host": "127.0.0.1", "port": 6379, "path": "", "protocol": 3}
_CONFIG = "config of the pool"


def _parts(address: str) -> dict[str, str]:
    """Return host, port and path of an address, as ``address`` of a connection writes it."""
    if address.startswith("unix:"):
        return {"host": "", "port": "0", "path": address.removeprefix("unix:")}
    host, _, port = address.rpartition(":")
    return {"host": host.strip("[]"), "port": port, "path": ""}


def check_hook(kind: type) -> None:
    """Refuse a class with a ``_connect`` of coredis (Rule 2)."""
    if getattr(kind, "_connect", None) is not None:
        raise UsageError(
            f"{kind.__name__}._connect would never be called, because the transport is respool's: override "
            "async def open(self), call await super().open() in it, and prepare the connection there"
        )


def pooled(kind: type[C]) -> type[C]:
    """Return a class that makes the connections of a pool; they are of ``kind`` itself (Rule 1).

    Raises UsageError for a class that cannot be one.
    """
    if not issubclass(kind, BaseConnection):
        raise UsageTypeError(f"connection_class must be derived from BaseConnection, not {kind.__name__}")
    check_hook(kind)

    def __new__(_: Any, *, config: Any, **arguments: Any) -> Any:  # noqa: N807
        connection: Any = kind.__new__(kind)
        connection.__dict__[_CONFIG] = config
        connection.__init__(**arguments)
        return connection

    maker: Any = type(kind.__name__, (kind,), {"__new__": __new__, "__module__": kind.__module__})
    return maker  # type: ignore[no-any-return]
