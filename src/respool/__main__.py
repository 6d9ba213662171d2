"""``python -m respool``, and the program ``respool``: see ``respool --help``."""

from __future__ import annotations

import sys

from respool._cli import main

if __name__ == "__main__":
    sys.exit(main())
