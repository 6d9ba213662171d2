"""Which reply a ``FakeNode`` gives: from the test's own script, or else the usual replies to a handshake.

Rule 1: a reply is found by the first words of a command, ``"GET"`` or ``"CLIENT SETNAME"``; the longest
        match wins.
Rule 2: replies of ``once`` come first, then those of ``on``: these are the test's own. A node of a ``FakeCluster`` then
        answers by itself. What is left gets the replies of the handshake, then the default.
Rule 3: only ``FakeNode`` calls it, and only in its loop's thread.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from respool.testing._actions import Action, Close, Command, Delay, FakeConnection, Hold, Reply

OK: Final = b"+OK\r\n"
NO_PROTOCOL: Final = b"-NOPROTO unsupported protocol version\r\n"

Words = tuple[bytes, ...]


class Script:
    """Which reply a command gets."""

    def __init__(self, *, handshake: bool, resp2_only: bool, default: Reply | None) -> None:
        self._default = None if default is None else checked(default)
        self._always: dict[Words, Reply] = {}
        self._once: dict[Words, deque[Reply]] = {}
        self._manners: dict[Words, Reply] = {}
        if handshake:
            self._manners.update(HANDSHAKE)
            if not resp2_only:
                self._manners[b"HELLO",] = hello

    def on(self, name: str, reply: Reply) -> None:
        self._always[words(name)] = checked(reply)

    def once(self, name: str, reply: Reply) -> None:
        self._once.setdefault(words(name), deque()).append(checked(reply))

    def own(self, command: Command) -> Reply | None:
        """Return the test's own reply to a command, or None. A reply of ``once`` is removed."""
        if not self._once and not self._always:
            return None
        prefixes = _prefixes(command)
        for prefix in prefixes:
            if queue := self._once.get(prefix):
                return queue.popleft()
        return next((self._always[prefix] for prefix in prefixes if prefix in self._always), None)

    def usual(self, command: Command) -> Reply | None:
        """Return the reply of the handshake, else the default; None if there is none, so the command is unknown."""
        return next((self._manners[prefix] for prefix in _prefixes(command) if prefix in self._manners), self._default)

    def find(self, command: Command) -> Reply:
        """Return the reply to a command. A reply of ``once`` is removed."""
        for reply in (self.own(command), self.usual(command)):
            if reply is not None:
                return reply
        return unknown(command)


def _prefixes(command: Command) -> list[Words]:
    """Return the first three words of a command, the first two, and the first."""
    upper = tuple(word.upper() for word in command[:3])
    return [upper[:length] for length in range(len(upper), 0, -1)]


def words(name: str) -> Words:
    """Split a script's key: ``"client setname"`` is ``(b"CLIENT", b"SETNAME")``."""
    if not name.split():
        raise ValueError("a reply needs the name of its command")
    return tuple(name.upper().encode().split())


def checked(reply: Reply) -> Reply:
    """Return ``reply``. Raises TypeError for what is none: a node would only find that out when it answers."""
    if isinstance(reply, tuple):
        for part in reply:
            checked(part)
    elif isinstance(reply, Delay | Hold):
        checked(reply.reply)
    elif not isinstance(reply, bytes | Action) and not callable(reply):
        given = type(reply).__name__
        raise TypeError(f"a reply is bytes, an action, a tuple of replies or a function, not {given}")
    return reply


def unknown(command: Command) -> bytes:
    """Return the error reply of a server to an unknown command."""
    name, *args = (word.decode(errors="backslashreplace")[:128] for word in command)
    shown = "".join(f"'{arg}' " for arg in args)[:128]
    return f"-ERR unknown command '{name}', with args beginning with: {shown}\r\n".encode()


def hello(
    command: Command,
    connection: FakeConnection,
    *,
    server: tuple[bytes, bytes] = (b"valkey", b"9.0.0"),
    mode: bytes = b"standalone",
    role: bytes = b"master",
) -> bytes:
    """Return the reply to HELLO: a map in RESP3, the same as a flat array in RESP2."""
    if len(command) > 1:
        if command[1] not in (b"2", b"3"):
            return NO_PROTOCOL
        connection.protocol = int(command[1])
    lead = b"%7\r\n" if connection.protocol == 3 else b"*14\r\n"
    fields = (
        bulk(b"server") + bulk(server[0]),
        bulk(b"version") + bulk(server[1]),
        bulk(b"proto") + b":%d\r\n" % connection.protocol,
        bulk(b"id") + b":%d\r\n" % connection.number,
        bulk(b"mode") + bulk(mode),
        bulk(b"role") + bulk(role),
        bulk(b"modules") + b"*0\r\n",
    )
    return lead + b"".join(fields)


def bulk(data: bytes) -> bytes:
    """Encode a bulk string."""
    return b"$%d\r\n%s\r\n" % (len(data), data)


def client_id(_command: Command, connection: FakeConnection) -> bytes:
    return b":%d\r\n" % connection.number


HANDSHAKE: Final[dict[Words, Reply]] = {
    (b"AUTH",): OK,
    (b"SELECT",): OK,
    (b"READONLY",): OK,
    (b"CLIENT", b"SETNAME"): OK,
    (b"CLIENT", b"SETINFO"): OK,
    (b"CLIENT", b"CAPA"): OK,
    (b"CLIENT", b"NO-EVICT"): OK,
    (b"CLIENT", b"NO-TOUCH"): OK,
    (b"CLIENT", b"ID"): client_id,
    (b"PING",): b"+PONG\r\n",
    (b"RESET",): b"+RESET\r\n",
    (b"QUIT",): (OK, Close()),
}
