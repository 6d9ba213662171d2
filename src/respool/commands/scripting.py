"""Commands on scripts and functions.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. The server
runs a script or function as a whole: no other command comes in between. What it may touch are the keys that the call
names.

What a script or function returns is passed on as it is, and only there the protocol shows: a map, a double or a boolean
is a ``dict``, ``float`` or ``bool`` in RESP3, but a flat list, text or 1 or None in RESP2 (scripts choose with
``redis.setresp``). To get a value of one type, give a parser: ``execute(Command("EVAL", script, 0, parse=float))``.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from respool._facts.command import Command, spec
from respool.commands._arguments import flag, nothing_to_send, option, several
from respool.commands._parsers import as_bools, as_function_stats, as_libraries, as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from respool._facts.command import Arg, Key
    from respool.commands._arguments import FlushMode, Text, Value


EVAL = spec("EVAL")
EVALSHA = spec("EVALSHA")
EVALSHA_RO = spec("EVALSHA_RO")
EVAL_RO = spec("EVAL_RO")
FCALL = spec("FCALL")
FCALL_RO = spec("FCALL_RO")
FUNCTION_DELETE = spec("FUNCTION DELETE").derive(parse=bool)
FUNCTION_DUMP = spec("FUNCTION DUMP")
FUNCTION_FLUSH = spec("FUNCTION FLUSH").derive(parse=bool)
FUNCTION_KILL = spec("FUNCTION KILL").derive(parse=bool)
FUNCTION_LIST = spec("FUNCTION LIST").derive(parse=as_libraries)
FUNCTION_LOAD = spec("FUNCTION LOAD").derive(parse=as_text)
FUNCTION_RESTORE = spec("FUNCTION RESTORE").derive(parse=bool)
FUNCTION_STATS = spec("FUNCTION STATS").derive(parse=as_function_stats)
SCRIPT_EXISTS = spec("SCRIPT EXISTS").derive(parse=as_bools)
SCRIPT_FLUSH = spec("SCRIPT FLUSH").derive(parse=bool)
SCRIPT_KILL = spec("SCRIPT KILL").derive(parse=bool)
SCRIPT_LOAD = spec("SCRIPT LOAD").derive(parse=as_text)
SCRIPT_SHOW = spec("SCRIPT SHOW")


def eval(script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Run a Lua script and return what it returns, in the shape that the protocol gives it.

    The script finds ``keys`` in ``KEYS`` and ``args`` in ``ARGV``, as text; their number is not an argument. Lua's
    ``3.7`` becomes 3, ``tostring(3.7)`` text, ``true`` 1, and ``false`` and ``nil`` None. ``{1, nil, 2}`` ends at the
    nil, as ``[1]``; ``{a = 1}`` is ``[]``. After ``redis.setresp(3)``, and on a pool with RESP3, ``true`` and ``false``
    are bool, ``{double = 3.7}`` is a float and ``{map = {a = 1}}`` a dict. ``execute(Command("EVAL", script, len(keys),
    *keys, *args, parse=function))`` reads a value your way.

    It counts as a write: it is never sent again, unless such a Command has ``idempotent=True``. Raises UsageTypeError
    if ``keys`` or ``args`` is a str. ``evalsha`` sends a script that the server has by its hash.
    """
    return Command(EVAL, script, *_parameters("EVAL", keys, args))


def eval_ro(script: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Run a Lua script that changes nothing, and return what it returns.

    A replica can do it too, and respool retries it like a read. The server refuses writes of the script. Otherwise it
    works like ``eval``. Since Redis 7.0.
    """
    return Command(EVAL_RO, script, *_parameters("EVAL_RO", keys, args))


def evalsha(sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Run the script that has this hash, and return what it returns.

    ``script_load`` and ``eval`` make the server remember a script. Raises NoScript if it does not: after a restart or
    ``script_flush``, or because it keeps only some of them. Call ``eval`` then. Otherwise it works like ``eval``.
    """
    return Command(EVALSHA, sha1, *_parameters("EVALSHA", keys, args))


def evalsha_ro(sha1: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Run the script that has this hash and changes nothing, and return what it returns.

    It is to ``evalsha`` what ``eval_ro`` is to ``eval``. Since Redis 7.0.
    """
    return Command(EVALSHA_RO, sha1, *_parameters("EVALSHA_RO", keys, args))


def fcall(name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Call a function of a library that was loaded, and return what it returns.

    The function gets ``keys`` and ``args`` as its two arguments. ``execute(Command("FCALL", name, len(keys), *keys,
    *args, parse=function))`` reads its value your way. Otherwise it works like ``eval``. Since Redis 7.0.
    """
    return Command(FCALL, name, *_parameters("FCALL", keys, args))


def fcall_ro(name: str | bytes, *, keys: Sequence[Key] = (), args: Sequence[Value] = ()) -> Command[Any]:
    """Call a function that changes nothing, and return what it returns.

    The server refuses a function that was registered without the flag ``no-writes``. A replica can do it too, and
    respool retries it like a read. Otherwise it works like ``fcall``. Since Redis 7.0.
    """
    return Command(FCALL_RO, name, *_parameters("FCALL_RO", keys, args))


def function_delete(library: str | bytes) -> Command[bool]:
    """Delete a library with all its functions, and return True.

    The server refuses if there is no such library. Since Redis 7.0.
    """
    return Command(FUNCTION_DELETE, library)


def function_dump() -> Command[bytes]:
    """Return all libraries in the server's own format, for ``function_restore``. Since Redis 7.0."""
    return Command(FUNCTION_DUMP)


def function_flush(mode: FlushMode | None = None) -> Command[bool]:
    """Delete all libraries and return True.

    ``mode`` says whether their memory is freed in the background; the server's ``lazyfree-lazy-user-flush`` decides
    without it. Since Redis 7.0.
    """
    return Command(FUNCTION_FLUSH, *_mode(mode))


def function_kill() -> Command[bool]:
    """End the function that runs too long, and return True.

    The server refuses if none runs too long (code NOTBUSY), and if it has written already (code UNKILLABLE). Since
    Redis 7.0.
    """
    return Command(FUNCTION_KILL)


def function_list(*, libraryname: str | bytes | None = None, withcode: bool = False) -> Command[list[dict[str, Any]]]:
    """Return the libraries, each as a dict; an empty list if there are none.

    A library has ``library_name``, ``engine`` and ``functions``, a list of dicts with ``name``, ``description`` (or
    None) and ``flags``, a list; with ``withcode`` also ``library_code``. All words are str. ``libraryname`` is a glob
    pattern. Since Redis 7.0.
    """
    return Command(FUNCTION_LIST, *option("LIBRARYNAME", libraryname), *flag("WITHCODE", withcode))


def function_load(code: str | bytes, *, replace: bool = False) -> Command[str]:
    """Load a library and return its name, which its first line says: ``#!lua name=mylib``.

    The server refuses code with an error, and without ``replace`` a library that exists. Since Redis 7.0.
    """
    return Command(FUNCTION_LOAD, *flag("REPLACE", replace), code)


def function_restore(
    payload: bytes, policy: Literal["FLUSH", "APPEND", "REPLACE"] | None = None
) -> Command[bool]:
    """Load the libraries of a ``function_dump``, and return True.

    With ``"FLUSH"`` all other libraries are deleted first; with ``"REPLACE"`` those of the same name are replaced; with
    ``"APPEND"``, and without a policy, the server refuses the payload if one of its libraries exists. Since Redis 7.0.
    """
    return Command(FUNCTION_RESTORE, payload) if policy is None else Command(FUNCTION_RESTORE, payload, policy)


def function_stats() -> Command[dict[str, Any]]:
    """Return the function that runs now, and how many there are.

    ``running_script`` is None, or a dict with ``name``, ``command`` (a list of its words) and ``duration_ms``.
    ``engines`` has for each engine a dict with ``libraries_count`` and ``functions_count``. Since Redis 7.0.
    """
    return Command(FUNCTION_STATS)


def script_exists(*sha1s: str | bytes) -> Command[list[bool]]:
    """Return a list that tells, for each hash in order, whether the server remembers the script.

    Raises UsageValueError without hashes.
    """
    if sha1s:
        return Command(SCRIPT_EXISTS, *sha1s)
    raise nothing_to_send(SCRIPT_EXISTS, "hash")


def script_flush(mode: FlushMode | None = None) -> Command[bool]:
    """Forget all scripts and return True.

    ``mode`` (Redis 6.2) says whether their memory is freed in the background; the server's ``lazyfree-lazy-user-flush``
    decides without it.
    """
    return Command(SCRIPT_FLUSH, *_mode(mode))


def script_kill() -> Command[bool]:
    """End the script that runs too long, and return True.

    The server refuses if none runs too long (code NOTBUSY), and if it has written already (code UNKILLABLE).
    """
    return Command(SCRIPT_KILL)


def script_load(script: str | bytes) -> Command[str]:
    """Make the server remember a script, without running it, and return its hash for ``evalsha``.

    The hash is the SHA-1 of the script in hexadecimal digits. The server refuses a script that Lua cannot compile.
    """
    return Command(SCRIPT_LOAD, script)


def script_show(sha1: str | bytes) -> Command[Text]:
    """Return the script that has this hash.

    Raises NoScript if the server does not remember it. Since Valkey 8.0, not in Redis.
    """
    return Command(SCRIPT_SHOW, sha1)


def _parameters(name: str, keys: Sequence[Key], args: Sequence[Value]) -> tuple[Arg, ...]:
    """Return the number of keys, the keys and the arguments. Raises UsageTypeError if they are no lists."""
    return len(several(name, "keys", keys)), *keys, *several(name, "args", args)


def _mode(mode: FlushMode | None) -> tuple[Arg, ...]:
    return () if mode is None else (mode,)
