"""Runs that are spread over a real cluster give the replies of one server."""

from __future__ import annotations

from binascii import crc_hqx
from typing import Any

import pytest

from clusters import Cluster
from respool._facts.command import spec
from respool._protocol.redirect import Step, read_redirect
from respool._protocol.run import Run
from respool._routing.splitting import Scatter
from respool.errors import CrossSlot, Error

SLOT_OF_B = 16383


def slot_of(key: str) -> int:
    return crc_hqx(key.encode(), 0) % 16384


KEYS = ["a", "b", "c", next(key for key in map(str, range(200_000)) if slot_of(key) == SLOT_OF_B)]


@pytest.fixture
def ask(cluster: Cluster, talk_to: Any) -> Any:
    """Send a run over the nodes, and return its replies. The map is wrong at first."""
    talks = {node.port: talk_to(node) for node in (cluster.a, cluster.b)}
    a, b = talks
    known: dict[int | None, int] = {SLOT_OF_B: a}

    def send(*commands: Any) -> list[Any]:
        scatter, ports = Scatter(Run(commands), slot_of, primaries=[a, b], nodes=[a, b]), list(talks)
        while not scatter.is_done:
            for port, pieces in scatter.take(lambda slot: known.get(slot, a)).items():
                for piece in pieces:
                    reply = talks[port](*piece.args)
                    redirect = None
                    if isinstance(reply, Error):
                        redirect = read_redirect(reply, ("127.0.0.1", port), spec("SET"), piece.slot)
                    if redirect is None:
                        scatter.answer(piece, reply)
                    else:
                        assert redirect.step is Step.GO
                        assert redirect.to is not None
                        assert redirect.to[1] in ports
                        known[redirect.slot] = redirect.to[1]
                        scatter.send_again(piece)
        return scatter.replies()

    yield send
    send(("FLUSHALL",), ("SCRIPT", "FLUSH"))


def test_keys_in_several_slots(ask: Any) -> None:
    pairs = [word for key in KEYS for word in (key, f"value of {key}")]
    values = [f"value of {key}".encode() for key in KEYS]
    assert ask(("MSET", *pairs), ("MGET", *KEYS, "none", *KEYS)) == [b"OK", [*values, None, *values]]
    assert ask(("EXISTS", *KEYS, KEYS[0]), ("TOUCH", *KEYS), ("DBSIZE",)) == [5, 4, 4]
    assert sorted(ask(("KEYS", "*"))[0]) == sorted(key.encode() for key in KEYS)
    assert ask(("DEL", KEYS[0], KEYS[3], "none"), ("UNLINK", *KEYS), ("DBSIZE",), ("RANDOMKEY",)) == [2, 2, 0, None]


def test_what_concerns_every_node(ask: Any) -> None:
    sha = ask(("SCRIPT", "LOAD", "return KEYS[1]"))[0]
    calls = [("EVALSHA", sha, 1, key) for key in KEYS]
    assert ask(*calls, ("SCRIPT", "EXISTS", sha, "0" * 40)) == [*(key.encode() for key in KEYS), [1, 0]]
    assert ask(("SET", KEYS[3], 1), ("FLUSHALL",), ("GET", KEYS[3]), ("ECHO", "x")) == [b"OK", b"OK", None, b"x"]
    assert isinstance(ask(("SCRIPT", "KILL"))[0], Error)


def test_a_server_refuses_what_is_refused_here(ask: Any, cluster: Cluster, talk_to: Any) -> None:
    for command in (("SINTER", KEYS[0], KEYS[1]), ("MSETNX", KEYS[0], 1, KEYS[1], 2)):
        assert isinstance(talk_to(cluster.a)(*command), CrossSlot)
        with pytest.raises(CrossSlot):
            ask(command)
