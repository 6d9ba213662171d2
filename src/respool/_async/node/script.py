# Written once: respool/_sync/node/script.py is generated from this file.
"""A Lua script as a function: ``limit = pool.script(text)``, then ``await limit(keys=[...], args=[...])``.

Rule 1: a call sends the hash. If the server does not know it, nothing ran, and the call is sent once more with the
        script before it, whether it reads or writes (``scripts``). That is done wherever the second call goes: each
        node of a cluster gets a script when it is called there.
Rule 2: both calls are bounded by one deadline. The second one may fail, be redirected and be retried as any other.
Rule 3: a script has no connection and no state: it belongs to the pool, view or connection that made it, and lives as
        long as that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

from respool import commands
from respool._async.shell.compat import clock
from respool._facts.command import Command, Key, Parser, Spec, is_async
from respool._facts.conditions import Conditions
from respool._facts.errors import NoScript, UsageTypeError, UsageValueError
from respool._facts.options import checked_timeout
from respool._protocol.scripts import is_unknown_script
from respool.commands._arguments import Value

T_co = TypeVar("T_co", covariant=True)


class Caller(Protocol):
    """The part of a pool, view or connection that a script uses."""

    def _viewed(self) -> tuple[Any, Conditions]: ...

    async def _execute(self, args: tuple[Any, ...], spec: Spec, parse: Parser | None = None) -> Any: ...

    async def execute(self, command: Command[Any], /, *, timeout: float | None = None) -> Any:
        """Run one command and return its reply."""


class AsyncScript(Generic[T_co]):
    """A Lua script that is called by its hash; ``script`` of a pool, a view or a connection makes it.

    ``value = await script(keys=["user:1"], args=[60])``. It can be called any number of times, by any number of callers
    at once. ``pipe.script(script, keys=..., args=...)`` adds a call to a pipeline.
    """

    __slots__ = ("_caller", "_command", "_loading_spec", "_parse", "_spec", "sha", "source")

    def __init__(self, caller: Any, source: Any, *, readonly: Any, parse: Any) -> None:
        """Compute the hash; no I/O. ``script`` of a pool says what the arguments are."""
        if not isinstance(source, str | bytes):
            raise UsageTypeError(f"a script is text, as str or bytes, not {type(source).__name__}")
        if not isinstance(readonly, bool):
            raise UsageTypeError(f"readonly must be True or False, not {readonly!r}")
        if parse is not None and (not callable(parse) or is_async(parse)):
            raise UsageTypeError("parse must be a plain function: it gets what the script returns")
        try:
            text = source.encode() if isinstance(source, str) else source
        except UnicodeEncodeError as error:
            raise UsageValueError(f"the script cannot be encoded: {error}") from error
        #: The text of the script.
        self.source: str | bytes = source
        #: Its SHA-1 in hexadecimal digits, as ``script_exists`` takes it.
        self.sha = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        self._caller: Caller = caller
        self._command = commands.evalsha_ro if readonly else commands.evalsha
        self._spec = self._command(self.sha).spec
        self._loading_spec = self._spec.derive(script=text)
        self._parse = parse

    async def __call__(
        self, *, keys: Sequence[Key] = (), args: Sequence[Value] = (), timeout: float | None = None
    ) -> T_co:
        """Run the script and return what it returns, read by ``parse``.

        The script finds ``keys`` in ``KEYS`` and ``args`` in ``ARGV``, as text. In a cluster it runs where its keys
        are. ``timeout`` bounds the whole call in seconds, also if the script has to be loaded first. Raises what
        ``execute`` raises, and the server's error if the text cannot be compiled.
        """
        words = self._command(self.sha, keys=keys, args=args).args
        target, conditions = self._caller._viewed()
        limit = conditions.timeout if timeout is None else checked_timeout(timeout)
        deadline = None if limit is None else clock()() + limit
        if not target._is_queueing():
            try:
                return await self._send(words, self._spec, limit)
            except NoScript as error:
                if not is_unknown_script(error):
                    raise
            limit = None if deadline is None else deadline - clock()()
        return await self._send(words, self._loading_spec, limit)

    async def _send(self, words: tuple[Any, ...], spec: Spec, timeout: float | None) -> T_co:
        value: T_co
        if timeout is None:
            value = await self._caller._execute(words, spec, self._parse)
        else:
            value = await self._caller.execute(Command.of(words, spec, self._parse), timeout=timeout)
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.sha} of {self._caller!r}>"


def loading(script: AsyncScript[Any], keys: Sequence[Key], args: Sequence[Value]) -> Command[Any]:
    """Return a call that brings its script along, for a pipeline. Raises UsageTypeError for what is no script."""
    if not isinstance(script, AsyncScript):
        raise UsageTypeError(
            f"script() of a pipeline takes a script that a pool has made, not {type(script).__name__}: "
            "write script = pool.script(text) before, and pipe.script(script, keys=..., args=...)"
        )
    return Command.of(script._command(script.sha, keys=keys, args=args).args, script._loading_spec, script._parse)
