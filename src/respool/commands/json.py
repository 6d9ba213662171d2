"""Commands on JSON documents.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. The
commands are those of the module JSON, which is part of Redis 8 and of the bundle of Valkey. On a key that holds
another type the server answers with an error.

A JSON value is a Python value, in and out: what ``json.dumps`` takes, and what ``json.loads`` returns. Its strings are
str, whatever the pool's encoding, which has to be UTF-8 or None. Values that ``json.dumps`` refuses, NaN and infinities
raise UsageTypeError or UsageValueError; keys of a dict that are numbers, True, False or None become text, as there.
``RawJson(text)`` from ``respool.types`` stands for a value whose text you have, and ``raw=True`` returns the text.

A path that begins with ``$`` may match many values, so a reply is a list with an item for each match, and empty without
one; None stands for a match of another type. Old paths (``.a``) match one value, and change the shape of replies.
``json_get`` and ``json_mget`` take both kinds: a list of matches for ``$``, one value for an old path. Functions that
return something about each match take ``$`` paths only.

Source of the facts: the pages of the commands at redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import choose, flag, nothing_to_send, option, whole
from respool.commands._json import as_json, as_json_list, as_numbers, json_text
from respool.commands._parsers import as_bools_or_none, as_list, as_lists_of_words, as_words_of_matches

if TYPE_CHECKING:
    from respool._facts.command import Key
    from respool.commands._arguments import Text

JSON_ARRAPPEND = spec("JSON.ARRAPPEND")
JSON_ARRINDEX = spec("JSON.ARRINDEX")
JSON_ARRINSERT = spec("JSON.ARRINSERT")
JSON_ARRLEN = spec("JSON.ARRLEN")
JSON_ARRPOP = spec("JSON.ARRPOP").derive(parse=as_json_list)
JSON_ARRTRIM = spec("JSON.ARRTRIM")
JSON_CLEAR = spec("JSON.CLEAR")
JSON_DEBUG = spec("JSON.DEBUG").derive(parse=as_list)
JSON_DEL = spec("JSON.DEL")
JSON_GET = spec("JSON.GET").derive(parse=as_json)
JSON_GET_TEXT = spec("JSON.GET")
JSON_MERGE = spec("JSON.MERGE").derive(parse=bool)
JSON_MGET = spec("JSON.MGET").derive(parse=as_json_list)
JSON_MSET = spec("JSON.MSET").derive(parse=bool)
JSON_NUMINCRBY = spec("JSON.NUMINCRBY").derive(parse=as_numbers)
JSON_NUMMULTBY = spec("JSON.NUMMULTBY").derive(parse=as_numbers)
JSON_OBJKEYS = spec("JSON.OBJKEYS").derive(parse=as_lists_of_words)
JSON_OBJLEN = spec("JSON.OBJLEN")
JSON_SET = spec("JSON.SET").derive(parse=bool)
JSON_STRAPPEND = spec("JSON.STRAPPEND")
JSON_STRLEN = spec("JSON.STRLEN")
JSON_TOGGLE = spec("JSON.TOGGLE").derive(parse=as_bools_or_none)
JSON_TYPE = spec("JSON.TYPE").derive(parse=as_words_of_matches)


def json_arrappend(key: Key, path: str, *values: Any) -> Command[list[int | None]]:
    """Append values to arrays, and return the new length of each.

    The server refuses a key that does not exist. Raises UsageValueError without values, and for an old path.
    """
    if not values:
        raise nothing_to_send(JSON_ARRAPPEND, "value")
    return Command(JSON_ARRAPPEND, key, _matching(path), *map(json_text, values))


def json_arrindex(
    key: Key, path: str, value: Any, start: int | None = None, stop: int | None = None
) -> Command[list[int | None]]:
    """Return at which index each array has a value first; -1 if it has not.

    The search begins at ``start`` and ends before ``stop``; a negative index counts from the end, and a ``stop`` of 0
    is the end. The server refuses a key that does not exist. Raises UsageTypeError for ``stop`` without ``start``, and
    UsageValueError for an old path.
    """
    if start is None and stop is not None:
        raise UsageTypeError("stop needs start: give 0 to search from the beginning")
    between = [whole(name, index) for name, index in (("start", start), ("stop", stop)) if index is not None]
    return Command(JSON_ARRINDEX, key, _matching(path), json_text(value), *between)


def json_arrinsert(key: Key, path: str, index: int, *values: Any) -> Command[list[int | None]]:
    """Insert values into arrays before an index, and return the new length of each.

    A negative index counts from the end. The server refuses an index beyond the end, and a key that does not exist.
    Raises UsageValueError without values, and for an old path.
    """
    if not values:
        raise nothing_to_send(JSON_ARRINSERT, "value")
    return Command(JSON_ARRINSERT, key, _matching(path), whole("index", index), *map(json_text, values))


def json_arrlen(key: Key, path: str = "$") -> Command[list[int | None]]:
    """Return the length of each array.

    The server refuses a key that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_ARRLEN, key, _matching(path))


def json_arrpop(key: Key, path: str = "$", index: int = -1) -> Command[list[Any]]:
    """Remove an element of each array and return it; None if there is no array or it is empty.

    ``index`` counts from the end if it is negative, and one beyond an end means that end. The server refuses a key
    that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_ARRPOP, key, _matching(path), whole("index", index))


def json_arrtrim(key: Key, path: str, start: int, stop: int) -> Command[list[int | None]]:
    """Keep only the elements of each array from ``start`` to ``stop``, both included, and return its new length.

    A negative index counts from the end. The server refuses a key that does not exist. Raises UsageValueError for an
    old path.
    """
    return Command(JSON_ARRTRIM, key, _matching(path), whole("start", start), whole("stop", stop))


def json_clear(key: Key, path: str = "$") -> Command[int]:
    """Empty arrays and objects and set numbers to 0, and return how many values changed.

    The server refuses a key that does not exist.
    """
    return Command(JSON_CLEAR, key, path)


def json_debug_memory(key: Key, path: str = "$") -> Command[list[int]]:
    """Return how many bytes of memory each value takes; an empty list if there is no key.

    Raises UsageValueError for an old path.
    """
    return Command(JSON_DEBUG, "MEMORY", key, _matching(path))


def json_del(key: Key, path: str = "$") -> Command[int]:
    """Delete values and return how many there were; the key too if the path is its root."""
    return Command(JSON_DEL, key, path)


@overload
def json_get(key: Key, *paths: str, raw: Literal[False] = False) -> Command[Any]: ...
@overload
def json_get(
    key: Key,
    *paths: str,
    raw: Literal[True],
    indent: str | None = None,
    newline: str | None = None,
    space: str | None = None,
) -> Command[Text | None]: ...
def json_get(
    key: Key,
    *paths: str,
    raw: bool = False,
    indent: str | None = None,
    newline: str | None = None,
    space: str | None = None,
) -> Command[Any]:
    """Return a document, or what paths match in it; None if there is no key.

    Without a path it is the document. One ``$`` path gives a list of matches, and one old path the value, which is
    None for ``null`` too; several paths give a dict with an item for each, lists if one of them begins with ``$``. The
    server refuses an old path that does not match. ``raw`` returns the JSON text, in which ``indent``, ``newline`` and
    ``space`` are what the server writes before each level, after each line and after each colon. Raises UsageTypeError
    for these three without ``raw``.
    """
    if not raw and indent is None and newline is None and space is None:
        return Command(JSON_GET, key, *paths)
    if not raw:
        raise UsageTypeError("indent, newline and space shape the text, so they need raw=True")
    words = (*option("INDENT", indent), *option("NEWLINE", newline), *option("SPACE", space))
    return Command(JSON_GET_TEXT, key, *words, *paths)


def json_merge(key: Key, path: str, value: Any) -> Command[bool]:
    """Merge a value into a document: objects key by key, where None deletes; anything else is replaced.

    Always True. Makes the document if there is none and the path is its root. Since version 2.6 of the module.
    """
    return Command(JSON_MERGE, key, path, json_text(value))


def json_mget(*keys: Key, path: str = ".") -> Command[list[Any]]:
    """Return what a path matches in each of several documents, or the documents; None where there is no key.

    A ``$`` path gives a list of matches for each document, and an old path the value, or None if there is none. Raises
    UsageValueError without keys.
    """
    if keys:
        return Command(JSON_MGET, *keys, path)
    raise nothing_to_send(JSON_MGET, "key")


def json_mset(*values: tuple[Key, str, Any]) -> Command[bool]:
    """Set values, each given as a tuple of key, path and value: all or none.

    Always True. The server refuses a document that does not exist, unless the path is its root. Raises UsageValueError
    without values, and UsageTypeError for anything but such tuples. Since version 2.6 of the module.
    """
    if not values:
        raise nothing_to_send(JSON_MSET, "value")
    words: list[Any] = []
    value: Any
    for value in values:
        if not isinstance(value, tuple) or len(value) != 3:
            raise UsageTypeError("JSON.MSET takes tuples of a key, a path and a value: json_mset(('k', '$', 1), ...)")
        words += (value[0], value[1], json_text(value[2]))
    return Command(JSON_MSET, *words)


def json_numincrby(key: Key, path: str, number: float) -> Command[list[float | None]]:
    """Add a number to numbers, and return the new value of each: an int where the result is one.

    The server refuses a key that does not exist. Raises UsageTypeError unless it is a number, and UsageValueError for
    an old path.
    """
    return Command(JSON_NUMINCRBY, key, _matching(path), _number(number))


def json_nummultby(key: Key, path: str, number: float) -> Command[list[float | None]]:
    """Multiply numbers by a number, and return the new value of each.

    Otherwise it works like ``json_numincrby``.
    """
    return Command(JSON_NUMMULTBY, key, _matching(path), _number(number))


def json_objkeys(key: Key, path: str = "$") -> Command[list[list[str] | None]]:
    """Return the keys of each object.

    The server refuses a key that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_OBJKEYS, key, _matching(path))


def json_objlen(key: Key, path: str = "$") -> Command[list[int | None]]:
    """Return how many keys each object has.

    The server refuses a key that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_OBJLEN, key, _matching(path))


def json_set(key: Key, path: str, value: Any, *, nx: bool = False, xx: bool = False) -> Command[bool]:
    """Set a value, and return whether it was set.

    It is not set if its parent does not exist, and with ``nx`` only if nothing matches, with ``xx`` only if something
    does. The server refuses a document that does not exist, unless the path is its root. Raises UsageValueError for
    both conditions.
    """
    return Command(JSON_SET, key, path, json_text(value), *choose(nx=flag("NX", nx), xx=flag("XX", xx)))


def json_strappend(key: Key, path: str, text: str) -> Command[list[int | None]]:
    """Append text to strings, and return the new length of each in bytes.

    The server refuses a key that does not exist. Raises UsageTypeError unless the text is a str, and UsageValueError
    for an old path.
    """
    if not isinstance(text, str):
        raise UsageTypeError(f"text must be a str, not {type(text).__name__}: a JSON string is text")
    return Command(JSON_STRAPPEND, key, _matching(path), json_text(text))


def json_strlen(key: Key, path: str = "$") -> Command[list[int | None]]:
    """Return the length of each string in bytes.

    The server refuses a key that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_STRLEN, key, _matching(path))


def json_toggle(key: Key, path: str) -> Command[list[bool | None]]:
    """Turn True into False and False into True, and return the new values.

    The server refuses a key that does not exist. Raises UsageValueError for an old path.
    """
    return Command(JSON_TOGGLE, key, _matching(path))


def json_type(key: Key, path: str = "$") -> Command[list[str]]:
    """Return the type of each value; an empty list if there is no key.

    The types are "object", "array", "string", "integer", "number" (with a fraction), "boolean" and "null". Raises
    UsageValueError for an old path.
    """
    return Command(JSON_TYPE, key, _matching(path))


def _matching(path: str) -> str:
    """Return a path that the server answers with a list of matches."""
    if not isinstance(path, str):
        raise UsageTypeError(f"path must be a str, not {type(path).__name__}")
    if path == "$" or path.startswith(("$.", "$[")):
        return path
    raise UsageValueError(f"path must begin with $, as in '$.name': the reply to {path!r} would have another shape")


def _number(number: float) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise UsageTypeError(f"number must be an int or a float, not {type(number).__name__}")
    return number
