"""One seed, one run."""

from __future__ import annotations

import gc
import warnings
from dataclasses import dataclass, field
from typing import Final

from respool._protocol import run as run_module
from respool._protocol.run import BIG_COUNT
from simulation.network import Weather
from simulation.plan import chance_of

from .baton import START, Rhythm
from .scenes import SCENES, Scene
from .stage import Stage

READINGS: Final = ("as sent", "merged", "split", "crumbs")


@dataclass
class Result:
    seed: int
    scene: str
    failures: list[str] = field(default_factory=list)
    switches: int = 0
    points: int = 0
    commands: int = 0
    threads: int = 0
    seconds: float = 0.0
    digest: int = 0


def play(seed: int, scene: type[Scene] | None = None) -> Result:
    """Run a scene with the thread switches that ``seed`` decides."""
    chance = chance_of(seed, "plan")
    kind = chance.choice(SCENES)
    rhythm = Rhythm(
        gap=chance.choice((1.0, 4.0, 20.0, 100.0)),
        tick=chance.choice((2e-7, 2e-6, 1e-5)),
        haste=chance.choice((0.0, 0.0, 0.02, 0.2)),
        lines=chance.random() < 0.85,
    )
    weather = Weather(
        latency=chance.choice((0.0, 0.00002, 0.0005)),
        jitter=chance.choice((0.0, 0.5, 5.0)),
        reading=chance.choice(READINGS),
        window=chance.choice((64, 4096, 1 << 20)),
        delivers_last=1.0,
    )
    stage = Stage(seed, rhythm, weather)
    played = (scene or kind)(stage)
    run_module.BIG_COUNT = chance.choice((BIG_COUNT, 1, 2))  # type: ignore[misc]  # final but for us
    try:
        stage.run(played.play)
    finally:
        run_module.BIG_COUNT = BIG_COUNT  # type: ignore[misc]
    baton = stage.baton
    result = Result(
        seed=seed,
        scene=type(played).__name__,
        failures=baton.failures,
        switches=baton.switches,
        points=baton.points,
        commands=played.books.commands,
        threads=len(baton.actors),
        seconds=baton.now - START,
        digest=baton.digest,
    )
    if baton.failures:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the pool of a run that failed was never closed
            del played, stage, baton
            gc.collect()
    return result
