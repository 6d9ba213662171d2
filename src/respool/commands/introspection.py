"""Commands that look into a server: its commands, its logs, its latency, its memory and its modules.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError
from respool.commands._arguments import at_least, choose, nothing_to_send, option
from respool.commands._parsers import as_list, as_pairs, as_text
from respool.commands._reports import (
    as_command_log,
    as_commands,
    as_docs,
    as_histograms,
    as_keys_with_flags,
    as_latency_events,
    as_memory_stats,
    as_modules,
    as_slow_log,
    as_words,
)

if TYPE_CHECKING:
    from respool._facts.command import Arg, Key
    from respool._facts.server_records import (
        CommandInfo,
        CommandLogEntry,
        LatencyEvent,
        LatencyHistogram,
        SlowLogEntry,
    )
    from respool.commands._arguments import Text

CommandLogType: TypeAlias = Literal["SLOW", "LARGE-REQUEST", "LARGE-REPLY"]
"""Which of the logs of ``COMMANDLOG``: slow commands, large requests, or large replies."""

COMMAND_COUNT = spec("COMMAND COUNT")
COMMAND_DOCS = spec("COMMAND DOCS").derive(parse=as_docs)
COMMAND_GETKEYS = spec("COMMAND GETKEYS").derive(parse=as_list)
COMMAND_GETKEYSANDFLAGS = spec("COMMAND GETKEYSANDFLAGS").derive(parse=as_keys_with_flags)
COMMAND_INFO = spec("COMMAND INFO").derive(parse=as_commands)
COMMAND_LIST = spec("COMMAND LIST").derive(parse=as_words)
COMMANDLOG_GET = spec("COMMANDLOG GET").derive(parse=as_command_log)
COMMANDLOG_LEN = spec("COMMANDLOG LEN")
COMMANDLOG_RESET = spec("COMMANDLOG RESET").derive(parse=bool)
LATENCY_DOCTOR = spec("LATENCY DOCTOR").derive(parse=as_text)
LATENCY_GRAPH = spec("LATENCY GRAPH").derive(parse=as_text)
LATENCY_HISTOGRAM = spec("LATENCY HISTOGRAM").derive(parse=as_histograms)
LATENCY_HISTORY = spec("LATENCY HISTORY").derive(parse=as_pairs)
LATENCY_LATEST = spec("LATENCY LATEST").derive(parse=as_latency_events)
LATENCY_RESET = spec("LATENCY RESET")
MEMORY_DOCTOR = spec("MEMORY DOCTOR").derive(parse=as_text)
MEMORY_MALLOC_STATS = spec("MEMORY MALLOC-STATS").derive(parse=as_text)
MEMORY_PURGE = spec("MEMORY PURGE").derive(parse=bool)
MEMORY_STATS = spec("MEMORY STATS").derive(parse=as_memory_stats)
MEMORY_USAGE = spec("MEMORY USAGE")
MODULE_LIST = spec("MODULE LIST").derive(parse=as_modules)
MODULE_LOAD = spec("MODULE LOAD").derive(parse=bool)
MODULE_LOADEX = spec("MODULE LOADEX").derive(parse=bool)
MODULE_UNLOAD = spec("MODULE UNLOAD").derive(parse=bool)
SLOWLOG_GET = spec("SLOWLOG GET").derive(parse=as_slow_log)
SLOWLOG_LEN = spec("SLOWLOG LEN")
SLOWLOG_RESET = spec("SLOWLOG RESET").derive(parse=bool)


def command_count() -> Command[int]:
    """Return how many commands the server knows, without subcommands."""
    return Command(COMMAND_COUNT)


def command_docs(*names: str) -> Command[dict[str, dict[str, Any]]]:
    """Return the server's documentation of commands by name, or that of all commands.

    ``{"get": {"summary": ..., "since": "1.0.0", "group": "string", "arguments": [{"name": "key", ...}], ...}}``. An
    unknown name is missing. ``"config|get"`` names a subcommand; those of a container are under "subcommands".
    ``history`` is a list of pairs of a version and what changed. Since Redis 7.0.
    """
    return Command(COMMAND_DOCS, *names)


def command_getkeys(*words: Arg) -> Command[list[Text]]:
    """Return the keys of a command; ``words`` are its name and all of its arguments. It is not run.

    The server refuses a command without keys. Raises UsageValueError without words.
    """
    if words:
        return Command(COMMAND_GETKEYS, *words)
    raise nothing_to_send(COMMAND_GETKEYS, "word")


def command_getkeysandflags(*words: Arg) -> Command[list[tuple[Text, list[str]]]]:
    """Return the keys of a command, each with flags that tell what the command does to it.

    ``[("k", ["RW", "access", "update"])]``. It is otherwise like ``command_getkeys``. Since Redis 7.0.
    """
    if words:
        return Command(COMMAND_GETKEYSANDFLAGS, *words)
    raise nothing_to_send(COMMAND_GETKEYSANDFLAGS, "word")


def command_info(*names: str) -> Command[dict[str, CommandInfo]]:
    """Return the facts about commands by name, or about all commands.

    An unknown name is missing. ``"config|get"`` names a subcommand (Redis 7.0).
    """
    return Command(COMMAND_INFO, *names)


def command_list(
    *, module: str | None = None, aclcat: str | None = None, pattern: str | None = None
) -> Command[list[str]]:
    """Return the names of all commands, of those of a module or an ACL category, or that match a glob pattern.

    The list is empty if there is no such module or category. Raises UsageValueError for more than one option. Since
    Redis 7.0.
    """
    if module is None and aclcat is None and pattern is None:
        return Command(COMMAND_LIST)
    chosen = choose(
        module=option("MODULE", module), aclcat=option("ACLCAT", aclcat), pattern=option("PATTERN", pattern)
    )
    return Command(COMMAND_LIST, "FILTERBY", *chosen)


def commandlog_get(count: int, type: CommandLogType) -> Command[list[CommandLogEntry[Text]]]:
    """Return the latest ``count`` entries of a log of commands, the newest first; -1 stands for all.

    Long arguments are cut as in ``slowlog_get``. Raises UsageValueError for a count below -1. Since Valkey 8.1.
    """
    return Command(COMMANDLOG_GET, at_least(-1, "count", count), type)


def commandlog_len(type: CommandLogType) -> Command[int]:
    """Return the number of entries of a log of commands.

    Since Valkey 8.1.
    """
    return Command(COMMANDLOG_LEN, type)


def commandlog_reset(type: CommandLogType) -> Command[bool]:
    """Remove all entries of a log of commands, and return True.

    Since Valkey 8.1.
    """
    return Command(COMMANDLOG_RESET, type)


def latency_doctor() -> Command[str]:
    """Return the server's analysis of its latency, as text for people."""
    return Command(LATENCY_DOCTOR)


def latency_graph(event: str) -> Command[str]:
    """Return the latency of an event over time as a drawing of characters.

    The server refuses an event without samples.
    """
    return Command(LATENCY_GRAPH, event)


def latency_histogram(*names: str) -> Command[dict[str, LatencyHistogram]]:
    """Return how long the calls of commands took, by name, or of all commands that were called.

    A command that was not called is missing. A container stands for its subcommands. Since Redis 7.0.
    """
    return Command(LATENCY_HISTOGRAM, *names)


def latency_history(event: str) -> Command[list[tuple[int, int]]]:
    """Return the latest spikes of an event: pairs of the time in seconds since 1970, and milliseconds.

    The list is empty if there were none. The server records spikes of more than ``latency-monitor-threshold``.
    """
    return Command(LATENCY_HISTORY, event)


def latency_latest() -> Command[list[LatencyEvent]]:
    """Return the latest spike of each event that has made the server slow."""
    return Command(LATENCY_LATEST)


def latency_reset(*events: str) -> Command[int]:
    """Forget the spikes of events, or of all events, and return for how many events there were some."""
    return Command(LATENCY_RESET, *events)


def memory_doctor() -> Command[str]:
    """Return the server's analysis of its memory, as text for people."""
    return Command(MEMORY_DOCTOR)


def memory_malloc_stats() -> Command[str]:
    """Return the statistics of the memory allocator, as text for people."""
    return Command(MEMORY_MALLOC_STATS)


def memory_purge() -> Command[bool]:
    """Ask the memory allocator to give unused memory back to the system, and return True."""
    return Command(MEMORY_PURGE)


def memory_stats() -> Command[dict[str, Any]]:
    """Return how the server uses its memory.

    ``{"total.allocated": 1652328, "dataset.percentage": 99.8, "db.0": {"overhead.hashtable.main": 288, ...}, ...}``:
    numbers, in bytes unless the name says otherwise, and a dict for each database.
    """
    return Command(MEMORY_STATS)


def memory_usage(key: Key, *, samples: int | None = None) -> Command[int | None]:
    """Return how many bytes of memory a key and its value take, or None if there is no such key.

    Of a value with elements the server examines ``samples``, 5 by default, and all with 0. Raises UsageValueError for
    a negative number of samples.
    """
    if samples is None:
        return Command(MEMORY_USAGE, key)
    return Command(MEMORY_USAGE, key, "SAMPLES", at_least(0, "samples", samples))


def module_list() -> Command[list[dict[str, Any]]]:
    """Return one dict for each module that is loaded: ``{"name": "bf", "ver": 20802, "path": ..., "args": []}``.

    Before Redis 7.0 there are only name and ver.
    """
    return Command(MODULE_LIST)


def module_load(path: str, *args: Arg) -> Command[bool]:
    """Load a module from a file on the server's machine, and return True.

    The server refuses unless ``enable-module-command`` allows it.
    """
    return Command(MODULE_LOAD, path, *args)


def module_loadex(path: str, *, config: Mapping[str, Arg] | None = None, args: Sequence[Arg] = ()) -> Command[bool]:
    """Load a module with values for its settings, and return True.

    Otherwise it works like ``module_load``. Raises UsageTypeError unless ``config`` is a mapping and ``args`` a list
    or tuple. Since Redis 7.0.
    """
    if config is not None and not isinstance(config, Mapping):
        raise UsageTypeError(f"config must be a mapping of names to values, not {type(config).__name__}")
    if not isinstance(args, list | tuple):
        raise UsageTypeError(f"args must be a list or tuple, not {type(args).__name__}")
    settings = [word for item in (config or {}).items() for word in ("CONFIG", *item)]
    return Command(MODULE_LOADEX, path, *settings, *(("ARGS", *args) if args else ()))


def module_unload(name: str) -> Command[bool]:
    """Unload a module, and return True.

    ``name`` is that of ``module_list``, not of the file. The server refuses for a module with data types of its own.
    """
    return Command(MODULE_UNLOAD, name)


def slowlog_get(count: int | None = None) -> Command[list[SlowLogEntry[Text]]]:
    """Return the latest commands that took long, the newest first: 10, or ``count``.

    A count of -1 stands for all (Redis 7.0), and 0 for none: the list is empty. The server records commands that take
    at least ``slowlog-log-slower-than`` microseconds, and of a long argument only the first 128 bytes: they may end
    within a character, which is a DecodeError on a pool with an encoding. ``using(encoding=None)`` has all entries.
    Raises UsageValueError for a count below -1.
    """
    if count is None:
        return Command(SLOWLOG_GET)
    return Command(SLOWLOG_GET, at_least(-1, "count", count))


def slowlog_len() -> Command[int]:
    """Return how many commands the slow log has."""
    return Command(SLOWLOG_LEN)


def slowlog_reset() -> Command[bool]:
    """Remove all entries of the slow log, and return True."""
    return Command(SLOWLOG_RESET)
