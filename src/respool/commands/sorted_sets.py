"""Commands on sorted sets.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A
sorted set orders its members by score, and those of one score by their bytes; one without members does not exist.
Ranks begin at 0, the lowest score; a negative rank counts from the end. On a key that holds another type the server
answers WrongType.

A score is a float: the server rounds whole numbers beyond 2**53. Replies with scores are lists of (member, score)
tuples. A ``limit`` is an offset and a count, and a negative count is no limit.

Blocking commands wait for a member for ``timeout`` seconds, 0 for ever. A pool runs each of them on its own lease;
cancelling one closes its connection (R-21).

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from respool._facts.command import Command, Key, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import (
    MappingOf,
    at_least,
    choose,
    counted,
    flag,
    limited,
    nothing_to_send,
    number,
    option,
    patience,
    several,
    shown,
    whole,
    with_patience,
)
from respool.commands._parsers import (
    as_list,
    as_number,
    as_page,
    as_page_of_scores,
    as_popped,
    as_popped_from,
    as_popped_many,
    as_rank,
    as_scored,
    as_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from respool._facts.command import Arg
    from respool.commands._arguments import Text, Value

ScoreBound: TypeAlias = float | str | bytes
"""An end of a range of scores, which belongs to the range: a number. Text can say more: ``"(5"`` leaves 5 out,
``"-inf"`` and ``"+inf"`` are the ends of all scores."""
LexBound: TypeAlias = str | bytes
"""An end of a range of members: ``"[a"`` with the member itself, ``"(a"`` without it; ``"-"`` and ``"+"`` are the ends
of all members."""
Scores: TypeAlias = MappingOf[Key, float]
"""Members with their scores."""
Aggregate: TypeAlias = Literal["SUM", "MIN", "MAX", "COUNT"]
"""How the scores of a member in several sets become one. COUNT ignores the scores and counts the sets that have the
member, each with its weight (Redis 8.8)."""
End: TypeAlias = Literal["MIN", "MAX"]
"""An end of a sorted set: the lowest or the highest scores."""

BZMPOP = spec("BZMPOP").derive(parse=as_popped_many)
BZPOPMAX = spec("BZPOPMAX").derive(parse=as_popped_from)
BZPOPMIN = spec("BZPOPMIN").derive(parse=as_popped_from)
ZADD = spec("ZADD")
ZADD_INCR = spec("ZADD").derive(parse=as_number)
ZCARD = spec("ZCARD")
ZCOUNT = spec("ZCOUNT")
ZDIFF = spec("ZDIFF")
ZDIFF_SCORES = spec("ZDIFF").derive(parse=as_scored)
ZDIFFSTORE = spec("ZDIFFSTORE")
ZINCRBY = spec("ZINCRBY").derive(parse=float)
ZINTER = spec("ZINTER")
ZINTER_SCORES = spec("ZINTER").derive(parse=as_scored)
ZINTERCARD = spec("ZINTERCARD")
ZINTERSTORE = spec("ZINTERSTORE")
ZLEXCOUNT = spec("ZLEXCOUNT")
ZMPOP = spec("ZMPOP").derive(parse=as_popped_many)
ZMSCORE = spec("ZMSCORE").derive(parse=as_scores)
ZPOPMAX = spec("ZPOPMAX").derive(parse=as_popped)
ZPOPMAX_MANY = spec("ZPOPMAX").derive(parse=as_scored)
ZPOPMIN = spec("ZPOPMIN").derive(parse=as_popped)
ZPOPMIN_MANY = spec("ZPOPMIN").derive(parse=as_scored)
ZRANDMEMBER = spec("ZRANDMEMBER")
ZRANDMEMBER_MANY = spec("ZRANDMEMBER").derive(parse=as_list)
ZRANDMEMBER_SCORES = spec("ZRANDMEMBER").derive(parse=as_scored)
ZRANGE = spec("ZRANGE")
ZRANGE_SCORES = spec("ZRANGE").derive(parse=as_scored)
ZRANGEBYLEX = spec("ZRANGEBYLEX")
ZRANGEBYSCORE = spec("ZRANGEBYSCORE")
ZRANGEBYSCORE_SCORES = spec("ZRANGEBYSCORE").derive(parse=as_scored)
ZRANGESTORE = spec("ZRANGESTORE")
ZRANK = spec("ZRANK")
ZRANK_SCORE = spec("ZRANK").derive(parse=as_rank)
ZREM = spec("ZREM")
ZREMRANGEBYLEX = spec("ZREMRANGEBYLEX")
ZREMRANGEBYRANK = spec("ZREMRANGEBYRANK")
ZREMRANGEBYSCORE = spec("ZREMRANGEBYSCORE")
ZREVRANGE = spec("ZREVRANGE")
ZREVRANGE_SCORES = spec("ZREVRANGE").derive(parse=as_scored)
ZREVRANGEBYLEX = spec("ZREVRANGEBYLEX")
ZREVRANGEBYSCORE = spec("ZREVRANGEBYSCORE")
ZREVRANGEBYSCORE_SCORES = spec("ZREVRANGEBYSCORE").derive(parse=as_scored)
ZREVRANK = spec("ZREVRANK")
ZREVRANK_SCORE = spec("ZREVRANK").derive(parse=as_rank)
ZSCAN = spec("ZSCAN").derive(parse=as_page_of_scores)
ZSCAN_MEMBERS = spec("ZSCAN").derive(parse=as_page)
ZSCORE = spec("ZSCORE").derive(parse=as_number)
ZUNION = spec("ZUNION")
ZUNION_SCORES = spec("ZUNION").derive(parse=as_scored)
ZUNIONSTORE = spec("ZUNIONSTORE")


def bzmpop(
    *keys: Key, side: End = "MIN", count: int | None = None, timeout: float | timedelta = 0
) -> Command[tuple[Text, list[tuple[Text, float]]] | None]:
    """Wait until one of the sorted sets has members, remove some, and return its key and (member, score) tuples.

    Returns None after ``timeout``. Otherwise it works like ``zmpop``.
    """
    return Command(BZMPOP, patience(timeout), *counted(BZMPOP, keys), side, *_many(count))


def bzpopmax(*keys: Key, timeout: float | timedelta = 0) -> Command[tuple[Text, Text, float] | None]:
    """Wait until one of the sorted sets has a member, and remove and return the one with the highest score.

    Otherwise it works like ``bzpopmin``.
    """
    return Command(BZPOPMAX, *with_patience(BZPOPMAX, keys, timeout))


def bzpopmin(*keys: Key, timeout: float | timedelta = 0) -> Command[tuple[Text, Text, float] | None]:
    """Wait until one of the sorted sets has a member, and remove and return the one with the lowest score.

    The reply is a tuple of key, member and score, or None after ``timeout``. It takes from the first sorted set, in the
    order of ``keys``, that has members. The client that has waited longest is served first. Since Redis 5.0. Raises
    UsageValueError without keys.
    """
    return Command(BZPOPMIN, *with_patience(BZPOPMIN, keys, timeout))


@overload
def zadd(
    key: Key,
    scores: Scores,
    *,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
    ch: bool = False,
    incr: Literal[False] = False,
) -> Command[int]: ...
@overload
def zadd(
    key: Key,
    scores: Scores,
    *,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
    incr: Literal[True],
) -> Command[float | None]: ...
def zadd(
    key: Key,
    scores: Scores,
    *,
    nx: bool = False,
    xx: bool = False,
    gt: bool = False,
    lt: bool = False,
    ch: bool = False,
    incr: bool = False,
) -> Command[Any]:
    """Set the scores of members, and return how many members are new; with ``ch`` how many are new or changed.

    ``scores`` maps members to scores: ``{"ann": 7.5}``. With ``nx`` only new members are added, with ``xx`` only
    members that exist are changed; with ``gt`` the score of one that exists only rises, with ``lt`` it only falls
    (Redis 6.2).

    With ``incr`` the score of one member is added to the one it has, and the reply is the new score, or None if a
    condition did not hold. Raises UsageTypeError for a score that is not a number, and UsageValueError for NaN, an
    empty mapping, options that exclude each other, and several members with ``incr``.
    """
    words = _scored(scores)
    if not (nx or xx or gt or lt or ch or incr):
        return Command(ZADD, key, *words)
    condition = choose(nx=flag("NX", nx), gt=flag("GT", gt), lt=flag("LT", lt))
    choose(nx=flag("NX", nx), xx=flag("XX", xx))
    choose(ch=flag("CH", ch), incr=flag("INCR", incr))
    if not incr:
        return Command(ZADD, key, *condition, *flag("XX", xx), *flag("CH", ch), *words)
    if len(scores) > 1:
        raise UsageValueError("ZADD with incr takes one member: use a pipeline for several")
    return Command(ZADD_INCR, key, *condition, *flag("XX", xx), "INCR", *words)


def zcard(key: Key) -> Command[int]:
    """Return the number of members of a sorted set, 0 if there is none."""
    return Command(ZCARD, key)


def zcount(key: Key, min: ScoreBound, max: ScoreBound) -> Command[int]:
    """Return how many members have a score from ``min`` to ``max``."""
    return Command(ZCOUNT, key, min, max)


@overload
def zdiff(*keys: Key, withscores: Literal[False] = False) -> Command[list[Text]]: ...
@overload
def zdiff(*keys: Key, withscores: Literal[True]) -> Command[list[tuple[Text, float]]]: ...
def zdiff(*keys: Key, withscores: bool = False) -> Command[Any]:
    """Return the members of the first sorted set that are in none of the others, by score.

    A key that does not exist counts as an empty set. Since Redis 6.2. Raises UsageValueError without keys.
    """
    words = counted(ZDIFF, keys)
    return Command(ZDIFF_SCORES, *words, "WITHSCORES") if withscores else Command(ZDIFF, *words)


def zdiffstore(destination: Key, *keys: Key) -> Command[int]:
    """Store the members of the first sorted set that are in none of the others, and return their number.

    The result replaces what ``destination`` holds, of whatever type; an empty one removes it. Since Redis 6.2. Raises
    UsageValueError without keys.
    """
    return Command(ZDIFFSTORE, destination, *counted(ZDIFFSTORE, keys))


def zincrby(key: Key, amount: float, member: Value) -> Command[float]:
    """Add a number to the score of a member and return the new score; a member that is new counts from 0."""
    return Command(ZINCRBY, key, amount, member)


@overload
def zinter(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: Literal[False] = False,
) -> Command[list[Text]]: ...
@overload
def zinter(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: Literal[True],
) -> Command[list[tuple[Text, float]]]: ...
def zinter(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: bool = False,
) -> Command[Any]:
    """Return the members that all of the sorted sets have, by score.

    The options are those of ``zunion``. Since Redis 6.2.
    """
    words = (*counted(ZINTER, keys), *_combined("ZINTER", keys, weights, aggregate))
    return Command(ZINTER_SCORES, *words, "WITHSCORES") if withscores else Command(ZINTER, *words)


def zintercard(*keys: Key, limit: int | None = None) -> Command[int]:
    """Return how many members all of the sorted sets have, 0 if one of the keys does not exist.

    The server stops counting at ``limit``, which is then the reply; 0 is no limit. Since Redis 7.0. Raises
    UsageValueError without keys and for a negative limit.
    """
    limit = None if limit is None else at_least(0, "limit", limit)
    return Command(ZINTERCARD, *counted(ZINTERCARD, keys), *option("LIMIT", limit))


def zinterstore(
    destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
) -> Command[int]:
    """Store the members that all of the sorted sets have, and return their number.

    Otherwise it works like ``zunionstore``.
    """
    words = (*counted(ZINTERSTORE, keys), *_combined("ZINTERSTORE", keys, weights, aggregate))
    return Command(ZINTERSTORE, destination, *words)


def zlexcount(key: Key, min: LexBound, max: LexBound) -> Command[int]:
    """Return how many members are from ``min`` to ``max``, in a sorted set whose scores are all the same."""
    return Command(ZLEXCOUNT, key, min, max)


def zmpop(
    *keys: Key, side: End = "MIN", count: int | None = None
) -> Command[tuple[Text, list[tuple[Text, float]]] | None]:
    """Remove members from the first sorted set that has any, and return its key and a list of (member, score).

    Returns None if none has any. Takes up to ``count`` members, one by default, with the lowest scores, or for
    ``side="MAX"`` the highest. Since Redis 7.0. Raises UsageValueError without keys and for a count below 1.
    """
    return Command(ZMPOP, *counted(ZMPOP, keys), side, *_many(count))


def zmscore(key: Key, *members: Value) -> Command[list[float | None]]:
    """Return the scores of members; None for each that does not exist.

    Since Redis 6.2. Raises UsageValueError without members.
    """
    if members:
        return Command(ZMSCORE, key, *members)
    raise nothing_to_send(ZMSCORE, "member")


@overload
def zpopmax(key: Key, count: None = None) -> Command[tuple[Text, float] | None]: ...
@overload
def zpopmax(key: Key, count: int) -> Command[list[tuple[Text, float]]]: ...
def zpopmax(key: Key, count: int | None = None) -> Command[Any]:
    """Remove the member with the highest score and return it with the score, or a list of up to ``count``.

    Otherwise it works like ``zpopmin``.
    """
    if count is None:
        return Command(ZPOPMAX, key)
    return Command(ZPOPMAX_MANY, key, at_least(0, "count", count))


@overload
def zpopmin(key: Key, count: None = None) -> Command[tuple[Text, float] | None]: ...
@overload
def zpopmin(key: Key, count: int) -> Command[list[tuple[Text, float]]]: ...
def zpopmin(key: Key, count: int | None = None) -> Command[Any]:
    """Remove the member with the lowest score and return it with the score, or a list of up to ``count``.

    Returns None if there is no sorted set, but with ``count`` the empty list. Since Redis 5.0. Raises UsageValueError
    for a negative count.
    """
    if count is None:
        return Command(ZPOPMIN, key)
    return Command(ZPOPMIN_MANY, key, at_least(0, "count", count))


@overload
def zrandmember(key: Key, count: None = None, *, withscores: Literal[False] = False) -> Command[Text | None]: ...
@overload
def zrandmember(key: Key, count: int, *, withscores: Literal[False] = False) -> Command[list[Text]]: ...
@overload
def zrandmember(key: Key, count: int, *, withscores: Literal[True]) -> Command[list[tuple[Text, float]]]: ...
def zrandmember(key: Key, count: int | None = None, *, withscores: bool = False) -> Command[Any]:
    """Return a random member without removing it, or None if there is no sorted set.

    With ``count`` it returns a list of that many different members, or of all; a negative count gives exactly as many
    as it says, and may repeat a member. ``withscores`` returns (member, score) tuples. Since Redis 6.2. Raises
    UsageTypeError for ``withscores`` without ``count``.
    """
    if count is None:
        if withscores:
            raise UsageTypeError("withscores needs count")
        return Command(ZRANDMEMBER, key)
    if withscores:
        return Command(ZRANDMEMBER_SCORES, key, whole("count", count), "WITHSCORES")
    return Command(ZRANDMEMBER_MANY, key, whole("count", count))


@overload
def zrange(
    key: Key,
    start: ScoreBound,
    stop: ScoreBound,
    *,
    by: Literal["SCORE", "LEX"] | None = None,
    rev: bool = False,
    limit: tuple[int, int] | None = None,
    withscores: Literal[False] = False,
) -> Command[list[Text]]: ...
@overload
def zrange(
    key: Key,
    start: ScoreBound,
    stop: ScoreBound,
    *,
    by: Literal["SCORE"] | None = None,
    rev: bool = False,
    limit: tuple[int, int] | None = None,
    withscores: Literal[True],
) -> Command[list[tuple[Text, float]]]: ...
def zrange(
    key: Key,
    start: ScoreBound,
    stop: ScoreBound,
    *,
    by: Literal["SCORE", "LEX"] | None = None,
    rev: bool = False,
    limit: tuple[int, int] | None = None,
    withscores: bool = False,
) -> Command[Any]:
    """Return the members from ``start`` to ``stop``, both included, in the order of their scores.

    Both are ranks; ``zrange(key, 0, -1)`` returns all members. With ``by="SCORE"`` they are scores, and ``"(5"`` leaves
    5 out. With ``by="LEX"`` they are members with "[" or "(" before them, or "-" and "+"; all scores must be the same.

    ``rev`` reverses the order. ``start`` is always where the reply begins: with ``rev``, rank 0 is the highest score,
    and a range of scores or members begins with the higher bound. The other way round it is empty.

    ``withscores`` returns (member, score) tuples. The options are since Redis 6.2. Raises UsageTypeError for ``limit``
    without ``by``, and UsageValueError for ``withscores`` with ``by="LEX"``.
    """
    if by is None and not rev and limit is None and not withscores:
        return Command(ZRANGE, key, start, stop)
    if by is None and not rev and limit is None and withscores:
        return Command(ZRANGE_SCORES, key, start, stop, "WITHSCORES")
    words = _selected(start, stop, by=by, rev=rev, limit=limit)
    if not withscores:
        return Command(ZRANGE, key, *words)
    if by == "LEX":
        raise UsageValueError('by="LEX" and withscores exclude each other')
    return Command(ZRANGE_SCORES, key, *words, "WITHSCORES")


def zrangebylex(key: Key, min: LexBound, max: LexBound, *, limit: tuple[int, int] | None = None) -> Command[list[Text]]:
    """Return the members from ``min`` to ``max``, in a sorted set whose scores are all the same.

    ``zrange(key, min, max, by="LEX")`` is the newer name.
    """
    return Command(ZRANGEBYLEX, key, min, max, *limited(limit))


@overload
def zrangebyscore(
    key: Key,
    min: ScoreBound,
    max: ScoreBound,
    *,
    limit: tuple[int, int] | None = None,
    withscores: Literal[False] = False,
) -> Command[list[Text]]: ...
@overload
def zrangebyscore(
    key: Key, min: ScoreBound, max: ScoreBound, *, limit: tuple[int, int] | None = None, withscores: Literal[True]
) -> Command[list[tuple[Text, float]]]: ...
def zrangebyscore(
    key: Key, min: ScoreBound, max: ScoreBound, *, limit: tuple[int, int] | None = None, withscores: bool = False
) -> Command[Any]:
    """Return the members with a score from ``min`` to ``max``, lowest first.

    ``withscores`` returns (member, score) tuples. ``zrange(key, min, max, by="SCORE")`` is the newer name.
    """
    if limit is None and not withscores:
        return Command(ZRANGEBYSCORE, key, min, max)
    if withscores:
        return Command(ZRANGEBYSCORE_SCORES, key, min, max, "WITHSCORES", *limited(limit))
    return Command(ZRANGEBYSCORE, key, min, max, *limited(limit))


def zrangestore(
    destination: Key,
    source: Key,
    start: ScoreBound,
    stop: ScoreBound,
    *,
    by: Literal["SCORE", "LEX"] | None = None,
    rev: bool = False,
    limit: tuple[int, int] | None = None,
) -> Command[int]:
    """Store the members from ``start`` to ``stop`` with their scores, and return their number.

    The options are those of ``zrange``. The result replaces what ``destination`` holds, of whatever type; an empty one
    removes it. Since Redis 6.2.
    """
    return Command(ZRANGESTORE, destination, source, *_selected(start, stop, by=by, rev=rev, limit=limit))


@overload
def zrank(key: Key, member: Value, *, withscore: Literal[False] = False) -> Command[int | None]: ...
@overload
def zrank(key: Key, member: Value, *, withscore: Literal[True]) -> Command[tuple[int, float] | None]: ...
def zrank(key: Key, member: Value, *, withscore: bool = False) -> Command[Any]:
    """Return the rank of a member, 0 for the lowest score, or None if there is no such member.

    ``withscore`` returns a tuple of rank and score (Redis 7.2, Valkey).
    """
    if withscore:
        return Command(ZRANK_SCORE, key, member, "WITHSCORE")
    return Command(ZRANK, key, member)


def zrem(key: Key, *members: Value) -> Command[int]:
    """Remove members and return how many there were. Raises UsageValueError without members."""
    if members:
        return Command(ZREM, key, *members)
    raise nothing_to_send(ZREM, "member")


def zremrangebylex(key: Key, min: LexBound, max: LexBound) -> Command[int]:
    """Remove the members from ``min`` to ``max``, and return how many there were; all scores must be the same."""
    return Command(ZREMRANGEBYLEX, key, min, max)


def zremrangebyrank(key: Key, start: int, stop: int) -> Command[int]:
    """Remove the members with ranks from ``start`` to ``stop``, both included, and return how many there were."""
    return Command(ZREMRANGEBYRANK, key, start, stop)


def zremrangebyscore(key: Key, min: ScoreBound, max: ScoreBound) -> Command[int]:
    """Remove the members with a score from ``min`` to ``max``, and return how many there were."""
    return Command(ZREMRANGEBYSCORE, key, min, max)


@overload
def zrevrange(key: Key, start: int, stop: int, *, withscores: Literal[False] = False) -> Command[list[Text]]: ...
@overload
def zrevrange(key: Key, start: int, stop: int, *, withscores: Literal[True]) -> Command[list[tuple[Text, float]]]: ...
def zrevrange(key: Key, start: int, stop: int, *, withscores: bool = False) -> Command[Any]:
    """Return the members from ``start`` to ``stop``, both included, highest score first.

    Rank 0 is the highest score. ``withscores`` returns (member, score) tuples.
    ``zrange(key, start, stop, rev=True)`` is the newer name.
    """
    if withscores:
        return Command(ZREVRANGE_SCORES, key, start, stop, "WITHSCORES")
    return Command(ZREVRANGE, key, start, stop)


def zrevrangebylex(
    key: Key, max: LexBound, min: LexBound, *, limit: tuple[int, int] | None = None
) -> Command[list[Text]]:
    """Return the members from ``max`` down to ``min``, in a sorted set whose scores are all the same.

    The higher bound comes first. ``zrange(key, max, min, by="LEX", rev=True)`` is the newer name.
    """
    return Command(ZREVRANGEBYLEX, key, max, min, *limited(limit))


@overload
def zrevrangebyscore(
    key: Key,
    max: ScoreBound,
    min: ScoreBound,
    *,
    limit: tuple[int, int] | None = None,
    withscores: Literal[False] = False,
) -> Command[list[Text]]: ...
@overload
def zrevrangebyscore(
    key: Key, max: ScoreBound, min: ScoreBound, *, limit: tuple[int, int] | None = None, withscores: Literal[True]
) -> Command[list[tuple[Text, float]]]: ...
def zrevrangebyscore(
    key: Key, max: ScoreBound, min: ScoreBound, *, limit: tuple[int, int] | None = None, withscores: bool = False
) -> Command[Any]:
    """Return the members with a score from ``max`` down to ``min``.

    The higher bound comes first. ``withscores`` returns (member, score) tuples.
    ``zrange(key, max, min, by="SCORE", rev=True)`` is the newer name.
    """
    if limit is None and not withscores:
        return Command(ZREVRANGEBYSCORE, key, max, min)
    if withscores:
        return Command(ZREVRANGEBYSCORE_SCORES, key, max, min, "WITHSCORES", *limited(limit))
    return Command(ZREVRANGEBYSCORE, key, max, min, *limited(limit))


@overload
def zrevrank(key: Key, member: Value, *, withscore: Literal[False] = False) -> Command[int | None]: ...
@overload
def zrevrank(key: Key, member: Value, *, withscore: Literal[True]) -> Command[tuple[int, float] | None]: ...
def zrevrank(key: Key, member: Value, *, withscore: bool = False) -> Command[Any]:
    """Return the rank of a member, 0 for the highest score, or None if there is no such member.

    ``withscore`` returns a tuple of rank and score (Redis 7.2, Valkey).
    """
    if withscore:
        return Command(ZREVRANK_SCORE, key, member, "WITHSCORE")
    return Command(ZREVRANK, key, member)


@overload
def zscan(
    key: Key,
    cursor: int = 0,
    *,
    match: Value | None = None,
    count: int | None = None,
    noscores: Literal[False] = False,
) -> Command[tuple[int, list[tuple[Text, float]]]]: ...
@overload
def zscan(
    key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, noscores: Literal[True]
) -> Command[tuple[int, list[Text]]]: ...
def zscan(
    key: Key, cursor: int = 0, *, match: Value | None = None, count: int | None = None, noscores: bool = False
) -> Command[Any]:
    """Return the next cursor and some of the (member, score) tuples, or with ``noscores`` a list of members.

    Begin with cursor 0; the cursor is 0 again at the end. ``match`` is a glob pattern for members; a page may be empty
    although more members follow. ``count`` is how many members the server examines for a page. A member that is there
    during the whole scan is returned at least once. ``noscores`` is only in Valkey (8.0). Raises UsageValueError for a
    count below 1.
    """
    count = None if count is None else at_least(1, "count", count)
    options = (*option("MATCH", match), *option("COUNT", count), *flag("NOSCORES", noscores))
    return Command(ZSCAN_MEMBERS if noscores else ZSCAN, key, cursor, *options)


def zscore(key: Key, member: Value) -> Command[float | None]:
    """Return the score of a member, or None if there is no such member."""
    return Command(ZSCORE, key, member)


@overload
def zunion(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: Literal[False] = False,
) -> Command[list[Text]]: ...
@overload
def zunion(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: Literal[True],
) -> Command[list[tuple[Text, float]]]: ...
def zunion(
    *keys: Key,
    weights: Sequence[float] | None = None,
    aggregate: Aggregate | None = None,
    withscores: bool = False,
) -> Command[Any]:
    """Return the members that at least one of the sorted sets has, by score.

    Each score is multiplied with the weight of its set: ``weights`` are in the order of ``keys``, 1 by default.
    ``aggregate`` says how the scores of one member become one: their sum (the default), the lowest or the highest;
    "COUNT" counts the sets that have the member, with their weights (Redis 8.8). ``withscores`` returns (member, score)
    tuples. A key that does not exist counts as an empty set, and the members of a plain set have score 1. Since Redis
    6.2. Raises UsageValueError without keys, and if there are not as many weights as keys.
    """
    words = (*counted(ZUNION, keys), *_combined("ZUNION", keys, weights, aggregate))
    return Command(ZUNION_SCORES, *words, "WITHSCORES") if withscores else Command(ZUNION, *words)


def zunionstore(
    destination: Key, *keys: Key, weights: Sequence[float] | None = None, aggregate: Aggregate | None = None
) -> Command[int]:
    """Store the members that at least one of the sorted sets has, and return their number.

    The options are those of ``zunion``. The result replaces what ``destination`` holds, of whatever type; an empty one
    removes it.
    """
    words = (*counted(ZUNIONSTORE, keys), *_combined("ZUNIONSTORE", keys, weights, aggregate))
    return Command(ZUNIONSTORE, destination, *words)


def _scored(scores: Scores) -> list[Arg]:
    """Return scores and members alternately, in the order of the server."""
    if not isinstance(scores, Mapping):
        raise UsageTypeError(f"ZADD takes a mapping of members to scores, not {type(scores).__name__}")
    if not scores:
        raise nothing_to_send(ZADD, "member")
    return [word for member, score in scores.items() for word in (number("a score", score), member)]


def _selected(
    start: ScoreBound, stop: ScoreBound, *, by: str | None, rev: bool, limit: tuple[int, int] | None
) -> tuple[Arg, ...]:
    """Return the words of ZRANGE and ZRANGESTORE that choose members."""
    if by is not None and not isinstance(by, str):
        raise UsageTypeError(f'by must be "SCORE" or "LEX", not {shown(by)}')
    if by is None and limit is not None:
        raise UsageTypeError('limit needs by="SCORE" or by="LEX"')
    return start, stop, *(() if by is None else (f"BY{by}",)), *flag("REV", rev), *limited(limit)


def _combined(
    name: str, keys: Sequence[Key], weights: Sequence[float] | None, aggregate: str | None
) -> tuple[Arg, ...]:
    """Return the words that say how the scores of several sets become one."""
    words: tuple[Arg, ...] = ()
    if weights is not None:
        words = ("WEIGHTS", *[number("a weight", weight) for weight in several(name, "weights", weights)])
        if len(words) != len(keys) + 1:
            raise UsageValueError(f"weights must be one for each key: {len(words) - 1} for {len(keys)} keys")
    return *words, *option("AGGREGATE", aggregate)


def _many(count: int | None) -> tuple[Arg, ...]:
    """Return the words of the COUNT option of ZMPOP and BZMPOP."""
    return () if count is None else ("COUNT", at_least(1, "count", count))
