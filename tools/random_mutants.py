"""Make random mutants: one place of a file is changed, as by a typing mistake.

A comparison is flipped, a number is off by one, ``and`` becomes ``or``, a ``not`` or a statement is removed, an ``if``
is always or never taken. Many of these mutants behave the same (a shortcut is not taken, a bound is never reached), so
a survivor is to be looked at, but is not a failure. If it shows a missing test, add the test, and a mutant to
tests/mutants.txt.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

#: Files without I/O, where every line is a decision.
FILES: Final = (
    "_pooling/ledger.py _pooling/books.py _pooling/quota.py _pooling/upkeep.py _pooling/redial.py "
    "_protocol/wire.py _protocol/entries.py _protocol/frames.py "
    "_protocol/decoding.py _protocol/packing.py _protocol/run.py "
    "_facts/command.py _pooling/retry.py _protocol/handshake.py _protocol/session.py "
    "_protocol/redirect.py _routing/splitting.py"
).split()

_FLIPPED: Final[dict[type[ast.AST], type[Any]]] = {
    one: other
    for pair in (
        (ast.Lt, ast.LtE),
        (ast.Gt, ast.GtE),
        (ast.Eq, ast.NotEq),
        (ast.Is, ast.IsNot),
        (ast.In, ast.NotIn),
        (ast.And, ast.Or),
        (ast.Add, ast.Sub),
        (ast.Mult, ast.Div),
    )
    for one, other in (pair, pair[::-1])
}


def random_changes(package: Path, count: int, seed: int, words: list[str]) -> list[tuple[str, str, str]]:
    """Return ``count`` triples (file, what was changed, the changed source) from files whose name has all ``words``."""
    found: list[tuple[str, str, str]] = []
    for file in FILES:
        if all(word in file for word in words):
            source = (package / file).read_text("utf-8")
            found += [(file, story, changed) for story, changed in _changes(source)]
    random.Random(seed).shuffle(found)
    return sorted(found[:count])


def _changes(source: str) -> Iterator[tuple[str, str]]:
    lines = source.encode().splitlines(keepends=True)  # the tree counts columns in bytes
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = b"".join(lines)
    for node in _walk(ast.parse(source)):
        for old, new in _slips(node):
            begin = starts[old.lineno - 1] + old.col_offset
            end = starts[(old.end_lineno or 0) - 1] + (old.end_col_offset or 0)
            text = f"({ast.unparse(new)})" if isinstance(new, ast.expr) else ast.unparse(new)
            story = f"line {old.lineno:3}: {ast.unparse(old)}  becomes  {text}"
            yield story, (whole[:begin] + text.encode() + whole[end:]).decode()


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the whole tree except the inside of f-strings, whose nodes have no exact positions."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.JoinedStr):
            yield from _walk(child)


def _slips(node: Any) -> Iterator[tuple[Any, ast.AST]]:
    """Yield pairs of a node and its replacement."""
    match node:
        case ast.Compare(ops=[op]) if type(op) in _FLIPPED:
            yield node, _with(node, ops=[_FLIPPED[type(op)]()])
        case ast.BoolOp(op=op) | ast.BinOp(op=op) if type(op) in _FLIPPED:
            yield node, _with(node, op=_FLIPPED[type(op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node, node.operand
        case ast.Constant(value=bool()):
            yield node, ast.Constant(not node.value)
        case ast.Constant(value=int() | float() as number):
            yield node, ast.Constant(number + 1)
        case ast.If() | ast.IfExp():
            yield node.test, ast.Constant(value=True)
            yield node.test, ast.Constant(value=False)
        case ast.AugAssign():
            if type(node.op) in _FLIPPED:
                yield node, _with(node, op=_FLIPPED[type(node.op)]())
            yield node, ast.Pass()
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield node, ast.Pass()
        case ast.Break() | ast.Continue():
            yield node, ast.Pass()


def _with(node: ast.AST, **changes: Any) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed
