"""Calls of every command function, with what the server answers; and a plain connection to ask it.

A sample's ``reply`` is what the parser must return: bytes stand for what users stored, and are str where the
connection has an encoding; str stands for what the server tells. A function judges replies that vary.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import hiredis
import pytest

from newest import redis_8_2
from respool import commands
from respool._facts.command import Command
from respool._facts.errors import server_error
from respool.testing import Server

FUTURE = 4_000_000_000  # seconds since 1970
FAR = datetime.fromtimestamp(FUTURE, UTC)
#: The reply of a call that is not made: it would need another server, or end the test's own connection.
NOT_MADE = object()


class Sample(NamedTuple):
    name: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    reply: Any = NOT_MADE
    given: str = ""  # commands to run before, separated by semicolons
    needs: str = ""  # "valkey" where only the arguments, not the name, tell that Redis 7.0 cannot do it

    @property
    def command(self) -> Command[Any]:
        command: Command[Any] = getattr(commands, self.name)(*self.args, **self.options)
        return command


def call(name: str, *args: Any, **options: Any) -> Sample:
    return Sample(name, args, options)


def is_count(reply: Any) -> bool:
    return type(reply) is int and reply >= 0


def is_client(reply: Any) -> bool:
    return int(reply["id"]) > 0 and reply["name"] == "" and reply["db"] == "0"


def is_list_of_clients(reply: Any) -> bool:
    return type(reply) is list and all(is_client(client) for client in reply) and len(reply) == 1


def is_greeting(reply: Any) -> bool:
    return reply["proto"] in (2, 3) and type(reply["version"]) is str and all(m["name"] for m in reply["modules"])


LIST = "RPUSH l a b c a"
STRINGS: list[tuple[Any, ...]] = [
    (call("append", "k", "v"), 1),
    (call("decr", "k"), -1),
    (call("decrby", "k", 5), -5),
    (call("delifeq", "k", "v"), True, "SET k v"),
    (call("delifeq", "k", "w"), False, "SET k v"),
    (call("get", "k"), b"v", "SET k v"),
    (call("get", b"k"), None),
    (call("getdel", "k"), b"v", "SET k v"),
    (call("getex", "k"), b"v", "SET k v"),
    (call("getex", "k", ex=5), b"v", "SET k v"),
    (call("getex", "k", px=timedelta(seconds=5)), b"v", "SET k v"),
    (call("getex", "k", exat=FAR), b"v", "SET k v"),
    (call("getex", "k", pxat=FUTURE * 1000), b"v", "SET k v"),
    (call("getex", "k", persist=True), b"v", "SET k v EX 5"),
    (call("getrange", "k", 1, -2), b"bc", "SET k abcd"),
    (call("getset", "k", "w"), b"v", "SET k v"),
    (call("incr", "k"), 1),
    (call("incrby", "k", 5), 5),
    (call("incrbyfloat", "k", 0.25), 3.25, "SET k 3"),
    (call("lcs", "k", "m"), b"mytext", "MSET k ohmytext m mynewtext"),
    (call("lcs", "k", "m", length=True), 6, "MSET k ohmytext m mynewtext"),
    (
        call("lcs", "k", "m", idx=True, minmatchlen=4, withmatchlen=True),
        {"matches": [[[4, 7], [5, 8], 4]], "len": 6},
        "MSET k ohmytext m mynewtext",
    ),
    (call("mget", "k", "m"), [b"v", None], "SET k v"),
    (call("mset", {"k": "v", b"m": 1.5}), True),
    (call("msetex", {"k": "v", "m": "w"}, ex=5, nx=True), True),
    (call("msetex", {"k": "v", "m": "w"}, keepttl=True, xx=True), False),
    (call("msetnx", {"k": "v", "m": "w"}), False, "SET k v"),
    (call("psetex", "k", 5, "v"), True),
    (call("set", "k", "v"), True),
    (call("set", "k", "v", nx=True), False, "SET k v"),
    (call("set", "k", "v", xx=True, px=5), False),
    (call("set", "k", "v", ifeq="w", exat=FUTURE), False, "SET k u", "valkey"),
    (call("set", "k", "v", ifeq="u", pxat=FAR), True, "SET k u", "valkey"),
    (call("set", "k", "v", keepttl=True), True),
    (call("set", "k", "v", ex=timedelta(milliseconds=1)), True),
    (call("set", "k", "v", get=True), b"u", "SET k u"),
    (call("set", "k", "v", get=True, nx=True), None),
    (call("setex", "k", timedelta(minutes=1), "v"), True),
    (call("setnx", "k", "v"), True),
    (call("setrange", "k", 2, "v"), 3),
    (call("strlen", "k"), 0),
]
WEIGHED = [b"2", None, b"1", b"one"]
KEYS: list[tuple[Any, ...]] = [
    (call("copy", "k", "m", db=1, replace=True), True, "SET k v"),
    (call("copy", "k", "m"), False),
    (call("delete", "k", "m"), 1, "SET k v"),
    (call("dump", "k"), None),
    (call("exists", "k", "k"), 2, "SET k v"),
    (call("expire", "k", 5), True, "SET k v"),
    (call("expire", "k", timedelta(hours=1), xx=True, gt=True), False, "SET k v"),
    (call("expire", "k", 5, nx=True), True, "SET k v"),
    (call("expireat", "k", FAR, lt=True), True, "SET k v"),
    (call("expiretime", "k"), FUTURE, f"SET k v EXAT {FUTURE}"),
    (call("keys", "*"), [b"k"], "SET k v"),
    (call("move", "k", 1), True, "SET k v"),
    (call("object_encoding", "k"), "int", "SET k 12"),
    (call("object_encoding", "k"), None),
    (call("object_freq", "k"), None),
    (call("object_idletime", "k"), 0, "SET k v"),
    (call("object_refcount", "k"), 1, "SET k v"),
    (call("persist", "k"), True, "SET k v EX 5"),
    (call("pexpire", "k", 5), False),
    (call("pexpire", "k", timedelta(seconds=1), lt=True), True, "SET k v"),
    (call("pexpireat", "k", FAR, nx=True), True, "SET k v"),
    (call("pexpiretime", "k"), FUTURE * 1000, f"SET k v EXAT {FUTURE}"),
    (call("pttl", "k"), -2),
    (call("randomkey"), b"k", "SET k v"),
    (call("rename", "k", "m"), True, "SET k v"),
    (call("renamenx", "k", "m"), False, "MSET k v m w"),
    (call("restore", "k", timedelta(seconds=5), b"\0", replace=True, idletime=5),),
    (call("restore", "k", FUTURE * 1000, b"", absttl=True, freq=5),),
    (call("scan"), (0, [b"k"]), "SET k v"),
    (call("scan", 0, match="k*", count=10, type="list"), (0, []), "SET k v"),
    (call("sort", "l"), [b"1", b"2", b"3"], "RPUSH l 3 1 2"),
    (
        call("sort", "l", by="w_*", limit=(0, 2), get=["#", "v_*"]),
        WEIGHED,
        "RPUSH l 3 1 2;MSET w_1 2 w_2 1 w_3 3 v_1 one",
    ),
    (call("sort", "l", desc=True, alpha=True, store="m"), 4, LIST),
    (call("sort_ro", "l", desc=True, get="#"), [b"3", b"2", b"1"], "RPUSH l 3 1 2"),
    (call("touch", "k"), 0),
    (call("ttl", "k"), -1, "SET k v"),
    (call("type", "l"), "list", LIST),
    (call("unlink", "k"), 1, "SET k v"),
    (call("wait", 0, timedelta(milliseconds=5)), 0),
    (call("waitaof", 0, 0, 5), (0, 0)),
]
LISTS: list[tuple[Any, ...]] = [
    (call("blmove", "l", "m", "LEFT", "RIGHT", timeout=0.01), b"a", LIST),
    (call("blmpop", "k", "l", side="RIGHT", count=2, timeout=1), (b"l", [b"a", b"c"]), LIST),
    (call("blmpop", "k", timeout=timedelta(milliseconds=10)), None),
    (call("blpop", "k", "l"), (b"l", b"a"), LIST),
    (call("blpop", "k", timeout=0.01), None),
    (call("brpop", "l", timeout=1), (b"l", b"a"), LIST),
    (call("brpoplpush", "l", "m", timeout=0.01), b"a", LIST),
    (call("lindex", "l", -2), b"c", LIST),
    (call("linsert", "l", "AFTER", "b", "x"), 5, LIST),
    (call("llen", "l"), 4, LIST),
    (call("lmove", "l", "m", "RIGHT", "LEFT"), b"a", LIST),
    (call("lmpop", "k", "l", count=3), (b"l", [b"a", b"b", b"c"]), LIST),
    (call("lmpop", "k"), None),
    (call("lpop", "l"), b"a", LIST),
    (call("lpop", "l", 2), [b"a", b"b"], LIST),
    (call("lpop", "k", 2), []),
    (call("lpos", "l", "a"), 0, LIST),
    (call("lpos", "l", "a", rank=-1, count=0, maxlen=3), [3], LIST),
    (call("lpush", "l", "x", 1), 6, LIST),
    (call("lpushx", "k", "x"), 0),
    (call("lrange", "l", 1, -1), [b"b", b"c", b"a"], LIST),
    (call("lrem", "l", 0, "a"), 2, LIST),
    (call("lset", "l", 0, "x"), True, LIST),
    (call("ltrim", "l", 0, 1), True, LIST),
    (call("rpop", "l"), b"a", LIST),
    (call("rpop", "l", 2), [b"a", b"c"], LIST),
    (call("rpoplpush", "k", "m"), None),
    (call("rpush", "l", "x"), 5, LIST),
    (call("rpushx", "l", "x", "y"), 6, LIST),
]
SET = "SADD s a b"
TWO_SETS = "SADD s a b c;SADD t b c d"
SETS: list[tuple[Any, ...]] = [
    (call("sadd", "s", "b", "c", 1), 2, SET),
    (call("scard", "s"), 2, SET),
    (call("scard", "k"), 0),
    (call("sdiff", "s", "t"), {b"a"}, TWO_SETS),
    (call("sdiff", "k"), set()),
    (call("sdiffstore", "k", "s", "t"), 1, TWO_SETS),
    (call("sinter", "s", "t"), {b"b", b"c"}, TWO_SETS),
    (call("sinter", "s", "k"), set(), TWO_SETS),
    (call("sintercard", "s", "t"), 2, TWO_SETS),
    (call("sintercard", "s", "t", limit=1), 1, TWO_SETS),
    (call("sintercard", "s", limit=0), 3, TWO_SETS),
    (call("sinterstore", "k", "s", "t"), 2, TWO_SETS),
    (call("sismember", "s", "a"), True, SET),
    (call("sismember", "k", "a"), False),
    (call("smembers", "s"), {b"a", b"b"}, SET),
    (call("smembers", "k"), set()),
    (call("smismember", "s", "a", "x"), [True, False], SET),
    (call("smismember", "k", "a"), [False]),
    (call("smove", "s", "k", "a"), True, SET),
    (call("smove", "s", "k", "x"), False, SET),
    (call("spop", "s"), b"a", "SADD s a"),
    (call("spop", "k"), None),
    (call("spop", "s", 5), {b"a", b"b"}, SET),
    (call("spop", "s", 0), set(), SET),
    (call("spop", "k", 2), set()),
    (call("srandmember", "s"), b"a", "SADD s a"),
    (call("srandmember", "k"), None),
    (call("srandmember", "s", 2), [b"a"], "SADD s a"),
    (call("srandmember", "s", -3), [b"a", b"a", b"a"], "SADD s a"),
    (call("srandmember", "k", 2), []),
    (call("srem", "s", "a", "x"), 1, SET),
    (call("sscan", "s"), (0, [b"a"]), "SADD s a"),
    (call("sscan", "s", 0, match="a*", count=10), (0, [b"a"]), SET),
    (call("sscan", "k"), (0, [])),
    (call("sunion", "s", "t"), {b"a", b"b", b"c", b"d"}, TWO_SETS),
    (call("sunion", "k"), set()),
    (call("sunionstore", "k", "s", "t"), 4, TWO_SETS),
]
HASH = "HSET h a 1 b 2"
HASHES: list[tuple[Any, ...]] = [
    (call("hdel", "h", "a", "x"), 1, HASH),
    (call("hexists", "h", "a"), True, HASH),
    (call("hexists", "h", "x"), False),
    (call("hexpire", "h", 5, "a", "x"), [1, -2], HASH),
    (call("hexpire", "h", timedelta(hours=1), "a", xx=True), [0], HASH),
    (call("hexpire", "h", 0, "a", "b"), [2, 2], HASH),
    (call("hexpireat", "h", FAR, "a", nx=True), [1], HASH),
    (call("hexpireat", "h", FUTURE, "a", gt=True), [0], HASH),
    (call("hexpiretime", "h", "a", "b", "x"), [FUTURE, -1, -2], f"{HASH};HEXPIREAT h {FUTURE} FIELDS 1 a"),
    (call("hget", "h", "a"), b"1", HASH),
    (call("hget", "h", "x"), None),
    (call("hgetall", "h"), {b"a": b"1", b"b": b"2"}, HASH),
    (call("hgetall", "h"), {}),
    (call("hgetdel", "h", "a", "x"), [b"1", None], HASH),
    (call("hgetdel", "h", "a"), [None]),
    (call("hgetex", "h", "a", "x"), [b"1", None], HASH),
    (call("hgetex", "h", "a", ex=5), [b"1"], HASH),
    (call("hgetex", "h", "a", px=timedelta(seconds=1)), [b"1"], HASH),
    (call("hgetex", "h", "a", exat=FAR), [b"1"], HASH),
    (call("hgetex", "h", "a", pxat=FUTURE * 1000), [b"1"], HASH),
    (call("hgetex", "h", "a", persist=True), [None]),
    (call("hincrby", "h", "a", 5), 6, HASH),
    (call("hincrbyfloat", "h", "a", 0.25), 1.25, HASH),
    (call("hkeys", "h"), [b"a", b"b"], HASH),
    (call("hlen", "h"), 2, HASH),
    (call("hmget", "h", "a", "x"), [b"1", None], HASH),
    (call("hmset", "h", {"a": 1, b"b": "v"}), True),
    (call("hpersist", "h", "a", "b", "x"), [1, -1, -2], f"{HASH};HEXPIRE h 5 FIELDS 1 a"),
    (call("hpersist", "h", "a", "b"), [-2, -2]),
    (call("hpexpire", "h", 5000, "a", lt=True), [1], HASH),
    (call("hpexpire", "h", timedelta(seconds=1), "a", xx=True), [0], HASH),
    (call("hpexpireat", "h", FAR, "a", nx=True), [1], HASH),
    (call("hpexpiretime", "h", "a", "x"), [FUTURE * 1000, -2], f"{HASH};HEXPIREAT h {FUTURE} FIELDS 1 a"),
    (call("hpttl", "h", "a", "x"), [-1, -2], HASH),
    (call("hrandfield", "h"), b"a", "HSET h a 1"),
    (call("hrandfield", "h"), None),
    (call("hrandfield", "h", 2), [b"a"], "HSET h a 1"),
    (call("hrandfield", "h", 2), []),
    (call("hrandfield", "h", -3, withvalues=True), [(b"a", b"1")] * 3, "HSET h a 1"),
    (call("hrandfield", "h", 2, withvalues=True), []),
    (call("hscan", "h"), (0, {b"a": b"1", b"b": b"2"}), HASH),
    (call("hscan", "h", 0, match="b*", count=10), (0, {b"b": b"2"}), HASH),
    (call("hscan", "h", novalues=True), (0, [b"a", b"b"]), HASH, "valkey"),
    (call("hset", "h", "a", 1), 1),
    (call("hset", "h", 0, ""), 1),
    (call("hset", "h", mapping={"a": 1, "c": 3}), 1, HASH),
    (call("hsetex", "h", {"a": 1, "b": 2}, ex=5), True),
    (call("hsetex", "h", {"a": 1}, px=timedelta(seconds=1), fnx=True), False, HASH),
    (call("hsetex", "h", {"a": 1}, exat=FUTURE, fxx=True), True, HASH),
    (call("hsetex", "h", {"a": 1}, pxat=FAR), True, HASH),
    (call("hsetex", "h", {"a": 1}, keepttl=True, nx=True), False, HASH, "valkey"),
    (call("hsetex", "h", {"a": 1}, xx=True), True, HASH, "valkey"),
    (call("hsetnx", "h", "a", 1), False, HASH),
    (call("hstrlen", "h", "a"), 1, HASH),
    (call("httl", "h", "a", "x"), [-1, -2], HASH),
    (call("httl", "h", "a", "b"), [-2, -2]),
    (call("hvals", "h"), [b"1", b"2"], HASH),
]
CONNECTION: list[tuple[Any, ...]] = [
    (call("auth", "secret", "ann"), True, "ACL SETUSER ann on >secret"),
    (call("auth", "secret"),),
    (call("client_caching", yes=True), True, "CLIENT TRACKING ON OPTIN"),
    (call("client_capa", "redirect"), True),
    (call("client_getname"), None),
    (call("client_getname"), "ann", "CLIENT SETNAME ann"),
    (call("client_getredir"), -1),
    (call("client_id"), is_count),
    (call("client_import_source", on=False),),
    (call("client_info"), is_client),
    (call("client_kill", id=[1 << 40, 1 << 41], type="pubsub"), 0),
    (call("client_kill", addr="127.0.0.1:1", skipme=True), 0),
    (call("client_kill", not_type="normal", lib_name="x", db=7), 0, "PING", "valkey"),
    (call("client_list"), is_list_of_clients),
    (call("client_list", type="normal"), is_list_of_clients),
    (call("client_list", id=(1 << 40, 1 << 41)), []),
    (call("client_no_evict", on=True), True),
    (call("client_no_touch", on=True), True),
    (call("client_pause", 0), True),
    (call("client_pause", timedelta(0), "WRITE"), True),
    (call("client_setinfo", "LIB-NAME", "respool"), True),
    (call("client_setname", "ann"), True),
    (call("client_tracking", on=False), True),
    (call("client_tracking", on=True, bcast=True, prefixes=["a:", "b:"], noloop=True), True, "HELLO 3"),
    (call("client_trackinginfo"), {"flags": ["off"], "redirect": -1, "prefixes": []}),
    (call("client_unblock", 1 << 40, error=True), False),
    (call("client_unpause"), True),
    (call("echo", "v"), b"v"),
    (call("hello"), is_greeting),
    (
        call("hello", 3, username="ann", password="secret", clientname="x"),
        is_greeting,
        "ACL SETUSER ann on >secret +@all",
    ),
    (call("ping"), True),
    (call("ping", "v"), b"v"),
    (call("quit"), True),
    (call("reset"), True),
    (call("select", 1), True),
]


def spread(sample: Sample, reply: Any = NOT_MADE, given: str = "", needs: str = "") -> Sample:
    return sample._replace(reply=reply, given=given, needs=needs)


def title(sample: Sample) -> str:
    return f"{sample.name}{sample.args}{sample.options or ''}"


SAMPLES = [spread(*row) for row in (*STRINGS, *KEYS, *LISTS, *SETS, *HASHES, *CONNECTION)]


@pytest.fixture(params=SAMPLES, ids=title)
def sample(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[sample for sample in SAMPLES if sample.reply is not NOT_MADE], ids=title)
def answered(request: pytest.FixtureRequest) -> Any:
    """A sample whose call is made."""
    return request.param


@pytest.fixture
def samples() -> list[Sample]:
    return SAMPLES


@pytest.fixture(scope="session", params=["valkey", "redis", "redis 8.2"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    wished: Server | None = Server()
    if request.param == "redis":
        wished = Server("redis-server") if shutil.which("redis-server") else None
    elif request.param == "redis 8.2":
        wished = redis_8_2()
    if wished is None:
        pytest.skip(f"there is no {request.param} on this machine")
    with wished as running:
        yield running


class Talk:
    """A blocking connection that returns what the wire would give to a parser."""

    def __init__(self, server: Server, protocol: int, encoding: str | None) -> None:
        decoding: dict[str, Any] = {"encoding": encoding} if encoding else {}
        self._reader = hiredis.Reader(replyError=server_error, **decoding)
        self._socket = socket.create_connection((server.host, server.port), 5)
        self("HELLO", protocol)

    def __call__(self, *args: Any) -> Any:
        """Send a command and return its reply; an error is a value."""
        self._socket.sendall(hiredis.pack_command(args))
        while (reply := self._reader.gets()) is False:
            self._reader.feed(self._socket.recv(65536))
        return reply

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def talk(server: Server) -> Iterator[Callable[..., Talk]]:
    """Make connections to the server, which is empty."""
    made: list[Talk] = []

    def make(protocol: int = 3, encoding: str | None = None) -> Talk:
        made.append(Talk(server, protocol, encoding))
        return made[-1]

    server.command("FLUSHALL")
    yield make
    for each in made:
        each.close()
