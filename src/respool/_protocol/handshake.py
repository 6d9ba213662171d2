"""The handshake: the first commands on a connection, sent in one round trip (R-37).

Rule 1: HELLO (or AUTH) comes first; no other command precedes it.
Rule 2: the server may refuse the optional commands (CLIENT SETINFO, SETNAME, CAPA), but not the client: NOAUTH, or too
        many clients. The commands that decide what later commands do (AUTH, SELECT, READONLY) must succeed.
Rule 3: if HELLO is refused, RESP2 is tried, unless the server refused the credentials or the client itself.
Rule 4: a peer that hangs up in the handshake is dialed again, without the optional commands and, if it failed, without
        HELLO. When that succeeds, they are sent after all, up to PROOFS times each: the peer may have been a server
        that was just shutting down, and accepts them when it is back.
Rule 5: no error text shows the credentials that were sent.
Rule 6: a node with another role than the pool expects is a failed connection. ROLE tells, in the same round trip; where
        the user may not ask for it, the answer to HELLO does.
Rule 7: the connections of pools are sent CLIENT CAPA redirect: a primary that becomes a replica then answers reads too
        with REDIRECT, where it would serve stale data. Not in a cluster, which redirects by slot. And not where the
        node was a replica from the first: that pool is there to read from a replica. HELLO tells the role only when
        CAPA has been sent, and nothing takes it back, so the first dial to a replica is made again, without it.
Source: the HELLO, AUTH, ROLE, CLIENT SETINFO and CLIENT CAPA pages of the command reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from respool._facts.command import Args
from respool._facts.errors import (
    AuthenticationFailed,
    Busy,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    Error,
    ProtocolError,
    ServerError,
    TransportError,
    UsageValueError,
    WrongRole,
)
from respool._facts.options import can_be_encoded
from respool._facts.standing import Standing
from respool._facts.version import __version__
from respool._protocol.masking import mask_error
from respool._protocol.peer import Peer

#: How often a peer must hang up on the omitted commands, and on nothing else, before they are omitted for good. Once
#: may be chance, if the server keeps shutting down.
PROOFS: Final = 2

_SETINFO: Final[tuple[Args, ...]] = (
    ("CLIENT", "SETINFO", "LIB-NAME", "respool"),
    ("CLIENT", "SETINFO", "LIB-VER", __version__),
)
_CAPA: Final[Args] = ("CLIENT", "CAPA", "redirect")
_ROLE: Final[Args] = ("ROLE",)
#: The roles, by the words of ROLE and HELLO.
_ROLES: Final = {"master": "primary", "slave": "replica"}

#: The hint for a client without TLS when the peer hangs up or sends a TLS alert.
TLS_THERE: Final = "perhaps this port speaks TLS: try rediss:// or tls=True"


class Handshake:
    """What to send on a new connection, and what the replies mean.

    ``commands()`` returns the batch for one round trip. ``read(replies)`` returns True when the connection is ready,
    False when what ``commands()`` returns now must be sent too, and raises when the handshake has failed.
    If the connection ends before all replies have arrived, ``may_dial_again(error)`` tells whether to send
    ``commands()`` on another one; if not, ``ended(error)`` makes the error to raise. After False from ``read``,
    ``needs_new_connection`` tells that ``commands()`` must be sent on another one too.
    """

    __slots__ = (
        "_address",
        "_asked",
        "_db",
        "_is_proving",
        "_is_tls",
        "_name",
        "_password",
        "_peer",
        "_role",
        "_sends_optional",
        "_standing",
        "_unproven",
        "_username",
        "_wants_info",
        "_wants_redirect",
        "needs_new_connection",
        "protocol",
        "server",
    )

    def __init__(
        self,
        *,
        protocol: int = 3,
        db: int = 0,
        username: str | None = None,
        password: str | None = None,
        client_name: str | None = None,
        client_info: bool = True,
        address: str = "",
        peer: Peer | None = None,
        is_tls: bool = False,
        standing: Standing | None = None,
    ) -> None:
        self._peer = Peer() if peer is None else peer
        self._asked = protocol
        self._db = db
        self._username = username
        self._password = password
        self._name = client_name
        self._wants_info = client_info
        self._sends_optional = self._peer.takes_client_commands
        self._standing = Standing() if standing is None else standing
        self._wants_redirect = standing is not None and not standing.in_cluster and standing.expects != "replica"
        self._role = self._peer.role  # not read again: other dials may learn it meanwhile
        self._address = address
        self._unproven: list[str] = []  # commands omitted because of a hang-up, which may have had another cause
        self._is_proving = False  # whether the first of them is being tried on a connection that is ready without it
        self._is_tls = is_tls
        #: The protocol in use: drops from 3 to 2 when the server does not know 3.
        self.protocol = min(protocol, self._peer.protocol)
        #: Whether what this connection was told cannot be taken back (Rule 7).
        self.needs_new_connection = False
        #: What HELLO returned about the server; empty in RESP2.
        self.server: dict[str, Any] = {}

    def commands(self) -> list[Args]:
        """Return the commands of the round trip, in order."""
        if self._is_proving:
            return [("HELLO", "3")] if self._unproven[0] == "HELLO" else self._optional()
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
            if self._sends_optional:
                batch += self._client_name()
        if self._db:
            batch.append(("SELECT", self._db))
        if self._standing.expects is not None:
            batch.append(_ROLE)
        if self._standing.readonly:
            batch.append(("READONLY",))
        if self._sends_optional:
            batch += self._info()
        return batch or [("PING",)]  # one reply is needed, to know that a server is there

    def _client_name(self) -> list[Args]:
        return [] if self._name is None else [("CLIENT", "SETNAME", self._name)]

    def _optional(self) -> list[Args]:
        return [*self._client_name(), *self._info()]

    def _info(self) -> list[Args]:
        return [*(_SETINFO if self._wants_info else ()), *self._capa()]

    def _capa(self) -> list[Args]:
        """Return CLIENT CAPA redirect if it is certain, or still possible, that the node is a primary (Rule 7)."""
        if not self._wants_redirect:
            return []
        is_checked = self._standing.expects is not None
        is_known = self.protocol == 3 and self._role != "replica"  # without HELLO the role is not told
        return [_CAPA] if is_checked or is_known else []

    def read(self, replies: Sequence[Any]) -> bool:
        """Judge the replies to ``commands()``.

        Raises AuthenticationFailed for wrong credentials, another ServerError if the server refused another command,
        and ConnectFailed when the replies make no sense.
        """
        is_ready = self._judge_proof(replies) if self._is_proving else self._judge(replies)
        if isinstance(is_ready, Error):
            raise is_ready  # here, where no local variable holds the password: tracebacks may be logged with locals
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
            if args is _ROLE and isinstance(reply, ServerError) and "role" in self.server:
                continue  # HELLO has said it
            if args[0] == "HELLO" and _is_worth_resp2(reply):
                self.protocol = 2
                return False
            if args[0] in ("CLIENT", "PING") and isinstance(reply, ServerError) and not _is_about_the_client(reply):
                continue
            return self._refused(args, reply)
        if self.protocol == 3 and self.server.get("proto") != 3:
            return ConnectFailed("HELLO was not answered as a server would", address=self._address)
        wrong = None if self._standing.expects is None else self._wrong_role(replies[batch.index(_ROLE)])
        if wrong is not None:
            return wrong
        self._role = self._role or self.server.get("role")
        has_capa = _CAPA in batch and not isinstance(replies[batch.index(_CAPA)], Error)
        self.needs_new_connection = has_capa and self._standing.expects is None and self._role == "replica"
        return not self.needs_new_connection and self._goes_on()

    def _judge_proof(self, replies: Sequence[Any]) -> bool | Error:
        """Judge the replies to omitted commands: this connection survived them, so they did not end the last one."""
        for reply in replies:
            if isinstance(reply, Error) and not isinstance(reply, ServerError):
                return self._refused(("HELLO",), reply)
        what = self._unproven[0]
        self._unproven = [other for other in self._unproven if other != what]
        if what == "CLIENT":
            self._sends_optional = True
        else:
            self.server = _as_mapping(replies[0])
            if self.server.get("proto") == 3:
                self.protocol = 3
                self._role = self._role or self.server.get("role")
        return self._goes_on()

    def _wrong_role(self, answer: Any) -> Error | None:
        """Return the error if the node has not the expected role, given what it answered to ROLE (Rule 6)."""
        words = [self.server["role"]] if isinstance(answer, Error) else answer
        named = _text(words[0]) if isinstance(words, list) and words else None
        if not isinstance(named, str):
            return ConnectFailed("ROLE was not answered as a server would", address=self._address)
        role: str = _ROLES.get(named, named)
        wanted = self._standing.expects
        if role == wanted:
            return None
        primary, whose = None, ""
        if role == "replica" and len(words) > 2:
            host, port = _text(words[1]), words[2]
            if isinstance(host, str) and host and isinstance(port, int) and 0 < port < 65536:
                primary, whose = (host, port), f" of {host}:{port}"
        message = f"this node is a {role}{whose}, and the pool needs a {wanted}: look at what ROLE answers there"
        return WrongRole(message, address=self._address, role=role, primary=primary)

    def _goes_on(self) -> bool:
        """Return True when the connection is ready, False when omitted commands are still to be tried."""
        self._is_proving = bool(self._unproven)
        if not self._is_proving:
            self._remember()
        return not self._is_proving

    def _remember(self) -> None:
        """Let later dials begin with the handshake that has just succeeded."""
        if self._asked == 3:
            self._peer.protocol = self.protocol
        self._peer.takes_client_commands = self._sends_optional
        if self._peer.role is None:
            self._peer.role = self._role

    def may_dial_again(self, error: Error) -> bool:
        """Tell, when the peer has closed the connection, whether to send ``commands()`` on another one (Rule 4).

        Each True leaves fewer commands to try, so there are only a few.
        """
        if not isinstance(error, ConnectionLost) or isinstance(error.__cause__, ProtocolError):
            return False
        if self._is_proving:  # it answered everything else on this connection, so it hung up on this command
            self._is_proving = False
            del self._unproven[0]
            return True
        words = error.last_words
        if self._unproven or (words is not None and not _is_worth_resp2(words)):
            return False
        if self.protocol == 3 and (error.answered == 0 or words is not None):
            self.protocol = 2
            self._unproven += ["HELLO"] * PROOFS
        if self._sends_optional and self._optional():
            self._sends_optional = False
            self._unproven += ["CLIENT"] * PROOFS
        return bool(self._unproven)

    def ended(self, error: Error) -> Error:
        """Make the error for a connection that ended in ``error`` before all replies had arrived."""
        self._mask(error)
        if isinstance(error, TimeoutError):
            return ConnectTimeout("no answer to the handshake", address=self._address)
        said: object = error.last_words if isinstance(error, TransportError) else None
        if isinstance(said, ServerError) and _is_about_credentials(said):
            return self._refused(("HELLO",), said)
        if isinstance(error, ProtocolError):
            said = str(error).removeprefix(f"{self._address}: ")
        elif said is None and isinstance(error.__cause__, ProtocolError):
            said = error.__cause__  # a server with too many clients says so before it gets a command
        if said is None:
            how = error.__cause__.reason if isinstance(error.__cause__, TransportError) else "the connection ended"
            more = f": {how} before it answered" + ("" if self._is_tls else f"; {TLS_THERE}")
        else:
            more = f": {said}{_who_speaks(str(said))}"
        failure = ConnectFailed(f"the handshake failed{more}", address=self._address)
        failure.__cause__ = error.__cause__.__cause__ if isinstance(error.__cause__, Error) else error.__cause__
        return failure

    def _mask(self, error: Error) -> None:
        """Mask the credentials in an error and in all errors attached to it (Rule 5)."""
        user = None if self._username == "default" else self._username
        if self._password is not None:
            mask_error(error, [secret for secret in (self._password, user) if secret])

    def _refused(self, args: Args, reply: Error) -> Error:
        self._mask(reply)
        if isinstance(reply, ServerError) and _is_about_credentials(reply):
            message = reply.message
            if reply.code == "NOAUTH" and self._password is None:
                message = "the server wants a password: give password= or credentials=, or redis://:password@host"
            return AuthenticationFailed(reply.code, f"{message} ({self._address})")
        if isinstance(reply, ServerError):
            what = f"db={self._db}" if args[0] == "SELECT" else " ".join(args[: 2 if args[0] == "CLIENT" else 1])
            return type(reply)(reply.code, f"{reply.message} ({what} in the handshake with {self._address})")
        if isinstance(reply, ProtocolError):
            error: Error = ConnectFailed(f"the handshake failed: {reply}", address=self._address)
            error.__cause__ = reply
            return error
        return reply


def _who_speaks(said: str) -> str:
    """Return a hint if the peer's first byte shows another protocol: HTTP, or a TLS alert."""
    if 'got "H"' in said or 'got "<"' in said:
        return "; this looks like an HTTP server: check host and port"
    return f"; {TLS_THERE}" if 'got "\\x15"' in said else ""


def _is_about_credentials(reply: ServerError) -> bool:
    return isinstance(reply, AuthenticationFailed) or reply.code in ("NOAUTH", "WRONGPASS", "NOPERM")


def _is_worth_resp2(reply: Error) -> bool:
    """Tell whether a refusal may be about HELLO itself, whatever its text, so that RESP2 is worth trying."""
    return isinstance(reply, ServerError) and not (_is_about_credentials(reply) or _is_about_the_client(reply))


def _is_about_the_client(reply: ServerError) -> bool:
    """Tell whether the server takes no command from this client: no password, too many clients, none from outside."""
    return reply.code in ("NOAUTH", "DENIED") or (isinstance(reply, Busy) and reply.code != "BUSY")


def _as_mapping(reply: Any) -> dict[str, Any]:
    if not isinstance(reply, dict):
        return {}
    return {_text(key): _text(value) for key, value in reply.items()}


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def as_credentials(answer: Any, encoding: str | None = None) -> tuple[str | None, str | None]:
    """Check what a ``credentials`` callable returned: a password, (username, password), or None; return the pair."""
    if answer is None:
        return None, None
    problem = ""
    pair = (None, answer) if isinstance(answer, str) else answer
    texts = (answer,) if isinstance(answer, str) else answer
    if not (isinstance(texts, tuple) and len(pair) == 2 and all(isinstance(text, str) for text in texts)):
        problem = f"credentials must return a password or (username, password), not {type(answer).__name__}"
    elif not all(can_be_encoded(text, encoding) for text in texts):
        problem = f"credentials returned a text that cannot be written in {encoding or 'utf-8'}"
    if problem:
        answer = pair = texts = None  # the error's traceback holds this frame, which must not hold a secret
        raise UsageValueError(problem)
    return pair
