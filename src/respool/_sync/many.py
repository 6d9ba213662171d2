# Generated from respool/_async/many.py by tools/generate.py. Do not edit.
"""The public API that pools of several nodes share: ``Door`` over a ``Group``. Each node has both lanes.

Rule 1: a plain command with one key is sent by ``_execute`` itself: the slot of its key is looked up in the table of
        the group, and no other coroutine runs. Everything else, and every error, goes the careful way.
"""

from __future__ import annotations

from typing import Any

from respool._sync.door import Door
from respool._sync.node.serving import Serving
from respool._sync.routing.slot_map import NOWHERE
from respool._sync.shell.compat import Cancelled, here
from respool._facts.command import Parser, Spec
from respool._facts.errors import Error, UsageError, is_demoted
from respool._facts.option_types import Address, S
from respool._facts.options import Options
from respool._facts.slots import SLOTS, make_slot_of
from respool._protocol.run import refused

_UNKNOWN: list[Any] = [NOWHERE] * SLOTS


class ManyDoor(Door[S]):
    """The public API of every pool of several nodes. A subclass creates the group that serves it."""

    _may_ask_replicas = False

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._slot_of = make_slot_of(options.encoding)

    def _bind(self, serving: Any) -> None:
        self._table = serving.table

    def _forget(self) -> None:
        super()._forget()
        self._table = _UNKNOWN

    # Commands ----------------------------------------------------------------------------------------

    def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any:
        # The hot path of ``Door``, written out with its own choice of a node: a coroutine in between would be felt.
        at = spec.one_key
        if not (at and spec.plain and len(args) > at):
            return self._execute_with_care(args, spec, parse)
        try:
            slot = self._slot_of(args[at])
            serving = self._table[slot]
            if self._may_ask_replicas and spec.reads and serving is not NOWHERE:
                serving = self._serving.reader(slot) or serving
        except (TypeError, UnicodeError):  # the key cannot be sent; the careful way says why
            return self._execute_with_care(args, spec, parse)
        shared = serving.shared
        transport = shared.only or shared.pick()
        if transport is None:
            return self._execute_with_care(args, spec, parse)
        try:
            reply = transport.submit(args)
        except Cancelled:
            transport.withdraw()
            shared.pin(transport)
            raise
        except (RuntimeError, UsageError):
            if self._serving is None or self._serving.world is here():
                raise
            return self._execute_with_care(args, spec, parse)  # nothing was sent
        if type(reply) is not bytes and isinstance(reply, Error):  # the cheaper test comes first
            if is_demoted(reply, runs_code=spec.runs_code):
                shared.demoted(transport)
            try:
                return self._execute_with_care(args, spec, parse, None, reply, serving)
            finally:
                del reply  # the raised error refers to this frame: without a cycle, no gc run is needed
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    def _execute_with_care(
        self,
        args: tuple[Any, ...],
        spec: Spec,
        parse: Parser | None = None,
        timeout: float | None = None,
        failure: Error | None = None,
        tried: Serving | None = None,
        node: Address | None = None,
    ) -> Any:
        """Run one command where its keys are. ``failure`` is the error of a first try at the node ``tried``."""
        if spec.refusal is not None:
            raise refused(spec)
        try:
            reply = self._opened().execute(args, spec, timeout, failure, tried, node)
        finally:
            del failure
        if parse is None:
            parse = spec.parse
        return reply if parse is None else parse(reply)

    # State -------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[Address]:
        """The addresses of all nodes, as (host, port)."""
        raise NotImplementedError

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "unopened" if self._serving is None else "open"
        return (
            f"<{type(self).__name__} of {self._options.address} {state} nodes={len(self.nodes)} size={self.size} "
            f"shared={self.shared} idle={self.idle} leased={self.leased} dialing={self.dialing} waiting={self.waiting}>"
        )
