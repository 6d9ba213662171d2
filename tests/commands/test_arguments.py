"""What contradicts itself, has nothing to send or does not fit the unit is refused before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from respool import commands
from respool._facts.errors import UsageTypeError, UsageValueError

MOMENT = datetime(2030, 1, 1, microsecond=1, tzinfo=UTC)
MOMENT_SECONDS = 1_893_456_000


@pytest.mark.parametrize(
    ("name", "args", "options", "why"),
    [
        ("set", ("k", "v"), {"nx": True, "xx": True}, "nx and xx exclude each other"),
        ("set", ("k", "v"), {"nx": True, "ifeq": "w"}, "nx and ifeq exclude each other"),
        ("set", ("k", "v"), {"ex": 1, "px": 1}, "ex and px exclude each other"),
        ("set", ("k", "v"), {"exat": 1, "keepttl": True}, "exat and keepttl exclude each other"),
        ("set", ("k", "v"), {"ex": 0}, "ex must be 1 or more, not 0"),
        ("set", ("k", "v"), {"px": timedelta(0)}, "px must be 1 or more, not 0"),
        ("set", ("k", "v"), {"exat": datetime(2030, 1, 1)}, "exat needs a datetime with a timezone"),  # noqa: DTZ001
        ("setex", ("k", -1, "v"), {}, "seconds must be 1 or more, not -1"),
        ("psetex", ("k", 0, "v"), {}, "milliseconds must be 1 or more, not 0"),
        ("getex", ("k",), {"pxat": 1, "persist": True}, "pxat and persist exclude each other"),
        ("msetex", ({"k": "v"},), {"nx": True, "xx": True}, "nx and xx exclude each other"),
        ("msetex", ({},), {}, "MSETEX needs at least one key"),
        ("mset", ({},), {}, "MSET needs at least one key"),
        ("msetnx", ({},), {}, "MSETNX needs at least one key"),
        ("mget", (), {}, "MGET needs at least one key"),
        ("lcs", ("k", "m"), {"length": True, "idx": True}, "length and idx exclude each other"),
        ("lcs", ("k", "m"), {"minmatchlen": 2}, "minmatchlen and withmatchlen need idx"),
        ("delete", (), {}, "DEL needs at least one key"),
        ("unlink", (), {}, "UNLINK needs at least one key"),
        ("exists", (), {}, "EXISTS needs at least one key"),
        ("touch", (), {}, "TOUCH needs at least one key"),
        ("expire", ("k", 1), {"nx": True, "gt": True}, "nx excludes xx, gt and lt"),
        ("pexpire", ("k", 1), {"nx": True, "xx": True}, "nx excludes xx, gt and lt"),
        ("expireat", ("k", 1), {"gt": True, "lt": True}, "gt and lt exclude each other"),
        ("restore", ("k", 0, b""), {"idletime": 1, "freq": 1}, "idletime and freq exclude each other"),
        ("restore", ("k", -1, b""), {}, "ttl must be 0 or more, not -1"),
        ("scan", (0,), {"count": 0}, "count must be 1 or more, not 0"),
        ("wait", (1, -1), {}, "timeout must be 0 or more, not -1"),
        ("waitaof", (1, 1, timedelta(seconds=-1)), {}, "timeout must be 0 or more, not -1000"),
        ("blpop", (), {}, "BLPOP needs at least one key"),
        ("brpop", (), {}, "BRPOP needs at least one key"),
        ("blpop", ("l",), {"timeout": -1}, "timeout must be 0 .wait for ever. or more seconds, not -1"),
        ("blmove", ("l", "m", "LEFT", "LEFT"), {"timeout": float("inf")}, "or more seconds, not inf"),
        ("blpop", ("l",), {"timeout": 10**5000}, "or more seconds that a clock can count"),
        ("lmpop", (), {}, "LMPOP needs at least one key"),
        ("blmpop", ("l",), {"count": 0}, "count must be 1 or more, not 0"),
        ("lpop", ("l", -1), {}, "count must be 0 or more, not -1"),
        ("rpop", ("l", -1), {}, "count must be 0 or more, not -1"),
        ("lpos", ("l", "a"), {"count": -1}, "count must be 0 or more, not -1"),
        ("lpos", ("l", "a"), {"maxlen": -1}, "maxlen must be 0 or more, not -1"),
        ("lpush", ("l",), {}, "LPUSH needs at least one element"),
        ("lpushx", ("l",), {}, "LPUSHX needs at least one element"),
        ("rpush", ("l",), {}, "RPUSH needs at least one element"),
        ("rpushx", ("l",), {}, "RPUSHX needs at least one element"),
        ("hdel", ("h",), {}, "HDEL needs at least one field"),
        ("hmget", ("h",), {}, "HMGET needs at least one field"),
        ("hmset", ("h", {}), {}, "HMSET needs at least one field"),
        ("hset", ("h",), {"mapping": {}}, "HSET needs at least one field"),
        ("hsetex", ("h", {}), {}, "HSETEX needs at least one field"),
        ("hsetex", ("h", {"a": 1}), {"fnx": True, "fxx": True}, "fnx and fxx exclude each other"),
        ("hsetex", ("h", {"a": 1}), {"nx": True, "xx": True}, "nx and xx exclude each other"),
        ("hsetex", ("h", {"a": 1}), {"ex": 1, "keepttl": True}, "ex and keepttl exclude each other"),
        ("hgetex", ("h", "a"), {"px": 1, "persist": True}, "px and persist exclude each other"),
        ("hgetex", ("h", "a"), {"ex": 0}, "ex must be 1 or more, not 0"),
        ("hgetex", ("h",), {}, "HGETEX needs at least one field"),
        ("hgetdel", ("h",), {}, "HGETDEL needs at least one field"),
        ("hexpire", ("h", 1), {}, "HEXPIRE needs at least one field"),
        ("hexpire", ("h", 1, "a"), {"xx": True, "gt": True}, "xx and gt exclude each other"),
        ("hpexpireat", ("h", 1, "a"), {"gt": True, "lt": True}, "gt and lt exclude each other"),
        ("httl", ("h",), {}, "HTTL needs at least one field"),
        ("hpersist", ("h",), {}, "HPERSIST needs at least one field"),
        ("hscan", ("h",), {"count": 0}, "count must be 1 or more, not 0"),
        ("sadd", ("s",), {}, "SADD needs at least one member"),
        ("srem", ("s",), {}, "SREM needs at least one member"),
        ("smismember", ("s",), {}, "SMISMEMBER needs at least one member"),
        ("sdiff", (), {}, "SDIFF needs at least one key"),
        ("sinter", (), {}, "SINTER needs at least one key"),
        ("sunion", (), {}, "SUNION needs at least one key"),
        ("sdiffstore", ("k",), {}, "SDIFFSTORE needs at least one key"),
        ("sinterstore", ("k",), {}, "SINTERSTORE needs at least one key"),
        ("sunionstore", ("k",), {}, "SUNIONSTORE needs at least one key"),
        ("sintercard", (), {}, "SINTERCARD needs at least one key"),
        ("sintercard", ("s",), {"limit": -1}, "limit must be 0 or more, not -1"),
        ("spop", ("s", -1), {}, "count must be 0 or more, not -1"),
        ("sscan", ("s",), {"count": 0}, "count must be 1 or more, not 0"),
        ("client_capa", (), {}, "CLIENT CAPA needs at least one capability"),
        ("client_kill", (), {}, "without a filter would close every connection"),
        ("client_list", (), {"id": []}, "id must have a value"),
        ("client_pause", (-1,), {}, "timeout must be 0 or more, not -1"),
        ("client_tracking", (), {"on": True, "prefixes": ["a:"]}, "prefixes need bcast"),
        ("client_tracking", (), {"on": True, "optin": True, "optout": True}, "optin and optout exclude each other"),
        ("hello", (), {"username": "ann", "protover": 3}, "username needs password"),
        ("hello", (), {"password": "secret"}, "password and clientname need protover"),
    ],
)
def test_a_contradiction_is_refused(name: str, args: tuple[Any, ...], options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageValueError, match=why):
        getattr(commands, name)(*args, **options)


@pytest.mark.parametrize(
    ("name", "args", "options", "why"),
    [
        ("set", ("k", "v"), {"ex": 1.5}, "ex must be a whole number, not 1.5"),
        ("set", ("k", "v"), {"px": True}, "px must be a whole number, not True"),
        ("expire", ("k", "1"), {}, "seconds must be a whole number, not '1'"),
        ("lpop", ("l", 1.0), {}, "count must be a whole number, not 1.0"),
        ("spop", ("s", 1.0), {}, "count must be a whole number, not 1.0"),
        ("srandmember", ("s", "2"), {}, "count must be a whole number, not '2'"),
        ("srandmember", ("s", True), {}, "count must be a whole number, not True"),
        ("sintercard", ("s",), {"limit": 1.5}, "limit must be a whole number, not 1.5"),
        ("blpop", ("l",), {"timeout": "1"}, "timeout must be a number of seconds or a timedelta, not '1'"),
        ("blpop", ("l",), {"timeout": True}, "timeout must be a number of seconds or a timedelta, not True"),
        ("mset", ([("k", "v")],), {}, "MSET takes a mapping of keys to values, not list"),
        ("hset", ("h", "a"), {}, "HSET takes a field and a value, or mapping="),
        ("hset", ("h",), {}, "HSET takes a field and a value, or mapping="),
        ("hset", ("h", "a", 1), {"mapping": {"b": 2}}, "HSET takes a field and a value, or mapping="),
        ("hset", ("h",), {"mapping": [("a", 1)]}, "HSET takes a mapping of fields to values, not list"),
        ("hrandfield", ("h",), {"withvalues": True}, "withvalues needs count"),
        ("hrandfield", ("h", "2"), {}, "count must be a whole number, not '2'"),
        ("hexpire", ("h", "a", "b"), {}, "seconds must be a whole number, not 'a'"),
    ],
)
def test_a_wrong_type_is_refused(name: str, args: tuple[Any, ...], options: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageTypeError, match=why):
        getattr(commands, name)(*args, **options)


@pytest.mark.parametrize("name", ["expires", "persist"])  # of no command, and of another one
def test_an_unknown_option_is_a_type_error_that_names_the_known_ones(name: str) -> None:
    options: dict[str, Any] = {name: 5}
    with pytest.raises(UsageTypeError, match=f"unknown option '{name}' of SET; known are ex, exat, get, ifeq, keepttl"):
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


@pytest.mark.parametrize("nothing", [{"ex": None, "px": None, "ifeq": None}, {"nx": False, "keepttl": False}])
def test_none_and_false_are_no_options(nothing: Any) -> None:
    assert commands.set("k", "v", **nothing).args == ("SET", "k", "v")


def test_ids_are_written_as_every_server_reads_them() -> None:
    assert commands.client_list(id=[1, 2]).args == ("CLIENT", "LIST", "ID", 1, 2)
    assert commands.client_kill(id=[1, 2]).args == ("CLIENT", "KILL", "ID", 1, "ID", 2)


def test_a_command_does_not_show_its_arguments() -> None:
    assert "secret" not in repr(commands.auth("secret", "ann"))
