"""Every option: its default, its wrong types and its wrong values."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re
import ssl
from typing import Any

import pytest

from respool import AsyncConnection, AsyncPool, Connection, Pool, async_from_url, from_url
from respool._facts.option_types import ConnectionOptions, PoolOptions
from respool._facts.options import _CHECKS, NAMES, Options, checked_timeout, make_options
from respool._facts.retry_policy import RetryPolicy
from respool._facts.standing import Standing
from respool.errors import UsageError, UsageTypeError, UsageValueError

NAN, INF = math.nan, math.inf
WHOLE = (True, 1.0, "1", b"1", None, [])
SECONDS = (True, "1", b"1", [], 1j)
TEXT = (1, b"x", True, [], None)
FLAG = (1, 0, "yes", None)
FUNCTION = (1, "print", True)


async def nobody_waits(event: Any) -> None:
    """Stand in for an async listener, which nobody would await."""


#: For every option: some good values, some of a wrong type, some of a wrong value.
TABLE: dict[str, tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]] = {
    "host": (("h", "127.0.0.1", "::1"), TEXT, ("",)),
    "port": ((1, 6379, 65535), WHOLE, (0, -1, 65536)),
    "path": ((None, "/run/s"), (1, b"/s", True), ("",)),
    "tls": ((True, False, ssl.create_default_context()), (1, None, "yes"), ()),
    "db": ((0, 15, 2**31 - 1), WHOLE, (-1, 2**31, 10**400)),
    "username": ((None,), (1, b"u", True), ()),
    "password": ((None, "", "pw"), (1, b"pw", True), ()),
    "credentials": ((None, lambda: "pw"), FUNCTION, ()),
    "client_info": ((True, False), FLAG, ()),
    "client_name": ((None, "me", "a-b.c:1"), (1, b"me"), ("", "a b", "a\n", "é")),
    "protocol": ((2, 3), (True, "3", None, 3.0), (1, 4)),
    "encoding": ((None, "utf-8", "latin-1"), (1, b"utf-8", True), ("nonsense", "", "rot13", "base64", "a\0b", "utf-16", "utf-8-sig", "cp037", "punycode")),
    "encoding_errors": (("strict", "replace", "surrogateescape"), TEXT, ("", "nonsense")),
    "connect_timeout": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "read_timeout": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "acquire_timeout": ((None, 0, 0.1, 5), SECONDS, (-1, NAN, INF, 10**400)),
    "stall_after": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "min_size": ((0, 16), WHOLE, (-1, 17)),
    "max_size": ((1, 10_000), WHOLE, (0, -1)),
    "shared": ((None, 0, 1, 16), (True, 1.0, "1"), (-1, 17)),
    "strategy": (("least_pending", "round_robin", "random"), TEXT, ("best", "")),
    "on_full": (("wait", "raise"), TEXT, ("panic",)),
    "max_waiting": ((0, 5), WHOLE, (-1,)),
    "max_dials": ((1, 5), WHOLE, (0,)),
    "max_in_flight": ((1, 5), WHOLE, (0,)),
    "max_in_flight_bytes": ((1, 5), WHOLE, (0,)),
    "idle_order": (("lifo", "fifo"), TEXT, ("random",)),
    "max_idle": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "max_lifetime": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "keepalive": ((None, 0.1, 5), SECONDS, (0, -1, NAN, INF, 10**400)),
    "close_on_error": ((True, False), FLAG, ()),
    "retry": ((None, RetryPolicy(attempts=2)), (3, True, "yes"), ()),
    "connection_class": ((None, object), (1, "AsyncConnection", object()), ()),
    "connection_options": ((None, {}, {"a": 1}), (1, [], "a"), ()),
    "configure": ((None, print), FUNCTION, ()),
    "check": ((None, print), FUNCTION, ()),
    "reset": ((None, print), FUNCTION, ()),
    "listener": ((None, print), (*FUNCTION, nobody_waits), ()),
    "trace_leases": ((True, False), FLAG, ()),
    "warn_unclosed": ((True, False), FLAG, ()),
}


def cases(column: int) -> list[Any]:
    return [
        pytest.param(name, value, id=f"{name}-{value!r:.20}") for name, row in TABLE.items() for value in row[column]
    ]


def test_the_table_holds_every_option() -> None:
    assert set(TABLE) == NAMES
    assert set(_CHECKS) == NAMES
    assert {*PoolOptions.__annotations__, "encoding"} == NAMES


@pytest.mark.parametrize(("name", "value"), cases(0))
def test_a_good_value_is_taken_as_it_is(name: str, value: Any) -> None:
    assert getattr(Options(**{name: value}), name) is value


@pytest.mark.parametrize(("name", "value"), cases(1))
def test_a_wrong_type_is_a_type_error_that_names_the_option(name: str, value: Any) -> None:
    with pytest.raises(UsageTypeError, match=f"^{name} must be "):
        Options(**{name: value})


@pytest.mark.parametrize(("name", "value"), cases(2))
def test_a_wrong_value_is_a_value_error_that_names_the_option(name: str, value: Any) -> None:
    with pytest.raises(UsageValueError, match=name):
        Options(**{name: value})


def test_no_option_can_be_changed_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Options().port = 1  # type: ignore[misc]


class TestTogether:
    @pytest.mark.parametrize(
        ("options", "why"),
        [
            ({"min_size": 5, "max_size": 4}, r"min_size \(5\) is above max_size \(4\)"),
            ({"shared": 5, "max_size": 4}, r"shared \(5\) is above max_size \(4\)"),
            ({"path": "/s", "tls": True}, "TLS over a unix socket"),
            ({"password": "p", "credentials": lambda: "p"}, "not both"),
            ({"username": "u"}, "username= needs password= or credentials="),
            ({"encoding": "utf-16"}, "no server would know a command"),
        ],
    )
    def test_what_does_not_go_together(self, options: dict[str, Any], why: str) -> None:
        with pytest.raises(UsageValueError, match=why):
            Options(**options)

    def test_a_user_may_come_with_a_callable(self) -> None:
        assert Options(username="u", credentials=lambda: "p").username == "u"

    def test_a_changed_copy_is_checked_again(self) -> None:
        options = Options(max_size=4)
        assert options.changed(max_size=8).max_size == 8
        assert options.max_size == 4
        with pytest.raises(UsageValueError):
            options.changed(min_size=5)


class TestDerived:
    def test_the_address_as_messages_name_it(self) -> None:
        assert Options(host="h", port=1).address == "h:1"
        assert Options(host="::1", port=1).address == "[::1]:1"
        assert Options(path="/run/s").address == "unix:/run/s"

    def test_by_default_a_shared_connection_leaves_room_for_a_lease(self) -> None:
        assert Options().shared_target >= 1
        assert Options(max_size=1).shared_target == 0
        assert Options(max_size=1, shared=1).shared_target == 1
        assert Options(shared=0).shared_target == 0


def test_repr_and_messages_show_no_secret() -> None:
    options = Options(username="u", password="hush", connection_options={"token": "hush"})
    assert "hush" not in repr(options)
    assert "hush" not in repr(Options(credentials=type("hush", (), {"__call__": lambda self: "x"})()))
    for wrong in ({"password": b"hush"}, {"connection_options": "hush"}, {"credentials": "hush"}):
        with pytest.raises(UsageTypeError) as caught:
            Options(**wrong)  # type: ignore[arg-type]
        assert "hush" not in str(caught.value)


class TestTimeouts:
    @pytest.mark.parametrize("value", [0, -1, 1, 0.5, INF])
    def test_any_number_of_seconds_is_taken(self, value: float) -> None:
        assert checked_timeout(value) == value
        assert type(checked_timeout(value)) is float

    @pytest.mark.parametrize("value", ["1", True, None, [], 1j])
    def test_what_is_no_number_is_refused(self, value: Any) -> None:
        with pytest.raises(UsageTypeError, match="timeout must be a number of seconds"):
            checked_timeout(value)

    def test_not_a_number_is_refused(self) -> None:
        with pytest.raises(UsageValueError, match="not nan"):
            checked_timeout(NAN)

    def test_what_no_clock_can_count_is_refused(self) -> None:
        for value in (10**400, -(10**400)):
            with pytest.raises(UsageValueError, match="no clock can count"):
                checked_timeout(value)


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_a_url_that_asks_for_tls_is_never_used_without_it(scheme: str) -> None:
    url = f"{scheme}://:secret@h"
    makers: list[Any] = [Pool, AsyncPool, Connection, AsyncConnection, from_url, async_from_url]
    for make in makers:
        with pytest.raises(UsageError, match="TLS") as caught:
            make(url, tls=False)
        assert "secret" not in str(caught.value)
    with pytest.raises(UsageError, match="TLS"):
        make_options(url + "?tls=false", {})
    assert make_options(url, {"tls": True}).tls is True
    assert make_options(url + "?tls=false", {"tls": True}).tls is True
    assert make_options("redis://h?tls=true", {}).tls is True
    assert make_options("redis://h", {"tls": False}).tls is False


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://:a@h?password=b", "password"),
        ("redis://u:a@h?username=v", "username"),
        ("redis://h?host=other", "host"),
        ("redis://h/1?db=2", "db"),
        ("redis://h:1?port=2", "port"),
    ],
)
def test_a_url_that_says_two_things_is_refused(url: str, name: str) -> None:
    with pytest.raises(UsageError, match=f"two things about {name}"):
        make_options(url, {})


class TestWhatAnEditorShows:
    @staticmethod
    def texts() -> dict[str, str]:
        found = {}
        for kind in (ConnectionOptions, PoolOptions):
            body = ast.parse(inspect.getsource(kind)).body[0].body[1:]  # type: ignore[attr-defined]
            for entry, text in zip(body[::2], body[1::2], strict=True):
                found[entry.target.id] = text.value.value
        return found

    def test_every_option_has_one_line_of_text_with_its_default(self) -> None:
        texts = self.texts()
        assert set(texts) == set(PoolOptions.__annotations__)
        for entry in dataclasses.fields(Options):
            if entry.name in NAMES - {"encoding"}:
                default = "RetryPolicy()" if entry.name == "retry" else repr(entry.default)
                assert texts[entry.name].endswith(f" Default: ``{default}``.")
                assert "\n" not in texts[entry.name]


class TestTheStanding:
    def test_only_a_pool_can_set_it(self) -> None:
        given = Standing(readonly=True)
        assert Options().standing is None
        options = Options().changed(standing=given)
        assert options.standing is given
        assert options.changed(db=3).standing is given
        assert {entry.name for entry in dataclasses.fields(Options)} - NAMES == {"standing"}
        with pytest.raises(UsageTypeError, match="unknown option 'standing'"):
            make_options(None, {"standing": given})
        with pytest.raises(UsageValueError, match="unknown option 'standing' in the URL"):
            make_options("redis://h?standing=1", {})

    def test_it_is_not_shown(self) -> None:
        assert "tanding" not in repr(Options().changed(standing=Standing(tls_name="here")))

    def test_it_may_name_the_host_for_tls(self) -> None:
        options = Options(host="10.0.0.1")
        assert options.tls_name == "10.0.0.1"
        assert options.changed(standing=Standing()).tls_name == "10.0.0.1"
        assert options.changed(standing=Standing(tls_name="node.test")).tls_name == "node.test"


REDIS_PY = """
    connection_pool cache cache_config credential_provider decode_responses encoder_class errors health_check_interval
    max_connections redis_connect_func retry_on_error retry_on_timeout single_connection_client
    socket_connect_timeout socket_keepalive socket_keepalive_options socket_timeout ssl ssl_ca_certs ssl_certfile
    ssl_cert_reqs ssl_check_hostname ssl_keyfile unix_socket_path lib_name timeout
""".split()


class TestUnknownOptions:
    @pytest.mark.parametrize(
        ("wrong", "meant"),
        [("max_sise", "max_size"), ("Encoding", "encoding"), ("pasword", "password"), ("connection_timeout", "connect_timeout")],
    )
    def test_a_misspelt_option_is_answered_with_the_one_that_was_meant(self, wrong: str, meant: str) -> None:
        with pytest.raises(UsageTypeError, match=f"^unknown option '{wrong}'; did you mean '{meant}'\\?$"):
            make_options(None, {wrong: 1})
        with pytest.raises(UsageValueError, match=f"^unknown option '{wrong}' in the URL; did you mean '{meant}'\\?$"):
            make_options(f"redis://h?{wrong}=1", {})

    def test_a_name_like_no_other_is_answered_with_all_there_are(self) -> None:
        with pytest.raises(UsageTypeError, match="unknown option 'qqqq'; known are acquire_timeout, check, "):
            make_options(None, {"qqqq": 1})

    @pytest.mark.parametrize("name", REDIS_PY)
    def test_an_option_of_redis_py_is_answered_in_a_sentence(self, name: str) -> None:
        for url, given, where in ((None, {name: "secret"}, ""), (f"redis://h?{name}=secret", {}, " in the URL")):
            with pytest.raises(UsageError) as caught:
                make_options(url, given)
            said = str(caught.value)
            assert said.startswith(f"unknown option {name!r}{where}: ")
            assert "secret" not in said
            named = {word for word in re.findall(r"\b(\w+)=", said) if word != "timeout"}
            assert named <= set(PoolOptions.__annotations__) | {"encoding"}

    def test_an_encoding_that_is_passed_wins_over_the_one_in_the_url(self) -> None:
        assert make_options("redis://h?encoding=utf-8", {}).encoding == "utf-8"
        assert make_options("redis://h?encoding=utf-8", {}, None).encoding is None
        assert make_options("redis://h?encoding=utf-8", {}, "latin-1").encoding == "latin-1"
