"""The handshake: the first commands on a connection (R-37)."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.errors import server_error
from respool._facts.standing import Standing
from respool._facts.version import __version__
from respool._protocol.handshake import Handshake
from respool._protocol.peer import Peer
from respool.errors import (
    AuthenticationFailed,
    ConnectFailed,
    ConnectionLost,
    ConnectTimeout,
    DecodeError,
    ProtocolError,
    ReadTimeout,
    ServerError,
    WrongRole,
)

SETINFO = [("CLIENT", "SETINFO", "LIB-NAME", "respool"), ("CLIENT", "SETINFO", "LIB-VER", __version__)]
HELLO = {b"server": b"valkey", b"version": b"9.0.0", b"proto": 3, b"id": 7}
OK = b"OK"
REPLICA = Standing(readonly=True, in_cluster=True)
UNKNOWN = ServerError("ERR", "unknown command 'HELLO', with args beginning with: '3'")


def test_in_resp3_everything_is_one_round_trip_and_begins_with_hello() -> None:
    handshake = Handshake(db=2, username="u", password="pw", client_name="me", standing=REPLICA)
    assert handshake.commands() == [
        ("HELLO", "3", "AUTH", "u", "pw", "SETNAME", "me"),
        ("SELECT", 2),
        ("READONLY",),
        *SETINFO,
    ]
    assert handshake.read([HELLO, OK, OK, OK, OK])
    assert handshake.server == {"server": "valkey", "version": "9.0.0", "proto": 3, "id": 7}


def test_the_least_there_is_to_say() -> None:
    assert Handshake().commands() == [("HELLO", "3"), *SETINFO]


def test_a_password_alone_is_that_of_the_default_user() -> None:
    assert Handshake(password="pw").commands()[0] == ("HELLO", "3", "AUTH", "default", "pw")
    assert Handshake(password="").commands()[0] == ("HELLO", "3", "AUTH", "default", "")


def test_in_resp2_auth_comes_first() -> None:
    handshake = Handshake(protocol=2, db=1, username="u", password="pw", client_name="me")
    assert handshake.commands() == [
        ("AUTH", "u", "pw"),
        ("CLIENT", "SETNAME", "me"),
        ("SELECT", 1),
        *SETINFO,
    ]
    assert handshake.read([OK] * 5)
    assert handshake.server == {}
    assert Handshake(protocol=2, password="pw").commands()[0] == ("AUTH", "pw")


@pytest.mark.parametrize("protocol", [2, 3])
def test_nothing_a_server_could_execute_comes_before_authentication(protocol: int) -> None:
    for options in (
        {"password": "pw"},
        {"username": "u", "password": "pw", "db": 3, "client_name": "n", "standing": REPLICA},
    ):
        first, *others = Handshake(protocol=protocol, **options).commands()  # type: ignore[arg-type]
        assert first[0] == ("AUTH" if protocol == 2 else "HELLO")
        assert "pw" in first
        assert not any("AUTH" in args for args in others)


@pytest.mark.parametrize("refusal", [UNKNOWN, ServerError("NOPROTO", "unsupported protocol version")])
def test_a_server_without_resp3_is_spoken_to_in_resp2(refusal: ServerError) -> None:
    handshake = Handshake(password="pw", db=1)
    noauth = ServerError("NOAUTH", "Authentication required.")
    assert not handshake.read([refusal, noauth, noauth, noauth])
    assert handshake.protocol == 2
    assert handshake.commands() == [("AUTH", "pw"), ("SELECT", 1), *SETINFO]
    assert handshake.read([OK, OK, OK, OK])


def test_an_old_server_need_not_know_setinfo() -> None:
    for refusal in (ServerError("ERR", "unknown subcommand 'SETINFO'"), ServerError("NOPERM", "no permissions")):
        assert Handshake().read([HELLO, refusal, refusal])


def test_a_server_that_wants_a_password_is_no_old_server() -> None:
    noauth = ServerError("NOAUTH", "Authentication required.")
    with pytest.raises(AuthenticationFailed):
        Handshake(protocol=2).read([noauth, noauth])


def test_what_the_caller_asked_for_must_not_fail() -> None:
    refusal = ServerError("ERR", "DB index is out of range")
    with pytest.raises(ServerError, match="DB index is out of range"):
        Handshake(db=99).read([HELLO, refusal, OK, OK])
    with pytest.raises(ServerError, match="unknown command"):
        Handshake(protocol=2, standing=REPLICA).read([ServerError("ERR", "unknown command 'READONLY'"), OK, OK])


@pytest.mark.parametrize(
    "refusal",
    [
        ServerError("WRONGPASS", "invalid username-password pair or user is disabled."),
        ServerError("NOAUTH", "HELLO must be called with the client already authenticated"),
        ServerError("NOPERM", "this user has no permissions"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3])
def test_wrong_credentials_are_an_authentication_error_that_names_the_node_and_no_secret(
    protocol: int, refusal: ServerError
) -> None:
    handshake = Handshake(protocol=protocol, password="hush", address="node:1")
    replies: list[Any] = [refusal, *[ServerError("NOAUTH", "")] * (len(handshake.commands()) - 1)]
    with pytest.raises(AuthenticationFailed, match="node:1") as caught:
        handshake.read(replies)
    assert caught.value.code == refusal.code
    assert caught.value.__cause__ is None  # it would repeat the message
    assert "hush" not in str(caught.value)
    assert handshake.protocol == protocol  # with another protocol it would fail too


@pytest.mark.parametrize("protocol", [2, 3])
def test_who_gave_no_password_is_told_how_to_give_one(protocol: int) -> None:
    handshake = Handshake(protocol=protocol, address="node:1")
    replies: list[Any] = [ServerError("NOAUTH", "Authentication required.")] * len(handshake.commands())
    with pytest.raises(AuthenticationFailed, match=r"give password= or credentials=, or redis://.* \(node:1\)") as caught:
        handshake.read(replies)
    assert caught.value.code == "NOAUTH"


def test_a_refused_database_is_named() -> None:
    with pytest.raises(ServerError, match=r"^ERR out of range \(db=99 in the handshake with node:1\)$"):
        Handshake(db=99, address="node:1").read([HELLO, ServerError("ERR", "out of range"), OK, OK])


def test_an_answer_that_no_server_gives_is_no_connection() -> None:
    for strange in (OK, 1, None, {b"proto": 2}, {}, [b"proto", 3]):
        with pytest.raises(ConnectFailed, match="node:1: HELLO was not answered as a server would"):
            Handshake(address="node:1").read([strange, OK, OK])


def test_half_an_answer_is_no_connection() -> None:
    with pytest.raises(ConnectFailed, match="in part"):
        Handshake().read([HELLO])


def test_what_is_not_resp_is_no_connection() -> None:
    with pytest.raises(ConnectFailed, match="the handshake failed") as caught:
        Handshake(protocol=2).read([ProtocolError("not RESP"), OK])
    assert isinstance(caught.value.__cause__, ProtocolError)


def test_any_other_error_is_raised_as_it_is() -> None:
    error = DecodeError("not text")
    with pytest.raises(DecodeError) as caught:
        Handshake().read([error, OK, OK])
    assert caught.value is error


def test_a_connection_that_ends_in_the_handshake_says_what_the_server_said_last() -> None:
    handshake = Handshake(address="node:1")
    lost = ConnectionLost("closed", executed="unknown")
    hint = "; perhaps this port speaks TLS: try rediss:// or tls=True"
    assert str(handshake.ended(lost)) == f"node:1: the handshake failed: the connection ended before it answered{hint}"
    lost.__cause__ = ConnectionLost("the server closed the connection")
    assert str(Handshake(address="node:1", is_tls=True).ended(lost)) == (
        "node:1: the handshake failed: the server closed the connection before it answered"
    )
    lost.last_words = ServerError("ERR", "max number of clients reached")
    assert "max number of clients reached" in str(handshake.ended(lost))
    broken = ConnectionLost("closed", executed="unknown")
    broken.__cause__ = ProtocolError("a reply nobody asked for: ERR max number of clients reached")
    assert "max number of clients reached" in str(handshake.ended(broken))
    assert handshake.ended(broken).__cause__ is None  # the message includes its text already
    for byte, hint in (("H", "HTTP server"), ("<", "HTTP server"), ("\\x15", "speaks TLS"), ("Q", "Q")):
        said = ProtocolError(f'the reply is not RESP: Protocol error, got "{byte}" as reply type byte', address="node:1")
        assert hint in str(handshake.ended(said))
    assert isinstance(handshake.ended(ReadTimeout("silent", executed="unknown")), ConnectTimeout)


def test_text_replies_are_understood_as_well() -> None:
    handshake = Handshake()
    assert handshake.read([{"proto": 3, "server": "redis"}, "OK", "OK"])
    assert handshake.server["server"] == "redis"


# The role that a pool expects ---------------------------------------------------------------------------------

MASTER = [b"master", 14, []]
SLAVE = [b"slave", b"10.0.0.2", 6380, b"connected", 14]


def expecting(role: Any, **options: Any) -> Handshake:
    """Make the handshake of a pool that needs a role; CAPA has its own tests below."""
    return Handshake(client_info=False, standing=Standing(expects=role, in_cluster=True), **options)


@pytest.mark.parametrize("protocol", [2, 3])
def test_the_role_is_asked_for_in_the_same_round_trip(protocol: int) -> None:
    for expects, answer in (("primary", MASTER), ("primary", ["master", 0, []]), ("replica", SLAVE)):
        handshake = expecting(expects, protocol=protocol, db=1)
        assert handshake.commands() == [("HELLO", "3"), ("SELECT", 1), ("ROLE",)][3 - protocol :]
        assert handshake.read([HELLO, OK, answer][3 - protocol :])


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_node_of_another_role_is_no_connection_and_says_where_its_primary_is(protocol: int) -> None:
    handshake = expecting("primary", protocol=protocol, address="node:1")
    with pytest.raises(WrongRole, match=r"^node:1: this node is a replica of 10.0.0.2:6380, and .* needs a primary") as caught:
        handshake.read([HELLO, SLAVE][3 - protocol :])
    assert (caught.value.role, caught.value.primary) == ("replica", ("10.0.0.2", 6380))
    assert (caught.value.address, caught.value.executed) == ("node:1", "no")


@pytest.mark.parametrize(
    ("answer", "role"),
    [
        (MASTER, "primary"),
        ([b"sentinel", [b"main"]], "sentinel"),
        ([b"slave"], "replica"),
        ([b"slave", b"", 6379, b"connect", -1], "replica"),
        ([b"slave", b"10.0.0.2", 0, b"connect", -1], "replica"),
        ([b"slave", b"10.0.0.2", 65536, b"connect", -1], "replica"),
        ([b"slave", None, None], "replica"),
    ],
)
def test_a_primary_that_it_does_not_name_is_none(answer: Any, role: str) -> None:
    expects: Any = "replica" if role == "primary" else "primary"
    with pytest.raises(WrongRole) as caught:
        expecting(expects, protocol=2).read([answer])
    assert (caught.value.role, caught.value.primary) == (role, None)


def test_where_role_is_forbidden_hello_tells_the_role() -> None:
    forbidden = ServerError("NOPERM", "User app has no permissions to run the 'role' command")
    assert expecting("primary").read([{**HELLO, b"role": b"master"}, forbidden])
    with pytest.raises(WrongRole) as caught:
        expecting("primary").read([{**HELLO, b"role": b"replica"}, forbidden])
    assert caught.value.role == "replica"
    for protocol, replies in ((2, [forbidden]), (3, [HELLO, forbidden])):
        with pytest.raises(ServerError, match="NOPERM"):
            expecting("primary", protocol=protocol).read(replies)


@pytest.mark.parametrize("strange", [OK, None, [], [1], 1])
def test_a_role_that_no_server_answers_is_no_connection(strange: Any) -> None:
    with pytest.raises(ConnectFailed, match="ROLE was not answered as a server would"):
        expecting("primary", protocol=2).read([strange])


# A node that may lose its role --------------------------------------------------------------------------------

CAPA = ("CLIENT", "CAPA", "redirect")
#: A node of a pool that knows nothing about it.
POOLED = Standing()
PRIMARY_NOW, REPLICA_NOW = {**HELLO, b"role": b"master"}, {**HELLO, b"role": b"replica"}
NO_CAPA = ServerError("ERR", "unknown subcommand 'CAPA'. Try CLIENT HELP.")


def pooled(peer: Peer | None = None, *, standing: Standing = POOLED, **options: Any) -> Handshake:
    return Handshake(client_info=False, peer=peer, standing=standing, **options)


@pytest.mark.parametrize("answer", [OK, NO_CAPA, ServerError("NOPERM", "no permissions")])
def test_a_primary_is_asked_to_redirect_when_it_becomes_a_replica(answer: Any) -> None:
    peer = Peer()
    handshake = pooled(peer)
    assert handshake.commands() == [("HELLO", "3"), CAPA]
    assert handshake.read([PRIMARY_NOW, answer])
    assert not handshake.needs_new_connection
    later = pooled(peer)
    assert later.commands() == [("HELLO", "3"), CAPA]
    assert later.read([REPLICA_NOW, answer])  # it has become one: reads there would be out of date
    assert not later.needs_new_connection
    assert pooled(peer).commands() == [("HELLO", "3"), CAPA]


def test_a_node_that_was_a_replica_from_the_first_goes_on_serving_reads() -> None:
    peer = Peer()
    handshake = pooled(peer, db=1)
    assert not handshake.read([REPLICA_NOW, OK, OK])
    assert handshake.needs_new_connection  # CAPA cannot be taken back
    assert handshake.commands() == [("HELLO", "3"), ("SELECT", 1)]
    assert handshake.read([REPLICA_NOW, OK])
    assert not handshake.needs_new_connection
    assert pooled(peer).commands() == [("HELLO", "3")]
    assert pooled(peer).read([PRIMARY_NOW])
    assert pooled(peer).commands() == [("HELLO", "3")]  # it may become a replica again


def test_a_replica_that_does_not_know_how_to_redirect_is_not_dialed_again() -> None:
    peer = Peer()
    handshake = pooled(peer)
    assert handshake.read([REPLICA_NOW, NO_CAPA])
    assert not handshake.needs_new_connection
    assert pooled(peer).commands() == [("HELLO", "3")]


def test_what_other_dials_learn_does_not_change_a_handshake_that_was_sent() -> None:
    peer = Peer()
    first, second = pooled(peer), pooled(peer)
    assert first.read([REPLICA_NOW, NO_CAPA])
    assert not second.read([REPLICA_NOW, OK])
    assert second.needs_new_connection


@pytest.mark.parametrize(
    ("protocol", "standing"),
    [(3, None), (3, Standing(in_cluster=True)), (3, Standing(expects="replica")), (2, POOLED)],
    ids=["used alone", "in a cluster", "a replica is wanted", "the role is not told in RESP2"],
)
def test_who_is_not_asked_to_redirect(protocol: int, standing: Standing | None) -> None:
    assert CAPA not in Handshake(protocol=protocol, standing=standing).commands()


@pytest.mark.parametrize("protocol", [2, 3])
def test_where_the_role_is_checked_redirects_are_always_asked_for(protocol: int) -> None:
    peer = Peer()
    for _ in range(2):
        handshake = pooled(peer, standing=Standing(expects="primary"), protocol=protocol)
        assert handshake.commands() == [("HELLO", "3"), ("ROLE",), CAPA][3 - protocol :]
        assert handshake.read([REPLICA_NOW, MASTER, OK][3 - protocol :])  # promoted between the two answers
        assert not handshake.needs_new_connection


def test_a_peer_that_hangs_up_at_capa_is_greeted_without() -> None:
    peer = Peer()
    handshake = pooled(peer)
    assert handshake.may_dial_again(hang_up(1))
    for _ in range(2):
        assert handshake.commands() == [("HELLO", "3")]
        assert not handshake.read([PRIMARY_NOW])
        assert handshake.commands() == [CAPA]
        assert handshake.may_dial_again(hang_up())
    assert handshake.read([PRIMARY_NOW])
    assert not peer.takes_client_commands
    assert pooled(peer).commands() == [("HELLO", "3")]


def test_a_replica_that_hung_up_by_chance_is_not_asked_to_redirect() -> None:
    peer = Peer()
    handshake = pooled(peer, client_name="me")
    assert handshake.may_dial_again(hang_up())  # HELLO may be the reason, so RESP2 comes first
    assert not handshake.read([b"PONG"])
    assert not handshake.read([REPLICA_NOW])
    assert handshake.commands() == [("CLIENT", "SETNAME", "me")]
    assert handshake.read([OK])
    assert (peer.protocol, peer.role) == (3, "replica")


# A peer that hangs up ---------------------------------------------------------------------------------------


def hang_up(answered: int = 0, words: ServerError | None = None) -> ConnectionLost:
    error = ConnectionLost("closed", executed="unknown")
    error.answered, error.last_words = answered, words
    return error


def test_a_peer_that_hangs_up_at_hello_is_proven_not_to_know_it_before_that_is_remembered() -> None:
    peer = Peer()
    handshake = Handshake(password="pw", db=1, client_name="me", peer=peer)
    least, optional = [("AUTH", "pw"), ("SELECT", 1)], [("CLIENT", "SETNAME", "me"), *SETINFO]
    assert handshake.may_dial_again(hang_up())
    assert handshake.commands() == least
    assert not handshake.read([OK, OK])
    assert handshake.commands() == [("HELLO", "3")]
    assert peer.protocol == 3
    for following in ([("HELLO", "3")], optional):  # HELLO a second time: the first hang-up may have been chance
        assert handshake.may_dial_again(hang_up())
        assert handshake.commands() == least
        assert not handshake.read([OK, OK])
        assert handshake.commands() == following
    assert handshake.read([OK, OK, UNKNOWN])
    assert (peer.protocol, peer.takes_client_commands) == (2, True)
    assert Handshake(password="pw", db=1, client_name="me", peer=peer).commands()[0] == ("AUTH", "pw")


def test_a_peer_may_hang_up_at_everything_new() -> None:
    peer = Peer()
    handshake = Handshake(client_name="me", peer=peer)
    for _ in range(4):
        assert handshake.may_dial_again(hang_up())
        assert handshake.commands() == [("PING",)]
        assert not handshake.read([b"PONG"])
    assert handshake.may_dial_again(hang_up())
    assert handshake.read([b"PONG"])
    assert (peer.protocol, peer.takes_client_commands) == (2, False)
    assert Handshake(client_name="me", peer=peer).commands() == [("PING",)]


def test_two_hang_ups_around_a_greeting_are_no_proof() -> None:
    handshake = Handshake()
    assert handshake.may_dial_again(hang_up())
    assert not handshake.read([b"PONG"])
    assert handshake.may_dial_again(hang_up())
    assert not handshake.read([b"PONG"])
    assert not handshake.read([HELLO])
    assert handshake.read([OK, OK])
    assert handshake.protocol == 3


@pytest.mark.parametrize(("answer", "protocol"), [(HELLO, 3), (UNKNOWN, 2), (OK, 2)])
def test_a_peer_that_answers_hello_at_last_hung_up_for_another_reason(answer: Any, protocol: int) -> None:
    peer = Peer()
    handshake = Handshake(client_name="me", peer=peer)
    assert handshake.may_dial_again(hang_up())
    assert handshake.commands() == [("PING",)]
    assert not handshake.read([b"PONG"])
    assert not handshake.read([answer])
    assert handshake.commands() == [("CLIENT", "SETNAME", "me"), *SETINFO]
    assert handshake.read([OK, OK, OK])
    assert handshake.protocol == peer.protocol == protocol
    assert peer.takes_client_commands


def test_a_peer_that_refuses_hello_and_then_hangs_up_is_the_same() -> None:
    handshake = Handshake()
    assert handshake.may_dial_again(hang_up(1, UNKNOWN))
    assert handshake.commands() == [("PING",)]


def test_a_peer_that_hangs_up_at_an_optional_command_is_greeted_without() -> None:
    for protocol, first in ((3, ("HELLO", "3")), (2, ("PING",))):
        peer = Peer()
        handshake = Handshake(protocol=protocol, peer=peer)
        answer = HELLO if protocol == 3 else b"PONG"
        assert handshake.may_dial_again(hang_up(1 if protocol == 3 else 0))
        assert handshake.commands() == [first]
        assert not handshake.may_dial_again(hang_up(1))  # there is nothing left to omit
        assert not handshake.read([answer])
        assert handshake.commands() == SETINFO
        assert peer.takes_client_commands
        assert handshake.may_dial_again(hang_up())
        assert not handshake.read([answer])
        assert handshake.may_dial_again(hang_up())
        assert handshake.read([answer])
        assert not peer.takes_client_commands
        assert peer.protocol == 3


def test_a_greeting_that_has_nothing_to_leave_out_is_not_repeated() -> None:
    assert not Handshake(protocol=2, client_info=False).may_dial_again(hang_up())
    handshake = Handshake()
    assert handshake.may_dial_again(hang_up())
    assert not handshake.may_dial_again(hang_up())


@pytest.mark.parametrize(
    "words",
    [
        ServerError("WRONGPASS", "invalid"),
        server_error("ERR invalid password"),
        server_error("ERR max number of clients reached"),
        ServerError("DENIED", "Redis is running in protected mode"),
    ],
)
def test_a_peer_that_says_why_it_wants_no_client_is_not_dialed_again(words: ServerError) -> None:
    assert not Handshake(password="pw").may_dial_again(hang_up(1, words))


@pytest.mark.parametrize("client_info", [False, True], ids=["PING", "CLIENT SETINFO"])
@pytest.mark.parametrize("words", ["ERR max number of clients reached", "DENIED Redis is running in protected mode"])
def test_a_client_that_is_refused_is_not_ready_even_if_it_asked_for_nothing_essential(
    words: str, client_info: bool
) -> None:
    handshake = Handshake(protocol=2, client_info=client_info)
    with pytest.raises(ServerError, match=words):
        handshake.read([server_error(words)] * len(handshake.commands()))


def test_a_server_that_is_busy_with_a_script_is_ready() -> None:
    assert Handshake(protocol=2).read([server_error("BUSY a script is running")] * len(SETINFO))


def test_a_wrong_password_that_ends_the_connection_is_still_an_authentication_error() -> None:
    assert isinstance(Handshake().ended(hang_up(1, ServerError("WRONGPASS", "invalid"))), AuthenticationFailed)


def test_what_is_not_resp_and_what_is_silent_is_not_dialed_again() -> None:
    strange = hang_up()
    strange.__cause__ = ProtocolError("not RESP")
    assert not Handshake().may_dial_again(strange)
    assert not Handshake().may_dial_again(ReadTimeout("silent", executed="unknown"))


def test_a_pool_that_wants_resp2_learns_nothing_about_resp3() -> None:
    peer = Peer()
    assert Handshake(protocol=2, peer=peer).read([OK, OK])
    assert peer.protocol == 3


def test_a_password_that_is_quoted_in_a_refusal_is_masked() -> None:
    quoted = ServerError("ERR", "unknown command AUTH engine-room")
    with pytest.raises(ServerError) as caught:
        Handshake(protocol=2, password="engine-room").read([quoted, OK, OK])
    assert str(caught.value) == "ERR unknown command AUTH *** (AUTH in the handshake with )"
    error = Handshake(password="engine-room").ended(hang_up(1, ServerError("ERR", "engine-room")))
    assert "engine" not in str(error)
