"""``PubSub`` of coredis on a subscriber of respool.

Rule 1: the subscriber is made at the first subscription, and lives until ``close``. It finds its channels again after
        every loss of its connection by itself.
Rule 2: a subscription is confirmed when ``subscribe`` returns. The message that says so waits in front of the others,
        with the count of subscriptions, as the server writes it.
Rule 3: a message whose channel or pattern has a handler goes to that, when it is read, and to nobody else.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, NoReturn, Self, TypeAlias, TypedDict

from respool.compat.coredis.exceptions import old_errors
from respool.errors import UsageAttributeError, UsageError
from respool.types import AsyncSubscriber, Message

Name: TypeAlias = str | bytes


class PubSubMessage(TypedDict):
    """A message, or the confirmation of a subscription (``type`` is ``"subscribe"`` or one of its kin)."""

    type: str
    channel: Any
    #: The pattern by which a message came, or that was subscribed to.
    pattern: Any
    #: What was published; in a confirmation, how many subscriptions there are.
    data: Any


Handler: TypeAlias = Callable[[PubSubMessage], Any]


class PubSub:
    """Subscriptions to channels and patterns; ``client.pubsub()`` makes it."""

    _PREFIX = ""
    _TOPIC = "channels"

    def __init__(
        self,
        connection_pool: Any,
        ignore_subscribe_messages: bool = False,  # noqa: FBT001, FBT002 - as in coredis
        retry_policy: object = None,
        channels: Iterable[Name] | None = None,
        channel_handlers: Mapping[Any, Handler] | None = None,
        patterns: Iterable[Name] | None = None,
        pattern_handlers: Mapping[Any, Handler] | None = None,
    ) -> None:
        """Keep what to subscribe to; no I/O. ``retry_policy`` is accepted, and changes nothing (Rule 1)."""
        self.connection_pool = connection_pool
        self.ignore_subscribe_messages = ignore_subscribe_messages
        #: What is subscribed to, and the handler of each, or None.
        self.channels: dict[Any, Handler | None] = {}
        self.patterns: dict[Any, Handler | None] = {}
        self._first: Any = ((channels or (), channel_handlers or {}), (patterns or (), pattern_handlers or {}))
        self._said: deque[PubSubMessage] = deque()
        self._subscriber: AsyncSubscriber[Any] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def subscribed(self) -> bool:
        """Whether anything is subscribed to."""
        return bool(self.channels or self.patterns)

    # Subscribing -------------------------------------------------------------------------------------

    async def subscribe(self, *channels: Name, **channel_handlers: Handler | None) -> None:
        """Subscribe to channels; each keyword names one with the function that gets its messages.

        Raises the exceptions of ``respool.compat.coredis.exceptions``.
        """
        await self._add(self.channels, self._PREFIX, channels, channel_handlers, self._TOPIC)

    async def psubscribe(self, *patterns: Name, **pattern_handlers: Handler | None) -> None:
        """Subscribe to patterns; each keyword names one with the function that gets its messages."""
        await self._add(self.patterns, "p", patterns, pattern_handlers, "patterns")

    async def unsubscribe(self, *channels: Name) -> None:
        """End the subscriptions to these channels, or to all channels."""
        await self._remove(self.channels, self._PREFIX, channels, self._TOPIC)

    async def punsubscribe(self, *patterns: Name) -> None:
        """End the subscriptions to these patterns, or to all patterns."""
        await self._remove(self.patterns, "p", patterns, "patterns")

    async def _add(
        self,
        mine: dict[Any, Handler | None],
        prefix: str,
        names: Iterable[Name],
        handlers: Mapping[Any, Handler | None],
        kind: str,
    ) -> None:
        wanted = {**dict.fromkeys(map(self._text, names)), **{self._text(name): f for name, f in handlers.items()}}
        given, others = _topics(kind, wanted)
        await self.connection_pool.initialize()
        with old_errors():
            if self._subscriber is None:
                subscriber = self.connection_pool.engine.subscribe(*given, **others)
                await subscriber.open()
                self._subscriber = subscriber
            else:
                await self._subscriber.subscribe(*given, **others)
        for name, handler in wanted.items():
            mine[name] = handler
            self._confirm(f"{prefix}subscribe", name)

    async def _remove(self, mine: dict[Any, Handler | None], prefix: str, names: Iterable[Name], kind: str) -> None:
        gone = [name for name in map(self._text, names or list(mine)) if name in mine]
        if self._subscriber is not None and gone:
            given, others = _topics(kind, gone)
            with old_errors():
                await self._subscriber.unsubscribe(*given, **others)
        for name in gone:
            del mine[name]
            self._confirm(f"{prefix}unsubscribe", name)

    def _confirm(self, said: str, name: Any) -> None:
        count = len(self.channels) + len(self.patterns)
        self._said.append(
            PubSubMessage(type=said, channel=name, pattern=name if said[0] == "p" else None, data=count)
        )

    def _text(self, name: Name) -> Any:
        """Return a name as it is in messages."""
        pool = self.connection_pool
        if pool.decode_responses:
            return name.decode(pool.encoding) if isinstance(name, bytes) else name
        return name.encode(pool.encoding) if isinstance(name, str) else name

    # Messages ----------------------------------------------------------------------------------------

    async def get_message(
        self, ignore_subscribe_messages: bool = False, timeout: float | None = None  # noqa: FBT001, FBT002
    ) -> PubSubMessage | None:
        """Return the next message, or None after ``timeout`` seconds; without one it waits for ever.

        Returns None as well for a message that went to its handler, and for a confirmation that is to be ignored.
        Raises UsageError if nothing was ever subscribed to.
        """
        if self._said:
            said = self._said.popleft()
            return None if ignore_subscribe_messages or self.ignore_subscribe_messages else said
        if self._subscriber is None:
            raise UsageError("nothing was subscribed to yet: call subscribe() or psubscribe() before get_message()")
        with old_errors():
            found = await self._subscriber.next(timeout)
        return None if found is None else await self._handed(found)

    async def _handed(self, found: Message[Any]) -> PubSubMessage | None:
        is_pattern = found.pattern is not None
        handler = self.patterns.get(found.pattern) if is_pattern else self.channels.get(found.channel)
        message = PubSubMessage(
            type="pmessage" if is_pattern else "message", channel=found.channel, pattern=found.pattern, data=found.data
        )
        if handler is None:
            return message
        result = handler(message)
        if inspect.isawaitable(result):
            await result
        return None

    async def listen(self) -> PubSubMessage | None:
        """Wait for one message and return it as ``get_message`` does; None if nothing is subscribed to."""
        return await self.get_message() if self.subscribed or self._said else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PubSubMessage:
        while self.subscribed or self._said:
            message = await self.get_message()
            if message is not None:
                return message
        raise StopAsyncIteration

    def run_in_thread(self, *_: object, **__: object) -> NoReturn:
        """Refuse: there is no thread here."""
        raise UsageAttributeError("read in a task of your own: asyncio.create_task(...) over 'async for message in'")

    # Life --------------------------------------------------------------------------------------------

    async def initialize(self) -> Self:
        """Subscribe to what the constructor was given; ``async with`` and ``await`` do it."""
        first, self._first = self._first, (((), {}), ((), {}))
        (channels, own), (patterns, others) = first
        if channels or own:
            await self._add(self.channels, self._PREFIX, channels, own, self._TOPIC)
        if patterns or others:
            await self._add(self.patterns, "p", patterns, others, "patterns")
        return self

    def __await__(self) -> Generator[Any, None, Self]:
        return self.initialize().__await__()

    async def __aenter__(self) -> Self:
        return await self.initialize()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def _leave(self) -> AsyncSubscriber[Any] | None:
        subscriber, self._subscriber = self._subscriber, None
        self.channels.clear()
        self.patterns.clear()
        self._said.clear()
        return subscriber

    def close(self) -> None:
        """End all subscriptions, and give the connection back a moment later. It can be used on."""
        subscriber = self._leave()
        if subscriber is not None:
            self._closing = asyncio.get_running_loop().create_task(subscriber.aclose())

    #: The same.
    reset = close

    async def aclose(self) -> None:
        """End all subscriptions and give the connection back. It can be used on."""
        subscriber = self._leave()
        if subscriber is not None:
            await subscriber.aclose()


class ClusterPubSub(PubSub):
    """The same in a cluster: all channels are at one node."""


class ShardedPubSub(PubSub):
    """Subscriptions to the shard channels of a cluster, each at the node of its slot."""

    _PREFIX = "s"
    _TOPIC = "sharded"

    async def psubscribe(self, *patterns: Name, **pattern_handlers: Handler | None) -> NoReturn:
        """Refuse: a pattern has no slot."""
        raise UsageError("shard channels have no patterns: name the channels, or use pubsub()")

    async def punsubscribe(self, *patterns: Name) -> NoReturn:
        """Refuse: a pattern has no slot."""
        raise UsageError("shard channels have no patterns: there is nothing to end")


def _topics(kind: str, names: Iterable[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the names as arguments of ``subscribe``."""
    return (list(names), {}) if kind == "channels" else ([], {kind: list(names)})
