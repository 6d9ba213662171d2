"""Commands on users and their permissions.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. The
server knows them since Redis 6.0.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, overload

from respool._facts.command import Command, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import at_least, nothing_to_send
from respool.commands._parsers import as_text
from respool.commands._reports import as_denials, as_user, as_whether_ok, as_words

if TYPE_CHECKING:
    from respool._facts.command import Arg

ACL_CAT = spec("ACL CAT").derive(parse=as_words)
ACL_DELUSER = spec("ACL DELUSER")
ACL_DRYRUN = spec("ACL DRYRUN").derive(parse=as_whether_ok)
ACL_GENPASS = spec("ACL GENPASS").derive(parse=as_text)
ACL_GETUSER = spec("ACL GETUSER").derive(parse=as_user)
ACL_LIST = spec("ACL LIST").derive(parse=as_words)
ACL_LOAD = spec("ACL LOAD").derive(parse=bool)
ACL_LOG = spec("ACL LOG").derive(parse=as_denials, safe=True)
ACL_LOG_RESET = spec("ACL LOG").derive(parse=bool)
ACL_SAVE = spec("ACL SAVE").derive(parse=bool)
ACL_SETUSER = spec("ACL SETUSER").derive(parse=bool)
ACL_USERS = spec("ACL USERS").derive(parse=as_words)
ACL_WHOAMI = spec("ACL WHOAMI").derive(parse=as_text)


def acl_cat(category: str | None = None) -> Command[list[str]]:
    """Return the categories of commands, or the commands in one: ``["get", "object|encoding", ...]``."""
    if category is None:
        return Command(ACL_CAT)
    return Command(ACL_CAT, category)


def acl_deluser(*usernames: str | bytes) -> Command[int]:
    """Delete users, close their connections, and return how many users there were.

    The server refuses for ``"default"``. Raises UsageValueError without usernames.
    """
    if usernames:
        return Command(ACL_DELUSER, *usernames)
    raise nothing_to_send(ACL_DELUSER, "username")


def acl_dryrun(username: str | bytes, *words: Arg) -> Command[str | None]:
    """Return why a user may not run a command, or None if they may.

    ``words`` are its name and all of its arguments; it is not run. The server refuses an unknown user or command.
    Raises UsageValueError without words. Since Redis 7.0.
    """
    if words:
        return Command(ACL_DRYRUN, username, *words)
    raise nothing_to_send(ACL_DRYRUN, "word")


def acl_genpass(bits: int | None = None) -> Command[str]:
    """Return a new random password of 256 bits, or of ``bits``, in hexadecimal digits of 4 bits each.

    Raises UsageValueError for bits below 1. The server refuses more than 4096.
    """
    if bits is None:
        return Command(ACL_GENPASS)
    return Command(ACL_GENPASS, at_least(1, "bits", bits))


def acl_getuser(username: str | bytes) -> Command[dict[str, Any] | None]:
    """Return what is known about a user, or None if there is no such user.

    ``{"flags": ["on"], "passwords": [hash, ...], "commands": "-@all +@read", "keys": "~k*", "channels": "",
    "selectors": [{"commands": ..., "keys": ..., "channels": ...}]}``. Before Redis 7.0 keys and channels are lists of
    patterns, and there are no selectors.
    """
    return Command(ACL_GETUSER, username)


def acl_list() -> Command[list[str]]:
    """Return a line for each user, with their rules and the hashes of their passwords, as in an ACL file."""
    return Command(ACL_LIST)


def acl_load() -> Command[bool]:
    """Replace all users by those of the server's ACL file, and return True.

    The server refuses if it has no ACL file, or if the file has a mistake; then nothing changes.
    """
    return Command(ACL_LOAD)


@overload
def acl_log(count: int | None = None, *, reset: Literal[False] = False) -> Command[list[dict[str, Any]]]: ...
@overload
def acl_log(count: None = None, *, reset: Literal[True]) -> Command[bool]: ...
def acl_log(count: int | None = None, *, reset: bool = False) -> Command[Any]:
    """Return the latest attempts that were denied, at most 10 or ``count``; or forget them all, and return True.

    ``{"count": 1, "reason": "key", "context": "toplevel", "object": "k", "username": "ann", "age-seconds": 4.5,
    "client-info": {"id": "3", ...}, ...}``: the newest first, each with a dict like that of ``client_info``. Raises
    UsageValueError for a negative count, and for a count with ``reset``.
    """
    if count is None and not reset:
        return Command(ACL_LOG)
    if count is None:
        return Command(ACL_LOG_RESET, "RESET")
    if reset:
        raise UsageValueError("count and reset exclude each other")
    return Command(ACL_LOG, at_least(0, "count", count))


def acl_save() -> Command[bool]:
    """Write all users to the server's ACL file, and return True. The server refuses if it has none."""
    return Command(ACL_SAVE)


def acl_setuser(username: str | bytes, *rules: str | bytes) -> Command[bool]:
    """Make a user, or change one by rules that are applied in order, and return True.

    ``acl_setuser("ann", "on", ">password", "~cache:*", "+@read")``; without rules a new user is off and may do
    nothing. If the server refuses a rule, nothing changes, and its error quotes the rule. So that no error shows a
    password, ``"<password"`` is sent as ``"!"`` with its hash (in UTF-8; give other encodings as bytes), and
    UsageValueError is raised for a password in a selector and for a hash that is not one of 64 lower-case
    hexadecimal digits.
    """
    return Command(ACL_SETUSER, username, *map(_rule, rules))


def acl_users() -> Command[list[str]]:
    """Return the names of all users."""
    return Command(ACL_USERS)


def acl_whoami() -> Command[str]:
    """Return the name of the user of this connection."""
    return Command(ACL_WHOAMI)


_SECRET = (b">", b"<", b"#", b"!")
_HASH_DIGITS = frozenset(b"0123456789abcdef")


def _rule(rule: str | bytes) -> str | bytes:
    """Return a rule in a form that shows no password if the server refuses it."""
    if not isinstance(rule, str | bytes):
        raise UsageTypeError(f"a rule is str or bytes, not {type(rule).__name__}; write *rules for a list of them")
    raw = rule.encode("utf-8", "surrogateescape") if isinstance(rule, str) else rule
    if raw.startswith(b"("):
        if any(word.startswith(_SECRET) for word in raw.strip(b"()").split()):
            raise UsageValueError("a selector has no password: give it to the user, as a rule of its own")
    elif raw.startswith((b"#", b"!")):
        if len(raw) != 65 or not _HASH_DIGITS.issuperset(raw[1:]):
            raise UsageValueError("a rule with the hash of a password has 64 hexadecimal digits, in lower case")
    elif raw.startswith(b"<"):
        return f"!{sha256(raw[1:]).hexdigest()}"
    return rule
