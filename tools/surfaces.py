"""Generate the classes with one method per command from the functions in ``respool/commands``.

Rule 1: the functions are parsed, not imported, so a method looks exactly like the source of its function.
Rule 2: the first statements of a function are copied into the method if each is a ``return Command(SPEC, ...)``
        whose arguments are parameters and constants only, or such a return under an ``if`` that uses parameters
        only. So the common call makes no Command object (CONTRIBUTING.md, rule 7). For the rest the method calls
        the function.
Rule 3: groups that most programs never use (``LATE``) are loaded when one of their methods is called, so nothing is
        copied from them.
Rule 4: the output is formatted as ``ruff format`` would, so that ruff has nothing to change.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from layout import bracketed, condition, imported
from unasync import ROOT, banner, short

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SOURCES: Final = ROOT / "src/respool/commands"

#: Commands for which a connection has a method written by hand, which repeats the handshake afterwards.
ITS_OWN: Final = frozenset({"reset"})

#: Groups whose methods load them at the first call: they would be a third of what ``import`` costs a program.
LATE: Final = frozenset(
    "acl bloom cluster geo introspection json scripting search server transactions vector_sets".split()
)

#: A builtin type that inside of the classes is the method of its name.
HIDDEN: Final = re.compile(r"\b(set)(?=\[)")


class Surface(NamedTuple):
    """A class to generate.

    ``reply`` is a method's return type, with ``{}`` for the T of ``Command[T]``. ``call`` is the method of a subclass
    that receives each command; ``promise`` is its docstring, ``handed_back`` its return type.
    """

    path: str
    name: str
    doc: str
    reply: str
    call: str
    promise: str
    handed_back: str
    imports: frozenset[tuple[str, str]] = frozenset()
    left_out: frozenset[str] = frozenset()
    heading: str = ""


SURFACES: Final = (
    Surface(
        path="src/respool/_surfaces/asyncio.py",
        name="AsyncCommands",
        doc="Every command as a method; await it for the reply.",
        reply="Coroutine[Any, Any, {}]",
        call="_execute",
        promise="Send one command and return its reply, read by ``parse`` or else by ``spec.parse``.",
        handed_back="Coroutine[Any, Any, Any]",
        imports=frozenset({("collections.abc", "Coroutine")}),
        left_out=ITS_OWN,
    ),
    Surface(
        path="src/respool/_surfaces/threads.py",
        name="Commands",
        doc="Every command as a method, which returns the reply.",
        reply="{}",
        call="_execute",
        promise="Send one command and return its reply, read by ``parse`` or else by ``spec.parse``.",
        handed_back="Any",
        left_out=ITS_OWN,
        heading='# mypy: disable-error-code="no-any-return"\n',
    ),
    Surface(
        path="src/respool/_surfaces/pipeline.py",
        name="PipelineCommands",
        doc="Every command as a method that adds it to a pipeline; ``result()`` has the reply once that has run.",
        reply="PipelineResult[{}]",
        call="_add",
        promise="Add one command, whose reply is read by ``parse`` or else by ``spec.parse``.",
        handed_back="PipelineResult[Any]",
        imports=frozenset({("respool._pooling.pipeline_result", "PipelineResult")}),
    ),
)


@dataclass(frozen=True)
class Module:
    """One file of command functions."""

    name: str
    lines: list[bytes]
    functions: list[ast.FunctionDef]  # overloads included, before their function
    words: dict[str, list[str]]  # the variable of a spec -> the words of the command's name
    origins: dict[str, str]  # a name that annotations may use -> the module to import it from

    @property
    def overloaded(self) -> set[str]:
        """The names of the functions that have overloads."""
        names = [function.name for function in self.functions]
        return {name for name in names if names.count(name) > 1}

    def text(self, node: ast.expr | ast.arg) -> str:
        """Return the source of a node on one line, as it is written inside of a class.

        ``Text`` becomes the class' type variable, and a builtin type that a method hides is named in full.
        """
        # ast.get_source_segment does the same, but splits the whole source every time.
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][node.col_offset :]
        source = " ".join(line.strip().decode() for line in lines)
        return HIDDEN.sub(r"builtins.\1", re.sub(r"\bText\b", "S", source))


def modules() -> list[Module]:
    """Read the files of command functions."""
    return [_read(path) for path in sorted(SOURCES.glob("[a-z]*.py"))]


def products() -> dict[Path, str]:
    """Return every file that this module generates, with its text."""
    found = modules()
    made = {ROOT / surface.path: _surface(surface, found) for surface in SURFACES}
    made[SOURCES / "__init__.py"] = _package(found)
    return made


def _read(path: Path) -> Module:
    source = path.read_bytes()
    tree = ast.parse(source)
    module = Module(path.stem, source.splitlines(), [], {}, {})
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module.origins.update({alias.name: node.module for alias in node.names})
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(variable)], value=value) if found := _spec_name(value):
                module.words[variable] = found.split(" ")
            case ast.AnnAssign(target=ast.Name(name)) | ast.ClassDef(name=name):
                module.origins[name] = f"respool.commands.{path.stem}"
            case ast.FunctionDef(name=name) if not name.startswith("_"):
                module.functions.append(node)
    return module


def _spec_name(value: ast.expr) -> str | None:
    """Return the name in ``spec("NAME")`` or ``spec("NAME").derive(...)``."""
    match value:
        case ast.Call(func=ast.Name("spec"), args=[ast.Constant(value=str(name))]):
            return name
        case ast.Call(func=ast.Attribute(value=inner, attr="derive")):
            return _spec_name(inner)
    return None


# One surface ------------------------------------------------------------------------------------------


def _surface(surface: Surface, found: list[Module]) -> str:
    call = ("self", "args: tuple[Arg, ...]", "spec: Spec", "parse: Parser | None = None")
    methods: list[str] = []
    imports = {("respool._facts.command", name) for name in ("Arg", "Command", "Parser", "Spec")} | surface.imports
    imports |= {("builtins", ""), ("collections.abc", "Callable")}
    specs: set[tuple[str, str]] = set()
    for module in found:
        for function in module.functions:
            if function.name not in surface.left_out:
                method = _Method(surface, module, function)
                methods.append(method.text())
                specs |= {(f"respool.commands.{module.name}", name) for name in method.specs}
                imports |= method.imports
    imports |= {("typing", name) for name in ("Any", "Generic", "TYPE_CHECKING", "TypeVar", "overload")}
    runtime = {pair for pair in imports if pair[0] == "typing"} | specs
    runtime |= {("respool.commands", module.name) for module in found if module.name not in LATE}
    runtime |= {("respool", "commands")}
    return f'''{banner("respool/commands")}
{surface.heading}"""{surface.doc}"""

from __future__ import annotations

{imported(runtime)}
if TYPE_CHECKING:
{imported(imports - runtime, indent=4)}
S = TypeVar("S")


class {surface.name}(Generic[S]):
    """{surface.doc}

    ``S`` is what keys and values are in replies: bytes, or str. ``respool.commands`` has a function of the
    same name for each method, whose text tells everything about the command. A bad argument raises UsageError
    before anything is sent.
    """

{bracketed(f"    def {surface.call}(", call, f") -> {surface.handed_back}:")}
        """{surface.promise}"""
        raise NotImplementedError

{"".join(methods).rstrip()}
'''


class _Method:
    """One function that is converted to a method."""

    def __init__(self, surface: Surface, module: Module, function: ast.FunctionDef) -> None:
        self.surface = surface
        self.module = module
        self.function = function
        #: The specs used by copied statements; filled by ``text``.
        self.specs: set[str] = set()
        arguments = function.args
        self.plain = [*arguments.posonlyargs, *arguments.args]
        every = [*self.plain, arguments.vararg, *arguments.kwonlyargs, arguments.kwarg]
        self.parameters = {argument.arg for argument in every if argument}
        self.annotations = [argument.annotation for argument in every if argument and argument.annotation]

    @property
    def imports(self) -> set[tuple[str, str]]:
        """The imports that the annotations need."""
        used = {
            node.id
            for annotation in [*self.annotations, self.reply]
            for node in ast.walk(annotation)
            if isinstance(node, ast.Name) and node.id != "Text"
        }
        return {(self.module.origins[name], name) for name in used if name in self.module.origins}

    @property
    def reply(self) -> ast.expr:
        """The T in ``-> Command[T]``."""
        match self.function.returns:
            case ast.Subscript(value=ast.Name("Command"), slice=reply):
                return reply
        raise ValueError(f"{self.module.name}.{self.function.name} must return Command[...]")

    @property
    def is_overload(self) -> bool:
        """Whether this is an ``@overload`` of a function, not the function itself."""
        return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in self.function.decorator_list)

    def text(self) -> str:
        """Return the method."""
        returns = self.surface.reply.format(self.module.text(self.reply))
        head = f"    def {self.function.name}("
        tail = f") -> {returns}: ..." if self.is_overload else f") -> {returns}:"
        signature = bracketed(head, ["self", *self._signature()], tail)
        if self.is_overload:
            return f"    @overload\n{signature}\n"
        summary = (ast.get_docstring(self.function) or "").partition("\n")[0]
        return "\n".join([signature, f'        """{summary}"""', *self._body(), "", ""])

    def _signature(self) -> Iterator[str]:
        """Yield the parameters as in the source."""
        arguments = self.function.args
        first_default = len(self.plain) - len(arguments.defaults)
        defaults: list[ast.expr | None] = [None] * first_default
        for argument, default in zip(self.plain, [*defaults, *arguments.defaults], strict=True):
            yield self._parameter(argument, default)
        if arguments.vararg:
            yield f"*{self._parameter(arguments.vararg)}"
        elif arguments.kwonlyargs:
            yield "*"
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            yield self._parameter(argument, default)
        if arguments.kwarg:
            yield f"**{self._parameter(arguments.kwarg)}"

    def _parameter(self, argument: ast.arg, default: ast.expr | None = None) -> str:
        text = self.module.text(argument)
        return text if default is None else f"{text} = {self.module.text(default)}"

    def _body(self) -> Iterator[str]:
        """Yield the statements that can be copied, then a call of the function for the rest (Rule 2)."""
        is_late = self.module.name in LATE
        for statement in () if is_late else self.function.body[1:]:
            match statement:
                case ast.Return(value=ast.Call() as call) if self._is_simple(call):
                    yield self._return(8, call)
                    return
                case ast.If(test=test, body=[ast.Return(value=ast.Call() as call)], orelse=[]) if self._is_simple(
                    call
                ) and self._asks_parameters_only(test):
                    yield self._question(test)
                    yield self._return(12, call)
                case _:
                    break
        is_hidden = self.module.name in self.parameters  # by a parameter
        module = "commands" if is_late or is_hidden else self.module.name
        name = f"{module}.{self.function.name}"
        if self.function.name in self.module.overloaded:
            yield f"        make: Callable[..., Command[Any]] = {name}"
            name = "make"
        yield bracketed(f"        command = {name}(", [*self._passed_on()], ")")
        yield f"        return self.{self.surface.call}(command.args, command.spec, command.parse)"

    def _question(self, test: ast.expr) -> str:
        """Return the line, or lines, of ``if test:``."""
        if not isinstance(test, ast.BoolOp):
            return condition("        ", [self.module.text(test)], "")
        joint = "and" if isinstance(test.op, ast.And) else "or"
        parts = [self.module.text(part) for part in test.values]
        if any(isinstance(part, ast.BoolOp) for part in test.values):
            raise ValueError(f"{self.module.name}.{self.function.name} mixes and with or")
        return condition("        ", parts, joint)

    def _is_simple(self, call: ast.Call) -> bool:
        """Return whether a call is ``Command(SPEC, ...)`` with only parameters and constants."""
        match call:
            case ast.Call(func=ast.Name("Command"), args=[ast.Name(variable), *rest], keywords=[]):
                return variable in self.module.words and all(self._is_parameter(arg) for arg in rest)
        return False

    def _is_parameter(self, arg: ast.expr) -> bool:
        if isinstance(arg, ast.Starred):
            arg = arg.value
        return isinstance(arg, ast.Constant) or (isinstance(arg, ast.Name) and arg.id in self.parameters)

    def _asks_parameters_only(self, test: ast.expr) -> bool:
        names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
        return all(name in self.parameters or hasattr(builtins, name) for name in names)

    def _return(self, indent: int, call: ast.Call) -> str:
        variable, *rest = call.args
        name = self.module.text(variable)
        self.specs.add(name)
        words = [*(f'"{word}"' for word in self.module.words[name]), *map(self.module.text, rest)]
        args = f"({', '.join(words)}{',' if len(words) == 1 else ''})"
        return f"{' ' * indent}return self.{self.surface.call}({args}, {name})"

    def _passed_on(self) -> Iterable[str]:
        """Yield the arguments that pass all parameters on to the function."""
        arguments = self.function.args
        yield from (argument.arg for argument in self.plain)
        if arguments.vararg:
            yield f"*{arguments.vararg.arg}"
        yield from (f"{argument.arg}={argument.arg}" for argument in arguments.kwonlyargs)
        if arguments.kwarg:
            yield f"**{arguments.kwarg.arg}"


# The package ------------------------------------------------------------------------------------------


def _package(found: list[Module]) -> str:
    """Return the text of ``commands/__init__.py``, which exports every function, and loads its file when it is used."""
    functions = {(f"respool.commands.{m.name}", function.name) for m in found for function in m.functions}
    names = "".join(f'    "{name}",\n' for name in sorted(name for _, name in functions))
    homes = "".join(f'    "{name}": "{home}",\n' for name, home in sorted((name, home) for home, name in functions))
    return f'''{banner(short(SOURCES))}
"""One function per command, which returns the ``Command`` for a call and sends nothing.

    await pool.execute(commands.set("key", "value", ex=60))
    await pool.execute_many([commands.incr("hits"), commands.ttl("key")])

Pools, leases and pipelines have a method of the same name for each; here is the full text. A group of functions is
loaded when one of them is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from respool._facts.errors import UsageError

if TYPE_CHECKING:
{imported(functions, indent=4)}
_HOMES = {{
{homes}}}

__all__ = [
{names}]


if not TYPE_CHECKING:  # a type checker would believe every name

    def __getattr__(name: str) -> Any:
        """Load a function."""
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
        try:
            value = globals()[name] = getattr(import_module(home), name)
        except ImportError:
            if sys.is_finalizing():
                raise UsageError(f"{{name}} was never used, and cannot be loaded while the interpreter ends") from None
            raise
        return value


def __dir__() -> list[str]:
    return sorted({{*globals(), *__all__}})
'''
