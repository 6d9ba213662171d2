"""One run of a server binary, from its start to its end.

Rule 1: only this file starts, signals and ends a process, always through the process object, never by name.
Rule 2: a server is ready when *this* process has answered; another server on its port does not count.
Rule 3: a process has ended when it has been waited for, so no zombie is left.
"""

from __future__ import annotations

import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import hiredis

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from respool.testing._short import ShortConnection

STOP_TIMEOUT: Final = 5.0  # seconds; then SIGKILL, because there is no data to save
POLL: Final = 0.005


class ServerProcess:
    """A server process in its directory, where it reads ``server.conf`` and prints to ``server.log``."""

    def __init__(self, binary_path: str, directory: Path, config: str, arguments: tuple[str, ...] = ()) -> None:
        (directory / "server.conf").write_text(config)
        self._log = directory / "server.log"
        with self._log.open("wb") as log:
            # S603: see _binary. A new session, so that Ctrl-C reaches only the test, which then stops the server.
            self._process = subprocess.Popen(
                [binary_path, str(directory / "server.conf"), *arguments],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.is_paused = False

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def answers(self, connect: Callable[[], ShortConnection], deadline: float) -> bool:
        """Return True once it answers, False if it ends; raise ``TimeoutError`` at ``deadline`` (monotonic)."""
        while True:
            with suppress(OSError, hiredis.HiredisError), connect() as ask:
                ask("PING")  # an error reply while data is loading
                if f"process_id:{self.pid}\r\n" in ask("INFO", "server").decode():
                    return True
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL)
                return False
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server neither answered nor ended in time:\n{self.log[-2000:]}")

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)
        self.is_paused = True

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        self.is_paused = False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Send SIGTERM, then SIGKILL if it still runs after 5 s."""
        if not self.is_running:
            return
        self._process.terminate()
        self.resume()  # a paused process must continue to handle the SIGTERM
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
