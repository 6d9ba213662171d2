"""When an engine is made, remade and dropped, and under which identity it works."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from typing import Any

import pytest

from respool.compat import redis
from respool.testing import FakeNode, Hold, Server, wait_until
from threads.test_delivery import hang_up_on_all


def connect(server: Server, **options: Any) -> Any:
    return redis.from_url(server.url, **options)


def test_an_engine_is_made_by_the_first_command(server: Server) -> None:
    client = connect(server)
    assert client.connection_pool._engine is None
    client.ping()
    assert client.connection_pool._engine is not None
    client.close()


@pytest.mark.parametrize("drop", ["disconnect", "reset", "close"])
def test_a_pool_that_was_closed_works_again_with_a_new_engine(server: Server, drop: str) -> None:
    client = connect(server)
    client.set("k", 1)
    getattr(client.connection_pool, drop)()
    wait_until(lambda: server.client_count() == 0)
    assert client.get("k") == b"1"
    client.close()
    assert client.get("k") == b"1"
    client.close()


def test_idle_connections_alone_can_be_closed(server: Server) -> None:
    with connect(server) as client:
        client.blpop("nothing", 0.01)
        engine = client.connection_pool._engine
        client.connection_pool.disconnect(inuse_connections=False)
        assert client.connection_pool._engine is engine
        assert engine.idle == 0
        assert client.ping()


def test_a_connection_that_the_server_closes_while_it_is_idle_costs_no_error(server: Server) -> None:
    client = redis.Redis(connection_pool=redis.ConnectionPool.from_url(server.url))  # a pool alone retries nothing
    client.set("n", 1)
    for call in (lambda: client.incr("n"), lambda: client.pipeline().incr("n").execute()[0]):
        hang_up_on_all(server)
        assert call() == int(server.command("GET", "n"))


def test_a_command_that_waits_for_a_dropped_engine_is_sent_by_the_next_one() -> None:
    with FakeNode() as node:
        node.once("HELLO", Hold())
        client = redis.Redis(port=node.port, protocol=3)
        told: list[Any] = []
        thread = threading.Thread(target=lambda: told.append(client.ping()), name="caller")
        thread.start()
        node.wait_for("HELLO")
        client.connection_pool.disconnect()
        thread.join(5)
        assert told == [True]
        client.close()


def test_a_changed_setting_makes_a_new_engine(server: Server) -> None:
    pool = redis.ConnectionPool.from_url(server.url)
    client = redis.Redis(connection_pool=pool)
    client.ping()
    pool.connection_kwargs["socket_timeout"] = 7.0
    assert (pool._engine, pool._options["read_timeout"]) == (None, 7.0)
    client.ping()
    wait_until(lambda: server.client_count() == 1)  # the old engine has closed itself
    engine = pool._engine
    pool.connection_kwargs.update(socket_timeout=7.0, health_check_interval=0)
    assert pool._engine is engine  # nothing has changed for it
    for change in (
        lambda: pool.connection_kwargs.update({"db": 1}),
        lambda: pool.connection_kwargs.pop("db"),
        lambda: pool.connection_kwargs.setdefault("db", 2),
        lambda: pool.connection_kwargs.__delitem__("db"),
        lambda: pool.connection_kwargs.__ior__({"db": 3}),
        lambda: client.set_retry(redis.retry.Retry(redis.backoff.NoBackoff(), 3)),
        lambda: setattr(pool, "connection_kwargs", {"host": server.host, "port": server.port}),
    ):
        client.ping()
        assert pool._engine is not None
        change()
        assert pool._engine is None
    assert client.ping()
    pool.close()


def test_copies_of_the_settings_are_plain(server: Server) -> None:
    settings = connect(server).connection_pool.connection_kwargs
    for twin in (settings.copy(), dict(settings), copy.copy(settings)):
        assert type(twin) is dict
        assert twin == settings
    plain = redis.ConnectionPool(connection_class=redis.Connection)
    plain.connection_kwargs = {"db": 1}
    assert type(pickle.loads(pickle.dumps(plain.connection_kwargs))) is dict


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_forked_child_has_an_engine_of_its_own(server: Server) -> None:
    with connect(server) as client:
        client.set("k", 1)
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if client.get("k") == b"1" and client.incr("k") == 2 else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.get("k") == b"2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process")
def test_a_child_that_is_forked_while_threads_are_calling_has_its_own_connections(server: Server) -> None:
    with connect(server) as client:
        told: list[Any] = []
        is_over = threading.Event()

        def call(key: str) -> None:
            while not is_over.is_set():
                client.set(key, key)
                told.append(client.get(key) == key.encode() == client.pipeline().get(key).execute()[0])

        threads = [threading.Thread(target=call, args=(f"key-{number}",), name="caller") for number in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(told) > 20)
        for number in range(5):
            child = os.fork()
            if child == 0:
                try:
                    replies = [client.incr(f"child-{number}") for _ in range(20)]
                    os._exit(0 if replies == list(range(1, 21)) else 1)
                finally:
                    os._exit(2)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        is_over.set()
        for thread in threads:
            thread.join()
        assert all(told)


# Who the client is --------------------------------------------------------------------------------------------


def test_after_auth_every_command_runs_as_the_new_user(users: Server) -> None:
    with connect(users) as client:
        client.set("k", 1)
        assert client.auth("reader", "reader")
        assert client.acl_whoami() == "reader"
        for write in (lambda: client.set("k", 2), lambda: client.pipeline().set("k", 2).execute()):
            with pytest.raises(redis.exceptions.NoPermissionError):
                write()
        assert client.get("k") == b"1"
        client.connection_pool.disconnect()
        assert client.acl_whoami() == "default"


def test_after_auth_no_connection_of_the_old_user_is_left_in_the_engine(users: Server) -> None:
    with connect(users) as client:
        client.blpop("nothing", 0.01)  # a leased connection beside the shared one
        client.auth("reader", "reader")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.blpop("nothing", 0.01)
        wait_until(lambda: {row["user"] for row in users.clients() if row["lib-name"] == "respool"} == {"reader"})


def test_no_command_runs_as_the_old_user_after_auth_while_other_threads_are_calling(users: Server) -> None:
    with connect(users) as client:
        client.set("k", 1)
        seen: list[list[str]] = [[] for _ in range(4)]
        is_over = threading.Event()

        def call(mine: list[str]) -> None:
            while not is_over.is_set():
                mine.append(client.acl_whoami())

        threads = [threading.Thread(target=call, args=(mine,), name="caller") for mine in seen]
        for thread in threads:
            thread.start()
        for user in ["reader", "writer"] * 10:
            assert client.auth(user, user)
            assert client.acl_whoami() == user
            lengths = list(map(len, seen))
            wait_until(lambda lengths=lengths: all(len(mine) > was + 1 for mine, was in zip(seen, lengths, strict=True)))
            # the call that was on its way may have been sent before AUTH was answered
            assert {name for mine, was in zip(seen, lengths, strict=True) for name in mine[was + 1 :]} == {user}
        is_over.set()
        for thread in threads:
            thread.join()
        client.connection_pool.disconnect()


def test_auth_works_after_the_server_was_given_a_password(server: Server) -> None:
    with connect(server) as client:
        client.set("k", 1)
        try:
            client.config_set("requirepass", "new")
            with pytest.raises(redis.AuthenticationError):
                client.auth("wrong")
            assert client.auth("new") is True
            assert client.get("k") == b"1"
            assert client.blpop("nothing", 0.01) is None  # on a new connection
        finally:
            client.config_set("requirepass", "")
        with pytest.raises(redis.AuthenticationError):
            client.auth("new")  # a password that the server does not ask for


def test_a_refused_auth_changes_nothing(users: Server) -> None:
    with connect(users) as client:
        client.ping()
        engine = client.connection_pool._engine
        with pytest.raises(redis.AuthenticationError):
            client.auth("wrong", "reader")
        assert client.connection_pool._engine is engine
        assert client.acl_whoami() == "default"


def test_auth_before_the_first_command_counts_too(users: Server) -> None:
    with connect(users) as client:
        client.auth("reader", "reader")
        assert client.acl_whoami() == "reader"


def test_auth_in_hello_and_in_a_pipeline_counts_too(users: Server) -> None:
    with connect(users) as client:
        client.execute_command("HELLO", 3, "AUTH", "reader", "reader", "SETNAME", "me")
        assert (client.acl_whoami(), client.client_getname()) == ("reader", "me")
        client.pipeline(transaction=False).execute_command("AUTH", "writer", "writer").ping().execute()
        assert (client.acl_whoami(), client.client_getname()) == ("writer", "me")


def test_after_select_every_command_runs_in_the_new_database(server: Server) -> None:
    with connect(server) as client:
        client.set("k", 0)
        engine = client.connection_pool._engine
        assert client.select(3)
        assert client.get("k") is None
        client.set("k", 3)
        assert client.connection_pool._engine is engine
        with pytest.raises(redis.ResponseError):
            client.select(99999)
        assert client.get("k") == b"3"
        client.connection_pool.disconnect()
        assert client.get("k") == b"0"


def test_after_client_setname_every_connection_has_the_name(server: Server) -> None:
    with connect(server) as client:
        client.ping()
        assert client.client_setname("me")
        assert client.client_getname() == "me"
        client.blpop("nothing", 0.01)
        wait_until(lambda: {row["name"] for row in server.clients() if row["lib-name"] == "respool"} == {"me"})


def test_an_engine_that_was_being_made_has_the_new_identity_too(users: Server) -> None:
    class Slow(redis.ConnectionPool):
        def _text_encoder(self) -> Any:
            """Stand for another thread, whose AUTH and SETNAME are answered while this one makes the engine."""
            if not was_changed:
                was_changed.append(True)
                self._take_identity({"username": "reader", "password": "reader", "client_name": "late"})
            return super()._text_encoder()

    was_changed: list[bool] = []
    pool = Slow.from_url(users.url)
    with redis.Redis(connection_pool=pool) as client:
        assert (client.acl_whoami(), client.client_getname()) == ("reader", "late")
    pool.disconnect()


def test_a_client_that_holds_its_connection_changes_only_that(server: Server) -> None:
    with connect(server) as client:
        client.ping()
        with client.client() as single:
            single.select(5)
            single.set("k", 5)
        assert client.get("k") is None
