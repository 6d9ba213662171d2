"""URLs: what each part means, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.options import make_options
from respool._facts.url import parse_url
from respool.errors import UsageTypeError, UsageValueError


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://", {}),
        ("redis://localhost", {"host": "localhost"}),
        ("redis://h:1234", {"host": "h", "port": 1234}),
        ("redis://h/3", {"host": "h", "db": 3}),
        ("redis://h/3/", {"host": "h", "db": 3}),
        ("redis://h/", {"host": "h"}),
        ("redis:///5", {"db": 5}),
        ("valkey://h", {"host": "h"}),
        ("REDIS://H", {"host": "h"}),
        ("rediss://h", {"host": "h", "tls": True}),
        ("valkeys://h", {"host": "h", "tls": True}),
        ("redis://:pw@h", {"host": "h", "password": "pw"}),
        ("redis://u:pw@h", {"host": "h", "username": "u", "password": "pw"}),
        ("redis://u:p%40%2F%3Aw@h", {"host": "h", "username": "u", "password": "p@/:w"}),
        ("redis://us%40er:pw@h", {"host": "h", "username": "us@er", "password": "pw"}),
        ("redis://[::1]:7000/1", {"host": "::1", "port": 7000, "db": 1}),
        ("unix:///run/valkey.sock", {"path": "/run/valkey.sock"}),
        ("unix://:pw@/run/v.sock", {"path": "/run/v.sock", "password": "pw"}),
        ("unix://u:pw@/run/v.sock", {"path": "/run/v.sock", "username": "u", "password": "pw"}),
        ("unix:///run/a%20b.sock", {"path": "/run/a b.sock"}),
        ("redis+unix:///s", {"path": "/s"}),
        ("valkey+unix:///s", {"path": "/s"}),
    ],
)
def test_what_a_url_says(url: str, found: dict[str, Any]) -> None:
    assert parse_url(url) == found | {"query": {}}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "unknown URL scheme"),
        ("localhost:6379", "unknown URL scheme 'localhost'"),
        ("http://h", "unknown URL scheme 'http'"),
        ("redis:6379", "a URL begins redis://"),
        ("rediss:h", "a URL begins rediss://"),
        ("redis://h:port", "its host and port cannot be read"),
        ("redis://h:99999", "its host and port cannot be read"),
        ("redis://[::1", "its host and port cannot be read"),
        ("redis://h/zero", "the path of the URL must be a database number"),
        ("redis://h/-1", "the path of the URL must be a database number"),
        ("redis://h/1/2", "the path of the URL must be a database number"),
        ("redis://h/٣", "the path of the URL must be a database number"),
        ("redis://h/0#x", "a # in it"),
        ("redis://user@h", "names a user and no password"),
        ("redis://user:@h", "names a user and no password"),
        ("unix://", "a unix URL needs a path"),
        ("redis://h?db", "not name=value"),
        ("redis://h?db=1&db=2", "db stands twice"),
    ],
)
def test_what_is_refused(url: str, why: str) -> None:
    with pytest.raises(UsageValueError, match=why):
        parse_url(url)


@pytest.mark.parametrize("url", [None, b"redis://h", 7])
def test_a_url_is_text(url: Any) -> None:
    with pytest.raises(UsageTypeError, match="the URL must be text"):
        parse_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hush@h:x",
        "redis://:hush/hush@h",  # the "/" in the password is not quoted
        "redis://:12/hush@h/0",
        "redis://u:hush?hush@h",
        "redis://u:hush#hush@h",
        "redis://:hush@[::1",
        "redis://:hush@h/hush",
        "http://:hush@h",
        "redis://:hush@h?nonsense=1",
        "redis://:hush@h?max_size=x",
    ],
)
def test_no_message_shows_a_password(url: str) -> None:
    with pytest.raises(UsageValueError) as caught:
        make_options(url, {})
    error: BaseException | None = caught.value
    while error is not None:
        assert "hush" not in str(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class TestQuery:
    def test_the_query_may_carry_any_option_that_is_text(self) -> None:
        options = make_options(
            "redis://h/1?max_size=5&min_size=2&shared=0&read_timeout=1.5&keepalive=none&max_idle=NONE&close_on_error=yes"
            "&trace_leases=0&warn_unclosed=no&strategy=random&on_full=raise&idle_order=fifo&client_name=me&encoding=utf-8&protocol=2",
            {},
        )
        assert (options.db, options.max_size, options.min_size, options.shared) == (1, 5, 2, 0)
        assert (options.read_timeout, options.keepalive, options.max_idle) == (1.5, None, None)
        assert (options.close_on_error, options.trace_leases, options.warn_unclosed) == (True, False, False)
        assert (options.strategy, options.on_full, options.idle_order) == ("random", "raise", "fifo")
        assert (options.client_name, options.encoding, options.protocol) == ("me", "utf-8", 2)

    def test_a_plus_is_a_space_and_a_percent_a_byte_as_in_any_query(self) -> None:
        assert make_options("redis://h?username=a%2Bb&password=c+d", {}).password == "c d"

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("max_size=many", "max_size in the URL must be a number"),
            ("read_timeout=soon", "read_timeout in the URL must be a number"),
            ("max_size=none", "max_size in the URL must be a number"),
            ("close_on_error=perhaps", "close_on_error in the URL must be true or false"),
            ("retry=3", "retry cannot be given in a URL"),
            ("listener=print", "listener cannot be given in a URL"),
            ("nonsense=1", "unknown option 'nonsense' in the URL"),
            ("max_size=0", "max_size must be a whole number above zero"),
            ("read_timeout=-1", "read_timeout must be"),
            ("read_timeout=nan", "read_timeout must be"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, query: str, why: str) -> None:
        with pytest.raises(UsageValueError, match=why):
            make_options(f"redis://h?{query}", {})


class TestMerging:
    def test_keywords_win(self) -> None:
        options = make_options("redis://:a@h:1/1?max_size=5", {"port": 2, "db": 3, "max_size": 6, "password": "b"})
        assert (options.host, options.port, options.db, options.max_size, options.password) == ("h", 2, 3, 6, "b")

    def test_a_host_keyword_wins_over_the_path_of_a_unix_url(self) -> None:
        options = make_options("unix:///s", {"host": "h"})
        assert (options.path, options.host) == (None, "h")

    def test_a_callable_for_credentials_wins_over_the_password_of_the_url(self) -> None:
        options = make_options("redis://:old@h", {"credentials": lambda: "new"})
        assert options.password is None
        with pytest.raises(UsageValueError, match="not both"):
            make_options("redis://:old@h", {"credentials": lambda: "new", "password": "x"})

    def test_an_unknown_keyword_is_named_with_the_known_ones(self) -> None:
        with pytest.raises(UsageTypeError, match=r"unknown option 'colour'; known are .*max_size"):
            make_options(None, {"colour": 5})
