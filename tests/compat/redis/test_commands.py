"""How calls of redis-py become commands, and which of them are fast. No I/O."""

from __future__ import annotations

from typing import Any

import pytest

from respool.compat.redis._commands import Plan, identity_of, plan_of


def planned(*args: Any) -> Plan:
    plan = plan_of(args)
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (("GET", "k"), ("GET", "k")),
        ((b"get", "k"), (b"get", "k")),
        (("CLIENT LIST",), ("CLIENT", "LIST")),
        (("CLIENT LIST", "TYPE", "normal"), ("CLIENT", "LIST", "TYPE", "normal")),
        (("CLIENT", "LIST"), ("CLIENT", "LIST")),
        (("FT.CREATE idx ON HASH", "SCHEMA"), ("FT.CREATE", "idx", "ON", "HASH", "SCHEMA")),
        (("SET k v",), ("SET", "k", "v")),
        (("  GET  k",), ("GET", "k")),
    ],
)
def test_words_in_the_first_argument_are_arguments_of_their_own(call: tuple[Any, ...], sent: tuple[Any, ...]) -> None:
    for _ in range(2):  # the second time the name may be known
        assert planned(*call).command(call).args == sent


def test_a_command_has_the_facts_of_its_whole_name() -> None:
    assert planned("CLIENT LIST").spec.name == planned("CLIENT", "LIST").spec.name == "CLIENT LIST"
    assert planned("CONFIG", "GET", "x").spec.name == "CONFIG GET"
    assert planned("CONFIG", "SET", "x", "y").spec.name == "CONFIG SET"
    assert planned("BLPOP", "k", 1).spec.blocking is not None


def test_a_name_whose_meaning_depends_on_the_next_argument_is_not_remembered() -> None:
    assert planned("CLIENT", "GETNAME").is_fast
    assert not planned("CLIENT", "SETNAME", "me").is_fast
    assert planned("CLIENT", "GETNAME").is_fast


@pytest.mark.parametrize(
    "call",
    [
        "SUBSCRIBE c", "PSUBSCRIBE c", "SSUBSCRIBE c", "UNSUBSCRIBE", "MONITOR", "SELECT 1", "AUTH p", "HELLO 3", "RESET", "QUIT",
        "CLIENT REPLY OFF", "CLIENT SETNAME me", "CLIENT TRACKING ON", "CLIENT NO-EVICT on", "CLIENT NO-TOUCH on", "READONLY",
        "READWRITE", "MULTI", "EXEC", "WATCH k", "UNWATCH", "DISCARD", "SYNC", "PSYNC", "SHUTDOWN", "WAIT 1 1", "WAITAOF 1 0 1",
        "HIMPORT SET k f v", "CLIENT CACHING YES", "ASKING",
    ],
)  # fmt: skip
def test_what_is_about_one_connection_takes_redis_pys_own_path(call: str) -> None:
    assert not planned(call).is_fast
    assert not planned(*call.split()).is_fast


@pytest.mark.parametrize("call", ["GET k", "BLPOP k 1", "EVAL x 0", "CLIENT ID", "CLIENT GETNAME", "PUBLISH c m", "JSON.GET k", "NEW.NAME"])
def test_everything_else_is_fast(call: str) -> None:
    assert planned(*call.split()).is_fast


def test_a_reply_can_be_asked_for_as_bytes() -> None:
    call = ("GET", "k")
    assert planned(*call).command(call, blob=True).spec.blob
    assert not planned(*call).command(call).spec.blob


@pytest.mark.parametrize("call", [(), (1, "k"), ("",), (" ",), (None,), (memoryview(b"GET"), "k")])
def test_a_call_without_a_name_has_no_plan(call: tuple[Any, ...]) -> None:
    assert plan_of(call) is None


def test_long_names_are_not_remembered() -> None:
    name = "X" * 100
    assert planned(name) is not planned(name)
    assert planned("GET") is planned("GET")


@pytest.mark.parametrize(
    ("call", "changes"),
    [
        (("GET", "AUTH"), {}),
        (("AUTH", "p"), {"username": None, "password": "p", "credentials": None}),
        (("auth", b"u", b"p"), {"username": "u", "password": "p", "credentials": None}),
        (("AUTH u p",), {"username": "u", "password": "p", "credentials": None}),
        (("AUTH",), {}),
        (("AUTH", "a", "b", "c"), {}),
        (("SELECT", 3), {"db": 3}),
        (("SELECT", "x"), {}),
        (("CLIENT SETNAME", "me"), {"client_name": "me"}),
        (("CLIENT", "setname", ""), {"client_name": None}),
        (("CLIENT", "GETNAME"), {}),
        (("HELLO",), {}),
        (("HELLO", 3), {}),
        (("HELLO", 3, "SETNAME", "me"), {"client_name": "me"}),
        (("HELLO", "3", "AUTH", "setname", "p"), {"username": "setname", "password": "p", "credentials": None}),
        (("HELLO", "3", "AUTH", "u", "p"), {"username": "u", "password": "p", "credentials": None}),
        (
            ("HELLO", "3", "AUTH", "setname", "p", "SETNAME", "me"),
            {"username": "setname", "password": "p", "credentials": None, "client_name": "me"},
        ),
        ((), {}),
        ((7,), {}),
    ],
)
def test_some_calls_change_who_the_client_is(call: tuple[Any, ...], changes: dict[str, Any]) -> None:
    assert identity_of(call) == changes
