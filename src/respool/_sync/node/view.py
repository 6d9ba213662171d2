# Generated from respool/_async/node/view.py by tools/generate.py. Do not edit.
"""The same commands under other conditions: ``pool.using(encoding=None)``, ``using(timeout=0.2)``.

Rule 1: a view has no connection and no state: it adds its conditions to each command and passes it to the pool or lease
        that it was made of. So it costs nothing to make, needs no closing, and lives as long as that object.
Rule 2: a view of a view is one view with all conditions.
"""

from __future__ import annotations

from collections.abc import Iterator, Callable, Iterable, Sequence
from typing import Any, Final, Literal, Protocol, TypeVar, overload

from respool._sync.node.pipeline import Pipeline
from respool._sync.node.scan import ScanCommands
from respool._sync.node.script import Script
from respool._facts.command import Command, Key, Parser, Spec
from respool._facts.conditions import KEPT, Conditions
from respool._facts.errors import Error, UsageTypeError
from respool._facts.option_types import Address, S

T = TypeVar("T")

_UNCONDITIONAL: Final = Conditions()


class Target(Protocol):
    """The part of a pool or lease that a view uses."""

    def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any: ...

    def execute(self, command: Command[Any], /, *, timeout: float | None = None) -> Any:
        """Run one command and return its reply."""

    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]:
        """Run commands as one pipeline; return one value for each."""
        ...


class Viewable(ScanCommands[S]):
    """All commands and iterators, and views of them."""

    #: Whether ``_scan_nodes`` and ``_pages_of_key`` make the iterators: keys move between the nodes of a cluster.
    _has_own_scans = False

    def _place(self, node: Any, shard_key: Any) -> Address:
        """Return the address of the node that a caller has named. Raises UsageError."""
        what = "node= chooses among the nodes" if shard_key is KEPT else "shard_key= chooses among the buckets"
        raise UsageTypeError(f"{what} of a pool of several, and this pool or connection has only one")

    def _scan_places(self) -> Sequence[Address]:
        """Return the nodes whose keys an iterator goes through, one after another; nothing for a single node."""
        return ()

    def _scanned(self) -> list[Callable[..., Any]]:
        target, conditions = self._viewed()
        places = target._scan_places() if conditions.node is None else ()
        return [self.using(node=place)._execute for place in places] or [self._execute]

    def _is_queueing(self) -> bool:
        """Tell whether commands are only queued, in a transaction: on a connection they may be."""
        return False

    def _viewed(self) -> tuple[Any, Conditions]:
        """Return what a view of this sends its commands to, and the conditions that hold already."""
        return self, _UNCONDITIONAL

    def scan_iter(
        self, *, match: Key | None = None, count: int | None = None, type: str | None = None  # noqa: A002
    ) -> Iterator[S]:
        """Iterate over the keys of the database, in no order.

        A key that exists during the whole iteration comes at least once, and may come twice. ``match`` is a glob
        pattern for keys, ``type`` the name of a type. Raises UsageError for a bad argument at once; a step raises what
        ``scan`` raises.

        In a cluster these are the keys of all nodes, also while slots move and after a failover: what has moved is
        scanned again where it is. Servers set limits to that: a key is missing if the new primary does not have it,
        and may be missing if a server was restarted at the same address meanwhile, or if the migration of a slot was
        called off and its keys were moved back. With CLUSTER NODES the nodes are asked which slots they have; a user
        must be allowed to call it. A step raises ClusterDown if the nodes do not agree on that for ``acquire_timeout``.
        With ``using(node=...)`` only that node is scanned.
        """
        target, conditions = self._viewed()
        if target._has_own_scans and conditions.node is None:
            keys: Iterator[S] = target._scan_nodes(self, match=match, count=count, type=type)
            return keys
        return super().scan_iter(match=match, count=count, type=type)

    def _key_pages(self) -> Callable[..., Any]:
        target, conditions = self._viewed()
        if target._has_own_scans and conditions.node is None:
            pages: Callable[..., Any] = target._pages_of_key(conditions)
            return pages
        return self._execute

    @overload
    def script(self, source: str | bytes, *, readonly: bool = False) -> Script[Any]: ...

    @overload
    def script(
        self, source: str | bytes, *, readonly: bool = False, parse: Callable[[Any], T]
    ) -> Script[T]: ...

    def script(
        self, source: str | bytes, *, readonly: bool = False, parse: Callable[[Any], Any] | None = None
    ) -> Script[Any]:
        """Make a function of a Lua script: ``value = script(keys=["user:1"], args=[60])``; sends nothing.

        It sends the script's hash, and the text only to a server that does not know it, and runs the script once
        (R-24). ``readonly=True``: the script changes nothing; it is retried like a read and may go to replicas (since
        Redis 7.0). ``parse`` gets what the script returns, None too, and what it returns is the value. A str is sent as
        UTF-8. Raises UsageError for what is no script.
        """
        return Script(self, source, readonly=readonly, parse=parse)

    @overload
    def using(
        self,
        *,
        encoding: None,
        timeout: float | None = ...,
        idempotent: Literal[True] = ...,
        node: Address | str = ...,
        shard_key: Key = ...,
    ) -> View[bytes]: ...

    @overload
    def using(
        self,
        *,
        timeout: float | None = ...,
        idempotent: Literal[True] = ...,
        node: Address | str = ...,
        shard_key: Key = ...,
    ) -> View[S]: ...

    def using(
        self,
        *,
        encoding: Any = KEPT,
        timeout: Any = KEPT,
        idempotent: Any = KEPT,
        node: Any = KEPT,
        shard_key: Any = KEPT,
    ) -> View[Any]:
        """Return an object with the same commands, which are run under other conditions; one at least must be given.

        ``encoding=None``: replies are bytes, whatever the encoding of the pool; str arguments are still sent in that.
        ``timeout``: bounds each call in seconds, as that of ``execute``; None removes the bound of an outer view.
        ``idempotent=True``: running a command twice is harmless, so each one is retried like a read (R-24).
        ``node``: in a cluster, send all commands to this node, a replica perhaps: ``"host:port"`` or (host, port). In a
        pool over buckets, to this one; with ``shard_key``, to the bucket of this key.
        """
        target, conditions = self._viewed()
        if node is not KEPT or shard_key is not KEPT:
            node = target._place(node, shard_key)
        given = {"encoding": encoding, "timeout": timeout, "idempotent": idempotent, "node": node}
        return View(target, conditions.changed(**given))


class View(Viewable[S]):
    """The commands of a pool or lease under other conditions; ``using`` makes it."""

    __slots__ = ("_conditions", "_target")

    def __init__(self, target: Target, conditions: Conditions) -> None:
        self._target = target
        self._conditions = conditions

    def _viewed(self) -> tuple[Any, Conditions]:
        return self._target, self._conditions

    def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        spec = self._conditions.spec(spec)
        if self._conditions.timeout is None and self._conditions.node is None:
            return self._target._execute(args, spec, parse)
        return self._target.execute(Command.of(args, spec, parse), **self._conditions.of_calls)

    @overload
    def execute(self, command: Command[T], /, *, timeout: float | None = None) -> T: ...

    @overload
    def execute(self, *args: Any, timeout: float | None = None) -> Any: ...

    def execute(self, *args: Any, timeout: float | None = None) -> Any:
        """Run one command as ``execute`` of the pool or lease does; without ``timeout`` that of the view holds."""
        command = self._conditions.command(args[0] if len(args) == 1 and isinstance(args[0], Command) else args)
        given = self._conditions.of_calls
        return self._target.execute(command, **(given if timeout is None else given | {"timeout": timeout}))

    @overload
    def execute_many(
        self, commands: Iterable[Command[T]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[T | Error]: ...

    @overload
    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]: ...

    def execute_many(
        self, commands: Iterable[Command[Any] | Sequence[Any]], *, atomic: bool = False, timeout: float | None = None
    ) -> list[Any]:
        """Run commands as ``execute_many`` of the pool or lease does; the view's timeout bounds all of it."""
        given = self._conditions.of_calls
        given = given if timeout is None else given | {"timeout": timeout}
        return self._target.execute_many(self._conditions.commands(commands), atomic=atomic, **given)

    def pipeline(self, *, atomic: bool = False, raise_errors: bool = True) -> Pipeline[S]:
        """Collect commands and send them as one pipeline under the conditions of this view; see ``pipeline`` of a pool.

        The timeout bounds the whole pipeline.
        """
        return Pipeline(self.execute_many, atomic=atomic, raise_errors=raise_errors)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._conditions!r} of {self._target!r}>"
