"""Record the outcomes that callers got, and check them against what the server did.

A write carries a token that the server counts; a read asks for a word that no other caller asks for.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from respool.errors import Error, TransportError
from simulation.server import Server


class Books:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._number = 0
        self._at_least: dict[bytes, int] = {}
        self._at_most: dict[bytes, int] = {}
        self._writes: dict[str, list[bytes]] = defaultdict(list)
        self.commands = 0
        #: Commands that were given up: their replies were dropped, or they were never sent.
        self.given_up = 0

    def word(self) -> bytes:
        self._number += 1
        return f"tok:{self._number}".encode()

    def asked(self, word: bytes, reply: Any) -> None:
        """Record that a caller asked for ``word`` and got ``reply``."""
        self.commands += 1
        if not isinstance(reply, Error):
            assert reply == word, f"asked for {word!r} and got {reply!r}"

    def wrote(self, who: str, word: bytes, outcome: Any) -> None:
        """Record that a caller wrote ``word`` and got ``outcome``: an error, or anything else for success."""
        self.commands += 1
        self._writes[who].append(word)
        if isinstance(outcome, Error):
            was_not = isinstance(outcome, TransportError) and outcome.executed == "no"
            self._at_least[word], self._at_most[word] = 0, 0 if was_not else 1
        else:
            self._at_least[word] = self._at_most[word] = 1

    def told(self, who: str, word: bytes, outcome: Any, *, is_calm: bool) -> None:
        """Record that a caller sent ``word`` without waiting for a reply."""
        self.wrote(who, word, outcome)
        if not is_calm:
            self._at_least[word] = 0

    def compare(self, *, in_order: bool) -> None:
        """Compare the outcomes with what the server did. ``in_order``: a caller's last write must be there (R-23).

        A write whose connection was lost may still arrive, behind a later one on another connection.
        """
        executed = self._server.executed
        for word, most in self._at_most.items():
            assert self._at_least[word] <= executed[word] <= most, f"{word!r} ran {executed[word]} times, {most=}"
        for who, words in self._writes.items() if in_order else ():
            done = [word for word in words if executed[word]]
            last = next((data[who.encode()] for data in self._server.data.values() if who.encode() in data), None)
            assert last == (done[-1] if done else None), f"{who} wrote {done[-1:]} last, and there is {last!r}"
