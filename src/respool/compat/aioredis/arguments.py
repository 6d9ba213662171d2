"""What aioredis takes for an address, an encoding and a size, in terms of respool."""

from __future__ import annotations

import warnings
from codecs import CodecInfo
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from respool.errors import UsageTypeError, UsageValueError

Address = tuple[str, int] | list[Any] | str
#: Stands for the encoding of the connection.
OWN: Final[Any] = object()


def ignore(loop: object) -> None:
    """Warn a caller that gives a loop."""
    if loop is not None:
        warnings.warn("loop= is ignored: the running event loop is used", DeprecationWarning, stacklevel=3)


def options_of(address: Any, db: Any, password: Any, encoding: Any) -> dict[str, Any]:
    """Return the options of respool for an address, a database, a password and an encoding."""
    options: dict[str, Any] = {}
    if isinstance(address, tuple | list):
        if len(address) != 2:
            raise UsageValueError(f"an address is (host, port), a path or a URL, not {address!r}")
        options["host"], options["port"] = address
    elif isinstance(address, str) and "://" in address:
        options["url"] = address
    elif isinstance(address, str):
        options["path"] = address
    else:
        raise UsageTypeError(f"an address is (host, port), a path or a URL, not {type(address).__name__}")
    if db != 0 or isinstance(db, bool) or "url" not in options:
        options["db"] = db
    if password is not None:
        options["password"] = password
    if encoding is not None:
        options["encoding"] = codec_of(encoding)
    return options


def secret_of(url: str | None) -> str | tuple[str, str] | None:
    """Return the password in a URL, with the user if it names one."""
    parts = urlsplit(url or "")
    if not parts.password:
        return None
    password = unquote(parts.password)
    return (unquote(parts.username), password) if parts.username else password


def codec_of(encoding: Any) -> Any:
    """Return the name of an encoding."""
    return encoding.name if isinstance(encoding, CodecInfo) else encoding


def decoded(reply: Any, encoding: str | None) -> Any:
    """Return a reply whose bytes, at any depth, are text."""
    if encoding is None:
        return reply
    if isinstance(reply, bytes):
        return reply.decode(encoding)
    if isinstance(reply, dict):
        return {decoded(key, encoding): decoded(value, encoding) for key, value in reply.items()}
    if isinstance(reply, list | set | tuple):
        return type(reply)(decoded(item, encoding) for item in reply)
    return reply
