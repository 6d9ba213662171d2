"""What must hold for any bytes a peer sends, however they are cut (P-24).

An input is three bytes that choose the entries, the encoding and the cuts, and then what the server sends.

Rule 1: only ProtocolError comes out.
Rule 2: every entry is completed at most once by replies, and exactly once when the connection ends.
Rule 3: the same bytes, fed whole, in pieces, and byte by byte, complete the same entries with the same values, in the
        same order, and end in the same way.
Rule 4: memory in use stays in proportion to the input.

One thing is left out: hiredis makes a list as long as the server announces before its items are there, and offers no
limit. 16 GiB of address space for ``*2147483647`` are its to prevent.
"""

from __future__ import annotations

import random
import re
from typing import Any, Final

from respool._facts.errors import ConnectionLost, ProtocolError
from respool._protocol.run import Blobs
from respool._protocol.wire import Wire

HEADER: Final = 3
ANNOUNCES_TOO_MUCH: Final = re.compile(rb"[*~>%|][0-9+ ]{7,}")
LONGEST: Final = 64 * 1024


class Abandoned(Exception):
    """Nobody waits for this reply."""


class Entry:
    """Writes down what it is completed with."""

    def __init__(self, number: int, log: list[str], *, is_given_up: bool) -> None:
        self._number = number
        self._log = log
        self._is_given_up = is_given_up
        self.times = 0

    def set_result(self, value: Any, /) -> None:
        self.times += 1
        self._log.append(f"{self._number}: {value!r}")
        if self._is_given_up:
            raise Abandoned

    def done(self) -> bool:
        return self._is_given_up


class Connection:
    """A wire with entries, as the header of an input says."""

    def __init__(self, shape: int, how: int) -> None:
        self.log: list[str] = []
        self.pushes: list[str] = []
        encoding = (None, "utf-8", "latin-1", "ascii")[how & 3]
        errors = "strict" if how & 4 else "replace"
        self.wire = Wire(
            encoding=encoding,
            errors=errors,
            abandoned=Abandoned,
            on_push=lambda push: self.pushes.append(repr(push)),
        )
        self.entries: list[Entry] = []
        chance = random.Random(shape)
        for number in range(shape & 15):
            entry = Entry(number, self.log, is_given_up=chance.random() < 0.2)
            self.entries.append(entry)
            data = b"x" * chance.choice((4, 4, 4, 2000))
            blobs: Blobs = {0: chance.choice((None, frozenset((0, 2))))} if how & 16 and chance.random() < 0.5 else {}
            match chance.randrange(4):
                case 0:
                    self.wire.submit_many(data, chance.randrange(1, 5), entry, None, blobs)
                case 1 if how & 8:
                    self.wire.submit_guarded(data, chance.randrange(1, 3), entry)
                case _:
                    self.wire.submit(data, entry, blobs)
        self.wire.take()
        self.asked = self.wire.owes
        self.ended: str | None = None

    def feed(self, data: bytes) -> None:
        """Feed bytes, unless the connection has ended."""
        if self.ended is None:
            try:
                self.wire.feed(data)
            except ProtocolError:
                self.ended = "broken"

    def finish(self) -> tuple[Any, ...]:
        """End the connection and return everything that happened."""
        assert all(entry.times <= 1 for entry in self.entries), "an entry was completed twice"
        replies, pushes, owed, dropped = list(self.log), self.pushes, self.wire.owes, self.wire.dropped
        self.wire.fail(lambda: ConnectionLost("unwritten"), lambda: ConnectionLost("written", executed="unknown"))
        assert [entry.times for entry in self.entries] == [1] * len(self.entries), "an entry was left behind"
        assert self.wire.owes == self.wire.unwritten == self.wire.heavy_bytes == self.wire.blobs == 0
        if self.ended is not None:
            owed = 0  # the pieces after the error were not looked at
        return replies, pushes, owed, dropped, self.ended


def check(data: bytes) -> None:
    """Try one input. Raises AssertionError, or whatever the wire should not have raised."""
    header, stream = data[:HEADER].ljust(HEADER, b"\0"), data[HEADER : HEADER + LONGEST]
    if ANNOUNCES_TOO_MUCH.search(stream):
        return
    shape, how, seed = header
    whole = Connection(shape, how)
    whole.feed(stream)
    expected = whole.finish()

    pieces = Connection(shape, how)
    chance = random.Random(seed)
    at = 0
    while at < len(stream):
        size = chance.choice((1, 2, 3, 7, 20, 100, 4096))
        pieces.feed(stream[at : at + size])
        at += size
    assert pieces.finish() == expected, "pieces make a difference"

    if len(stream) <= 512:
        single = Connection(shape, how)
        for index in range(len(stream)):
            single.feed(stream[index : index + 1])
        assert single.finish() == expected, "single bytes make a difference"
