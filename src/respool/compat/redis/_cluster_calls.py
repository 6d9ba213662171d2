"""Which calls of a cluster client go to the engine as they are, and what their replies become. Sync and asyncio.

Rule 1: a call goes to the engine without a node if its keys are in one slot and redis-py would send it to that slot.
        The engine knows the slots better than redis-py: it follows every redirect.
Rule 2: every other call is dispatched by redis-py: to the nodes of its flags, or of ``target_nodes=``. The engine runs
        it at each of them, and redis-py puts the replies together.
Rule 3: keys in several slots are redis-py's: it refuses them with its own error, or has split them before.
Rule 4: what may have run at a node is not sent there again if it writes (``MaybeExecuted``).
Rule 5: WAIT asks the node that redis-py has chosen for every write that came before, behind a write to a key of its
        own (``mark_for``) that expires at once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from redis import exceptions
from redis.client import EMPTY_RESPONSE, NEVER_DECODE
from redis.utils import safe_str, truncate_text

from respool import Command
from respool.compat.redis._commands import Plan, known_plan, plan_of
from respool.compat.redis._errors import as_redis_error, with_redis_errors
from respool.compat.redis._runs import for_callback, may_have_written
from respool.errors import Error, ServerError, SlotMoved, TransactionAborted

#: The arguments and the options of a call.
Call: TypeAlias = tuple[tuple[Any, ...], dict[str, Any]]

_callback_of: Final = dict.get
#: Commands that have no key, and that every primary executes for all nodes.
_ANYWHERE: Final = frozenset(("PUBLISH",))
#: How many keys are tried to find one in a slot of a node. A node with one slot of a hundred is found with 4096.
_MOST_MARKS: Final = 4096
_MOVED: Final = "The slot of a watched key has moved, so nothing was run: watch the key again"


class MaybeExecuted(exceptions.ConnectionError):
    """A command that writes may have run. redis-py retries after a ConnectionError, and after no subclass of it."""


class MaybeExecutedLate(exceptions.TimeoutError):
    """The same for a reply that did not come in time."""


def plan_at_node(args: tuple[Any, ...]) -> Plan | None:
    """Return the plan for a call that the engine can run at a node which redis-py has chosen; None for others."""
    try:
        plan = known_plan(args[0]) or plan_of(args)
    except (IndexError, TypeError):
        return None
    return plan if plan is not None and (plan.is_fast or plan.is_wait) else None


def mark_for(client: Any, node: Any) -> Command[Any] | None:
    """Return a write to a primary, behind which WAIT asks for every write before it; None if it serves no slot.

    A message would do on a server of its own, but clusters do not replicate messages (``_commands``, Rule 4).
    """
    cache = client.nodes_manager.slots_cache
    for number in range(_MOST_MARKS):
        key = f"respool:wait:{number}"
        found = cache.get(client.keyslot(key))
        if found and found[0].name == node.name:
            return Command("SET", key, "", "PX", 1)
    return None


def plan_in_one_slot(client: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Plan | None:
    """Return the plan for a call that goes to the engine without a node (Rule 1); None for others."""
    plan = plan_at_node(args)
    if plan is None or plan.is_wait or options.get("target_nodes") is not None:
        return None
    name = plan.name
    if not isinstance(name, str) or name.startswith("FT."):  # redis-py has rules of its own for searches
        return None
    if name in client.command_flags or name in client.result_callbacks:
        return None
    spec = plan.spec
    if spec.one_key:
        at = spec.one_key - (0 if plan.words is None else len(plan.words) - 1)
        return plan if len(args) > at else None
    keys = spec.keys_of(args if plan.words is None else (*plan.words, *args[1:]))
    if not keys:
        return plan if spec.name in _ANYWHERE else None
    return plan if len({client.keyslot(key) for key in keys}) == 1 else None


def with_callback(plan: Plan, callbacks: Any, reply: Any, options: dict[str, Any]) -> Any:
    """Return what redis-py's callback makes of a reply."""
    callback = _callback_of(callbacks, plan.name)
    return reply if callback is None else callback(reply, **for_callback(options))


def at_node(error: exceptions.RedisError, plan: Plan) -> exceptions.RedisError:
    """Return the error to raise for a command that redis-py has sent to a node (Rule 4)."""
    cause = error.__cause__
    if plan.spec.safe or getattr(cause, "executed", None) != "unknown":
        return error
    kind = MaybeExecutedLate if isinstance(error, exceptions.TimeoutError) else MaybeExecuted
    made = kind(str(error))
    made.__cause__ = cause
    return made


# Pipelines -------------------------------------------------------------------------------------------------------


def plans_in_slots(client: Any, stack: list[Call]) -> list[Plan] | None:
    """Return the plans of a pipeline's commands; None if one of them is to be dispatched by redis-py."""
    plans: list[Plan] = []
    for args, options in stack:
        plan = plan_in_one_slot(client, args, options)
        if plan is None or EMPTY_RESPONSE in options:
            return None
        plans.append(plan)
    return plans


def commands_of(plans: list[Plan], stack: list[Call]) -> list[Command[Any]]:
    """Return the commands to send."""
    return [
        plan.command(args, blob=NEVER_DECODE in options) for plan, (args, options) in zip(plans, stack, strict=True)
    ]


def values_of(plans: list[Plan], replies: list[Any]) -> list[Any]:
    """Return the replies to a run, with redis-py's errors in them."""
    values: list[Any] = []
    for plan, reply in zip(plans, replies, strict=True):
        if isinstance(reply, Error):
            values.append(as_redis_error(reply))
        else:
            values.append(with_redis_errors(reply) if plan.runs_code else reply)
    return values


def raise_first(values: list[Any], stack: list[Call], *, shows_all: bool = False) -> None:
    """Raise the first error among the values of a pipeline, with its position, as redis-py does.

    With ``shows_all`` the text shows all arguments of the error, as the text of redis-py's asyncio pipelines does.
    """
    for number, (value, (args, _)) in enumerate(zip(values, stack, strict=True), 1):
        if isinstance(value, Exception):
            _annotate(value, number, args, value.args if shows_all else value.args[0])
            raise value


def refusal_of(stack: list[Call], error: TransactionAborted) -> Exception:
    """Return the error to raise for a transaction that was not run: that of the command that was refused."""
    refused, index = error.__cause__, error.refused_index
    if index is None or not isinstance(refused, Error):
        return as_redis_error(error)
    made = as_redis_error(refused)
    _annotate(made, index + 1, stack[index][0], made.args[0])
    return made


def watched_refusal_of(stack: list[Call], plans: list[Plan], error: Error) -> Exception:
    """Return the error to raise for a transaction with watched keys that was not run, or not certainly."""
    if not isinstance(error, TransactionAborted):
        made = as_redis_error(error)
        return watch_lost(made, plans) or made
    if isinstance(error.__cause__, SlotMoved):
        return _watch_error(_MOVED)
    if error.__cause__ is None and error.refused_index is None:
        return _watch_error("Watched variable changed.")
    return refusal_of(stack, error)


def watch_lost(error: Exception, plans: list[Plan]) -> Exception | None:
    """Return the error to raise if no key is watched any more after an error; None if all of them still are.

    A WatchError makes its caller run the transaction again. So it is raised only if nothing may have been written.
    """
    cause = error.__cause__
    if isinstance(cause, SlotMoved):
        return _watch_error(_MOVED)
    is_lost = isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError)
    if isinstance(cause, ServerError) or not is_lost:
        return None
    if may_have_written(cause, plans):
        return error
    return _watch_error(f"A {type(error).__name__} occurred while keys were watched: {error}")


def _watch_error(text: str) -> Exception:
    made: Exception = exceptions.WatchError(text)
    return made


def _annotate(error: Exception, number: int, args: tuple[Any, ...], what: Any) -> None:
    text = truncate_text(" ".join(map(safe_str, args)))
    error.args = (f"Command # {number} ({text}) of pipeline caused error: {what}", *error.args[1:])


# Changes of the cluster ------------------------------------------------------------------------------------------


def remap_for(client: Any) -> Callable[[str, int], tuple[str, int]]:
    """Return ``remap`` for the engines of a client: it does what ``address_remap`` says.

    It is called whenever a node of the cluster names others, in a view or in a redirect. So it marks the client as one
    whose nodes may have changed. It does not keep it alive.
    """
    reference = weakref.ref(client)
    theirs = getattr(client.nodes_manager, "address_remap", None)

    def remap(host: str, port: int) -> tuple[str, int]:
        marked = reference()
        if marked is not None:
            marked._is_stale = True
        return (host, port) if theirs is None else theirs((host, port))

    return remap
