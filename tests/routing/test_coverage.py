"""Which slots an iteration over a cluster has covered: one example for each rule."""

from __future__ import annotations

from typing import Any

from respool._routing.coverage import Coverage, Stand, read_stand
from respool.commands import cluster_nodes

LINES = (
    "aaa 127.0.0.1:7000@17000 myself,master - 0 0 7 connected 0-2 5 [2->-bbb] [3-<-bbb]\n"
    "bbb 127.0.0.1:7001@17001 master - 0 1700000000000 6 connected 3-4 6-16383\n"
)


def stand(
    node: str = "a",
    whole: Any = (),
    *,
    leaving: dict[int, str] | None = None,
    arriving: dict[int, str] | None = None,
    epoch: int = 1,
) -> Stand:
    return Stand(node, epoch, frozenset(whole), leaving or {}, arriving or {})


def scanned(coverage: Coverage, before: Stand, after: Stand | None = None) -> bool:
    """Scan a node that says this before and after it; return whether that was a step forward."""
    coverage.begin(before)
    return coverage.end(after or before)


def test_what_a_node_says_of_itself_is_read_from_its_view() -> None:
    parse: Any = cluster_nodes().spec.parse
    found = read_stand(parse(LINES.encode()))
    assert found == Stand("aaa", 7, frozenset((0, 1, 5)), {2: "bbb"}, {3: "bbb"})
    other = read_stand(parse(LINES.replace("myself,", "").encode()))
    assert other == Stand("", 0, frozenset(), {}, {})


def test_a_slot_that_was_whole_at_both_ends_is_covered() -> None:
    coverage = Coverage(4)
    assert scanned(coverage, stand(whole=(0, 1, 2)), stand(whole=(1, 2, 3)))
    assert coverage.left == {0, 3}


def test_a_scan_that_covers_nothing_is_no_step() -> None:
    coverage = Coverage(2)
    assert scanned(coverage, stand(whole=(0,)))
    assert not scanned(coverage, stand(whole=(0,)))
    assert not scanned(coverage, stand())
    assert not coverage.end(stand(whole=(1,)))  # without a beginning
    assert coverage.left == {1}


def test_a_scan_counts_for_nothing_if_the_epoch_changed_or_another_node_answers() -> None:
    coverage = Coverage(2)
    assert not scanned(coverage, stand(whole=(0, 1)), stand(whole=(0, 1), epoch=2))
    assert not scanned(coverage, stand(whole=(0, 1)), stand("b", whole=(0, 1)))
    assert not scanned(coverage, stand(whole=(0,)), stand(leaving={0: "b"}, epoch=2))
    assert coverage.choose(["A", "A"], {"b": "B"}) == "A"
    assert coverage.left == {0, 1}


def test_the_first_slot_that_is_left_decides_which_node_is_scanned() -> None:
    coverage = Coverage(3)
    assert coverage.choose(["A", "B", "C"], {}) == "A"
    assert coverage.choose([None, "B", "C"], {}) == "B"
    scanned(coverage, stand(whole=(0, 1)))
    assert coverage.choose(["A", "B", "C"], {}) == "C"


def test_an_unserved_slot_is_not_waited_for() -> None:
    coverage = Coverage(2)
    scanned(coverage, stand(whole=(0,)))
    assert coverage.is_complete(["A", None])
    assert not coverage.is_complete(["A", "A"])
    assert coverage.choose(["A", None], {}) is None


def test_a_slot_on_its_way_is_covered_by_both_nodes_the_first_one_first() -> None:
    here, there = stand(leaving={0: "b"}), stand("b", arriving={0: "a"})
    coverage = Coverage(1)
    assert not scanned(coverage, there)
    assert scanned(coverage, here)
    assert not scanned(coverage, here)  # that is known already
    assert coverage.left == {0}
    assert coverage.choose(["A"], {"a": "A", "b": "B"}) == "B"
    assert coverage.choose(["A"], {"a": "A"}) is None
    assert coverage.choose(["C"], {"a": "A", "b": "B"}) == "C"  # it has arrived, and the node has a replica in its place
    assert not coverage.is_complete(["A"])
    assert scanned(coverage, there)
    assert coverage.is_complete(["A"])


def test_a_slot_may_begin_to_move_during_the_first_scan_and_end_during_the_second() -> None:
    coverage = Coverage(1)
    assert scanned(coverage, stand(whole=(0,)), stand(leaving={0: "b"}))
    assert not scanned(coverage, stand("b", arriving={0: "a"}), stand("b", whole=(0,), epoch=2))
    assert coverage.choose(["A"], {"a": "A", "b": "B"}) == "B"
    assert scanned(coverage, stand("b", whole=(0,), epoch=2))
    assert coverage.left == set()


def test_a_slot_that_goes_elsewhere_than_at_first_is_not_covered() -> None:
    coverage = Coverage(1)
    assert not scanned(coverage, stand(leaving={0: "c"}), stand(leaving={0: "b"}))
    assert not scanned(coverage, stand(), stand(leaving={0: "b"}))
    scanned(coverage, stand(leaving={0: "b"}))
    assert not scanned(coverage, stand("b", arriving={0: "c"}), stand("b", arriving={0: "a"}))
    assert not scanned(coverage, stand("b", arriving={0: "a"}), stand("b", arriving={0: "a"}, epoch=2))
    assert coverage.choose(["A"], {"a": "A", "b": "B"}) == "B"


def test_a_slot_that_did_not_move_after_all_is_scanned_where_it_is() -> None:
    coverage = Coverage(1)
    scanned(coverage, stand(leaving={0: "b"}))
    assert not scanned(coverage, stand("b"))
    assert coverage.choose(["A"], {"a": "A", "b": "B"}) == "A"


def test_the_second_node_can_be_forgotten() -> None:
    coverage = Coverage(1)
    scanned(coverage, stand(leaving={0: "b"}))
    coverage.forget_halves()
    assert coverage.choose(["A"], {"a": "A", "b": "B"}) == "A"


def test_slots_that_are_scanned_one_by_one_are_covered_as_far_as_the_scan_has_come() -> None:
    coverage = Coverage(6)
    coverage.begin(stand(whole=(0, 1, 2, 4)))
    coverage.pass_by(stand(whole=(0, 1, 2, 4)), 0, 1)
    assert coverage.left == {1, 2, 3, 4, 5}
    coverage.pass_by(stand(whole=(0, 1, 2, 3)), 1, 4)
    assert coverage.left == {3, 4, 5}


def test_the_slot_in_which_a_scan_is_must_be_whole_from_its_beginning_on() -> None:
    coverage = Coverage(3)
    coverage.begin(stand(whole=(0, 2), leaving={1: "b"}))
    coverage.pass_by(stand(whole=(0, 1, 2)), 0, 1)
    coverage.pass_by(stand(whole=(0, 1, 2)), 1, 3)
    assert coverage.left == {1}
    coverage = Coverage(3)
    coverage.begin(stand(whole=(0, 1, 2)))
    coverage.pass_by(stand(whole=(0, 1, 2), epoch=2), 0, 1)
    coverage.pass_by(stand(whole=(0, 1, 2), epoch=2), 1, 3)
    assert coverage.left == {0, 1}
