"""A short blocking connection, with which the helpers themselves talk to a server.

Rule 1: it is used for a few commands and closed by its ``with`` block. There is no pool, no retry and no
        state.
Rule 2: it speaks RESP2 and reads one reply per command, so it works with any server and any setting.
"""

from __future__ import annotations

import socket
from typing import Any, Self

import hiredis


class ShortConnection:
    """A blocking connection for a few commands: ``with ShortConnection(...) as ask: ask("PING")``.

    An error reply is raised as ``hiredis.ReplyError``. ``timeout`` is in seconds and bounds the connect and
    each reply; then ``TimeoutError`` is raised. ``ConnectionError`` is raised if the server hangs up.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        timeout: float,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self._reader = hiredis.Reader()
        self._socket = socket.create_connection((host, port), timeout)
        try:
            if password is not None:
                self("AUTH", *([username] if username else []), password)
        except BaseException:
            self._socket.close()
            raise

    def __call__(self, *args: bytes | str | float) -> Any:
        """Send one command and return its reply."""
        # hiredis types the argument as a tuple of one, by mistake.
        self._socket.sendall(hiredis.pack_command(args))  # type: ignore[arg-type]
        while (reply := self._reader.gets()) is False:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError(f"the server hung up instead of answering {args[0]!r}")
            self._reader.feed(data)
        if isinstance(reply, hiredis.ReplyError):
            raise reply
        return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
