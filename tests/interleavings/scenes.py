"""The scenes: threads share one connection, or a whole pool."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from respool import Pool, RetryPolicy
from respool._facts.options import make_options
from respool._protocol.peer import Peer
from respool._sync.shell import dial as dial_module
from respool._sync.shell import transport as transport_module
from respool.errors import ConnectFailed, ConnectionLost, Error, PoolClosed, PoolExhausted, PoolTimeout, ReadTimeout

from .books import Books
from .primitives import SimThread
from .stage import Stage

REPLY_OFF: Final = ("CLIENT", "REPLY", "OFF")
REPLY_ON: Final = ("CLIENT", "REPLY", "ON")


class Scene:
    """Callers, and the checks after they have finished."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.baton = stage.baton
        self.chance = stage.chance("scene")
        self.books = Books(stage.server)
        self.is_calm = self.chance.random() < 0.6

    def sleep(self, seconds: float) -> None:
        self.baton.wait_for(lambda: False, seconds, "time to pass")

    def together(self, *works: Callable[[], None]) -> None:
        """Run all functions at the same time, and wait until they have returned."""
        threads = [
            SimThread(self.baton, target=work, name=getattr(work, "__name__", "caller").strip("_")) for work in works
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def trouble(self) -> None:
        """Break connections at random moments, from the server's side."""
        chance = self.stage.chance("trouble")
        for _ in range(chance.randint(1, 3)):
            self.sleep(chance.expovariate(1 / 0.002))
            for session in list(self.stage.server.sessions):
                match chance.randrange(6):
                    case 0:
                        session.drop(politely=True)
                    case 1:
                        session.drop(politely=False)
                    case 2:
                        session.cut_next_reply(chance.random())
                    case 3:
                        session.sock.down.freeze(chance.choice((0.001, 0.2)))
                    case 4:
                        session.sock.up.freeze(chance.choice((0.001, 0.2)))
                    case 5:
                        session.says_farewell = True


class Transports(Scene):
    """Transports alone: no pool, no retries."""

    def connect(self) -> Any:
        """Return a new transport."""
        return dial_module.connect(self._options, None, Peer(), None)

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        chance = self.chance
        options = {
            "read_timeout": chance.choice((0.05, 5.0)) if not self.is_calm else 5.0,
            "max_in_flight": chance.choice((1, 2, 4, 1000, 1000)),
            "max_in_flight_bytes": chance.choice((1, 5000, 1 << 20)),
        }
        self._options = make_options(None, options)

    def _until(self, chance: Random) -> float:
        return self.baton.now + chance.choice((0.0, 0.00001, 0.0001, 0.0003, 0.001, 0.01))

    def _note(self, reply: Any, count: int = 1) -> None:
        """Check an error, and count a command that was given up."""
        if type(reply) is ReadTimeout and reply.__cause__ is None and "in time" in str(reply):
            self.books.given_up += count
        elif isinstance(reply, Error):
            assert not self.is_calm, f"an error in a calm world: {reply!r}"
            assert isinstance(reply, ReadTimeout | ConnectionLost), reply

    def _finish(self, transport: Any, ticket: Any, chance: Random, count: int) -> Any:
        """Collect a posted run of ``count`` commands, or give it up; return the outcome."""
        if chance.random() < 0.2:
            transport.give_up(ticket)
            if ticket.is_given_up:
                self.books.given_up += count
            return ReadTimeout("given up", executed="unknown")
        replies = transport.collect(ticket)
        self._note(replies, count)
        return replies

    def _check(self, *transports: Any) -> None:
        """Check that nothing is left; then close, and compare the books."""
        books, stage = self.books, self.stage
        for transport, sock in zip(transports, stage.sockets, strict=True):
            self._comes_to_rest(transport, sock)
        if all(transport.is_open for transport in transports):
            counted = sum(transport.wire.dropped + transport.wire.taken_back for transport in transports)
            assert counted == books.given_up, "counts of what was given up"
        were_open = all(transport.is_open for transport in transports)
        for transport, sock in zip(transports, stage.sockets, strict=True):
            transport.abort()
            transport.wait_closed()
            assert sock.is_closed
        self.sleep(1.0)
        books.compare(in_order=True)
        if were_open and self.is_calm:
            assert stage.server.sessions == []

    def _comes_to_rest(self, transport: Any, sock: Any) -> None:
        if self.is_calm:
            # If the socket is full, no caller waits for it: the next caller, or the keepalive check, sends the rest.
            assert transport.wire.out == [] or transport._rest, "something was left unsent when the last caller had gone"
        word = self.books.word()
        reply = transport.submit(("ECHO", word))
        self._note(reply)
        self.books.asked(word, reply)
        if self.is_calm:
            assert transport.is_open
        elif transport.is_open:
            transport.wait_idle(self.baton.now + 1.0)
        assert not transport.is_busy, "somebody leads although all have gone"
        waiting = [call for call in transport._followers if call.value is transport_module.WAITING and not call.is_given_up]
        assert waiting == []
        if transport.is_open:
            assert (transport.owes, transport.wire.heavy_bytes) == (0, 0)
            assert transport.wire.out == []
            if self.is_calm:
                read = sock.replies_read
                assert transport.completed == read, f"{read} replies came, {transport.completed} were counted"


class OneConnection(Transports):
    """Leader and followers on one transport."""

    def play(self) -> None:
        chance = self.chance
        self.transport = self.connect()
        works: list[Callable[[], None]] = [
            self._caller(number, chance.randint(1, 5)) for number in range(chance.randint(2, 6))
        ]
        self._is_closed = False
        if not self.is_calm:
            works.append(self.trouble)
            if chance.random() < 0.3:
                works.append(self._closer)
        self.together(*works)
        self._check(self.transport)

    def _caller(self, number: int, count: int) -> Callable[[], None]:
        chance = self.stage.chance(f"caller {number}")
        acts = (
            self._ask, self._ask, self._ask_until, self._ask_until, self._many, self._post, self._tell, self._guarded,
            self._set,
        )  # fmt: skip

        def caller() -> None:
            for _ in range(count):
                if chance.random() < 0.25:
                    self.sleep(chance.choice((0.0001, 0.001, 0.005)))
                chance.choice(acts)(f"key{number}", chance)

        return caller

    def _ask(self, _: str, chance: Random) -> None:
        word = self.books.word()
        reply = self.transport.submit(("ECHO", word))
        assert not (isinstance(reply, ReadTimeout) and self.is_calm)
        self._note(reply)
        self.books.asked(word, reply)

    def _ask_until(self, _: str, chance: Random) -> None:
        word = self.books.word()
        reply = self.transport.submit_until(("ECHO", word), self._until(chance))
        self._note(reply)
        self.books.asked(word, reply)

    def _set(self, key: str, chance: Random) -> None:
        word = self.books.word()
        command = ("SET", key, word, *(["x" * 3000] if chance.random() < 0.3 else []))
        if len(command) == 4:  # a large command: only its size matters, and the server ignores its last argument
            command = ("ECHO", word + b"x" * 3000)
            reply = self.transport.submit_until(command, None if chance.random() < 0.5 else self._until(chance))
            self._note(reply)
            self.books.asked(command[1], reply)
            return
        reply = self.transport.submit(command)
        self._note(reply)
        self.books.wrote(key, word, reply)

    def _many(self, key: str, chance: Random) -> None:
        words = [self.books.word() for _ in range(chance.randint(1, 3))]
        commands = [("ECHO", word) for word in words]
        replies = self.transport.submit_many(commands, None if chance.random() < 0.5 else self._until(chance))
        self._note(replies, len(commands))
        for number, word in enumerate(words):
            self.books.asked(word, replies if isinstance(replies, Error) else replies[number])

    def _post(self, key: str, chance: Random) -> None:
        """Post two runs, do something else, and finish with the second first."""
        words = [[self.books.word() for _ in range(chance.randint(1, 3))] for _ in "ab"]
        tickets = [
            self.transport.post_many([("ECHO", word) for word in run], None if chance.random() < 0.5 else self._until(chance))
            for run in words
        ]
        chance.choice((self._ask, self._set, self._tell, lambda *_: None))(key, chance)
        for run, ticket in zip(words[::-1], tickets[::-1], strict=True):
            replies = self._finish(self.transport, ticket, chance, len(run))
            for number, word in enumerate(run):
                self.books.asked(word, replies if isinstance(replies, Error) else replies[number])

    def _tell(self, key: str, chance: Random) -> None:
        word = self.books.word()
        error = self.transport.submit_noreply([REPLY_OFF, ("SET", key, word), REPLY_ON])
        if error is not None:
            self._note(error)
        self.books.told(key, word, error, is_calm=self.is_calm)

    def _guarded(self, key: str, chance: Random) -> None:
        word = self.books.word()
        reply = self.transport.submit_guarded([REPLY_OFF, ("SET", key, word), REPLY_ON], 2)
        self._note(reply)
        if not isinstance(reply, Error):
            assert reply == b"OK", reply
        self.books.wrote(key, word, reply)

    def _closer(self) -> None:
        self.sleep(self.chance.expovariate(1 / 0.003))
        if self.chance.random() < 0.5:
            self.transport.wait_idle(self.baton.now + 0.01)
        self._is_closed = True
        self.transport.abort()
        self.transport.wait_closed()
        assert self.stage.sockets[0].is_closed, "closed, but the socket is not"


class Crowd(OneConnection):
    """So many callers on one transport that one read completes several: their threads wake each other."""

    def play(self) -> None:
        chance = self.chance
        self.transport = self.connect()
        works = [self._asker(number, chance.randint(1, 3)) for number in range(chance.randint(6, 14))]
        if not self.is_calm:
            works.append(self.trouble)
        self.together(*works)
        self._check(self.transport)

    def _asker(self, number: int, count: int) -> Callable[[], None]:
        chance = self.stage.chance(f"caller {number}")

        def asker() -> None:
            for _ in range(count):
                (self._ask_until if chance.random() < 0.2 else self._ask)(f"key{number}", chance)

        return asker


class Crosswise(Transports):
    """Two threads post on two transports and collect in opposite orders; a third submits on both."""

    def play(self) -> None:
        one, two = self.connect(), self.connect()
        works = [self._poster("there", one, two), self._poster("back", two, one), self._submitter(one, two)]
        if not self.is_calm:
            works.append(self.trouble)
        self.together(*works)
        self._check(one, two)

    def _poster(self, name: str, first: Any, second: Any) -> Callable[[], None]:
        chance = self.stage.chance(name)

        def poster() -> None:
            for _ in range(chance.randint(1, 4)):
                posted = []
                deadline = None if chance.random() < 0.7 else self._until(chance)
                for number, transport in enumerate((second, first) if chance.random() < 0.5 else (first, second)):
                    words = self.books.word(), self.books.word()
                    key = f"{name} {number} {transport is first}"
                    ticket = transport.post_many([("ECHO", words[0]), ("SET", key, words[1])], deadline)
                    posted.append((transport, key, words, ticket))
                for transport, key, (asked, wrote), ticket in sorted(posted, key=lambda each: each[0] is second):
                    replies = self._finish(transport, ticket, chance, 2)
                    is_lost = isinstance(replies, Error)
                    self.books.asked(asked, replies if is_lost else replies[0])
                    self.books.wrote(key, wrote, replies if is_lost else replies[1])

        return poster

    def _submitter(self, *transports: Any) -> Callable[[], None]:
        chance = self.stage.chance("submitter")

        def submitter() -> None:
            for _ in range(chance.randint(1, 6)):
                word = self.books.word()
                reply = chance.choice(transports).submit(("ECHO", word))
                self._note(reply)
                self.books.asked(word, reply)

        return submitter


class WholePool(Scene):
    """Leases and shared connections of a pool, with its own threads."""

    def play(self) -> None:
        chance = self.chance
        shared = chance.choice((0, 0, 1, 2, None))  # None: one, and extra ones as threads meet
        least = 4 if shared is None else shared
        self.pool: Any = Pool(
            host="127.0.0.1",  # not a name, which would be resolved in a thread of its own
            shared=shared,
            max_size=least + chance.randint(1, 3),
            min_size=chance.choice((0, 0, 1)),
            acquire_timeout=5.0,
            connect_timeout=1.0,
            read_timeout=5.0 if self.is_calm else chance.choice((0.1, 5.0)),
            keepalive=chance.choice((0.05, 30.0)),
            max_lifetime=chance.choice((0.1, 3600.0)),  # longer than a dial, which takes up to 30 ms here
            max_idle=chance.choice((0.01, 600.0)),
            max_in_flight=chance.choice((2, 1000)),
            retry=chance.choice((None, RetryPolicy())),
        )
        self._owners: dict[Any, str] = {}
        self.baton.check = self._look
        works = [self._caller(number, chance.randint(1, 4)) for number in range(chance.randint(2, 5))]
        if chance.random() < 0.4:
            works.append(self._control)
        if not self.is_calm:
            works.append(self.trouble)
        self._closes_early = chance.random() < 0.2
        if self._closes_early:
            works.append(self._close)
        self.together(*works)
        self._check()

    def _look(self) -> None:
        """Check the ledger whenever its lock is free."""
        node = None if self.pool._serving is None else self.pool._serving.node
        if node is not None and not node.lock.locked():
            node.ledger.check()

    def _caller(self, number: int, count: int) -> Callable[[], None]:
        chance = self.stage.chance(f"caller {number}")
        acts = (self._ask, self._set, self._lease, self._lease, self._lease_in_time, self._many, self._noreply)

        def caller() -> None:
            for _ in range(count):
                if chance.random() < 0.25:
                    self.sleep(chance.choice((0.0001, 0.002, 0.02)))
                try:
                    chance.choice(acts)(f"key{number}", chance)
                except (PoolTimeout, ReadTimeout):
                    pass
                except PoolClosed:
                    if not self._closes_early:
                        raise
                    return
                except (ConnectionLost, ConnectFailed):
                    if self.is_calm and not self._closes_early:
                        raise

        return caller

    def _ask(self, _: str, chance: Random) -> None:
        word = self.books.word()
        timeout = chance.choice((None, None, 0.0001, 0.001))
        self.books.asked(word, self.pool.execute("ECHO", word, timeout=timeout))

    def _set(self, key: str, chance: Random) -> None:
        word = self.books.word()
        try:
            reply = self.pool.execute("SET", key, word)
        except Error as error:
            self.books.wrote(key, word, error)
            raise
        self.books.wrote(key, word, reply)

    def _noreply(self, key: str, chance: Random) -> None:
        word = self.books.word()
        try:
            self.pool.execute_noreply("SET", key, word)
        except Error as error:
            self.books.told(key, word, error, is_calm=self.is_calm)
            raise
        self.books.told(key, word, None, is_calm=self.is_calm and not self._closes_early)

    def _many(self, key: str, chance: Random) -> None:
        words = [self.books.word() for _ in range(chance.randint(1, 4))]
        if chance.random() < 0.5:
            for word, reply in zip(words, self.pool.execute_many([("ECHO", word) for word in words]), strict=True):
                self.books.asked(word, reply)
            return
        try:
            replies = self.pool.execute_many([("SET", key, word) for word in words])
        except Error as error:
            replies = [error] * len(words)
        for word, reply in zip(words, replies, strict=True):
            self.books.wrote(key, word, reply)
        if isinstance(replies[0], Error):
            raise replies[0]

    def _lease(self, _: str, chance: Random) -> None:
        with self.pool.acquire(chance.choice((5.0, 5.0, 0.0, 0.0005))) as conn:
            self._use(conn, chance)

    def _lease_in_time(self, _: str, chance: Random) -> None:
        conn = self.pool.acquire(timeout=chance.choice((0.0001, 0.001, 0.01)))
        try:
            self._use(conn, chance)
        finally:
            self.pool.release(conn)

    def _use(self, conn: Any, chance: Random) -> None:
        slot, me = conn._slot, self.baton.me
        assert me is not None
        assert self._owners.setdefault(slot, me.name) == me.name, "one connection has two owners"
        try:
            self._act(conn, chance)
        finally:
            del self._owners[slot]

    def _act(self, conn: Any, chance: Random) -> None:
        match chance.randrange(5):
            case 0:
                conn.close()
            case 1:
                conn.execute("WATCH", "k")
            case _:
                word = self.books.word()
                self.books.asked(word, conn.execute("ECHO", word))

    def _control(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.sleep(self.chance.expovariate(1 / 0.002))
            try:
                match self.chance.randrange(4):
                    case 0:
                        self.pool.resize(max_size=self.pool._options.shared_target + self.chance.randint(1, 3), min_size=0)
                    case 1:
                        self.pool.clear()
                    case 2:
                        self.pool.drain()
                    case 3:
                        self._count()
            except PoolClosed:
                if not self._closes_early:
                    raise

    def _count(self) -> None:
        stats = self.pool.stats()
        assert stats.size == stats.shared + stats.idle + stats.leased + stats.dialing, f"counts do not agree: {stats}"

    def _close(self) -> None:
        self.sleep(self.chance.expovariate(1 / 0.005))
        self.pool.close(timeout=self.chance.choice((0.0, 0.01, 5.0)))

    def _check(self) -> None:
        pool = self.pool
        if not self._closes_early:
            word = self.books.word()
            for _ in range(5):
                try:
                    self.books.asked(word, pool.execute("ECHO", word))
                    break
                except (ConnectionLost, ReadTimeout, ConnectFailed):
                    assert not self.is_calm
            deadline = self.baton.now + 5.0
            while pool.leased or pool.waiting or pool.dialing or pool.stats().in_flight:
                assert self.baton.now < deadline, f"does not come to rest: {pool!r} {pool.stats()}"
                self.sleep(0.001)
                for transport in list(pool._shared._live):
                    transport.wait_idle(deadline)  # the next caller on the connection reads replies that were given up
            stats = pool.stats()
            assert stats.leases == stats.releases, stats
        else:
            assert pool.size == pool.dialing, f"open after the close: {pool!r}"
        pool.close()
        stats = pool.stats()
        left = stats.size, stats.leased, stats.waiting, stats.in_flight, stats.dialing
        assert left == (0, 0, 0, 0, 0), stats
        assert stats.leases == stats.releases, stats
        assert stats.opened == stats.lost + stats.closed, stats
        assert [sock.number for sock in self.stage.sockets if not sock.is_closed] == []
        workers = [actor.name for actor in self.baton.actors if not actor.is_over and actor is not self.baton.me]
        assert workers == [], "threads are left"
        self.sleep(1.0)
        self.books.compare(in_order=self.is_calm)


class Borrowers(WholePool):
    """Leases alone, of one connection or two: what a thread keeps is there for the other, so nobody waits in vain.

    There is no trouble, and hardly a command: the threads meet where they take connections and give them back.
    """

    def play(self) -> None:
        chance = self.chance
        self.is_calm = True
        self.pool = Pool(
            host="127.0.0.1",
            shared=0,
            max_size=chance.choice((1, 1, 1, 2)),
            acquire_timeout=5.0,
            connect_timeout=1.0,
            keepalive=chance.choice((0.05, 30.0)),
            max_lifetime=chance.choice((0.1, 3600.0)),
            max_idle=chance.choice((0.01, 600.0)),
            on_full=chance.choice(("wait", "wait", "wait", "wait", "raise")),
        )
        self._owners = {}
        self.baton.check = self._look
        with self.pool.acquire():  # nobody need wait for a dial, or all would be served in line
            pass
        works = [self._borrower(number, chance.randint(2, 6)) for number in range(2)]
        if chance.random() < 0.4:
            works.append(self._control)
        self._closes_early = chance.random() < 0.15
        if self._closes_early:
            works.append(self._close)
        self.together(*works)
        self._check()

    def _borrower(self, number: int, count: int) -> Callable[[], None]:
        chance = self.stage.chance(f"caller {number}")

        def borrower() -> None:
            for _ in range(count):
                if chance.random() < 0.02:
                    self.sleep(chance.choice((0.0001, 0.002)))
                try:
                    self._borrow(chance)
                except PoolClosed:
                    if not self._closes_early:
                        raise
                    return
                except PoolExhausted:
                    assert self.pool._options.on_full == "raise"
                except ConnectionLost:
                    if not self._closes_early:
                        raise

        return borrower

    def _borrow(self, chance: Random) -> None:
        with self.pool.acquire() as conn:
            self._use(conn, chance)
            if chance.random() < 0.2:
                try:
                    with self.pool.acquire(timeout=0) as another:
                        self._use(another, chance)
                except (PoolTimeout, PoolExhausted):
                    pass

    def _act(self, conn: Any, chance: Random) -> None:
        match chance.randrange(30):
            case 0:
                conn.close()
            case 1 | 2:
                word = self.books.word()
                self.books.asked(word, conn.execute("ECHO", word))
            case _:
                self.baton.point()


SCENES: Final = (OneConnection, Crosswise, WholePool, Crowd, Borrowers)
