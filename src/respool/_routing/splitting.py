"""How the commands of a run are spread over the nodes of a pool, and how their replies are put together.

Rule 1: the whole run is checked before any of it is sent. What cannot be sent is refused then.
Rule 2: commands go out in the order of the run, so those on one slot run in that order. A command without keys that any
        node can answer goes where the command before it goes.
Rule 3: a part that a server did not run is sent again alone, in the next round; what has been answered is never sent
        again. So two commands on one slot may run in the other order while that slot moves by ASK, and only then.
Rule 4: the value of a command is an error if one of its parts is, and says so if others have run.
Rule 5: independent servers (buckets) are spread over like a cluster that has one slot on each node. So what concerns
        all of them has a part for each slot, which finds the node of that moment. But they are not parts of one server:
        without keys, only what needs no data and reaches nobody can be asked of any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, Generic, NamedTuple, NoReturn, TypeAlias, TypeVar

from respool._facts.command import SPECS, Args, Spec
from respool._facts.errors import CrossSlot, Error, ServerError, TransportError, UsageValueError, again
from respool._facts.routing_table import ROUTES, Merge, Where
from respool._protocol.run import Run

#: Returns the slot of a key.
SlotOf: TypeAlias = Callable[[Any], int]
N = TypeVar("N", bound=Hashable)


class Terms(NamedTuple):
    """What a kind of pool calls its nodes and slots, and what its nodes know of each other."""

    #: What keys are in.
    slots: str
    #: What a command concerns that concerns one node, and how a caller says which one.
    one_node: str
    #: Whether the nodes are parts of one server: a message reaches every subscriber, and a script finds no foreign key.
    is_one_server: bool


CLUSTER: Final = Terms(
    "slots of the cluster", "node of the cluster: say which one with node=, in execute() or using()", is_one_server=True
)
BUCKETS: Final = Terms(
    "buckets", "bucket: say which one with shard_key= or node=, in execute() or using()", is_one_server=False
)

_TAG: Final = "give them one hash tag, as in '{user1}:name' and '{user1}:mail'"
_UNANSWERED: Final[Any] = object()
#: Commands that any node of a cluster can run, but not any of several servers.
_OF_ONE_SERVER: Final = frozenset({"PUBLISH"})


class Piece(NamedTuple, Generic[N]):
    """One command on the wire: a command of the run, or a part of it."""

    #: Which command of the run it belongs to, and which part of that it is.
    at: int
    part: int
    args: Args
    #: The slot of its keys; None if it goes to any primary, or to ``node``.
    slot: int | None = None
    #: The only node that it concerns, or that node's heir.
    node: N | None = None
    #: The node that ASK named: this time it goes there, behind ASKING.
    asked: N | None = None


class Scatter(Generic[N]):
    """A run on its way through the nodes: what is to be sent, and what has been answered.

    Nodes are whatever the caller uses for them. It is used in rounds: ``take`` what is to be sent, then for each piece
    call ``answer``, or ``send_again``, until ``is_done``. A transaction is not spread: see ``one_slot``.
    """

    __slots__ = ("_answers", "_parts", "_places", "_run", "_terms", "_waiting")

    def __init__(
        self, run: Run, slot_of: SlotOf, *, primaries: Sequence[N], nodes: Sequence[N], terms: Terms = CLUSTER
    ) -> None:
        """Spread a run; ``nodes`` are the primaries and the replicas. There is at least one primary.

        Raises CrossSlot for keys in several slots where the command cannot be split, UsageValueError for a command that
        concerns one node, which only the caller knows.
        """
        self._run = run
        self._terms = terms
        self._answers: list[Any] = [_UNANSWERED] * len(run.calls)
        #: The answers to the parts of each command that has several.
        self._parts: dict[int, list[Any]] = {}
        #: Of commands that are split with one value for each key: which keys each part has.
        self._places: dict[int, list[list[int]]] = {}
        self._waiting: list[Piece[N]] = []
        homeless: list[Piece[N]] = []  # they can go anywhere, but nothing stands before them
        slot: int | None = None
        for at, (spec, args) in enumerate(zip(run.specs, run.calls, strict=True)):
            key = spec.one_key
            if key and len(args) > key:  # so have most commands
                slot = slot_of(args[key])
                self._waiting.append(Piece(at, 0, args, slot))
                continue
            pieces = list(self._pieces(at, spec, args, slot_of, primaries, nodes))
            if len(pieces) > 1:
                self._parts[at] = [_UNANSWERED] * len(pieces)
            if pieces[0].node is None and pieces[0].slot is None:
                if slot is None:
                    homeless += pieces
                    continue
                pieces = [pieces[0]._replace(slot=slot)]
            self._waiting += pieces
            slot = slot if pieces[-1].slot is None else pieces[-1].slot
        if homeless:
            first = next((piece.slot for piece in self._waiting if piece.slot is not None), None)
            self._waiting += [piece._replace(slot=first) for piece in homeless]

    @property
    def is_done(self) -> bool:
        """Whether nothing is to be sent any more."""
        return not self._waiting

    def take(
        self, owner: Callable[[int | None], N], heir: Callable[[N, bool], N] | None = None
    ) -> dict[N, list[Piece[N]]]:
        """Take what is to be sent now: for each node its pieces, in the order of the run.

        ``owner`` returns the node that serves a slot, or any primary for None. ``heir`` returns the node that has the
        place of an earlier one, as a primary if so asked; None: itself. Pieces with ``asked`` go behind ASKING.
        """
        taken: dict[N, list[Piece[N]]] = {}
        owners: dict[int | None, N] = {}
        for piece in sorted(self._waiting):  # by ``at`` and ``part``, which no two of them share
            _, _, _, slot, node, asked = piece
            if asked is not None:
                node = asked
            elif node is None:
                if slot not in owners:
                    owners[slot] = owner(slot)  # asked once: a slot must not go to two nodes in one round
                node = owners[slot]
            elif heir is not None:
                node = heir(node, self.is_for_primaries(piece))
            taken.setdefault(node, []).append(piece)
        self._waiting = []
        return taken

    def answer(self, piece: Piece[N], reply: Any) -> None:
        """Note the reply to a piece, which may be an error value."""
        parts = self._parts.get(piece.at)
        if parts is None:
            self._answers[piece.at] = reply
        else:
            parts[piece.part] = reply

    def answer_all(self, pieces: Sequence[Piece[N]], replies: Sequence[Any]) -> None:
        """Note the reply to each piece."""
        if self._parts:
            for piece, reply in zip(pieces, replies, strict=True):
                self.answer(piece, reply)
            return
        answers = self._answers
        for piece, reply in zip(pieces, replies, strict=True):
            answers[piece.at] = reply

    def send_again(self, piece: Piece[N], asked: N | None = None) -> None:
        """Put a piece that did not run into the next round, where the map then says, or once where ASK said."""
        self._waiting.append(piece._replace(asked=asked))

    def is_for_primaries(self, piece: Piece[N]) -> bool:
        """Tell whether a piece that concerns one node concerns it as a primary."""
        return ROUTES[self._run.specs[piece.at].name].where is Where.PRIMARIES

    def replies(self) -> list[Any]:
        """Return one reply for each command of the run, as one node would give them; errors are values."""
        for at, answers in self._parts.items():
            if _UNANSWERED not in answers:
                spec = self._run.specs[at]
                self._answers[at] = _merged(spec, ROUTES[spec.name].merge, answers, self._places.get(at, []))
        if _UNANSWERED in self._answers:
            at = self._answers.index(_UNANSWERED)
            raise AssertionError(f"command {at + 1} ({self._run.specs[at].name}) has not been answered")
        return self._answers

    def _pieces(
        self, at: int, spec: Spec, args: Args, slot_of: SlotOf, primaries: Sequence[N], nodes: Sequence[N]
    ) -> Iterator[Piece[N]]:
        """Return the pieces of one command. One without slot and node may go to any primary."""
        route = ROUTES.get(spec.name)
        keys = keys_of(spec, args)
        slots = [slot_of(key) for key in keys]
        if len(set(slots)) == 1:
            yield Piece(at, 0, args, slots[0])
        elif slots:
            if route is None or route.where is not Where.SLOTS:
                _refuse_slots(f"the keys of {spec.name}", len(set(slots)), self._terms)
            yield from self._split(at, spec, args, slots)
        elif route is not None and route.where in (Where.PRIMARIES, Where.NODES):
            several = primaries if route.where is Where.PRIMARIES else nodes
            if self._terms.is_one_server:
                yield from (Piece(at, part, args, None, node) for part, node in enumerate(several))
            else:  # one slot on each node, whichever node that is by now
                yield from (Piece(at, part, args, part) for part in range(len(several)))
        elif goes_anywhere(spec, self._terms):
            yield Piece(at, 0, args)
        else:
            other = ", or iterate over all nodes with scan_iter()" if spec.name == "SCAN" else ""
            raise UsageValueError(f"{spec.name} concerns one {self._terms.one_node}{other}")

    def _split(self, at: int, spec: Spec, args: Args, slots: list[int]) -> Iterator[Piece[N]]:
        """Make one command of each slot. Keys keep their order, and what belongs to a key stays behind it."""
        width = len(spec.words)
        step, left_over = divmod(len(args) - width, len(slots))
        if left_over:
            raise UsageValueError(f"{spec.name} takes keys and values in pairs, and the last key has no value")
        places: dict[int, list[int]] = {}
        for place, slot in enumerate(slots):
            places.setdefault(slot, []).append(place)
        self._places[at] = list(places.values())
        words, rest = args[:width], args[width:]
        for part, (slot, own) in enumerate(places.items()):
            values = [value for place in own for value in rest[place * step : (place + 1) * step]]
            yield Piece(at, part, (*words, *values), slot)


def goes_anywhere(spec: Spec, terms: Terms = CLUSTER) -> bool:
    """Tell whether any primary can run a command that has no keys in this call."""
    route = ROUTES.get(spec.name)
    if terms.is_one_server:
        return route.where is Where.ANY if route is not None else bool(spec.key_rule)
    return route is not None and route.where is Where.ANY and spec.name not in _OF_ONE_SERVER


def concerns_all_nodes(run: Run) -> bool:
    """Tell whether a command of a run goes to all nodes, replicas too."""
    routes = [ROUTES.get(spec.name) for spec in set(run.specs)]
    return any(route is not None and route.where is Where.NODES for route in routes)


def one_slot(run: Run, slot_of: SlotOf, terms: Terms = CLUSTER) -> int | None:
    """Return the slot of an atomic run, which one node must run as a whole; None if it has no keys.

    Commands without keys are run by the same node. Raises CrossSlot if keys are in several slots, UsageValueError for a
    command that concerns several nodes, and for a run without keys where that is not for any node.
    """
    slots: set[int] = set()
    for spec, args in zip(run.specs, run.calls, strict=True):
        keys = keys_of(spec, args)
        slots.update(map(slot_of, keys))
        route = ROUTES.get(spec.name)
        if not keys and route is not None and route.where in (Where.PRIMARIES, Where.NODES):
            raise UsageValueError(
                f"{spec.name} has no place in a transaction, which runs on one node: it concerns several"
            )
    if len(slots) > 1:
        _refuse_slots("the keys of a transaction", len(slots), terms)
    if not (slots or terms.is_one_server):
        raise UsageValueError(f"a transaction without keys concerns one {terms.one_node}")
    return next(iter(slots), None)


def keys_of(spec: Spec, args: Args) -> Sequence[Any]:
    """Return the keys of a command. That of an unknown command is its first argument."""
    if spec.name in SPECS or len(spec.words) > 1:
        return spec.keys_of(args)
    return args[1:2]


def _refuse_slots(what: str, count: int, terms: Terms) -> NoReturn:
    raise CrossSlot("CROSSSLOT", f"{what} are in {count} {terms.slots}, and nothing was sent: {_TAG}")


def _merged(spec: Spec, merge: Merge | None, answers: list[Any], places: list[list[int]]) -> Any:
    """Make one reply of several."""
    errors = [answer for answer in answers if isinstance(answer, Error)]
    if merge is Merge.ONE and len(errors) < len(answers):
        return next(answer for answer in answers if not isinstance(answer, Error))
    if errors:
        if merge is Merge.ONE:  # a node that has nothing to end is no reason
            errors.sort(key=lambda error: isinstance(error, ServerError) and error.code == "NOTBUSY")
        return errors[0] if spec.safe else _partial(errors, spec.name, len(answers))
    match merge:
        case Merge.ORDER:
            values = [None] * sum(map(len, places))
            for own, answer in zip(places, answers, strict=True):
                for place, value in zip(own, answer, strict=True):
                    values[place] = value
            return values
        case Merge.SUM:
            return sum(answers)
        case Merge.JOIN:
            return list(chain.from_iterable(answers))
        case Merge.EVERY:
            return [int(all(column)) for column in zip(*answers, strict=True)]
        case Merge.SOME:
            return next((answer for answer in answers if answer is not None), None)
    return answers[0]


def _partial(errors: list[Error], name: str, count: int) -> Error:
    """Return the first error, which says how many of the others ran."""
    done = count - len(errors)
    if not done:
        return errors[0]
    error = again(errors[0])
    error.__notes__ = [*getattr(error, "__notes__", ()), f"{done} of the {count} parts of {name} ran"]
    if isinstance(error, TransportError):
        error.executed = "unknown"
    return error
