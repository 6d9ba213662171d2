"""``routing_table`` says what the servers' COMMAND tips: which nodes a command concerns, and how replies are merged."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.command import SPECS
from respool._facts.routing_table import ROUTES, Merge, Route, Where

REQUEST = {"multi_shard": Where.SLOTS, "all_shards": Where.PRIMARIES, "all_nodes": Where.NODES}
RESPONSE = {
    "all_succeeded": Merge.SAME,
    "one_succeeded": Merge.ONE,
    "agg_sum": Merge.SUM,
    "agg_logical_and": Merge.EVERY,
}
#: Without a tip, replies to a command with keys stay in the order of the keys, and others are joined.
UNTIPPED = {Where.SLOTS: Merge.ORDER, Where.PRIMARIES: Merge.JOIN, Where.NODES: Merge.JOIN}

#: A reply that no rule makes one of several is about the node that gives it.
OF_ITS_NODE = "merging its reply is special, so a caller who wants it knows of which node"
ENTRIES = "its entries do not say which node they are of, and their ids are of that node"
OF_A_CONNECTION = "it concerns the connection that it is sent on, not the node"
ALL_AT_ONCE = "it sets all of its keys or none (with NX or XX), which several nodes cannot do"

#: Where the table differs from the tips, and why.
DIFFERS: dict[str, str] = {
    "CLIENT SETINFO": OF_A_CONNECTION,
    "CLIENT SETNAME": OF_A_CONNECTION,
    "CLUSTER SLOT-STATS": "its ORDERBY and LIMIT are about one node",
    "CLUSTERSCAN": "it has a cursor, and goes where the slot in it is",
    "COMMANDLOG GET": ENTRIES,
    "FUNCTION STATS": OF_ITS_NODE,
    "INFO": OF_ITS_NODE,
    "LATENCY DOCTOR": OF_ITS_NODE,
    "LATENCY GRAPH": OF_ITS_NODE,
    "LATENCY HISTOGRAM": OF_ITS_NODE,
    "LATENCY HISTORY": OF_ITS_NODE,
    "LATENCY LATEST": OF_ITS_NODE,
    "MEMORY DOCTOR": OF_ITS_NODE,
    "MEMORY MALLOC-STATS": OF_ITS_NODE,
    "MEMORY STATS": OF_ITS_NODE,
    "MSETEX": ALL_AT_ONCE,
    "MSETNX": ALL_AT_ONCE,
    "RANDOMKEY": "the first key that some primary has is a key of the cluster",
    "SCAN": "its cursor is that of one node",
    "SLOWLOG GET": ENTRIES,
    "WAIT": "it is about the writes of the connection that it is sent on",
    "WAITAOF": "it is about the writes of the connection that it is sent on",
}
#: What an older server does not tip yet, or tips otherwise.
OLDER = {
    "redis": {
        *("ACL DELUSER", "ACL SAVE", "ACL SETUSER", "CONFIG RESETSTAT", "CONFIG REWRITE"),  # no tips
        "LATENCY RESET",  # it answers how many events it reset, but is tipped as if it answered OK
    }
}


def tipped(entry: list[Any]) -> Route | None:
    """Return the route that the tips of a command ask for; None without a tip."""
    tips = dict(tip.split(":", 1) for tip in entry[7] if "policy:" in tip)
    request, response = tips.get("request_policy"), tips.get("response_policy")
    if request is None:
        return None
    where = REQUEST.get(request)
    if where is None:
        return Route(Where.NODE)
    return Route(where, UNTIPPED[where] if response is None else RESPONSE.get(response))


def test_the_table_says_what_the_server_tips(told: dict[str, Any], called: str) -> None:
    wanted = {name: route for name, entry in told.items() if (route := tipped(entry)) is not None}
    several = {name: route for name, route in ROUTES.items() if route.merge is not None and name in told}
    differs = {name for name in wanted.keys() | several.keys() if wanted.get(name) != several.get(name)}
    assert differs - OLDER.get(called, set()) == DIFFERS.keys() & wanted.keys()
    assert differs >= OLDER.get(called, set())


def test_a_difference_is_refused_without_a_node_or_left_to_its_keys() -> None:
    is_elsewhere = {name for name in DIFFERS if SPECS[name].key_rule or SPECS[name].refusal}
    assert is_elsewhere == {"CLIENT SETNAME", "CLUSTERSCAN", "MSETEX", "MSETNX"}
    routes = {name: ROUTES[name] for name in DIFFERS.keys() - is_elsewhere}
    assert routes.pop("RANDOMKEY") == Route(Where.PRIMARIES, Merge.SOME)
    assert set(routes.values()) == {Route(Where.NODE)}


@pytest.mark.parametrize("name", sorted(name for name, route in ROUTES.items() if route.where is Where.ANY))
def test_of_what_goes_to_any_node_no_server_tips_that_it_concerns_several(told: dict[str, Any], name: str) -> None:
    assert name not in told or tipped(told[name]) is None
