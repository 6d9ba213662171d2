"""Examples of commands on places."""

from __future__ import annotations

from examples import Refused, Row, call
from respool._facts.records import GeoMatch

PALERMO = (13.361389338970184, 38.1155563954963)
PALERMO_HASH = 3479099956230698
CATANIA = (15.087267458438873, 37.50266842333162)
CATANIA_HASH = 3479447370796909
GEO = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania"
TRIANGLE = [(10, 30), (20, 30), (15, 45)]
EXAMPLES: list[Row] = [
    (call("geoadd", "g", {"Palermo": (13.36, 38.12), "Enna": (14.3, 37.6)}), 2),
    (call("geoadd", "g", {"Palermo": (13, 38), b"Enna": (14.3, 37.6)}, ch=True), 2, GEO),
    (call("geoadd", "g", {"Palermo": (13, 38)}, nx=True), 0, GEO),
    (call("geoadd", "g", {"Palermo": (13, 38)}, xx=True, ch=True), 1, GEO),
    (call("geodist", "g", "Palermo", "Catania"), 166274.1516, GEO),
    (call("geodist", "g", "Palermo", "Catania", unit="km"), 166.2742, GEO),
    (call("geodist", "g", "Palermo", "Catania", unit="mi"), 103.3182, GEO),
    (call("geodist", "g", "Palermo", "Palermo", unit="ft"), 0.0, GEO),
    (call("geodist", "g", "Palermo", "x"), None, GEO),
    (call("geohash", "g", "Palermo", "x"), ["sqc8b49rny0", None], GEO),
    (call("geopos", "g", "Palermo", "x"), [PALERMO, None], GEO),
    (call("geopos", "k", "Palermo"), [None]),
    (call("georadius", "g", 15, 37, 200, unit="km", sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadius", "g", 15, 37, 200, unit="km", sort="DESC"), [b"Palermo", b"Catania"], GEO),
    (call("georadius", "g", 15, 37, 800000, unit="ft", count=1), [b"Catania"], GEO),
    (call("georadius", "g", 15, 37, 150, unit="mi", count=9, any=True, sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadius", "g", 15, 37, 1), [], GEO),
    (
        call("georadius", "g", 15, 37, 200, unit="km", sort="DESC", withcoord=True),
        [GeoMatch(b"Palermo", None, None, PALERMO), GeoMatch(b"Catania", None, None, CATANIA)],
        GEO,
    ),
    (
        call("georadius", "g", 15, 37, 200, unit="km", sort="DESC", withdist=True),
        [GeoMatch(b"Palermo", 190.4424, None, None), GeoMatch(b"Catania", 56.4413, None, None)],
        GEO,
    ),
    (
        call("georadius", "g", 15, 37, 200, unit="km", sort="DESC", withhash=True),
        [GeoMatch(b"Palermo", None, PALERMO_HASH, None), GeoMatch(b"Catania", None, CATANIA_HASH, None)],
        GEO,
    ),
    (
        call("georadius", "g", 15, 37, 200, unit="km", sort="DESC", withcoord=True, withdist=True, withhash=True),
        [GeoMatch(b"Palermo", 190.4424, PALERMO_HASH, PALERMO), GeoMatch(b"Catania", 56.4413, CATANIA_HASH, CATANIA)],
        GEO,
    ),
    (call("georadius", "g", 15, 37, 200, unit="km", store="m"), 2, GEO),
    (call("georadius", "g", 15, 37, 200, unit="km", count=1, storedist="m"), 1, GEO),
    (call("georadius_ro", "g", 15, 37, 200, unit="km", sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadius_ro", "g", 15, 37, 200, unit="km", sort="DESC"), [b"Palermo", b"Catania"], GEO),
    (call("georadius_ro", "g", 15, 37, 800000, unit="ft", count=1), [b"Catania"], GEO),
    (call("georadius_ro", "g", 15, 37, 150, unit="mi", count=9, any=True, sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadius_ro", "g", 15, 37, 1), [], GEO),
    (
        call("georadius_ro", "g", 15, 37, 200, unit="km", sort="DESC", withcoord=True),
        [GeoMatch(b"Palermo", None, None, PALERMO), GeoMatch(b"Catania", None, None, CATANIA)],
        GEO,
    ),
    (
        call("georadius_ro", "g", 15, 37, 200, unit="km", sort="DESC", withdist=True),
        [GeoMatch(b"Palermo", 190.4424, None, None), GeoMatch(b"Catania", 56.4413, None, None)],
        GEO,
    ),
    (
        call("georadius_ro", "g", 15, 37, 200, unit="km", sort="DESC", withhash=True),
        [GeoMatch(b"Palermo", None, PALERMO_HASH, None), GeoMatch(b"Catania", None, CATANIA_HASH, None)],
        GEO,
    ),
    (
        call("georadius_ro", "g", 15, 37, 200, unit="km", sort="DESC", withcoord=True, withdist=True, withhash=True),
        [GeoMatch(b"Palermo", 190.4424, PALERMO_HASH, PALERMO), GeoMatch(b"Catania", 56.4413, CATANIA_HASH, CATANIA)],
        GEO,
    ),
    (call("georadiusbymember", "g", "Catania", 200, unit="km", sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadiusbymember", "g", "Catania", 200, unit="km", sort="DESC"), [b"Palermo", b"Catania"], GEO),
    (call("georadiusbymember", "g", "Catania", 800000, unit="ft", count=1), [b"Catania"], GEO),
    (
        call("georadiusbymember", "g", "Catania", 150, unit="mi", count=9, any=True, sort="ASC"),
        [b"Catania", b"Palermo"],
        GEO,
    ),
    (call("georadiusbymember", "g", "Catania", 1), [b"Catania"], GEO),
    (
        call("georadiusbymember", "g", "Catania", 200, unit="km", sort="DESC", withcoord=True),
        [GeoMatch(b"Palermo", None, None, PALERMO), GeoMatch(b"Catania", None, None, CATANIA)],
        GEO,
    ),
    (
        call("georadiusbymember", "g", "Catania", 200, unit="km", sort="DESC", withdist=True),
        [GeoMatch(b"Palermo", 166.2742, None, None), GeoMatch(b"Catania", 0.0, None, None)],
        GEO,
    ),
    (
        call("georadiusbymember", "g", "Catania", 200, unit="km", sort="DESC", withhash=True),
        [GeoMatch(b"Palermo", None, PALERMO_HASH, None), GeoMatch(b"Catania", None, CATANIA_HASH, None)],
        GEO,
    ),
    (
        call(
            "georadiusbymember",
            "g",
            "Catania",
            200,
            unit="km",
            sort="DESC",
            withcoord=True,
            withdist=True,
            withhash=True,
        ),
        [GeoMatch(b"Palermo", 166.2742, PALERMO_HASH, PALERMO), GeoMatch(b"Catania", 0.0, CATANIA_HASH, CATANIA)],
        GEO,
    ),
    (call("georadiusbymember", "g", "Catania", 200, unit="km", store="m"), 2, GEO),
    (call("georadiusbymember", "g", "Catania", 200, unit="km", count=1, storedist="m"), 1, GEO),
    (call("georadiusbymember_ro", "g", "Catania", 200, unit="km", sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("georadiusbymember_ro", "g", "Catania", 200, unit="km", sort="DESC"), [b"Palermo", b"Catania"], GEO),
    (call("georadiusbymember_ro", "g", "Catania", 800000, unit="ft", count=1), [b"Catania"], GEO),
    (
        call("georadiusbymember_ro", "g", "Catania", 150, unit="mi", count=9, any=True, sort="ASC"),
        [b"Catania", b"Palermo"],
        GEO,
    ),
    (call("georadiusbymember_ro", "g", "Catania", 1), [b"Catania"], GEO),
    (
        call("georadiusbymember_ro", "g", "Catania", 200, unit="km", sort="DESC", withcoord=True),
        [GeoMatch(b"Palermo", None, None, PALERMO), GeoMatch(b"Catania", None, None, CATANIA)],
        GEO,
    ),
    (
        call("georadiusbymember_ro", "g", "Catania", 200, unit="km", sort="DESC", withdist=True),
        [GeoMatch(b"Palermo", 166.2742, None, None), GeoMatch(b"Catania", 0.0, None, None)],
        GEO,
    ),
    (
        call("georadiusbymember_ro", "g", "Catania", 200, unit="km", sort="DESC", withhash=True),
        [GeoMatch(b"Palermo", None, PALERMO_HASH, None), GeoMatch(b"Catania", None, CATANIA_HASH, None)],
        GEO,
    ),
    (
        call(
            "georadiusbymember_ro",
            "g",
            "Catania",
            200,
            unit="km",
            sort="DESC",
            withcoord=True,
            withdist=True,
            withhash=True,
        ),
        [GeoMatch(b"Palermo", 166.2742, PALERMO_HASH, PALERMO), GeoMatch(b"Catania", 0.0, CATANIA_HASH, CATANIA)],
        GEO,
    ),
    (call("geosearch", "g", member="Catania", radius=200, unit="km", sort="ASC"), [b"Catania", b"Palermo"], GEO),
    (call("geosearch", "g", lonlat=(15, 37), box=(400, 400), unit="km", sort="DESC"), [b"Palermo", b"Catania"], GEO),
    (call("geosearch", "g", lonlat=(15, 37), radius=800000, unit="ft", count=1), [b"Catania"], GEO),
    (
        call("geosearch", "g", lonlat=(15, 37), radius=150, unit="mi", count=9, any=True, sort="ASC"),
        [b"Catania", b"Palermo"],
        GEO,
    ),
    (call("geosearch", "g", lonlat=(15, 37), radius=1), [], GEO),
    (call("geosearch", "k", lonlat=(15, 37), radius=1, withdist=True), []),
    (call("geosearch", "g", polygon=TRIANGLE, sort="ASC"), [b"Catania", b"Palermo"], GEO, "valkey"),
    (
        call("geosearch", "g", polygon=TRIANGLE, sort="ASC", count=1, withdist=True),
        [GeoMatch(b"Catania", 271790.7291, None, None)],
        GEO,
        "valkey",
    ),
    (
        call("geosearch", "g", member="Palermo", radius=1, withcoord=True),
        [GeoMatch(b"Palermo", None, None, PALERMO)],
        GEO,
    ),
    (call("geosearch", "g", member="Palermo", radius=1, withdist=True), [GeoMatch(b"Palermo", 0.0, None, None)], GEO),
    (
        call("geosearch", "g", member="Palermo", radius=1, withhash=True),
        [GeoMatch(b"Palermo", None, PALERMO_HASH, None)],
        GEO,
    ),
    (
        call("geosearch", "g", member="Palermo", radius=1, withhash=True, withdist=True),
        [GeoMatch(b"Palermo", 0.0, PALERMO_HASH, None)],
        GEO,
    ),
    (
        call("geosearch", "g", member="Palermo", radius=1, withcoord=True, withdist=True, withhash=True),
        [GeoMatch(b"Palermo", 0.0, PALERMO_HASH, PALERMO)],
        GEO,
    ),
    (call("geosearchstore", "m", "g", member="Catania", radius=200, unit="km"), 2, GEO),
    (
        call(
            "geosearchstore", "m", "g", lonlat=(15, 37), box=(400, 400), unit="km", storedist=True, sort="ASC", count=1
        ),
        1,
        GEO,
    ),
    (
        call("geosearchstore", "m", "g", lonlat=(15, 37), radius=800000, unit="ft", sort="DESC", count=1, any=True),
        1,
        GEO,
    ),
    (call("geosearchstore", "m", "g", lonlat=(15, 37), radius=1, unit="mi"), 0, GEO),
    (call("geosearchstore", "m", "g", lonlat=(15, 37), radius=1, unit="m"), 0, GEO),
    (call("geosearchstore", "m", "g", polygon=TRIANGLE), 2, GEO, "valkey"),
]
REFUSED: list[Refused] = [
    (call("geoadd", "g", {}), "GEOADD needs at least one member"),
    (call("geoadd", "g", {"a": (1, 2)}, nx=True, xx=True), "nx and xx exclude each other"),
    (call("geohash", "g"), "GEOHASH needs at least one member"),
    (call("geopos", "g"), "GEOPOS needs at least one member"),
    (call("georadius", "g", 1, 2, 3, store="a", storedist="b"), "store and storedist exclude each other"),
    (call("georadius_ro", "g", 1, 2, 3, count=0), "count must be 1 or more, not 0"),
    (call("geosearch", "g", member="a", lonlat=(1, 2), radius=3), "member and lonlat exclude each other"),
    (call("geosearch", "g", member="a", polygon=TRIANGLE), "member and polygon exclude each other"),
    (call("geosearch", "g", member="a", radius=3, box=(1, 2)), "radius and box exclude each other"),
    (call("geosearch", "g", polygon=TRIANGLE, radius=3), "polygon excludes radius, box and unit"),
    (call("geosearchstore", "m", "g", polygon=TRIANGLE, unit="km"), "polygon excludes radius, box and unit"),
]
MISTYPED: list[Refused] = [
    (call("geosearch", "g", polygon={(1, 2), (3, 4), (5, 6)}), "polygon of GEOSEARCH must be a list, not set"),
    (call("geoadd", "g", [("a", 1, 2)]), "GEOADD takes a mapping of members to positions, not list"),
    (call("geoadd", "g", {"a": 1}), "a position must be a tuple of two numbers, not 1"),
    (call("geoadd", "g", {"a": ("1", 2)}), "each of a position must be a number, not '1'"),
    (
        call("georadius", "g", 1, 2, 3, store="a", withdist=True),
        "store and storedist exclude withcoord, withdist and withhash",
    ),
    (call("georadiusbymember", "g", "a", 3, any=True), "any needs count"),
    (call("georadiusbymember_ro", "g", "a", 3, order="ASC"), "unknown option 'order' of GEORADIUSBYMEMBER_RO; known are any, count, sort"),
    (call("geosearch", "g", longitude=1, latitude=2, radius=1), "unknown option 'latitude' of GEOSEARCH; known are any, box"),
    (call("geosearch", "g", member="a"), "GEOSEARCH needs member= or lonlat=, with radius= or box=; or polygon="),
    (call("geosearch", "g", radius=1), "GEOSEARCH needs member= or lonlat=, with radius= or box=; or polygon="),
    (call("geosearchstore", "m", "g"), "GEOSEARCHSTORE needs member= or lonlat="),
    (call("geosearch", "g", lonlat=5, radius=1), "lonlat must be a tuple of two numbers, not 5"),
    (call("geosearch", "g", polygon=[(1, 2), 3]), "a corner of polygon must be a tuple of two numbers, not 3"),
]
