"""The keys of one node of a ``FakeCluster``, and the few commands it knows.

Rule 1: a value is bytes or a list of bytes. Nothing expires.
Rule 2: every change counts up the version of its key, so that WATCH notices it.
Rule 3: the cluster's lock is held by whoever calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from respool._facts.slots import slot_of
from respool.testing._actions import Command
from respool.testing._resp import OK, Value, error

Stored: TypeAlias = "bytes | list[bytes]"


class Refused(Exception):
    """A command failed; the text is the error that the server answers with."""


class Store:
    """What one node holds."""

    def __init__(self) -> None:
        self.values: dict[bytes, Stored] = {}
        self._versions: dict[bytes, int] = {}

    def __contains__(self, key: object) -> bool:
        return key in self.values

    def version(self, key: bytes) -> int:
        """Return a number that changes with the value of the key."""
        return self._versions.get(key, 0)

    def put(self, key: bytes, value: Stored | None) -> None:
        """Set a key; None deletes it, and so does an empty list."""
        if value is None or value == []:
            self.values.pop(key, None)
        else:
            self.values[key] = value
        self._versions[key] = self.version(key) + 1

    def keys_in(self, slots: Iterable[int]) -> list[bytes]:
        """Return the keys of these slots."""
        wanted = set(slots)
        return [key for key in self.values if slot_of(key) in wanted]

    def copy(self, source: Store, keys: Iterable[bytes]) -> None:
        """Make these keys what they are in ``source``."""
        for key in keys:
            value = source.values.get(key)
            self.put(key, list(value) if isinstance(value, list) else value)

    def become(self, source: Store) -> None:
        """Forget all keys, and copy those of ``source``."""
        self.copy(source, list(self.values.keys() | source.values.keys()))

    def text(self, key: bytes) -> bytes | None:
        """Return a string; None if there is none. Raises Refused for a list."""
        value = self.values.get(key)
        if isinstance(value, list):
            raise Refused(WRONG_TYPE)
        return value

    def items(self, key: bytes) -> list[bytes]:
        """Return a list, empty if there is none. Raises Refused for a string."""
        value = self.values.get(key, [])
        if isinstance(value, bytes):
            raise Refused(WRONG_TYPE)
        return value


WRONG_TYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Known(NamedTuple):
    """A command of the store: how many words it has (negative: or more), and what it does with all but the first."""

    arity: int
    run: Callable[..., Value]


def refusal(command: Command) -> bytes | None:
    """Return the error for a command of the store with too few words or too many; None for a good one."""
    known = COMMANDS[command[0]]
    count = len(command)
    is_good = count == known.arity if known.arity > 0 else count >= -known.arity
    if command[0] == b"MSET" and count % 2 == 0:
        is_good = False
    return None if is_good else error(f"ERR wrong number of arguments for '{command[0].decode().lower()}' command")


def run(store: Store, command: Command) -> Value:
    """Run a command of the store that ``refusal`` finds good. A list that a blocking command waits for is None."""
    try:
        return COMMANDS[command[0]].run(store, *command[1:])
    except Refused as why:
        return error(str(why))


def _get(store: Store, key: bytes) -> Value:
    return store.text(key)


def _set(store: Store, key: bytes, value: bytes, *options: bytes) -> Value:
    conditions = {option.upper() for option in options}
    if not conditions <= {b"NX", b"XX"}:
        raise Refused("ERR the store of a FakeCluster knows only NX and XX: script this SET with on()")
    if (b"NX" in conditions and key in store) or (b"XX" in conditions and key not in store):
        return None
    store.put(key, value)
    return OK


def _incr(store: Store, key: bytes) -> Value:
    return _add(store, key, b"1")


def _add(store: Store, key: bytes, amount: bytes) -> Value:
    try:
        number = int(store.text(key) or b"0") + int(amount)
    except ValueError as why:
        raise Refused("ERR value is not an integer or out of range") from why
    store.put(key, b"%d" % number)
    return number


def _append(store: Store, key: bytes, value: bytes) -> Value:
    text = (store.text(key) or b"") + value
    store.put(key, text)
    return len(text)


def _mget(store: Store, *keys: bytes) -> Value:
    values = [store.values.get(key) for key in keys]
    return [None if isinstance(value, list) else value for value in values]


def _mset(store: Store, *pairs: bytes) -> Value:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        store.put(key, value)
    return OK


def _delete(store: Store, *keys: bytes) -> Value:
    there = [key for key in dict.fromkeys(keys) if key in store]
    for key in there:
        store.put(key, None)
    return len(there)


def _exists(store: Store, *keys: bytes) -> Value:
    return sum(key in store for key in keys)


def _lpush(store: Store, key: bytes, *values: bytes) -> Value:
    items = [*reversed(values), *store.items(key)]
    store.put(key, items)
    return len(items)


def _rpush(store: Store, key: bytes, *values: bytes) -> Value:
    items = [*store.items(key), *values]
    store.put(key, items)
    return len(items)


def _lpop(store: Store, key: bytes) -> Value:
    items = store.items(key)
    if not items:
        return None
    store.put(key, items[1:])
    return items[0]


def _blpop(store: Store, *words: bytes) -> Value:
    *keys, timeout = words
    try:
        seconds = float(timeout)
    except ValueError as why:
        raise Refused("ERR timeout is not a float or out of range") from why
    if seconds < 0:
        raise Refused("ERR timeout is negative")
    for key in keys:
        if store.items(key):
            return [key, _lpop(store, key)]
    return None


def _llen(store: Store, key: bytes) -> Value:
    return len(store.items(key))


def _dbsize(store: Store) -> Value:
    return len(store.values)


def _flushall(store: Store, *_mode: bytes) -> Value:
    store.become(Store())
    return OK


COMMANDS: Final = {
    b"APPEND": Known(3, _append),
    b"BLPOP": Known(-3, _blpop),
    b"DBSIZE": Known(1, _dbsize),
    b"DEL": Known(-2, _delete),
    b"EXISTS": Known(-2, _exists),
    b"FLUSHALL": Known(-1, _flushall),
    b"GET": Known(2, _get),
    b"INCR": Known(2, _incr),
    b"INCRBY": Known(3, _add),
    b"LLEN": Known(2, _llen),
    b"LPOP": Known(2, _lpop),
    b"LPUSH": Known(-3, _lpush),
    b"MGET": Known(-2, _mget),
    b"MSET": Known(-3, _mset),
    b"RPUSH": Known(-3, _rpush),
    b"SET": Known(-3, _set),
    b"TOUCH": Known(-2, _exists),
    b"UNLINK": Known(-2, _delete),
}
