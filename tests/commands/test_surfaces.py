"""Every method of the three surfaces sends what the function of its name says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from respool import commands
from respool._facts.errors import UsageValueError
from respool._surfaces.asyncio import AsyncCommands
from respool._surfaces.pipeline import PipelineCommands
from respool._surfaces.threads import Commands

Sent = tuple[tuple[Any, ...], Any, Any]


class Async(AsyncCommands[bytes]):
    def _execute(self, args: Any, spec: Any, parse: Any = None) -> Any:
        return args, spec, parse


class Sync(Commands[bytes]):
    def _execute(self, args: Any, spec: Any, parse: Any = None) -> Any:
        return args, spec, parse


class Pipeline(PipelineCommands[bytes]):
    def _add(self, args: Any, spec: Any, parse: Any = None) -> Any:
        return args, spec, parse


SURFACES = [Async(), Sync(), Pipeline()]


def test_a_method_sends_what_the_function_says(example: Any) -> None:
    command = example.call.command
    for surface in SURFACES:
        method: Callable[..., Sent] | None = getattr(surface, example.call.name, None)
        if method is None:
            assert example.call.name == "reset"  # connections have a better one
            continue
        args, spec, parse = method(*example.call.args, **example.call.options)
        assert args == command.args, surface
        assert spec is command.spec, surface
        assert (spec.parse if parse is None else parse) is command.parse, surface


@pytest.mark.parametrize("surface", SURFACES)
def test_a_method_refuses_what_the_function_refuses(surface: Any) -> None:
    with pytest.raises(UsageValueError, match="nx and xx exclude each other"):
        surface.set("k", "v", nx=True, xx=True)
    with pytest.raises(UsageValueError, match="DEL needs at least one key"):
        surface.delete()


def test_a_plain_call_makes_no_command_object(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (commands.strings, commands.lists):
        monkeypatch.delattr(module, "Command")
    surface = Sync()
    for sent in (surface.get("k"), surface.set("k", "v"), surface.incr("k"), surface.lpop("k"), surface.mget("k")):
        assert sent


@pytest.mark.parametrize(
    ("surface", "call"), [(AsyncCommands, "_execute"), (Commands, "_execute"), (PipelineCommands, "_add")]
)
def test_a_surface_needs_a_subclass(surface: Any, call: str) -> None:
    with pytest.raises(NotImplementedError):
        surface().get("k")


def test_groups_that_most_programs_never_use_are_loaded_by_their_first_call() -> None:
    script = """
import sys
from respool import Pool, commands
from respool._surfaces.threads import Commands

def loaded():
    return {name.rpartition(".")[2] for name in sys.modules if name.startswith("respool.commands.")}

assert "strings" in loaded()
assert not {"acl", "cluster", "search", "server", "json"} & loaded(), loaded()
assert commands.acl_whoami().args == ("ACL", "WHOAMI")
assert "acl" in loaded()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
