"""Examples of commands on scripts and functions."""

from __future__ import annotations

from typing import Any

from examples import NotMade, Refused, Row, call

#: A script that returns its first key and argument, and its hash.
SCRIPT = "return{KEYS[1],ARGV[1]}"
SHA = "b2f8419f2aff8c8c7903adfa37117080691dbe99"
#: A library whose function does the same. A tab and no spaces, at which preparations are split.
LIBRARY = (
    "#!lua\tname=lib\n"
    "redis.register_function{function_name='f',callback=function(k,a)return{k[1],a[1]}end,flags={'no-writes'}}"
)
REMEMBERED = f"SCRIPT FLUSH;SCRIPT LOAD {SCRIPT}"
NO_LIBRARY = "FUNCTION FLUSH"
LOADED = f"FUNCTION FLUSH;FUNCTION LOAD {LIBRARY}"
FUNCTION = {"name": "f", "description": None, "flags": ["no-writes"]}
RUNS_TOO_LONG = NotMade("something must run too long: test_scripting")
RESTORED = NotMade("it needs the bytes of a FUNCTION DUMP: test_scripting")


def is_of_one_function(reply: Any) -> bool:
    return reply["running_script"] is None and reply["engines"]["LUA"] == {"libraries_count": 1, "functions_count": 1}


def is_dump(value: object) -> bool:
    return type(value) is bytes and len(value) >= 10


EXAMPLES: list[Row] = [
    (call("eval", SCRIPT, keys=["k"], args=[1]), [b"k", b"1"]),
    (call("eval", b"return 1"), 1),
    (call("eval", "return redis.call('get',KEYS[1])", keys=("k",)), None),
    (call("eval_ro", SCRIPT, keys=["k"], args=["v"]), [b"k", b"v"]),
    (call("eval_ro", "return {}"), []),
    (call("evalsha", SHA, keys=["k"], args=["v", "w"]), [b"k", b"v"], REMEMBERED),
    (call("evalsha_ro", SHA, keys=["k", "m"], args=["v"]), [b"k", b"v"], REMEMBERED),
    (call("fcall", "f", keys=["k"], args=["v"]), [b"k", b"v"], LOADED),
    (call("fcall", "f"), [], LOADED),
    (call("fcall_ro", "f", keys=["k"], args=["v"]), [b"k", b"v"], LOADED),
    (call("function_delete", "lib"), True, LOADED),
    (call("function_dump"), is_dump),
    (call("function_flush"), True, LOADED),
    (call("function_flush", "ASYNC"), True, LOADED),
    (call("function_flush", "SYNC"), True, NO_LIBRARY),
    (call("function_kill"), RUNS_TOO_LONG),
    (call("function_list"), [{"library_name": "lib", "engine": "LUA", "functions": [FUNCTION]}], LOADED),
    (call("function_list"), [], NO_LIBRARY),
    (
        call("function_list", libraryname="l*", withcode=True),
        [{"library_name": "lib", "engine": "LUA", "functions": [FUNCTION], "library_code": LIBRARY}],
        LOADED,
    ),
    (call("function_list", libraryname="x*"), [], LOADED),
    (call("function_load", LIBRARY), "lib", NO_LIBRARY),
    (call("function_load", LIBRARY, replace=True), "lib", LOADED),
    (call("function_restore", b""), RESTORED),
    (call("function_restore", b"", "FLUSH"), RESTORED),
    (call("function_restore", b"", "APPEND"), RESTORED),
    (call("function_restore", b"", "REPLACE"), RESTORED),
    (call("function_stats"), is_of_one_function, LOADED),
    (call("script_exists", SHA, "x"), [True, False], REMEMBERED),
    (call("script_flush"), True),
    (call("script_flush", "ASYNC"), True, REMEMBERED),
    (call("script_flush", "SYNC"), True, REMEMBERED),
    (call("script_kill"), RUNS_TOO_LONG),
    (call("script_load", SCRIPT), SHA),
    (call("script_show", SHA), b"return{KEYS[1],ARGV[1]}", REMEMBERED, "valkey"),
]
REFUSED: list[Refused] = [
    (call("script_exists"), "SCRIPT EXISTS needs at least one hash"),
]
MISTYPED: list[Refused] = [
    (call("eval", SCRIPT, keys="k"), r"keys of EVAL must be a list, not str: write keys=\[...\]"),
    (call("eval", SCRIPT, keys=["k"], args="v"), r"args of EVAL must be a list, not str: write args=\[...\]"),
    (call("eval", SCRIPT, keys=1), "keys of EVAL must be a list, not int"),
    (call("eval_ro", SCRIPT, keys=b"k"), "keys of EVAL_RO must be a list, not bytes"),
    (call("evalsha", SHA, args={"a", "b"}), "args of EVALSHA must be a list, not set"),
    (call("evalsha_ro", SHA, keys="k"), "keys of EVALSHA_RO must be a list, not str"),
    (call("fcall", "f", args="v"), "args of FCALL must be a list, not str"),
    (call("fcall_ro", "f", keys="k"), "keys of FCALL_RO must be a list, not str"),
]
