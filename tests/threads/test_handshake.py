# Generated from tests/asyncio_/test_handshake.py by tools/generate.py. Do not edit.
"""The handshake of every connection: one round trip, always the same, no storm of dials if it fails (R-37)."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

import pytest

from answers import OK, echo
from threads.harness import Callers, now, wait_until
from respool import Connection, Pool
from respool.errors import AuthenticationFailed, ConnectFailed, ConnectTimeout, Error, ServerError, UsageError
from respool.testing import Close, FakeNode, FaultProxy, Hold, Reset, Server, Silence
from respool.testing._actions import Command
from respool.testing._script import hello

UNKNOWN = b"-ERR unknown command\r\n"
WRONG_PASSWORD = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


def greeting(node: FakeNode, connection: int = 1) -> list[bytes]:
    """Return the commands that a node got on one connection, one per line."""
    return [b" ".join(seen.command) for seen in node.commands if seen.connection == connection]


def told(info: bytes) -> dict[str, str]:
    """Parse CLIENT INFO."""
    return dict(field.partition("=")[::2] for field in info.decode().strip().split(" "))


def test_the_handshake_is_one_round_trip(callers: Callers) -> None:
    with FakeNode() as node:
        node.on("HELLO", (Hold(), hello))
        pool: Pool[bytes] = Pool(node.url, shared=1, db=3, client_name="me", username="u", password="p")
        opening = callers.start(pool.open)
        wait_until(lambda: len(node.calls("CLIENT SETINFO")) == 2)  # although HELLO is not answered
        lines = greeting(node)
        assert lines[0] == b"HELLO 3 AUTH u p SETNAME me"
        assert lines[1] == b"SELECT 3"
        assert lines[2] == b"CLIENT SETINFO LIB-NAME respool"
        assert lines[3].startswith(b"CLIENT SETINFO LIB-VER ")
        assert lines[4:] == [b"CLIENT CAPA redirect"]
        node.release()
        opening.result()
        pool.close()


def test_every_connection_says_the_same(callers: Callers) -> None:
    with FakeNode({"BLPOP": Hold(b"_\r\n")}) as node:
        with Pool(node.url, shared=2, db=1, client_name="me", password="p") as pool:
            callers.start(pool.execute, "BLPOP", "k", 0)
            wait_until(lambda: node.calls("BLPOP"))
            first, second, leased = (greeting(node, number)[:4] for number in (1, 2, 3))
            assert first == second == leased
            assert first[0] == b"HELLO 3 AUTH default p SETNAME me"
            node.release()
            callers.results()


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_real_server_knows_who_we_are(server: Server, protocol: Any) -> None:
    server.command("ACL", "SETUSER", "ada", "on", ">engine", "~*", "&*", "+@all")
    options: dict[str, Any] = {"username": "ada", "password": "engine", "client_name": "analytical", "db": 2}
    with Pool(server.url, shared=1, protocol=protocol, **options) as pool:
        for info in (pool.execute("CLIENT", "INFO"), _leased_info(pool)):
            facts = told(info)
            assert (facts["user"], facts["name"], facts["db"]) == ("ada", "analytical", "2")
            assert facts["lib-name"] == "respool"
            assert facts["resp"] == str(protocol)
    server.command("ACL", "DELUSER", "ada")


def _leased_info(pool: Pool[Any]) -> bytes:
    with pool.acquire() as conn:
        info: bytes = conn.execute("CLIENT", "INFO")
        return info


@pytest.mark.parametrize("username", [None, "ada"])
def test_a_password_opens_a_real_server_by_url_too(username: str | None) -> None:
    with Server(username=username, password="p@ss/word") as own:
        with Pool(own.url, shared=1) as pool:
            assert pool.execute("PING") == b"PONG"
            assert "p@ss" not in repr(pool)
            assert "p%40ss" not in repr(pool)
        with Pool(own.url, shared=1, protocol=2) as pool:
            assert pool.execute("PING") == b"PONG"


def test_a_wrong_password_is_an_error_without_a_storm(callers: Callers) -> None:
    with FakeNode({"HELLO": WRONG_PASSWORD}) as node:
        pool: Pool[bytes] = Pool(node.url, shared=1, password="wrong")
        started = now()
        for _ in range(20):
            callers.start(pool.execute, "GET", "k")
        for outcome in callers.outcomes():
            assert type(outcome) is AuthenticationFailed
            assert "wrong" not in str(outcome).lower().replace("wrongpass", "")
        for _ in range(20):
            with pytest.raises(AuthenticationFailed):
                pool.execute("GET", "k")
        with pytest.raises(AuthenticationFailed):
            pool.execute_many([("GET", "k")])
        assert node.connections <= 12 + 10 * (now() - started)  # each caller waits for a dial, and they cost tokens
        pool.close()
        assert node.calls("GET") == []
        assert node.open_connections == 0 or wait_until(lambda: node.open_connections == 0)


def test_a_wrong_password_is_what_open_raises() -> None:
    with Server(password="right") as own:
        for protocol in (3, 2):
            with pytest.raises(AuthenticationFailed):
                with Pool(host=own.host, port=own.port, password="wrong", protocol=protocol):
                    pass
        with pytest.raises(AuthenticationFailed):  # NOAUTH
            with Pool(host=own.host, port=own.port):
                pass
        assert own.client_count() == 0 or wait_until(lambda: own.client_count() == 0)


def test_nothing_is_executed_before_authentication() -> None:
    with FakeNode({"HELLO": WRONG_PASSWORD, "AUTH": WRONG_PASSWORD}) as node:
        for protocol in (3, 2):
            with pytest.raises(AuthenticationFailed):
                with Pool(node.url, shared=1, password="p", protocol=protocol):
                    pass
        for number in range(1, node.connections + 1):
            assert greeting(node, number)[0].startswith((b"HELLO 3 AUTH", b"AUTH"))


@pytest.mark.parametrize("password", [None, "p"])
def test_a_server_without_resp3_is_spoken_to_in_resp2(password: str | None) -> None:
    with FakeNode({"GET": echo, "AUTH": OK}, resp2_only=True) as node:
        with Pool(node.url, shared=1, password=password, client_name="me", db=1) as pool:
            assert pool.execute("GET", "k") == b"k"
            with pool.acquire() as conn:
                assert conn.protocol == 2
            lines = greeting(node)
            second_try = lines[lines.index(b"CLIENT CAPA redirect") + 1 :]
            expected = [b"CLIENT SETNAME me", b"SELECT 1"]
            if password is not None:
                expected.insert(0, b"AUTH p")
            assert second_try[: len(expected)] == expected


@pytest.mark.parametrize(
    "refusal",
    [b"-NOPROTO unsupported protocol version\r\n", b"-ERR unknown command 'HELLO', with args\r\n"],
    ids=["NOPROTO", "unknown"],
)
def test_both_ways_of_not_knowing_resp3_are_understood(refusal: bytes) -> None:
    with FakeNode({"GET": echo, "HELLO": refusal}) as node:
        with Pool(node.url, shared=1) as pool:
            assert pool.execute("GET", "k") == b"k"
            assert node.connections == 1


@pytest.mark.parametrize(
    "refusal",
    [b"-ERR Unknown subcommand or wrong number of arguments for 'SETINFO'. Try CLIENT HELP.\r\n", b"-NOPERM no\r\n"],
    ids=["unknown", "forbidden"],
)
def test_a_server_that_takes_no_setinfo_is_fine(refusal: bytes) -> None:
    with FakeNode({"GET": echo, "CLIENT SETINFO": refusal}) as node:
        with Pool(node.url, shared=1) as pool:
            assert pool.execute("GET", "k") == b"k"


def test_the_database_that_the_caller_asked_for_may_not_fail() -> None:
    with FakeNode({"SELECT": b"-ERR DB index is out of range\r\n"}) as node:
        pool: Pool[Any] = Pool(node.url, shared=1, db=99)
        with pytest.raises(ServerError, match="out of range"):
            pool.open()


@pytest.mark.parametrize(
    "end",
    [Close(), (b"%7\r\n$6\r\nser", Close()), b"+OK\r\n", b"?what\r\n", b"HTTP/1.1 400\r\n\r\n"],
    ids=["closed", "half", "no hello", "no resp", "http"],
)
def test_a_peer_that_is_no_server_is_a_failed_connection(end: Any) -> None:
    with FakeNode(handshake=False, default=end) as node:
        with pytest.raises(ConnectFailed) as caught:
            with Pool(node.url, shared=1):
                pass
        assert caught.value.executed == "no"
        assert str(node.port) in str(caught.value)


def test_a_server_that_is_full_says_so(callers: Callers) -> None:
    with Server(config={"maxclients": 1}) as own, own.connect() as ask:
        ask("PING")
        with pytest.raises((ConnectFailed, ServerError), match="max number of clients"):
            with Pool(own.url, shared=1):
                pass


@pytest.mark.parametrize("answer", [WRONG_PASSWORD, Silence(), Close()], ids=["refused", "silent", "hung up on"])
def test_a_connection_of_ones_own_that_is_not_greeted_leaves_no_socket(answer: Any) -> None:
    with FakeNode(handshake=False, default=answer) as node:
        conn = Connection(node.url, connect_timeout=0.1)
        with pytest.raises((AuthenticationFailed, ConnectFailed)):
            conn.open()
        assert conn.closed
        wait_until(lambda: node.connections >= 1 and node.open_connections == 0)


@pytest.mark.parametrize(
    "node", [FakeNode.silent(), FakeNode.full(), FakeNode(accepting=False)], ids=["silent", "full", "deaf"]
)
def test_a_black_hole_is_given_up_after_connect_timeout(node: FakeNode) -> None:
    with node:
        started = now()
        with pytest.raises(ConnectTimeout) as caught:
            with Pool(node.url, shared=1, connect_timeout=0.2):
                pass
        assert 0.15 <= now() - started < 3.0
        assert isinstance(caught.value, TimeoutError)


def test_a_tls_handshake_that_is_never_answered_is_given_up_too() -> None:
    with FakeNode(accepting=False) as node:
        started = now()
        with pytest.raises(ConnectTimeout):
            with Pool(f"rediss://127.0.0.1:{node.port}", shared=1, connect_timeout=0.2):
                pass
        assert 0.15 <= now() - started < 3.0


def test_the_time_to_connect_covers_the_whole_handshake() -> None:
    with FakeNode({"SELECT": Silence()}) as node:
        started = now()
        with pytest.raises(ConnectTimeout):
            with Pool(node.url, shared=1, db=1, connect_timeout=0.2):
                pass
        assert 0.15 <= now() - started < 3.0


def test_a_server_that_answers_byte_by_byte_gets_no_more_time_than_others() -> None:
    with FakeNode() as node, FaultProxy(node) as proxy:
        proxy.down.slice_size, proxy.down.slice_gap = 1, 0.05
        started = now()
        with pytest.raises(ConnectTimeout):
            with Pool(proxy.url, shared=1, connect_timeout=0.3):
                pass
        assert 0.25 <= now() - started < 3.0


def test_a_tls_handshake_that_comes_byte_by_byte_gets_no_more_time_than_others() -> None:
    with FakeNode() as node, FaultProxy(node, tls=True) as tls, FaultProxy(("127.0.0.1", tls.port)) as proxy:
        proxy.down.slice_size, proxy.down.slice_gap = 1, 0.05
        started = now()
        with pytest.raises(ConnectTimeout):
            with Pool(proxy.tls_url, tls=tls.ssl_context(), shared=1, connect_timeout=0.3):
                pass
        assert 0.25 <= now() - started < 3.0


def test_credentials_are_asked_for_at_every_dial(callers: Callers) -> None:
    asked: list[int] = []

    def credentials() -> tuple[str, str]:
        asked.append(len(asked))
        return "user", f"password{len(asked)}"

    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=1, credentials=credentials, keepalive=0.05) as pool:
            pool.execute("GET", "a")
            node.drop()
            wait_until(lambda: node.connections == 2 and pool.shared == 1)
            assert greeting(node, 1)[0].endswith(b"AUTH user password1")
            assert greeting(node, 2)[0].endswith(b"AUTH user password2")


# Peers that support less ------------------------------------------------------------------------------------


def of_peer(node: FakeNode, first: int) -> list[bytes]:
    """Return the handshakes of the connections to a node, starting with number ``first``."""
    return [greeting(node, number)[0] for number in range(first, node.connections + 1)]


@pytest.mark.parametrize("password", [None, "engine"])
@pytest.mark.parametrize(
    "refusal",
    [b"-ERR unsupported command\r\n", b"-ERR command not supported\r\n", b"-BADCMD what?\r\n", b"-LOADING wait\r\n"],
    ids=["unsupported", "not supported", "a word of its own", "loading"],
)
def test_hello_may_be_refused_in_any_words_and_the_pool_remembers(refusal: bytes, password: str | None) -> None:
    with FakeNode({"GET": echo, "HELLO": refusal}) as node:
        with Pool(node.url, shared=1, password=password) as pool:
            assert pool.execute("GET", "k") == b"k"
            with pool.acquire() as conn:
                assert conn.protocol == 2
            assert node.connections == 2
            assert not any(words.startswith(b"HELLO") for words in of_peer(node, 2))


@pytest.mark.parametrize("end", [Close(), Reset(), (UNKNOWN, Close())], ids=["closed", "reset", "said why"])
@pytest.mark.parametrize("password", [None, "engine"])
def test_a_peer_that_hangs_up_at_hello_is_spoken_to_in_resp2_and_the_pool_remembers(
    end: Any, password: str | None
) -> None:
    with FakeNode({"GET": echo, "HELLO": end}) as node:
        with Pool(node.url, shared=1, password=password, db=2) as pool:
            assert pool.execute("GET", "k") == b"k"
            learned = node.connections
            assert learned <= 4
            asked = len(node.calls("HELLO"))
            assert 2 <= asked <= 3  # the others show that HELLO was the problem
            with pool.acquire() as conn:
                assert (conn.protocol, conn.db) == (2, 2)
            assert node.connections == learned + 1
            assert len(node.calls("HELLO")) == asked
            if password is not None:
                assert of_peer(node, 2) == [b"AUTH engine"] * learned


def test_a_server_that_hung_up_for_another_reason_is_spoken_to_in_resp3() -> None:
    with FakeNode({"GET": echo}) as node:
        node.once("HELLO", Close())  # the node, or a proxy before it, was just stopping
        with Pool(node.url, shared=1, client_name="me") as pool:
            assert pool.execute("GET", "k") == b"k"
            with pool.acquire() as conn:
                assert conn.protocol == 3
            assert greeting(node, 2)[1:] == [b"HELLO 3", b"CLIENT SETNAME me", *greeting(node, 3)[1:4], b"GET k"]
            assert greeting(node, 3)[0] == b"HELLO 3 SETNAME me"


@pytest.mark.parametrize("protocol", [3, 2])
@pytest.mark.parametrize("options", [{}, {"password": "engine", "db": 1}], ids=["plain", "signed in"])
def test_a_peer_that_hangs_up_at_setinfo_is_greeted_without_it_and_the_pool_remembers(
    protocol: int, options: dict[str, Any]
) -> None:
    with FakeNode({"GET": echo, "CLIENT": Close()}) as node:
        with Pool(node.url, shared=1, protocol=protocol, **options) as pool:
            assert pool.execute("GET", "k") == b"k"
            assert node.connections == 4
            with pool.acquire() as conn:
                assert conn.protocol == protocol
            assert node.connections == 5
            assert {seen.connection for seen in node.commands if seen.command[0] == b"CLIENT"} == {1, 2, 3}


def test_a_peer_that_hangs_up_at_everything_new_is_reached() -> None:
    with FakeNode({"GET": echo, "HELLO": Close(), "CLIENT": Close()}) as node:
        with Pool(node.url, shared=1, client_name="me") as pool:
            assert pool.execute("GET", "k") == b"k"
            learned = node.connections
            assert learned == 6
            with pool.acquire() as conn:
                assert conn.execute("GET", "k") == b"k"
            assert node.connections == learned + 1


def test_a_peer_that_hangs_up_on_everybody_is_dialed_twice_and_no_more() -> None:
    with FakeNode(handshake=False, default=Close()) as node:
        with pytest.raises(ConnectFailed, match="the server closed the connection before it answered"):
            with Connection(node.url):
                pass
        assert node.connections == 2


@pytest.mark.parametrize("end", [(), (Close(),)], ids=["stays", "hangs up"])
@pytest.mark.parametrize(
    "refusal",
    [
        WRONG_PASSWORD,
        b"-NOAUTH HELLO must be called with the client already authenticated\r\n",
        b"-NOPERM this user has no permissions to run the 'hello' command\r\n",
        b"-ERR invalid password\r\n",
    ],
    ids=["wrong", "none", "not permitted", "in old words"],
)
def test_wrong_credentials_are_never_tried_in_another_protocol(refusal: bytes, end: tuple[Any, ...]) -> None:
    with FakeNode({"HELLO": (refusal, *end)}) as node:
        with pytest.raises(AuthenticationFailed):
            with Connection(node.url, password="engine"):
                pass
        assert node.connections == 1
        assert node.calls("AUTH") == []


@pytest.mark.parametrize("command", ["CLIENT SETINFO", "CLIENT SETNAME"])
@pytest.mark.parametrize("refusal", [UNKNOWN, b"-NOPERM no\r\n", b"-WHAT is this\r\n"])
def test_what_is_optional_may_be_refused_in_any_words(command: str, refusal: bytes) -> None:
    with FakeNode({"GET": echo, command: refusal}) as node:
        with Pool(node.url, shared=1, client_name="me", protocol=2) as pool:
            assert pool.execute("GET", "k") == b"k"
            assert node.connections == 1


@pytest.mark.parametrize("protocol", [3, 2])
def test_client_info_can_be_switched_off(protocol: int) -> None:
    with FakeNode({"GET": echo}) as node:
        with Pool(node.url, shared=1, protocol=protocol, client_info=False) as pool:
            assert pool.execute("GET", "k") == b"k"
        assert node.calls("CLIENT SETINFO") == []
        assert len(node.calls("CLIENT")) == (protocol == 3)  # CAPA, of which the server's list of clients shows nothing


@pytest.mark.parametrize("answer", [b"-NOAUTH Authentication required.\r\n", Silence(), Close()])
def test_a_greeting_without_a_word_to_say_still_finds_out_who_is_there(answer: Any) -> None:
    with FakeNode({"PING": answer}) as node, pytest.raises((AuthenticationFailed, ConnectFailed)):
        with Connection(node.url, protocol=2, client_info=False, connect_timeout=0.2):
            pass


# No secret is repeated ----------------------------------------------------------------------------------------


def quoting(command: Command, _: Any) -> bytes:
    """Refuse a command like a server that does not know it: the error repeats the arguments."""
    quoted = b"".join(b"'%s' " % word for word in command[1:])[:128]
    return b"-ERR unknown command '%s', with args beginning with: %s\r\n" % (command[0], quoted)


def echoing(command: Command, _: Any) -> bytes:
    """Refuse a command as a proxy might: the error repeats everything that was sent."""
    return b"-ERR cannot understand <%s>\r\n" % b" ".join(command)


def everything(error: BaseException | None) -> str:
    """Return all text that an error shows, including its causes and attributes."""
    told, seen = "", set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        told += f"{each} {each!r} {vars(each)} {pickle.dumps(each)!r}\n"
        left += [each.__cause__, each.__context__, getattr(each, "last_words", None)]
    return told + "".join(traceback.format_exception(error))


@pytest.mark.parametrize("protocol", [3, 2])
@pytest.mark.parametrize("then", [(), (Close(),)], ids=["stays", "hangs up"])
@pytest.mark.parametrize("answer", [quoting, echoing])
@pytest.mark.parametrize("password", ["engine of difference", "long" * 40], ids=["short", "long"])
def test_no_text_that_comes_back_shows_the_password(
    protocol: int, then: Any, answer: Any, password: str, callers: Callers
) -> None:
    def refuse(command: Command, connection: Any) -> Any:
        return (answer(command, connection), *then)

    events: list[Any] = []
    with FakeNode({"HELLO": refuse, "AUTH": refuse, "CLIENT": answer}) as node:
        options: dict[str, Any] = {"username": "lovelace", "password": password, "protocol": protocol}
        pool: Pool[Any] = Pool(node.url, shared=1, listener=events.append, **options)
        with pytest.raises(Error) as caught:
            pool.open()
        told = everything(caught.value)
        with pytest.raises(Error) as caught:
            pool.execute("GET", "k")
        told += everything(caught.value) + repr(events) + repr(pool)
        told += "".join(everything(event.error) for event in events)
        pool.close()
        assert events
        for secret in (password, password[:16], "lovelace"):
            assert secret not in told


def test_what_is_not_resp_may_quote_the_password_too() -> None:
    password = "-".join(("engine", "room"))  # built here, so that it is not in the source lines of a traceback
    for answer in (f"HTTP/1.1 400 {password}\r\n\r\n", "+OK\r\n" * 9 + f"-ERR {password}\r\n"):
        with FakeNode({"HELLO": answer.encode()}) as node:
            with pytest.raises(Error) as caught:
                with Connection(node.url, password=password):
                    pass
            assert password not in everything(caught.value)


def test_credentials_that_cannot_be_sent_are_refused_without_showing_them() -> None:
    with FakeNode() as node:
        for answer in ("engine\udc80", ("engine\udc80", "p"), ("u", "engine\udc80"), 7):
            with pytest.raises(UsageError) as caught:
                with Connection(node.url, credentials=lambda answer=answer: answer):
                    pass
            assert "engine" not in everything(caught.value)
        assert node.calls("HELLO") == []


def test_a_connection_that_is_being_opened_is_not_opened_once_more(callers: Callers) -> None:
    with FakeNode({"HELLO": Hold(hello)}) as node:
        conn = Connection(node.url)
        first = callers.start(conn.open)
        wait_until(lambda: node.calls("HELLO"))
        with pytest.raises(UsageError, match="being opened already"):
            conn.open()
        node.release()
        first.result()
        conn.close()
        wait_until(lambda: node.open_connections == 0)
        assert node.connections == 1
