# Generated from respool/_async/node/scan.py by tools/generate.py. Do not edit.
"""Iterate over keys, fields and members with SCAN and its relatives.

Rule 1: a page is asked for when the one before it is used up, and nothing is held in between: an iterator that is left
        early has nothing to close.
Rule 2: a cursor is sent again only if its page did not arrive. Cursor 0 in a reply is the end for good.
Rule 3: keys of several nodes come node by node. An iterator that stops at a node that is down goes on there.
Rule 4: what can be refused is refused by the call that makes the iterator, not by its first step.
"""

from __future__ import annotations

from collections.abc import Iterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

from respool import commands
from respool._facts.command import Command, Key
from respool._facts.errors import UsageError
from respool._protocol.packing import check_kinds
from respool._surfaces.threads import Commands

S = TypeVar("S")
T = TypeVar("T")


class ScanCommands(Commands[S]):
    """Every command as a method, and iterators over what a scan finds. A subclass has ``_execute``.

    An iterator sends a command whenever it needs another page, and can be left at any time. It is for one task (thread)
    at a time. A step that raises can be repeated: it asks for the same page again. ``count`` is how many elements the
    server examines for a page, 10 by default: more of them need fewer round trips.
    """

    def _scanned(self) -> Sequence[Callable[..., Any]]:
        """Return what to send SCAN with: one for each node whose keys an iterator goes through."""
        return [self._execute]

    def scan_iter(
        self, *, match: Key | None = None, count: int | None = None, type: str | None = None  # noqa: A002
    ) -> Iterator[S]:
        """Iterate over the keys of the database, in no order.

        A key that exists during the whole iteration comes at least once, and may come twice. ``match`` is a glob
        pattern for keys, ``type`` the name of a type. Raises UsageError for a bad argument at once; a step raises what
        ``scan`` raises.
        """
        return Scan(self._scanned(), lambda cursor: commands.scan(cursor, match=match, count=count, type=type))

    def hscan_iter(
        self, key: Key, *, match: Key | None = None, count: int | None = None
    ) -> Iterator[tuple[S, S]]:
        """Iterate over the fields of a hash with their values, as pairs.

        A field that is there during the whole iteration comes at least once, and may come twice. ``match`` is a glob
        pattern for fields. Raises UsageError for a bad argument at once.
        """
        return Scan(
            [self._key_pages()], lambda cursor: commands.hscan(key, cursor, match=match, count=count).map(_with_pairs)
        )

    def sscan_iter(self, key: Key, *, match: Key | None = None, count: int | None = None) -> Iterator[S]:
        """Iterate over the members of a set.

        A member that is there during the whole iteration comes at least once, and may come twice. ``match`` is a glob
        pattern for members. Raises UsageError for a bad argument at once.
        """
        return Scan([self._key_pages()], lambda cursor: commands.sscan(key, cursor, match=match, count=count))

    def zscan_iter(
        self, key: Key, *, match: Key | None = None, count: int | None = None
    ) -> Iterator[tuple[S, float]]:
        """Iterate over the members of a sorted set with their scores, as pairs, not in the order of the scores.

        A member that is there during the whole iteration comes at least once, and may come twice. ``match`` is a glob
        pattern for members. Raises UsageError for a bad argument at once.
        """
        return Scan([self._key_pages()], lambda cursor: commands.zscan(key, cursor, match=match, count=count))

    def _key_pages(self) -> Callable[..., Any]:
        """Return what sends the commands of an iterator over one key."""
        return self._execute


class Scan(Iterator[T]):
    """An iterator over the elements of all pages of one scan, or of one scan after another at several nodes."""

    __slots__ = ("_execute", "_is_over", "_make", "_next", "_page", "_rest")

    def __init__(self, executes: Sequence[Callable[..., Any]], make: Callable[[int], Command[Any]]) -> None:
        first = make(0)
        check_kinds(first.args)
        self._execute, *self._rest = executes
        self._make = make
        #: The command for the next page; nothing while it is on its way, so that no other caller sends it too.
        self._next = [first]
        self._is_over = False
        #: An iterator over the rest of the latest page.
        self._page: Iterable[T] = iter(())

    def __next__(self) -> T:
        while True:
            for element in self._page:
                return element
            if self._is_over:
                raise StopIteration
            self._turn()

    def _turn(self) -> None:
        """Get the next page."""
        try:
            command = self._next.pop()
        except IndexError:
            raise UsageError(
                "this iterator waits for a page already: give each task (thread) an iterator of its own"
            ) from None
        try:
            reply = self._execute(command.args, command.spec, command.parse)
            if not isinstance(reply, tuple):  # inside MULTI, where nothing is parsed
                raise UsageError(f"{command.name} is only queued inside MULTI: iterate before it, or after EXEC")
            cursor, page = reply
            self._page = iter(page)
            if not cursor and self._rest:
                self._execute = self._rest.pop(0)
                self._next.append(self._make(0))
            elif cursor:
                self._next.append(self._make(cursor))
            else:
                self._is_over = True
        except BaseException:
            self._next[:] = [command]
            raise


def _with_pairs(page: tuple[int, dict[Any, Any]]) -> tuple[int, Iterable[tuple[Any, Any]]]:
    cursor, fields = page
    return cursor, fields.items()
