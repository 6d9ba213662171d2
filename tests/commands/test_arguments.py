"""What contradicts itself, has nothing to send or does not fit the unit is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from examples import Call, mistyped, refused
from respool import commands
from respool._facts.errors import UsageTypeError, UsageValueError

MOMENT = datetime(2030, 1, 1, microsecond=1, tzinfo=UTC)
MOMENT_SECONDS = 1_893_456_000


def said(part: Call | str) -> str:
    return part.name if isinstance(part, Call) else part


@pytest.mark.parametrize(("call", "why"), refused(), ids=said)
def test_a_contradiction_is_refused(call: Call, why: str) -> None:
    with pytest.raises(UsageValueError, match=why):
        _ = call.command


@pytest.mark.parametrize(("call", "why"), mistyped(), ids=said)
def test_a_wrong_type_is_refused(call: Call, why: str) -> None:
    with pytest.raises(UsageTypeError, match=why):
        _ = call.command


def test_numbers_are_keys_where_they_cannot_be_a_timeout() -> None:
    assert commands.blpop(1, 2).args == ("BLPOP", 1, 2, 0)
    assert commands.blpop(1).args == ("BLPOP", 1, 0)
    assert commands.bzpopmin("k", 5, timeout=2).args == ("BZPOPMIN", "k", 5, 2)


@pytest.mark.parametrize("name", ["expires", "persist"])  # of no command, and of another one
def test_an_unknown_option_is_a_type_error_that_names_the_known_ones(name: str) -> None:
    options: dict[str, Any] = {name: 5}
    with pytest.raises(UsageTypeError, match=f"unknown option '{name}' of SET; known are ex, exat, get, ifdeq, ifdne, ifeq, ifne, keepttl"):
        commands.set("k", "v", **options)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (commands.set("k", "v", ex=timedelta(milliseconds=1)), ("EX", 1)),
        (commands.set("k", "v", ex=timedelta(seconds=2)), ("EX", 2)),
        (commands.set("k", "v", px=timedelta(microseconds=1001)), ("PX", 2)),
        (commands.set("k", "v", exat=MOMENT), ("EXAT", MOMENT_SECONDS + 1)),
        (commands.set("k", "v", pxat=MOMENT), ("PXAT", MOMENT_SECONDS * 1000 + 1)),
        (commands.expireat("k", MOMENT.replace(microsecond=0)), ("k", MOMENT_SECONDS)),
    ],
)
def test_times_are_rounded_up(command: Any, words: tuple[Any, ...]) -> None:
    assert command.args[-2:] == words


@pytest.mark.parametrize("blob", [b"\0\0\x80?", memoryview(b"\0\0\x80?")], ids=["bytes", "memoryview"])
def test_bytes_are_a_vector_of_32_bit_floats(blob: Any) -> None:
    assert commands.vadd("v", blob, "a").args == ("VADD", "v", "FP32", blob, "a")
    assert commands.vsim("v", blob).args == ("VSIM", "v", "FP32", blob)
    assert commands.vsim("v", [1, 0.5]).args == ("VSIM", "v", "VALUES", 2, 1, 0.5)


@pytest.mark.parametrize("nothing", [{"ex": None, "px": None, "ifeq": None}, {"nx": False, "keepttl": False}])
def test_none_and_false_are_no_options(nothing: Any) -> None:
    assert commands.set("k", "v", **nothing).args == ("SET", "k", "v")


@pytest.mark.parametrize("mode", ["WRITE", "write"])
def test_a_pause_of_writes_is_never_a_pause_of_everything(mode: Any) -> None:
    assert commands.client_pause(1, mode).args == ("CLIENT", "PAUSE", 1, mode)


@pytest.mark.parametrize("make", [commands.client_kill, commands.client_list])
def test_a_filter_for_clients_that_is_bytes_is_no_list(make: Any) -> None:
    assert make(user=b"ann").args[2:] == ("USER", b"ann")


def test_hello_logs_in_as_the_default_user_only_if_no_other_is_named() -> None:
    assert commands.hello(3, password="x").args == ("HELLO", 3, "AUTH", "default", "x")
    assert commands.hello(3, username="", password="x").args == ("HELLO", 3, "AUTH", "", "x")


HUGE = 10**6000


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("lpop", ("l", -HUGE), {}),
        ("lpop", ("l", [HUGE]), {}),
        ("cluster_addslots", (HUGE,), {}),
        ("bitfield", ("b", (HUGE, "u8", 0)), {}),
        ("zadd", ("z", {"a": [HUGE]}), {}),
        ("zrange", ("z", 0, 1), {"by": HUGE}),
        ("zrange", ("z", 0, 1), {"by": "SCORE", "limit": HUGE}),
        ("geoadd", ("g", {"a": HUGE}), {}),
        ("failover", (), {"to": HUGE}),
    ],
)
def test_a_number_that_python_does_not_write_is_refused_like_others(name: str, args: Any, options: Any) -> None:
    with pytest.raises((UsageTypeError, UsageValueError), match="not a number with too many digits"):
        getattr(commands, name)(*args, **options)


def test_ids_are_written_as_every_server_reads_them() -> None:
    assert commands.client_list(id=[1, 2]).args == ("CLIENT", "LIST", "ID", 1, 2)
    assert commands.client_kill(id=[1, 2]).args == ("CLIENT", "KILL", "ID", 1, "ID", 2)


def test_a_command_does_not_show_its_arguments() -> None:
    assert "secret" not in repr(commands.auth("secret", "ann"))
