"""The commands of the server model: one function for each, as the command pages describe it.

Every function takes the session and the arguments and returns the reply as bytes. ``BLPOP`` returns ``BLOCKED`` if it
has to wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .server import Session

BLOCKED: Final = object()

OK: Final = b"+OK\r\n"
WRITES: Final = frozenset("SET MSET INCR INCRBY LPUSH DEL UNLINK BLPOP".split())

#: The commands with the ``loading`` flag in COMMAND INFO.
ALLOWED_WHILE_LOADING: Final = frozenset(
    "HELLO AUTH CLIENT SELECT RESET MULTI EXEC DISCARD WATCH UNWATCH SUBSCRIBE UNSUBSCRIBE".split()
)


READONLY: Final = "READONLY You can't write against a read only replica."


def error(line: str) -> bytes:
    return b"-" + line.encode() + b"\r\n"


def bulk(value: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(value), value)


def number(value: int) -> bytes:
    return b":%d\r\n" % value


def array(items: list[bytes]) -> bytes:
    return b"*%d\r\n" % len(items) + b"".join(items)


def nil(session: Session) -> bytes:
    return b"_\r\n" if session.protocol == 3 else b"$-1\r\n"


WRONG_TYPE: Final = error("WRONGTYPE Operation against a key holding the wrong kind of value")


# The connection ---------------------------------------------------------------------------------------


def hello(session: Session, *args: bytes) -> bytes:
    words = [bytes(arg) for arg in args]
    if words and words[0] not in (b"2", b"3"):
        return error("NOPROTO unsupported protocol version")
    upper = [word.upper() for word in words]
    if b"AUTH" in upper:
        at = upper.index(b"AUTH")
        if not session.is_known and words[at + 2].decode() != session.server.password:
            return error("WRONGPASS invalid username-password pair or user is disabled.")
        session.is_known = True
    if not session.is_known:
        return error("NOAUTH HELLO must be called with the client already authenticated")
    if b"SETNAME" in upper:
        session.name = words[upper.index(b"SETNAME") + 1].decode()
    session.protocol = int(words[0]) if words else session.protocol
    facts = [bulk(b"server"), bulk(b"valkey"), bulk(b"proto"), number(session.protocol)]
    return b"%" + array(facts).replace(b"*4", b"2", 1) if session.protocol == 3 else array(facts)


def auth(session: Session, *args: bytes) -> bytes:
    if session.server.password is None:
        return error("ERR AUTH <password> called without any password configured for the default user.")
    if bytes(args[-1]).decode() != session.server.password:
        return error("WRONGPASS invalid username-password pair or user is disabled.")
    session.is_known = True
    return OK


def client(session: Session, word: bytes, *args: bytes) -> bytes:
    sub = bytes(word).upper()
    if sub == b"REPLY":
        return _client_reply(session, bytes(args[0]).upper())
    if sub == b"SETNAME":
        session.name = bytes(args[0]).decode()
        return OK
    if sub == b"SETINFO":
        return OK
    if sub == b"TRACKING":
        session.is_tracking = bytes(args[0]).upper() == b"ON"
        return OK
    if sub == b"ID":
        return number(session.sock.number)
    return error(f"ERR unknown subcommand '{sub.decode()}'. Try CLIENT HELP.")


def _client_reply(session: Session, how: bytes) -> bytes:
    if how == b"ON":
        session.replies = True
        return OK
    if how == b"OFF":
        session.replies = False
    elif session.replies:
        session.skips = 2  # the reply of this command, and that of the next
    return b""


def reset(session: Session) -> bytes:
    session.renew()
    return b"+RESET\r\n"


def select(session: Session, db: bytes) -> bytes:
    if not 0 <= int(db) < 16:
        return error("ERR DB index is out of range")
    session.db = int(db)
    return OK


def ping(session: Session) -> bytes:
    return b"+PONG\r\n"


def echo(session: Session, message: bytes) -> bytes:
    return bulk(bytes(message))


def subscribe(session: Session, *channels: bytes) -> bytes:
    frames = []
    for channel in channels:
        session.channels.add(bytes(channel))
        frames.append(_about_channel(session, b"subscribe", bytes(channel)))
    return b"".join(frames)


def unsubscribe(session: Session, *channels: bytes) -> bytes:
    frames = []
    for channel in channels or sorted(session.channels):
        session.channels.discard(bytes(channel))
        frames.append(_about_channel(session, b"unsubscribe", bytes(channel)))
    if not frames:
        frames.append(_about_channel(session, b"unsubscribe", None))
    return b"".join(frames)


def _about_channel(session: Session, what: bytes, channel: bytes | None) -> bytes:
    name = nil(session) if channel is None else bulk(channel)
    frame = array([bulk(what), name, number(len(session.channels))])
    return b">" + frame[1:] if session.protocol == 3 else frame


# Transactions -----------------------------------------------------------------------------------------


def multi(session: Session) -> bytes:
    if session.transaction is not None:
        return error("ERR MULTI calls can not be nested")
    session.transaction = []
    session.is_spoilt = False
    return OK


def exec_(session: Session) -> bytes:
    queued, is_spoilt = session.transaction, session.is_spoilt
    if queued is None:
        return error("ERR EXEC without MULTI")
    versions = session.server.versions
    is_stale = any(versions[key] != version for key, version in session.watched.items())
    _end_transaction(session)
    if is_spoilt:
        return error("EXECABORT Transaction discarded because of previous errors.")
    if session.server.is_loading and queued:
        return error("EXECABORT Transaction discarded because of: LOADING")
    if session.is_read_only and any(bytes(args[0]).decode().upper() in WRITES for args in queued):
        session.says_readonly = True
        return error(f"EXECABORT Transaction discarded because of: {READONLY}")
    if is_stale:
        return b"_\r\n" if session.protocol == 3 else b"*-1\r\n"
    session.is_in_exec = True
    replies = [session.call(bytes(args[0]).decode().upper(), args) for args in queued]
    session.is_in_exec = False
    return array(replies)


def discard(session: Session) -> bytes:
    if session.transaction is None:
        return error("ERR DISCARD without MULTI")
    _end_transaction(session)
    return OK


def _end_transaction(session: Session) -> None:
    session.transaction = None
    session.is_spoilt = False
    session.watched = {}


def watch(session: Session, *keys: bytes) -> bytes:
    if session.transaction is not None:
        return error("ERR WATCH inside MULTI is not allowed")
    for key in keys:
        session.watched.setdefault((session.db, bytes(key)), session.server.versions[session.db, bytes(key)])
    return OK


def unwatch(session: Session) -> bytes:
    session.watched = {}
    return OK


# Data -------------------------------------------------------------------------------------------------


def get(session: Session, key: bytes) -> bytes:
    value = session.server.data[session.db].get(bytes(key))
    if isinstance(value, list):
        return WRONG_TYPE
    return nil(session) if value is None else bulk(value)


def set_(session: Session, key: bytes, value: bytes) -> bytes:
    session.server.data[session.db][bytes(key)] = bytes(value)
    session.server.touch(session.db, bytes(key))
    return OK


def mset(session: Session, *pairs: bytes) -> bytes:
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        set_(session, key, value)
    return OK


def mget(session: Session, *keys: bytes) -> bytes:
    data = session.server.data[session.db]
    values = [data.get(bytes(key)) for key in keys]
    return array([bulk(value) if isinstance(value, bytes) else nil(session) for value in values])


def delete(session: Session, *keys: bytes) -> bytes:
    gone = 0
    for key in keys:
        gone += session.server.data[session.db].pop(bytes(key), None) is not None
        session.server.touch(session.db, bytes(key))
    return number(gone)


def exists(session: Session, *keys: bytes) -> bytes:
    return number(sum(bytes(key) in session.server.data[session.db] for key in keys))


def dbsize(session: Session) -> bytes:
    return number(len(session.server.data[session.db]))


def incr(session: Session, key: bytes) -> bytes:
    return incrby(session, key, b"1")


def incrby(session: Session, key: bytes, by: bytes) -> bytes:
    data = session.server.data[session.db]
    value = data.get(bytes(key), b"0")
    if isinstance(value, list):
        return WRONG_TYPE
    if not value.lstrip(b"-").isdigit():
        return error("ERR value is not an integer or out of range")
    new = int(value) + int(by)
    data[bytes(key)] = str(new).encode()
    session.server.increments[bytes(key)] += int(by)
    session.server.touch(session.db, bytes(key))
    return number(new)


def lpush(session: Session, key: bytes, *values: bytes) -> bytes:
    items = session.server.data[session.db].setdefault(bytes(key), [])
    if not isinstance(items, list):
        return WRONG_TYPE
    for value in values:
        items.insert(0, bytes(value))
    session.server.touch(session.db, bytes(key))
    return number(len(items))


def lrange(session: Session, key: bytes, start: bytes, stop: bytes) -> bytes:
    items = session.server.data[session.db].get(bytes(key), [])
    if not isinstance(items, list):
        return WRONG_TYPE
    last = int(stop)
    return array([bulk(item) for item in items[int(start) : None if last == -1 else last + 1]])


def blpop(session: Session, *args: bytes) -> Any:
    """Pop from the first list that is not empty. A timeout of -1 is the model's own way not to block."""
    keys, seconds = [bytes(key) for key in args[:-1]], float(args[-1])
    data = session.server.data[session.db]
    for key in keys:
        items = data.get(key)
        if items is not None and not isinstance(items, list):
            return WRONG_TYPE
        if items:
            value = items.pop(0)
            if not items:
                del data[key]
            session.server.touch(session.db, key)
            return array([bulk(key), bulk(value)])
    if seconds < 0:
        return None
    if session.is_in_exec:
        return b"_\r\n" if session.protocol == 3 else b"*-1\r\n"
    return session.block(keys, seconds)


def eval_(session: Session, script: bytes, _: bytes, key: bytes, token: bytes) -> bytes:
    """Push a token and return the length of the list, or the error that is the script's text."""
    if session.is_read_only:
        session.says_readonly = True
        return error(f"{READONLY} script: a1b2, on @user_script:1.")
    session.server.executed[bytes(token)] += 1
    length = lpush(session, key, token)
    return error(bytes(script).decode()) if script else length


COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "AUTH": auth,
    "BLPOP": blpop,
    "CLIENT": client,
    "DBSIZE": dbsize,
    "DEL": delete,
    "DISCARD": discard,
    "ECHO": echo,
    "EVAL": eval_,
    "EXEC": exec_,
    "EXISTS": exists,
    "GET": get,
    "HELLO": hello,
    "INCR": incr,
    "INCRBY": incrby,
    "LPUSH": lpush,
    "LRANGE": lrange,
    "MGET": mget,
    "MSET": mset,
    "MULTI": multi,
    "PING": ping,
    "RESET": reset,
    "SELECT": select,
    "SET": set_,
    "SUBSCRIBE": subscribe,
    "UNLINK": delete,
    "UNSUBSCRIBE": unsubscribe,
    "UNWATCH": unwatch,
    "WATCH": watch,
}
