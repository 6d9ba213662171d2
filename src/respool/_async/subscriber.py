# Written once: respool/_sync/subscriber.py is generated from this file.
"""What a program reads messages from, and what makes one.

Rule 1: entering returns when the server has confirmed every channel and pattern: what is published after that arrives.
Rule 2: messages come in the order in which the server has sent them, gaps in their places between them. Whoever reads
        calls ``on_gap``, before the first message behind the gap.
Rule 3: one that is dropped without being closed is closed, with a warning (R-30).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Generic, Literal, NoReturn, Self
from weakref import WeakSet

from respool._async.hub import Hub
from respool._async.shell.compat import WORLD, call_hook, clock, has_ended, here
from respool._async.shell.pump import IS_SHARED
from respool._facts.command import Key
from respool._facts.encoding import encoded
from respool._facts.errors import DecodeError, PoolClosed, UsageError, UsageTypeError, UsageValueError, again
from respool._facts.messages import Gap, Message
from respool._facts.option_types import S
from respool._facts.options import Options, checked_timeout
from respool._protocol.inbox import POLICIES, Inbox, Item
from respool._protocol.subscribed import Topic
from respool._shell.unclosed import close_unclosed


class AsyncSubscriber(Generic[S]):
    """Receives the messages of some channels and patterns. ``pool.subscribe(...)`` makes it.

    ``async with pool.subscribe("news") as sub``, then ``async for message in sub``, or ``await sub.next(timeout)``.
    """

    def __init__(
        self,
        pool: AsyncSubscribable,
        topics: list[Topic],
        *,
        queue: int,
        on_full: str,
        on_gap: Callable[[Gap], Any] | None,
        timeout: float | None,
    ) -> None:
        """Keep what is wanted; no I/O."""
        self._pool = pool
        self._options = pool._options
        self._wanted = topics
        self._queue = queue
        self._on_full = on_full
        self._on_gap = on_gap
        self._timeout = timeout
        self._hub: Hub | None = None
        self._inbox = Inbox(queue, on_full)
        self._is_closed = False

    # Life --------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Subscribe, and return when the server has confirmed everything (Rule 1); ``async with`` does it.

        Raises PoolTimeout after ``timeout`` seconds, the error of a dial, the server's error, PoolClosed, UsageError.
        After an error or a cancel nothing is left behind.
        """
        if self._is_closed:
            raise UsageError("this subscriber is closed: make another one with pool.subscribe()")
        if self._hub is not None:
            raise UsageError("this subscriber is open already")
        hub = self._pool._hub_to_join()
        self._inbox = Inbox(self._queue, self._on_full, hub.pump.make_bell())
        try:
            for topic in self._wanted:
                hub.homes.check(topic)
            hub.state.inboxes.setdefault(self._inbox, set())
            self._hub = hub
            await hub.want(self._inbox, self._wanted, self._deadline(self._timeout))
        except BaseException:
            self._hub = None
            await hub.leave(self._inbox)
            raise

    async def aclose(self) -> None:
        """End the subscriptions. Whoever waits for a message gets none: an iteration ends. Idempotent."""
        self._is_closed = True
        hub = self._hub
        if hub is not None and not has_ended(hub.world):  # else nothing is left of it
            await hub.leave(self._inbox)
            self._inbox.bell.ring()
        self._hub = None  # only now: a thread that is interrupted can call it again

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        hub = self.__dict__.get("_hub")
        if hub is not None and hub.ended is None:
            close_unclosed(self, partial(hub.pump.abandon, self._inbox))

    def __reduce__(self) -> NoReturn:
        raise UsageTypeError("a subscriber cannot be copied or pickled; make another one")

    # Messages ----------------------------------------------------------------------------------------

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message[S]:
        try:
            message = None if self._is_closed else await self.next()
        except UsageError:
            if not self._is_closed:
                raise
            message = None
        if message is None:
            raise StopAsyncIteration
        return message

    async def next(self, timeout: float | None = None) -> Message[S] | None:
        """Return the next message, or None if there is none after ``timeout`` seconds; without one it waits for ever.

        A connection that is lost is replaced meanwhile. Calls ``on_gap`` for each gap on the way, and raises what that
        raises. Raises QueueFull (``on_full="close"``), PoolClosed, the server's error if it refuses to subscribe again,
        UsageError once this subscriber is closed, DecodeError for a message that cannot be decoded; the next call
        returns the one after it.
        """
        hub, inbox = self._opened(), self._inbox
        deadline = self._deadline(None if timeout is None else checked_timeout(timeout))
        while True:
            with hub.lock:
                item = inbox.take()
            if isinstance(item, Gap):
                if self._on_gap is not None:
                    await call_hook(self._on_gap, item)
                continue
            if item is not None:
                return self._message(item)
            if self._is_closed:
                self._opened()
            if inbox.failure is not None:
                raise again(inbox.failure)
            if not await hub.pump.wait(inbox.bell, self._has_news, deadline):
                return None

    def _has_news(self) -> bool:
        inbox = self._inbox
        return not inbox.is_empty or inbox.failure is not None or self._is_closed

    def _message(self, item: Item) -> Message[S]:
        kind, pattern, channel, data, gap = item
        encoding, errors = self._options.encoding, self._options.encoding_errors
        if encoding is None:
            return Message(channel, data, pattern, kind, gap)  # type: ignore[arg-type]  # S is bytes
        try:
            texts = [None if text is None else text.decode(encoding, errors) for text in (channel, data, pattern)]
        except UnicodeError:
            raise DecodeError(f"a message is not {encoding}; encoding=None returns bytes") from None
        return Message(texts[0], texts[1], texts[2], kind, gap)  # type: ignore[arg-type]  # S is str

    # Changing it -------------------------------------------------------------------------------------

    async def subscribe(
        self,
        *channels: Key,
        patterns: Iterable[Key] | Key = (),
        sharded: Iterable[Key] | Key = (),
        timeout: float | None = None,
    ) -> None:
        """Subscribe to more, and return when the server has confirmed everything. Raises the same errors as ``open``.

        After an error or a cancel it has what it had before.
        """
        hub = self._opened()
        topics = topics_of(self._options, channels, patterns, sharded)
        for topic in topics:
            hub.homes.check(topic)
        seconds = self._timeout if timeout is None else checked_timeout(timeout)
        await hub.want(self._inbox, topics, self._deadline(seconds))

    async def unsubscribe(
        self, *channels: Key, patterns: Iterable[Key] | Key = (), sharded: Iterable[Key] | Key = ()
    ) -> None:
        """End some subscriptions. What has come before is still returned, what comes later is not.

        Does not wait for the server. Names that are not subscribed to are ignored.
        """
        self._opened().drop(self._inbox, topics_of(self._options, channels, patterns, sharded))

    # State -------------------------------------------------------------------------------------------

    @property
    def channels(self) -> set[S]:
        """The channels it is subscribed to."""
        return self._names("")

    @property
    def patterns(self) -> set[S]:
        """The patterns it is subscribed to."""
        return self._names("p")

    @property
    def sharded(self) -> set[S]:
        """The shard channels it is subscribed to."""
        return self._names("s")

    def _names(self, wanted: str) -> set[S]:
        hub, encoding, topics = self._hub, self._options.encoding, set[Topic]()
        if hub is not None:
            with hub.lock:
                topics = set(hub.state.inboxes.get(self._inbox, ()))
        names: Any = {name if encoding is None else name.decode(encoding) for kind, name in topics if kind == wanted}
        return names  # type: ignore[no-any-return]

    @property
    def gaps(self) -> int:
        """How many times messages may have been lost, so far: one for each call of ``on_gap``."""
        return self._inbox.gaps

    @property
    def dropped(self) -> int:
        """How many messages were dropped because the queue was full."""
        return self._inbox.dropped

    @property
    def queued(self) -> int:
        """How many messages wait to be taken."""
        return self._inbox.size

    @property
    def closed(self) -> bool:
        """Whether no message will come any more."""
        return self._is_closed or self._inbox.failure is not None

    def __repr__(self) -> str:
        hub = self._hub
        state = "closed" if self._is_closed else "unopened" if hub is None else "open"
        topics = len(self._wanted) if hub is None else hub.state.count(self._inbox)
        return (
            f"<{type(self).__name__} of {self._options.address} {state} topics={topics} queued={self.queued} "
            f"gaps={self.gaps} dropped={self.dropped}>"
        )

    def _opened(self) -> Hub:
        if self._is_closed:
            raise UsageError("this subscriber is closed: make another one with pool.subscribe()")
        if self._hub is None:
            raise UsageError("this subscriber is not open yet: use it in a with block, or call open()")
        if self._hub.world is not here():
            raise UsageError(f"this subscriber was opened in another {WORLD}: make one for each")
        return self._hub

    def _deadline(self, seconds: float | None) -> float | None:
        return None if seconds is None else clock()() + seconds


class AsyncSubscribable(Generic[S]):
    """What every pool has for subscribers."""

    _options: Options
    _is_closed: bool
    _hubs: WeakSet[Hub]

    def subscribe(
        self,
        *channels: Key,
        patterns: Iterable[Key] | Key = (),
        sharded: Iterable[Key] | Key = (),
        queue: int = 1024,
        on_full: Literal["drop_oldest", "drop_newest", "close"] = "drop_oldest",
        on_gap: Callable[[Gap], Any] | None = None,
        timeout: float | None = None,
    ) -> AsyncSubscriber[S]:
        """Subscribe to channels, to patterns and to shard channels: ``async with pool.subscribe("news") as sub``.

        Entering the block takes at most ``timeout`` seconds (None: ``acquire_timeout``). ``queue`` is how many messages
        wait for their reader at most; of more, ``on_full`` drops the oldest (``"drop_oldest"``) or the latest
        (``"drop_newest"``), or ends the subscriber (``"close"``). ``on_gap`` is called with a ``Gap`` where messages
        may have been lost, by whoever reads, in order with the messages. Raises UsageError for a bad argument.
        """
        if isinstance(queue, bool) or not isinstance(queue, int):
            raise UsageTypeError(f"queue must be a whole number above zero, not {queue!r}")
        if queue < 1:
            raise UsageValueError(f"queue must be a whole number above zero, not {queue!r}")
        if on_full not in POLICIES:
            raise UsageValueError(f"on_full must be one of {', '.join(map(repr, POLICIES))}, not {on_full!r}")
        if on_gap is not None and not callable(on_gap):
            raise UsageTypeError(f"on_gap must be a function or None, not {on_gap!r}")
        seconds = self._options.acquire_timeout if timeout is None else checked_timeout(timeout)
        topics = topics_of(self._options, channels, patterns, sharded)
        return AsyncSubscriber(self, topics, queue=queue, on_full=on_full, on_gap=on_gap, timeout=seconds)

    def _make_homes(self, serving: Any) -> Any:
        """Return the ``Homes`` of the object that serves this pool."""
        raise NotImplementedError

    def _opened(self) -> Any:
        raise NotImplementedError

    def _hub_to_join(self) -> Hub:
        """Return the hub for a new subscriber: that of all of them, or one of its own."""
        serving = self._opened()
        if self._is_closed:
            raise PoolClosed(f"the pool of {self._options.address} is closed")
        for hub in list(self._hubs) if IS_SHARED else ():
            if hub.ended is None:
                return hub
        hub = Hub(self._options, self._make_homes(serving))
        self._hubs.add(hub)
        hub.start()
        return hub

    def _finish_hubs(self) -> None:
        """Let all subscribers end, for the pool is closed. ``_end_hubs`` must follow."""
        for hub in list(self._hubs):
            hub.finish(PoolClosed(f"the pool of {self._options.address} is closed"))

    async def _end_hubs(self) -> None:
        """Take the connections of subscribers back."""
        for hub in list(self._hubs):
            await hub.end(PoolClosed(f"the pool of {self._options.address} is closed"))

    def _forget_hubs(self) -> None:
        """Drop all subscribers: they belong to a parent process or to an event loop that has been closed."""
        hubs, self._hubs = self.__dict__.get("_hubs", ()), WeakSet()
        for hub in list(hubs):
            hub.forget(PoolClosed("this subscriber was opened in another process or event loop: make another one"))


def topics_of(
    options: Options, channels: Iterable[Key], patterns: Iterable[Key] | Key, sharded: Iterable[Key] | Key
) -> list[Topic]:
    """Return all that is named as topics. Raises UsageTypeError for a name that cannot be sent."""
    kinds = (("", channels), ("p", _several(patterns)), ("s", _several(sharded)))
    return [(kind, _name(name, options.encoding)) for kind, names in kinds for name in names]


def _several(names: Any) -> Iterable[Any]:
    return (names,) if isinstance(names, str | bytes) else names


def _name(name: Any, encoding: str | None) -> bytes:
    try:
        return name.encode(encoding or "utf-8") if isinstance(name, str) else encoded(name)
    except (TypeError, UnicodeError) as error:
        raise UsageTypeError(
            f"a channel must be text, bytes or a number that can be sent, not {type(name).__name__}: "
            "name several as subscribe(*channels)"
        ) from error
