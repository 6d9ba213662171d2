"""The server's COMMAND, COMMAND DOCS and COMMAND GETKEYSANDFLAGS judge the command functions."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from examples import Example, examples
from respool import commands
from respool._facts.command import Command, Spec
from respool._facts.errors import ServerError

MODULES = [
    import_module(f"respool.commands.{path.stem}") for path in sorted(Path(commands.__file__).parent.glob("[a-z]*.py"))
]

AMONG_SERVERS = "servers send it to each other"
BY_EXECUTE = "by execute() on a lease"
OLD_NAME = "an old name of another command"
#: Commands without a function, and why. Every HELP is left out: it is text for people at a prompt.
LEFT_OUT = {
    "ASKING": "the router of a cluster sends it",
    "CLIENT REPLY": "nothing answers it; execute_noreply() and execute_many_noreply() do it safely",
    "CLUSTER SLAVES": OLD_NAME,
    "CLUSTER SYNCSLOTS": AMONG_SERVERS,
    "BF.DEBUG": "for developers of the module",
    "COMMAND": "command_info() without names asks the same",
    "DEBUG": "for developers of the server; off by default",
    "DISCARD": BY_EXECUTE,
    "EXEC": BY_EXECUTE,
    "JSON.FORGET": "the other name of JSON.DEL",
    "JSON.NUMPOWBY": "the module does not document it",
    "JSON.RESP": "JSON.GET has the same as a Python value",
    "MONITOR": "it answers with lines without end",
    "MULTI": "pipeline(atomic=True); or by execute() on a lease",
    "PFDEBUG": "for developers of the server",
    "PFSELFTEST": "for developers of the server",
    "PSUBSCRIBE": BY_EXECUTE,
    "PSYNC": AMONG_SERVERS,
    "PUNSUBSCRIBE": BY_EXECUTE,
    "READONLY": "part of the handshake with a replica of a cluster",
    "READWRITE": "part of the handshake with a replica of a cluster",
    "REPLCONF": AMONG_SERVERS,
    "RESTORE-ASKING": AMONG_SERVERS,
    "SCRIPT DEBUG": "an interactive session",
    "SLAVEOF": OLD_NAME,
    "SSUBSCRIBE": BY_EXECUTE,
    "SUBSCRIBE": BY_EXECUTE,
    "SUBSTR": "the name of GETRANGE before Redis 2.0",
    "SUNSUBSCRIBE": BY_EXECUTE,
    "SYNC": AMONG_SERVERS,
    "UNSUBSCRIBE": BY_EXECUTE,
}
#: Families of commands, by how their names begin: what has no function among them is called by execute().
FAMILIES = {
    "CF.": "a filter that BF covers for most",
    "CMS.": "a sketch that few use",
    "FT.": "aliases, dictionaries, suggestions and the rest: rarely used, and without a shape of their own",
    "TDIGEST.": "a sketch that few use",
    "TOPK.": "a sketch that few use",
    "_FT.": "the nodes of a cluster send it to each other",
}
#: Commands with a channel that finds its node as a key does, although the server calls it none.
CHANNELS = {"SPUBLISH"}
#: Commands whose first argument names a slot like a key, but is none.
ROUTED_WITHOUT_KEY = {"CLUSTERSCAN"}
STORED = {"SORT": ["m"], "GEORADIUS": ["m"], "GEORADIUSBYMEMBER": ["m"]}
#: What has more keys than its module tells.
HAS_MORE_KEYS = {"JSON.MGET"}
#: What the module calls read-only, but moves on.
MOVES_ON = {"FT.CURSOR"}
#: What the server says of a key that a command changes.
CHANGED = {"RW", "OW", "RM"}
#: What changes a key without changing what anybody can see: it keeps the count there, for the next time.
KEEPS_THE_COUNT = {"PFCOUNT"}


EXAMPLES = examples()
GROUPS = sorted({example.group for example in EXAMPLES})


def documented(docs: dict[str, Any]) -> Iterator[str]:
    """Yield the name of every command that can be sent: a container is none."""
    for name, entry in docs.items():
        if "subcommands" in entry:
            yield from documented(entry["subcommands"])
        else:
            yield name.upper().replace("|", " ")


def specs(module: ModuleType) -> list[Spec]:
    return [value for value in vars(module).values() if isinstance(value, Spec)]


def test_every_documented_command_has_a_function(talk: Any) -> None:
    known = {spec.name for module in MODULES for spec in specs(module)} | LEFT_OUT.keys()
    names = set(documented(talk(3, "utf-8")("COMMAND", "DOCS")))
    wanted = {name for name in names - known if not name.endswith(" HELP")}
    assert {name for name in wanted if not name.startswith(tuple(FAMILIES))} == set()


def test_no_command_that_has_a_function_is_left_out() -> None:
    assert {spec.name for module in MODULES for spec in specs(module)} & LEFT_OUT.keys() == set()


def test_no_spec_is_without_a_function(all_examples: list[Example]) -> None:
    called = {example.call.command.name for example in all_examples}
    assert {spec.name for module in MODULES for spec in specs(module)} == called


@pytest.mark.parametrize("group", GROUPS)
def test_the_server_accepts_the_number_of_arguments(group: str, called: str, talk: Any) -> None:
    for command, entry in known(group, called, talk(3, "utf-8")):
        arity = entry[1]
        assert len(command.args) == arity if arity > 0 else len(command.args) >= -arity, command.args


@pytest.mark.parametrize("group", GROUPS)
def test_the_keys_are_those_the_server_finds(group: str, called: str, talk: Any) -> None:
    ask = talk(3, None)
    for command, entry in known(group, called, talk(3, "utf-8")):
        found = ask("COMMAND", "GETKEYSANDFLAGS", *command.args)
        if isinstance(found, ServerError):
            assert "no key" in found.message or "wrong number" in found.message  # Redis 7 wants two words at least
            found = []
        if command.name in CHANNELS:
            assert (len(command.keys), found) == (1, [])
            continue
        keys = [key.encode() if isinstance(key, str) else key for key in command.keys]
        if command.name in ROUTED_WITHOUT_KEY:
            keys = []
        told = [key for key, _ in found]
        own = keys[: len(told) if command.name in HAS_MORE_KEYS else None]
        assert own == told, command.args
        changes = any(CHANGED & {flag.decode() for flag in said} for _, said in found)
        is_known = "module" in entry[2] or command.name in KEEPS_THE_COUNT  # a module says RW of every key
        assert is_known or not (changes and command.spec.safe), command.args


@pytest.mark.parametrize("group", GROUPS)
def test_the_flags_are_the_servers(group: str, called: str, talk: Any) -> None:
    for command, entry in known(group, called, talk(3, "utf-8")):
        flags = entry[2]
        assert not ("readonly" in flags and not command.spec.safe and command.name not in MOVES_ON), command.name
        assert not ("write" in flags and command.spec.safe), command.name
        assert ("blocking" in flags or command.name == "WAIT") == (command.spec.blocking is not None), command.name


def test_a_blocking_call_tells_how_long_it_blocks(all_examples: list[Example]) -> None:
    times = {example.call.name: example.call.command.spec.blocks_for(example.call.command.args) for example in all_examples}
    assert {name: time for name, time in times.items() if time is not None} == {
        "blmove": 0.01,
        "blmovem": 1.0,
        "blmpop": 0.01,
        "blpop": 0.01,
        "brpop": 1.0,
        "brpoplpush": 0.01,
        "bzmpop": 0.01,
        "bzpopmax": 0.01,
        "bzpopmin": 0.01,
        "wait": 0.005,
        "waitaof": 0.005,
        "xread": 0.01,
        "xreadgroup": 0.01,
    }


def known(group: str, called: str, ask: Any) -> Iterator[tuple[Command[Any], Any]]:
    """Yield the calls of a group that the server knows, with what its COMMAND INFO tells."""
    fitting = [example for example in EXAMPLES if example.group == group and called in example.servers.split(", ")]
    made = [example.call.command for example in fitting]
    entries = ask("COMMAND", "INFO", *(command.name.replace(" ", "|") for command in made)) if made else []
    for command, entry in zip(made, entries, strict=True):
        if entry is not None:
            yield command, entry


def test_the_server_knows_most_calls(called: str, talk: Any) -> None:
    count = sum(1 for group in GROUPS for _ in known(group, called, talk(3, "utf-8")))
    assert count > {"valkey": 700, "redis": 600, "redis 8.2": 850}[called]
