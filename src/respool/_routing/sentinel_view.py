"""Who is the primary, by what sentinels and nodes say; whom to ask next.

    answered, failed, event, ask_by         (sentinels) -> Change
    checked, redirected, demoted            (nodes)     -> Change
    next_at -> due -> Ask, Check

Rule 1: a node is adopted if sentinels name it and ROLE there says master. Only the answers with the highest epoch
        count: a sentinel that slept through a failover has a lower one. Among these the majority wins, then the
        primary in service. Who lost the role at an epoch is not adopted again at that epoch, unless all say so.
Rule 2: the service of a primary ends at once when a sentinel announces its successor, when an answer with a higher
        epoch names another node, and when a node says that it is a replica. Its connections must be cut: it
        acknowledges writes that are lost. It does not end because sentinels, or ROLE, cannot be reached.
Rule 3: an announcement (+switch-master) may be old, for it has no epoch. So it ends the service, and the successor is
        checked while that sentinel is asked. Its answer confirms the announcement or takes it back.
Rule 4: a REDIRECT by the primary is a node's own word: its target is adopted as soon as ROLE there says master, before
        the sentinels know. It counts for ``PATIENCE``, or until an epoch is higher.
Rule 5: ROLE is asked of whoever could be adopted, again after ``PAUSE`` and then ever later, up to ``RETRY``; of the
        primary in service every ``PERIOD``. One node has one open check.
Rule 6: the replicas are those that any sentinel lists that names the primary; one is down if more than half of these
        say so. An old primary is one that is down until it says that it is a replica.

Which sentinels are known, and when each is asked, stands in sentinels.py. Times are absolute seconds of one monotonic
clock; random numbers are in [0, 1). What is asked or checked must end: the caller limits the time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from respool._facts.errors import ConnectFailed, Error, UsageError
from respool._facts.option_types import Address, Remap
from respool._routing.sentinel_answers import Answer, read_event
from respool._routing.sentinels import PATIENCE, PAUSE, PERIOD, RETRY, Ask, News, Sentinel, Sentinels

_NEVER: Final = float("inf")


class Check(NamedTuple):
    """A node to be asked for its ROLE."""

    address: Address
    at: float


class Change(NamedTuple):
    """What is different now."""

    #: The primary whose connections must be cut at once. With ``new`` it is the one before, which may be cut already.
    old: Address | None = None
    #: The node that is the primary from now on.
    new: Address | None = None
    #: Why, if there is an old or a new one.
    why: str = ""
    #: Replicas that were not there before, up or not.
    joined: tuple[Address, ...] = ()
    left: tuple[Address, ...] = ()
    up: tuple[Address, ...] = ()
    down: tuple[Address, ...] = ()
    #: Sentinels to subscribe to, and those to leave.
    discovered: tuple[Address, ...] = ()
    forgotten: tuple[Address, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not any(self)


class _Node:
    """What a node says of itself that is the primary, may become it, or was it."""

    __slots__ = ("is_stale", "next_at", "open", "pause", "said_at", "says")

    def __init__(self, next_at: float) -> None:
        self.next_at = next_at
        self.pause = PAUSE
        self.open: Check | None = None
        self.is_stale = False  # whether the open check may show what it was before
        self.says: str | None = None  # "master", or what it is or does instead; None if that is not known
        self.said_at = 0.0

    def is_master(self, now: float) -> bool | None:
        """Tell whether it is one; None if that is unknown, or was said too long ago."""
        if self.says == "master":
            return True if now <= self.said_at + RETRY else None
        return None if self.says is None else False


class SentinelView:
    """The memory of what was said about the primary ``name``, and who it is."""

    __slots__ = (
        "_held",
        "_hint",
        "_hint_until",
        "_name",
        "_nodes",
        "_out",
        "_past",
        "_previous",
        "_remap",
        "_sentinels",
        "_voted",
        "epoch",
        "primary",
        "replicas",
    )

    def __init__(
        self,
        name: str,
        seeds: Sequence[Address],
        now: float,
        random: Callable[[], float],
        *,
        remap: Remap | None = None,
    ) -> None:
        self._name = name
        self._remap = remap
        self._sentinels = Sentinels(seeds, now, random)
        self._nodes: dict[Address, _Node] = {}
        #: The primary in service; None while there is none.
        self.primary: Address | None = None
        #: The replicas, and whether each is down.
        self.replicas: dict[Address, bool] = {}
        #: The highest epoch of all answers that count; -1 before any.
        self.epoch = -1
        self._held = -1  # the epoch at which the primary was named last
        self._previous: Address | None = None  # the primary in service, or the latest one
        self._out: set[Address] = set()  # those that lost the role at this epoch
        self._voted: dict[Address, int] = {}  # whom answers of this epoch name, and how many
        self._past: deque[Address] = deque(maxlen=16)  # old primaries that have not said that they are replicas
        self._hint: Address | None = None  # the target of a REDIRECT
        self._hint_until = 0.0

    # Whom to ask ------------------------------------------------------------------------------------------

    @property
    def sentinels(self) -> tuple[Address, ...]:
        """All sentinels that are known."""
        return tuple(self._sentinels.known)

    def next_at(self) -> float:
        """Return when ``due`` will have somebody to ask, if nothing happens until then; it may be over already."""
        checks = (node.next_at for node in self._nodes.values() if node.open is None)
        return min(self._sentinels.next_at(), min(checks, default=_NEVER))

    def due(self, now: float) -> tuple[list[Ask], list[Check]]:
        """Return whom to ask now. Each must end: in ``answered`` or ``failed``, or in ``checked``."""
        checks = []
        for address, node in self._nodes.items():
            if node.open is None and node.next_at <= now:
                node.open = Check(address, now)
                node.is_stale = False
                checks.append(node.open)
        return self._sentinels.due(now), checks

    def error(self) -> Error | None:
        """Return why there is no primary; None if there is one, or if somebody has not been heard yet."""
        known = self._sentinels.known
        is_open = any(not each.is_heard for each in known.values()) or any(n.says is None for n in self._nodes.values())
        if self.primary is not None or is_open:
            return None
        said = ", ".join(f"{_at(address)} {sentinel}" for address, sentinel in known.items())
        error: Error
        if all(each.failure is None and each.named is None for each in known.values()):
            advice = "use a name that SENTINEL MASTERS lists there"
            error = UsageError(f"no sentinel knows {self._name!r}: {said}; {advice}")
        else:
            said += "".join(f", {_at(address)} {node.says}" for address, node in self._nodes.items())
            advice = "check whether the sentinels and the primary run, and can be reached from here"
            error = ConnectFailed(f"no primary is known for {self._name!r}: {said}; {advice}")
        error.service = self._name
        return error

    # What sentinels say -----------------------------------------------------------------------------------

    def answered(self, ask: Ask, answer: Answer, now: float, chance: float) -> Change:
        """Take the answer to a question."""
        return self._learn(self._sentinels.answered(ask, answer, now, chance), now)

    def failed(self, ask: Ask, error: Exception, now: float, chance: float) -> Change:
        """Note that a sentinel did not answer, or that its answer was refused. What it said before still counts."""
        return self._learn(self._sentinels.failed(ask, error, now, chance), now)

    def ask_by(self, address: Address, at: float) -> None:
        """Ask a sentinel at ``at``, or before: what it published until then may have been missed."""
        if (sentinel := self._sentinels.known.get(address)) is not None:
            sentinel.ask_by(at)

    def event(self, address: Address, channel: str, text: str, now: float) -> Change:
        """Take a message that the sentinel at ``address`` published."""
        sentinel = self._sentinels.known.get(address)
        event = read_event(channel, text, self._name, asked=address, remap=self._remap)
        if sentinel is None or event is None:
            return Change()
        match channel:
            case "+sentinel":
                is_new = self._sentinels.meet(event.address, event.id, now)
                return Change(discovered=(event.address,) if is_new else ())
            case "+slave":
                sentinel.replicas.setdefault(event.address, False)
            case "+sdown" | "-sdown":
                if event.address in sentinel.replicas:
                    sentinel.replicas[event.address] = channel == "+sdown"
            case _:
                if event.old is not None:
                    self._announced(sentinel, event.old, event.address, now)
                sentinel.published(now)
        return self._settle(now)

    def _announced(self, sentinel: Sentinel, old: Address, new: Address, now: float) -> None:
        if sentinel.accused == new:
            sentinel.withdraw()
        elif sentinel.accused is not None:  # another failover after the one that it has not confirmed yet
            sentinel.announce(sentinel.accused, new, now)
        elif self.primary is not None and self.primary in (old, sentinel.named) and self.primary != new:
            sentinel.announce(self.primary, new, now)

    def _learn(self, news: News | None, now: float) -> Change:
        if news is None:
            return Change()
        return self._settle(now)._replace(discovered=news.discovered, forgotten=news.forgotten)

    # What nodes say ---------------------------------------------------------------------------------------

    def checked(self, check: Check, reply: Any, now: float) -> Change:
        """Take a node's reply to ROLE, as a list or a record, or the error that came instead."""
        node = self._nodes.get(check.address)
        if node is None or node.open is not check:
            return Change()
        node.open = None
        node.next_at = now + (PERIOD if check.address == self.primary else node.pause)
        if node.is_stale or (check.address == self.primary and isinstance(reply, Exception)):
            return self._settle(now)
        if isinstance(reply, Exception):
            node.says = f"does not answer ROLE ({reply})"
        else:
            role = reply[0].decode() if isinstance(reply[0], bytes) else reply[0]
            node.says = role if role == "master" else f"says {role} to ROLE"
            if role != "master" and check.address in self._past:
                self._past.remove(check.address)
        node.said_at = now
        if check.address != self.primary:
            node.pause = min(node.pause * 2, RETRY)
        elif node.says != "master":
            node.next_at = now + node.pause
        return self._settle(now)

    def demoted(self, address: Address, now: float) -> Change:
        """Note that a node answered READONLY, or was found to be a replica."""
        if address == self.primary:
            node = self._nodes[address]
            node.says, node.said_at = "is a replica", now
            node.is_stale = True
            node.next_at = now + node.pause
        return self._settle(now)

    def redirected(self, address: Address, target: Address, now: float) -> Change:
        """Note that the node at ``address`` answered REDIRECT with ``target``, as ``address_of`` returns it."""
        if address == self._previous and target != address:
            self._hint, self._hint_until = target, now + PATIENCE
        return self.demoted(address, now)

    # What follows -----------------------------------------------------------------------------------------

    def _settle(self, now: float) -> Change:
        """Decide who is the primary, and return what changed."""
        self._count(now)
        old, new, why = None, None, self._why_not()
        if why:
            old, self.primary = self.primary, None
            self._sentinels.hurry(now)
        if chosen := self._choose(now):
            new, why = chosen
            old = self._previous
            self._adopt(new)
        self._watch(now)
        return self._list_replicas()._replace(old=old, new=new, why=why)

    def _count(self, now: float) -> None:
        """Find the highest epoch, and whom sentinels name at that epoch."""
        known = self._sentinels.known.values()
        epoch = max((sentinel.epoch for sentinel in known), default=-1)
        if epoch != self.epoch:
            self.epoch = epoch
            self._held = min(self._held, epoch)  # it sinks if sentinels were reset: epochs begin anew
            self._out.clear()
            self._hint = None
        if now >= self._hint_until:
            self._hint = None
        accused = {sentinel.accused for sentinel in known}
        votes = Counter(each.named for each in known if each.named is not None and each.epoch == epoch)
        self._voted = {
            address: count
            for address, count in votes.items()
            if address not in accused and (address not in self._out or count == len(known))
        }
        if self.primary in votes:
            self._held = epoch

    def _why_not(self) -> str:
        """Return why the primary must not stay in service; nothing if it may, or if there is none (Rule 2)."""
        primary = self.primary
        if primary is None:
            return ""
        for address, sentinel in self._sentinels.known.items():
            if sentinel.accused == primary and sentinel.heir is not None:
                return f"sentinel {_at(address)} announced {_at(sentinel.heir)}"
            if sentinel.epoch == self.epoch > self._held:
                return f"sentinel {_at(address)} {sentinel}"
        says = self._nodes[primary].says
        return "" if says == "master" else f"{_at(primary)} {says}"

    def _candidates(self) -> list[Address]:
        """Return who is better than the primary in service by the sentinels' word, the best first."""

        def rank(address: Address) -> tuple[int, bool, Address]:
            return self._voted[address], address == self._previous, address

        best = sorted(self._voted, key=rank, reverse=True)
        return best[: best.index(self.primary)] if self.primary in best else best

    def _choose(self, now: float) -> tuple[Address, str] | None:
        """Return whom to adopt, and why; None if that is nobody, or as long as somebody better was not heard."""
        hint = self._hint
        if hint in self._nodes and self._nodes[hint].is_master(now):
            return hint, "the old primary redirects to it"
        for address in self._candidates():
            is_master = self._nodes[address].is_master(now) if address in self._nodes else None
            if is_master:
                count, known = self._voted[address], len(self._sentinels.known)
                return address, f"{count} of {known} sentinels name it at epoch {self.epoch}"
            if is_master is None:
                break
        return None

    def _adopt(self, new: Address) -> None:
        if self._previous is not None and self._previous != new:
            if self._previous not in self._past:
                self._past.append(self._previous)
            if new in self._voted:
                self._out.add(self._previous)
        self._out.discard(new)
        self.primary = self._previous = new
        self._held = self.epoch
        self._hint = None
        node = self._nodes[new]
        node.next_at = node.said_at + PERIOD
        node.pause = PAUSE
        self._sentinels.rest()

    def _watch(self, now: float) -> None:
        """Decide who is to be asked for its role (Rule 5)."""
        wanted = {*self._candidates(), *(each.heir for each in self._sentinels.known.values())}
        wanted |= {self.primary, self._hint, *(address for address in self._past if address in self.replicas)}
        before = self._nodes
        wanted |= {address for address, node in before.items() if node.open is not None}
        self._nodes = {a: before[a] if a in before else _Node(now) for a in wanted if a is not None}

    def _list_replicas(self) -> Change:
        """Take the replicas from the sentinels that name the primary (Rule 6)."""
        if self.primary is None:
            return Change()
        there: Counter[Address] = Counter()
        down: Counter[Address] = Counter()
        for sentinel in self._sentinels.known.values():
            if sentinel.named == self.primary:
                there.update(sentinel.replicas.keys())  # of a mapping it would add the values
                down.update(address for address, is_down in sentinel.replicas.items() if is_down)
        before = self.replicas
        after = {a: a in self._past or down[a] * 2 > there[a] for a in there if a != self.primary}
        self.replicas = after
        stayed = [address for address in after if address in before and after[address] != before[address]]
        return Change(
            joined=tuple(address for address in after if address not in before),
            left=tuple(address for address in before if address not in after),
            up=tuple(address for address in stayed if not after[address]),
            down=tuple(address for address in stayed if after[address]),
        )


def _at(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
