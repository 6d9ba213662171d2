"""Parsers, which turn replies into the values that callers get.

Rule 1: a parser accepts what RESP2 and RESP3 send, both bytes and str; it never sees an error reply.
Rule 2: words of the *server* (a type's name, the state of a client) are always str; data that users stored
        keeps the type that their pool's encoding gives it.
Rule 3: where a builtin does the job, it is the parser: ``bool`` for OK or null and for 1 or 0, ``float``.
"""

from __future__ import annotations

from typing import Any


def as_text(reply: Any) -> str | None:
    """Return a word of the server as str."""
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply


def as_tuple(reply: Any) -> tuple[Any, ...] | None:
    """Return a reply of fixed length as a tuple, or None."""
    return None if reply is None else tuple(reply)


def as_list(reply: Any) -> list[Any]:
    """Return a list; None becomes an empty one."""
    return [] if reply is None else list(reply)


def as_map(reply: Any) -> dict[Any, Any]:
    """Return a map of fields to values as a dict."""
    return reply if type(reply) is dict else dict(zip(reply[::2], reply[1::2], strict=True))


def as_pairs(reply: Any) -> list[tuple[Any, Any]]:
    """Return pairs as tuples, whether they arrive as lists or one after the other; None becomes an empty list."""
    if not reply:
        return []
    if isinstance(reply[0], list):
        return [(first, second) for first, second in reply]
    return list(zip(reply[::2], reply[1::2], strict=True))


def as_set(reply: Any) -> set[Any]:
    """Return a set; None becomes an empty one."""
    return set() if reply is None else set(reply)


def as_bools(reply: Any) -> list[bool]:
    """Return a list of answers, each 1 or 0, or true or false, as a list of bool."""
    return [bool(each) for each in reply]


def as_facts(reply: Any) -> dict[str, Any]:
    """Return a map from the server as a dict; its words become str at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {_plain(key): _plain(value) for key, value in pairs}


def as_greeting(reply: Any) -> dict[str, Any]:
    """Return the reply to HELLO as a dict; its modules are dicts themselves."""
    greeting = as_facts(reply)
    greeting["modules"] = [as_facts(module) for module in greeting.get("modules", ())]
    return greeting


def as_page(reply: Any) -> tuple[int, list[Any]]:
    """Return one page of a scan: the next cursor and the elements."""
    cursor, elements = reply
    return int(cursor), elements


def as_page_of_pairs(reply: Any) -> tuple[int, dict[Any, Any]]:
    """Return one page of a scan of a hash: the next cursor, and fields with their values."""
    cursor, elements = reply
    return int(cursor), as_map(elements)


def as_page_of_scores(reply: Any) -> tuple[int, list[tuple[Any, float]]]:
    """Return one page of a scan of a sorted set: the next cursor, and members with their scores.

    A page is a flat list, and its scores are text, in RESP3 too.
    """
    cursor, elements = reply
    return int(cursor), list(zip(elements[::2], map(float, elements[1::2]), strict=True))


def as_client(reply: Any) -> dict[str, str]:
    """Parse one line about a client: ``id=3 addr=127.0.0.1:40000 name= ...``."""
    fields = (field.partition("=") for field in _plain(reply).split())
    return {name: value for name, _, value in fields}


def as_clients(reply: Any) -> list[dict[str, str]]:
    """Parse the lines about many clients."""
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
