"""The faults of one direction of a ``FaultProxy``, and its count of bytes that passed.

Rule 1: a fault may be set from any thread, and applies to open and new connections when the assignment
        returns.
Rule 2: this file holds the settings; ``_link`` and ``_pipe`` apply them to the bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Fault(Generic[T]):
    """A setting of a ``Direction``: see there. A value below ``lowest`` raises ``ValueError``."""

    def __init__(self, healthy: T, lowest: float = 0) -> None:
        self.healthy = healthy
        self._lowest = lowest

    def __set_name__(self, owner: type[Direction], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, direction: None, owner: type[Direction]) -> _Fault[T]: ...
    @overload
    def __get__(self, direction: Direction, owner: type[Direction]) -> T: ...
    def __get__(self, direction: Direction | None, owner: type[Direction]) -> T | _Fault[T]:
        if direction is None:
            return self
        # The type is right, because only __set__ writes there.
        value: T = direction.wishes.get(self._name, self.healthy)  # type: ignore[assignment]
        return value

    def __set__(self, direction: Direction, value: T) -> None:
        if isinstance(value, int | float) and value < self._lowest:
            raise ValueError(f"{self._name} must be at least {self._lowest:g}, not {value!r}")
        direction.apply(lambda: direction.wishes.__setitem__(self._name, value))


class Direction:
    """The faults of one direction: ``proxy.up`` is client to server, ``proxy.down`` is server to client.

    ``latency``       seconds by which every byte is delayed.
    ``bandwidth``     bytes per second for each connection; None: no limit.
    ``slice_size``    the most bytes in one send; None: no limit.
    ``slice_gap``     seconds between two slices.
    ``black_hole``    swallow bytes, silently and for good.
    ``stop_reading``  read nothing, so that the sender's writes block.
    ``held``          keep bytes back, to send them later: see ``hold()``.

    Set faults from any thread, at any time:

        proxy.down.latency = 0.05
        proxy.up.hold()
        proxy.down.limit_after(17)
        proxy.heal()

    A value that makes no sense raises ``ValueError``.
    """

    latency: _Fault[float] = _Fault(0.0)
    """Seconds by which every byte, and the end of the stream, is delayed. The order is kept."""

    bandwidth: _Fault[float | None] = _Fault(None, lowest=1)
    """Bytes per second for each connection, with bursts of at most 20 ms; None: no limit."""

    slice_size: _Fault[int | None] = _Fault(None, lowest=1)
    """The most bytes to pass on in one send; None: no limit."""

    slice_gap: _Fault[float] = _Fault(0.0)
    """Seconds between two slices. With 0 a slow reader may find several slices in one read."""

    black_hole: _Fault[bool] = _Fault(False)  # noqa: FBT003 - the healthy value of a setting
    """Swallow bytes, and the end of the stream, silently.

    A connection that has lost bytes this way passes no more in this direction, even after ``heal()``: no
    real network delivers a stream with a gap. To deliver the bytes later, use ``hold()`` and ``release()``
    instead.
    """

    stop_reading: _Fault[bool] = _Fault(False)  # noqa: FBT003 - see above
    """Read nothing from the sender, so that kernel buffers fill up until its writes block."""

    held: _Fault[bool] = _Fault(False)  # noqa: FBT003 - see above
    """Whether bytes are read but kept back; see ``hold()``."""

    def __init__(
        self,
        run: Callable[[Callable[[], None]], None],
        read: Callable[[Callable[[], int]], int],
        limit_each: Callable[[Direction, int | None], None],
    ) -> None:
        self.apply = run
        self._read = read
        self._limit_each = limit_each
        self.wishes: dict[str, object] = {}
        self.count = 0  # of bytes that passed; the loop's thread writes it
        self.each: int | None = None
        self.total: int | None = None

    def __repr__(self) -> str:
        wishes = "".join(f" {name}={value!r}" for name, value in self.wishes.items())
        return f"<Direction{wishes or ' healthy'}, {self.count} bytes passed>"

    @property
    def passed(self) -> int:
        """How many bytes have passed, including every byte a peer may have seen, but none that are held."""
        return self._read(lambda: self.count)

    def hold(self) -> None:
        """Hold all bytes back, up to the proxy's ``buffer_bytes`` per connection, until ``release()``."""
        self.held = True

    def release(self) -> None:
        """Send held bytes on, in order."""
        self.held = False

    def limit_after(self, count: int, *, total: bool = False) -> None:
        """Cut a connection, both ways, as soon as ``count`` more bytes have passed in this direction.

        Exactly these bytes reach the other side, then the end of the stream. With 0 the connection is cut
        when the next byte arrives, and that byte does not pass: ``proxy.down.limit_after(0)`` lets a command
        through and loses its reply.

        Each open connection counts from now and each new one from its start, until ``heal()``. With
        ``total=True`` all connections count together and all are cut when the sum is reached. That happens
        once: later connections are not limited.
        """
        if count < 0:
            raise ValueError(f"cannot cut after {count} bytes")

        def change() -> None:
            self.each, self.total = (None, count) if total else (count, None)
            self._limit_each(self, self.each)

        self.apply(change)

    def heal(self) -> None:
        """Remove every fault and limit of this direction. Held bytes are sent on."""

        def change() -> None:
            self.wishes.clear()
            self.each = self.total = None
            self._limit_each(self, None)

        self.apply(change)
