"""What the command line prints, with and without ``rich``."""

from __future__ import annotations

import io
from array import array

import pytest

from respool._cli import screen as screen_module
from respool._cli.numbers import Latencies, joined, short, whole
from respool._cli.screen import RichScreen, Screen, make_screen
from respool._cli.timeline import Span


def written(screen: Screen) -> None:
    screen.heading("a part")
    with screen.progress(2.0) as tick:
        tick(1.0, "half")
    screen.table(("", "left", "right"), [("row [one]", "1", "2,000"), ("two", "10", "3")])
    screen.check("a [good] one", passed=True)
    screen.check("a bad one", passed=False)
    screen.picture([[Span("  row ", "bold"), Span("[x]", "bold red"), Span("  ")]])


def test_plain_text_is_aligned_and_complete() -> None:
    stream = io.StringIO()
    written(Screen(stream))
    assert stream.getvalue().splitlines() == [
        "",
        "a part",
        "             left  right",
        "  row [one]     1  2,000",
        "  two          10      3",
        "  ok    a [good] one",
        "  FAIL  a bad one",
        "  row [x]",
    ]


def test_progress_in_plain_text_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.5, 1.0, 1.5, 2.1])
    monkeypatch.setattr(screen_module, "monotonic", lambda: next(times))
    stream = io.StringIO()
    with Screen(stream).progress(3.0) as tick:
        for elapsed in (0.5, 1.0, 1.5, 2.1):
            tick(elapsed, "words")
    assert stream.getvalue() == "   1.0 s  words\n   2.1 s  words\n"


def test_rich_says_the_same() -> None:
    console = pytest.importorskip("rich.console")
    stream = io.StringIO()
    written(RichScreen(console.Console(file=stream, force_terminal=True, width=100)))
    for words in ("a part", "half", "row [one]", "2,000", "ok", "a [good] one", "FAIL", "a bad one", "[x]"):
        assert words in stream.getvalue()


def test_without_a_terminal_the_screen_is_plain() -> None:
    assert type(make_screen()) is Screen


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0000123, "12 µs"), (0.000999, "999 µs"), (0.00345, "3.45 ms"), (0.1, "100 ms"), (2.5, "2.50 s")],
)
def test_a_duration_has_a_unit_that_fits(seconds: float, text: str) -> None:
    assert short(seconds) == text


def test_large_numbers_have_commas() -> None:
    assert whole(1234567.4) == "1,234,567"


def test_latencies_are_summed_up() -> None:
    found = Latencies.of(joined([array("d", [0.001] * 98), array("d", [0.002, 0.5])]))
    assert (found.count, found.p50, found.p99, found.least, found.most) == (100, 0.001, 0.5, 0.001, 0.5)
    assert Latencies.of(array("d")) == Latencies()
