"""Parsers of what a server reports about itself: its state, its users, its commands and its logs.

Rule 1: the rules of ``_parsers`` hold here too.
Rule 2: text that looks like a number is not always one. In INFO it becomes a number only if it is written as one, and
        never if its name says that it is a version, a hash or an id. Where RESP3 sends a number and RESP2 its text,
        the protocol says that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from respool._facts.server_records import (
    CommandInfo,
    CommandLogEntry,
    ConnectedReplica,
    LatencyEvent,
    LatencyHistogram,
    PrimaryRole,
    ReplicaRole,
    SentinelRole,
    SlowLogEntry,
)
from respool.commands._parsers import as_client, as_facts, as_map, as_text

_WHOLE: Final = re.compile(r"-?(0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?[0-9]+\.[0-9]+")
_PARTS: Final = re.compile(r"[\w.|-]+=[^,]*(,[\w.|-]+=[^,]*)*")
#: Names whose values are no numbers, even if all of their characters are digits. The id of a process is a number.
_NO_NUMBER: Final = re.compile(r"version|sha\d|replid|(^|_)(?<!process_)id$")


def as_words(reply: Any) -> list[str]:
    """Return a list of words of the server as str."""
    return [_text(word) for word in reply]


def as_whether_ok(reply: Any) -> str | None:
    """Return None for OK, else the text that says why not."""
    text = as_text(reply)
    return None if text == "OK" else text


def as_time(reply: Any) -> datetime:
    """Return seconds and microseconds since 1970 as a moment."""
    seconds, microseconds = map(int, reply)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


def as_moment(reply: Any) -> datetime:
    """Return seconds since 1970 as a moment."""
    return datetime.fromtimestamp(reply, UTC)


# INFO -------------------------------------------------------------------------------------------------


def as_report(reply: Any) -> dict[str, Any]:
    """Return the lines ``name:value`` of INFO as a dict. Modules are a list, however many there are."""
    lines = (line.rstrip("\r").partition(":") for line in _text(reply).split("\n") if not line.startswith("#"))
    report = _gathered((name, _value(name, text)) for name, colon, text in lines if colon)
    if isinstance(report.get("module"), dict):
        report["module"] = [report["module"]]
    return report


def _gathered(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dict; a name that comes more than once has a list of its values."""
    found: dict[str, list[Any]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _value(name: str, text: str) -> Any:
    """Return a value of INFO, ``a=1,b=2`` as a dict."""
    if _PARTS.fullmatch(text):
        parts = (part.partition("=") for part in text.split(","))
        return _gathered((inner, _number_or_text(inner, value)) for inner, _, value in parts)
    return _number_or_text(name, text)


def _number_or_text(name: str, text: str) -> int | float | str:
    if _NO_NUMBER.search(name):
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


# Settings, users, modules, memory ---------------------------------------------------------------------


def as_settings(reply: Any) -> dict[str, str]:
    """Return a map of names to values, all of them str."""
    return {_text(name): _text(value) for name, value in as_map(reply).items()}


def as_user(reply: Any) -> dict[str, Any] | None:
    """Return what ACL GETUSER tells, with the selectors as dicts; None if there is no such user."""
    if reply is None:
        return None
    user = as_facts(reply)
    if "selectors" in user:
        user["selectors"] = [as_facts(selector) for selector in user["selectors"]]
    return user


def as_denials(reply: Any) -> list[dict[str, Any]]:
    """Return the entries of ACL LOG; the age is a float, and the information about the client a dict."""
    return [_denial(as_facts(entry)) for entry in reply]


def _denial(entry: dict[str, Any]) -> dict[str, Any]:
    entry["age-seconds"] = float(entry["age-seconds"])
    entry["client-info"] = as_client(entry["client-info"])
    return entry


def as_modules(reply: Any) -> list[dict[str, Any]]:
    """Return one dict for each module."""
    return [as_facts(module) for module in reply]


def as_memory_stats(reply: Any) -> dict[str, Any]:
    """Return what MEMORY STATS tells: numbers, and a dict for each database. RESP2 sends fractions as text."""
    return {_text(name): _memory(value) for name, value in as_map(reply).items()}


def _memory(value: Any) -> Any:
    if isinstance(value, list | dict):
        return as_memory_stats(value)
    return float(value) if isinstance(value, bytes | str) else value


# Logs and latency -------------------------------------------------------------------------------------


def as_slow_log(reply: Any) -> list[SlowLogEntry[Any]]:
    """Return the entries of SLOWLOG GET."""
    return [SlowLogEntry._make(_entry(*parts)) for parts in reply]


def as_command_log(reply: Any) -> list[CommandLogEntry[Any]]:
    """Return the entries of COMMANDLOG GET."""
    return [CommandLogEntry._make(_entry(*parts)) for parts in reply]


def _entry(
    id: int, timestamp: int, amount: int, args: list[Any], address: Any = "", client_name: Any = "", *_: Any
) -> tuple[Any, ...]:
    """Return the parts of an entry; servers before Redis 4.0 send four of them."""
    return id, timestamp, amount, args, _text(address), _text(client_name)


def as_latency_events(reply: Any) -> list[LatencyEvent]:
    """Return what LATENCY LATEST tells."""
    return [_latency_event(*parts) for parts in reply]


def _latency_event(
    event: Any, timestamp: int, latest: int, highest: int, total: int | None = None, spikes: int | None = None, *_: Any
) -> LatencyEvent:
    return LatencyEvent(_text(event), timestamp, latest, highest, total, spikes)


def as_histograms(reply: Any) -> dict[str, LatencyHistogram]:
    """Return what LATENCY HISTOGRAM tells, by the name of the command."""
    entries = ((name, as_facts(entry)) for name, entry in as_map(reply).items())
    return {_text(name): LatencyHistogram(entry["calls"], as_map(entry["histogram_usec"])) for name, entry in entries}


# Commands ---------------------------------------------------------------------------------------------


def as_commands(reply: Any) -> dict[str, CommandInfo]:
    """Return what COMMAND INFO tells, by name; None stands for a command that the server does not know."""
    found = (_command(*entry) for entry in reply if entry is not None)
    return {command.name: command for command in found}


def _command(
    name: Any,
    arity: int,
    flags: Any,
    first_key: int,
    last_key: int,
    step: int,
    acl_categories: Any = (),
    tips: Any = (),
    key_specs: Any = (),
    subcommands: Any = (),
    *_: Any,
) -> CommandInfo:
    return CommandInfo(
        name=_text(name),
        arity=arity,
        flags=set(as_words(flags)),
        first_key=first_key,
        last_key=last_key,
        step=step,
        acl_categories=set(as_words(acl_categories)),
        tips=set(as_words(tips)),
        key_specs=[_key_spec(as_facts(each)) for each in key_specs],
        subcommands=as_commands(subcommands),
    )


def _key_spec(spec: dict[str, Any]) -> dict[str, Any]:
    for part in ("begin_search", "find_keys"):
        spec[part] = as_facts(spec[part])
        spec[part]["spec"] = as_facts(spec[part]["spec"])
    return spec


def as_docs(reply: Any) -> dict[str, dict[str, Any]]:
    """Return what COMMAND DOCS tells, by the name of the command; maps are dicts at every depth."""
    return {_text(name): _doc(as_facts(doc)) for name, doc in as_map(reply).items()}


def _doc(doc: dict[str, Any]) -> dict[str, Any]:
    if "history" in doc:
        doc["history"] = [(since, change) for since, change in doc["history"]]
    if "arguments" in doc:
        doc["arguments"] = [_argument(argument) for argument in doc["arguments"]]
    if "subcommands" in doc:
        doc["subcommands"] = as_docs(doc["subcommands"])
    return doc


def _argument(reply: Any) -> dict[str, Any]:
    argument = as_facts(reply)
    if "arguments" in argument:
        argument["arguments"] = [_argument(inner) for inner in argument["arguments"]]
    return argument


def as_keys_with_flags(reply: Any) -> list[tuple[Any, list[str]]]:
    """Return keys, each with what the command does to it."""
    return [(key, as_words(flags)) for key, flags in reply]


# Roles ------------------------------------------------------------------------------------------------


def as_role(reply: Any) -> PrimaryRole | ReplicaRole | SentinelRole:
    """Return what ROLE tells, in the record of the role."""
    match _text(reply[0]), *reply[1:]:
        case "master", offset, replicas:
            return PrimaryRole("master", offset, [_replica(*each) for each in replicas])
        case "slave", host, port, state, offset:
            return ReplicaRole("slave", _text(host), port, _text(state), offset)
        case "sentinel", primaries:
            return SentinelRole("sentinel", as_words(primaries))
    raise ValueError(f"ROLE does not tell {_text(reply[0])!r} to a client")


def _replica(host: Any, port: Any, offset: Any) -> ConnectedReplica:
    return ConnectedReplica(_text(host), int(port), int(offset))


def _text(word: Any) -> str:
    """Return a word of the server as str; an empty one for none."""
    return as_text(word) or ""
