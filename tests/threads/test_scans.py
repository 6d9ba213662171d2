# Generated from tests/asyncio_/test_scans.py by tools/generate.py. Do not edit.
"""Iterators over keys, fields and members: one page at a time, and never a page after the last."""

from __future__ import annotations

from typing import Any

import pytest

from answers import bulk, words
from threads.harness import Callers, wait_until
from respool import Connection, Pool
from respool.errors import ConnectionLost, UsageError, UsageTypeError, UsageValueError, WrongType
from respool.testing import Close, FakeConnection, FakeNode, Hold, Server

MANY = 300
#: The pages of a scripted scan, by their cursors: one of them is empty, and a later one repeats an element.
PAGES = {b"0": (b"7", [b"a", b"b"]), b"7": (b"3", []), b"3": (b"9", [b"b"]), b"9": (b"0", [b"c"])}


def paged(command: tuple[bytes, ...], _: FakeConnection) -> bytes:
    """Answer SCAN with its page of ``PAGES``."""
    following, elements = PAGES[command[1]]
    return b"*2\r\n" + bulk(following) + b"*%d\r\n" % len(elements) + b"".join(map(bulk, elements))


def held_page(command: tuple[bytes, ...], connection: FakeConnection) -> Hold:
    return Hold(paged(command, connection))


def fill(pool: Any) -> list[str]:
    """Store a hash, a set and a sorted set of many elements, and many keys; return the names of the elements."""
    names = [f"n:{number}" for number in range(MANY)]
    pool.execute_many([("HSET", "h", name, name[2:]) for name in names])
    pool.execute_many([("SADD", "s", name) for name in names])
    pool.execute_many([("ZADD", "z", name[2:], name) for name in names])
    pool.execute_many([("SET", name, "") for name in names])
    return names


@pytest.mark.parametrize("encoding", [None, "utf-8"])
@pytest.mark.parametrize("protocol", [2, 3])
def test_every_element_comes(server: Server, protocol: int, encoding: str | None) -> None:
    with Pool(server.url, protocol=protocol, encoding=encoding) as pool:
        names = fill(pool)
        stored = {name: name if encoding else name.encode() for name in [*names, "h", "s", "z", "0.5", "inf"]}
        texts = {stored[name]: name[2:] if encoding else name[2:].encode() for name in names}
        assert {key for key in pool.scan_iter()} == set(stored.values()) - {stored["0.5"], stored["inf"]}
        assert [key for key in pool.scan_iter(type="set")] == [stored["s"]]
        assert {key for key in pool.scan_iter(match="n:*", count=MANY)} == set(texts)
        assert {pair for pair in pool.hscan_iter("h")} == set(texts.items())
        assert {member for member in pool.sscan_iter("s", count=7)} == set(texts)
        assert {pair for pair in pool.zscan_iter("z")} == {(key, float(text)) for key, text in texts.items()}

        assert [pair for pair in pool.hscan_iter("h", match="n:17", count=9)] == [
            (stored["n:17"], texts[stored["n:17"]])
        ]
        assert [member for member in pool.sscan_iter("s", match=b"n:17")] == [stored["n:17"]]
        assert [pair for pair in pool.zscan_iter("z", match="n:17", count=9)] == [(stored["n:17"], 17.0)]
        pool.execute("ZADD", "y", 0.5, "0.5", "inf", "inf")
        pairs = [pair for pair in pool.zscan_iter("y")]
        assert pairs == [(stored["0.5"], 0.5), (stored["inf"], float("inf"))]
        assert [type(score) for _, score in pairs] == [float, float]


def test_of_a_key_that_is_not_there_nothing_comes(server: Server) -> None:
    with Pool(server.url) as pool:
        for iterator in (pool.hscan_iter("k"), pool.sscan_iter("k"), pool.zscan_iter("k"), pool.scan_iter()):
            assert [each for each in iterator] == []


def test_elements_that_stay_come_although_others_come_and_go(server: Server) -> None:
    with Pool(server.url, encoding="utf-8") as pool:
        names = fill(pool)
        found = set()
        for member in pool.sscan_iter("s"):
            if member not in found:
                found.add(member)
                pool.sadd("s", f"new:{member}")  # the table of the set grows while it is scanned
                pool.srem("s", f"new:{member}")
        assert found >= set(names)


def test_a_lease_and_a_connection_have_iterators_too(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        fill(pool)
        with pool.acquire() as lease:
            assert len({key for key in lease.scan_iter()}) == MANY + 3
            iterator = lease.sscan_iter("s")
            assert iterator.__next__()
        with pytest.raises(UsageError, match="given back"):
            for _ in iterator:
                pass
    with Connection(server.url) as connection:
        assert len({pair for pair in connection.zscan_iter("z")}) == MANY


def test_a_page_is_asked_for_when_it_is_needed_and_none_after_the_last() -> None:
    with FakeNode({"SCAN": paged}) as node:
        with Pool(node.url, shared=1) as pool:
            iterator = pool.scan_iter()
            assert words(node, "SCAN") == []
            assert [iterator.__next__(), iterator.__next__()] == [b"a", b"b"]
            assert words(node, "SCAN") == [b"0"]
            assert iterator.__next__() == b"b"
            assert words(node, "SCAN") == [b"0", b"7", b"3"]
            assert [key for key in iterator] == [b"c"]
            for _ in range(2):
                with pytest.raises(StopIteration):
                    iterator.__next__()
            assert words(node, "SCAN") == [b"0", b"7", b"3", b"9"]
            assert [key for key in pool.scan_iter()] == [b"a", b"b", b"b", b"c"]


def test_options_are_sent_with_every_page() -> None:
    with FakeNode({"SCAN": paged}) as node:
        with Pool(node.url, shared=1) as pool:
            assert [key for key in pool.scan_iter(match="m", count=5, type="set")] == [b"a", b"b", b"b", b"c"]
            sent = {seen.command[2:] for seen in node.calls("SCAN")}
            assert sent == {(b"MATCH", b"m", b"COUNT", b"5", b"TYPE", b"set")}
            for name, scan in (("HSCAN", pool.hscan_iter), ("SSCAN", pool.sscan_iter), ("ZSCAN", pool.zscan_iter)):
                node.on(name, b"*2\r\n$1\r\n0\r\n*0\r\n")
                assert [each for each in scan("k", match="m", count=5)] == []
                assert node.calls(name)[0].command[2:] == (b"0", b"MATCH", b"m", b"COUNT", b"5")


def test_an_iterator_that_is_left_early_holds_nothing(server: Server) -> None:
    with Pool(server.url, shared=0, max_size=1) as pool:
        fill(pool)
        iterator = pool.scan_iter()
        for _ in iterator:
            break
        assert pool.leased == 0
        assert pool.execute("PING") == b"PONG"
        assert len([key for key in iterator]) >= MANY + 2  # it goes on where it was left


def test_what_a_step_raises_loses_no_element() -> None:
    with FakeNode({"SCAN": paged}) as node:
        with Pool(node.url, shared=1, retry=None) as pool:
            iterator = pool.scan_iter()
            assert iterator.__next__() == b"a"
            node.once("SCAN", Close())
            assert iterator.__next__() == b"b"
            with pytest.raises(ConnectionLost):
                iterator.__next__()
            assert [key for key in iterator] == [b"b", b"c"]
            assert words(node, "SCAN") == [b"0", b"7", b"7", b"3", b"9"]


def test_a_lost_page_is_asked_for_again_by_the_pool() -> None:
    with FakeNode({"SCAN": paged}) as node:
        node.once("SCAN", Close())
        with Pool(node.url, shared=1) as pool:
            assert [key for key in pool.scan_iter()] == [b"a", b"b", b"b", b"c"]


def test_the_errors_of_the_server_are_raised_by_the_step(server: Server) -> None:
    with Pool(server.url) as pool:
        pool.set("k", "v")
        for iterator in (pool.hscan_iter("k"), pool.sscan_iter("k"), pool.zscan_iter("k")):
            with pytest.raises(WrongType):
                iterator.__next__()


def test_a_bad_argument_is_refused_by_the_call() -> None:
    pool: Pool[Any] = Pool("redis://localhost:1")  # nothing is sent, so nothing is dialed
    wrong: Any = None
    for scan in (pool.hscan_iter, pool.sscan_iter, pool.zscan_iter):
        with pytest.raises(UsageValueError, match="count must be 1 or more, not 0"):
            scan("k", count=0)
        with pytest.raises(UsageTypeError, match=r"argument 1 of .SCAN is NoneType"):
            scan(wrong)
        with pytest.raises(UsageTypeError, match=r"argument 4 of .SCAN is list"):
            scan("k", match=["a"])  # type: ignore[arg-type]
    with pytest.raises(UsageValueError, match="count must be 1 or more, not -1"):
        pool.scan_iter(count=-1)
    with pytest.raises(UsageTypeError, match="argument 3 of SCAN is bool"):
        pool.scan_iter(match=True)
    assert pool.size == 0
    pool.close()


def test_two_callers_cannot_wait_for_one_page(callers: Callers) -> None:
    with FakeNode({"SCAN": paged}) as node:
        node.once("SCAN", held_page)
        with Pool(node.url, shared=1) as pool:
            iterator = pool.scan_iter()
            first = callers.start(iterator.__next__)
            wait_until(lambda: words(node, "SCAN") == [b"0"])
            with pytest.raises(UsageError, match=r"give each task \(thread\) an iterator of its own"):
                iterator.__next__()
            wait_until(lambda: node.release())
            assert first.result() == b"a"
            assert [key for key in iterator] == [b"b", b"b", b"c"]


def test_inside_of_multi_nothing_can_be_iterated(server: Server) -> None:
    with Pool(server.url) as pool, pool.acquire() as lease:
        lease.execute("SADD", "s", "a")
        iterator = lease.sscan_iter("s")
        lease.execute("MULTI")
        with pytest.raises(UsageError, match="SSCAN is only queued inside MULTI"):
            iterator.__next__()
        lease.execute("EXEC")
        assert [member for member in iterator] == [b"a"]


def test_a_pipeline_says_where_the_iterators_are() -> None:
    pool: Pool[Any] = Pool("redis://localhost:1")
    pipe: Any = pool.pipeline()
    for name in ("scan_iter", "hscan_iter", "sscan_iter", "zscan_iter"):
        with pytest.raises(AttributeError, match=f"has no {name}: call it on the pool"):
            getattr(pipe, name)
    pool.close()
