# Generated from respool/_async/service.py by tools/generate.py. Do not edit.
"""What a door expects of the object behind it: ``Serving`` for one node, ``Cluster`` for many."""

from __future__ import annotations

from typing import Any, Protocol

from respool._facts.command import Spec
from respool._facts.errors import Error
from respool._facts.stats import PoolStats
from respool._protocol.run import Run
from respool._shell.absent import FORKED, Absent


class Service(Protocol):
    """What serves a pool while it is open."""

    @property
    def world(self) -> Any:
        """The event loop that it belongs to."""

    def start(self) -> None:
        """Start maintenance and the first dials. Raises when no thread can be started."""

    def wait_ready(self, seconds: float | None, *, is_strict: bool) -> None:
        """Wait until ``min_size`` and the shared connections are up; ``is_strict`` raises the first dial's error."""

    def execute(self, args: tuple[Any, ...], spec: Spec, timeout: float | None, failure: Error | None) -> Any:
        """Run one command and return its reply; ``failure`` is the error of a first try."""

    def execute_run(self, run: Run, deadline: float | None, within: float | None) -> list[Any]:
        """Run a pipeline; return one value per command."""
        ...

    def execute_noreply(self, run: Run) -> None:
        """Send a run without waiting for replies."""

    def release(self, lease: Any) -> None:
        """Take a lease back at once. Raises UsageError, and changes nothing, if it is not a current lease."""

    def is_inside(self) -> bool:
        """Tell whether this very thread is at work in here: it runs a signal handler or a finaliser then."""
        ...

    def check_outside(self) -> None:
        """Raise UsageError if ``is_inside``."""

    def gauge(self, name: str) -> int:
        """Return one of the counts: size, idle, leased, shared, dialing or waiting."""
        ...

    def stats(self) -> PoolStats:
        """Return all counts as one value."""
        ...

    @property
    def db(self) -> int:
        """The database of the connections."""
        ...

    def resize(self, min_size: int, max_size: int) -> None:
        """Set new bounds (R-34)."""

    def clear(self) -> None:
        """Close all idle connections, and wait until they are closed."""

    def discard_idle(self) -> None:
        """The same, without waiting."""

    def drain(self) -> None:
        """Begin a new epoch."""

    def select(self, db: int, *, verify: bool) -> None:
        """Move to another database. Raises the server's error, with nothing changed."""

    def close(self, seconds: float | None) -> None:
        """Close everything (R-33)."""

    def abandon(self) -> None:
        """Let the maintenance task close everything."""

    def forget(self, instead: Absent = FORKED) -> None:
        """Drop every socket (R-35)."""
