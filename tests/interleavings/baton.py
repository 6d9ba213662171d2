"""Real threads that run one at a time, in an order that a seed decides.

Rule 1: the thread that holds the baton runs; every other thread waits on a lock of its own. The baton is passed at
        switch points only: before every line and at every call of the traced files, and at every call that may block
        (``primitives``, ``network``).
Rule 2: the seed decides which thread is next, and after how many switch points. A thread waits for a condition that
        can be evaluated (``wait_for``), so a deadlock is found at once and reported with all stacks.
Rule 3: time is virtual. It advances a little at every switch point, and jumps to the next event when no thread can
        continue. Events outside the process (at the server) happen at their time.
Rule 4: the first failure ends the run: an exception unwinds every thread.
"""

from __future__ import annotations

import _thread
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from types import FrameType
from typing import Any, Final

from simulation.loop import World

#: A run that has more switch points, or takes more virtual seconds, is considered endless.
MOST_SWITCHES: Final = 200_000
MOST_SECONDS: Final = 3600.0

FOREVER: Final = float("inf")


class Stopped(BaseException):
    """The run is over; unwind."""


@dataclass(frozen=True)
class Rhythm:
    """How the threads of one run take turns."""

    #: How many switch points a thread passes on average before another one may run.
    gap: float = 10.0
    #: How many virtual seconds pass at a switch point, on average.
    tick: float = 1e-6
    #: How often, at a switch, time jumps to the next deadline although a thread could continue.
    haste: float = 0.0
    #: Whether every line of the traced files is a switch point, or only calls that may block.
    lines: bool = True


class Actor:
    """A thread of the run."""

    def __init__(self, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.turn = _thread.allocate_lock()
        self.turn.acquire()
        self.ident = 0
        self.is_over = False
        self.is_ready: Callable[[], bool] | None = None
        self.until = FOREVER
        self.what = ""


class Baton:
    """The scheduler of one run."""

    def __init__(self, chance: Random, rhythm: Rhythm, traced: frozenset[str]) -> None:
        self._chance = chance
        self._rhythm = rhythm
        self._traced = traced
        self.world = World()
        self.actors: list[Actor] = []
        self.failures: list[str] = []
        #: Called whenever the baton is passed. An exception from it is a failure.
        self.check: Callable[[], None] = lambda: None
        self.switches = 0
        self.points = 0
        self.digest = 0
        self.me: Actor | None = None
        self._left = 1
        self._is_stopping = False
        self._is_choosing = False
        self._all_over = _thread.allocate_lock()

    @property
    def now(self) -> float:
        return self.world.now

    @property
    def is_over(self) -> bool:
        """Whether the run has failed, or all actors have ended."""
        return self._is_stopping or all(actor.is_over for actor in self.actors)

    # The life of actors ---------------------------------------------------------------------------

    def run(self, work: Callable[[], None]) -> None:
        """Run ``work`` as the first actor, and return when all actors have ended."""
        self._all_over.acquire()
        before = sys.gettrace()
        sys.settrace(_look_away)  # Python 3.12 drops its line events when the last traced thread ends, and recreates them
        try:
            first = self.spawn("main", work)
            self.me = first
            first.turn.release()
            self._all_over.acquire()
            for thread in self._threads():
                thread.join()
        finally:
            sys.settrace(before)

    def spawn(self, name: str, work: Callable[[], None]) -> Actor:
        """Start a new actor, which then waits for its turn."""
        actor = Actor(len(self.actors), name)
        self.actors.append(actor)

        def main() -> None:
            actor.ident = _thread.get_ident()
            actor.turn.acquire()
            try:
                if not self._is_stopping:
                    sys.settrace(self._trace if self._rhythm.lines else None)
                    work()
            except Stopped:
                pass
            except BaseException as error:
                sys.settrace(None)
                self.fail(f"{name} ended in {''.join(traceback.format_exception(error))}", stop=False)
            finally:
                sys.settrace(None)
                self._leave(actor)

        thread = threading.Thread(target=main, name=name, daemon=True)
        actor.thread = thread  # type: ignore[attr-defined]
        thread.start()
        return actor

    def _threads(self) -> list[threading.Thread]:
        return [actor.thread for actor in self.actors]  # type: ignore[attr-defined]

    def _leave(self, actor: Actor) -> None:
        actor.is_over = True
        if all(other.is_over for other in self.actors):
            self._all_over.release()
            return
        try:
            heir = self._choose()
        except Stopped:
            heir = self._choose()
        self.me = heir
        heir.turn.release()

    # Switching ------------------------------------------------------------------------------------

    def point(self) -> None:
        """A switch point: another thread may run here."""
        if self._is_choosing:  # code of the engine that a check calls
            return
        if self._is_stopping:
            if self.actors and all(actor.is_over for actor in self.actors):
                return  # a finaliser, after the run
            raise Stopped
        self.points += 1
        self.world.now += self._rhythm.tick
        self._left -= 1
        if self._left <= 0:
            self._left = 1 + int(self._chance.expovariate(1.0 / self._rhythm.gap))
            self._switch()

    def wait_for(self, is_ready: Callable[[], bool], seconds: float | None, what: str) -> bool:
        """Let others run until ``is_ready()``, or for ``seconds``; return whether it is ready."""
        me = self.me
        assert me is not None
        me.is_ready, me.what = is_ready, what
        me.until = FOREVER if seconds is None else self.now + seconds
        try:
            self._switch()
        finally:
            me.is_ready, me.until, me.what = None, FOREVER, ""
        return is_ready()

    def _switch(self) -> None:
        me = self.me
        assert me is not None
        heir = self._choose()
        if heir is not me:
            self.me = heir
            heir.turn.release()
            me.turn.acquire()
        if self._is_stopping:
            raise Stopped

    def _choose(self) -> Actor:
        """Return the actor that runs next. Events outside the process that are due happen first."""
        if self._is_stopping:
            return next(actor for actor in self.actors if not actor.is_over)
        self._is_choosing = True
        try:
            return self._choose_fairly()
        finally:
            self._is_choosing = False

    def _choose_fairly(self) -> Actor:
        self.switches += 1
        if self.switches > MOST_SWITCHES or self.now > self.world_began + MOST_SECONDS:
            self.fail(f"no end after {self.switches} switches and {self.now - self.world_began:.0f} s\n{self.stacks()}")
        try:
            self.world.go_on()
            self.check()
        except Exception as error:
            self.fail("".join(traceback.format_exception(error)) + self.stacks())
        while True:
            able = [actor for actor in self.actors if self._can_go(actor)]
            next_at = min(
                (actor.until for actor in self.actors if not actor.is_over and actor.until > self.now), default=FOREVER
            )
            if able:
                is_hasty = self._rhythm.haste and self._chance.random() < self._rhythm.haste
                if not is_hasty or next_at > self.now + 0.02:
                    heir = self._chance.choice(able)
                    self.digest = hash((self.digest, heir.number, self.points))
                    return heir
            next_at = min(next_at, self.world.next_at)
            if next_at == FOREVER:
                self.fail(f"deadlock: everybody waits and nothing will come\n{self.stacks()}")
            self.world.now = max(self.now, next_at)
            self.world.go_on()

    def _can_go(self, actor: Actor) -> bool:
        if actor.is_over:
            return False
        return actor.is_ready is None or actor.until <= self.now or actor.is_ready()

    @property
    def world_began(self) -> float:
        return START

    # Failing --------------------------------------------------------------------------------------

    def fail(self, why: str, *, stop: bool = True) -> None:
        """Record a failure and end the run."""
        if not self._is_stopping:
            self.failures.append(why)
        self._is_stopping = True
        if stop:
            raise Stopped

    def stacks(self) -> str:
        """Return the stacks of all actors."""
        frames = sys._current_frames()
        lines: list[str] = []
        for actor in self.actors:
            if actor.is_over:
                continue
            lines.append(f"{actor.name} {'waits for ' + actor.what if actor.is_ready else 'could run'}")
            frame: FrameType | None = frames.get(actor.ident)
            stack = [] if frame is None else traceback.extract_stack(frame)
            lines += [
                f"    {entry.filename.rpartition('/')[2]}:{entry.lineno} {entry.name}: {entry.line}"
                for entry in stack
                if entry.filename in self._traced
            ]
        return "\n".join(lines)

    # Tracing --------------------------------------------------------------------------------------

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in self._traced:
            return None
        self.point()
        latest = -1

        def trace_line(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal latest
            # Some interpreters sometimes report a line twice. Count it once, or a seed could not be replayed.
            if event == "line" and frame.f_lineno != latest:
                latest = frame.f_lineno
                self.point()
            return trace_line

        return trace_line


def _look_away(*_: Any) -> None:
    """Trace nothing."""


START: Final = World().now
