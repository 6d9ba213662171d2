"""Write the generated files of this repository; ``--check`` only prints which are out of date.

``unasync`` makes the twins for threads, ``surfaces`` the command methods, ``typed_examples`` what type checkers read
about them. Only the standard library is used, so that this runs in a bare checkout.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import surfaces
import typed_examples
import unasync

if TYPE_CHECKING:
    from pathlib import Path


def products() -> dict[Path, str]:
    """Return every generated file with the text it must have."""
    twins = {twin: unasync.turn(source, twin) for twin, source in unasync.twins().items()}
    return twins | surfaces.products() | typed_examples.products()


def stale(wanted: dict[Path, str]) -> list[Path]:
    """Return the files that are missing or have another text."""
    return [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]


def orphans(wanted: dict[Path, str]) -> list[Path]:
    """Return the files that claim to be generated, but have no source."""
    head = unasync.banner("\0").partition("\0")[0]
    return [
        path
        for top in ("src", "tests")
        for path in sorted((unasync.ROOT / top).rglob("*.py"))
        if path not in wanted and path.read_text("utf-8").startswith(head)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the generated files.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where something is stale")
    check = parser.parse_args().check
    wanted = products()
    old, lost = stale(wanted), orphans(wanted)
    for path in old:
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
        print("stale" if check else "written", unasync.short(path))
    for path in lost:
        if not check:
            path.unlink()
        print("orphan" if check else "removed", unasync.short(path))
    return int(check and bool(old or lost))


if __name__ == "__main__":
    sys.exit(main())
