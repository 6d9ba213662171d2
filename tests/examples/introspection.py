"""Examples of commands that look into a server."""

from __future__ import annotations

from typing import Any

from examples import NotMade, Refused, Row, call, is_count

ON_ITS_OWN = NotMade("test_server_commands has a server that allows it")
SLOW = "CONFIG SET slowlog-log-slower-than 0;SET k v;CONFIG SET slowlog-log-slower-than 10000"
SPIKE = "CONFIG SET latency-monitor-threshold 1;DEBUG SLEEP 0.003;CONFIG SET latency-monitor-threshold 0"
NO_SPIKE = "LATENCY RESET"


def is_text(reply: Any) -> bool:
    return type(reply) is str and len(reply) > 10


def is_set_of_a_key(entry: Any) -> bool:
    return (
        entry.args in ([b"SET", b"k", b"v"], ["SET", "k", "v"])
        and entry.timestamp > 1_600_000_000
        and entry.address.startswith("127.0.0.1:")
        and entry.client_name == ""
    )


def is_slow_log(reply: Any) -> bool:
    return len(reply) == 1 and is_set_of_a_key(reply[0]) and is_count(reply[0].duration)


def is_command_log(reply: Any) -> bool:
    return len(reply) == 1 and is_set_of_a_key(reply[0]) and is_count(reply[0].amount)


def is_docs_of_get(reply: Any) -> bool:
    return list(reply) == ["get"] and reply["get"]["since"] == "1.0.0" and reply["get"]["arguments"][0]["name"] == "key"


def is_docs_of_all(reply: Any) -> bool:
    config = reply["config"]["subcommands"]["config|set"]
    return (
        config["arguments"][0]["arguments"][0]["name"] == "parameter"
        and all(type(change) is tuple for change in config["history"])
        and reply["get"]["group"] == "string"
    )


def is_info_of_get(reply: Any) -> bool:
    get = reply["get"]
    return (
        list(reply) == ["get"]
        and (get.arity, get.first_key, get.last_key, get.step) == (2, 1, 1, 1)
        and get.flags == {"readonly", "fast"}
        and get.acl_categories == {"@read", "@string", "@fast"}
        and get.key_specs[0]["begin_search"] == {"type": "index", "spec": {"index": 1}}
    )


def is_info_of_all(reply: Any) -> bool:
    return len(reply) > 200 and reply["config"].subcommands["config|get"].arity == -3


def has_names(*names: str) -> Any:
    return lambda reply: type(reply) is list and set(names) <= set(reply)


def is_flagged(reply: Any) -> bool:
    (key, flags), (other, _) = reply
    return key in (b"a", "a") and other in (b"b", "b") and "delete" in flags and type(reply[0]) is tuple


def is_histogram(reply: Any) -> bool:
    get = reply["get"]
    return list(reply) == ["get"] and get.calls > 0 and all(map(is_count, [*get.usec, *get.usec.values()]))


def is_spikes(reply: Any) -> bool:
    (spike,) = reply
    sums = (spike.total, spike.spikes)
    is_summed = sums == (None, None) or all(map(is_size, sums))
    return spike.event == "command" and spike.latest >= 2 <= spike.highest and is_summed


def is_history(reply: Any) -> bool:
    return all(type(pair) is tuple and pair[0] > 1_600_000_000 and pair[1] >= 2 for pair in reply) and len(reply) > 0


def is_memory(reply: Any) -> bool:
    return (
        type(reply["total.allocated"]) is int
        and type(reply["dataset.percentage"]) is float
        and type(reply["db.0"]["overhead.hashtable.main"]) is int
    )


def is_modules(reply: Any) -> bool:
    return type(reply) is list and all(type(module["name"]) is str and type(module["ver"]) is int for module in reply)


def is_size(reply: Any) -> bool:
    return type(reply) is int and reply > 0


EXAMPLES: list[Row] = [
    (call("command_count"), is_size),
    (call("command_docs"), is_docs_of_all),
    (call("command_docs", "get", "nope"), is_docs_of_get),
    (call("command_getkeys", "MSET", "a", 1, b"b", 2), [b"a", b"b"]),
    (call("command_getkeysandflags", "LMOVE", "a", "b", "LEFT", "RIGHT"), is_flagged),
    (call("command_info"), is_info_of_all),
    (call("command_info", "get", "nope"), is_info_of_get),
    (call("command_list"), has_names("get", "config|get")),
    (call("command_list", module="nope"), []),
    (call("command_list", aclcat="hyperloglog"), has_names("pfadd", "pfcount")),
    (call("command_list", pattern="pfa*"), ["pfadd"]),
    (call("commandlog_get", 1, "SLOW"), is_command_log, SLOW),
    (call("commandlog_get", -1, "LARGE-REQUEST"), []),
    (call("commandlog_get", 5, "LARGE-REPLY"), [], "COMMANDLOG RESET large-reply", "valkey"),
    (call("commandlog_len", "SLOW"), is_count),
    (call("commandlog_len", "LARGE-REQUEST"), is_count),
    (call("commandlog_len", "LARGE-REPLY"), is_count),
    (call("commandlog_reset", "SLOW"), True),
    (call("commandlog_reset", "LARGE-REQUEST"), True),
    (call("commandlog_reset", "LARGE-REPLY"), True),
    (call("latency_doctor"), is_text),
    (call("latency_graph", "command"), is_text, SPIKE),
    (call("latency_histogram"), lambda reply: reply["flushall"].calls > 0),
    (call("latency_histogram", "get", "nope"), is_histogram, "GET k"),
    (call("latency_history", "command"), is_history, SPIKE),
    (call("latency_history", "nope"), []),
    (call("latency_latest"), is_spikes, f"{NO_SPIKE};{SPIKE}"),
    (call("latency_reset"), 1, f"{NO_SPIKE};{SPIKE}"),
    (call("latency_reset", "command", "nope"), 0, NO_SPIKE),
    (call("memory_doctor"), is_text),
    (call("memory_malloc_stats"), is_text),
    (call("memory_purge"), True),
    (call("memory_stats"), is_memory, "SET k v"),
    (call("memory_usage", "k"), is_size, "SET k v"),
    (call("memory_usage", "k"), None),
    (call("memory_usage", "l", samples=0), is_size, "RPUSH l a b"),
    (call("module_list"), is_modules),
    (call("module_load", "/path/to/the/module.so", "a", 1), ON_ITS_OWN),
    (call("module_loadex", "/path/to/the/module.so", config={"bf.bf-error-rate": 0.1}, args=["a", 1]), ON_ITS_OWN),
    (call("module_unload", "timeseries"), ON_ITS_OWN),
    (call("slowlog_get"), lambda reply: is_slow_log(reply[:1]), SLOW),
    (call("slowlog_get", 1), is_slow_log, SLOW),
    (call("slowlog_get", -1), [], "SLOWLOG RESET"),
    (call("slowlog_get", 0), [], SLOW),
    (call("slowlog_len"), 0, "SLOWLOG RESET"),
    (call("slowlog_reset"), True),
]
REFUSED: list[Refused] = [
    (call("command_getkeys"), "COMMAND GETKEYS needs at least one word"),
    (call("command_getkeysandflags"), "COMMAND GETKEYSANDFLAGS needs at least one word"),
    (call("command_list", module="bf", pattern="bf*"), "module and pattern exclude each other"),
    (call("commandlog_get", -2, "SLOW"), "count must be -1 or more, not -2"),
    (call("memory_usage", "k", samples=-1), "samples must be 0 or more, not -1"),
    (call("slowlog_get", -2), "count must be -1 or more, not -2"),
]
MISTYPED: list[Refused] = [
    (call("memory_usage", "k", samples="5"), "samples must be a whole number, not '5'"),
    (call("module_loadex", "x.so", config=["a", "b"]), "config must be a mapping of names to values, not list"),
    (call("module_loadex", "x.so", args="ab"), "args must be a list or tuple, not str"),
    (call("slowlog_get", 1.5), "count must be a whole number, not 1.5"),
]
