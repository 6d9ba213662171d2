"""The settings of redis-py as options of the engine. No I/O."""

from __future__ import annotations

import shutil
import ssl
from typing import Any

import pytest
import redis as original
from redis.backoff import ConstantBackoff, ExponentialBackoff, NoBackoff
from redis.credentials import CredentialProvider, UsernamePasswordCredentialProvider
from redis.retry import Retry

from respool import Pool, RetryPolicy
from respool.compat import redis
from respool.compat.redis._settings import tls_context
from respool.testing import FakeNode, Server


def options(**settings: Any) -> dict[str, Any]:
    """Return the options of the engine of ``Redis(**settings)``; {} without an engine."""
    pool = redis.Redis(**settings).connection_pool
    pool._make_engine()
    return pool._options  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"host": "h", "port": 7, "db": 2}, {"host": "h", "port": 7, "db": 2}),
        ({"unix_socket_path": "/run/r.sock"}, {"path": "/run/r.sock"}),
        ({"username": "u", "password": "p"}, {"username": "u", "password": "p"}),
        ({"client_name": "me"}, {"client_name": "me"}),
        ({"socket_timeout": 1, "socket_connect_timeout": 2}, {"read_timeout": 1, "connect_timeout": 2}),
        ({"socket_timeout": 1, "socket_connect_timeout": None}, {"read_timeout": 1, "connect_timeout": 1}),
        ({"socket_timeout": None, "socket_connect_timeout": None}, {"read_timeout": None, "connect_timeout": 5.0}),
        ({"health_check_interval": 7}, {"keepalive": 7}),
        ({"protocol": 2}, {"protocol": 2}),
        ({"protocol": "3"}, {"protocol": 3}),
        ({"max_connections": 4}, {"max_size": 5, "shared": 1, "on_full": "raise"}),
        ({"decode_responses": True}, {"encoding": "utf-8", "encoding_errors": "strict"}),
        ({"decode_responses": True, "encoding_errors": "replace"}, {"encoding": "utf-8", "encoding_errors": "replace"}),
        ({"retry": None}, {"retry": RetryPolicy(attempts=1, base=0.0, cap=0.0)}),
        ({"retry": Retry(NoBackoff(), 0)}, {"retry": RetryPolicy(attempts=1, base=0.0, cap=0.0)}),
        ({"retry": Retry(ConstantBackoff(0.2), 2)}, {"retry": RetryPolicy(attempts=3, base=0.2, cap=0.2)}),
        ({"retry": Retry(ExponentialBackoff(base=0.1, cap=3), 5)}, {"retry": RetryPolicy(attempts=6, base=0.1, cap=3.0)}),
        ({"retry": Retry(NoBackoff(), -1)}, {"retry": RetryPolicy(attempts=1_000_000, base=0.0, cap=0.0)}),
        (
            {"retry": None, "retry_on_error": [original.BusyLoadingError]},
            {"retry": RetryPolicy(attempts=2, base=0.0, cap=0.0)},
        ),
        ({}, {"tls": False, "warn_unclosed": False}),
    ],
)
def test_a_setting_is_an_option(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    made = options(**settings)
    assert {name: made.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    "settings",
    [
        {"redis_connect_func": print},
        {"retry_on_error": [ValueError]},
        {"retry": Retry(NoBackoff(), 1, supported_errors=(original.ConnectionError,))},
        {"retry": Retry(NoBackoff(), 1, supported_errors=(original.ConnectionError, original.TimeoutError, original.DataError))},
        {"ssl": True, "ssl_validate_ocsp": True},
        {"client_name": "two words"},
        {"socket_timeout": 0},
        {"username": "u"},
    ],
)
def test_a_setting_that_respool_does_not_serve_leaves_the_client_without_an_engine(settings: dict[str, Any]) -> None:
    assert options(**settings) == {}


def test_a_setting_that_nobody_knows_leaves_the_client_without_an_engine() -> None:
    assert redis.ConnectionPool(host="h", from_the_future=True)._make_engine() is None


def test_a_pool_of_a_blocking_class_waits() -> None:
    pool = redis.BlockingConnectionPool(max_connections=3, timeout=7)
    pool._make_engine()
    assert {"acquire_timeout": 7, "max_size": 4}.items() <= pool._options.items()
    assert "on_full" not in pool._options


def test_a_provider_may_give_a_password_alone_in_a_tuple_of_one() -> None:
    class Password(CredentialProvider):
        def get_credentials(self) -> tuple[str]:
            return ("secret",)

    with FakeNode() as node, redis.Redis(port=node.port, protocol=3, credential_provider=Password()) as client:
        assert client.ping()
        assert "b'AUTH', b'default', b'secret'" in str(node.calls("HELLO"))


async def test_in_asyncio_a_provider_may_give_a_password_alone_in_a_tuple_of_one() -> None:
    class Password(CredentialProvider):
        def get_credentials(self) -> tuple[str]:
            return ("secret",)

    with FakeNode() as node:
        async with redis.asyncio.Redis(port=node.port, protocol=3, credential_provider=Password()) as client:
            assert await client.ping()
        assert "b'AUTH', b'default', b'secret'" in str(node.calls("HELLO"))


def test_credentials_come_from_a_provider(users: Server) -> None:
    class Provider(CredentialProvider):
        def get_credentials(self) -> tuple[str, str]:
            return "reader", "reader"

    for provider in (Provider(), UsernamePasswordCredentialProvider("reader", "reader")):
        with redis.Redis(port=users.port, host=users.host, credential_provider=provider) as client:
            assert client.acl_whoami() == "reader"
            assert isinstance(client.connection_pool._engine, Pool)


def test_a_unix_socket_and_tls_work(server: Server) -> None:
    with Server(tls=True, unix=True) as secure:
        with redis.from_url(secure.unix_url) as client:
            assert client.ping()
            assert isinstance(client.connection_pool._engine, Pool)
        with redis.from_url(secure.tls_url, ssl_ca_certs=secure.ca_file) as client:
            assert client.ping()
            assert isinstance(client.connection_pool._engine, Pool)
            assert client.connection_pool._created_connections == 0
        with redis.from_url(secure.tls_url, retry=None) as client, pytest.raises(redis.ConnectionError):
            client.ping()


def test_a_client_shows_its_certificate() -> None:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    with Server("redis-server", tls=True, config={"tls-auth-clients": "yes"}) as secure:
        if secure.command("CONFIG", "GET", "tls-port") != [b"tls-port", str(secure.tls_port).encode()]:
            pytest.skip("this redis-server is built without TLS")
        own = {"ssl_certfile": secure.cert_file, "ssl_keyfile": secure.key_file}
        with redis.from_url(secure.tls_url, ssl_ca_certs=secure.ca_file, **own) as client:
            assert client.ping()
            assert isinstance(client.connection_pool._engine, Pool)
        stranger = redis.from_url(secure.tls_url, ssl_ca_certs=secure.ca_file, retry=None)
        with stranger, pytest.raises(redis.ConnectionError):
            stranger.ping()


def test_tls_is_as_strict_as_the_settings_say() -> None:
    usual = tls_context(())
    assert (usual.verify_mode, usual.check_hostname) == (ssl.CERT_REQUIRED, True)
    free = tls_context((("ssl_cert_reqs", "none"),))
    assert (free.verify_mode, free.check_hostname) == (ssl.CERT_NONE, False)
    names = tls_context((("ssl_check_hostname", False),))
    assert (names.verify_mode, names.check_hostname) == (ssl.CERT_REQUIRED, False)
    newest = tls_context((("ssl_min_version", ssl.TLSVersion.TLSv1_3), ("ssl_ciphers", "ECDHE+AESGCM")))
    assert newest.minimum_version == ssl.TLSVersion.TLSv1_3
    assert tls_context((("ssl_include_verify_flags", [ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF]),)).verify_flags & ssl.VERIFY_CRL_CHECK_LEAF
