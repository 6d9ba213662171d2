"""What sentinels say: the answers to a round of questions, and the events that they publish.

    questions -> replies -> read_answer -> Answer
    CHANNELS  -> message -> read_event  -> Event

Rule 1: one round is one write, so that nothing changes at the sentinel between its questions. The epoch is asked for
        before the address: should something change after all, a new address has an old epoch, which only delays it. An
        old address with a new epoch would be believed.
Rule 2: the primary is the answer to GET-MASTER-ADDR-BY-NAME. While a sentinel leads a failover, MASTER names the old
        primary for a second longer, with the epoch of the new one.
Rule 3: a sentinel lists an old primary as a replica at once, and makes it one ten seconds later. Until then the old
        primary reports itself as a master: as a replica it is down.
Rule 4: every address, of a sentinel too, is what the user's ``remap`` makes of it. Hosts may be names.
Rule 5: an event that is malformed, or is about another primary, is ignored. A replica or another sentinel that cannot
        be read is left out; if the primary cannot be read, the answer is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from respool._facts.errors import Error
from respool._facts.option_types import Address, Remap
from respool._routing.topology import address_of

#: What to subscribe to at every sentinel.
CHANNELS: Final = ("+switch-master", "+slave", "+sdown", "-sdown", "+sentinel", "+reset-master", "+monitor", "-monitor")
_OF_REPLICAS: Final = frozenset(("+slave", "+sdown", "-sdown"))


class AnswerRefused(Exception):
    """A sentinel's answer cannot be used. The text says why, and what to do; it does not name the sentinel."""


class Answer(NamedTuple):
    """What one sentinel knows about a primary."""

    #: None if the sentinel does not know the name.
    primary: Address | None = None
    #: The number of the failover that made it the primary, 0 before the first; -1 if the name is unknown.
    epoch: int = -1
    #: The replicas, and whether each is down.
    replicas: Mapping[Address, bool] = {}
    #: The other sentinels, with their ids.
    sentinels: Mapping[Address, str] = {}
    #: The id of the sentinel itself; empty before Redis 6.2.
    id: str = ""


class Event(NamedTuple):
    """One message. ``address`` is the new primary, the replica, the other sentinel or the primary it is about."""

    channel: str
    address: Address
    #: The old primary in ``+switch-master``.
    old: Address | None = None
    #: The id of the sentinel in ``+sentinel``.
    id: str = ""


def questions(name: str) -> list[tuple[str, ...]]:
    """Return the commands of one round, to be sent in one write."""
    asked = ("MASTER", "GET-MASTER-ADDR-BY-NAME", "REPLICAS", "SENTINELS")
    return [*(("SENTINEL", word, name) for word in asked), ("SENTINEL", "MYID")]


def read_answer(replies: Sequence[Any], *, asked: Address, remap: Remap | None = None) -> Answer:
    """Read the replies to ``questions``; errors of the server stand in it as values. Raises AnswerRefused.

    ``asked`` is the address of the sentinel. Words may be str or bytes, maps may be flat lists, as in RESP2.
    """
    facts, where, replicas, sentinels, own_id = replies
    if isinstance(where, Error):
        raise AnswerRefused(f"answers {where}; check the user and the password for sentinels") from where
    own = "" if isinstance(own_id, Error) else _text(own_id)
    if where is None:
        return Answer(id=own)
    if isinstance(facts, Error):  # the name was removed or added between two questions, or the user may not ask
        raise AnswerRefused(f"answers {facts} to SENTINEL MASTER; allow its user all SENTINEL commands") from facts
    try:
        epoch = int(_map(facts)["config-epoch"])
        host, port = where
        lists = _maps(replicas), _maps(sentinels)
    except (KeyError, TypeError, ValueError):
        raise AnswerRefused("answers in a way that cannot be read; check that it is a sentinel") from None
    primary = _address(host, port, asked, remap)
    if primary is None:
        raise AnswerRefused(f"names {_text(host)}:{_text(port)} as the primary, which is no address; check its setup")
    there: dict[Address, bool] = {}
    for replica in lists[0]:
        if (address := _address(replica.get("ip"), replica.get("port"), asked, remap)) is not None:
            is_down = not {"s_down", "o_down"}.isdisjoint(replica.get("flags", "").split(","))
            there[address] = is_down or replica.get("role-reported", "slave") != "slave"
    others: dict[Address, str] = {}
    for other in lists[1]:
        if (address := _address(other.get("ip"), other.get("port"), asked, remap)) is not None:
            others[address] = other.get("runid", "")
    return Answer(primary, epoch, there, others, own)


def read_event(channel: str, text: str, name: str, *, asked: Address, remap: Remap | None = None) -> Event | None:
    """Read a message about the primary ``name``; None if there is nothing to learn from it (Rule 5)."""
    match channel, text.split(" "):
        case "+switch-master", [about, old_host, old_port, host, port] if about == name:
            old, address = _address(old_host, old_port, asked, remap), _address(host, port, asked, remap)
            return None if old is None or address is None else Event(channel, address, old)
        case _, ["slave", _, host, port, "@", about, *_] if about == name and channel in _OF_REPLICAS:
            address = _address(host, port, asked, remap)
            return None if address is None else Event(channel, address)
        case "+sentinel", ["sentinel", other_id, host, port, "@", about, *_] if about == name:
            address = _address(host, port, asked, remap)
            return None if address is None else Event(channel, address, id=other_id)
        case "+reset-master" | "+monitor" | "-monitor", ["master", about, host, port, *_] if about == name:
            address = _address(host, port, asked, remap)
            return None if address is None else Event(channel, address)
    return None


def _address(host: Any, port: Any, asked: Address, remap: Remap | None) -> Address | None:
    """Return the address to dial; None for what is not an address."""
    host, port = _text(host), _text(port)
    if not host or not (port.isascii() and port.isdigit() and len(port) < 6):  # Python reads no number of any length
        return None
    return address_of(host, int(port), asked=asked, remap=remap)


def _maps(reply: Any) -> list[dict[str, str]]:
    return [] if isinstance(reply, Error) else [_map(each) for each in reply or ()]


def _map(reply: Any) -> dict[str, str]:
    pairs = reply.items() if isinstance(reply, Mapping) else zip(reply[::2], reply[1::2], strict=True)
    return {_text(key): _text(value) for key, value in pairs}


def _text(word: Any) -> str:
    if word is None:
        return ""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
