"""A scripted RESP node, for behaviour that a healthy server cannot be made to show.

Rule 1: ``_script`` and ``_actions`` say what it answers, ``_fake_connection`` sends it. This file records
        connections and commands.
Rule 2: the records are written in the loop's thread under a lock; other threads read copies.
Rule 3: a handler that raises fails the test: its connection is reset, and ``stop()`` raises the error.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from respool.testing._actions import Command, Reply, Silence
from respool.testing._fake_connection import ScriptedConnection
from respool.testing._listener import BACKLOG, Listener
from respool.testing._loop import Loop
from respool.testing._ports import HOST
from respool.testing._script import Script, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self


class Seen(NamedTuple):
    """A command that a node received: the number of its connection, and its words, the first in upper case."""

    connection: int
    command: Command


class FakeNode:
    """A node on 127.0.0.1 that answers from a script.

    ``replies``     the reply to each command: the same as calling ``on`` for each.
    ``handshake``   answer HELLO, AUTH, SELECT, CLIENT SETNAME, PING, QUIT and the like as a server does.
    ``resp2_only``  HELLO is an unknown command, as before Redis 6.
    ``default``     the reply to all other commands; None means ``-ERR unknown command``.
    ``unix``        listen on a unix socket instead of a port.
    ``port``        the port to listen on, instead of any free one.
    ``accepting``   False: the kernel completes connections, but the node neither accepts, reads nor answers.

    A reply is one of

    - ``bytes``, sent as they are: one reply, several, a push, half a reply;
    - an action: ``Silence()``, ``Close()``, ``Reset()``, ``Delay(seconds, reply)``, ``Hold(reply)``;
    - a tuple of replies, executed in order: ``(b"$5\\r\\nhel", Close())``;
    - a function ``(command, connection) -> reply``; None means no reply. It runs in the node's thread and
      must not block.

    Each connection answers its commands in order.

        with FakeNode({"GET": b"$1\\r\\nx\\r\\n"}) as node:
            node.once("GET", Hold(b"$4\\r\\nlate\\r\\n"))
            ...                                # a client at node.url runs GET
            node.wait_for("GET")
            node.release()
    """

    def __init__(
        self,
        replies: Mapping[str, Reply] | None = None,
        *,
        handshake: bool = True,
        resp2_only: bool = False,
        default: Reply | None = None,
        unix: bool = False,
        port: int | None = None,
        accepting: bool = True,
    ) -> None:
        self._script = Script(handshake=handshake, resp2_only=resp2_only, default=default)
        for name, reply in (replies or {}).items():
            self._script.on(name, reply)
        self._listener = Listener(port=port or 0, unix=unix)
        self._accepting = accepting
        self._backlog = BACKLOG
        self._fillers: list[socket.socket] = []
        self._loop: Loop | None = None
        self._changed = threading.Condition()
        self._seen: list[Seen] = []
        self._accepted = 0
        self._open: dict[int, ScriptedConnection] = {}
        self._held: deque[ScriptedConnection] = deque()
        self._is_paused = False

    @classmethod
    def silent(cls, *, handshake: bool = False, unix: bool = False) -> Self:
        """Make a node that accepts and reads but never answers; with ``handshake``, only the handshake."""
        node = cls(handshake=handshake, default=Silence(), unix=unix)
        for name in ("PING", "RESET", "QUIT"):
            node.on(name, Silence())
        return node

    @classmethod
    def full(cls) -> Self:
        """Make a node whose backlog is full: connecting to it neither succeeds nor fails (Linux)."""
        node = cls(accepting=False)
        node._backlog = 0
        return node

    def __repr__(self) -> str:
        return f"<FakeNode {self.url}, {self.open_connections} open of {self.connections}>"

    # Address and records -------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """127.0.0.1"""
        return HOST

    @property
    def port(self) -> int:
        """The port, set by the first ``start()`` and then kept; 0 with a unix socket."""
        return self._listener.port

    @property
    def unix_path(self) -> str | None:
        """The path of the unix socket, or None."""
        return self._listener.path

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:port/0``, or ``unix:///path``."""
        return self._listener.url()

    @property
    def connections(self) -> int:
        """How many connections were accepted in total."""
        return self._accepted

    @property
    def open_connections(self) -> int:
        """How many of them are open."""
        with self._changed:
            return len(self._open)

    @property
    def commands(self) -> list[Seen]:
        """Every command, including the handshake, in order of arrival, as ``(connection number, words)``."""
        with self._changed:
            return list(self._seen)

    def wire(self, connection: int) -> list[Command]:
        """Return the commands of the connection of this number, in order of arrival."""
        return [seen.command for seen in self.commands if seen.connection == connection]

    def calls(self, name: str) -> list[Seen]:
        """Return the commands that begin with these words, ``"GET"`` or ``"CLIENT SETNAME"``."""
        prefix = words(name)
        return [seen for seen in self.commands if _begins(seen.command, prefix)]

    def wait_for(self, name: str, count: int = 1, timeout: float = 5.0) -> list[Seen]:
        """Wait until ``count`` such commands have arrived in total, and return them.

        Raises ``TimeoutError`` after ``timeout`` seconds. This blocks its thread: in an async test write
        ``await asyncio.to_thread(node.wait_for, "GET")``.
        """
        prefix = words(name)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [seen for seen in self._seen if _begins(seen.command, prefix)]
                if len(found) >= count:
                    return found
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{len(found)} of {count} {name} after {timeout:g} s; seen: {self._seen}")

    # Life ----------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Listen, and return the node. Does nothing if it runs already."""
        if self._loop is not None:
            return self
        self._is_paused = False
        self._listener.open(self._backlog)
        loop = self._loop = Loop(f"FakeNode {self._listener.port}")
        if self._accepting:
            loop.call(lambda: self._listener.serve(loop, self._accept))
        elif self._backlog == 0:
            self._fill()
        return self

    def stop(self) -> None:
        """Close everything; calling it again does nothing. ``start()`` opens it again at the same port, with
        the same script and records.

        Raises the first error that a handler raised.
        """
        loop = self._loop
        if loop is None:
            return
        loop.refuse_to_stop_itself()
        self._loop = None
        try:
            loop.call(lambda: self._listener.close(loop))
            loop.stop()
        finally:
            self._listener.remove()
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            self._held.clear()
            with self._changed:
                self._open.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        except BaseException:
            if kind is None:  # else the test has failed already, with an error of its own
                raise

    @property
    def is_paused(self) -> bool:
        """Whether it answers nothing until ``resume()``."""
        return self._is_paused

    def pause(self) -> None:
        """Accept, read and record, but answer nothing, as a process that hangs; ``resume()`` ends that."""
        self._call(lambda: setattr(self, "_is_paused", True))

    def resume(self) -> None:
        """Answer what has arrived since ``pause()``, and go on."""

        def resume() -> None:
            self._is_paused = False
            for connection in list(self._open.values()):
                connection._run()

        self._call(resume)

    # Replies, and actions without a command ------------------------------------------------------------

    def on(self, name: str, reply: Reply) -> None:
        """Answer every such command (``"GET"``, ``"CLIENT SETNAME"``) with this reply, from now on."""
        self._call(lambda: self._script.on(name, reply))

    def once(self, name: str, reply: Reply) -> None:
        """Answer the next such command with this reply. Several are used in order, and before those of ``on``."""
        self._call(lambda: self._script.once(name, reply))

    def release(self, count: int | None = None) -> int:
        """Release the oldest ``count`` replies that ``Hold`` keeps, or all; return how many that were."""

        def release() -> int:
            # Counted first: releasing a reply may start the next Hold of the same connection.
            going = len(self._held) if count is None else min(count, len(self._held))
            for connection in [self._held.popleft() for _ in range(going)]:
                connection._go_on()
            return going

        return self._loop.call(release) if self._loop is not None else 0

    def send(self, raw: bytes, connection: int | None = None) -> None:
        """Send bytes that answer no command, such as a push, to the connection of this number or to all open ones."""
        self._each(connection, lambda each: each.send(raw))

    def drop(self, connection: int | None = None) -> None:
        """Close the connection of this number, or every open one."""
        self._each(connection, ScriptedConnection.close)

    def reset(self, connection: int | None = None) -> None:
        """Reset (RST) the connection of this number, or every open one."""
        self._each(connection, ScriptedConnection.reset)

    def _each(self, number: int | None, act: Callable[[ScriptedConnection], None]) -> None:
        def each() -> None:
            if number is None:
                chosen = list(self._open.values())
            elif number in self._open:
                chosen = [self._open[number]]
            else:
                raise LookupError(f"{self!r} has no open connection {number}")
            for connection in chosen:
                act(connection)

        self._call(each)

    def _call(self, function: Callable[[], None]) -> None:
        if self._loop is None:
            function()
        else:
            self._loop.call(function)

    # In the loop's thread ------------------------------------------------------------------------------

    def _accept(self, sock: socket.socket) -> None:
        if self._loop is None:  # stop() is under way
            sock.close()
            return
        with self._changed:
            self._accepted += 1
            self._open[self._accepted] = ScriptedConnection(self._accepted, sock, self._loop, self)
            self._changed.notify_all()

    def _arrived(self, connection: ScriptedConnection, command: Command) -> None:
        with self._changed:
            self._seen.append(Seen(connection.number, command))
            self._changed.notify_all()

    def _script_for(self, command: Command) -> Reply:
        return self._script.find(command)

    def _holds(self, connection: ScriptedConnection) -> None:
        self._held.append(connection)

    def _ended(self, connection: ScriptedConnection) -> None:
        with self._changed:
            self._open.pop(connection.number, None)
            self._changed.notify_all()
        if connection in self._held:
            self._held.remove(connection)

    def _fill(self) -> None:
        """Connect until a connect hangs because the backlog is full. From then on, every connect hangs."""
        while True:
            filler = socket.socket()
            self._fillers.append(filler)
            filler.settimeout(0.05)
            try:
                filler.connect((self.host, self.port))
            except TimeoutError:
                return


def _begins(command: Command, prefix: tuple[bytes, ...]) -> bool:
    return tuple(word.upper() for word in command[: len(prefix)]) == prefix
