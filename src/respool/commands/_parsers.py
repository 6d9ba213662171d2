"""Parsers, which turn replies into the values that callers get.

Rule 1: a parser accepts what RESP2 and RESP3 send, both bytes and str; it never sees an error reply.
Rule 2: words of the *server* (a type's name, the state of a client) are always str; data that users stored
        keeps the type that their pool's encoding gives it.
Rule 3: where a builtin does the job, it is the parser: ``bool`` for OK or null and for 1 or 0, ``float``.
"""

from __future__ import annotations

from typing import Any

from respool._facts.records import GeoMatch


def as_text(reply: Any) -> str | None:
    """Return a word of the server as str."""
    return reply.decode("utf-8", "surrogateescape") if isinstance(reply, bytes) else reply


def as_texts(reply: Any) -> list[str | None]:
    """Return a list of words of the server as str."""
    return [as_text(each) for each in reply]


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


def as_floats(reply: Any) -> tuple[float, ...]:
    """Return numbers of fixed count, which may be text, as a tuple of float."""
    return tuple(map(float, reply))


def as_moved(reply: Any) -> bool:
    """Tell whether MIGRATE answered OK, and not NOKEY."""
    return as_text(reply) != "NOKEY"


def as_bools(reply: Any) -> list[bool]:
    """Return a list of answers, each 1 or 0, or true or false, as a list of bool."""
    return [bool(each) for each in reply]


def as_bools_or_none(reply: Any) -> list[bool | None]:
    """Return a list of answers, of which some are None."""
    return [None if each is None else bool(each) for each in reply]


def as_answers(reply: Any) -> list[bool]:
    """Return a list of answers. Raises the error that may stand in place of one."""
    for each in reply:
        if isinstance(each, Exception):
            raise each
    return as_bools(reply)


def as_only_fact(reply: Any) -> Any:
    """Return the value of the one fact in a map, or the one item of a list."""
    (value,) = reply.values() if isinstance(reply, dict) else reply
    return value


def as_lists_of_words(reply: Any) -> list[list[str] | None]:
    """Return lists of words as str; None stays None."""
    return [None if words is None else [plain(word) for word in words] for words in reply]


def as_words_of_matches(reply: Any) -> list[str]:
    """Return a list of words, which RESP3 sends in a list of one; no list, or None in it, becomes an empty one."""
    words = reply[0] if reply and (reply[0] is None or isinstance(reply[0], list)) else reply
    return [] if words is None else [plain(word) for word in words]


def as_facts(reply: Any) -> dict[str, Any]:
    """Return a map from the server as a dict; its words become str at every depth."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {plain(key): plain(value) for key, value in pairs}


def as_libraries(reply: Any) -> list[dict[str, Any]]:
    """Return the reply to FUNCTION LIST as dicts; the functions in them are dicts themselves."""
    libraries = [as_facts(library) for library in reply]
    for library in libraries:
        library["functions"] = [as_facts(function) for function in library["functions"]]
    return libraries


def as_function_stats(reply: Any) -> dict[str, Any]:
    """Return the reply to FUNCTION STATS as a dict; what runs and the engines are dicts themselves."""
    stats = as_facts(reply)
    if stats["running_script"] is not None:
        stats["running_script"] = as_facts(stats["running_script"])
    stats["engines"] = {name: as_facts(engine) for name, engine in as_facts(stats["engines"]).items()}
    return stats


def as_facts_or_none(reply: Any) -> dict[str, Any] | None:
    """Return a map from the server as a dict, or None."""
    return None if reply is None else as_facts(reply)


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


def as_scores(reply: Any) -> list[float | None]:
    """Return a list of scores, with None for members that do not exist."""
    return [None if score is None else float(score) for score in reply]


def as_scored(reply: Any) -> list[tuple[Any, float]]:
    """Return members with their scores, whether they arrive as lists or one after the other."""
    if not reply:
        return []
    if type(reply[0]) is not list:
        return list(zip(reply[::2], map(float, reply[1::2]), strict=True))
    if type(reply[0][1]) is float:
        return list(map(tuple, reply))
    return [(member, float(score)) for member, score in reply]


def as_popped(reply: Any) -> tuple[Any, float] | None:
    """Return one member with its score, or None if there was none."""
    return (reply[0], float(reply[1])) if reply else None


def as_popped_from(reply: Any) -> tuple[Any, Any, float] | None:
    """Return a key, a member of it and the score, or None."""
    return None if reply is None else (reply[0], reply[1], float(reply[2]))


def as_popped_many(reply: Any) -> tuple[Any, list[tuple[Any, float]]] | None:
    """Return a key, and members of it with their scores, or None."""
    return None if reply is None else (reply[0], as_scored(reply[1]))


def as_rank(reply: Any) -> tuple[int, float] | None:
    """Return a rank and a score, or None."""
    return None if reply is None else (reply[0], float(reply[1]))


def as_number(reply: Any) -> float | None:
    """Return a number, or None."""
    return None if reply is None else float(reply)


def as_positions(reply: Any) -> list[tuple[float, float] | None]:
    """Return positions as tuples of floats, with None for members that do not exist."""
    return [None if pair is None else (float(pair[0]), float(pair[1])) for pair in reply]


def as_matches(reply: Any) -> list[GeoMatch[Any]]:
    """Return what a geo search found. Parts are told by their types: a distance is text, a hash a whole number."""
    return [_match(*found) for found in reply]


def _match(member: Any, *parts: Any) -> GeoMatch[Any]:
    distance = hash_ = position = None
    for part in parts:
        if isinstance(part, list):
            position = (float(part[0]), float(part[1]))
        elif isinstance(part, int):
            hash_ = part
        else:
            distance = float(part)
    return GeoMatch(member, distance, hash_, position)


def as_client(reply: Any) -> dict[str, str]:
    """Parse one line about a client: ``id=3 addr=127.0.0.1:40000 name= ...``."""
    # Only a space separates: the name of a user may have other characters that Python takes for white space.
    fields = (field.partition("=") for field in plain(reply).rstrip("\n").split(" "))
    return {name: value for name, _, value in fields if name}


def as_clients(reply: Any) -> list[dict[str, str]]:
    """Parse the lines about many clients."""
    return [as_client(line) for line in plain(reply).split("\n") if line]


def plain(value: Any) -> Any:
    """Turn bytes into str, in lists and maps too."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
