"""Generate what type checkers read about every command from the examples in ``tests/examples``.

Rule 1: each overload of each function gets the first example that it fits, called on all surfaces, for bytes and for
        str; the type must be exactly the annotated one. An overload without an example is an error.
Rule 2: the value of each example must have the type of its overload, so an annotation cannot promise what the server
        does not answer.
Rule 3: examples are parsed, not imported, so this runs in a bare checkout.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from layout import imported
from surfaces import SURFACES, Module, Surface, modules
from unasync import ROOT, banner, short

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES: Final = ROOT / "tests/examples"
PRODUCT: Final = ROOT / "tests/commands/typed_calls.py"

#: The surfaces, as functions of the product: its head, what a call is written as, and the type of that.
_USES: Final = {
    "AsyncCommands": ("async def tasks", "await {}.{}", "{}"),
    "Commands": ("def threads", "{}.{}", "{}"),
    "PipelineCommands": ("def pipelines", "{}.{}", "PipelineResult[{}]"),
}


class Example(NamedTuple):
    """The source of one example."""

    name: str
    args: list[ast.expr]
    options: dict[str, ast.expr]
    value: ast.expr
    origins: dict[str, str]  # a name -> the module to import it from

    @property
    def call(self) -> str:
        """The call, as it is written on a surface."""
        words = [ast.unparse(arg) for arg in self.args]
        words += [f"{name}={ast.unparse(value)}" for name, value in self.options.items()]
        return f"{self.name}({', '.join(words)})"

    @property
    def is_literal(self) -> bool:
        """Whether the value is written down, so that its type is known."""
        match self.value:
            case ast.Call(func=ast.Name(name)):
                return name in {"set", "dict"} or (name[0].isupper() and name != "NotMade")
            case ast.Name() | ast.Lambda():
                return False
        return True

    def imports(self, *nodes: ast.expr) -> set[tuple[str, str]]:
        """Return the modules and names that the source of ``nodes`` needs."""
        names = {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        return {(self.origins[name], name) for name in names if name in self.origins}


def products() -> dict[Path, str]:
    """Return the generated file with its text."""
    examples = [example for path in sorted(EXAMPLES.glob("[a-z]*.py")) for example in _read(path)]
    return {PRODUCT: _text(modules(), examples)}


def _read(path: Path) -> Iterator[Example]:
    """Yield the examples of one group."""
    tree = ast.parse(path.read_bytes())
    origins: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                origins.update({alias.name: module for alias in names})
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                origins[name] = f"examples.{path.stem}"
    for node in tree.body:
        match node:
            case ast.AnnAssign(target=ast.Name("EXAMPLES"), value=ast.List(rows)):
                for row in rows:
                    yield _example(row, origins)


def _example(row: ast.expr, origins: dict[str, str]) -> Example:
    match row:
        case ast.Tuple([ast.Call(args=[ast.Constant(value=str(name)), *args], keywords=options), value, *_]):
            return Example(name, args, {each.arg: each.value for each in options if each.arg}, value, origins)
    raise ValueError(f"line {row.lineno} of some examples is no row of a call and its value")


def _text(found: list[Module], examples: list[Example]) -> str:
    lines: dict[str, list[str]] = {surface.name: [] for surface in SURFACES}
    values: list[str] = []
    imports = {("typing", name) for name in ("Any", "Generic", "TypeVar", "assert_type")}
    imports |= {(surface.path[4:-3].replace("/", "."), surface.name) for surface in SURFACES}
    imports |= {("respool._pooling.pipeline_result", "PipelineResult")}
    for module in found:
        for function in module.functions:
            if function.name in module.overloaded and not function.decorator_list:
                continue  # its overloads stand before it
            same = [other for other in module.functions if other.name == function.name]
            earlier = same[: same.index(function)]
            fitting = [each for each in examples if each.name == function.name and _fits(function, each)]
            fitting = [each for each in fitting if not any(_fits(other, each) for other in earlier)]
            if not fitting:
                raise ValueError(f"{module.name}.{function.name}, line {function.lineno}, has no example")
            returns = function.returns
            assert isinstance(returns, ast.Subscript)
            imports |= {
                (module.origins[node.id], node.id)
                for node in ast.walk(returns.slice)
                if isinstance(node, ast.Name) and node.id in module.origins and node.id != "Text"
            }
            first = fitting[0]
            imports |= first.imports(*first.args, *first.options.values())
            for surface in SURFACES:
                if function.name not in surface.left_out:
                    lines[surface.name] += _asserted(surface, first, returns.slice)
            for each in fitting:
                if each.is_literal:
                    imports |= each.imports(each.value)
                    values.append(f"    Typed[{_with(returns.slice, 'bytes')}]({ast.unparse(each.value)})")
    return f'''{banner(short(EXAMPLES))}
"""What type checkers see of every command: no test runs this, mypy and pyright read it."""

from __future__ import annotations

{imported(imports)}
T = TypeVar("T")


class Typed(Generic[T]):
    def __init__(self, value: T) -> None: ...


{"".join(_function(surface, lines[surface.name]) for surface in SURFACES)}def values() -> None:
{chr(10).join(values)}
'''


def _function(surface: Surface, lines: list[str]) -> str:
    head, _, _ = _USES[surface.name]
    body = "\n".join(lines)
    return f"{head}(raw: {surface.name}[bytes], text: {surface.name}[str]) -> None:\n{body}\n\n\n"


def _asserted(surface: Surface, example: Example, reply: ast.expr) -> Iterator[str]:
    _, call, result = _USES[surface.name]
    for name, stored in (("raw", "bytes"), ("text", "str")):
        yield f"    assert_type({call.format(name, example.call)}, {result.format(_with(reply, stored))})"


def _with(reply: ast.expr, stored: str) -> str:
    """Return the source of a type, with ``stored`` for ``Text``."""
    return re.sub(r"\bText\b", stored, ast.unparse(reply))


def _fits(function: ast.FunctionDef, example: Example) -> bool:
    """Return whether a type checker would choose this overload for a call, as far as None and Literals decide."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args]
    if len(example.args) > len(plain) and arguments.vararg is None:
        return False
    given = dict(zip((each.arg for each in plain), example.args, strict=False)) | example.options
    known = {each.arg for each in (*plain, *arguments.kwonlyargs)}
    if arguments.kwarg is None and not given.keys() <= known:
        return False
    defaults = dict(zip((each.arg for each in plain[::-1]), arguments.defaults[::-1], strict=False))
    optional = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    defaults |= {each.arg: value for each, value in optional if value}
    for each in (*plain, *arguments.kwonlyargs):
        value = given.get(each.arg, defaults.get(each.arg))
        if value is None or (each.annotation is not None and not _may_be(each.annotation, value)):
            return False
    return True


def _may_be(annotation: ast.expr, value: ast.expr) -> bool:
    is_none = isinstance(value, ast.Constant) and value.value is None
    match annotation:
        case ast.Constant(value=None):
            return is_none
        case ast.Subscript(value=ast.Name("Literal"), slice=words):
            allowed = words.elts if isinstance(words, ast.Tuple) else [words]
            return ast.unparse(value) in {ast.unparse(word) for word in allowed}
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _may_be(left, value) or _may_be(right, value)
        case ast.Name("Any"):
            return True
    return not is_none
