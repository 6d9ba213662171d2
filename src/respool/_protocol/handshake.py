"""The first words on a connection, rendered once, sent in one round trip (R-37).

Rule 1: HELLO (or AUTH) comes first; nothing a server could execute precedes it.
Rule 2: what a server may not know (HELLO, CLIENT SETINFO) may fail without harm; what the caller asked for may not.
Rule 3: a server without RESP3 is spoken to in RESP2, after one more round trip.
Source: the HELLO, AUTH and CLIENT SETINFO pages of the command reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from respool._facts.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectTimeout,
    Error,
    ProtocolError,
    ServerError,
    TransportError,
    UsageValueError,
)
from respool._facts.version import __version__

Args = tuple[Any, ...]


class Handshake:
    """What to send on a new connection, and what the replies mean.

    ``commands()`` gives the batch for one round trip; ``read(replies)`` returns True when the connection is ready,
    False when the batch must be sent again as ``commands()`` now gives it, and raises when it cannot be ready.
    """

    __slots__ = ("_address", "_db", "_name", "_password", "_readonly", "_username", "protocol", "server")

    def __init__(
        self,
        *,
        protocol: int = 3,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        client_name: str | None = None,
        readonly: bool = False,
        address: str = "",
    ) -> None:
        self._db = db
        self._username = username
        self._password = password
        self._name = client_name
        self._readonly = readonly
        self._address = address
        #: The protocol spoken: falls from 3 to 2 when the server does not know 3.
        self.protocol = protocol
        #: What HELLO told about the server; empty in RESP2.
        self.server: dict[str, Any] = {}

    def commands(self) -> list[Args]:
        """Return the commands of the round trip, in order."""
        batch: list[Args] = []
        if self.protocol == 3:
            hello: list[str] = ["HELLO", "3"]
            if self._password is not None:
                hello += ["AUTH", self._username or "default", self._password]
            if self._name is not None:
                hello += ["SETNAME", self._name]
            batch.append(tuple(hello))
        else:
            if self._password is not None:
                user = () if self._username is None else (self._username,)
                batch.append(("AUTH", *user, self._password))
            if self._name is not None:
                batch.append(("CLIENT", "SETNAME", self._name))
        if self._db:
            batch.append(("SELECT", self._db))
        if self._readonly:
            batch.append(("READONLY",))
        batch.append(("CLIENT", "SETINFO", "LIB-NAME", "respool"))
        batch.append(("CLIENT", "SETINFO", "LIB-VER", __version__))
        return batch

    def read(self, replies: Sequence[Any]) -> bool:
        """Judge the replies to ``commands()``.

        Raises AuthenticationFailed for wrong credentials, another ServerError for what else the server refused, and
        ConnectFailed when the answers make no sense.
        """
        is_ready = self._judge(replies)
        if isinstance(is_ready, Error):
            raise is_ready  # from here, where no local variable holds the password: tracebacks are logged with them
        return is_ready

    def _judge(self, replies: Sequence[Any]) -> bool | Error:
        batch = self.commands()
        if len(replies) != len(batch):
            return ConnectFailed("the handshake was answered in part", address=self._address)
        for args, reply in zip(batch, replies, strict=True):
            if not isinstance(reply, Error):
                if args[0] == "HELLO":
                    self.server = _as_mapping(reply)
                continue
            if args[0] == "HELLO" and _is_unknown(reply):
                self.protocol = 2
                return False
            if args[:2] == ("CLIENT", "SETINFO") and isinstance(reply, ServerError) and reply.code != "NOAUTH":
                continue
            return self._refused(reply)
        if self.protocol == 3 and self.server.get("proto") != 3:
            return ConnectFailed("HELLO was not answered as a server would", address=self._address)
        return True

    def ended(self, error: Error) -> ConnectFailed:
        """Make the error for a connection that ended in ``error`` before all replies were there."""
        if isinstance(error, TimeoutError):
            return ConnectTimeout("no answer to the handshake", address=self._address)
        said: object = error.last_words if isinstance(error, TransportError) else None
        if said is None and isinstance(error.__cause__, ProtocolError):
            said = error.__cause__  # a server that is full says so before it is asked anything
        more = "" if said is None else f": {said}"
        return ConnectFailed(f"the connection ended in the handshake{more}", address=self._address)

    def _refused(self, reply: Error) -> Error:
        if isinstance(reply, ServerError) and reply.code in ("NOAUTH", "WRONGPASS", "NOPERM"):
            error: Error = AuthenticationFailed(reply.code, f"{reply.message} ({self._address})")
            error.__cause__ = reply
            return error
        if isinstance(reply, ServerError):
            return reply
        if isinstance(reply, ProtocolError):
            error = ConnectFailed(f"the handshake failed: {reply}", address=self._address)
            error.__cause__ = reply
            return error
        return reply


def _is_unknown(reply: Error) -> bool:
    """Tell whether HELLO itself was not understood, so that RESP2 is worth a try."""
    return isinstance(reply, ServerError) and (
        reply.code == "NOPROTO" or "unknown command" in reply.message.lower()
    )


def _as_mapping(reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        return {}
    return {_text(key): _text(value) for key, value in reply.items()}


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def as_credentials(answer: Any) -> tuple[str | None, str | None]:
    """Read what a ``credentials`` callable returned: a password, or (username, password)."""
    if isinstance(answer, str):
        return None, answer
    if isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(part, str) for part in answer):
        return answer
    answer = type(answer).__name__  # what is raised holds this frame, which shall not hold a secret
    raise UsageValueError(f"credentials must return a password or (username, password), not {answer}")
