"""What a finaliser does with something that its user never closed: it warns, and closes it even if that is an error."""

from __future__ import annotations

import warnings
from collections.abc import Callable


def close_unclosed(what: object, close: Callable[[], object]) -> None:
    """Warn that ``what`` was never closed, and close it. Call this from ``__del__``."""
    try:
        warnings.warn(f"{what!r} was never closed", ResourceWarning, source=what, stacklevel=3)
    finally:
        close()
