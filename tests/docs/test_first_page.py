"""README.md and the site's home say the same, and their figures are those of the committed report."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text("utf-8")
HOME: Final = (ROOT / "docs/index.md").read_text("utf-8")
REPORT: Final = (ROOT / "benchmarks/results/latest.txt").read_text("utf-8")

#: The rows of the table of ratios, and the bars that they take their figures from.
ROWS: Final = {
    ("asyncio, 100 tasks, GET", "redis-py"): "B1 100 tasks: ops/s / redis-py",
    ("asyncio, 100 tasks, GET", "valkey-glide"): "B1 100 tasks: ops/s / valkey-glide",
    ("asyncio, 100 tasks, GET", "ioredis"): "B1 100 tasks: ops/s / ioredis",
    ("asyncio, 100 tasks, GET", "the bare floor"): "B1 100 tasks: ops/s / bare floor",
    ("asyncio, one task, GET", "redis-py"): "B2 1 task: ops/s / redis-py",
    ("64 threads, GET", "redis-py"): "B4 64 threads: ops/s / redis-py",
    ("64 threads, GET", "the bare floor"): "B4 64 threads: ops/s / bare floor",
    ("asyncio, a pipeline of 100", "redis-py"): "B7 asyncio: ops/s / redis-py",
    ("asyncio, 100 tasks on 10 leases", "redis-py"): "B6 100 tasks on 10 leases: ops/s / redis-py",
    ("asyncio, a cluster of 3 primaries, 100 tasks, GET", "redis-py"): "B9 GET, 100 tasks: keys/s / redis-py",
    ("asyncio, a cluster of 3 primaries, 100 tasks, GET", "valkey-glide"): "B9 GET, 100 tasks: keys/s / valkey-glide",
    ("a redis-py program on the drop-in, asyncio, 100 tasks, GET", "redis-py"): "B14 100 tasks: ops/s / redis-py",
}


def bars() -> dict[str, str]:
    """Return the measured value of every bar, by its id and text."""
    lines = re.findall(r"^(B\d+)  +(.*?)  +(\S+)  +[<>]=", REPORT, flags=re.MULTILINE)
    return {f"{name} {what}": value for name, what, value in lines}


def table(page: str) -> dict[tuple[str, str], str]:
    found, work = {}, ""
    for first, against, ratio in re.findall(r"^\| (.*?) ?\| (.*?) \| (\S+) x \|$", page, flags=re.MULTILINE):
        work = first or work
        found[work, re.split(r":| with | \(", against)[0]] = ratio
    return found


def in_brief(page: str) -> str:
    """Return what stands above the first heading, without the addresses of links: they start elsewhere."""
    return re.sub(r"\]\([^)]*\)", "]", page.partition("\n## ")[0])


@pytest.mark.parametrize("page", [README, HOME], ids=["README.md", "docs/index.md"])
def test_the_table_of_ratios_is_that_of_the_report(page: str) -> None:
    assert table(page) == {row: bars()[bar] for row, bar in ROWS.items()}


@pytest.mark.parametrize("page", [README, HOME], ids=["README.md", "docs/index.md"])
def test_the_figures_in_the_text_are_those_of_the_report(page: str) -> None:
    measured = bars()
    text = " ".join(page.split())
    assert f"with 100 tasks {measured['B1 100 tasks: ops/s / redis-py']} times the commands per second" in text
    assert f"and {measured['B1 100 tasks: ops/s / valkey-glide']} times those of valkey-glide" in text
    assert f"with 64 threads {measured['B4 64 threads: ops/s / redis-py']} times those of redis-py" in text
    met = re.search(r"^(\d+ of \d+) met$", REPORT, flags=re.MULTILINE)
    assert met
    assert f"{met[1]} bars are met" in text


def test_both_pages_begin_with_the_same_words() -> None:
    assert in_brief(README) == in_brief(HOME)


def test_the_home_leads_to_every_page() -> None:
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").glob("*/*.md")}
    assert pages <= set(re.findall(r"\]\(([\w/.-]+\.md)", HOME))


def test_they_say_what_it_is_for_whom_how_fast_how_to_install_and_what_is_missing() -> None:
    for said in ("**For**", "**Fast**", "pip install", "**Not there yet**", "Cluster", "Sentinel", "subscriber", "throughput.svg"):
        assert said in README.partition("\n## ")[0]
        assert said in HOME.partition("\n## ")[0]


def test_the_plot_is_committed() -> None:
    assert (ROOT / "benchmarks/results/throughput.svg").exists()
