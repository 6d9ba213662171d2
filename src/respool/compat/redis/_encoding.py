"""Engines for pools whose text is not sent as strict UTF-8: they encode it as redis-py does before they pass it on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis._parsers.encoders import Encoder

from respool import Command


def needs_encoding(settings: dict[str, Any]) -> bool:
    """Tell whether text must be encoded here: respool sends UTF-8, and refuses what cannot be written in it."""
    encoding = (settings.get("encoding") or "utf-8").lower().replace("_", "-")
    return encoding not in ("utf-8", "utf8") or settings.get("encoding_errors", "strict") != "strict"


class EncodingSender:
    """A respool pool or lease, sync or asyncio, whose commands are encoded first."""

    def __init__(self, sender: Any, encoder: Encoder) -> None:
        self._sender = sender
        self._encoder = encoder

    def execute(self, command: Command[Any], **where: Any) -> Any:
        return self._sender.execute(self._encoded(command), **where)

    def execute_many(self, commands: Iterable[Command[Any]], *, atomic: bool, **where: Any) -> Any:
        return self._sender.execute_many([self._encoded(command) for command in commands], atomic=atomic, **where)

    def _encoded(self, command: Command[Any]) -> Command[Any]:
        name = len(command.spec.words)  # names are sent as ASCII in every encoding
        args = (*command.args[:name], *map(self._encoder.encode, command.args[name:]))
        return Command.of(args, command.spec, command.parse)


class EncodingEngine(EncodingSender):
    """A pool whose commands are encoded first."""

    def __init__(self, pool: Any, encoder: Encoder) -> None:
        super().__init__(pool, encoder)
        self.close = getattr(pool, "close", None)
        self.aclose = getattr(pool, "aclose", None)
        self.select = pool.select
        self.clear = pool.clear
        self.acquire = pool.acquire
        self.release = pool.release

    @property
    def nodes(self) -> Any:
        return self._sender.nodes

    def over(self, lease: Any) -> EncodingSender:
        """Return what encodes commands and sends them on a lease."""
        return EncodingSender(lease, self._encoder)
