"""What is known about a command: its spec, its keys, and how long it may block."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from respool._facts.command import SPECS, Command, Spec, as_command, find_spec, spec
from respool.errors import UsageTypeError, UsageValueError


class TestFinding:
    @pytest.mark.parametrize(
        "args", [("get", "k"), (b"GET", "k"), ("GeT",), (bytearray(b"get"),), (memoryview(b"get"),)]
    )
    def test_a_name_is_found_in_any_spelling(self, args: tuple[Any, ...]) -> None:
        assert find_spec(args) is spec("GET")

    def test_a_subcommand_is_part_of_the_name(self) -> None:
        assert find_spec(("client", b"list")) is spec("CLIENT LIST")
        assert find_spec(("CLIENT",)) is spec("CLIENT")
        assert find_spec(("GET", "LIST")) is spec("GET")

    def test_an_unknown_command_is_a_write_that_is_never_sent_twice(self) -> None:
        unknown = find_spec(("MY.COMMAND", "k"))
        assert unknown.name == "MY.COMMAND"
        assert not unknown.safe
        assert unknown.plain
        assert find_spec(("CONFIG", "FROBNICATE")).name == "CONFIG FROBNICATE"

    def test_a_read_of_a_well_known_module_is_safe_and_a_write_is_not(self) -> None:
        for name in ("JSON.GET", b"ft.search", "BF.EXISTS", "TS.RANGE", "VSIM"):
            assert find_spec((name, "k")).safe, name
        for name in ("JSON.SET", b"ft.cursor", "BF.ADD", "TS.ADD", "VADD", "FT.DEBUG"):
            assert not find_spec((name, "k")).safe, name

    @pytest.mark.parametrize("line", ["HIMPORT PREPARE u name", "himport set k u ann", "HIMPORT NEW-WORD"])
    def test_what_depends_on_a_fieldset_of_its_connection_is_refused_on_a_shared_one(self, line: str) -> None:
        known = find_spec(line.split())
        assert known.effect == "stain"
        assert "take a lease" in (known.refusal or "")

    def test_an_unknown_client_subcommand_is_refused_on_a_shared_connection(self) -> None:
        unknown = find_spec(("CLIENT", "FROBNICATE"))
        assert unknown.effect is not None
        assert unknown.refusal is not None
        assert not unknown.plain

    @pytest.mark.parametrize("name", [1, None, 1.5, ["GET"]])
    def test_a_name_is_text(self, name: Any) -> None:
        with pytest.raises(UsageTypeError, match="a command name is str or bytes"):
            find_spec((name,))

    @pytest.mark.parametrize("name", ["GET key", b"GET key", "AUTH secret", "CLIENT LIST"])
    def test_a_whole_line_is_no_name_and_is_not_shown(self, name: Any) -> None:
        with pytest.raises(UsageValueError, match="a command's name has no spaces") as caught:
            find_spec((name,))
        assert "secret" not in str(caught.value)

    def test_what_changes_the_connection_is_refused_with_the_right_call(self) -> None:
        for name, known in SPECS.items():
            assert (known.effect is None) == (known.refusal is None), name
            assert known.plain == (known.blocking is known.effect is known.refusal is None and not known.blob)
            assert not (known.safe and known.effect), name

    def test_a_spec_shows_its_name(self) -> None:
        assert repr(spec("CLIENT LIST")) == "<Spec CLIENT LIST>"

    def test_a_derived_spec_differs_in_what_was_asked_for_only(self) -> None:
        derived = spec("BLPOP").derive(parse=str)
        assert derived.parse is str
        assert (derived.name, derived.safe, derived.blocking) == ("BLPOP", False, "-1 s")
        assert spec("INCR").derive(safe=True).safe
        assert spec("INCR").derive(safe=True).keys_of(("INCR", "k")) == ["k"]
        assert derived.derive().parse is str
        select = spec("SELECT").derive(safe=True)
        assert (select.effect, select.refusal, select.plain) == ("select", spec("SELECT").refusal, False)

    def test_whatever_blocks_has_an_effect_or_is_refused_is_not_plain(self) -> None:
        assert Spec("NEW").plain
        assert not Spec("NEW", blocking="1 s").plain
        assert not Spec("NEW", effect="stain").plain
        assert not Spec("NEW", refusal="use something else").plain
        assert not Spec("NEW", blob=True).plain

    def test_a_blob_is_a_fact_of_the_name_and_can_be_derived(self) -> None:
        assert {name for name, known in SPECS.items() if known.blob} == {"DUMP", "FUNCTION DUMP"}
        derived = spec("GET").derive(blob=True)
        assert (derived.blob, derived.plain, derived.safe) == (True, False, True)
        assert derived.derive(safe=True).blob
        assert not derived.derive(blob=False).blob


class TestBlocking:
    @pytest.mark.parametrize(
        ("line", "seconds"),
        [
            ("GET k", None),
            ("BLPOP a b 2", 2.0),
            ("BLPOP a 0.25", 0.25),
            ("BLPOP a 0", math.inf),
            ("BRPOP a 1", 1.0),
            ("BLMOVE a b LEFT RIGHT 3", 3.0),
            ("BLMOVEM a b LEFT RIGHT 3 COUNT 5 BULK", 3.0),
            ("BLMPOP 4 1 k LEFT", 4.0),
            ("BZMPOP 0 1 k MIN", math.inf),
            ("BZPOPMIN k 5", 5.0),
            ("WAIT 1 500", 0.5),
            ("WAIT 1 0", math.inf),
            ("WAITAOF 1 1 1500", 1.5),
            ("XREAD COUNT 1 BLOCK 2000 STREAMS s 0", 2.0),
            ("XREAD block 0 STREAMS s 0", math.inf),
            ("XREAD COUNT 1 STREAMS s 0", None),
            ("XREAD STREAMS block 0", None),
            ("XREADGROUP GROUP g c BLOCK 100 STREAMS s >", 0.1),
            ("XREADGROUP GROUP block streams STREAMS s >", None),
            ("XREADGROUP GROUP streams block BLOCK 100 STREAMS s >", 0.1),
            ("TS.READ k - BLOCK 1500 1 MAX_COUNT 5", 1.5),
            ("TS.READ k - MAX_COUNT 5 block 0 1", math.inf),
            ("TS.READ BLOCK 0", None),
            ("BLPOP a soon", 0.0),
            ("BLPOP a -1", 0.0),
            ("BLPOP a nan", 0.0),
            ("WAIT 1", 0.0),
            ("XREAD BLOCK", 0.0),
        ],
    )
    def test_how_long_a_call_may_block(self, line: str, seconds: float | None) -> None:
        for args in (tuple(line.split()), tuple(line.encode().split())):
            assert find_spec(args).blocks_for(args) == seconds

    def test_a_number_is_a_number(self) -> None:
        assert spec("BLPOP").blocks_for(("BLPOP", "a", 1.5)) == 1.5
        assert spec("BLPOP").blocks_for(("BLPOP", "a", 10**400)) == 0.0  # beyond all floats: refused at once
        assert spec("XREAD").blocks_for(("XREAD", "COUNT", 5, "BLOCK", 10, "STREAMS", "s", 0)) == 0.01


class TestKeys:
    @pytest.mark.parametrize(
        ("line", "keys"),
        [
            ("PING", ""),
            ("GET k", "k"),
            ("MGET a b c", "a b c"),
            ("MSET a 1 b 2", "a b"),
            ("DEL a b", "a b"),
            ("BLPOP a b 0", "a b"),
            ("SMOVE a b m", "a b"),
            ("LCS a b LEN", "a b"),
            ("BITOP AND d a b", "d a b"),
            ("EVAL script 2 a b x", "a b"),
            ("EVAL script 0 x", ""),
            ("EVAL script many x", ""),
            ("EVAL script", ""),
            ("FCALL f 1 a x", "a"),
            ("ZUNION 2 a b WITHSCORES", "a b"),
            ("ZUNIONSTORE d 2 a b", "d a b"),
            ("LMPOP 2 a b LEFT", "a b"),
            ("BLMPOP 0 2 a b LEFT", "a b"),
            ("OBJECT ENCODING k", "k"),
            ("MEMORY USAGE k", "k"),
            ("XINFO STREAM s", "s"),
            ("XGROUP CREATE s g 0", "s"),
            ("MIGRATE host 1 k 0 100 COPY", "k"),
            ("MIGRATE host 1 KEYS 0 100 AUTH KEYS", "KEYS"),
            ("MIGRATE host 1", ""),
            ("XREAD COUNT 1 STREAMS a b 0 0", "a b"),
            ("XREAD COUNT 1", ""),
            ("XREADGROUP GROUP streams c STREAMS s >", "s"),
            ("MIGRATE h 1 k 0 10", "k"),
            ("SORT k", "k"),
            ("SORT k BY store GET store LIMIT 0 1 ALPHA store d", "k d"),
            ("SORT k BY store GET x", "k"),
            ("SORT k STORE d STORE e", "k e"),
            ("SORT STORE STORE d", "STORE d"),
            ("SORT k STORE", "k"),
            ("SORT k STORE STORE", "k STORE"),
            ("GEORADIUS k 1 2 3 km STORE d", "k d"),
            ("GEORADIUS k 1 2 3 km COUNT 1 ANY STOREDIST d", "k d"),
            ("GEORADIUSBYMEMBER k STORE 3 km ASC storedist d", "k d"),
            ("GEORADIUSBYMEMBER k m 3 km", "k"),
            ("HIMPORT SET k u value", "k"),
            ("SUNIONCARD 2 a b LIMIT 1", "a b"),
            ("VSIM k VALUES 2 0.5 0.5", "k"),
            ("JSON.GET k $.a $.b", "k"),
            ("JSON.MGET a b $", "a b"),
            ("JSON.MSET a $ 1 b $ 2", "a b"),
            ("CMS.MERGE d 2 a b WEIGHTS 1 2", "d a b"),
            ("TS.NRANGE 2 a b - +", "a b"),
            ("TS.MRANGE - + FILTER a=1", ""),
            ("UNKNOWN a b", ""),
        ],
    )
    def test_the_keys_of_a_call(self, line: str, keys: str) -> None:
        assert Command(*line.split()).keys == keys.split()

    @pytest.mark.parametrize("none", ["", b""])
    @pytest.mark.parametrize("line", ["", "COPY REPLACE ", "AUTH keys ", "AUTH2 keys keys "])
    def test_keys_that_migrate_follow_their_word(self, none: str | bytes, line: str) -> None:
        command = Command("MIGRATE", "host", 1, none, 0, 100, *line.split(), "KEYS", "a", "keys")
        assert command.keys == ["a", "keys"]


class TestCommands:
    def test_a_command_is_a_value_made_by_name_or_by_spec(self) -> None:
        by_name, by_spec = Command("CLIENT", "LIST"), Command(spec("CLIENT LIST"))
        assert by_name.args == by_spec.args == ("CLIENT", "LIST")
        assert by_name.spec is by_spec.spec
        assert by_name.name == "CLIENT LIST"

    def test_its_repr_shows_no_argument(self) -> None:
        assert repr(Command("SET", "key", "hush")) == "<Command SET, 2 arguments>"
        assert repr(Command("GET", "key")) == "<Command GET, 1 argument>"

    def test_a_parser_of_its_own_goes_before_the_usual_one(self) -> None:
        made = Spec("X", parse=int)
        assert Command(made).parse is int
        assert Command(made, parse=str).parse is str
        assert Command.of(("X",), made, None).parse is int
        assert Command.of(("X",), made, str).parse is str

    def test_one_marked_idempotent_is_safe_to_send_twice_and_others_are_not(self) -> None:
        assert Command("INCR", "k", idempotent=True).spec.safe
        assert not Command("INCR", "k").spec.safe
        assert not spec("INCR").safe

    def test_idempotent_makes_a_copy_that_is_safe_to_send_twice(self) -> None:
        command = Command("BLPOP", "k", 1, parse=len)
        safe = command.idempotent()
        assert safe.spec.safe
        assert not command.spec.safe
        assert (safe.args, safe.keys, safe.parse, safe.spec.blocks_for(safe.args)) == (command.args, ["k"], len, 1.0)
        watch = Command("WATCH", "k").idempotent().spec
        assert (watch.effect, watch.refusal) == (spec("WATCH").effect, spec("WATCH").refusal)

    def test_map_makes_a_copy_whose_reply_is_given_to_a_function(self) -> None:
        command = Command("GETDEL", "k", parse=int)
        mapped = command.map(float)
        assert (mapped.args, mapped.spec, mapped.keys) == (command.args, command.spec, ["k"])
        assert command.parse is int
        assert mapped.parse is not None
        assert repr(mapped.parse(b"5")) == "5.0"

    def test_map_gives_a_reply_without_a_parser_as_it_is(self) -> None:
        mapped = Command("GET", "k").map(len)
        assert mapped.parse is not None
        assert mapped.parse(b"abc") == 3

    def test_maps_compose_and_none_stays_none(self) -> None:
        seen: list[Any] = []
        chain = Command("GET", "k").map(seen.append).map(seen.append)
        assert chain.parse is not None
        assert chain.parse(b"v") is None  # the first function returned None, and the second did not see it
        assert chain.parse(None) is None
        assert seen == [b"v"]
        for nothing in (0, "", b"", [], False):  # are something
            assert chain.parse(nothing) is None
        assert seen == [b"v", 0, "", b"", [], False]
        text = Command("GET", "k").map(len).map(str).idempotent().map(list)
        assert text.spec.safe
        assert text.parse is not None
        assert text.parse(b"x" * 12) == ["1", "2"]
        parsed_to_none: Command[Any] = Command("GET", "k", parse=lambda _: None).map(seen.append)
        assert parsed_to_none.parse is not None
        assert parsed_to_none.parse(b"v") is None
        assert len(seen) == 6

    @pytest.mark.parametrize("wrong", [None, 3, "int", b""])
    def test_map_takes_a_function(self, wrong: Any) -> None:
        with pytest.raises(UsageTypeError, match=f"a function that gets the reply, not {type(wrong).__name__}"):
            Command("GET", "k").map(wrong)

    def test_map_refuses_what_would_only_return_a_coroutine(self) -> None:
        async def load(_: Any) -> Any: ...

        async def pages(_: Any) -> Any:
            yield

        class Loader:
            async def __call__(self, _: Any) -> Any: ...

            async def load(self, _: Any) -> Any: ...

        for wrong in (load, pages, partial(load), Loader(), Loader().load):
            with pytest.raises(UsageTypeError, match="await an async one with what execute returns"):
                Command("GET", "k").map(wrong)
        for right in (Loader, lambda _: None, len, str.upper):
            assert Command("GET", "k").map(right)

    def test_as_command_takes_commands_and_sequences(self) -> None:
        command = Command("GET", "k")
        assert as_command(command) is command
        assert as_command(["GET", "k"]).args == ("GET", "k")
        assert as_command((bytearray(b"get"), "k")).name == "GET"
        for wrong in ("GET", b"GET", bytearray(b"GET"), memoryview(b"GET"), 1, None):
            with pytest.raises(UsageTypeError, match="a command is a Command or a sequence"):
                as_command(wrong)  # type: ignore[arg-type]
        for name in (["GET", "k"], {}, 1, None):
            with pytest.raises(UsageTypeError, match="a command name is str or bytes"):
                as_command((name, "k"))
        with pytest.raises(UsageValueError, match="at least its name"):
            as_command([])


def test_what_may_run_users_code_is_known() -> None:
    scripts = ("EVAL", "evalsha", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO")
    for line in (*scripts, "MODULE.COMMAND", "JSON.GET", "ts.add", "FT.DEBUG NEW-WORD", "CONFIG NEW-WORD"):
        assert find_spec(line.split()).runs_code, line
    for line in ("SET", "get", "VADD", "SCRIPT LOAD", "FUNCTION LOAD", "CONFIG GET", "BLPOP", "MULTI", "EXEC"):
        assert not find_spec(line.split()).runs_code, line
    assert Command("EVAL", "x", 0, idempotent=True).spec.runs_code
    assert not Command("SET", "k", "v", idempotent=True).spec.runs_code
