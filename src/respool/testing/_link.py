"""One proxied connection: the client's socket, ours to the target, and a ``Pipe`` for each direction.

Rule 1: everything here runs in the loop's thread. After every event ``refresh`` runs the current step: shake
        hands (TLS), dial, or relay. A step does what can be done now and waits for the selector or a timer.
Rule 2: a link ends in one of three ways: both sides have closed; ``cut`` (we close both sides, and bytes that
        have passed arrive); ``reset`` (RST to both). Then the proxy does not count it any more.
"""

from __future__ import annotations

import errno
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from respool.testing._listener import prompt, shrink
from respool.testing._loop import READ, WRITE, Loop, Timer
from respool.testing._pipe import CUT, Pipe

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from respool.testing._faults import Direction

Address = tuple[str, int] | str


class Plan:
    """What all links of a proxy share: the target's address, the faults, and callbacks of the proxy."""

    def __init__(
        self,
        *,
        loop: Loop,
        address: Callable[[], Address],
        up: Direction,
        down: Direction,
        tls: ssl.SSLContext | None,
        buffer_bytes: int,
        socket_buffer_bytes: int,
        ended: Callable[[Link], None],
        limit_reached: Callable[[Link, Direction], None],
    ) -> None:
        self.loop = loop
        self.address = address
        self.up = up
        self.down = down
        self.tls = tls
        self.buffer_bytes = buffer_bytes
        self.socket_buffer_bytes = socket_buffer_bytes
        self.ended = ended
        self.limit_reached = limit_reached
        # The errors by which a non-blocking socket says that it is not ready.
        self.not_ready: tuple[type[OSError], ...] = (BlockingIOError,)
        if tls is not None:
            import ssl

            self.not_ready = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Link:
    """A proxied connection. It exists from the moment its client was accepted."""

    def __init__(self, plan: Plan, client: socket.socket) -> None:
        self._plan = plan
        self._loop = plan.loop
        self._server: socket.socket | None = None
        self._up: Pipe | None = None
        self._down: Pipe | None = None
        self._timer: Timer | None = None
        self.is_open = True
        if plan.tls is None:
            self._client = client
            self._step = self._dial
        else:
            self._client = plan.tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
            self._step = self._shake_hands
        self._loop.watch(self._client, 0, self._wake)

    def pipes(self) -> list[Pipe]:
        """The pipes of both directions; none before the target has accepted."""
        return [pipe for pipe in (self._up, self._down) if pipe is not None]

    def refresh(self) -> None:
        """Run the current step, unless the link has ended."""
        if self.is_open:
            self._step()

    def _wake(self, _mask: int) -> None:
        self.refresh()

    # Beginning -----------------------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        import ssl

        if self._plan.up.stop_reading:
            self._loop.watch(self._client, 0, self._wake)
            return
        try:
            assert isinstance(self._client, ssl.SSLSocket)
            self._client.do_handshake()
        except ssl.SSLWantReadError:
            self._loop.watch(self._client, READ, self._wake)
        except ssl.SSLWantWriteError:
            self._loop.watch(self._client, WRITE, self._wake)
        except OSError:  # not a TLS client, or one that does not trust our certificate
            self.cut()
        else:
            self._step = self._dial
            self._dial()

    def _dial(self) -> None:
        address = self._plan.address()
        server = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        server.settimeout(0)
        shrink(server, self._plan.socket_buffer_bytes)
        self._server = server
        self._step = self._wait_for_target
        self._loop.watch(self._client, 0, self._wake)
        self._loop.watch(server, 0, self._dialed)
        refusal = server.connect_ex(address)
        if refusal == errno.EINPROGRESS:
            self._loop.watch(server, WRITE, self._dialed)
        elif refusal:
            self.reset()
        else:
            self._begin_relay(server)

    def _wait_for_target(self) -> None:
        """Do nothing: the step before the target has accepted."""

    def _dialed(self, _mask: int) -> None:
        server = self._server
        if server is None or server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.reset()
        else:
            self._begin_relay(server)

    def _begin_relay(self, server: socket.socket) -> None:
        prompt(server)
        plan = self._plan
        self._up = Pipe(plan.up, self._client, server, plan.buffer_bytes)
        self._down = Pipe(plan.down, server, self._client, plan.buffer_bytes)
        self._step = self._relay
        self._relay()

    # Relaying ------------------------------------------------------------------------------------------

    def _relay(self) -> None:
        dates = []
        for pipe in self.pipes():
            if self.is_open and not pipe.has_passed_end:
                date = self._pump(pipe)
                if date is not None:
                    dates.append(date)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.is_open:
            if dates:
                self._timer = self._loop.later(min(dates) - time.monotonic(), self.refresh)
            self._watch()

    def _pump(self, pipe: Pipe) -> float | None:
        try:
            date = pipe.pump(self._plan.not_ready)
        except OSError:  # the receiver has closed or reset
            self.reset()
            return None
        if date == CUT:
            self._plan.limit_reached(self, pipe.faults)
            return None
        if pipe.has_passed_end:
            self._say_goodbye(pipe)
        return date

    def _say_goodbye(self, pipe: Pipe) -> None:
        """Tell the receiver that the stream has ended. The other direction goes on, except with TLS."""
        close_notify = getattr(pipe.sink, "unwrap", None)
        if all(pipe.has_passed_end for pipe in self.pipes()):
            self.cut()
        elif close_notify is not None:
            with suppress(OSError, ValueError):  # it is sent; the error is that the peer's has not come yet
                close_notify()
            self.cut()
        else:
            with suppress(OSError):
                pipe.sink.shutdown(socket.SHUT_WR)

    def _watch(self) -> None:
        if self._up is None or self._down is None or self._server is None:
            raise RuntimeError("relaying without pipes")
        for sock, coming, going, ready in (
            (self._client, self._up, self._down, self._client_ready),
            (self._server, self._down, self._up, self._server_ready),
        ):
            events = (READ if coming.wants_input() else 0) | (WRITE if going.is_blocked else 0)
            self._loop.watch(sock, events, ready)

    def _client_ready(self, mask: int) -> None:
        self._ready(mask, self._up, self._down)

    def _server_ready(self, mask: int) -> None:
        self._ready(mask, self._down, self._up)

    def _ready(self, mask: int, coming: Pipe | None, going: Pipe | None) -> None:
        if coming is None or going is None or not self.is_open:
            return
        if mask & WRITE:
            going.is_blocked = False
        if mask & READ:
            try:
                coming.fill(self._plan.not_ready)
            except OSError:
                if not coming.swallows_all():
                    self.reset()
                    return
                coming.has_ended = True  # a black hole does not report a reset either
        self.refresh()

    # Ending --------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Close both connections. Bytes that have passed arrive before the end of the stream."""
        self._end(self._loop.hang_up)

    def reset(self) -> None:
        """Reset (RST) both connections."""
        self._end(self._loop.abort)

    def _end(self, close: Callable[[socket.socket], None]) -> None:
        if not self.is_open:
            return
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
        self._plan.ended(self)  # first: the proxy must not count it once a peer sees the end of the stream
        close(self._client)
        if self._server is not None:
            close(self._server)
