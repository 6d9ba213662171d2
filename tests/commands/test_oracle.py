"""The server's COMMAND and COMMAND DOCS judge the command functions."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from respool._facts.command import Spec
from respool._facts.errors import ServerError

GROUPS = {"string", "generic", "list", "set", "hash", "connection"}
MODULES = [
    import_module(f"respool.commands.{name}") for name in ("strings", "generic", "lists", "sets", "hashes", "connection")
]

#: Commands of these groups without a function, and why.
LEFT_OUT = {
    "CLIENT REPLY": "nothing answers it; execute_noreply() and execute_many_noreply() do it safely",
    "CLIENT HELP": "for people at a prompt",
    "OBJECT HELP": "for people at a prompt",
    "MIGRATE": "an administrator's tool: it moves keys to another server, whose password it wants",
    "SUBSTR": "the name of GETRANGE before Redis 2.0",
}
#: What COMMAND GETKEYS finds in a call beyond the table's keys (see ``test_table.KEYS_BEHIND_WORDS``).
STORED = {"SORT": ["m"]}


def specs(module: ModuleType) -> list[Spec]:
    return [value for value in vars(module).values() if isinstance(value, Spec)]


def test_every_documented_command_has_a_function(talk: Any) -> None:
    known = {spec.name for module in MODULES for spec in specs(module)} | LEFT_OUT.keys()
    documented = talk(3, "utf-8")("COMMAND", "DOCS")
    for name, entry in documented.items():
        if entry["group"] in GROUPS:
            names = entry.get("subcommands", {name: entry})  # a container is no command of its own
            assert {each.upper().replace("|", " ") for each in names} - known == set()


def test_no_spec_is_without_a_function(samples: list[Any]) -> None:
    called = {sample.command.name for sample in samples}
    assert {spec.name for module in MODULES for spec in specs(module)} == called


def test_the_server_accepts_the_number_of_arguments(sample: Any, talk: Any) -> None:
    command = sample.command
    entry = info(talk, command)
    arity = entry[1]
    assert len(command.args) == arity if arity > 0 else len(command.args) >= -arity


def test_the_keys_are_those_the_server_finds(sample: Any, talk: Any) -> None:
    command = sample.command
    info(talk, command)
    found = talk(3, None)("COMMAND", "GETKEYS", *command.args)
    if isinstance(found, ServerError):
        assert "no key" in found.message or "wrong number" in found.message  # Redis 7 wants two words at least
        found = []
    keys = [key.encode() if isinstance(key, str) else key for key in command.keys]
    stored = STORED.get(command.name, []) if sample.options.get("store") else []
    assert keys + [key.encode() for key in stored] == found


def test_the_flags_are_the_servers(sample: Any, talk: Any) -> None:
    command = sample.command
    flags = info(talk, command)[2]
    assert not ("readonly" in flags and not command.spec.safe)
    assert not ("write" in flags and command.spec.safe)
    assert ("blocking" in flags or command.name == "WAIT") == (command.spec.blocking is not None)


def test_a_blocking_call_tells_how_long_it_blocks(samples: list[Any]) -> None:
    times = {sample.name: sample.command.spec.blocks_for(sample.command.args) for sample in samples}
    assert {name: time for name, time in times.items() if time is not None} == {
        "blmove": 0.01,
        "blmpop": 0.01,
        "blpop": 0.01,
        "brpop": 1.0,
        "brpoplpush": 0.01,
        "wait": 0.005,
        "waitaof": 0.005,
    }


def info(talk: Any, command: Any) -> Any:
    """Return what COMMAND INFO tells; skip the test when the server does not know the command."""
    (entry,) = talk(3, "utf-8")("COMMAND", "INFO", command.name.replace(" ", "|"))
    if entry is None:
        pytest.skip(f"this server does not know {command.name}")
    return entry
