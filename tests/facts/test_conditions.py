"""The conditions of a view become facts of the specs of its commands."""

from __future__ import annotations

from typing import Any

import pytest

from respool import Command, commands
from respool._facts.command import Spec, spec
from respool._facts.conditions import KEPT, Conditions
from respool.errors import UsageTypeError, UsageValueError

RAW = Conditions().changed(encoding=None)
TWICE = Conditions().changed(idempotent=True)


def test_a_condition_about_a_command_becomes_a_fact_of_its_spec() -> None:
    assert (RAW.spec(spec("SET")).blob, RAW.spec(spec("SET")).safe) == (True, False)
    assert (TWICE.spec(spec("SET")).blob, TWICE.spec(spec("SET")).safe) == (False, True)
    assert TWICE.spec(spec("SET")).plain
    both = RAW.changed(idempotent=True).spec(spec("SELECT"))
    assert (both.blob, both.safe, both.refusal, both.effect) == (True, True, spec("SELECT").refusal, "select")
    assert TWICE.spec(spec("DUMP")).blob
    hasty = Conditions().changed(timeout=1)
    assert hasty.spec(spec("SET")) is spec("SET")
    assert (hasty.timeout, type(hasty.timeout)) == (1.0, float)


def test_the_spec_of_a_known_command_is_derived_once() -> None:
    assert RAW.spec(spec("GET")) is RAW.spec(spec("GET"))
    assert RAW.spec(spec("GET")) is not TWICE.spec(spec("GET"))


def test_names_that_nobody_knows_do_not_fill_the_memory() -> None:
    kept = [RAW.spec(Spec(f"NEW{at}")) for at in range(3000)]
    assert len({each.name for each in kept}) == 3000
    assert RAW.spec(spec("INCR")).blob


def test_later_conditions_are_added_or_win() -> None:
    all_of_them = RAW.changed(timeout=0.2).changed(idempotent=True).changed(encoding=None)
    assert repr(all_of_them) == "encoding=None timeout=0.2 idempotent=True"
    assert all_of_them.changed(timeout=3.0).timeout == 3.0
    assert all_of_them.changed(timeout=None).timeout is None
    assert all_of_them.changed(timeout=0).timeout == 0.0
    assert repr(RAW) == "encoding=None"
    assert repr(Conditions()) == "timeout=None"


@pytest.mark.parametrize("given", [("GET", "k"), ["GET", "k"], Command("GET", "k"), commands.get("k")])
def test_a_command_may_be_given_in_any_way(given: Any) -> None:
    command = RAW.command(given)
    assert (command.args, command.spec.blob, command.parse) == (("GET", "k"), True, None)


def test_a_command_keeps_its_parser() -> None:
    assert RAW.command(Command("GET", "k", parse=len)).parse is len
    assert RAW.command(commands.exists("k", "m")).parse is commands.exists("k", "m").parse
    with pytest.raises(UsageTypeError, match="a command is a Command or a sequence"):
        RAW.command("GET")
    with pytest.raises(UsageValueError, match="at least its name"):
        RAW.command(())


def test_commands_are_taken_when_they_are_read_but_not_those_added_meanwhile() -> None:
    given = [("GET", "a")]
    several = RAW.commands(given)
    given.append(("GET", "b"))
    assert [command.args for command in several] == [("GET", "a")]
    assert [command.spec.blob for command in RAW.commands(iter(given))] == [True, True]


@pytest.mark.parametrize("bad", ["GET", b"GET", 7, None])
def test_what_is_no_list_of_commands_is_left_to_be_refused(bad: Any) -> None:
    assert RAW.commands(bad) is bad


def test_what_is_no_condition_is_refused() -> None:
    with pytest.raises(UsageTypeError, match=r"using\(\) needs a condition"):
        RAW.changed()
    with pytest.raises(UsageTypeError, match="there is no other encoding per call, not 'latin-1'"):
        RAW.changed(encoding="latin-1")
    for bad in (False, None, 1, "yes"):
        with pytest.raises(UsageTypeError, match="idempotent must be True"):
            RAW.changed(idempotent=bad)
    for bad in ("1", True):
        with pytest.raises(UsageTypeError, match="timeout must be a number of seconds or None"):
            RAW.changed(timeout=bad)
    assert repr(KEPT) == "KEPT"
