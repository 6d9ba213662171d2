# Written once: respool/_sync/sentinel_pool.py is generated from this file.
"""The pool for a primary that is found through sentinels: ``AsyncDoor`` over a ``Replication``.

Rule 1: a plain command is sent by ``_execute`` itself, to the node that ``Place`` holds, and no other coroutine runs.
        Everything else, and every error, goes the careful way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from respool._async.door import AsyncDoor
from respool._async.node.connection import AsyncConnection
from respool._async.node.serving import Serving
from respool._async.routing.followed import ReplicationCalls
from respool._async.routing.homes import PrimaryHome
from respool._async.routing.replication import Place
from respool._async.shell.compat import Borrowing, Cancelled, borrow_from, check_hooks, here
from respool._facts.command import Parser, Spec
from respool._facts.errors import Error, UsageError
from respool._facts.option_types import FROM_OPTIONS, FROM_URL, Address, Encoding, S, SentinelPoolOptions
from respool._facts.options import checked_timeout, make_options
from respool._facts.sentinel_options import SentinelOptions
from respool._protocol.run import refused
from respool._shell.sockets import tls_context

if TYPE_CHECKING:
    from typing import Unpack

_NOWHERE: Final = Place()


class AsyncSentinelPool(AsyncDoor[S]):
    """A pool of connections to the primary that sentinels name, whichever node that is, and to its replicas.

    ``AsyncSentinelPool("redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/service")``: the sentinels in the URL name the
    others. All of them are heard, so that a failover is followed as soon as one of them announces it. Options are those
    of ``AsyncPool``, and hold for each node by itself; docs/reference/options.md lists what there is beyond that.
    """

    _options: SentinelOptions

    def __init__(
        self,
        url: str | None = None,
        *,
        encoding: Encoding[S] | None = FROM_URL,
        **options: Unpack[SentinelPoolOptions],
    ) -> None:
        """Check the options; no I/O. Raises UsageError (a TypeError or ValueError) for an invalid one."""
        checked = make_options(url, options, encoding, SentinelOptions)
        check_hooks(checked.for_sentinel(checked.sentinels[0]))
        super().__init__(checked.changed(sentinel_tls=tls_context(checked.sentinel_tls) or False))

    def _make_serving(self) -> ReplicationCalls:
        return ReplicationCalls(self._options)

    def _make_homes(self, serving: Any) -> PrimaryHome:
        return PrimaryHome(serving)

    def _bind(self, serving: Any) -> None:
        self._current = serving.place

    def _forget(self) -> None:
        super()._forget()
        self._current = _NOWHERE

    # Commands ----------------------------------------------------------------------------------------

    async def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        # The hot path of ``Door``, written out with its own choice of a node: a coroutine in between would be felt.
        place = self._current
        readers = place.readers
        serving = place.primary if readers is None or not spec.reads else readers.choose()
        shared = serving.shared
        transport = shared.only or shared.pick()
        if transport is None or not spec.plain:
            return await self._execute_with_care(args, spec, parse)
        try:
            reply = await transport.submit(args)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        except (RuntimeError, UsageError):
            if self._serving is None or self._serving.world is here():
                raise
            return await self._execute_with_care(args, spec, parse)  # nothing was sent
        if type(reply) is not bytes and isinstance(reply, Error):  # the cheaper test comes first
            try:
                return await self._execute_with_care(args, spec, parse, None, reply, serving)
            finally:
                del reply  # the raised error refers to this frame: without a cycle, no gc run is needed
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    async def _execute_with_care(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        parse: Parser | None = None,
        timeout: float | None = None,
        failure: Error | None = None,
        tried: Serving | None = None,
    ) -> Any:
        """Run one command at the primary, or a read at a replica. ``failure`` is that of a first try at ``tried``."""
        if spec.refusal is not None:
            raise refused(spec)
        try:
            reply = await self._opened().execute(args, spec, timeout, failure, tried)
        finally:
            del failure
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    # Leases ------------------------------------------------------------------------------------------

    def acquire(self, timeout: float | None = FROM_OPTIONS) -> Borrowing[AsyncConnection[S]]:
        """Lease a connection to the primary: ``async with pool.acquire() as conn``.

        Times and errors are those of ``AsyncPool.acquire``; while there is no primary it waits as ``execute`` does. If
        another node becomes the primary, the lease ends at once: its next command raises ConnectionLost.
        """
        if timeout is FROM_OPTIONS:
            timeout = self._options.acquire_timeout
        elif timeout is not None:
            timeout = checked_timeout(timeout)
        borrowing: Borrowing[AsyncConnection[S]] = borrow_from(self._opened(), timeout)
        return borrowing

    # State -------------------------------------------------------------------------------------------

    @property
    def primary(self) -> Address | None:
        """The address of the primary, as (host, port); None while none is known."""
        return None if self._serving is None else self._serving.finder.view.primary

    @property
    def replicas(self) -> list[Address]:
        """The addresses of the replicas that are up, as (host, port), by what the sentinels say."""
        return [] if self._serving is None else list(self._serving.replicas)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "unopened" if self._serving is None else "open"
        where = "nowhere" if self.primary is None else f"{self.primary[0]}:{self.primary[1]}"
        return (
            f"<{type(self).__name__} of {self._options.address} at {where} {state} size={self.size} "
            f"shared={self.shared} idle={self.idle} leased={self.leased} dialing={self.dialing} waiting={self.waiting}>"
        )
