"""With event loops too, a pool never hangs at the end of the interpreter (R-38)."""

from __future__ import annotations

import pytest

from endings import ASYNC_SCENES, play
from respool.testing import Server


@pytest.mark.parametrize("scene", ASYNC_SCENES)
def test_the_program_ends_by_itself_and_without_complaint(server: Server, scene: str) -> None:
    play(ASYNC_SCENES[scene], server.url)
