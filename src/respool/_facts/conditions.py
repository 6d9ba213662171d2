"""The conditions under which a view sends its commands.

Rule 1: a condition about one command becomes a fact of its spec, so nothing behind the view has to know of views.
Rule 2: conditions never change; ``changed`` returns others. What is given later wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, final

from respool._facts.command import Command, Spec, as_command
from respool._facts.errors import UsageTypeError
from respool._facts.option_types import Address
from respool._facts.options import checked_timeout

#: The default of each condition: not given.
KEPT: Final[Any] = type("Kept", (), {"__repr__": lambda _: "KEPT", "__slots__": ()})()


@final
class Conditions:
    """What ``using`` was given: replies as bytes, a bound on each call, commands that may be sent twice, a node."""

    __slots__ = ("is_idempotent", "is_raw", "node", "timeout")

    def __init__(
        self,
        *,
        is_raw: bool = False,
        timeout: float | None = None,
        is_idempotent: bool = False,
        node: Address | None = None,
    ) -> None:
        self.is_raw = is_raw
        #: The only node of several to which commands are sent, as the pool of the view knows it.
        self.node = node
        #: In seconds; None: no bound.
        self.timeout = timeout
        self.is_idempotent = is_idempotent

    @property
    def of_calls(self) -> dict[str, Any]:
        """What each call of ``execute`` and ``execute_many`` gets as keywords."""
        return {"timeout": self.timeout} if self.node is None else {"timeout": self.timeout, "node": self.node}

    def changed(
        self, *, encoding: Any = KEPT, timeout: Any = KEPT, idempotent: Any = KEPT, node: Any = KEPT
    ) -> Conditions:
        """Return these conditions with others added. Raises UsageTypeError for one that does not exist, or for none."""
        if encoding is KEPT and timeout is KEPT and idempotent is KEPT and node is KEPT:
            raise UsageTypeError("using() needs a condition: encoding=None, timeout=seconds or idempotent=True")
        if encoding is not KEPT and encoding is not None:
            raise UsageTypeError(
                f"using(encoding=None) returns bytes, and there is no other encoding per call, not {encoding!r}: "
                "decode the bytes yourself, or make another pool"
            )
        if idempotent is not KEPT and idempotent is not True:
            raise UsageTypeError(f"idempotent must be True, not {idempotent!r}: without it the commands decide")
        if timeout is not KEPT and timeout is not None:
            timeout = checked_timeout(timeout)
        return Conditions(
            is_raw=self.is_raw or encoding is None,
            timeout=self.timeout if timeout is KEPT else timeout,
            is_idempotent=self.is_idempotent or idempotent is True,
            node=self.node if node is KEPT else node,
        )

    def spec(self, spec: Spec) -> Spec:
        """Return a command's spec under these conditions."""
        if self.is_raw or self.is_idempotent:
            return _derived(spec, safe=self.is_idempotent or None, blob=self.is_raw or None)
        return spec

    def command(self, command: Any) -> Command[Any]:
        """Return a command, given in any way, under these conditions."""
        command = as_command(command)
        return Command.of(command.args, self.spec(command.spec), command.parse)

    def commands(self, commands: Any) -> Any:
        """Return an iterator over commands under these conditions; what is no list of commands is returned as it is."""
        if isinstance(commands, str | bytes) or not isinstance(commands, Iterable):
            return commands  # a run refuses it
        if isinstance(commands, list):
            commands = commands[:]  # a long one is read in steps, and its caller may change it meanwhile
        return map(self.command, commands)

    def __repr__(self) -> str:
        said = ["encoding=None"] if self.is_raw else []
        said += [] if self.timeout is None else [f"timeout={self.timeout:g}"]
        said += ["idempotent=True"] if self.is_idempotent else []
        said += [] if self.node is None else [f"node={self.node[0]}" + (f":{self.node[1]}" if self.node[1] else "")]
        return " ".join(said) or "timeout=None"


@lru_cache(maxsize=1024)  # the specs of the commands in use; those of unknown names come and go
def _derived(spec: Spec, *, safe: bool | None, blob: bool | None) -> Spec:
    return spec.derive(safe=safe, blob=blob)
