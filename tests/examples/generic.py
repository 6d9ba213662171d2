"""Examples of commands on keys of any type."""

from __future__ import annotations

from datetime import timedelta

from examples import FAR, FUTURE, NotMade, Refused, Row, call

LIST = "RPUSH l a b c a"
WEIGHED = [b"2", None, b"1", b"one"]


def is_dump(value: object) -> bool:
    return type(value) is bytes and len(value) > 10


EXAMPLES: list[Row] = [
    (call("copy", "k", "m", db=1, replace=True), True, "SET k v"),
    (call("copy", "k", "m"), False),
    (call("delete", "k", "m"), 1, "SET k v"),
    (call("dump", "k"), None),
    (call("dump", "k"), is_dump, "SET k v"),
    (call("exists", "k", "k"), 2, "SET k v"),
    (call("expire", "k", 5), True, "SET k v"),
    (call("expire", "k", timedelta(hours=1), xx=True, gt=True), False, "SET k v"),
    (call("expire", "k", 5, nx=True), True, "SET k v"),
    (call("expire", "k", 5, lt=True), True, "SET k v"),
    (call("expireat", "k", FAR, lt=True), True, "SET k v"),
    (call("expireat", "k", FUTURE, nx=True), False, f"SET k v EXAT {FUTURE}"),
    (call("expireat", "k", FUTURE + 1, xx=True, gt=True), True, f"SET k v EXAT {FUTURE}"),
    (call("expiretime", "k"), FUTURE, f"SET k v EXAT {FUTURE}"),
    (call("keys", "*"), [b"k"], "SET k v"),
    (call("migrate", "127.0.0.1", 1, "k", timeout=100), False),
    (call("migrate", "127.0.0.1", 1, "k", "m", timeout=timedelta(seconds=1), db=2, copy=True, replace=True), False),
    (call("migrate", "127.0.0.1", 1, "k", timeout=0, password="secret"), False),
    (call("migrate", "127.0.0.1", 1, "k", "m", timeout=0, username="keys", password="keys"), False),
    (call("move", "k", 1), True, "SET k v"),
    (call("object_encoding", "k"), "int", "SET k 12"),
    (call("object_encoding", "k"), None),
    (call("object_freq", "k"), None),
    (call("object_idletime", "k"), 0, "SET k v"),
    (call("object_refcount", "k"), 1, "SET k v"),
    (call("persist", "k"), True, "SET k v EX 5"),
    (call("pexpire", "k", 5), False),
    (call("pexpire", "k", timedelta(seconds=1), lt=True), True, "SET k v"),
    (call("pexpire", "k", 5, nx=True), True, "SET k v"),
    (call("pexpire", "k", 5, xx=True, gt=True), False, "SET k v"),
    (call("pexpireat", "k", FAR, nx=True), True, "SET k v"),
    (call("pexpireat", "k", FAR, xx=True, gt=True), False, "SET k v"),
    (call("pexpireat", "k", FAR, lt=True), True, "SET k v"),
    (call("pexpiretime", "k"), FUTURE * 1000, f"SET k v EXAT {FUTURE}"),
    (call("pttl", "k"), -2),
    (call("randomkey"), b"k", "SET k v"),
    (call("rename", "k", "m"), True, "SET k v"),
    (call("renamenx", "k", "m"), False, "MSET k v m w"),
    (call("restore", "k", timedelta(seconds=5), b"\0", replace=True, idletime=5), NotMade("it needs the bytes of a DUMP: what_was_dumped_is_restored")),
    (call("restore", "k", FUTURE * 1000, b"", absttl=True, freq=5), NotMade("it needs the bytes of a DUMP: what_was_dumped_is_restored")),
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
    (call("sort_ro", "l", by="w_*", alpha=True, limit=(1, 1)), [b"a"], "RPUSH l b a;MSET w_a y w_b x"),
    (call("touch", "k"), 0),
    (call("ttl", "k"), -1, "SET k v"),
    (call("type", "l"), "list", LIST),
    (call("unlink", "k"), 1, "SET k v"),
    (call("wait", 0, timedelta(milliseconds=5)), 0),
    (call("waitaof", 0, 0, 5), (0, 0)),
]
REFUSED: list[Refused] = [
    (call("delete"), "DEL needs at least one key"),
    (call("unlink"), "UNLINK needs at least one key"),
    (call("exists"), "EXISTS needs at least one key"),
    (call("touch"), "TOUCH needs at least one key"),
    (call("expire", "k", 1, nx=True, gt=True), "nx excludes xx, gt and lt"),
    (call("pexpire", "k", 1, nx=True, xx=True), "nx excludes xx, gt and lt"),
    (call("expireat", "k", 1, gt=True, lt=True), "gt and lt exclude each other"),
    (call("restore", "k", 0, b"", idletime=1, freq=1), "idletime and freq exclude each other"),
    (call("restore", "k", -1, b""), "ttl must be 0 or more, not -1"),
    (call("migrate", "h", 1, timeout=1), "MIGRATE needs at least one key"),
    (call("migrate", "h", 1, "k", timeout=-1), "timeout must be 0 or more, not -1"),
    (call("migrate", "h", 1, "k", timeout=1, username="ann"), "username needs password"),
    (call("scan", 0, count=0), "count must be 1 or more, not 0"),
    (call("wait", 1, -1), "timeout must be 0 or more, not -1"),
    (call("waitaof", 1, 1, timedelta(seconds=-1)), "timeout must be 0 or more, not -1000"),
]
MISTYPED: list[Refused] = [
    (call("sort", "l", limit="12"), "limit must be a tuple of an offset and a count, not '12'"),
    (call("sort", "l", limit=5), "limit must be a tuple of an offset and a count, not 5"),
    (call("sort", "l", limit=("0", 1)), "the offset of limit must be a whole number, not '0'"),
    (call("sort", "l", get=bytearray(b"#")), "get of SORT must be a list, not bytearray"),
    (call("sort_ro", "l", get=5), "get of SORT_RO must be a list, not int"),
    (call("migrate", "h", 1, "k", timeout=0.5), "timeout must be a whole number of milliseconds or a timedelta, not 0.5"),
    (call("expire", "k", "1"), "seconds must be a whole number of seconds or a timedelta, not '1'"),
]
