"""The arguments of the command line, and its exit codes.

Exit codes: 0 success; 1 a failure or a failed check; 2 wrong arguments; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, TypeVar

from respool._cli import bench as bench_command
from respool._cli import demo as demo_command
from respool._cli import demo_cluster
from respool._cli import ping as ping_command
from respool._cli.screen import make_screen
from respool._facts.url import parse_url
from respool._facts.version import __version__
from respool.errors import Error, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from respool._cli.screen import Screen

N = TypeVar("N", int, float)

FAILED: Final = 1
WRONG_CALL: Final = 2
INTERRUPTED: Final = 130

URL_HELP: Final = (
    "redis://, valkey://, rediss:// or valkeys:// (TLS), or unix://, with any option in its query string; "
    "default: $RESPOOL_URL (where a password is not seen in the list of processes), then redis://localhost:6379"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    args = _parser().parse_args(argv)
    try:
        screen = make_screen(plain=args.plain)
        if args.url is not None:
            parse_url(args.url)
        return int(args.run(args, screen))
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # as in "respool demo | head": the reader has stopped, which is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except UsageError as error:
        return _fail(str(error), WRONG_CALL)
    except (Error, OSError, ModuleNotFoundError) as error:
        return _fail(_words(error), FAILED)
    except BaseExceptionGroup as group:
        # If many tasks failed together, the first error is enough. Any other exception is a bug: keep its traceback.
        found = list(_leaves(group))
        if any(isinstance(error, KeyboardInterrupt) for error in found):
            return _fail("interrupted", INTERRUPTED)
        if not all(isinstance(error, Error | OSError) for error in found):
            raise
        return _fail(_words(found[0]), FAILED)


def _demo(args: argparse.Namespace, screen: Screen) -> int:
    if args.cluster:
        return demo_cluster.run(args, screen)
    if args.save is not None:
        raise UsageError("--save draws what happens to a cluster: give --cluster too")
    return demo_command.run(args, screen)


def _fail(words: str, code: int) -> int:
    sys.stderr.write(f"respool: {words}\n")
    return code


def _words(error: BaseException) -> str:
    """Return an error as one line. A server's error includes its code."""
    return " ".join(str(error).split()) or type(error).__name__


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


# The arguments -------------------------------------------------------------------------------------------


def _versions() -> str:
    """Return the version of respool, and that of respool-speed if it is installed."""
    try:
        return f"respool {__version__}, respool-speed {metadata.version('respool-speed')}"
    except metadata.PackageNotFoundError:
        return f"respool {__version__}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="respool",
        description="The connection layer for Redis and Valkey: see it work, reach a server, measure one.",
    )
    parser.add_argument("--version", action="version", version=_versions())
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    load = "run a mixed load against an embedded server and check every reply"
    demo = _command(commands, "demo", _demo, load)
    demo.description = (
        "Thousands of asyncio tasks, then dozens of threads, share a few connections, with blocking consumers "
        "beside them; half of a batch of calls is cancelled on the way. Every reply is compared with what its caller "
        "must get, and the pool's counters with the server's. Exit code 1 if a check fails."
    )
    demo.add_argument("--url", help="use this server instead of an embedded one (own keys only, removed at the end)")
    demo.add_argument("--seconds", type=_seconds, default=10.0, help="how long the load runs (default: 10)")
    demo.add_argument("--tasks", type=_count, default=2000, help="asyncio tasks (default: 2000)")
    demo.add_argument("--threads", type=_count, default=64, help="threads (default: 64)")
    demo.add_argument(
        "--cluster", action="store_true", help="kill a primary of an embedded cluster meanwhile, and draw what happens"
    )
    demo.add_argument("--save", metavar="PATH", help="with --cluster: draw it as SVG too")

    ping = _command(commands, "ping", ping_command.run, "reach a server: who it is, and how long a round trip takes")
    ping.add_argument("url", nargs="?", default=_default_url(), metavar="URL", help=URL_HELP)
    ping.add_argument("-n", "--count", type=_count, default=10, help="round trips (default: 10)")
    ping.add_argument(
        "--timeout", type=_seconds, help="give up after this many seconds (default: 2 to connect, 5 for a reply)"
    )

    bench = _command(commands, "bench", bench_command.run, "measure throughput and latency of a server through a pool")
    bench.description = (
        "A closed loop: each caller sends its next command when it has the last reply. The key is the program's own "
        "and removed at the end."
    )
    bench.add_argument("url", nargs="?", default=_default_url(), metavar="URL", help=URL_HELP)
    bench.add_argument(
        "--tasks",
        type=_counts,
        default=[1, 100, 1000],
        metavar="N,N...",
        help="asyncio tasks (default: 1,100,1000; 0: none)",
    )
    bench.add_argument(
        "--threads", type=_counts, default=[1, 8, 64], metavar="N,N...", help="threads (default: 1,8,64; 0: none)"
    )
    bench.add_argument("--seconds", type=_seconds, default=2.0, help="per measurement (default: 2)")
    bench.add_argument("--size", type=_count, default=64, metavar="BYTES", help="size of the value (default: 64)")
    bench.add_argument("--command", choices=("get", "set"), default="get", help="default: get")
    return parser


def _command(commands: Any, name: str, run: Callable[..., int], words: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    command.add_argument("--plain", action="store_true", help="plain text, also on a terminal")
    command.set_defaults(run=run)
    return command


def _default_url() -> str:
    return os.environ.get("RESPOOL_URL") or "redis://localhost:6379"


def _seconds(text: str) -> float:
    value = _number(float, text)
    if value is None or not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above zero, not {text}")
    return value


def _count(text: str) -> int:
    value = _number(int, text)
    if value is None or value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


def _counts(text: str) -> list[int]:
    values = [_number(int, part) for part in text.split(",")]
    if any(value is None or value < 0 for value in values):
        raise argparse.ArgumentTypeError(f"must be whole numbers, zero or more, with commas between them, not {text}")
    return [value for value in values if value]


def _number(kind: Callable[[str], N], text: str) -> N | None:
    """Parse a number, or return None: for a ValueError argparse would print the name of the function."""
    try:
        return kind(text)
    except ValueError:
        return None
