"""The mutants of mutants.txt are changes of the code as it is now, whenever ``make mutants`` was last run."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import mutants


def test_each_mutant_changes_one_text_that_is_there_once() -> None:
    assert [str(mutant) for mutant in mutants.read(mutants.MUTANTS) if not mutant.fits] == []
