"""Break the ledger and the wire on purpose, one way at a time, and see that a test notices.

    python tools/mutants.py              all mutants, with all tests of tests/machines
    python tools/mutants.py --machines   only the two state machines have to find them
    python tools/mutants.py ledger take  only mutants whose file or story has these words

The mutants stand in tests/machines/mutants.txt. Each is a copy of the package with one text
replaced. One that no test notices has survived, and says which rule nobody checks. The texts are exact: when the code
changes, a mutant that no longer fits is an error, not a pass.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "machines"
MUTANTS = TESTS / "mutants.txt"
SECONDS = 300  # a mutant that hangs is killed too

LEDGER_TESTS = ("test_ledger.py", "test_redial.py", "test_ledger_machine.py")
WIRE_TESTS = ("test_wire.py", "test_vectors.py", "test_wire_machine.py")


@dataclass(frozen=True)
class Mutant:
    """One way to be wrong."""

    file: str
    old: str
    new: str
    story: str

    def __str__(self) -> str:
        return f"{self.file}: {self.story}"

    def fits(self, package: Path) -> bool:
        """Tell whether its text is there, exactly once, and what comes of it is Python."""
        source = (package / self.file).read_text("utf-8")
        try:
            ast.parse(source.replace(self.old, self.new))
        except SyntaxError:
            return False
        return source.count(self.old) == 1

    @property
    def tests(self) -> tuple[str, ...]:
        return LEDGER_TESTS if self.file in ("_ledger.py", "_redial.py") else WIRE_TESTS


def read(path: Path) -> list[Mutant]:
    """Read the file of mutants; its own first lines say how it is written."""
    mutants = []
    for block in path.read_text("utf-8").split("\n# ")[1:]:
        title, _, texts = block.partition("\n")
        file, _, story = title.partition(": ")
        old, _, new = texts.partition("\n->\n")
        mutants.append(Mutant(file, old, new.rstrip("\n"), story))
    return mutants


def apply(mutant: Mutant, package: Path) -> None:
    """Replace the one text in a copy of the package."""
    path = package / mutant.file
    path.write_text(path.read_text("utf-8").replace(mutant.old, mutant.new), "utf-8")


def is_noticed(source: Path, tests: list[Path], examples: int) -> bool:
    """Run the tests against a package; True when one of them fails, or hangs."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{source}{os.pathsep}{TESTS.parent}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "RESPOOL_MUTANT": "1",
        "RESPOOL_EXAMPLES": str(examples),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "--no-header",
        "--tb=no",
        "-p",
        "no:cacheprovider",
        *map(str, tests),
    ]
    try:
        done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return True
    if done.returncode not in (0, 1):
        raise SystemExit(f"pytest could not run:\n{done.stdout.decode()}{done.stderr.decode()}")
    return done.returncode == 1


def try_out(mutant: Mutant, *, only_machines: bool) -> bool:
    """Return whether the mutant was killed."""
    tests = [TESTS / name for name in mutant.tests if not only_machines or name.endswith("_machine.py")]
    with tempfile.TemporaryDirectory(prefix="respool-mutant-") as folder:
        source = Path(folder)
        shutil.copytree(ROOT / "src" / "respool", source / "respool", ignore=shutil.ignore_patterns("__pycache__"))
        apply(mutant, source / "respool")
        return is_noticed(source, tests, examples=300 if only_machines else 100)


def main() -> int:
    parser = argparse.ArgumentParser(description="Break the ledger and the wire, and see that a test notices.")
    parser.add_argument("words", nargs="*", help="only mutants whose file or story has all of these words")
    parser.add_argument("--machines", action="store_true", help="only the state machines may find them")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    options = parser.parse_args()
    chosen = [mutant for mutant in read(MUTANTS) if all(word in str(mutant) for word in options.words)]
    misfits = [mutant for mutant in chosen if not mutant.fits(ROOT / "src" / "respool")]
    if misfits:
        print("these do not fit the code any more:", *misfits, sep="\n  ")
        return 2
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as crew:
        killed = list(crew.map(lambda mutant: try_out(mutant, only_machines=options.machines), chosen))
    survivors = [mutant for mutant, is_killed in zip(chosen, killed, strict=True) if not is_killed]
    for mutant in survivors:
        print(f"survived  {mutant}")
    print(f"killed {len(chosen) - len(survivors)} of {len(chosen)} in {time.monotonic() - began:.0f} s")
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main())
