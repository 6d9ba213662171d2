"""Open a socket for threads: resolve, connect and shake hands (TLS) within one deadline. Other threads can cancel it.

Rule 1: one deadline covers all steps together, however many addresses there are and however slow the peer is.
Rule 2: a thread that dials registers what it waits for (``Dial``), so that another thread can cancel the dial.
Rule 3: calls that cannot be interrupted (the resolver, a user's function) run in a thread of their own. At the
        deadline that thread is left running; the next dial waits for the same call instead of starting another.
Rule 4: the addresses of a name connect in parallel, each starting a little after the one before (R-40).

``_async/shell/dial.py`` is its counterpart for asyncio.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final, Self

from respool._facts.errors import ConnectFailed, ConnectTimeout
from respool._facts.options import Options
from respool._protocol.peer import Peer, head_start
from respool._shell.fork import dial_begins, dial_ends
from respool._shell.sockets import literal, too_late, tune, why
from respool._sync.shell.sockets import LONGEST, check_threads
from respool._sync.shell.transport import Transport


class Dial:
    """What one thread waits for while it dials. Another thread cancels it with ``call_off``."""

    __slots__ = ("calls", "is_called_off", "sockets")

    def __init__(self) -> None:
        self.is_called_off = False
        self.sockets: list[socket.socket] = []
        #: An item here wakes the thread, which then checks its state again.
        self.calls: SimpleQueue[None] = SimpleQueue()

    def __enter__(self) -> Self:
        _dials[threading.get_ident()] = self
        return self

    def __exit__(self, *exc_info: object) -> None:
        _dials.pop(threading.get_ident(), None)

    def call_off(self) -> None:
        """Cancel the dial: whatever its thread waits for fails now. Called from another thread."""
        self.is_called_off = True
        self.calls.put(None)
        for sock in list(self.sockets):
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # not connected any more

    def check(self) -> None:
        """Raise OSError if this dial was cancelled."""
        if self.is_called_off:
            raise OSError(errno.ECONNABORTED, os.strerror(errno.ECONNABORTED))

    def make_socket(self, kind: Any) -> socket.socket:
        sock = socket.socket(*kind)
        dial_begins(sock)
        self.sockets.append(sock)
        return sock

    def close(self, sock: socket.socket) -> None:
        self.let_go(sock)
        sock.close()

    def let_go(self, sock: socket.socket) -> None:
        if sock in self.sockets:
            self.sockets.remove(sock)
        dial_ends(sock)


#: The current dial of each thread that has one, by thread id.
_dials: Final[dict[int, Dial]] = {}


def hang_up(thread: threading.Thread) -> None:
    """Cancel the dial of a thread, if it has one."""
    dial = _dials.get(thread.ident or 0)
    # Thread ids are reused. If the thread is alive now, the id was its own just before, and so was the dial.
    if dial is not None and thread.is_alive():
        dial.call_off()


# Calls that cannot be interrupted -----------------------------------------------------------------------


class _Errand:
    """A call in a thread of its own, with the queues of the threads that wait for its result."""

    def __init__(self, key: Any, work: Callable[[], Any]) -> None:
        self._key = key
        self._work = work
        self.outcome: Any = None
        self.failure: BaseException | None = None
        self.is_done = False
        self.waiting: list[SimpleQueue[None]] = []

    def run(self) -> None:
        try:
            self.outcome = self._work()
        except BaseException as error:
            self.failure = error
        self.is_done = True
        self.forget()
        for calls in self.waiting:
            calls.put(None)
        del self  # the traceback of a failure refers to this frame: without this there would be a cycle

    def give_up(self) -> None:
        """Stop waiting for this call, and let the next dial with the same key wait for it."""
        _unfinished.setdefault(self._key, self)
        if self.is_done:
            self.forget()

    def forget(self) -> None:
        if _unfinished.get(self._key) is self:
            del _unfinished[self._key]


#: Calls that were given up but have not ended, by key.
_unfinished: Final[dict[Any, _Errand]] = {}


def run_within(work: Callable[[], Any], key: Any, deadline: float | None, name: str) -> Any:
    """Run ``work()`` in another thread and return its result. Equal calls have equal keys (Rule 3).

    Raises what ``work`` raises, TimeoutError at ``deadline``, and OSError if the dial is cancelled.
    """
    errand = _unfinished.get(key)
    try:
        with Dial() as dial:
            if errand is None:
                errand = _Errand(key, work)
                errand.waiting.append(dial.calls)
                try:
                    threading.Thread(target=errand.run, name=f"respool-{name}", daemon=True).start()
                except RuntimeError:  # no thread can be started
                    errand.run()
            else:
                errand.waiting.append(dial.calls)
            while not errand.is_done:
                dial.check()
                left = None if deadline is None else min(_left(deadline), LONGEST)
                try:
                    dial.calls.get(timeout=left)
                except Empty:
                    pass
        if errand.failure is not None:
            raise errand.failure
        return errand.outcome
    finally:
        if errand is not None and not errand.is_done:
            errand.give_up()
        del errand  # the traceback of a failure refers to this frame: without this there would be a cycle


def _forget_errands() -> None:
    _dials.clear()
    _unfinished.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_errands)  # their threads do not exist in the child


# The socket ---------------------------------------------------------------------------------------------


def connect(
    options: Options, on_push: Callable[[list[Any]], None] | None, peer: Peer, until: float | None
) -> Transport:
    """Open a socket with these options before the deadline ``until``, and return its transport.

    Raises ConnectFailed or ConnectTimeout. A failure leaves no socket open.
    """
    check_threads()
    try:
        sock, remote = _open_socket(options, peer, until)
        try:
            transport = Transport(options, sock, on_push)
        finally:
            dial_ends(sock)
    except TimeoutError:  # not chained: it adds no information
        raise ConnectTimeout(
            too_late(options.connect_timeout, options, is_connected=False), address=options.address
        ) from None
    # ValueError: the name is no valid host name. LookupError: the codec for host names cannot be loaded any more,
    # because the interpreter is ending.
    except (OSError, ValueError, LookupError) as error:
        raise ConnectFailed(f"cannot connect: {why(error)}", address=options.address) from error
    transport.remote = remote
    return transport


def _open_socket(options: Options, peer: Peer, deadline: float | None) -> tuple[socket.socket, Any]:
    """Connect with these options. Return the socket, which the caller passes to ``dial_ends``, and its address.

    Raises OSError (TimeoutError at ``deadline``) or, for an invalid host name, ValueError. A failure leaves no socket.
    """
    if options.path is not None:
        with Dial() as dial:
            return _connected(dial, (socket.AF_UNIX, socket.SOCK_STREAM, 0), options.path, deadline), None
    found = literal(options.host, options.port) or _resolved(options.host, options.port, deadline)
    kinds = {address: (family, kind, proto) for family, kind, proto, _, address in found}
    order = peer.in_order(list(kinds))
    if not order:
        raise OSError(f"{options.host} has no address")
    with Dial() as dial:
        if len(order) == 1:
            sock, address = _connected(dial, kinds[order[0]], order[0], deadline), order[0]
        else:
            delay = head_start(None if deadline is None else _left(deadline), len(order))
            sock, address = _first(dial, [(kinds[address], address) for address in order], delay, deadline)
        try:
            tune(sock, options.read_timeout)
            if isinstance(options.tls, ssl.SSLContext):
                sock = _secured(dial, sock, options.tls, options.tls_name, deadline)
        except BaseException:
            peer.failed_at(address)
            dial.close(sock)
            raise
        return sock, address


def _resolved(host: str, port: int, deadline: float | None) -> list[Any]:
    def resolve() -> list[Any]:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    return run_within(resolve, (host, port), deadline, "resolve")  # type: ignore[no-any-return]


def _connected(dial: Dial, kind: Any, address: Any, deadline: float | None) -> socket.socket:
    sock = dial.make_socket(kind)
    try:
        dial.check()
        sock.settimeout(None if deadline is None else min(_left(deadline), LONGEST))
        sock.connect(address)
        sock.getpeername()  # raises if the socket was shut down first, which Linux reports as connected
    except BaseException:
        dial.close(sock)
        raise
    return sock


def _first(dial: Dial, order: list[Any], delay: float, deadline: float | None) -> tuple[socket.socket, Any]:
    """Return the first socket that connects. Each starts ``delay`` seconds after the one before, or when one fails."""
    poll = select.poll()
    pending: dict[int, tuple[socket.socket, Any]] = {}
    failure: OSError | None = None
    try:
        while order or pending:
            dial.check()
            if order:
                kind, address = order.pop(0)
                try:
                    sock = _begun(dial, kind, address)
                except OSError as error:
                    failure = error
                    continue
                pending[sock.fileno()] = sock, address
                poll.register(sock, select.POLLOUT)
            next_at = monotonic() + delay
            while pending and (not order or monotonic() < next_at):
                until = deadline if not order else next_at if deadline is None else min(next_at, deadline)
                dial.check()
                for fd, _ in poll.poll(None if until is None else max(until - monotonic(), 0.0) * 1000):
                    poll.unregister(fd)
                    sock, address = pending.pop(fd)
                    try:
                        _check_connected(sock)
                        return sock, address
                    except OSError as error:
                        failure = error
                        dial.close(sock)
                        next_at = 0.0  # start the next address at once
                if deadline is not None:
                    _left(deadline)
        raise failure or OSError("no address could be reached")
    finally:
        failure = None  # its traceback refers to this frame
        for sock, _ in pending.values():
            dial.close(sock)


def _begun(dial: Dial, kind: Any, address: Any) -> socket.socket:
    sock = dial.make_socket(kind)
    try:
        sock.settimeout(0.0)
        problem = sock.connect_ex(address)
        if problem not in (0, errno.EINPROGRESS):
            raise OSError(problem, os.strerror(problem))
    except BaseException:
        dial.close(sock)
        raise
    return sock


def _check_connected(sock: socket.socket) -> None:
    """Raise OSError if a finished connect has failed."""
    problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if problem:
        raise OSError(problem, os.strerror(problem))
    sock.getpeername()  # raises if the socket was shut down first, which Linux reports as connected


def _secured(
    dial: Dial, plain: socket.socket, context: ssl.SSLContext, name: str, deadline: float | None
) -> ssl.SSLSocket:
    sock = context.wrap_socket(plain, server_hostname=name, do_handshake_on_connect=False)
    dial_begins(sock)  # it owns the descriptor of the plain socket now
    dial.sockets.append(sock)
    dial.let_go(plain)
    try:
        sock.settimeout(0.0)
        while True:
            dial.check()
            try:
                sock.do_handshake()
                return sock
            except ssl.SSLWantReadError:
                _wait(sock, select.POLLIN, deadline)
            except ssl.SSLWantWriteError:
                _wait(sock, select.POLLOUT, deadline)
    except BaseException:
        dial.close(sock)
        raise


def _wait(sock: socket.socket, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(sock, event)
    if not poll.poll(None if deadline is None else min(_left(deadline), LONGEST) * 1000):
        raise TimeoutError("no end of the TLS handshake")


def _left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError("the time to connect is over")
    return left
