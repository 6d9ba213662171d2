"""The versions in the documentation are those that the servers tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
import command_history


def test_the_versions_are_those_of_the_server(talk: Any, called: str) -> None:
    if called == "redis":
        pytest.skip("the file has what the newer Redis says")
    ask = talk(3, "utf-8")
    told = command_history.told(ask("COMMAND", "DOCS"), ask("COMMAND"))
    assert len(told) > 350
    server = called.partition(" ")[0]
    known = {name: facts[server] for name, facts in command_history.read().items() if server in facts}
    assert {name: facts for name, facts in known.items() if name not in command_history.NEWER} == told
