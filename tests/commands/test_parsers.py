"""The shapes of RESP2 and RESP3, bytes and str, come out the same. (``test_replies`` asks real servers.)"""

from __future__ import annotations

import math
from typing import Any

import pytest

from respool._facts.errors import ServerError, server_error
from respool._facts.records import Claimed, ClaimedIds, DeliveredEntry, PendingSummary, StreamEntry
from respool.commands import _cluster_replies as clusters
from respool.commands import _json as json_values
from respool.commands import _parsers as parsers
from respool.commands import _search as search
from respool.commands import _stream_replies as streams
from respool.commands import _vectors as vectors
from respool.types import GeoMatch


@pytest.mark.parametrize("reply", [[b"flags", [b"off"], b"redirect", -1], {b"flags": [b"off"], b"redirect": -1}])
def test_facts_are_a_dict_of_str(reply: Any) -> None:
    assert parsers.as_facts(reply) == {"flags": ["off"], "redirect": -1}


@pytest.mark.parametrize(
    "reply",
    [
        [b"server", b"valkey", b"modules", [[b"name", b"lua", b"ver", 1]]],
        {"server": "valkey", "modules": [{"name": "lua", "ver": 1}]},
    ],
)
def test_a_greeting_has_modules_as_dicts(reply: Any) -> None:
    assert parsers.as_greeting(reply) == {"server": "valkey", "modules": [{"name": "lua", "ver": 1}]}


@pytest.mark.parametrize(
    "reply",
    [
        [[b"library_name", b"l", b"functions", [[b"name", b"f", b"description", None, b"flags", [b"no-writes"]]]]],
        [{"library_name": "l", "functions": [{"name": "f", "description": None, "flags": ["no-writes"]}]}],
    ],
)
def test_libraries_have_functions_as_dicts(reply: Any) -> None:
    function = {"name": "f", "description": None, "flags": ["no-writes"]}
    assert parsers.as_libraries(reply) == [{"library_name": "l", "functions": [function]}]


RUNNING = [b"name", b"f", b"command", [b"FCALL", b"f", b"0"], b"duration_ms", 7]


@pytest.mark.parametrize(
    "reply",
    [
        [b"running_script", RUNNING, b"engines", [b"LUA", [b"libraries_count", 1]]],
        {
            "running_script": {"name": "f", "command": ["FCALL", "f", "0"], "duration_ms": 7},
            "engines": {"LUA": {"libraries_count": 1}},
        },
    ],
)
def test_stats_of_functions_are_dicts_at_every_depth(reply: Any) -> None:
    assert parsers.as_function_stats(reply) == {
        "running_script": {"name": "f", "command": ["FCALL", "f", "0"], "duration_ms": 7},
        "engines": {"LUA": {"libraries_count": 1}},
    }


@pytest.mark.parametrize(("reply", "value"), [(b"OK", True), ("OK", True), (b"NOKEY", False), ("NOKEY", False)])
def test_nothing_to_migrate_is_false(reply: Any, value: bool) -> None:
    assert parsers.as_moved(reply) is value


@pytest.mark.parametrize("reply", [[b"3", b"0.5"], ["3", "0.5"], [3.0, 0.5]])
def test_numbers_are_floats(reply: Any) -> None:
    assert parsers.as_floats(reply) == (3.0, 0.5)


@pytest.mark.parametrize("reply", [b"id=3 name= lib-name=a=b\n", "id=3 name= lib-name=a=b\n"])
def test_a_client_is_a_dict_of_its_fields(reply: Any) -> None:
    assert parsers.as_client(reply) == {"id": "3", "name": "", "lib-name": "a=b"}
    assert parsers.as_clients(reply * 2) == [{"id": "3", "name": "", "lib-name": "a=b"}] * 2


@pytest.mark.parametrize("user", ["a\u2028b", "a\xa0b", "a\x85b", "a\x1cb"])
def test_only_spaces_and_newlines_separate_clients_and_their_fields(user: str) -> None:
    client = {"id": "3", "user": user, "redir": "-1"}
    line = f"id=3 user={user} redir=-1\n"
    assert parsers.as_client(line) == parsers.as_client(line.encode()) == client
    assert parsers.as_clients(line * 2) == [client] * 2


@pytest.mark.parametrize("reply", [[b"a", b"1", b"b", b"2"], {b"a": b"1", b"b": b"2"}])
def test_a_map_is_a_dict(reply: Any) -> None:
    assert parsers.as_map(reply) == {b"a": b"1", b"b": b"2"}
    assert parsers.as_page_of_pairs([b"7", reply]) == (7, {b"a": b"1", b"b": b"2"})


@pytest.mark.parametrize("reply", [["a", "1", "a", "1"], [["a", "1"], ["a", "1"]]])
def test_pairs_are_tuples_and_may_repeat(reply: Any) -> None:
    assert parsers.as_pairs(reply) == [("a", "1"), ("a", "1")]


@pytest.mark.parametrize("reply", [["a", "1", "b", "inf"], [["a", 1.0], ["b", math.inf]], [["a", "1"], ["b", "inf"]]])
def test_members_have_scores_that_are_floats(reply: Any) -> None:
    scored = parsers.as_scored(reply)
    assert scored == [("a", 1.0), ("b", math.inf)]
    assert {(type(pair), type(pair[1])) for pair in scored} == {(tuple, float)}
    assert parsers.as_popped_many(["z", reply]) == ("z", scored)


@pytest.mark.parametrize("score", [b"2.5", "2.5", 2.5])
def test_a_score_is_a_float(score: Any) -> None:
    assert parsers.as_number(score) == 2.5
    assert parsers.as_scores([score, None]) == [2.5, None]
    assert parsers.as_popped([b"a", score]) == (b"a", 2.5)
    assert parsers.as_popped_from([b"z", b"a", score]) == (b"z", b"a", 2.5)
    assert parsers.as_rank([3, score]) == (3, 2.5)
    assert parsers.as_page_of_scores([b"7", [b"a", score]]) == (7, [(b"a", 2.5)])


@pytest.mark.parametrize("pair", [[b"13.5", b"38"], ["13.5", "38"], [13.5, 38.0]])
@pytest.mark.parametrize("distance", [b"2.5", "2.5", 2.5])
def test_a_place_that_was_found_has_the_parts_that_were_asked_for(pair: Any, distance: Any) -> None:
    parts = [GeoMatch("a", 2.5, 7, (13.5, 38.0)), GeoMatch("b", None, None, (13.5, 38.0)), GeoMatch("c", 2.5, None, None)]
    assert parsers.as_matches([["a", distance, 7, pair], ["b", pair], ["c", distance]]) == parts
    assert parsers.as_positions([pair, None]) == [(13.5, 38.0), None]


@pytest.mark.parametrize("reply", [[], None])
def test_nothing_popped_is_none(reply: Any) -> None:
    assert parsers.as_popped(reply) is None
    assert parsers.as_scored(reply) == []


@pytest.mark.parametrize("reply", [[], None])
def test_no_pairs_are_an_empty_list(reply: Any) -> None:
    assert parsers.as_pairs(reply) == []


def test_no_clients_are_an_empty_list() -> None:
    assert parsers.as_clients(b"") == []


@pytest.mark.parametrize("reply", [[b"12", [b"k"]], ["12", [b"k"]]])
def test_a_page_has_a_cursor_that_is_a_number(reply: Any) -> None:
    assert parsers.as_page(reply) == (12, [b"k"])


@pytest.mark.parametrize("scores", [[b"1.5", b"-inf"], ["1.5", "-inf"]])
def test_a_page_of_scores_is_pairs_with_floats(scores: Any) -> None:
    reply = [b"12", [b"a", scores[0], b"b", scores[1]]]
    assert parsers.as_page_of_scores(reply) == (12, [(b"a", 1.5), (b"b", float("-inf"))])
    assert parsers.as_page_of_scores(["0", []]) == (0, [])


@pytest.mark.parametrize("reply", [[b"a", b"b"], {b"a", b"b"}])
def test_a_set_is_a_set(reply: Any) -> None:
    assert parsers.as_set(reply) == {b"a", b"b"}


@pytest.mark.parametrize("reply", [[1, 0], [True, False]])
def test_answers_are_bools(reply: Any) -> None:
    answers = parsers.as_bools(reply)
    assert answers[0] is True
    assert answers[1] is False


@pytest.mark.parametrize(
    "reply", [[[b"1-0", [b"f", b"v"]], [b"2-0", None]], [["1-0", [b"f", b"v"]], ["2-0", None]]], ids=["bytes", "str"]
)
def test_entries_have_ids_that_are_str_and_deleted_ones_have_no_fields(reply: Any) -> None:
    entries = [StreamEntry("1-0", {b"f": b"v"}), StreamEntry("2-0", {})]
    assert streams.as_entries(reply) == entries
    assert streams.as_streams([[b"s", reply]]) == streams.as_streams({b"s": reply}) == {b"s": entries}
    assert streams.as_claimed_entries([None, *reply]) == entries  # before Redis 7.0
    assert all(type(entry) is StreamEntry for entry in streams.as_entries(reply))


def test_no_entries_are_an_empty_list_or_dict() -> None:
    assert streams.as_entries(None) == streams.as_entries([]) == streams.as_claimed_entries([None]) == []
    assert streams.as_streams(None) == streams.as_delivered(None) == {}


@pytest.mark.parametrize("numbers", [(7, 2), (b"7", b"2"), ("7", "2")])
def test_entries_that_were_delivered_before_tell_it(numbers: Any) -> None:
    reply = [[b"1-0", [b"f", b"v"], *numbers], [b"2-0", None, *numbers], [b"3-0", [b"f", b"v"]]]
    entries = [
        DeliveredEntry("1-0", {b"f": b"v"}, 7, 2),
        DeliveredEntry("2-0", {}, 7, 2),
        DeliveredEntry("3-0", {b"f": b"v"}, 0, 0),
    ]
    assert streams.as_delivered([[b"s", reply]]) == streams.as_delivered({b"s": reply}) == {b"s": entries}


def test_redis_6_2_does_not_tell_which_entries_were_deleted() -> None:
    reply = [b"0-0", [None, [b"1-0", [b"f", b"v"]]]]
    assert streams.as_claimed(reply) == Claimed("0-0", [StreamEntry("1-0", {b"f": b"v"})], [])
    assert streams.as_claimed_ids([b"0-0", [b"1-0"]]) == ClaimedIds("0-0", ["1-0"], [])


@pytest.mark.parametrize("consumers", [[[b"c", b"2"]], [[b"c", "2"]], [[b"c", 2]]])
def test_the_pending_entries_of_a_consumer_are_counted_with_an_int(consumers: Any) -> None:
    assert streams.as_pending_summary([2, b"1-0", b"2-0", consumers]) == PendingSummary(2, "1-0", "2-0", {b"c": 2})


def test_a_fact_about_a_stream_that_no_server_here_has_is_kept() -> None:
    assert streams.as_stream([b"pids-tracked", 1, b"some-word", b"on"]) == {"pids-tracked": 1, "some-word": "on"}


def test_nothing_stays_nothing_or_becomes_the_empty_list() -> None:
    assert parsers.as_text(None) is None
    assert parsers.as_tuple(None) is None
    assert parsers.as_list(None) == []
    assert parsers.as_set(None) == set()


def test_words_that_are_not_utf8_survive() -> None:
    assert parsers.as_text(b"\xff") == "\udcff"


ID = "a" * 40
OTHER = "b" * 40


def test_a_node_of_an_older_server_has_no_hostname() -> None:
    (node,) = clusters.as_cluster_nodes(f"{ID} 10.0.0.1:6379@16379 master - 1 2 3 disconnected\n".encode())
    assert (node.ip, node.port, node.cluster_bus_port, node.hostname) == ("10.0.0.1", 6379, 16379, None)
    assert (node.ping_sent, node.pong_received, node.config_epoch, node.link_state) == (1, 2, 3, "disconnected")
    assert (node.slots, node.importing, node.migrating) == ([], {}, {})


def test_a_node_may_have_more_than_a_hostname() -> None:
    line = f"{ID} 10.0.0.1:0@16379,host-1,shard-id={OTHER} master - 0 0 1 connected"
    assert clusters.as_cluster_node(line).hostname == "host-1"
    line = f"{ID} 10.0.0.1:0@16379,,shard-id={OTHER} master - 0 0 1 connected"
    assert clusters.as_cluster_node(line).hostname is None


def test_a_node_may_have_an_ipv6_address() -> None:
    assert clusters.as_cluster_node(f"{ID} ::1:6379@16379 master - 0 0 1 connected").ip == "::1"


@pytest.mark.parametrize("kind", [str, str.encode])
def test_replicas_arrive_as_a_list(kind: Any) -> None:
    line = kind(f"{ID} 10.0.0.1:6379@16379 slave,fail? {OTHER} 0 0 1 connected 5 [7-<-{OTHER}] [8->-{OTHER}]")
    (node,) = clusters.as_cluster_nodes([line])
    assert (node.flags, node.primary) == (["slave", "fail?"], OTHER)
    assert (node.slots, node.importing, node.migrating) == ([(5, 5)], {7: OTHER}, {8: OTHER})


@pytest.mark.parametrize("node", [[b"h", 1, b"i"], ["h", 1, "i", []], ["h", 1, "i", {}]])
def test_nodes_of_slots_have_metadata_or_not(node: Any) -> None:
    assert clusters.as_cluster_slots([[0, 5, node]]) == [(0, 5, [("h", 1, "i", {})])]


def test_a_node_of_slots_may_have_no_endpoint() -> None:
    ((_, _, nodes),) = clusters.as_cluster_slots([[0, 5, [None, 1, b"i", [b"ip", b"10.0.0.1"]]]])
    assert nodes == [(None, 1, "i", {"ip": "10.0.0.1"})]


def test_a_node_of_a_shard_may_have_tls_only() -> None:
    facts = [b"id", b"i", b"tls-port", 6380, b"ip", b"10.0.0.1", b"endpoint", None, b"hostname", b""]
    facts += [b"role", b"replica", b"replication-offset", 7, b"health", b"loading", b"availability-zone", b"z"]
    expected = ("i", None, "10.0.0.1", None, None, 6380, "replica", 7, "loading", "z")
    assert clusters.as_cluster_shards([[b"slots", [], b"nodes", [facts]]]) == [(None, [], [expected])]


def test_what_a_cluster_says_of_itself_is_int_only_where_it_is_a_number() -> None:
    reply = b"cluster_state:ok\r\ncluster_size:3\r\n"
    assert clusters.as_cluster_info(reply) == {"cluster_state": "ok", "cluster_size": 3}


@pytest.mark.parametrize("reply", [b"[7,null,1.5]", "[7,null,1.5]", [7, None, 1.5]])
def test_numbers_are_a_list_of_json_text_too(reply: Any) -> None:
    assert json_values.as_numbers(reply) == [7, None, 1.5]


@pytest.mark.parametrize("reply", [[b"array", b"null"], ["array", "null"], [[b"array", b"null"]], [["array", "null"]]])
def test_words_of_matches_are_one_list(reply: Any) -> None:
    assert parsers.as_words_of_matches(reply) == ["array", "null"]


@pytest.mark.parametrize("reply", [None, [None], [], [[]]])
def test_words_of_no_match_are_an_empty_list(reply: Any) -> None:
    assert parsers.as_words_of_matches(reply) == []


@pytest.mark.parametrize("reply", [[[b"a"], None], [["a"], None]])
def test_lists_of_words_are_str_or_none(reply: Any) -> None:
    assert parsers.as_lists_of_words(reply) == [["a"], None]


def test_json_text_is_a_value_and_none_stays_none() -> None:
    assert json_values.as_json(None) is None
    assert json_values.as_json('{"é":[1]}'.encode()) == {"é": [1]}
    assert json_values.as_json_list(["1", None, b"[]"]) == [1, None, []]


@pytest.mark.parametrize("reply", [[b"a", b"0.5", b"b", b"1"], {b"a": 0.5, b"b": 1.0}])
def test_scores_are_pairs_with_floats(reply: Any) -> None:
    assert vectors.as_scores(reply) == [(b"a", 0.5), (b"b", 1.0)]
    assert vectors.as_layers_of_scores([[], reply]) == [[], [(b"a", 0.5), (b"b", 1.0)]]
    assert vectors.as_layers_of_scores(None) == []


@pytest.mark.parametrize("reply", [["a", "0.5", "[1]", "b", "1", None], {"a": [0.5, "[1]"], "b": [1.0, None]}])
def test_matches_have_scores_and_attributes(reply: Any) -> None:
    assert vectors.as_matches_with_scores(reply) == [("a", 0.5, [1]), ("b", 1.0, None)]


@pytest.mark.parametrize("reply", [["a", "[1]", "b", None], {"a": "[1]", "b": None}])
def test_matches_without_scores_have_none(reply: Any) -> None:
    assert vectors.as_matches(reply) == [("a", None, [1]), ("b", None, None)]


@pytest.mark.parametrize("reply", [[b"int8", b"\x7f", b"2", b"0.5"], [b"int8", b"\x7f", 2.0, 0.5]])
def test_a_raw_vector_has_a_range_only_where_it_is_sent(reply: Any) -> None:
    assert vectors.as_raw_vector(reply) == ("int8", b"\x7f", 2.0, 0.5)
    assert vectors.as_raw_vector(reply[:3]) == ("int8", b"\x7f", 2.0, None)


def test_an_error_in_place_of_an_answer_is_raised() -> None:
    assert parsers.as_answers([1, False]) == [True, False]
    with pytest.raises(ServerError, match="filter is full"):
        parsers.as_answers([1, server_error("ERR non scaling filter is full")])


@pytest.mark.parametrize("reply", [[None], {b"Expansion rate": None}])
def test_the_only_fact_may_be_none(reply: Any) -> None:
    assert parsers.as_only_fact(reply) is None


@pytest.mark.parametrize("reply", [[1, b"d:1", None], {b"total_results": 1, b"results": [{b"id": b"d:1"}]}])
def test_a_document_that_expired_meanwhile_has_no_fields(reply: Any) -> None:
    parse = search.search_parser((), has_fields=True)
    assert parse(reply) == (1, [(b"d:1", {}, None, None, None)], [])


def test_warnings_of_a_search_are_str() -> None:
    reply = {b"total_results": 0, b"results": [], b"warning": [b"Timeout limit was reached"]}
    assert search.search_parser((), has_fields=True)(reply).warnings == ["Timeout limit was reached"]
    assert search.as_aggregate(reply) == (0, [], ["Timeout limit was reached"], None)
    assert search.as_aggregate_page([[0], 5]) == (0, [], [], 5)


def test_a_field_may_be_called_like_a_flag() -> None:
    field = [b"identifier", b"UNF", b"attribute", b"UNF", b"type", b"TEXT", b"WEIGHT", b"1", b"SORTABLE", b"UNF"]
    (facts,) = search.as_index_facts([b"attributes", [field]])["attributes"]
    assert facts == {"identifier": "UNF", "attribute": "UNF", "type": "TEXT", "WEIGHT": 1.0, "flags": ["SORTABLE", "UNF"]}
