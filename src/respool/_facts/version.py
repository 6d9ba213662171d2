"""The version, in a file of its own so that every folder may import it."""

from __future__ import annotations

from typing import Final

__version__: Final = "0.1.0"
