"""Scripts in runs: what loads them, what stands in for them in a transaction, and what NOSCRIPT proves."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.command import Command, spec
from respool._facts.errors import NoScript, server_error
from respool._protocol.run import ASKING, EXEC, MULTI, Run, behind_others, noreply_args
from respool._protocol.scripts import is_unknown_script, reply_to_last
from respool.errors import Error, ServerError

ADD, SHOW = b"return redis.call('INCR', KEYS[1])", b"return ARGV[1]"
LOAD_ADD, LOAD_SHOW = ("SCRIPT", "LOAD", ADD), ("SCRIPT", "LOAD", SHOW)
GET = ("GET", "k")
UNKNOWN = server_error("NOSCRIPT No matching script.")
REFUSED = server_error("NOPERM no permissions to run the 'script|load' command")


def call(script: bytes, *args: Any, name: str = "EVALSHA", blob: bool | None = None) -> Command[Any]:
    """Return a call that brings its script along; the hash is the first letters of its text."""
    return Command.of((name, script[-6:], *args), spec(name).derive(script=script, blob=blob), None)


ADDS, SHOWS = call(ADD, 1, "k"), call(SHOW, 0, "x")


class TestWhatIsSent:
    def test_a_script_is_loaded_before_its_first_call_alone(self) -> None:
        run = Run([GET, ADDS, SHOWS, ADDS, GET])
        assert run.args == [GET, LOAD_ADD, ADDS.args, LOAD_SHOW, SHOWS.args, ADDS.args, GET]
        assert run.calls == [GET, ADDS.args, SHOWS.args, ADDS.args, GET]

    def test_each_text_is_loaded_once_whatever_the_conditions_of_its_calls(self) -> None:
        safe = Command.of(ADDS.args, ADDS.spec.derive(safe=True), None)
        assert Run([ADDS, safe]).args == [LOAD_ADD, ADDS.args, ADDS.args]

    def test_a_transaction_has_texts_in_place_of_hashes(self) -> None:
        run = Run([ADDS, GET, call(SHOW, 0, "x", name="EVALSHA_RO")], atomic=True)
        assert run.args == [MULTI, ("EVAL", ADD, 1, "k"), GET, ("EVAL_RO", SHOW, 0, "x"), EXEC]
        assert run.own([b"OK", b"QUEUED", b"QUEUED", b"QUEUED", []]) == [b"OK", b"QUEUED", b"QUEUED", b"QUEUED", []]

    def test_so_has_a_run_that_opens_a_transaction_by_itself(self) -> None:
        assert Run([MULTI, ADDS, EXEC]).args == [MULTI, ("EVAL", ADD, 1, "k"), EXEC]

    def test_so_has_a_run_that_is_sent_into_a_transaction(self) -> None:
        run = Run([ADDS, SHOWS])
        run.send_texts()
        assert run.args == [("EVAL", ADD, 1, "k"), ("EVAL", SHOW, 0, "x")]
        assert (run.loads_scripts, run.own([b"QUEUED", b"QUEUED"])) == (False, [b"QUEUED", b"QUEUED"])

    def test_a_run_without_scripts_is_sent_as_it_is(self) -> None:
        run = Run([GET, ("BLPOP", "q", 1)])
        run.send_texts()
        assert (run.args is run.calls, run.loads_scripts) == (True, False)

    def test_a_run_that_was_made_in_steps_loads_a_script_once(self) -> None:
        assert Run.joined([Run([ADDS]), Run([ADDS])], atomic=False).args == [LOAD_ADD, ADDS.args, ADDS.args]

    def test_a_run_without_replies_loads_its_scripts(self) -> None:
        assert noreply_args(Run([ADDS]))[1:-1] == [LOAD_ADD, ADDS.args]

    def test_asking_is_sent_directly_before_the_call(self) -> None:
        assert behind_others(ADDS.args, ADDS.spec, asking=True) == ([LOAD_ADD, ASKING, ADDS.args], {})
        assert behind_others(ADDS.args, ADDS.spec, asking=False) == ([LOAD_ADD, ADDS.args], {})
        assert behind_others(GET, spec("GET"), asking=True) == ([ASKING, GET], {})

    def test_replies_that_stay_bytes_are_found_behind_what_was_loaded(self) -> None:
        raw = call(SHOW, 0, "x", blob=True)
        assert dict(Run([ADDS, raw, GET, raw]).blobs) == {3: None, 5: None}
        assert behind_others(raw.args, raw.spec, asking=True)[1] == {2: None}
        assert dict(Run([raw, GET], atomic=True).blobs) == {3: frozenset({0})}


class TestWhatIsAnswered:
    def test_the_replies_to_loading_are_dropped(self) -> None:
        assert Run([GET, ADDS, SHOWS, ADDS]).own([b"v", b"sha", 1, b"sha", b"x", 2]) == [b"v", 1, b"x", 2]

    def test_why_a_script_could_not_be_loaded_takes_the_place_of_noscript(self) -> None:
        own = Run([ADDS, SHOWS, ADDS]).own([REFUSED, UNKNOWN, b"sha", b"x", UNKNOWN])
        assert [str(own[0]), own[1], str(own[2])] == [str(REFUSED), b"x", str(REFUSED)]
        assert own[0] is not own[2]  # each is raised by somebody else

    def test_a_script_that_is_known_runs_although_it_could_not_be_loaded(self) -> None:
        assert Run([ADDS]).own([REFUSED, 7]) == [7]
        assert reply_to_last([REFUSED, 7], ADDS.spec) == 7

    def test_another_error_is_that_of_the_call(self) -> None:
        other = ServerError("ERR", "no")
        assert Run([ADDS]).own([REFUSED, other]) == [other]
        assert reply_to_last([REFUSED, other], ADDS.spec) is other

    def test_noscript_stays_where_the_script_was_loaded(self) -> None:
        assert Run([SHOWS, ADDS]).own([REFUSED, b"x", b"sha", UNKNOWN]) == [b"x", UNKNOWN]
        assert reply_to_last([b"sha", UNKNOWN], ADDS.spec) is UNKNOWN

    def test_the_last_reply_is_that_of_a_single_call(self) -> None:
        assert reply_to_last([b"sha", b"OK", 1], ADDS.spec) == 1
        assert str(reply_to_last([REFUSED, b"OK", UNKNOWN], ADDS.spec)) == str(REFUSED)
        assert reply_to_last([ServerError("ERR", "no"), UNKNOWN], spec("EVALSHA")) is UNKNOWN  # that was ASKING
        lost = Error("lost")
        assert reply_to_last(lost, ADDS.spec) is lost


@pytest.mark.parametrize(
    ("line", "is_the_servers"),
    [
        ("NOSCRIPT No matching script.", True),  # Valkey 9
        ("NOSCRIPT No matching script. Please use EVAL.", True),  # Redis 7
        ("NOSCRIPT of mine", False),
        ("NOSCRIPT No matching script. script: on @user_script:1.", False),  # error() in a script
        ("NOSCRIPT No matching script. script: 302b771c, on @user_script:1.", False),
    ],
)
def test_only_the_servers_own_words_prove_that_nothing_ran(line: str, is_the_servers: bool) -> None:
    error = server_error(line)
    assert isinstance(error, NoScript)
    assert is_unknown_script(error) is is_the_servers
