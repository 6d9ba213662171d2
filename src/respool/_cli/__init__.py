"""The command line: ``demo``, ``ping`` and ``bench``.

Rule 1: it loads and measures through the public API of respool, as any program would.
Rule 2: an expected error prints one line on stderr, never a traceback, and sets the exit code: 1 for a failure, 2 for
        wrong arguments, 130 after Ctrl-C.
Rule 3: no password is ever shown: a server is named by its address, not by its URL.
"""

from __future__ import annotations

from respool._cli.main import main

__all__ = ["main"]
