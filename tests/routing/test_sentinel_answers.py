"""What is read from sentinels' answers and messages (Rules 1 to 5 of sentinel_answers.py)."""

from __future__ import annotations

from typing import Any

import pytest

from respool._facts.errors import server_error
from respool._routing.sentinel_answers import CHANNELS, Answer, AnswerRefused, Event, questions, read_answer, read_event
from respool._routing.topology import Address
from routing.sentinel_transcripts import (
    ASKED,
    FAILOVER,
    IDS,
    MASTER,
    MASTER_OF_THE_LEADER,
    MONITORED,
    NEW_SENTINEL,
    NO_SUCH_NAME,
    OTHER,
    OWN_ID,
    PRIMARY_DOWN,
    REMOVED,
    REPLICA,
    REPLICA_DOWN,
    REPLICA_UP,
    REPLIES,
    RESET,
    SENTINEL_DOWN,
    flat,
)

FIRST, SECOND, THIRD = ("127.0.0.1", 17054), ("127.0.0.1", 17055), ("127.0.0.1", 17056)


def answer(place: int | None = None, reply: Any = None) -> Answer:
    """The example's answer, with another reply at ``place``."""
    replies = list(REPLIES)
    if place is not None:
        replies[place] = reply
    return read_answer(replies, asked=ASKED)


def replica(**facts: str) -> dict[Address, bool]:
    named = {name.replace("_", "-"): fact for name, fact in facts.items()}
    return dict(answer(2, [REPLICA | named]).replicas)


class TestAnswers:
    @pytest.mark.parametrize("kind", [str, bytes])
    @pytest.mark.parametrize("is_flat", [True, False])
    def test_all_that_a_sentinel_knows(self, kind: type, is_flat: bool) -> None:
        replies = [flat(reply, kind) for reply in REPLIES] if is_flat else REPLIES
        others = {("127.0.0.1", 17059): IDS[0], ("127.0.0.1", 17058): IDS[1]}
        expected = Answer(FIRST, 0, {THIRD: False, SECOND: False}, others, OWN_ID)
        assert read_answer(replies, asked=ASKED) == expected

    def test_the_epoch_is_asked_for_before_the_address(self) -> None:
        asked = [" ".join(words) for words in questions("p")]
        assert asked == [
            "SENTINEL MASTER p",
            "SENTINEL GET-MASTER-ADDR-BY-NAME p",
            "SENTINEL REPLICAS p",
            "SENTINEL SENTINELS p",
            "SENTINEL MYID",
        ]

    def test_the_leader_of_a_failover_names_the_new_primary_in_one_answer_only(self) -> None:
        replies = [MASTER_OF_THE_LEADER, ["127.0.0.1", "17055"], *REPLIES[2:]]
        assert read_answer(replies, asked=ASKED)[:2] == (SECOND, 1)

    def test_a_name_that_is_not_known(self) -> None:
        replies = [NO_SUCH_NAME, None, NO_SUCH_NAME, NO_SUCH_NAME, OWN_ID]
        assert read_answer(replies, asked=ASKED) == Answer(None, -1, {}, {}, OWN_ID)

    @pytest.mark.parametrize("flags", ["s_down,slave", "slave,o_down", "slave,s_down,disconnected"])
    def test_a_replica_that_is_down(self, flags: str) -> None:
        assert replica(flags=flags) == {THIRD: True}

    def test_a_replica_without_a_link_or_with_another_flag_is_not_down(self) -> None:
        assert replica(flags="slave,disconnected", master_link_status="err") == {THIRD: False}

    def test_an_old_primary_is_down_until_it_reports_that_it_is_a_replica(self) -> None:
        assert replica(role_reported="master") == {THIRD: True}

    def test_a_server_that_has_no_id_or_refuses_the_lists_is_good_enough(self) -> None:
        refusal = server_error("ERR Unknown sentinel subcommand 'MYID'")
        read = read_answer([MASTER, REPLIES[1], refusal, refusal, refusal], asked=ASKED)
        assert read == Answer(FIRST, 0, {}, {}, "")

    @pytest.mark.parametrize(
        ("place", "reply", "text"),
        [
            (1, server_error("NOAUTH Authentication required."), "NOAUTH .*check the user and the password"),
            (0, server_error("NOPERM this user has no permissions"), "NOPERM .*allow its user all SENTINEL commands"),
            (0, {"ip": "127.0.0.1"}, "cannot be read; check that it is a sentinel"),
            (0, MASTER | {"config-epoch": "x"}, "cannot be read"),
            (0, 5, "cannot be read"),
            (1, ["127.0.0.1"], "cannot be read"),
            (2, [["odd"]], "cannot be read"),
            (1, ["", "17054"], "names :17054 as the primary, which is no address"),
            (1, ["127.0.0.1", "0"], "names 127.0.0.1:0 as the primary"),
            (1, ["127.0.0.1", "x"], "names 127.0.0.1:x as the primary"),
        ],
    )
    def test_an_answer_that_cannot_be_used(self, place: int, reply: Any, text: str) -> None:
        with pytest.raises(AnswerRefused, match=text):
            answer(place, reply)

    def test_a_replica_or_a_sentinel_without_an_address_is_left_out(self) -> None:
        assert replica(port="0") == replica(ip="") == {}
        assert answer(3, [OTHER | {"port": "none"}, {}]).sentinels == {}

    def test_hosts_may_be_names_and_every_address_is_mapped(self) -> None:
        replies = [MASTER, ["node-1", "17054"], [REPLICA | {"ip": "node-2"}], [OTHER | {"ip": "s-1"}], OWN_ID]
        read = read_answer(replies, asked=ASKED, remap=lambda host, port: (f"{host}.example", port + 1))
        assert read.primary == ("node-1.example", 17055)
        assert read.replicas == {("node-2.example", 17057): False}
        assert read.sentinels == {("s-1.example", 17060): IDS[0]}


def event(message: tuple[str, str], name: str = "primary") -> Event | None:
    return read_event(*message, name, asked=ASKED)


class TestEvents:
    def test_a_failover(self) -> None:
        read = [event(message) for message in FAILOVER]
        assert [each for each in read if each is not None] == [
            Event("+switch-master", SECOND, FIRST),
            Event("+slave", THIRD),
            Event("+slave", FIRST),
        ]

    @pytest.mark.parametrize("message", [REPLICA_DOWN, REPLICA_UP])
    def test_a_replica_that_is_down_or_up_again(self, message: tuple[str, str]) -> None:
        assert event(message) == Event(message[0], THIRD)

    def test_another_sentinel(self) -> None:
        assert event(NEW_SENTINEL) == Event("+sentinel", ("127.0.0.1", 17058), id=IDS[1])

    @pytest.mark.parametrize("message", [RESET, REMOVED, MONITORED])
    def test_what_makes_an_answer_old(self, message: tuple[str, str]) -> None:
        assert event(message) == Event(message[0], FIRST)

    @pytest.mark.parametrize("message", [PRIMARY_DOWN, SENTINEL_DOWN])
    def test_a_primary_or_a_sentinel_that_is_down_is_no_news(self, message: tuple[str, str]) -> None:
        assert event(message) is None

    @pytest.mark.parametrize("message", [*FAILOVER[1:], REPLICA_DOWN, NEW_SENTINEL, RESET])
    def test_a_message_about_another_primary_is_none(self, message: tuple[str, str]) -> None:
        assert event(message, "other") is None

    @pytest.mark.parametrize("message", [*FAILOVER[2:5], REPLICA_DOWN, NEW_SENTINEL, RESET])
    def test_a_message_that_is_malformed_is_none(self, message: tuple[str, str]) -> None:
        channel, text = message
        assert event((channel, text.replace(" 170", " x70"))) is None
        assert event((channel, text.replace(" 170", f" {'1' * 5000}"))) is None, "more digits than Python reads"
        assert event((channel, text.replace("127.0.0.1 ", " "))) is None
        assert event((channel, text.split(" ")[0])) is None
        assert event((channel, "")) is None

    @pytest.mark.parametrize("port", ["17054", "17055"])
    def test_a_switch_names_two_addresses_or_is_none(self, port: str) -> None:
        channel, text = FAILOVER[2]
        assert event((channel, text.replace(port, "0"))) is None

    def test_addresses_are_mapped(self) -> None:
        def remap(host: str, port: int) -> Address:
            return "outside", port

        read = [read_event(*each, "primary", asked=ASKED, remap=remap) for each in (FAILOVER[2], REPLICA_DOWN)]
        assert read == [
            Event("+switch-master", ("outside", 17055), ("outside", 17054)),
            Event("+sdown", ("outside", 17056)),
        ]

    def test_every_channel_is_read(self) -> None:
        messages = [*FAILOVER, REPLICA_DOWN, REPLICA_UP, NEW_SENTINEL, RESET, REMOVED, MONITORED]
        assert {message[0] for message in messages if event(message)} == set(CHANNELS)
