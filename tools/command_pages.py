"""Write the documentation's page about each command, and the index of all, when the site is built.

Rule 1: a page has no text of its own. It is made from the function (signature, docstring), the table of facts (lane,
        retries, keys), the examples that the tests run, and the versions in ``command_history.json``.
Rule 2: an example is shown as in a pool with ``encoding="utf-8"``. A value that varies is not shown.
Rule 3: lines of code are at most ``WIDEST`` characters long; a text that is too long for them is shown in part.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import command_history
from layout import bracketed
from surfaces import Module, modules

if TYPE_CHECKING:
    from respool._facts.command import Command, Spec

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = "reference/commands"
#: Where the index stands in reference/commands.md.
MARK: Final = "<!-- the index of commands -->"
WIDEST: Final = 80
#: The longest text that is shown whole.
LONGEST: Final = 48
#: How many examples a page shows at most.
SHOWN: Final = 12

_SITES: Final = {
    "valkey": ("Valkey", "https://valkey.io/commands/{}/"),
    "redis": ("Redis", "https://redis.io/docs/latest/commands/{}/"),
}


class Entry(NamedTuple):
    """What the pages know of one function."""

    module: Module
    name: str
    versions: list[ast.FunctionDef]  # its overloads, or itself
    doc: str
    examples: list[Any]

    @property
    def command(self) -> Command[Any]:
        """The call of the first example."""
        command: Command[Any] = self.examples[0].call.command
        return command

    @property
    def spec(self) -> Spec:
        return self.command.spec

    @property
    def path(self) -> str:
        """The page's address below docs/."""
        return f"{FOLDER}/{self.name}.md"

    @property
    def summary(self) -> str:
        """The first sentence of the text."""
        return re.split(r"(?<=[.:;])\s", self.doc.partition("\n\n")[0].replace("\n", " "))[0].rstrip(".:;")


def entries() -> list[Entry]:
    """Return all functions, by file and name."""
    sys.path[:0] = [path for path in (str(ROOT / "src"), str(ROOT / "tests")) if path not in sys.path]
    from examples import examples

    by_name: dict[str, list[Any]] = {}
    for example in examples():
        by_name.setdefault(example.call.name, []).append(example)
    found = []
    for module in modules():
        for name in dict.fromkeys(function.name for function in module.functions):
            same = [function for function in module.functions if function.name == name]
            doc = inspect.cleandoc(ast.get_docstring(same[-1]) or "")
            found.append(Entry(module, name, same[:-1] or same, doc, by_name[name]))
    return found


def pages() -> dict[str, str]:
    """Return the pages about the commands by their addresses below docs/."""
    history = command_history.read()
    return {entry.path: _page(entry, history.get(entry.spec.name, {})) for entry in entries()}


def index() -> str:
    """Return the tables of all commands, a section for each group."""
    history = command_history.read()
    found = entries()
    parts = []
    for module in dict.fromkeys(entry.module.name for entry in found):
        members = [entry for entry in found if entry.module.name == module]
        rows = [
            f"| [`{entry.name}`](commands/{entry.name}.md) | {entry.spec.name} | {entry.summary} | "
            f"{_since(history, entry, 'valkey')} | {_since(history, entry, 'redis')} |"
            for entry in members
        ]
        head = f"### {_title(module)}\n\n| method | command | | Valkey | Redis |\n| --- | --- | --- | --- | --- |\n"
        parts.append(head + "\n".join(rows))
    return "\n\n".join(parts)


def _since(history: dict[str, Any], entry: Entry, server: str) -> str:
    return str(history.get(entry.spec.name, {}).get(server, {}).get("since", "-"))


def _title(module: str) -> str:
    source = (ROOT / f"src/respool/commands/{module}.py").read_text("utf-8")
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    subject = re.sub(r"^(The c|C)ommands (on|of|for|about) ", "", first).rstrip(".")
    return subject[0].upper() + subject[1:]


# One page ---------------------------------------------------------------------------------------------


def _page(entry: Entry, history: dict[str, Any]) -> str:
    parts = [
        f"# {entry.name}",
        f"{_title(entry.module.name)}: the command **{entry.spec.name}**.",
        _signature(entry),
        entry.doc,
        *_fields(entry),
        _badges(entry, history),
        "## Examples",
        _tabs(entry),
        _table(entry),
        *_words(entry, history),
        "## The same elsewhere",
        _links(entry, history),
    ]
    return "\n\n".join(parts) + "\n"


def _signature(entry: Entry) -> str:
    lines = []
    for function in entry.versions:
        parameters = _parameters(entry.module, function)
        reply = function.returns
        assert isinstance(reply, ast.Subscript)
        lines.append(bracketed(f"{entry.name}(", parameters, f") -> {_typed(ast.unparse(reply.slice))}", width=WIDEST))
    return "```python\n" + "\n".join(lines) + "\n```" + _types(entry)


def _parameters(module: Module, function: ast.FunctionDef) -> list[str]:
    """Return the parameters as they are written, one text for each."""
    source = f"def f({ast.unparse(function.args)}): ..."
    arguments = ast.parse(source).body[0]
    assert isinstance(arguments, ast.FunctionDef)
    found = []
    plain = [*arguments.args.posonlyargs, *arguments.args.args]
    defaults = [None] * (len(plain) - len(arguments.args.defaults)) + list(arguments.args.defaults)
    for argument, default in zip(plain, defaults, strict=True):
        found.append(_parameter(argument, default))
    if arguments.args.vararg:
        found.append(f"*{_parameter(arguments.args.vararg, None)}")
    elif arguments.args.kwonlyargs:
        found.append("*")
    for argument, default in zip(arguments.args.kwonlyargs, arguments.args.kw_defaults, strict=True):
        found.append(_parameter(argument, default))
    if arguments.args.kwarg:
        found.append(f"**{_parameter(arguments.args.kwarg, None)}")
    return found


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    text = ast.unparse(argument)
    return _typed(text if default is None else f"{text} = {ast.unparse(default)}")


def _typed(text: str) -> str:
    """Return a type as a reader of the page sees it: ``T`` is what the pool's encoding makes of text."""
    return re.sub(r"Unpack\[(\w+)\]", r"\1", re.sub(r"\bText\b", "T", text)).replace("'", '"')


def _types(entry: Entry) -> str:
    """Return a line about the names in a signature."""
    used = {node.id for function in entry.versions for node in ast.walk(function) if isinstance(node, ast.Name)}
    told = [f"`{'T' if name == 'Text' else name}` is {_ALIASES[name]}" for name in _ALIASES if name in used]
    own = {name: value for name, value in _own_aliases().items() if name in used and name not in _ALIASES}
    told += [f"`{name}` is `{_typed(value)}`" for name, value in own.items()]
    return f"\n\n{'; '.join(told)} ([types](../commands.md#types-in-the-signatures))." if told else ""


@cache
def _own_aliases() -> dict[str, str]:
    """Return the names that files of commands give to types, with the types."""
    found = {}
    for path in sorted((ROOT / "src/respool/commands").glob("*.py")):
        for node in ast.parse(path.read_bytes()).body:
            match node:
                case ast.AnnAssign(target=ast.Name(name), annotation=ast.Name("TypeAlias"), value=ast.expr() as value):
                    found[name] = ast.unparse(value)
    return found


_ALIASES: Final = {
    "Key": "bytes, str or a number",
    "Value": "bytes, str or a number",
    "MappingOf": "a `Mapping`, also one with narrower types",
    "Duration": "a whole number in the unit named, or a `timedelta`",
    "Moment": "a whole number since 1970, or a `datetime` with a timezone",
    "Vector": "a sequence of floats, or the bytes of 32-bit floats",
    "Text": "`str` where the pool has an encoding, else `bytes`",
}


def _fields(entry: Entry) -> Iterator[str]:
    """Yield the text of the group of options that a function takes as ``**options``."""
    for function in entry.versions[:1]:
        keywords = function.args.kwarg
        named = re.search(r"Unpack\[(\w+)\]", ast.unparse(keywords)) if keywords else None
        if named:
            module = sys.modules[f"respool.commands.{entry.module.name}"]
            yield f"**{named[1]}.** {inspect.getdoc(getattr(module, named[1]))}"


def _badges(entry: Entry, history: dict[str, Any]) -> str:
    spec = entry.spec
    if spec.refusal or spec.effect:
        lane = "leased: it changes its connection, so call it on a lease"
    elif spec.blocking:
        lane = "leased where it blocks, otherwise shared" if "BLOCK" in spec.blocking else "leased: it blocks"
    else:
        lane = "shared"
    retried = "yes, as a read" if spec.safe else "only if it was not written: it may have run"
    named = max((_keys_named(function) for function in entry.versions), key=len)
    keys = (f"`{named}`" if named else "among its arguments") if spec.key_rule else "none"
    varies = any(facts.get("varies") for facts in history.values())
    cacheable = spec.safe and bool(spec.key_rule) and not varies and spec.blocking is None
    return (
        "| lane | sent again after a lost connection | keys | cacheable |\n| --- | --- | --- | --- |\n"
        f"| {lane} | {retried} | {keys} | {'yes' if cacheable else 'no'} |"
    )


def _keys_named(function: ast.FunctionDef) -> str:
    """Return the parameters that are keys."""
    arguments = function.args
    plain = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    types = {each.arg: ast.unparse(each.annotation) for each in plain if each.annotation}
    if arguments.vararg and arguments.vararg.annotation:
        types[f"*{arguments.vararg.arg}"] = ast.unparse(arguments.vararg.annotation)
    named = [name for name, kind in types.items() if kind == "Key"]
    return ", ".join(named or [name for name, kind in types.items() if re.search(r"\bKey\b", kind)])


# Examples ---------------------------------------------------------------------------------------------


def _tabs(entry: Entry) -> str:
    """Return the first example in asyncio, in threads and in a pipeline."""
    example = next((each for each in entry.examples if each.is_made), entry.examples[0])
    on = "lease" if entry.spec.refusal or entry.spec.effect else "pool"
    value = _comment(example)
    tabs = {
        "asyncio": [*_called(f"await {on}.", example), *value],
        "threads": [*_called(f"{on}.", example), *value],
    }
    if on == "pool":
        lines = ["async with pool.pipeline() as p:", *(f"    {line}" for line in _called("result = p.", example))]
        tabs["pipeline"] = [*lines, "result.result()", *value]
    return "\n\n".join(_tab(name, lines) for name, lines in tabs.items())


def _tab(name: str, lines: list[str]) -> str:
    return "\n".join([f'=== "{name}"', "", *(f"    {line}" for line in ("```python", *lines, "```"))])


def _called(on: str, example: Any) -> list[str]:
    return bracketed(f"{on}{example.call.name}(", _arguments(example), ")", width=WIDEST - 8).splitlines()


def _arguments(example: Any) -> list[str]:
    named = [f"{name}={_shown(value)}" for name, value in example.call.options.items()]
    return [*map(_shown, example.call.args), *named]


def _comment(example: Any) -> list[str]:
    shown = _value(example)
    if shown is None:
        return []
    return [f"# {shown}"] if len(shown) < WIDEST - 8 else []


def _value(example: Any) -> str | None:
    """Return a value as source; None where it varies or is not known."""
    if callable(example.value) or not example.is_made:
        return None
    return _shown(_decoded(example.value))


def _decoded(value: Any) -> Any:
    """Return a value as a pool with an encoding returns it."""
    from examples import Blob

    if isinstance(value, Blob):
        return bytes(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {_decoded(key): _decoded(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_decoded, value))
    if isinstance(value, list | tuple | set):
        return type(value)(map(_decoded, value))
    return value


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > LONGEST:
        value = value[:LONGEST] + "..."
    if isinstance(value, set) and value:
        return f"{{{', '.join(sorted(map(_shown, value)))}}}"
    text = re.sub(r"\bdatetime\.(?=datetime|timedelta|timezone)", "", repr(value))
    return text if '"' in text else text.replace("'", '"')


def _table(entry: Entry) -> str:
    """Return the calls of all examples, with what they send and return."""
    rows = []
    for example in entry.examples[:SHOWN]:
        value = _value(example)
        sent = " ".join(_word(arg) for arg in example.call.command.args)
        call = f"{entry.name}({', '.join(_arguments(example))})"
        before = example.given.replace(";", "; ")
        rows.append(f"| {_code(before)} | {_code(call)} | {_code(value or '')} | {_code(sent)} |")
    head = "| before | call | value | sent |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows)


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _word(arg: Any) -> str:
    """Return one word of a command as somebody types it at a prompt."""
    text = arg.decode("latin-1") if isinstance(arg, bytes) else str(arg)
    return text if text and " " not in text and text.isprintable() else repr(text)


def _words(entry: Entry, history: dict[str, Any]) -> Iterator[str]:
    """Yield a table of the options with the versions that brought them."""
    words = dict.fromkeys(word for facts in history.values() for word in facts["words"])
    rows = []
    for word in words:
        since = [history.get(server, {}).get("words", {}).get(word, "-") for server in _SITES]
        option = _option(entry, word)
        if option:
            rows.append(f"| {_code(option)} | {word} | {since[0]} | {since[1]} |")
    if rows:
        yield "## Options"
        yield "| option | word | since Valkey | since Redis |\n| --- | --- | --- | --- |\n" + "\n".join(rows)


def _option(entry: Entry, word: str) -> str:
    """Return the argument that sends a word, as in the simplest example that does."""
    sending = [each for each in entry.examples if word in [str(arg).upper() for arg in each.call.command.args]]
    for example in sorted(sending, key=lambda each: len(each.call.options)):
        for name, value in example.call.options.items():
            if name.upper().replace("_", "-") in {word, word.replace(" ", "-")} or str(value).upper() == word:
                return f"{name}={_shown(value)}"
        for value in example.call.args:
            if isinstance(value, str) and value.upper() == word:
                return _shown(value)
    return ""


def _links(entry: Entry, history: dict[str, Any]) -> str:
    """Return links to the servers' own pages."""
    address = entry.spec.name.lower().replace(" ", "-")
    lines = []
    for server, (title, site) in _SITES.items():
        facts = history.get(server)
        if facts:
            old = f", deprecated since {facts['deprecated']}" if "deprecated" in facts else ""
            lines.append(f"- [{entry.spec.name} of {title}]({site.format(address)}), since {facts['since']}{old}")
    if not lines:
        lines.append(f"- [{entry.spec.name}]({_SITES['redis'][1].format(address)}), a command of a module")
    return "\n".join(lines)
