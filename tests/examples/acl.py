"""Examples of commands on users and their permissions."""

from __future__ import annotations

from typing import Any

from examples import NotMade, Refused, Row, call

ON_ITS_OWN = NotMade("test_server_commands has a server with a file of users")
EVE = "ACL SETUSER eve reset on >secret ~k* +get (+set ~w*)"


def is_eve(user: Any) -> bool:
    return (
        "on" in user["flags"]
        and len(user["passwords"][0]) == 64
        and user["commands"] == "-@all +get"
        and user["keys"] == "~k*"
        and user["selectors"][0]["commands"] == "-@all +set"
        and user["selectors"][0]["keys"] == "~w*"
    )


def is_hexadecimal(length: int) -> Any:
    return lambda reply: type(reply) is str and len(reply) == length and int(reply, 16) >= 0


def has_default(reply: Any) -> bool:
    return "default" in reply


def has_line_of_default(reply: Any) -> bool:
    return any(line.startswith("user default on nopass") for line in reply)


def says_no(reply: Any) -> bool:
    return type(reply) is str and "no permissions" in reply


def has_words(*words: str) -> Any:
    return lambda reply: type(reply) is list and set(words) <= set(reply)


EXAMPLES: list[Row] = [
    (call("acl_cat"), has_words("read", "write")),
    (call("acl_cat", "string"), has_words("get", "set")),
    (call("acl_deluser", "eve", "nobody"), 1, EVE),
    (call("acl_dryrun", "eve", "GET", "k"), None, EVE),
    (call("acl_dryrun", "eve", "GET", "z"), says_no, EVE),
    (call("acl_genpass"), is_hexadecimal(64)),
    (call("acl_genpass", 5), is_hexadecimal(2)),
    (call("acl_getuser", "eve"), is_eve, EVE),
    (call("acl_getuser", "nobody"), None),
    (call("acl_list"), has_line_of_default),
    (call("acl_load"), ON_ITS_OWN),
    (call("acl_log"), [], "ACL LOG RESET"),
    (call("acl_log", 3), [], "ACL LOG RESET"),
    (call("acl_log", reset=True), True),
    (call("acl_save"), ON_ITS_OWN),
    (call("acl_setuser", "eve"), True),
    (call("acl_setuser", "eve", "reset", "on", ">secret", b"<secret", "~k*", "+@read", "(+set ~w*)"), True),
    (call("acl_users"), has_default),
    (call("acl_whoami"), "default"),
]
REFUSED: list[Refused] = [
    (call("acl_deluser"), "ACL DELUSER needs at least one username"),
    (call("acl_dryrun", "eve"), "ACL DRYRUN needs at least one word"),
    (call("acl_genpass", 0), "bits must be 1 or more, not 0"),
    (call("acl_log", -1), "count must be 0 or more, not -1"),
    (call("acl_log", 1, reset=True), "count and reset exclude each other"),
    (call("acl_setuser", "eve", "(+get >secret)"), "a selector has no password"),
    (call("acl_setuser", "eve", "(>secret"), "a selector has no password"),
    (call("acl_setuser", "eve", "#secret"), "has 64 hexadecimal digits"),
    (call("acl_setuser", "eve", b"!" + b"G" * 64), "has 64 hexadecimal digits"),
]
MISTYPED: list[Refused] = [
    (call("acl_genpass", "5"), "bits must be a whole number, not '5'"),
    (call("acl_log", 1.5), "count must be a whole number, not 1.5"),
    (call("acl_setuser", "eve", ["on", ">secret"]), r"a rule is str or bytes, not list; write \*rules"),
]
