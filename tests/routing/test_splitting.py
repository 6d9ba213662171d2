"""Runs over several nodes: how they are spread, and how their replies are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool._facts.command import SPECS, find_spec
from respool._facts.errors import server_error
from respool._facts.routing_table import ROUTES, Where
from respool._protocol.redirect import Step, read_redirect
from respool._protocol.run import Run
from respool._routing.splitting import BUCKETS, Piece, Scatter, goes_anywhere, keys_of, one_slot
from respool.errors import ConnectionLost, CrossSlot, Error, ServerError, UsageError, UsageValueError

SLOT_COUNT = 6


def slot_of(key: Any) -> int:
    return ord(key[0]) % SLOT_COUNT


#: Three primaries, two of which have a replica; node ``n`` serves the slots n and n + 3.
PRIMARIES, NODES = [0, 1, 2], [0, 1, 2, 10, 11]


def owner(slot: int | None) -> int:
    return 1 if slot is None else slot % 3


def spread(*commands: Sequence[Any]) -> Scatter[int]:
    return Scatter(Run(commands), slot_of, primaries=PRIMARIES, nodes=NODES)


def sent(*commands: Sequence[Any]) -> dict[int, list[tuple[Any, ...]]]:
    return {node: [piece.args for piece in pieces] for node, pieces in spread(*commands).take(owner).items()}


def answered(command: Sequence[Any], *replies: Any) -> Any:
    """Return the reply to a command whose parts get these replies."""
    scatter = spread(command)
    pieces = sorted(
        (piece for pieces in scatter.take(owner).values() for piece in pieces), key=lambda piece: piece.part
    )
    for piece, reply in zip(pieces, replies, strict=True):
        scatter.answer(piece, reply)
    return scatter.replies()[0]


# How commands are spread ------------------------------------------------------------------------------
# The letters f, g, h, i, j, k are in the slots 0 to 5; so f and i are at node 0, g and j at 1, h and k at 2.


def test_each_command_goes_to_the_node_of_its_slot_in_the_order_of_the_run() -> None:
    run = [("SET", "f", 1), ("GET", "g"), ("GET", "f"), ("SET", "i", 2)]
    assert sent(*run) == {0: [run[0], run[2], run[3]], 1: [run[1]]}


def test_a_command_is_split_by_slot_not_by_node() -> None:
    assert sent(("MGET", "f1", "g1", "i1", "f2")) == {0: [("MGET", "f1", "f2"), ("MGET", "i1")], 1: [("MGET", "g1")]}
    assert sent(("mset", "f", 1, "g", 2, "f", 3)) == {0: [("mset", "f", 1, "f", 3)], 1: [("mset", "g", 2)]}
    assert sent(("UNLINK", "h")) == {2: [("UNLINK", "h")]}


def test_what_is_not_split_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(
        CrossSlot, match="the keys of SINTER are in 2 slots of the cluster, and nothing was sent: give them one hash"
    ):
        spread(("GET", "f"), ("SINTER", "f", "g"))
    with pytest.raises(UsageError, match="the keys of MSETNX are in 3 slots"):
        spread(("MSETNX", "f", 1, "g", 2, "h", 3))
    with pytest.raises(CrossSlot):
        spread(("EVAL", "return 1", 2, "f", "g"))
    with pytest.raises(UsageValueError, match="MSET takes keys and values in pairs"):
        spread(("MSET", "f", 1, "g"))


@pytest.mark.parametrize(
    "command", [("INFO",), ("CONFIG", "GET", "x"), ("CLUSTER", "NEWLY"), ("SLOWLOG", "GET"), ("NEW",)]
)
def test_what_concerns_one_node_is_refused(command: Any) -> None:
    with pytest.raises(UsageValueError, match=r"concerns one node of the cluster: .* node=, in execute\(\) or using\(\)"):
        spread(("GET", "f"), command)


def test_what_concerns_all_goes_to_all() -> None:
    assert sent(("DBSIZE",)) == {node: [("DBSIZE",)] for node in PRIMARIES}
    assert sent(("SCRIPT", "LOAD", "x")) == {node: [("SCRIPT", "LOAD", "x")] for node in NODES}
    assert sent(("SET", "g", 1), ("DBSIZE",), ("SET", "g", 2))[1] == [("SET", "g", 1), ("DBSIZE",), ("SET", "g", 2)]


def test_what_any_node_can_answer_goes_where_the_command_before_it_goes() -> None:
    time, script = ("TIME",), ("EVAL", "return 1", 0)
    assert sent(("GET", "f"), time, ("GET", "h"), script) == {0: [("GET", "f"), time], 2: [("GET", "h"), script]}
    assert sent(time, script, ("GET", "h"), ("GET", "f")) == {2: [time, script, ("GET", "h")], 0: [("GET", "f")]}
    assert sent(("GET", "h"), ("GET",)) == {2: [("GET", "h"), ("GET",)]}, "which the server refuses"
    assert sent(("MGET", "f", "h"), time, ("DBSIZE",), time)[2] == [("MGET", "h"), time, ("DBSIZE",), time]
    assert sent(time) == {1: [time]}


def test_the_key_of_an_unknown_command_is_its_first_argument() -> None:
    assert keys_of(find_spec(("NEW.GET", "f", "g")), ("NEW.GET", "f", "g")) == ("f",)
    assert sent(("NEW.GET", "h", "g")) == {2: [("NEW.GET", "h", "g")]}
    assert keys_of(SPECS["PING"], ("PING", "f")) == []
    assert keys_of(find_spec(("CLUSTER", "NEWLY", "f")), ("CLUSTER", "NEWLY", "f")) == []


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_every_line_of_the_table_is_followed(name: str) -> None:
    where = ROUTES[name].where
    keys = ["f", "f", "g", "g", "h", "h"] if where is Where.SLOTS else []
    if where is Where.NODE:
        with pytest.raises(UsageValueError):
            spread((*name.split(), *keys))
        return
    expected = {Where.NODES: set(NODES), Where.ANY: {1}}.get(where, set(PRIMARIES))
    assert set(sent((*name.split(), *keys))) == expected


def test_an_atomic_run_has_one_slot() -> None:
    def slot(*commands: Sequence[Any]) -> int | None:
        return one_slot(Run(commands, atomic=True), slot_of)

    assert slot(("SET", "h", 1), ("TIME",), ("INFO",), ("MGET", "h1", "h2")) == 2
    assert slot(("TIME",)) is None
    assert slot(("NEW.SET", "h"), ("GET", "h")) == 2
    with pytest.raises(
        CrossSlot, match="the keys of a transaction are in 2 slots of the cluster, and nothing was sent"
    ):
        slot(("SET", "h", 1), ("SET", "f", 1))
    with pytest.raises(CrossSlot):
        slot(("MGET", "h", "f"))
    for name in ("DBSIZE", "FLUSHALL", "SCRIPT LOAD"):
        with pytest.raises(UsageValueError, match=f"{name} has no place in a transaction, which runs on one node"):
            slot(("SET", "h", 1), tuple(name.split()))


# How replies are put together -------------------------------------------------------------------------

BAD, BUSY = ServerError("ERR", "bad"), ServerError("NOTBUSY", "No scripts in execution right now.")


def test_values_keep_the_order_of_the_keys() -> None:
    assert answered(("MGET", "f1", "g1", "f2", "h1"), [1, 3], [2], [None]) == [1, 2, 3, None]


@pytest.mark.parametrize(
    ("command", "replies", "value"),
    [
        (("DEL", "f", "g"), [1, 0], 1),
        (("EXISTS", "f", "g", "h"), [1, 1, 2], 4),
        (("MSET", "f", 1, "g", 2), [b"OK", b"OK"], b"OK"),
        (("DBSIZE",), [1, 20, 300], 321),
        (("KEYS", "*"), [[b"a"], [], [b"b", b"c"]], [b"a", b"b", b"c"]),
        (("RANDOMKEY",), [None, b"b", b"c"], b"b"),
        (("RANDOMKEY",), [None, None, None], None),
        (("SCRIPT", "EXISTS", "x", "y", "z"), [[1, 1, 0], [1, 0, 1], [1, 1, 0]], [1, 0, 0]),
        (("SCRIPT", "LOAD", "x"), [b"sha"] * 5, b"sha"),
        (("FLUSHALL",), [b"OK"] * 3, b"OK"),
        (("FLUSHALL",), [b"OK", BAD, b"OK"], BAD),
        (("SCRIPT", "KILL"), [BUSY, b"OK", BUSY], b"OK"),
        (("SCRIPT", "KILL"), [BUSY, BAD, BUSY], BAD),
        (("SCRIPT", "KILL"), [BUSY, BUSY, BUSY], BUSY),
        (("MGET", "f", "g"), [[1], BAD], BAD),
        (("GET", "f"), [BAD], BAD),
    ],
)
def test_several_replies_become_one(command: Any, replies: list[Any], value: Any) -> None:
    merged = answered(command, *replies)
    if isinstance(value, Error):
        assert (type(merged), str(merged)) == (type(value), str(value))
    else:
        assert merged == value


def test_an_error_of_a_part_of_a_write_says_how_many_parts_ran() -> None:
    lost = ConnectionLost("gone", executed="no")
    error = answered(("MSET", "f", 1, "g", 2, "h", 3), b"OK", lost, b"OK")
    assert isinstance(error, ConnectionLost)
    assert error.__notes__ == ["2 of the 3 parts of MSET ran"]
    assert error.executed == "unknown"
    assert not hasattr(lost, "__notes__")
    assert lost.executed == "no"
    refused = answered(("DEL", "f", "g"), 1, BAD)
    assert refused.__notes__ == ["1 of the 2 parts of DEL ran"]
    assert not hasattr(refused, "executed"), "the server says what did not run"
    lost.add_note("an older one")
    assert answered(("DEL", "f", "g"), lost, 1).__notes__ == ["an older one", "1 of the 2 parts of DEL ran"]
    assert lost.__notes__ == ["an older one"]


def test_where_nothing_ran_or_only_a_read_the_error_is_as_it_was() -> None:
    lost = ConnectionLost("gone", executed="no")
    assert answered(("MSET", "f", 1, "g", 2), lost, lost) is lost
    assert answered(("MGET", "f", "g"), [1], lost) is lost
    assert lost.executed == "no"


def test_a_reply_that_is_missing_is_not_made_up() -> None:
    scatter = spread(("GET", "f"), ("MGET", "f", "g"))
    (first, part), (other,) = scatter.take(owner).values()
    scatter.answer(first, b"v")
    scatter.answer(part, [b"v"])
    with pytest.raises(AssertionError, match=r"command 2 \(MGET\) has not been answered"):
        scatter.replies()
    scatter.answer(other, [b"w"])
    assert scatter.replies() == [b"v", [b"v", b"w"]]


def test_the_replies_of_a_node_are_noted_at_once() -> None:
    scatter = spread(("GET", "f"), ("MGET", "f", "g"), ("GET", "i"))
    first, second = scatter.take(owner).values()
    scatter.answer_all(first, [b"v", [b"w"], b"x"])
    scatter.answer_all(second, [[b"y"]])
    assert scatter.replies() == [b"v", [b"w", b"y"], b"x"]
    scatter = spread(("GET", "f"), ("GET", "i"))
    scatter.answer_all(scatter.take(owner)[0], [b"v", b"w"])
    assert scatter.replies() == [b"v", b"w"]


# Rounds -----------------------------------------------------------------------------------------------


def test_what_did_not_run_goes_again_alone_and_in_order() -> None:
    scatter = spread(("SET", "f", 1), ("SET", "g", 2), ("GET", "f"), ("GET", "f"))
    pieces = scatter.take(owner)
    assert scatter.is_done
    scatter.answer(pieces[1][0], b"OK")
    scatter.answer(pieces[0][1], b"v")
    scatter.send_again(pieces[0][2])
    scatter.send_again(pieces[0][0])
    assert not scatter.is_done
    assert scatter.take(lambda _: 7) == {7: [pieces[0][0], pieces[0][2]]}


def test_ask_holds_for_one_round() -> None:
    scatter = spread(("GET", "f"), ("GET", "f"))
    first, second = scatter.take(owner)[0]
    scatter.send_again(first, 2)
    scatter.send_again(second)
    taken = scatter.take(owner)
    assert taken == {2: [first._replace(asked=2)], 0: [second]}
    scatter.send_again(taken[2][0])
    assert scatter.take(owner) == {0: [first]}


def test_what_goes_to_all_goes_again_to_the_node_that_did_not_run_it() -> None:
    scatter = spread(("DBSIZE",))
    piece = scatter.take(owner)[2][0]
    scatter.send_again(piece)
    assert scatter.take(owner) == {2: [piece]}


def test_a_slot_goes_to_one_node_in_one_round() -> None:
    owners = iter([5, 6, 7])
    scatter = spread(("GET", "f"), ("GET", "g"), ("GET", "f"))
    assert {node: len(pieces) for node, pieces in scatter.take(lambda _: next(owners)).items()} == {5: 2, 6: 1}


# Against one server -----------------------------------------------------------------------------------

KEYS = [letter + number for letter in "fghijk" for number in "12"]


class Store:
    """A server with a few commands; a node of a cluster if it is told which slots it serves."""

    def __init__(self, serves: Callable[[int], bool] = lambda _: True, where: Callable[[int], int] = owner) -> None:
        self.data: dict[str, Any] = {}
        self.serves, self.where = serves, where

    def run(self, args: Sequence[Any], *, is_cluster: bool = False) -> Any:
        name, keys = args[0], find_spec(args).keys_of(args)
        slots = {slot_of(key) for key in keys}
        if is_cluster and len(slots) > 1:
            return server_error("CROSSSLOT x")
        if slots and not self.serves(slot := min(slots)):
            return server_error(f"MOVED {slot} node:{self.where(slot) + 1}")
        match name:
            case "SET" | "MSET":
                self.data.update(zip(args[1::2], args[2::2], strict=True))
                return b"OK"
            case "GET":
                return self.data.get(args[1])
            case "INCR":
                self.data[args[1]] = self.data.get(args[1], 0) + 1
                return self.data[args[1]]
            case "MGET":
                return [self.data.get(key) for key in keys]
            case "EXISTS":
                return sum(key in self.data for key in keys)
            case "DEL":
                return sum(self.data.pop(key, None) is not None for key in keys)
            case "DBSIZE":
                return len(self.data)
            case "KEYS":
                return sorted(self.data)
            case "FLUSHALL":
                self.data.clear()
                return b"OK"
            case "ECHO":
                return args[1]
        raise AssertionError(name)


def commands_on(keys: list[str], *, all_nodes: bool) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    key = st.sampled_from(keys)
    several = st.lists(key, min_size=1, max_size=6)
    value = st.integers(1, 9)
    forms = [
        st.tuples(st.just("SET"), key, value),
        st.tuples(st.sampled_from(["GET", "INCR"]), key),
        st.tuples(st.sampled_from(["MGET", "EXISTS", "DEL"]), several).map(lambda pair: (pair[0], *pair[1])),
        st.lists(st.tuples(key, value), min_size=1, max_size=6).map(lambda pairs: ("MSET", *sum(pairs, ()))),
        st.just(("ECHO", "x")),
    ]
    if all_nodes:
        forms.append(st.sampled_from([("DBSIZE",), ("KEYS", "*"), ("FLUSHALL",)]))
    return st.lists(st.one_of(forms), max_size=12)


def as_set(replies: list[Any], commands: list[tuple[Any, ...]]) -> list[Any]:
    return [sorted(reply) if command[0] == "KEYS" else reply for command, reply in zip(commands, replies, strict=True)]


@given(commands_on(KEYS, all_nodes=True))
def test_over_three_nodes_the_replies_are_those_of_one_server(commands: list[tuple[Any, ...]]) -> None:
    alone, nodes = Store(), [Store(lambda slot, own=own: owner(slot) == own) for own in PRIMARIES]  # type: ignore[misc]
    scatter = spread(*commands)
    for node, pieces in scatter.take(owner).items():
        for piece in pieces:
            scatter.answer(piece, nodes[node].run(piece.args, is_cluster=True))
    assert scatter.is_done
    assert as_set(scatter.replies(), commands) == as_set([alone.run(args) for args in commands], commands)


@given(
    commands_on(KEYS, all_nodes=False),
    st.lists(st.sampled_from(PRIMARIES), min_size=SLOT_COUNT, max_size=SLOT_COUNT),
    st.randoms(use_true_random=False),
)
def test_with_an_old_map_everything_runs_once_and_the_replies_are_the_same(
    commands: list[tuple[Any, ...]], really: list[int], chance: Any
) -> None:
    """MOVED redirects every command of a slot that has left, so their order stays."""
    alone, known = Store(), {slot: owner(slot) for slot in range(SLOT_COUNT)}
    nodes = [Store(lambda slot, own=own: really[slot] == own, really.__getitem__) for own in PRIMARIES]  # type: ignore[misc]
    scatter, asked = spread(*commands), 0
    while not scatter.is_done:
        asked += 1
        taken = scatter.take(lambda slot: 1 if slot is None else known[slot])
        told: dict[int, int] = {}
        groups = list(taken.items())
        chance.shuffle(groups)
        for node, pieces in groups:
            for piece in pieces:
                reply = nodes[node].run(piece.args, is_cluster=True)
                redirect = read_redirect(reply, ("node", node + 1), SPECS["SET"]) if isinstance(reply, Error) else None
                if redirect is None:
                    scatter.answer(piece, reply)
                    continue
                assert redirect.step is Step.GO
                assert redirect.slot is not None
                assert redirect.to is not None
                told[redirect.slot] = redirect.to[1] - 1
                scatter.send_again(piece)
        known |= told
        assert asked <= 2
    assert scatter.replies() == [alone.run(args) for args in commands]
    assert {key: value for node in nodes for key, value in node.data.items()} == alone.data


@given(commands_on(KEYS, all_nodes=True), st.randoms(use_true_random=False))
def test_no_answered_piece_goes_again_and_a_slot_keeps_its_order(commands: list[tuple[Any, ...]], chance: Any) -> None:
    scatter, seen, rounds = spread(*commands), set(), 0
    while not scatter.is_done:
        rounds += 1
        for node, pieces in scatter.take(owner).items():
            assert [piece[:2] for piece in pieces] == sorted(piece[:2] for piece in pieces)
            back: list[Piece[int]] = []
            for piece in pieces:
                assert piece[:2] not in seen
                assert piece.asked in (None, node)
                if rounds < 5 and chance.random() < 0.4:
                    back.append(piece)
                else:
                    seen.add(piece[:2])
                    scatter.answer(piece, [1] if piece.args[0] in ("MGET", "KEYS") else 1)
            chance.shuffle(back)
            for piece in back:
                scatter.send_again(piece, chance.choice([None, *PRIMARIES]))
    assert {at for at, _ in seen} == set(range(len(commands)))


# Independent servers -----------------------------------------------------------------------------------------


def in_buckets(*commands: Sequence[Any]) -> dict[int, list[tuple[Any, ...]]]:
    scatter: Scatter[int] = Scatter(Run(commands), lambda key: ord(key[0]) % 3, primaries=[0, 1, 2], nodes=[0, 1, 2], terms=BUCKETS)
    return {
        node: [piece.args for piece in pieces]
        for node, pieces in scatter.take(lambda slot: 9 if slot is None else slot).items()
    }


def test_a_bucket_gets_its_keys_in_one_command_whatever_their_slots() -> None:
    assert in_buckets(("MGET", "f", "i", "g")) == {0: [("MGET", "f", "i")], 1: [("MGET", "g")]}
    assert in_buckets(("RENAME", "f", "i")) == {0: [("RENAME", "f", "i")]}
    with pytest.raises(CrossSlot, match="the keys of RENAME are in 2 buckets, and nothing was sent"):
        in_buckets(("RENAME", "f", "g"))
    with pytest.raises(CrossSlot, match="the keys of a transaction are in 2 buckets"):
        one_slot(Run([("GET", 0), ("GET", 1)]), int, BUCKETS)


@pytest.mark.parametrize(
    "command", [("INFO",), ("SCAN", 0), ("PUBLISH", "c", "m"), ("EVAL", "return 1", 0), ("XREAD", "COUNT", 1)]
)
def test_without_keys_only_what_needs_no_data_and_reaches_nobody_goes_to_any_bucket(command: Sequence[Any]) -> None:
    with pytest.raises(UsageValueError, match=f"{command[0]} concerns one bucket: say which one with shard_key= or node="):
        in_buckets(("GET", "f"), command)
    assert in_buckets(("ECHO", "x")) == {9: [("ECHO", "x")]}
    assert in_buckets(("GET", "g"), ("TIME",)) == {1: [("GET", "g"), ("TIME",)]}
    assert in_buckets(("DBSIZE",), ("SCRIPT", "LOAD", "x")) == {
        node: [("DBSIZE",), ("SCRIPT", "LOAD", "x")] for node in range(3)
    }


def test_what_concerns_all_buckets_goes_to_whichever_node_each_has_when_it_is_sent() -> None:
    scatter: Scatter[str] = Scatter(Run([("DBSIZE",)]), int, primaries=["a", "b"], nodes=["a", "b"], terms=BUCKETS)
    first = scatter.take(lambda slot: ["a", "b"][slot or 0])
    scatter.answer(first["a"][0], 3)
    scatter.send_again(first["b"][0])
    second = scatter.take(lambda slot: ["a", "successor of b"][slot or 0])
    scatter.answer(second["successor of b"][0], 4)
    assert (list(second), scatter.replies()) == (["successor of b"], [7])


def test_any_node_of_a_cluster_runs_what_only_one_of_several_servers_can() -> None:
    for name in ("PUBLISH", "EVAL"):
        assert goes_anywhere(SPECS[name])
        assert not goes_anywhere(SPECS[name], BUCKETS)


def test_an_atomic_run_without_keys_is_for_one_bucket_that_only_the_caller_knows() -> None:
    run = Run([("ECHO", "x")])
    assert one_slot(run, int) is None
    with pytest.raises(UsageValueError, match="a transaction without keys concerns one bucket: say which one"):
        one_slot(run, int, BUCKETS)
