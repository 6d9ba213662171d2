"""At every stage of the interpreter's end, pools may be open, closed, used and dropped without a hang (R-38)."""

from __future__ import annotations

import sys

import pytest

from endings import SCENES, play, pythons
from respool.testing import Server

#: Versions that differ at the end: joining threads, starting threads, locks of threads that have stopped.
TELLING = [
    "a generator holds a pool",
    "a pool is made at teardown",
    "a pool that daemon threads use is used at teardown",
    "a pool that daemon threads lease from is used at teardown",
    "a thread that outlives the main thread opens a pool",
]


@pytest.mark.parametrize("scene", SCENES)
def test_the_program_ends_by_itself_and_without_complaint(server: Server, scene: str) -> None:
    play(SCENES[scene], server.url)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_other_interpreters_end_as_well(server: Server, version: str) -> None:
    python = next((each for each in pythons() if version in each), None)
    if python is None:
        pytest.skip(f"no other Python {version} with hiredis here: neither on PATH nor in RESPOOL_PYTHONS")
    for scene in TELLING:
        play(SCENES[scene], server.url, python)


def test_what_needs_nobody_else_still_works_at_teardown(server: Server) -> None:
    words = play(SCENES["a pool is used at teardown"], server.url)
    assert words == ["done"] * 11 + ["PoolClosed"]  # from the call after close


def test_what_needs_a_thread_is_a_clear_error_at_teardown(server: Server) -> None:
    ping, never_used, opening, *_ = play(SCENES["a pool is made at teardown"], server.url)
    assert (ping, opening) == ("PoolClosed", "PoolClosed")
    assert never_used in ("UsageError", "PoolClosed")  # its file can be loaded, or not any more
    assert "PoolClosed" in play(SCENES["a pool that daemon threads use is used at teardown"], server.url)


def test_a_pool_opened_after_the_main_thread_ended_works_or_says_why_not(server: Server) -> None:
    words = play(SCENES["a thread that outlives the main thread opens a pool"], server.url)
    assert words == (["PoolError", "done"] if sys.version_info[:2] == (3, 12) else ["done", "done"])
