"""The faults of a run, by name.

Rule 1: faults happen outside the process; the pool sees only what a real socket would show.
Rule 2: every fault except a black hole ends by itself; ``heal`` ends all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from .loop import World
from .network import SimSocket, Weather
from .server import Server


class Faults:
    """Causes the faults of the plan, and knows since when there has been none."""

    def __init__(
        self, world: World, server: Server, weather: Weather, chance: Random, note: Callable[..., None]
    ) -> None:
        self._world = world
        self._server = server
        self._weather = weather
        self._chance = chance
        self._note = note
        self.sockets: list[SimSocket] = []
        self._password = server.password
        self.struck = 0
        #: Stalls of the whole process, as (time, seconds).
        self.stalls: list[tuple[float, float]] = []
        self._over = False

    def schedule(self, faults: list[tuple[float, str]]) -> None:
        for when, name in faults:
            self._world.after(when, self._discard, name)

    def schedule_failovers(self, failovers: list[tuple[float, float]]) -> None:
        for when, late in failovers:
            self._world.after(when, self._failover, late)

    def _failover(self, late: float) -> None:
        if not self._over:
            self.struck += 1
            self._note("failover", late)
            self._server.fail_over(late)

    def _discard(self, name: str) -> None:
        if self._over:
            return
        self.struck += 1
        self._note("fault", name)
        getattr(self, f"_{name}")()

    def heal(self) -> None:
        """End every fault, and cause no more."""
        self._over = True
        self._heal(self._server)
        for sock in self.sockets:
            sock.up.extra = sock.down.extra = 0.0

    def _heal(self, server: Server) -> None:
        """End every fault of one node."""
        if server.mode != "up":
            server.start()
        server.loading_until = server.demoted_until = 0.0
        server.greets_at = 0.0
        server.password = self._password
        server.slowness = (0.0, 0.0)
        server.push_rate = server.garble_rate = 0.0
        server.max_clients = 10_000
        for session in list(server.sessions):
            if session.is_mute:
                session.drop(politely=False)

    def outage(self, seconds: float) -> None:
        """Stop the node, and end every connection, for a time. There is no other fault meanwhile."""
        self._server.stop(self._chance.choice(("refuse", "silent")), politely=self._chance.random() < 0.5)
        self._world.after(seconds, self._server.start)

    def _links(self) -> list[SimSocket]:
        return [sock for sock in self.sockets if sock.session is not None and not sock.session.is_over]

    def _link(self) -> SimSocket | None:
        links = self._links()
        return self._chance.choice(links) if links else None

    def _seconds(self) -> float:
        return self._chance.choice((0.001, 0.05, 0.4, 3.0, 8.0))

    # On one link -------------------------------------------------------------------------------------

    def _reset(self) -> None:
        if link := self._link():
            link.reset(loses_replies=self._chance.random() < 0.5)

    def _eof(self) -> None:
        if link := self._link():
            link.session.drop(politely=True)

    def _farewell(self) -> None:
        for link in self._links():
            link.session.says_farewell = True

    def _half_reply(self) -> None:
        if link := self._link():
            link.session.cut_next_reply(self._chance.random())

    def _freeze(self) -> None:
        if link := self._link():
            seconds = self._seconds()
            link.up.freeze(seconds)
            link.down.freeze(seconds)

    def _freeze_down(self) -> None:
        if link := self._link():
            link.down.freeze(self._seconds())

    def _slow_link(self) -> None:
        if link := self._link():
            link.down.extra = self._seconds() / 4

    def _black_hole(self) -> None:
        if link := self._link():
            link.black_hole()

    def _push(self) -> None:
        self._server.push_rate = self._chance.choice((0.0, 0.3, 1.0))
        for link in self._links():
            link.session.push(b">3\r\n+message\r\n+news\r\n+hello\r\n")

    # On the node -------------------------------------------------------------------------------------

    def _slow_server(self) -> None:
        self._server.slowness = (self._chance.choice((0.1, 1.0)), self._chance.choice((0.001, 0.02, 0.5)))

    def _fast_server(self) -> None:
        self._server.slowness = (0.0, 0.0)

    def _restart(self) -> None:
        self._away("refuse", politely=False)

    def _polite_restart(self) -> None:
        self._away("refuse", politely=True)

    def _away(self, how: str, *, politely: bool) -> None:
        self._server.stop(how, politely=politely)
        self._world.after(self._chance.choice((0.01, 0.2, 1.0, 6.0, 60.0, 3600.0)), self._come_back, self._server)

    def _come_back(self, server: Server) -> None:
        if server.mode != "up":
            server.start(loading=self._chance.choice((0.0, 0.0, 0.05, 1.0)))

    def _refuse(self) -> None:
        self._admission("refuse")

    def _silent(self) -> None:
        self._admission("silent")

    def _mute(self) -> None:
        self._admission("mute")

    def _admission(self, how: str) -> None:
        """New connections fail; open ones are not affected."""
        self._server.mode = how
        self._world.after(self._seconds(), self._come_back, self._server)

    def _loading(self) -> None:
        self._server.loading_until = self._world.now + self._seconds()

    def _demoted(self) -> None:
        """Make the node a replica for a while, which refuses writes."""
        self._server.demoted_until = self._world.now + self._seconds()

    def _locked(self) -> None:
        """Change the password for a while. Open connections stay authenticated."""
        self._server.password = "another"
        self._world.after(self._seconds(), self._unlock)

    def _unlock(self) -> None:
        self._server.password = self._password

    def _crowded(self) -> None:
        self._server.max_clients = len(self._server.sessions) + self._chance.randint(0, 1)
        self._world.after(self._seconds(), self._uncrowd, self._server)

    def _uncrowd(self, server: Server) -> None:
        server.max_clients = 10_000

    def _network_down(self) -> None:
        seconds = self._seconds()
        for link in self._links():
            link.up.freeze(seconds)
            link.down.freeze(seconds)
        if self._server.mode == "up":
            self._admission("silent")

    # On the process ----------------------------------------------------------------------------------

    def _stall(self) -> None:
        """Stall the process: when it continues, many things are due at once."""
        seconds = self._chance.choice((0.002, 0.1, 3.0))
        self.stalls.append((self._world.now, seconds))
        self._world.now += seconds

    def stalled_between(self, start: float, end: float) -> float:
        """Return for how many seconds the process was stalled within a period."""
        return sum(seconds for when, seconds in self.stalls if when + seconds >= start and when <= end)
