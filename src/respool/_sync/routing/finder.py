# Generated from respool/_async/routing/finder.py by tools/generate.py. Do not edit.
"""How a pool finds its primary: it asks and hears sentinels, and asks nodes for their role, as ``SentinelView`` says.

    answers, messages (sentinels)          \\
    roles, refusals   (nodes)               > SentinelView > Change -> Replication

Rule 1: ``SentinelView`` decides when to ask whom. Each question is a task of its own, bounded by ``connect_timeout``.
Rule 2: a sentinel that answers is listened to (``hearing``). One that does not is asked again; the pauses get longer,
        up to ``PERIOD``.
Rule 3: a node has the role of a primary if a dial with the handshake of the pool's own connections says so. So a node
        that refuses the pool is not adopted. The primary in service is asked over its own connections.
Rule 4: while there is no primary, a round that brings none is told to all who wait. It ends when all sentinels have
        been heard, and all nodes that could be the primary. If all of it is refusals (a wrong password, an unknown
        name), nobody is asked again until somebody calls, or a sentinel publishes something about the service.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from respool._sync.node.maker import Maker
from respool._sync.node.serving import Serving
from respool._sync.routing.hearing import Hearing
from respool._sync.routing.members import Members
from respool._sync.routing.sentinel import Sentinel
from respool._sync.shell.compat import BackgroundTasks
from respool._facts.command import spec
from respool._facts.errors import NOT_NOW, Error, ServerError, UsageError, WrongRole
from respool._facts.option_types import Address
from respool._facts.sentinel_options import SentinelOptions
from respool._facts.standing import Standing
from respool._routing.sentinel_answers import AnswerRefused, questions, read_answer
from respool._routing.sentinel_view import Change, Check, SentinelView
from respool._routing.sentinels import PERIOD, RETRY, Ask
from respool._routing.topology import address_of
from respool._shell.absent import Absent

ROLE: Final = spec("ROLE")


class Finder:
    """Keeps a ``SentinelView`` up to date.

    ``apply`` is called with every change, under ``members.lock``; ``settle`` after it, without; ``failed`` when a round
    has brought no primary. ``primary`` returns the primary in service, or None.
    """

    def __init__(
        self,
        options: SentinelOptions,
        members: Members,
        hearing: Hearing,
        primary: Callable[[], Serving | None],
        apply: Callable[[Change], None],
        settle: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        """Prepare; no I/O."""
        self.options = options
        self.view = SentinelView(
            options.service, options.sentinels, members.now(), members.chance, remap=options.remap
        )
        self._members = members
        self._hearing = hearing
        self._primary = primary
        self._apply = apply
        self._settle = settle
        self._failed = failed
        self._tasks = BackgroundTasks()
        self._sentinels: dict[Address, Sentinel] = {}
        self._dials: set[Any] = set()  # connections that are made to learn a role
        self._questions = questions(options.service)
        self._unheard = set(self.view.sentinels)  # the sentinels that this round has not heard yet
        self._errors: list[Exception] = []  # what this round got in place of answers
        self._is_parked = False
        self._asked_all_at = float("-inf")
        #: How many rounds have brought no primary; and the error of the last one, while there is none.
        self.failed_rounds = 0
        self.verdict: Error | None = None
        hearing.hearers.append(self)

    # Asking ------------------------------------------------------------------------------------------

    def work(self) -> float:
        """Ask whom the view says; return after how many seconds it may say more."""
        members, view = self._members, self.view
        with members.lock:
            if self._is_parked or members.closed:
                return float("inf")
            asks, checks = view.due(members.now())
            next_at = view.next_at()
        for ask in asks:
            self._tasks.start_or_run(self._ask, ask)
        for check in checks:
            self._tasks.start_or_run(self._check, check)
        return max(next_at - members.now(), 0.001)

    def wanted(self) -> None:
        """Note that somebody waits for a primary."""
        with self._members.lock:
            if not self._is_parked:
                return
            self._is_parked = False
        self._members.alarm.set()

    def ask_all(self) -> None:
        """Ask all sentinels, but not more than once a second: the primary cannot be reached."""
        members = self._members
        with members.lock:
            now = members.now()
            if now < self._asked_all_at + RETRY:
                return
            self._asked_all_at = now
            for address in self.view.sentinels:
                self.view.ask_by(address, now)
        members.alarm.set()

    def _sentinel(self, address: Address) -> Sentinel:
        with self._members.lock:
            sentinel = self._sentinels.get(address)
            if sentinel is None:
                sentinel = self._sentinels[address] = Sentinel(address, self.options.for_sentinel(address))
                if self._members.closed:
                    sentinel.abort()
            return sentinel

    def _ask(self, ask: Ask) -> None:
        """Ask one sentinel what it knows, and listen to it from now on."""
        members, options = self._members, self.options
        deadline = None if options.connect_timeout is None else ask.at + options.connect_timeout
        sentinel = self._sentinel(ask.sentinel)
        try:
            replies = sentinel.ask(self._questions, deadline)
            answer = read_answer(replies, asked=ask.sentinel, remap=options.remap)
        except Exception as error:
            with members.lock:
                now, chance = members.now(), members.chance()
                change = self.view.failed(ask, error.with_traceback(None), now, chance)  # its frames refer to the pool
                pause = min(RETRY * 2.0 ** min(sentinel.failures, 30), PERIOD)
                sentinel.failures += 1
                self.view.ask_by(ask.sentinel, now + pause * (0.5 + chance / 2))
                self._errors.append(error)
        else:
            with members.lock:
                change = self.view.answered(ask, answer, members.now(), members.chance())
                sentinel.failures = 0
            self._hearing.begin(ask.sentinel)
        with members.lock:
            self._unheard.discard(ask.sentinel)
        self._take(change)

    def _check(self, check: Check) -> None:
        """Ask a node for its role."""
        members = self._members
        try:
            role: Any = self._role(check)
        except Exception as error:
            role = error.with_traceback(None)
            self._errors.append(error)
        with members.lock:
            change = self.view.checked(check, role, members.now())
        self._take(change)

    def _role(self, check: Check) -> Any:
        """Return the reply of a node to ROLE, or as much of it as a handshake tells (Rule 3)."""
        options, serving = self.options, self._primary()
        if serving is not None and serving.address == check.address:
            deadline = None if options.connect_timeout is None else check.at + options.connect_timeout
            reply = serving.try_once(("ROLE",), ROLE, deadline, on_lease=False, elsewhere=False)
            if isinstance(reply, Error):
                raise reply
            return reply
        maker = Maker(options.for_node(check.address, Standing(expects="primary")), 0.0)
        connection = maker.construct(options.db)
        self._dials.add(connection)
        try:
            maker.open(connection)
        except WrongRole as error:
            return ["slave" if error.role == "replica" else error.role]
        finally:
            connection.abort()
            self._dials.discard(connection)
        return ["master"]

    # Hearing -----------------------------------------------------------------------------------------

    def hear(self, address: Address, channel: str, text: str) -> None:
        """Take a message that a sentinel has published."""
        members = self._members
        with members.lock:
            if members.closed:
                return
            try:
                change = self.view.event(address, channel, text, members.now())
            except UsageError:  # the user's ``remap`` failed: its answer will tell
                self.view.ask_by(address, members.now())
                change = Change()
            if self.options.service in text.split(" "):
                self._is_parked = False
        self._take(change)

    # What nodes refuse -------------------------------------------------------------------------------

    def demoted(self, serving: Serving, target: Address | None = None) -> None:
        """Note that a node answered as a replica does; ``target``: the node that it named with REDIRECT."""
        members = self._members
        with members.lock:
            now = members.now()
            if self._primary() is not serving:
                return
            if target is None:
                change = self.view.demoted(serving.address, now)
            else:
                there = address_of(*target, asked=serving.address, remap=self.options.remap)
                change = self.view.redirected(serving.address, there, now) if there else Change()
        self._take(change)

    # What follows ------------------------------------------------------------------------------------

    def _take(self, change: Change) -> None:
        """Do what a change asks for, and end the round if it is over."""
        members, view = self._members, self.view
        with members.lock:
            if members.closed:
                return
            if change.old is not None and change.new is None:
                self._unheard, self._errors = set(view.sentinels), []
            if not change.is_empty:
                self._apply(change)
            left = [self._sentinels.pop(address) for address in change.forgotten if address in self._sentinels]
            has_failed = self._judge()
        for sentinel in left:
            sentinel.abort()
            self._hearing.drop(sentinel.address)
        self._settle()
        if has_failed:
            self._failed()
        members.alarm.set()

    def _judge(self) -> bool:
        """End a round that is over, and tell whether it has brought no primary (Rule 4)."""
        view = self.view
        if view.primary is not None:
            self.verdict, self._is_parked = None, False
            self._errors.clear()
            return False
        self._unheard.intersection_update(view.sentinels)
        failure = None if self._unheard else view.error()
        if failure is None:
            return False
        errors, self._errors = self._errors, []
        self._unheard = set(view.sentinels)
        is_refusal = isinstance(failure, UsageError) or (bool(errors) and all(map(_is_refusal, errors)))
        first = errors[0] if errors else None
        if is_refusal and isinstance(first, ServerError):
            failure = type(first)(first.code, str(failure))
        self.verdict, self._is_parked = failure, is_refusal
        self.failed_rounds += 1
        return True

    # The end -----------------------------------------------------------------------------------------

    def abort(self) -> None:
        """End everything that goes on, for good. ``members.closed`` must be set before."""
        for each in [*self._sentinels.values(), *self._dials, self._hearing]:
            each.abort()

    def stop(self, deadline: float | None) -> None:
        """Wait until nothing goes on any more, after ``abort``."""
        self._tasks.stop(deadline, self.abort)
        for sentinel in [*self._sentinels.values()]:
            sentinel.wait_closed()
        self._hearing.stop(deadline)

    def forget(self, instead: Absent) -> None:
        """Drop every socket (R-35)."""
        self._tasks.forget()
        for sentinel in self._sentinels.values():
            sentinel.forget(instead)
        for connection in self._dials:
            connection._transport.forget()
        self._hearing.forget(instead)


def _is_refusal(error: Exception) -> bool:
    """Tell whether asking again would be answered in the same way."""
    return isinstance(error, ServerError | AnswerRefused) and not isinstance(error, NOT_NOW)
