"""Commands on places: members of a sorted set whose score is a position on the earth.

Each function returns the ``Command`` for one call and sends nothing; a pool has a method of the same name. A position
is a tuple of longitude and latitude in degrees, in this order, with latitudes from -85.05 to 85.05; the server keeps it
to within a metre. The commands on sorted sets work too: ``zrem`` removes a place. On a key that holds another type the
server answers WrongType.

Searches return a list of members, or with ``withcoord``, ``withdist`` or ``withhash`` a list of ``GeoMatch``: its
``position``, ``distance`` (from the centre, in ``unit``) and ``hash``, each None unless it was asked for.

Source of the facts: the pages of the commands at valkey.io/commands and redis.io/commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, overload

from respool._facts.command import Command, Key, spec
from respool._facts.errors import UsageTypeError, UsageValueError
from respool.commands._arguments import (
    MappingOf,
    at_least,
    choose,
    flag,
    nothing_to_send,
    number,
    only_known,
    option,
    several,
    shown,
)
from respool.commands._parsers import as_matches, as_number, as_positions, as_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Unpack

    from respool._facts.command import Arg
    from respool._facts.records import GeoMatch
    from respool.commands._arguments import Text, Value

Position: TypeAlias = tuple[float, float]
"""A longitude and a latitude, in degrees."""
Positions: TypeAlias = MappingOf[Key, Position]
"""Members with their positions."""
Unit: TypeAlias = Literal["m", "km", "ft", "mi"]
"""The unit of a distance: metres, kilometres, feet or miles."""

GEOADD = spec("GEOADD")
GEODIST = spec("GEODIST").derive(parse=as_number)
GEOHASH = spec("GEOHASH").derive(parse=as_texts)
GEOPOS = spec("GEOPOS").derive(parse=as_positions)
GEORADIUS = spec("GEORADIUS")
GEORADIUS_MATCHES = spec("GEORADIUS").derive(parse=as_matches)
GEORADIUS_RO = spec("GEORADIUS_RO")
GEORADIUS_RO_MATCHES = spec("GEORADIUS_RO").derive(parse=as_matches)
GEORADIUSBYMEMBER = spec("GEORADIUSBYMEMBER")
GEORADIUSBYMEMBER_MATCHES = spec("GEORADIUSBYMEMBER").derive(parse=as_matches)
GEORADIUSBYMEMBER_RO = spec("GEORADIUSBYMEMBER_RO")
GEORADIUSBYMEMBER_RO_MATCHES = spec("GEORADIUSBYMEMBER_RO").derive(parse=as_matches)
GEOSEARCH = spec("GEOSEARCH")
GEOSEARCH_MATCHES = spec("GEOSEARCH").derive(parse=as_matches)
GEOSEARCHSTORE = spec("GEOSEARCHSTORE")


class GeoOrder(TypedDict, total=False):
    """How many places a search finds, and in which order. None and False are the same as not giving the option.

    - ``sort``: "ASC" begins with the nearest place, "DESC" with the farthest; without it there is no order
    - ``count``: the largest number of places, the nearest ones
    - ``any``: stop as soon as ``count`` places are found, which need not be the nearest (Redis 6.2)
    """

    sort: Literal["ASC", "DESC"] | None
    count: int | None
    any: bool


class GeoArea(GeoOrder, total=False):
    """Where to search: a centre with a radius or a box, or a polygon.

    None and False are the same as not giving the option.

    - ``member``: the centre is the position of this member; the server refuses one that does not exist
    - ``lonlat``: the centre is this position
    - ``radius``: search in a circle of this radius, in ``unit``
    - ``box``: search in a box of this width and height, in ``unit``
    - ``polygon``: search in the polygon with these positions as corners, without a centre (Valkey 9.0); distances are
      from its middle, in metres
    - ``unit``: the unit of the radius, the box and the distances, metres by default
    - ``sort``: "ASC" begins with the nearest place, "DESC" with the farthest; without it there is no order
    - ``count``: the largest number of places, the nearest ones
    - ``any``: stop as soon as ``count`` places are found, which need not be the nearest
    """

    member: Value | None
    lonlat: Position | None
    radius: float | None
    box: tuple[float, float] | None
    polygon: Sequence[Position] | None
    unit: Unit


def geoadd(key: Key, positions: Positions, *, nx: bool = False, xx: bool = False, ch: bool = False) -> Command[int]:
    """Set the positions of members, and return how many members are new; with ``ch`` how many are new or moved.

    ``positions`` maps members to positions: ``{"Palermo": (13.36, 38.12)}``. With ``nx`` only new members are added,
    with ``xx`` only members that exist are moved (Redis 6.2). Raises UsageTypeError for what is no position, and
    UsageValueError for an empty mapping and for ``nx`` with ``xx``.
    """
    if not isinstance(positions, Mapping):
        raise UsageTypeError(f"GEOADD takes a mapping of members to positions, not {type(positions).__name__}")
    if not positions:
        raise nothing_to_send(GEOADD, "member")
    condition = choose(nx=flag("NX", nx), xx=flag("XX", xx))
    words = [word for member, place in positions.items() for word in (*_pair("a position", place), member)]
    return Command(GEOADD, key, *condition, *flag("CH", ch), *words)


def geodist(key: Key, member1: Value, member2: Value, *, unit: Unit = "m") -> Command[float | None]:
    """Return the distance between two members, or None if one of them does not exist."""
    return Command(GEODIST, key, member1, member2, unit)


def geohash(key: Key, *members: Value) -> Command[list[str | None]]:
    """Return the geohashes of members, texts of 11 characters; None for each that does not exist.

    Raises UsageValueError without members.
    """
    if members:
        return Command(GEOHASH, key, *members)
    raise nothing_to_send(GEOHASH, "member")


def geopos(key: Key, *members: Value) -> Command[list[tuple[float, float] | None]]:
    """Return the longitudes and latitudes of members; None for each that does not exist.

    Raises UsageValueError without members.
    """
    if members:
        return Command(GEOPOS, key, *members)
    raise nothing_to_send(GEOPOS, "member")


@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[False] = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[Text]]: ...
@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[True],
    withdist: bool = False,
    withhash: bool = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[True],
    withhash: bool = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[True],
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    store: Key,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[int]: ...
@overload
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    store: None = None,
    storedist: Key,
    **options: Unpack[GeoOrder],
) -> Command[int]: ...
def georadius(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: bool = False,
    withdist: bool = False,
    withhash: bool = False,
    store: Key | None = None,
    storedist: Key | None = None,
    **options: Unpack[GeoOrder],
) -> Command[Any]:
    """Return the members within a radius around a position, or store them.

    With ``store`` they are stored as places under that key, with ``storedist`` as a sorted set of their distances; the
    reply is their number. It counts as a write, even without either, and is never sent twice: ``geosearch`` and
    ``geosearchstore`` are the newer names. Raises UsageValueError for both, UsageTypeError for one with ``withcoord``,
    ``withdist`` or ``withhash`` and for ``any`` without ``count``.
    """
    words = (key, longitude, latitude, radius, unit, *_order("GEORADIUS", **options))
    stored = choose(store=option("STORE", store), storedist=option("STOREDIST", storedist))
    found = _with(withcoord=withcoord, withdist=withdist, withhash=withhash)
    if stored and found:
        raise UsageTypeError("store and storedist exclude withcoord, withdist and withhash")
    return Command(GEORADIUS_MATCHES if found else GEORADIUS, *words, *found, *stored)


@overload
def georadius_ro(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[False] = False,
    **options: Unpack[GeoOrder],
) -> Command[list[Text]]: ...
@overload
def georadius_ro(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[True],
    withdist: bool = False,
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadius_ro(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[True],
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadius_ro(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[True],
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
def georadius_ro(
    key: Key,
    longitude: float,
    latitude: float,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: bool = False,
    withdist: bool = False,
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[Any]:
    """Return the members within a radius around a position; a replica can do it too.

    Otherwise it works like ``georadius`` without ``store``.
    """
    words = (key, longitude, latitude, radius, unit, *_order("GEORADIUS_RO", **options))
    found = _with(withcoord=withcoord, withdist=withdist, withhash=withhash)
    return Command(GEORADIUS_RO_MATCHES if found else GEORADIUS_RO, *words, *found)


@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[False] = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[Text]]: ...
@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[True],
    withdist: bool = False,
    withhash: bool = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[True],
    withhash: bool = False,
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[True],
    store: None = None,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    store: Key,
    storedist: None = None,
    **options: Unpack[GeoOrder],
) -> Command[int]: ...
@overload
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    store: None = None,
    storedist: Key,
    **options: Unpack[GeoOrder],
) -> Command[int]: ...
def georadiusbymember(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: bool = False,
    withdist: bool = False,
    withhash: bool = False,
    store: Key | None = None,
    storedist: Key | None = None,
    **options: Unpack[GeoOrder],
) -> Command[Any]:
    """Return the members within a radius around a member, itself included, or store them.

    The server refuses a member that does not exist. Otherwise it works like ``georadius``.
    """
    words = (key, member, radius, unit, *_order("GEORADIUSBYMEMBER", **options))
    stored = choose(store=option("STORE", store), storedist=option("STOREDIST", storedist))
    found = _with(withcoord=withcoord, withdist=withdist, withhash=withhash)
    if stored and found:
        raise UsageTypeError("store and storedist exclude withcoord, withdist and withhash")
    return Command(GEORADIUSBYMEMBER_MATCHES if found else GEORADIUSBYMEMBER, *words, *found, *stored)


@overload
def georadiusbymember_ro(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[False] = False,
    **options: Unpack[GeoOrder],
) -> Command[list[Text]]: ...
@overload
def georadiusbymember_ro(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[True],
    withdist: bool = False,
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadiusbymember_ro(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[True],
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def georadiusbymember_ro(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[True],
    **options: Unpack[GeoOrder],
) -> Command[list[GeoMatch[Text]]]: ...
def georadiusbymember_ro(
    key: Key,
    member: Value,
    radius: float,
    *,
    unit: Unit = "m",
    withcoord: bool = False,
    withdist: bool = False,
    withhash: bool = False,
    **options: Unpack[GeoOrder],
) -> Command[Any]:
    """Return the members within a radius around a member, itself included; a replica can do it too.

    Otherwise it works like ``georadiusbymember`` without ``store``.
    """
    words = (key, member, radius, unit, *_order("GEORADIUSBYMEMBER_RO", **options))
    found = _with(withcoord=withcoord, withdist=withdist, withhash=withhash)
    return Command(GEORADIUSBYMEMBER_RO_MATCHES if found else GEORADIUSBYMEMBER_RO, *words, *found)


@overload
def geosearch(
    key: Key,
    *,
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[False] = False,
    **area: Unpack[GeoArea],
) -> Command[list[Text]]: ...
@overload
def geosearch(
    key: Key, *, withcoord: Literal[True], withdist: bool = False, withhash: bool = False, **area: Unpack[GeoArea]
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def geosearch(
    key: Key,
    *,
    withcoord: Literal[False] = False,
    withdist: Literal[True],
    withhash: bool = False,
    **area: Unpack[GeoArea],
) -> Command[list[GeoMatch[Text]]]: ...
@overload
def geosearch(
    key: Key,
    *,
    withcoord: Literal[False] = False,
    withdist: Literal[False] = False,
    withhash: Literal[True],
    **area: Unpack[GeoArea],
) -> Command[list[GeoMatch[Text]]]: ...
def geosearch(
    key: Key, *, withcoord: bool = False, withdist: bool = False, withhash: bool = False, **area: Unpack[GeoArea]
) -> Command[Any]:
    """Return the members in a circle, a box or a polygon; an empty list if there is no key.

    The centre is ``member`` or ``lonlat``, and ``radius`` or ``box`` says how far to search around it; or ``polygon``
    has the corners.

        geosearch("shops", lonlat=(13.4, 52.5), radius=5, unit="km", sort="ASC")

    Since Redis 6.2. Raises UsageTypeError unless there is one centre and one size, or a polygon alone, and for ``any``
    without ``count``; UsageValueError for options that exclude each other.
    """
    words = (key, *_area("GEOSEARCH", **area))
    found = _with(withcoord=withcoord, withdist=withdist, withhash=withhash)
    return Command(GEOSEARCH_MATCHES if found else GEOSEARCH, *words, *found)


def geosearchstore(destination: Key, source: Key, *, storedist: bool = False, **area: Unpack[GeoArea]) -> Command[int]:
    """Store the members in a circle, a box or a polygon as places, and return their number.

    ``storedist`` stores their distances as the scores instead, in ``unit``. The other options are those of
    ``geosearch``. The result replaces what ``destination`` holds, of whatever type; an empty one removes it.
    Since Redis 6.2.
    """
    return Command(GEOSEARCHSTORE, destination, source, *_area("GEOSEARCHSTORE", **area), *flag("STOREDIST", storedist))


def _area(
    name: str,
    *,
    member: Value | None = None,
    lonlat: Position | None = None,
    radius: float | None = None,
    box: tuple[float, float] | None = None,
    polygon: Sequence[Position] | None = None,
    unit: Unit = "m",
    **order: Any,
) -> tuple[Arg, ...]:
    """Return the words of GEOSEARCH and GEOSEARCHSTORE that say where to search, and in which order."""
    only_known(name, order, GeoOrder.__optional_keys__ | GeoArea.__optional_keys__)
    corners = () if polygon is None else several(name, "polygon", polygon)
    corner_words = [word for corner in corners for word in _pair("a corner of polygon", corner)]
    where = choose(
        member=option("FROMMEMBER", member),
        lonlat=() if lonlat is None else ("FROMLONLAT", *_pair("lonlat", lonlat)),
        polygon=() if polygon is None else ("BYPOLYGON", len(corners), *corner_words),
    )
    size = choose(
        radius=() if radius is None else ("BYRADIUS", radius, unit),
        box=() if box is None else ("BYBOX", *_pair("box", box), unit),
    )
    if polygon is not None and (size or unit != "m"):
        raise UsageValueError("polygon excludes radius, box and unit")
    if not where or (polygon is None and not size):
        raise UsageTypeError(f"{name} needs member= or lonlat=, with radius= or box=; or polygon=")
    return *where, *size, *_order(name, **order)


def _order(
    name: str, *, sort: str | None = None, count: int | None = None, any: bool = False, **unknown: object
) -> tuple[Arg, ...]:
    """Return the words of GeoOrder. Raises UsageTypeError for an unknown option."""
    only_known(name, unknown, GeoOrder.__optional_keys__)
    if any and count is None:
        raise UsageTypeError("any needs count")
    words = () if count is None else ("COUNT", at_least(1, "count", count), *flag("ANY", any))
    return (*(() if sort is None else (sort,)), *words)


def _with(*, withcoord: bool, withdist: bool, withhash: bool) -> tuple[Arg, ...]:
    return *flag("WITHCOORD", withcoord), *flag("WITHDIST", withdist), *flag("WITHHASH", withhash)


def _pair(name: str, pair: tuple[float, float]) -> tuple[float, float]:
    """Return a pair of numbers. Raises UsageTypeError for anything else."""
    match pair:
        case (first, second):
            return number(f"each of {name}", first), number(f"each of {name}", second)
    raise UsageTypeError(f"{name} must be a tuple of two numbers, not {shown(pair)}")
