"""Examples of commands on connections and clients."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from examples import ALL, BARE, NotMade, Refused, Row, call, is_count


def is_client(reply: Any) -> bool:
    return int(reply["id"]) > 0 and reply["db"] == "0"


def is_list_of_clients(reply: Any) -> bool:
    return type(reply) is list and len(reply) > 0 and all(map(is_client, reply))


def is_greeting(reply: Any) -> bool:
    return reply["proto"] in (2, 3) and type(reply["version"]) is str and all(m["name"] for m in reply["modules"])


EXAMPLES: list[Row] = [
    (call("auth", "secret", "ann"), True, "ACL SETUSER ann on >secret"),
    (call("auth", "secret"), NotMade("it needs a server that has one password for all")),
    (call("client_caching", yes=True), True, "CLIENT TRACKING ON OPTIN"),
    (call("client_caching", yes=False), True, "CLIENT TRACKING ON OPTOUT"),
    (call("client_capa", "redirect"), True),
    (call("client_getname"), None),
    (call("client_getname"), "ann", "CLIENT SETNAME ann", ALL, "lease"),
    (call("client_getredir"), -1),
    (call("client_id"), is_count),
    (call("client_import_source", on=False), NotMade("only a replica that imports takes it")),
    (call("client_import_source", on=True), NotMade("only a replica that imports takes it")),
    (call("client_info"), is_client),
    (call("client_kill", id=[1 << 40, 1 << 41], type="pubsub"), 0),
    (call("client_kill", addr="127.0.0.1:1", skipme=True), 0),
    (call("client_kill", not_type="normal", lib_name="x", db=7), 0, "PING", "valkey"),
    (call("client_kill", user="default", name="x", laddr="a:1", ip="a", flags="x", lib_name="x", lib_ver="x", capa="r", idle=9, maxage=9, type="replica"), 0, "", "valkey"),
    (call("client_kill", type="primary", skipme=False, user="default", db=9), 0, "", "valkey"),
    (call("client_kill", type="master", not_id=1, not_addr="a:1", not_laddr="a:1", not_user="default", not_name="x", not_ip="a", not_db=9, not_flags="x", not_lib_name="x", not_lib_ver="x", not_capa="r"), 0, "", "valkey"),
    (call("client_list"), is_list_of_clients),
    (call("client_list", type="normal"), is_list_of_clients),
    (call("client_list", id=(1 << 40, 1 << 41)), []),
    (call("client_list", user="default", name="x", laddr="a:1", ip="a", flags="x", lib_name="x", lib_ver="x", capa="r", idle=9, maxage=9, addr="a:1", db=9, type="replica"), [], "", "valkey"),
    (call("client_list", type="master", skipme=False, not_type="pubsub", not_id=1, not_addr="a:1", not_laddr="a:1", not_user="default", not_name="x", not_ip="a", not_db=9, not_flags="x", not_lib_name="x", not_lib_ver="x", not_capa="r"), [], "", "valkey"),
    (call("client_list", type="pubsub", skipme=True), [], "", "valkey"),
    (call("client_no_evict", on=True), True),
    (call("client_no_evict", on=False), True),
    (call("client_no_touch", on=True), True),
    (call("client_no_touch", on=False), True),
    (call("client_pause", 0), True),
    (call("client_pause", timedelta(0), "WRITE"), True),
    (call("client_setinfo", "LIB-NAME", "respool"), True),
    (call("client_setinfo", "LIB-VER", "1.0"), True),
    (call("client_setname", "ann"), True),
    (call("client_tracking", on=False), True),
    (call("client_tracking", on=True, bcast=True, prefixes=["a:", "b:"], noloop=True), True, "HELLO 3"),
    (call("client_tracking", on=True, optin=True), True, "HELLO 3"),
    (call("client_tracking", on=True, optout=True), True, "HELLO 3"),
    (call("client_tracking", on=True, redirect=1 << 40), NotMade("it needs the id of another connection")),
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
    (call("quit"), True, "", ALL, BARE),
    (call("reset"), True, "", ALL, BARE),
    (call("select", 1), True),
]
REFUSED: list[Refused] = [
    (call("client_capa"), "CLIENT CAPA needs at least one capability"),
    (call("client_kill"), "without a filter would close every connection"),
    (call("client_kill", skipme=True), "without a filter would close every connection"),
    (call("client_list", id=[]), "id must have a value"),
    (call("client_kill", user=["ann", "bob"]), r"user must have a value, not \['ann', 'bob'\]"),
    (call("client_pause", -1), "timeout must be 0 or more, not -1"),
    (call("client_tracking", on=True, prefixes=["a:"]), "prefixes need bcast"),
    (call("client_tracking", on=True, optin=True, optout=True), "optin and optout exclude each other"),
    (call("hello", username="ann", protover=3), "username needs password"),
    (call("hello", password="secret"), "password and clientname need protover"),
]
MISTYPED: list[Refused] = [
    (call("client_kill", nme="x"), "unknown option 'nme' of CLIENT KILL; known are addr, capa"),
    (call("client_list", nme="x"), "unknown option 'nme' of CLIENT LIST; known are addr, capa"),
    (call("client_kill", id=bytearray(b"12")), "id of CLIENT KILL must be a list, not bytearray"),
    (call("client_list", not_id={1, 2}), "not_id of CLIENT LIST must be a list, not set"),
    (call("client_caching", yes="no"), "yes must be True or False, not 'no'"),
    (call("client_import_source", on="no"), "on must be True or False, not 'no'"),
    (call("client_no_evict", on="off"), "on must be True or False, not 'off'"),
    (call("client_no_touch", on=b"OFF"), "on must be True or False, not b'OFF'"),
    (call("client_tracking", on="OFF"), "on must be True or False, not 'OFF'"),
    (
        call("client_tracking", on=True, bcast=True, prefixes="user:"),
        r"prefixes of CLIENT TRACKING must be a list, not str: write prefixes=\[...\]",
    ),
]
