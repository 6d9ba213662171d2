"""One client's connection to a ``FakeNode``: it reads commands and executes the steps of the script.

Rule 1: methods with an underscore run in the loop's thread; the public methods may be called from any
        thread.
Rule 2: commands are reported to the node as they arrive, and answered strictly in order. A step that waits
        (``Delay``, ``Hold``) delays every later step of this connection. While the node is paused, all steps wait.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import hiredis

from respool.testing._actions import Close, Command, Delay, Hold, Park, Reply, Reset, Silence
from respool.testing._loop import READ, WRITE, Loop

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


class Book(Protocol):
    """What a node is to its connections."""

    @property
    def is_paused(self) -> bool: ...
    def _arrived(self, connection: ScriptedConnection, command: Command) -> None: ...
    def _script_for(self, command: Command) -> Reply: ...
    def _holds(self, connection: ScriptedConnection) -> None: ...
    def _ended(self, connection: ScriptedConnection) -> None: ...


class ScriptedConnection:
    """One client's connection: it reads commands, and executes for each the reply that the script has."""

    def __init__(self, number: int, sock: socket.socket, loop: Loop, book: Book) -> None:
        self.number = number
        self.protocol = 2
        self._socket = sock
        self._loop = loop
        self._book = book
        self._reader = hiredis.Reader()
        self._steps: deque[tuple[Command, Reply | None]] = deque()  # None: ask the script when its turn comes
        self._outgoing = bytearray()
        self._is_waiting = False
        self._is_closing = False
        self._is_open = True
        self._watch()

    def __repr__(self) -> str:
        return f"<ScriptedConnection {self.number}, {'open' if self._is_open else 'closed'}>"

    def send(self, raw: bytes) -> None:
        """Send bytes now, before answers that wait. Does nothing if the connection is closed."""
        self._loop.call(lambda: self._send(raw))

    def close(self) -> None:
        """Close the connection once all bytes are sent. Answers that wait are dropped."""
        self._loop.call(self._close)

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self._loop.call(lambda: self._end(self._loop.abort))

    # Receiving -----------------------------------------------------------------------------------------

    def _watch(self) -> None:
        events = (0 if self._is_closing else READ) | (WRITE if self._outgoing else 0)
        self._loop.watch(self._socket, events, self._ready)

    def _ready(self, mask: int) -> None:
        if mask & WRITE:
            self._flush()
        if mask & READ and self._is_open and not self._is_closing:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(self._loop.close)
            return
        self._reader.feed(data)
        try:
            while (words := self._reader.gets()) is not False:
                self._take(words)
        except hiredis.ProtocolError:
            self._send(b"-ERR Protocol error: this node understands arrays of bulk strings only\r\n")
            self._close()
        self._run()

    def _take(self, words: object) -> None:
        if not isinstance(words, list) or not all(isinstance(word, bytes) for word in words):
            raise hiredis.ProtocolError("not an array of bulk strings")
        if words:
            command = (words[0].upper(), *words[1:])
            self._book._arrived(self, command)
            self._steps.append((command, None))

    # Answering -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Execute steps until one waits or the connection ends."""
        while self._steps and self._is_open and not (self._is_waiting or self._is_closing or self._book.is_paused):
            command, reply = self._steps.popleft()
            self._do(command, self._book._script_for(command) if reply is None else reply)

    def _do(self, command: Command, reply: Reply) -> None:
        match reply:
            case bytes():
                self._send(reply)
            case tuple():
                self._steps.extendleft((command, part) for part in reversed(reply))
            case Silence():
                pass
            case Close():
                self._close()
            case Reset():
                self._end(self._loop.abort)
            case Delay():
                self._is_waiting = True
                self._steps.appendleft((command, reply.reply))
                self._loop.later(reply.seconds, self._go_on)
            case Hold():
                self._is_waiting = True
                self._steps.appendleft((command, reply.reply))
                self._book._holds(self)
            case Park():
                self._is_waiting = True
                reply.begin(lambda later: self._resume(command, later))
            case _:
                self._ask(command, reply)

    def _ask(self, command: Command, handler: Callable[[Command, ScriptedConnection], Reply | None]) -> None:
        try:
            reply = handler(command, self)
        except BaseException:
            self._end(self._loop.abort)  # so that the client does not wait; node.stop() raises the error
            raise
        if reply is not None:
            self._steps.appendleft((command, reply))

    def _resume(self, command: Command, reply: Reply) -> None:
        self._steps.appendleft((command, reply))
        self._go_on()

    def _go_on(self) -> None:
        self._is_waiting = False
        self._run()

    def _send(self, raw: bytes) -> None:
        if self._is_open and not self._is_closing:
            self._outgoing += raw
            self._flush()

    def _flush(self) -> None:
        try:
            while self._outgoing:
                del self._outgoing[: self._socket.send(self._outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self._end(self._loop.close)
            return
        if self._is_closing and not self._outgoing:
            self._end(self._loop.hang_up)
        else:
            self._watch()

    # Ending --------------------------------------------------------------------------------------------

    def _close(self) -> None:
        if self._is_open and not self._is_closing:
            self._is_closing = True
            self._flush()

    def _end(self, close: Callable[[socket.socket], None]) -> None:
        if self._is_open:
            self._is_open = False
            self._steps.clear()
            self._book._ended(self)  # first: the node must not count it once the client sees the end of the stream
            close(self._socket)
