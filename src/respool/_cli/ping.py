"""``respool ping``: one connection, its handshake and a few round trips."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from respool import Connection
from respool._cli.numbers import short
from respool.errors import ServerError

if TYPE_CHECKING:
    from argparse import Namespace

    from respool._cli.screen import Screen


def run(args: Namespace, screen: Screen) -> int:
    """Connect, and print which server answered, and how fast."""
    limits = {} if args.timeout is None else {"connect_timeout": args.timeout, "read_timeout": args.timeout}
    connection: Connection[str] = Connection(args.url, **limits, encoding="utf-8")
    started = perf_counter()
    with connection:
        connected = perf_counter() - started
        screen.say(f"{describe(connection)}, RESP{connection.protocol}, db {connection.db}")
        trips = []
        for _ in range(args.count):
            started = perf_counter()
            connection.ping()
            trips.append(perf_counter() - started)
    screen.say(
        f"connected in {short(connected)}; {len(trips)} round trip{'s' * (len(trips) > 1)}: "
        f"min {short(min(trips))}, median {short(median(trips))}, max {short(max(trips))}"
    )
    return 0


def describe(connection: Connection[str]) -> str:
    """Return the server's name, version and address: ``valkey 9.1.2 at localhost:6379``."""
    try:
        found: Any = connection.execute("HELLO")
        if not isinstance(found, dict):
            found = dict(zip(found[::2], found[1::2], strict=True))
        name, version = found["server"], found["version"]
    except ServerError:  # a server before Redis 6, or a user who may not call HELLO
        name, version = "a server", "of unknown version"
    return f"{name} {version} at {connection.address}"
