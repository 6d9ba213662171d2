"""How replies become what the caller gets.

Rule 1: a parser reads what RESP2 and what RESP3 sends, bytes as well as str; it never sees an error reply.
Rule 2: what the *server* has to say (a type's name, the state of a client) is str for everyone; what users
        stored keeps the type their pool gives it.
Rule 3: where a builtin does it, it is the parser: ``bool`` for OK or nothing and for 1 or 0, ``float``.
"""

from __future__ import annotations

from typing import Any


def as_text(reply: Any) -> str | None:
    """Read a word of the server."""
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply


def as_tuple(reply: Any) -> tuple[Any, ...] | None:
    """Read a reply of fixed length, or nothing."""
    return None if reply is None else tuple(reply)


def as_list(reply: Any) -> list[Any]:
    """Read a list; nothing is an empty one."""
    return [] if reply is None else list(reply)


def as_facts(reply: Any) -> dict[str, Any]:
    """Read what the server tells as a map: its words become str at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {_plain(key): _plain(value) for key, value in pairs}


def as_greeting(reply: Any) -> dict[str, Any]:
    """Read the reply to HELLO, whose modules are maps themselves."""
    greeting = as_facts(reply)
    greeting["modules"] = [as_facts(module) for module in greeting.get("modules", ())]
    return greeting


def as_page(reply: Any) -> tuple[int, list[Any]]:
    """Read one page of a scan: the next cursor and the elements."""
    cursor, elements = reply
    return int(cursor), elements


def as_client(reply: Any) -> dict[str, str]:
    """Read one line about a client: ``id=3 addr=127.0.0.1:40000 name= ...``."""
    fields = (field.partition("=") for field in _plain(reply).split())
    return {name: value for name, _, value in fields}


def as_clients(reply: Any) -> list[dict[str, str]]:
    """Read the lines about many clients."""
    return [as_client(line) for line in _plain(reply).splitlines()]


def _plain(value: Any) -> Any:
    """Turn bytes into str, in lists and maps too."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
