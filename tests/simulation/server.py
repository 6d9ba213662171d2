"""A small Redis in memory: the process, its connections, and the faults it may have.

Rule 1: every command that arrives is executed exactly once, in order, unless its connection has ended before.
Rule 2: it records what it executed: it counts every argument that begins with ``tok:`` in a write (``executed``), so
        a write that ran twice is found, whatever the client believes.
Rule 3: data survive a restart; connections and their state do not.
"""

from __future__ import annotations

import errno
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import hiredis

from .loop import World
from .network import FIN, RST, SimSocket
from .server_commands import ALLOWED_WHILE_LOADING, BLOCKED, COMMANDS, READONLY, WRITES, error

#: The commands whose reply may be one that is not RESP. None of them is part of a handshake.
GARBLED = frozenset("ECHO GET SET INCR LPUSH MGET EXEC".split())

#: After how many seconds an operating system gives up an unanswered SYN.
SYN_TIMEOUT = 127.0


class Server:
    """The node. ``mode`` is ``up``, ``refuse`` (no process), ``silent`` (no host) or ``mute`` (accepts, says nothing)."""

    #: What accepts a connection.
    session_type: Any = None

    def __init__(self, world: World, chance: Random) -> None:
        self.world = world
        self.chance = chance
        self.mode = "up"
        self.loading_until = 0.0
        self.demoted_until = 0.0
        #: Until when a new primary accepts connections without answering.
        self.greets_at = 0.0
        self.password: str | None = None
        self.knows_resp3 = True
        self.denied: set[str] = set()
        #: Commands that were renamed or are forbidden, each with its error.
        self.refused: dict[str, str] = {}
        #: How often the reply to one of ``GARBLED`` is not RESP, and which such replies a client has read.
        self.garble_rate = 0.0
        self.garbled: list[Garble] = []
        #: The commands with such a reply that were sent again on another connection.
        self.asked_again: list[list[bytes]] = []
        #: The writes that were sent again on a connection that had said READONLY to them.
        self.insisted: list[list[bytes]] = []
        self.latency = 0.0002
        #: How often a command is slow, and for how many seconds.
        self.slowness = (0.0, 0.0)
        #: How often a push is sent before or after a reply.
        self.push_rate = 0.0
        self.max_clients = 10_000
        self.data: dict[int, dict[bytes, Any]] = defaultdict(dict)
        self.versions: Counter[tuple[int, bytes]] = Counter()
        self.sessions: list[Session] = []
        self.accepted = 0
        self.commands = 0
        self.executed: Counter[bytes] = Counter()
        self.increments: Counter[bytes] = Counter()
        self.blocked: deque[Session] = deque()
        self.on_accept: Callable[[], None] = lambda: None

    def knock(self, sock: SimSocket, done: Callable[[BaseException | None], None]) -> None:
        """Handle a client's request to connect."""
        self.world.after(self.latency * (1.0 + self.chance.random()), self._answer_door, sock, done)

    def _answer_door(self, sock: SimSocket, done: Callable[[BaseException | None], None]) -> None:
        if sock.is_closed:
            return
        if self.mode == "refuse":
            done(ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)))
        elif self.mode == "silent":
            refusal = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            self.world.after(SYN_TIMEOUT, lambda: sock.is_closed or done(refusal))
        else:
            self.accepted += 1
            session = (self.session_type or Session)(self, sock, is_mute=self.mode == "mute")
            self.sessions.append(session)
            sock.accepted(session)
            self.on_accept()
            done(None)
            if len(self.sessions) > self.max_clients:
                session.say(error("ERR max number of clients reached"))
                sock.down.send(FIN)
                session.end()

    def stop(self, how: str, *, politely: bool) -> None:
        """End the process: every connection ends. ``how`` is the mode until it is started again."""
        self.mode = how
        for session in list(self.sessions):
            session.drop(politely=politely)

    def start(self, *, loading: float = 0.0) -> None:
        self.mode = "up"
        self.loading_until = self.world.now + loading

    def fail_over(self, late: float) -> None:
        """Make another node the primary: open connections are now to a replica, new ones reach the new primary.

        It has the same data, and does not greet for ``late`` seconds.
        """
        self.greets_at = self.world.now + late
        for session in list(self.sessions):
            session.demote()

    @property
    def is_loading(self) -> bool:
        return self.world.now < self.loading_until

    def touch(self, db: int, key: bytes) -> None:
        self.versions[db, key] += 1

    def serve_blocked(self) -> None:
        """Give list items to blocked clients, first come, first served."""
        for session in list(self.blocked):
            session.try_again()


@dataclass
class Garble:
    """A reply that was not RESP: the arguments of its command (all of a transaction's), and its connection."""

    words: list[bytes]
    connection: int
    #: Whether the caller who got the ProtocolError is known.
    is_settled: bool = False

    @property
    def is_unique(self) -> bool:
        return any(word.startswith(b"tok:") for word in self.words)

    def belongs_to(self, name: str, key: bytes) -> bool:
        """Whether the command was one of this caller's, as far as its arguments tell."""
        token = b"tok:%b:" % name.encode()
        return self.words[0] != b"MGET" and any(word == key or word.startswith(token) for word in self.words)

    @property
    def newest_token(self) -> int:
        """The number of the newest token among the arguments; 0 if there is none."""
        return max((int(word.rpartition(b":")[2]) for word in self.words if word.startswith(b"tok:")), default=0)

    @property
    def is_anonymous(self) -> bool:
        """Whether the arguments do not tell whose command it was."""
        is_own = any(word.startswith(b"own:") for word in self.words[1:])
        return self.words[0] == b"MGET" or not (self.is_unique or is_own)


class Session:
    """One connection as the server sees it."""

    commands: Mapping[str, Callable[..., Any]] = COMMANDS

    def __init__(self, server: Server, sock: SimSocket, *, is_mute: bool) -> None:
        self.server = server
        self.sock = sock
        self.is_mute = is_mute
        self.is_over = False
        self.is_leaving = False
        self.waits_for: tuple[list[bytes], int] | None = None
        self._block = 0
        self._reader = hiredis.Reader()
        self._queue: deque[list[Any]] = deque()
        self._is_busy = False
        self._cut_next: float | None = None
        #: Whether it hangs up as soon as no reply is pending.
        self.says_farewell = False
        #: The reply on its way that is not RESP. A connection has only one.
        self.garble: Garble | None = None
        self.is_replica = False
        #: The writes that were answered with READONLY.
        self.rejected: list[list[bytes]] = []
        #: Whether the server itself has ever answered READONLY here, and not only a script.
        self.says_readonly = False
        self._greets_at = server.greets_at
        self.renew()
        self.is_known = server.password is None

    def renew(self) -> None:
        """Set the state of a new connection (also for RESET)."""
        self.protocol = 2
        self.db = 0
        self.name = ""
        self.transaction: list[list[Any]] | None = None
        self.is_spoilt = False
        self.watched: dict[tuple[int, bytes], int] = {}
        self.channels: set[bytes] = set()
        self.replies = True
        self.skips = 0
        self.is_tracking = False
        self.is_in_exec = False
        self.is_known = self.server.password is None

    # Arriving ----------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> None:
        if self.is_over or self.is_mute:
            return
        self._reader.feed(data)
        while (command := self._reader.gets()) is not False:
            self._queue.append(command)
        if self.server.world.now < self._greets_at:
            self.server.world.at(self._greets_at, self._pump)
            return
        self._pump()

    def hung_up(self) -> None:
        """Handle the client's close: commands that arrived before are executed, then the session ends."""
        self.is_leaving = True
        if self.waits_for is not None or self.is_mute or not (self._queue or self._is_busy):
            self.end()

    def end(self) -> None:
        """Forget the connection."""
        if self.is_over:
            return
        self.is_over = True
        self._queue.clear()
        self.server.sessions.remove(self)
        if self.waits_for is not None:
            self.server.blocked.remove(self)
            self.waits_for = None

    def _pump(self) -> None:
        """Execute queued commands until one blocks or takes time."""
        server = self.server
        if server.world.now < self._greets_at:
            return
        while self._queue and not self._is_busy and self.waits_for is None and not self.is_over:
            often, seconds = server.slowness
            if often and server.chance.random() < often:
                self._is_busy = True
                server.world.after(seconds * server.chance.random(), self._finish_slowly)
                return
            self._run(self._queue.popleft())
        if self._queue or self._is_busy or self.waits_for is not None:
            return
        if self.is_leaving:
            self.end()
        elif self.says_farewell:
            self.drop(politely=True)

    def _finish_slowly(self) -> None:
        self._is_busy = False
        if not self.is_over and self._queue:
            self._run(self._queue.popleft())
        self._pump()

    # Executing ---------------------------------------------------------------------------------------

    def _run(self, args: list[Any]) -> None:
        self.server.commands += 1
        name = bytes(args[0]).decode().upper()
        words = [bytes(arg) for arg in args]
        if name == "EXEC" and self.transaction:
            words += [bytes(arg) for queued in self.transaction for arg in queued]
        self._note_asked_again(words)
        reply = self._refusal(name, args)
        if reply is not None:
            self.is_spoilt = self.transaction is not None
        elif self.transaction is not None and name not in ("EXEC", "DISCARD", "MULTI", "WATCH", "RESET"):
            self.transaction.append(args)
            reply = b"+QUEUED\r\n"
        else:
            reply = self.call(name, args)
        if reply is not BLOCKED:
            self.say(self._perhaps_garbled(name, words, reply))
            self.server.serve_blocked()

    def _refusal(self, name: str, args: list[Any]) -> bytes | None:
        """Return the error for a command that is refused, or None."""
        server = self.server
        full = f"{name} {bytes(args[1]).decode().upper()}" if name == "CLIENT" else name
        if name not in self.commands or (name == "HELLO" and not server.knows_resp3):
            return error(f"ERR unknown command '{name}'")
        if not self.is_known and name not in ("HELLO", "AUTH", "RESET"):
            return error("NOAUTH Authentication required.")
        if name in server.refused:
            if server.refused[name].startswith("EXECABORT"):
                self.transaction, self.watched = None, {}
            return error(server.refused[name])
        if full in server.denied:
            return error(f"NOPERM User default has no permissions to run the '{full.lower()}' command")
        if server.is_loading and name not in ALLOWED_WHILE_LOADING:
            return error("LOADING Redis is loading the dataset in memory")
        if name in WRITES and self.is_read_only:
            self.rejected.append([bytes(arg) for arg in args])
            self.says_readonly = True
            return error(READONLY)
        if self.channels and self.protocol == 2 and name not in ("SUBSCRIBE", "UNSUBSCRIBE", "PING", "RESET"):
            return error(f"ERR Can't execute '{name.lower()}': only (P|S)SUBSCRIBE / PING are allowed in this context")
        return None

    # Replies that are not RESP -----------------------------------------------------------------------

    def _perhaps_garbled(self, name: str, words: list[bytes], reply: bytes) -> bytes:
        server = self.server
        if not server.garble_rate or name not in GARBLED or self.garble is not None:
            return reply
        if not self.replies or self.skips or server.chance.random() >= server.garble_rate:
            return reply
        self.garble = Garble(words, self.sock.number)
        return server.chance.choice((b":12a4\r\n", b"$3x\r\nabc\r\n", b"?\r\n", b"*2\r\n:1\r\n$y\r\n"))

    def garble_was_read(self) -> None:
        """Record that the client has read the reply that is not RESP: from now on nobody may ask for it again."""
        if self.garble is not None:
            self.server.garbled.append(self.garble)

    @property
    def is_read_only(self) -> bool:
        return self.is_replica or self.server.world.now < self.server.demoted_until

    def demote(self) -> None:
        """Make the node of this connection a replica. It ends the wait of a blocked client with an error."""
        self.is_replica = True
        if self.waits_for is not None:
            self._unblock(error("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"))

    def _note_asked_again(self, words: list[bytes]) -> None:
        if self.rejected and words in self.rejected and words[0] in (b"SET", b"LPUSH") and words[-1] != b"x":
            self.server.insisted.append(words)
        for garble in self.server.garbled:
            if garble.is_unique and garble.words == words and garble.connection != self.sock.number:
                self.server.asked_again.append(words)

    def call(self, name: str, args: list[Any]) -> Any:
        """Execute one command and return its reply, or ``BLOCKED``."""
        server = self.server
        if name in WRITES:
            for arg in args[1:]:
                if bytes(arg).startswith(b"tok:"):
                    server.executed[bytes(arg)] += 1
        try:
            return self.commands[name](self, *args[1:])
        except TypeError as wrong:
            if "positional argument" not in str(wrong):
                raise
            return error(f"ERR wrong number of arguments for '{name.lower()}' command")

    # Blocking ----------------------------------------------------------------------------------------

    def block(self, keys: list[bytes], seconds: float) -> Any:
        self.waits_for = (keys, self._block)
        self.server.blocked.append(self)
        if seconds > 0:
            self.server.world.after(seconds, self._give_up, self._block)
        return BLOCKED

    def try_again(self) -> None:
        if self.waits_for is not None:
            reply = COMMANDS["BLPOP"](self, *self.waits_for[0], b"-1")
            if reply is not None:
                self._unblock(reply)

    def _give_up(self, block: int) -> None:
        if self.waits_for is not None and self._block == block:
            self._unblock(b"_\r\n" if self.protocol == 3 else b"*-1\r\n")

    def _unblock(self, reply: bytes) -> None:
        self.waits_for = None
        self._block += 1
        self.server.blocked.remove(self)
        self.say(reply)
        self.server.world.after(0.0, self._pump)

    # Answering ---------------------------------------------------------------------------------------

    def say(self, reply: bytes) -> None:
        """Send a reply, if replies are on, with the faults that are planned for it."""
        if self.skips:
            self.skips -= 1
            return
        if not reply or not self.replies or self.is_over:
            return
        push_rate, chance = self.server.push_rate, self.server.chance
        if push_rate and self.protocol == 3 and chance.random() < push_rate:
            push = b">2\r\n$10\r\ninvalidate\r\n_\r\n"
            reply = push + reply if chance.random() < 0.5 else reply + push
        if self._cut_next is not None:
            reply = reply[: int(len(reply) * self._cut_next)]
            if reply:
                self.sock.down.send(reply)
            self.drop(politely=False, after_replies=True)
            return
        self.sock.down.send(reply)

    def push(self, frame: bytes) -> None:
        """Send a push, if the protocol has pushes."""
        if self.protocol == 3 and not self.is_over and self.replies:
            self.sock.down.send(frame)

    # Faults ------------------------------------------------------------------------------------------

    def cut_next_reply(self, share: float) -> None:
        """Send only a ``share`` of the next reply, and then a reset."""
        self._cut_next = share

    def drop(self, *, politely: bool, after_replies: bool = False) -> None:
        """End the connection from the server's side, with a FIN or a reset."""
        if self.is_over:
            return
        self.sock.up.cut()
        if not politely and not after_replies:
            self.sock.down.cut()
        self.sock.down.send(FIN if politely else RST)
        self.end()
