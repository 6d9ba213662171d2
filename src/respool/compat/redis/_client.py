"""The client and the pipeline of redis-py, whose commands go through an engine where that changes nothing else.

Rule 1: a command takes redis-py's own path if the client holds a connection, if its pool has no engine, or if it is not
        fast (``_commands``). That path is untouched.
Rule 2: only ``_execute_command`` is overridden, not ``execute_command``; a pipeline goes through redis-py's ``execute``
        with an ``EngineConnection`` in place of a connection. So what patches redis-py's methods keeps working. While
        redis-py measures its calls, commands go through its own method in the same way.
Rule 3: an engine that is dropped while a command waits for it has not sent that command: the next engine gets it.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import Any, Final

import redis
from redis import client
from redis.backoff import NoBackoff
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.exceptions import AuthenticationError, RedisError
from redis.retry import Retry

from respool.compat.redis._commands import MARK, Plan, identity_of, known_plan, plan_of, planned
from respool.compat.redis._errors import as_redis_error, last_of, with_redis_errors
from respool.compat.redis._observed import is_observed
from respool.compat.redis._pools import ConnectionPool, take_over
from respool.compat.redis._runs import (
    EngineConnection,
    called_back,
    for_callback,
    may_have_written,
    plans_for,
    read_run,
    refusal_of,
    run_of,
)
from respool.compat.redis._watching import LeaseConnection
from respool.errors import Error, PoolClosed, ServerError, TransactionAborted

_Client: Final = redis.Redis
_callback_of: Final = dict.get
_NO_RETRY: Final = Retry(NoBackoff(), 0)


class Redis(redis.Redis):
    """redis-py's ``Redis`` on a respool pool: the same commands, callbacks, errors and pools."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        take_over(self.connection_pool)

    def _execute_command(self, *args: Any, **options: Any) -> Any:
        if self.connection is None and not self._single_connection_client:
            pool: Any = self.connection_pool
            engine = (pool._engine or pool._make_engine()) if isinstance(pool, ConnectionPool) else None
            if engine is not None:
                try:
                    plan = known_plan(args[0]) or plan_of(args)
                except (IndexError, TypeError):
                    plan = None
                if plan is not None and plan.is_fast:
                    if is_observed():
                        return self._measured(pool, engine, plan, args, options)
                    return _run(pool, engine, plan, self.response_callbacks, args, options)
                if plan is not None and plan.is_wait:
                    return _wait(engine, plan, args)
        return self._on_a_connection(args, options)

    def _on_a_connection(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run a command on redis-py's own path. If it changes who the client is, the engine learns of it."""
        changes = identity_of(args) if self.connection is None else {}
        try:
            reply = super()._execute_command(*args, **options)
        except AuthenticationError:
            pool: Any = self.connection_pool
            if args[0] != "AUTH" or not isinstance(pool, ConnectionPool) or not pool._can_log_in(args, changes):
                raise
            reply = True
        if changes:
            _take_identity(self.connection_pool, changes)
        return reply

    def _measured(
        self, pool: Any, engine: Any, plan: Plan, args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run a command on an engine through redis-py's own method, which measures it."""
        twin: Any = object.__new__(type(self))
        twin.__dict__.update(self.__dict__, auto_close_connection_pool=False)
        twin.connection = EngineConnection(pool, engine, [plan], _NO_RETRY)
        try:
            return _Client._execute_command(twin, *args, **options)
        finally:
            twin.connection = None

    def _send_command_parse_response(self, conn: Any, command_name: Any, *args: Any, **options: Any) -> Any:
        if type(conn) is EngineConnection:
            return _run(conn.pool, conn.engine, conn.plans[0], self.response_callbacks, args, options)
        return super()._send_command_parse_response(conn, command_name, *args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> Pipeline:  # noqa: FBT001, FBT002
        return Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)

    def __del__(self) -> None:
        pool = self.__dict__.get("connection_pool")
        if isinstance(pool, ConnectionPool) and self.auto_close_connection_pool:
            pool._forget_engine()  # closing it here would wait
        super().__del__()


update_wrapper(Redis.__init__, redis.Redis.__init__)  # its signature

StrictRedis = Redis


def _run(
    pool: Any, engine: Any, plan: Plan, callbacks: dict[str, Any], args: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Run one command on an engine and return its reply as redis-py does."""
    command = plan.command(args, blob=NEVER_DECODE in options)
    try:
        try:
            reply = engine.execute(command)
        except PoolClosed:  # the engine was dropped before it sent the command (Rule 3)
            if pool._engine is engine:
                raise
            reply = (pool._engine or pool._make_engine()).execute(command)
    except Error as error:
        if EMPTY_RESPONSE in options and isinstance(error, ServerError):
            return options[EMPTY_RESPONSE]
        raise as_redis_error(error) from error
    if plan.runs_code:
        reply = with_redis_errors(reply)
    callback = _callback_of(callbacks, plan.name)
    if callback is None:
        return reply
    return callback(reply, **for_callback(options)) if options else callback(reply)


def _wait(engine: Any, plan: Plan, args: tuple[Any, ...]) -> Any:
    """Run WAIT or WAITAOF for all writes until now, over whatever connections."""
    try:
        replies = engine.execute_many([MARK, plan.command(args)], atomic=False)
    except Error as error:
        raise as_redis_error(error) from error
    return last_of(replies)


def _take_identity(pool: Any, changes: dict[str, Any]) -> None:
    if isinstance(pool, ConnectionPool):
        try:
            pool._take_identity(changes)
        except Error as error:
            raise as_redis_error(error) from error


class Pipeline(client.Pipeline):
    """redis-py's ``Pipeline``: its commands go through respool in one run, those after a WATCH on a lease."""

    connection: Any
    watching: bool

    def execute(self, raise_on_error: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - redis-py's signature
        if self.connection is None and self.command_stack and not self.watching:
            pool: Any = self.connection_pool
            stack = self.command_stack
            engine = (pool._engine or pool._make_engine()) if isinstance(pool, ConnectionPool) else None
            plans = None if engine is None else plans_for(stack)
            if plans is None:
                replies: list[Any] = super().execute(raise_on_error)
                self._take_identities(stack, replies)
                return replies
            self.connection = EngineConnection(pool, engine, plans, _NO_RETRY)
        elif type(self.connection) is LeaseConnection:
            self.connection.prepare(self.command_stack)
        values: list[Any] = super().execute(raise_on_error)
        return values

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:
        if self.connection is None and args[0] == "WATCH":
            pool: Any = self.connection_pool
            engine = (pool._engine or pool._make_engine()) if isinstance(pool, ConnectionPool) else None
            if engine is not None:
                self.connection = LeaseConnection(pool, engine, Retry)
        return super().immediate_execute_command(*args, **options)

    def _send_command_parse_response(self, conn: Any, command_name: Any, *args: Any, **options: Any) -> Any:
        if type(conn) is EngineConnection:
            return _run(conn.pool, conn.engine, planned(args), self.response_callbacks, args, options)
        if type(conn) is not LeaseConnection:
            return super()._send_command_parse_response(conn, command_name, *args, **options)
        plan = planned(args)
        try:
            reply = _run(conn, conn, plan, self.response_callbacks, args, options)
        except RedisError as error:
            if self.watching and may_have_written(error.__cause__, [plan]):
                self.reset()
            raise
        if command_name == "WATCH":
            self.watching = True
            conn.try_once()
        elif command_name in self.UNWATCH_COMMANDS:
            self.watching = False
        return reply

    def _take_identities(self, stack: list[Any], replies: list[Any]) -> None:
        for (args, _), reply in zip(stack, replies, strict=False):
            if not isinstance(reply, Exception) and (changes := identity_of(args)):
                _take_identity(self.connection_pool, changes)

    def _execute_transaction(self, connection: Any, commands: Any, raise_on_error: Any) -> Any:
        if isinstance(connection, EngineConnection):
            return self._execute_run(connection, commands, raise_on_error, atomic=True)
        return super()._execute_transaction(connection, commands, raise_on_error)

    def _execute_pipeline(self, connection: Any, commands: Any, raise_on_error: Any) -> Any:
        if isinstance(connection, EngineConnection):
            return self._execute_run(connection, commands, raise_on_error, atomic=False)
        return super()._execute_pipeline(connection, commands, raise_on_error)

    def _execute_run(self, connection: EngineConnection, commands: Any, raise_on_error: Any, *, atomic: bool) -> Any:
        plans = connection.plans
        try:
            replies = connection.run(run_of(plans, commands), atomic=atomic)
        except TransactionAborted as error:
            raise refusal_of(self, commands, error) from error
        except Error as error:
            self.watching = self.watching and not may_have_written(error, plans)
            raise as_redis_error(error) from error
        self.watching = self.watching and not atomic
        values, has_errors = read_run(plans, replies, atomic=atomic)
        if has_errors and raise_on_error:
            self.raise_first_error(commands, values)
        return called_back(plans, commands, values, self.response_callbacks)

    def load_scripts(self) -> None:
        if not isinstance(self.connection, EngineConnection):
            super().load_scripts()
            return
        scripts = list(self.scripts)
        exists = self._now("SCRIPT EXISTS", *[script.sha for script in scripts])
        for script, is_there in zip(scripts, exists, strict=True):
            if not is_there:
                script.sha = self._now("SCRIPT LOAD", script.script)

    def _now(self, *args: Any) -> Any:
        """Run one command at once, before the pipeline."""
        return self._send_command_parse_response(self.connection, args[0], *args)

    def reset(self) -> None:
        connection = self.connection
        if isinstance(connection, EngineConnection):
            try:
                if self.watching and type(connection) is LeaseConnection:
                    connection.unwatch()
            finally:
                self._let_go(connection)
        super().reset()

    def _let_go(self, connection: EngineConnection) -> None:
        self.connection, self.watching = None, False
        connection.release()

    def __del__(self) -> None:
        connection = self.__dict__.get("connection")
        if isinstance(connection, EngineConnection):
            self._let_go(connection)  # an UNWATCH would wait
        super().__del__()
