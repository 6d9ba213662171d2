"""The command line: ``demo``, ``ping`` and ``bench``.

Rule 1: it uses the public API and nothing else of respool, as any program would.
Rule 2: what can be expected to go wrong is one line on stderr and an exit code, never a traceback: 1 when it did not
        work, 2 for a wrong call, 130 after Ctrl-C.
Rule 3: no password is ever shown; a server is named by its address, not by its URL.
"""

from __future__ import annotations

from respool._cli.main import main

__all__ = ["main"]
