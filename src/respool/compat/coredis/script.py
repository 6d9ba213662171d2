"""``Script`` of coredis on respool's scripts: a call sends the hash, and the text where a server does not know that.

Rule 1: where no reply tells whether the server knows it, in a pipeline and without replies, the text is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from respool.compat.coredis.exceptions import old_errors
from respool.errors import UsageAttributeError, UsageError
from respool.types import AsyncPipeline


class Script:
    """A Lua script that can be called; ``client.register_script(text)`` makes it."""

    def __init__(
        self,
        registered_client: Any = None,
        script: str | bytes | None = None,
        readonly: bool = False,  # noqa: FBT001, FBT002 - as in coredis
    ) -> None:
        """Keep the text; no I/O. ``readonly``: it is called with EVALSHA_RO, so replicas may run it."""
        if not script:
            raise UsageError("a Script needs the text of a script: client.register_script(text)")
        self.registered_client = registered_client
        self.script = script
        self.readonly = readonly

    async def __call__(
        self,
        keys: Iterable[Any] | None = None,
        args: Iterable[Any] | None = None,
        client: Any = None,
        readonly: bool | None = None,  # noqa: FBT001 - as in coredis
    ) -> Any:
        """Run the script by ``client``, else by the client that made it, and return what it returns.

        In a pipeline it is queued, and the result of the pipeline's command is returned. Raises the exceptions of
        ``respool.compat.coredis.exceptions``.
        """
        client = self.registered_client if client is None else client
        if client is None:
            raise UsageError("this script has no client: give client=, or make it with client.register_script(text)")
        is_read = self.readonly if readonly is None else readonly
        given: dict[str, Any] = {"keys": list(keys or ()), "args": list(args or ())}
        if isinstance(client, AsyncPipeline):
            return (client.eval_ro if is_read else client.eval)(self.script, **given)
        if client.noreply:
            return await (client.eval_ro if is_read else client.eval)(self.script, **given)
        await client.initialize()
        with old_errors():
            script = client.connection_pool.engine.script(self.script, readonly=is_read)
            return await script(**given)

    #: The same.
    execute = __call__

    def wraps(self, *_: object, **__: object) -> NoReturn:
        """Refuse: respool does not read signatures."""
        raise UsageAttributeError("write a function that calls the script: await script(keys=[...], args=[...])")
