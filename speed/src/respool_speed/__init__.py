"""What respool does in C where it is installed: ``pip install respool[speed]``. Nothing to call yourself.

The README of this distribution tells what it is for; respool finds it by itself (``respool._sync.shell.sockets``).
"""

from respool_speed._talk import talk

__all__ = ["talk"]
