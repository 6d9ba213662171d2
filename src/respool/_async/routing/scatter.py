# Written once: respool/_sync/routing/scatter.py is generated from this file.
"""A run, or one command, that several nodes of a pool serve.

    Scatter.take -> a part for each node -> posted on all -> collected one by one -> Scatter.answer, send_again

Rule 1: ``splitting`` decides what goes where, and how the replies are put together; this file sends and reads.
Rule 2: everything is checked before any of it is sent. Then every node gets its part in one write, before the first
        reply is waited for. A part that needs a lease, or whose node is not up, is sent after the others are answered.
Rule 3: a node that fails costs its own commands alone: they end in errors, and the others in their replies. If nothing
        else came, the error is raised. A node that cannot be reached is waited for last.
Rule 4: each slot follows its own redirects; what a node did not run is sent again alone. A primary that was demoted
        refuses what has no keys with READONLY: that waits for the map to change, and goes to its heir. It is not sent
        to the same node before: a cut on the way would leave it in doubt. Buckets that are servers give no redirects:
        their errors are replies, and a single command is retried as at one node (R-24).
Rule 5: what a demoted node still answers behind a refusal would have seen the refused write, so it is read again too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from respool._async.node.serving import Serving
from respool._async.routing.group import Group
from respool._async.routing.members import gone
from respool._async.routing.readers import Readers
from respool._async.routing.slot_map import NOWHERE
from respool._async.shell.compat import pause
from respool._facts.command import Command, Spec
from respool._facts.errors import (
    NOT_NOW,
    ConnectFailed,
    Error,
    PoolClosed,
    PoolError,
    ReadTimeout,
    ServerError,
    TransportError,
    again,
    is_demoted,
)
from respool._pooling.retry import may_retry
from respool._protocol.collected import unparsed
from respool._protocol.redirect import Hops, Redirect, Step
from respool._protocol.run import ASKING, Run, as_raised
from respool._routing.splitting import Piece, Scatter, concerns_all_nodes
from respool._shell.sockets import Retired

#: How long a run waits for the heir of a demoted node before it asks that node again, in seconds.
NEWS: Final = 2.0


class Part(NamedTuple):
    """What one node gets in one round."""

    serving: Serving
    pieces: list[Piece[Any]]
    transport: Any = None
    ticket: Any = None
    #: What was posted, where that is more than plain commands: its replies may be more than the pieces.
    run: Run | None = None


class Spread:
    """A run on its way through the nodes."""

    def __init__(self, group: Group[Any], run: Run, deadline: float | None, *, is_alone: bool = False) -> None:
        """Split the run; the map must be known. Raises CrossSlot and UsageError, before anything is sent.

        ``is_alone``: it is a single command, not a pipeline.
        """
        group.check(run)
        nodes = [group.node(address) for address in group.nodes] if concerns_all_nodes(run) else []
        self._scatter: Scatter[Any] = Scatter(
            run, group.checked_slot_of, primaries=group.primaries(), nodes=nodes, terms=group.terms
        )
        self._is_alone = is_alone
        self._is_light = run.is_plain and not run.is_big  # then no part of it needs a lease
        #: Replicas may serve a run that only reads. In any other, a read sees the writes before it.
        self._is_reading = group.readers is not None and all(spec.reads for spec in run.specs)
        self._group = group
        self._run = run
        self._deadline = deadline
        patience = group.options.acquire_timeout
        limit = None if patience is None else group.members.now() + patience
        self._give_up_at = limit if deadline is None else deadline
        self._hops: dict[int | None, Hops] = {}
        self._steps: dict[tuple[Any, ...], tuple[Serving | None, float | Error | None]] = {}
        self._chosen: dict[Readers, Serving] = {}
        self._pause = 0.0  # before the next round
        self._refused: list[tuple[Serving, Piece[Any], Error]] = []  # what waits for an heir, and who refused it how
        self._tries = 1

    async def values(self) -> list[Any]:
        """Send everything; return one value for each command of the run. Raises the error if nothing else came."""
        await self.finish(*self.begin())
        replies = self._scatter.replies()
        if all(isinstance(reply, TransportError | PoolError) for reply in replies):
            # An error that says "not sent" would say so of the whole run.
            raise again(next((reply for reply in replies if not _is_unsent(reply)), replies[0]))
        return self._run.read(replies)

    def check_sent(self) -> None:
        """Raise the error if nothing of the run was sent."""
        replies = self._scatter.replies()
        if all(map(_is_unsent, replies)):
            raise again(replies[0])

    def begin(self) -> tuple[list[Part], list[Part]]:
        """Send what can be sent without waiting; return the parts that were sent, and the others."""
        self._pause = 0.0
        self._steps.clear()
        self._chosen.clear()
        group = self._group
        taken = self._scatter.take(self._reader if self._is_reading else group.owner_now, group.heir)
        return self._post([Part(serving, pieces) for serving, every in taken.items() for pieces in halves(every)])

    async def finish(self, posted: list[Part], late: list[Part]) -> None:
        """Wait for the replies to the parts of the first round, then send in rounds what is to be sent again."""
        await self._end(posted, late)
        while self._refused or not self._scatter.is_done:
            if self._refused:
                await self._wait_for_heirs()
            elif self._pause > 0:
                await pause(self._pause)
            await self._end(*self.begin())

    async def _wait_for_heirs(self) -> None:
        """Send what was refused again once the map has changed, or ``NEWS`` is over; give up when its time is over."""
        group, now, ends = self._group, self._group.members.now, self._give_up_at
        refused, self._refused = self._refused, []
        seconds = NEWS if ends is None else min(max(ends - now(), 0.0), NEWS)
        await group.news([serving for serving, _, _ in refused], seconds)
        for _, piece, error in refused:
            if group.closed:
                self._scatter.answer(piece, PoolClosed(f"the pool of {group.options.address} is closed"))
            elif ends is None or now() < ends:
                self._scatter.send_again(piece)
            else:
                self._scatter.answer(piece, error)

    async def _end(self, posted: list[Part], late: list[Part]) -> None:
        """Wait for the replies to the posted parts; then send the others, one after another."""
        try:
            while posted:
                part = posted[0]
                replies = await part.transport.collect(part.ticket)
                del posted[0]
                self._read(part, replies)
        except BaseException:
            for part in posted:
                part.serving.shared.pin(part.transport)
                part.transport.give_up(part.ticket)
            raise
        while late:
            part = min(late, key=_trouble)
            late.remove(part)
            if part.serving is NOWHERE:
                await self._find_owners(part.pieces)
            else:
                self._read(part, await self._send_late(part))

    # Sending -----------------------------------------------------------------------------------------

    def _reader(self, slot: int | None) -> Any:
        """Return the node for reads of a slot, which may be a replica; ``NOWHERE`` if there is none."""
        readers = None if slot is None or self._group.readers is None else self._group.readers[slot]
        if readers is None:
            return self._group.owner_now(slot)
        if readers not in self._chosen:  # one node for all slots of a shard
            self._chosen[readers] = readers.choose()
        return self._chosen[readers]

    def _post(self, parts: list[Part]) -> tuple[list[Part], list[Part]]:
        """Send each part that can be sent without waiting; return those that were sent, and the others."""
        posted: list[Part] = []
        late: list[Part] = []
        try:
            for part in parts:
                serving, pieces, *_ = part
                shared = serving.shared
                transport = shared.only or shared.pick()
                run = None if self._is_light else self._part_of(pieces)
                if transport is None or (run is not None and _goes_late(run, pieces)):
                    late.append(part)
                    continue
                if run is None or pieces[0].asked is not None:
                    ticket = transport.post_many(commands_of(pieces), self._deadline, self._blobs(pieces))
                    posted.append(Part(serving, pieces, transport, ticket))
                else:
                    ticket = transport.post_many(run.args, self._deadline, run.blobs)
                    posted.append(Part(serving, pieces, transport, ticket, run))
        except BaseException:
            for part in posted:
                part.transport.give_up(part.ticket)
            raise
        return posted, late

    def _part_of(self, pieces: Sequence[Piece[Any]]) -> Run:
        return Run(unparsed([piece.args for piece in pieces], [self._run.specs[piece.at] for piece in pieces]))

    def _blobs(self, pieces: list[Piece[Any]]) -> dict[int, None]:
        """Return which replies to commands behind ASKING stay bytes."""
        if self._run.is_plain:
            return {}
        return {at * 2 + 1: None for at, piece in enumerate(pieces) if self._run.specs[piece.at].blob}

    async def _send_late(self, part: Part) -> Any:
        """Send a part that needs a lease, or whose node is not up; return its replies, or the error."""
        serving, pieces = part.serving, part.pieces
        try:
            if pieces[0].asked is not None:
                return await self._send_asking(serving, pieces)
            run = self._part_of(pieces)
            on_lease = run.is_big or run.may_block
            return await serving.try_run(run, self._deadline, on_lease=on_lease, elsewhere=False)
        except (ConnectFailed, PoolError) as error:  # whatever it is, what the others have answered stands
            has_left = isinstance(error, PoolClosed) and not self._group.closed
            return gone(serving) if has_left else error

    async def _send_asking(self, serving: Serving, pieces: list[Piece[Any]]) -> list[Any]:
        """Send pieces one by one, each behind ASKING; return the replies as those to ``commands_of`` are."""
        replies: list[Any] = []
        for piece in pieces:
            spec = self._run.specs[piece.at]
            on_lease = spec.blocks_for(piece.args) is not None
            reply = await serving.try_once(
                piece.args, spec, self._deadline, on_lease=on_lease, elsewhere=False, asking=True
            )
            replies += [None, reply]
        return replies

    async def _find_owners(self, pieces: list[Piece[Any]]) -> None:
        """Wait until the slots of these pieces have a node; then send them in the next round."""
        for piece in pieces:
            if piece.node is not None:  # it has left, and nobody has its place
                self._scatter.answer(piece, gone(piece.node))
                continue
            try:
                await self._group.owner(piece.slot, self._deadline)
            except Error as error:
                self._scatter.answer(piece, error)
            else:
                self._scatter.send_again(piece)

    # Reading -----------------------------------------------------------------------------------------

    def _read(self, part: Part, replies: Any) -> None:
        """Note the replies to a part, or its error."""
        if isinstance(replies, Error):
            self._read_failure(part, replies)
            return
        if part.run is not None:
            replies = part.run.own(replies)
        elif part.pieces[0].asked is not None:
            replies = replies[1::2]
        if not any(issubclass(kind, Error) for kind in set(map(type, replies))):
            self._scatter.answer_all(part.pieces, replies)
            return
        group, is_refused = self._group, False
        for piece, reply in zip(part.pieces, replies, strict=True):
            spec = self._run.specs[piece.at]
            redirect = None
            if isinstance(reply, Error) and part.transport is not None and is_demoted(reply, runs_code=spec.runs_code):
                part.serving.shared.demoted(part.transport)
            if isinstance(reply, Error):
                redirect = group.refusal(reply, part.serving, spec, piece.slot)
            if redirect is None and is_refused and spec.safe:
                self._scatter.send_again(piece)  # Rule 5
                continue
            if redirect is None and isinstance(reply, NOT_NOW) and self._is_alone and not group.terms.is_one_server:
                self._read_failure(part._replace(pieces=[piece]), reply)
                continue
            if redirect is None:
                self._scatter.answer(piece, reply)
                continue
            if self._is_reading and piece.slot is not None:
                group.leave_out(piece.slot, part.serving)
            asking, pause_or_error = self._follow(redirect, part.serving, piece.slot)
            if pause_or_error is None:
                self._scatter.answer(piece, reply)
            elif isinstance(pause_or_error, Error):
                self._scatter.answer(piece, again(pause_or_error))
            elif piece.node is not None and is_demoted(reply):
                self._refused.append((part.serving, piece, reply))
            else:
                self._pause = max(self._pause, pause_or_error)
                self._scatter.send_again(piece, asking)
                is_refused = not (group.terms.is_one_server or self._is_reading)

    def _follow(
        self, redirect: Redirect, serving: Serving, slot: int | None
    ) -> tuple[Serving | None, float | Error | None]:
        """Return the node that ASK named, and the pause before the next round; an error, or None, if there is none."""
        known = (slot, serving, redirect)
        if known not in self._steps:
            self._steps[known] = self._first_follow(redirect, serving, slot)
        return self._steps[known]

    def _first_follow(
        self, redirect: Redirect, serving: Serving, slot: int | None
    ) -> tuple[Serving | None, float | Error | None]:
        group = self._group
        redirect = group.placed(redirect)
        asking = group.follow(redirect, serving)
        try:
            hops = self._hops.setdefault(slot, Hops())
            seconds = hops.pause_before(redirect, serving.address, group.members.chance())
        except Error as error:
            return None, error
        if self._give_up_at is None or group.members.now() + seconds < self._give_up_at:
            return asking, seconds
        if redirect.step is Step.WAIT:
            return None, None
        words = f"slot {slot} was redirected ({redirect.code}) until the time was over; the command did not run"
        return None, ReadTimeout(words, address=serving.node.options.address)

    def _read_failure(self, part: Part, failure: Error) -> None:
        """Send again what may be, and note the error for the rest of a part whose connection failed."""
        pieces, serving = part.pieces, part.serving
        if isinstance(failure.__cause__, Retired):  # its connection was closed before the send: that was no try
            serving.node.on_change()
            for piece in pieces:
                self._scatter.send_again(piece, None if serving.ledger.closed else piece.asked)
            return
        if part.transport is not None:
            serving.shared.pin(part.transport)
        allowed = [self._may_retry(failure, piece) for piece in pieces]
        seconds = serving.retrying.pause_before(failure, self._tries, self._deadline) if any(allowed) else None
        if seconds is not None:
            self._tries += 1
            self._pause = max(self._pause, seconds)
        for piece, is_allowed in zip(pieces, allowed, strict=True):
            if is_allowed and seconds is not None:
                self._scatter.send_again(piece)
            else:
                spec = self._run.specs[piece.at]
                self._scatter.answer(piece, as_raised(again(failure), spec.name, safe=spec.safe))

    def _may_retry(self, failure: Error, piece: Piece[Any]) -> bool:
        spec = self._run.specs[piece.at]
        is_safe = spec.safe and spec.blocks_for(piece.args) is None
        return may_retry(failure, safe=is_safe, runs_code=spec.runs_code)


def _goes_late(run: Run, pieces: list[Piece[Any]]) -> bool:
    """Tell whether a part needs a lease, or is sent piece by piece: between a script and its call ASKING must come."""
    return run.is_big or run.may_block or (run.loads_scripts and pieces[0].asked is not None)


def _trouble(part: Part) -> float:
    return float("inf") if part.serving is NOWHERE else part.serving.trouble


def _is_unsent(reply: Any) -> bool:
    return isinstance(reply, PoolError) or (isinstance(reply, TransportError) and reply.executed == "no")


async def execute_spread(group: Group[Any], args: tuple[Any, ...], spec: Spec, deadline: float | None) -> Any:
    """Run one command over several nodes, and return its reply, which is not parsed."""
    await group.ready(deadline)
    run = Run([Command.of(args, spec, _unparsed)])
    reply = (await Spread(group, run, deadline, is_alone=True).values())[0]
    if isinstance(reply, Error):
        try:
            raise as_raised(reply, spec.name, safe=spec.safe) if isinstance(reply, ServerError) else reply
        finally:
            del reply  # the raised error refers to this frame: no reference cycle
    return reply


def _unparsed(reply: Any) -> Any:
    """Leave a reply as it is: the pool parses it."""
    return reply


def halves(pieces: list[Piece[Any]]) -> list[list[Piece[Any]]]:
    """Return the pieces to be sent as they are, and those to be sent behind ASKING, without an empty list."""
    plain = [piece for piece in pieces if piece.asked is None]
    asked = [piece for piece in pieces if piece.asked is not None] if len(plain) < len(pieces) else []
    return [half for half in (plain, asked) if half]


def commands_of(pieces: list[Piece[Any]]) -> list[Any]:
    """Return what to send for the pieces of a part: all of them go behind ASKING, or none."""
    if pieces[0].asked is None:
        return [piece.args for piece in pieces]
    return [args for piece in pieces for args in (ASKING, piece.args)]
