"""The output of the command line: plain text, or ``rich`` if that is installed and stdout is a terminal.

Rule 1: plain text has all the information: rich only adds a progress bar, lines around tables and colours.
Rule 2: without a terminal (a file, a pipe, CI) the output is plain, with a line of progress every second.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from respool._cli.timeline import Span

#: Seconds between two lines of progress in plain text.
PACE: Final = 1.0


class Ticker(Protocol):
    """Shows progress: the seconds since the start of a phase, and a short text."""

    def __call__(self, elapsed: float, words: str) -> None: ...


class Screen:
    """Plain text on a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def say(self, text: str = "") -> None:
        """Write a line."""
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def heading(self, text: str) -> None:
        """Write the heading of a section."""
        self.say()
        self.say(text)

    def check(self, text: str, *, passed: bool) -> None:
        """Write the outcome of a check."""
        self.say(f"  {'ok  ' if passed else 'FAIL'}  {text}")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; the first column is aligned to the left, the others to the right."""
        widths = [max(len(row[index]) for row in (columns, *rows)) for index in range(len(columns))]
        for row in (columns, *rows):
            cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
            self.say("  ".join([f"  {row[0]:<{widths[0]}}", *cells]).rstrip())

    def picture(self, lines: Sequence[Sequence[Span]]) -> None:
        """Write lines of text, each in pieces with a style."""
        for line in lines:
            self.say("".join(span.text for span in line).rstrip())

    @contextmanager
    def progress(self, seconds: float) -> Iterator[Ticker]:
        """Yield a ticker that shows the progress of a phase of about ``seconds``."""
        due = monotonic() + PACE

        def tick(elapsed: float, words: str) -> None:
            nonlocal due
            if monotonic() >= due:
                due += PACE
                self.say(f"  {elapsed:4.1f} s  {words}")

        yield tick


class RichScreen(Screen):
    """The same output with rich, on a terminal."""

    def __init__(self, console: Any) -> None:
        super().__init__(console.file)
        self._console = console

    def heading(self, text: str) -> None:
        self._console.print()
        self._console.print(text, style="bold", highlight=False, markup=False)

    def check(self, text: str, *, passed: bool) -> None:
        mark = "[green]  ok  [/]" if passed else "[bold red]  FAIL[/]"
        self._console.print(f"{mark}  ", end="")
        self._console.print(text, highlight=False, markup=False)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.ROUNDED, border_style="dim", header_style="bold")
        for index, column in enumerate(columns):
            table.add_column(column, justify="right" if index else "left", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))  # as Text, so that cells are not parsed as markup
        self._console.print(table)

    def picture(self, lines: Sequence[Sequence[Span]]) -> None:
        from rich.text import Text

        for line in lines:
            self._console.print(Text.assemble(*line), no_wrap=True)

    @contextmanager
    def progress(self, seconds: float) -> Iterator[Ticker]:
        from rich.progress import BarColumn, Progress, TextColumn

        bar = BarColumn(bar_width=28)
        # rich must not start a thread of its own, which would disturb the threads that are measured.
        with Progress(
            TextColumn(" "), bar, TextColumn("{task.description}"),
            console=self._console, auto_refresh=False, transient=True,
        ) as shown:  # fmt: skip
            task = shown.add_task("", total=seconds)

            def tick(elapsed: float, words: str) -> None:
                shown.update(task, completed=min(elapsed, seconds), description=words, refresh=True)

            yield tick


def make_screen(*, plain: bool = False) -> Screen:
    """Return the screen for stdout."""
    if not plain and sys.stdout.isatty():
        try:
            from rich.console import Console
        except ImportError:
            pass
        else:
            return RichScreen(Console())
    return Screen(sys.stdout)
