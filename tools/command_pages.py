"""Write the documentation's page about each command, and the index of all, when the site is built.

Rule 1: a page has no text of its own. It is made from the function (signature, docstring), the table of facts (lane,
        retries, keys), the examples that the tests run, and the versions in ``command_history.json``. Two tables here
        add what none of these says: ``_ANY_TYPE`` (a test asks a server) and ``_REDIS_PY``.
Rule 2: an example is shown as in a pool with ``encoding="utf-8"``. A value that varies is not shown.
Rule 3: lines of code are at most ``WIDEST`` characters long; a text that is too long for them is shown in part.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
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
#: How many lines a value or a preparation has at most, beside a call.
TALLEST: Final = 6

_SITES: Final = {
    "valkey": ("Valkey", "https://valkey.io/commands/{}/"),
    "redis": ("Redis", "https://redis.io/docs/latest/commands/{}/"),
}


#: Groups of commands whose keys hold one type.
_OF_ONE_TYPE: Final = frozenset(
    "bitmaps consumer_groups geo hashes hyperloglog lists sets sorted_sets streams strings".split()
)
#: Commands in these groups that take a key of another type differently.
_ANY_TYPE: Final = {
    **dict.fromkeys(("mset", "msetex", "psetex", "setex"), "What a key holds is replaced, of whatever type."),
    **dict.fromkeys(("msetnx", "setnx"), "A key exists for it, whatever type it holds."),
    "lcs": "Raises [`ServerError`](../errors.md) where a key holds another type.",
    "mget": "For a key that holds another type it returns None.",
    "set": "What the key holds is replaced, of whatever type. With ``get`` or a value to compare, it must be a string: "
    "otherwise it raises [`WrongType`](../errors.md).",
}

#: How a call of redis-py differs, where it does.
_REDIS_PY: Final = {
    **dict.fromkeys(("blpop", "brpop", "bzpopmin", "bzpopmax"), "`{name}(keys, timeout=0)`: the keys are a list"),
    **dict.fromkeys(
        ("eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro"),
        "`{name}(..., numkeys, *keys_and_args)`: the number of keys, then keys and arguments in a row",
    ),
    **dict.fromkeys(("lmpop", "zmpop"), "`{name}(num_keys, ...)`: the number of keys is an argument"),
    **dict.fromkeys(("blmpop", "bzmpop"), "`{name}(timeout, numkeys, ...)`: timeout and number of keys come first"),
    **dict.fromkeys(("sintercard", "zintercard"), "`{name}(numkeys, keys, limit=0)`: the number of keys, and a list"),
    **dict.fromkeys(
        ("zunionstore", "zinterstore"), "`{name}(dest, keys, aggregate=None)`: a list, or a dict of keys to weights"
    ),
    **dict.fromkeys(
        ("zunion", "zinter"), "`{name}(keys, aggregate=None, withscores=False)`: a list, or a dict of keys to weights"
    ),
    "zdiff": "`zdiff(keys, withscores=False)`: the keys are a list",
    "zdiffstore": "`zdiffstore(dest, keys)`: the keys are a list",
    "zmscore": "`zmscore(key, members)`: the members are a list",
    "zrange": "`zrange(name, start, end, desc=, byscore=, bylex=, offset=, num=)`: here `rev=`, `by=` and `limit=`",
    "zrangestore": (
        "`zrangestore(dest, name, start, end, byscore=, bylex=, desc=, offset=, num=)`: here `by=`, `rev=` and `limit=`"
    ),
    **dict.fromkeys(
        ("zrangebyscore", "zrevrangebyscore", "zrangebylex", "zrevrangebylex"),
        "`{name}(..., start=, num=)`: here `limit=(start, num)`",
    ),
    **dict.fromkeys(("sort", "sort_ro"), "`{name}(name, start=, num=)`: here `limit=(start, num)`"),
    **dict.fromkeys(("xadd", "xtrim"), "`approximate=True` is the default; here trimming is exact by default"),
    "xreadgroup": "`xreadgroup(groupname, consumername, streams, ...)`: the reply is a list of lists; here a dict",
    "xread": "`xread(streams, ...)`: the reply is a list of lists; here a dict",
    "xclaim": "`xclaim(name, groupname, consumername, min_idle_time, message_ids)`: the ids are a list",
    "xpending": "`xpending_range(name, groupname, min, max, count)` lists the entries; here `xpending` does both",
    "set": "`set(name, value, ...)` returns True or None; here True or False",
    "hset": "`hset(name, key, value, mapping, items)`: here there is no `items`",
    "hsetex": "`hsetex(name, key, value, mapping, items, ...)`: here a mapping alone",
    "geosearch": "`geosearch(name, longitude=, latitude=, width=, height=)`: here `lonlat=` and `box=` are pairs",
    "geosearchstore": "`longitude=, latitude=, width=, height=`: here `lonlat=` and `box=` are pairs",
    "geoadd": "`geoadd(name, values)`: the values are a flat list; here a mapping of members to positions",
    "scan": "`scan(cursor, match, count, _type)`: here `type=`; `scan_iter` goes through all pages",
    "lmove": "`lmove(first_list, second_list, src=, dest=)`: the sides have defaults",
    "blmove": "`blmove(first_list, second_list, timeout, src=, dest=)`: the timeout is the third argument",
    "bitfield": "`bitfield(key)` is a builder; here the steps are tuples",
    "client_kill": "`client_kill_filter(_id=, _type=, ...)`; there `client_kill` takes an address: here `addr=`",
    "lastsave": "the reply is a naive local time; here a `datetime` in UTC",
    "time": "the reply is a tuple of seconds and microseconds; here a `datetime` in UTC",
    "config_set": "`config_set(name, value)`: here a mapping of names to values",
    "acl_setuser": "`acl_setuser(username, enabled=, passwords=, ...)`: here the rules are the server's own words",
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
    subject = re.sub(r"^(The c|C)ommands (on|of|for|about) ", "", first).rstrip(".").partition(":")[0]
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
        *_wrong_type(entry),
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
    """Return lines about the names in a signature."""
    signatures = [node for function in entry.versions for node in (function.args, function.returns) if node]
    used = {node.id for each in signatures for node in ast.walk(each) if isinstance(node, ast.Name)}
    meanings: dict[str, list[str]] = {}
    for name, meaning in _ALIASES.items():
        if name in used:
            meanings.setdefault(meaning, []).append(f"`{'T' if name == 'Text' else name}`")
    told = [f"{' and '.join(names)} {'are' if names[1:] else 'is'} {meaning}" for meaning, names in meanings.items()]
    own = {name: value for name, value in _own_aliases().items() if name in used and name not in _ALIASES}
    told += [f"`{name}` is `{_typed(value)}`" for name, value in own.items()]
    lines = f"\n\n{'; '.join(told)} ([types](../commands.md#types-in-the-signatures))." if told else ""
    records = [f"`{name}` has {_listed(fields)}" for name, fields in _records().items() if name in used]
    return lines + (f"\n\n{'; '.join(records)} ([records](../commands.md#records))." if records else "")


def _records() -> dict[str, tuple[str, ...]]:
    """Return the fields of the records in replies."""
    from respool import types

    return {name: kind._fields for name, kind in vars(types).items() if hasattr(kind, "_fields")}


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if quoted[1:] else quoted[0]


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


def _wrong_type(entry: Entry) -> Iterator[str]:
    """Yield what a call does with a key that holds another type."""
    if raises_wrong_type(entry):
        key = "a key that it reads" if replaces(entry) else "a key"
        yield f"Raises [`WrongType`](../errors.md) where {key} holds another type."
    elif entry.name in _ANY_TYPE:
        yield _ANY_TYPE[entry.name]


def raises_wrong_type(entry: Entry) -> bool:
    return entry.module.name in _OF_ONE_TYPE and bool(entry.spec.key_rule) and entry.name not in _ANY_TYPE


def replaces(entry: Entry) -> bool:
    """Whether a command writes its result to its first key, whatever that holds."""
    return entry.name.endswith("store") or entry.name == "bitop"


# Examples ---------------------------------------------------------------------------------------------


def _tabs(entry: Entry) -> str:
    """Return the first example in asyncio, in threads and in a pipeline, after what was sent before."""
    example = next((each for each in entry.examples if each.is_made), entry.examples[0])
    on = "lease" if entry.spec.refusal or entry.spec.effect else "pool"
    before, value = _before(example), _comment(example)
    tabs = {
        "asyncio": [*before, *_called(f"await {on}.", example), *value],
        "threads": [*before, *_called(f"{on}.", example), *value],
    }
    if on == "pool":
        lines = ["async with pool.pipeline() as p:", *(f"    {line}" for line in _called("result = p.", example))]
        tabs["pipeline"] = [*before, *lines, "result.result()", *value]
    return "\n\n".join(_tab(name, lines) for name, lines in tabs.items())


def _before(example: Any) -> list[str]:
    """Return the commands that an example needs, as comments."""
    given = example.given.split(";") if example.given else []
    lines = [line for command in given for line in _wrapped(command, "# ")]
    return lines if len(lines) <= TALLEST else []


def _wrapped(text: str, head: str) -> list[str]:
    """Return a text as comments; nothing where it does not fit."""
    lines = textwrap.wrap(text, WIDEST - 8 - len(head), break_long_words=False, break_on_hyphens=False)
    fits = len(lines) <= TALLEST and all(len(line) <= WIDEST - 8 - len(head) for line in lines)
    return [head + lines[0], *(f"#{' ' * (len(head) - 1)}{line}" for line in lines[1:])] if lines and fits else []


def _tab(name: str, lines: list[str]) -> str:
    return "\n".join([f'=== "{name}"', "", *(f"    {line}" for line in ("```python", *lines, "```"))])


def _called(on: str, example: Any) -> list[str]:
    return bracketed(f"{on}{example.call.name}(", _arguments(example), ")", width=WIDEST - 8).splitlines()


def _arguments(example: Any) -> list[str]:
    named = [f"{name}={_shown(value)}" for name, value in example.call.options.items()]
    return [*map(_shown, example.call.args), *named]


def _comment(example: Any) -> list[str]:
    shown = _value(example)
    return [] if shown is None else _wrapped(shown, "# -> ")


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
    """Return the calls of all examples, with what they send and return; above it what most of them need before."""
    examples = entry.examples[:SHOWN]
    counted = Counter(example.given for example in examples if example.given).most_common(1)
    shared = counted[0][0] if counted and counted[0][1] > 1 else ""
    has_column = any(example.given != shared for example in examples)
    rows = []
    for example in examples:
        sent = " ".join(_word(arg) for arg in example.call.command.args)
        call = f"{entry.name}({', '.join(_arguments(example))})"
        cells = [_code(call), _code(_value(example) or ""), _code(sent)]
        if has_column:
            nothing = "nothing" if shared else ""
            cells.insert(0, "" if example.given == shared else _code(_in_a_row(example.given)) or nothing)
        rows.append(f"| {' | '.join(cells)} |")
    head = "| call | value | sent |\n| --- | --- | --- |\n"
    if has_column:
        head = "| before | call | value | sent |\n| --- | --- | --- | --- |\n"
    unless = ", where the column *before* is empty" if has_column else ""
    above = f"Before each call{unless}: {_code(_in_a_row(shared))}\n\n" if shared else ""
    return above + head + "\n".join(rows)


def _in_a_row(given: str) -> str:
    return given.replace(";", "; ")


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def _word(arg: Any) -> str:
    """Return one word of a command as somebody types it at a prompt."""
    text = arg.decode("latin-1") if isinstance(arg, bytes) else str(arg)
    return text if text and " " not in text and text.isprintable() else repr(text)


def _words(entry: Entry, history: dict[str, Any]) -> Iterator[str]:
    """Yield a table of the options, each with its words and the versions that brought them."""
    options: dict[str, dict[str, str]] = {}  # the words of each option, with the value that sends them
    for word in dict.fromkeys(word for facts in history.values() for word in facts["words"]):
        name, value = _option(entry, word)
        if value:
            options.setdefault(name, {})[word] = value
    rows = []
    for name, sent in options.items():
        words = sorted(sent, key=lambda word: word != _word_of(name))
        values = dict.fromkeys(sent[word] for word in words[len(words) > 1 and words[0] == _word_of(name) :])
        since = [_since_each(history.get(server, {}).get("words", {}), words) for server in _SITES]
        option = f"{name}={' | '.join(values)}"
        rows.append(f"| {_code(option)} | {', '.join(words)} | {since[0]} | {since[1]} |")
    if rows:
        yield "## Options"
        yield "| option | words | since Valkey | since Redis |\n| --- | --- | --- | --- |\n" + "\n".join(rows)


def _word_of(name: str) -> str:
    return name.upper().replace("_", "-")


def _since_each(versions: dict[str, str], words: list[str]) -> str:
    """Return since when a server knows the first of the words; in brackets, those since another version."""
    first = versions.get(words[0], "-")
    others: dict[str, list[str]] = {}
    for word in words[1:]:
        others.setdefault(versions.get(word, "-"), []).append(word)
    others.pop(first, None)
    rest = "; ".join(f"{version}: {', '.join(names)}" for version, names in others.items())
    return f"{first} ({rest})" if rest else first


def _option(entry: Entry, word: str) -> tuple[str, str]:
    """Return the argument that sends a word, and its value, as in the simplest example that does."""
    sending = [each for each in entry.examples if word in [str(arg).upper() for arg in each.call.command.args]]
    for example in sorted(sending, key=_complexity):
        named = example.call.options.items()
        for name, value in named:
            if _word_of(name) in {word, word.replace(" ", "-")}:
                return name, _shown(value)
        for name, value in named:
            if _sends(name, value, word) or (str(value).upper() == word and name in _choices(entry)):
                return name, _shown(value)
        plain = [argument.arg for argument in entry.versions[-1].args.args]
        for name, value in zip(plain, example.call.args, strict=False):
            if str(value).upper() == word and name in _choices(entry):
                return name, _shown(value)
    return "", ""


def _complexity(example: Any) -> tuple[bool, int, int]:
    options = example.call.options
    has_times = any(isinstance(value, datetime | timedelta) for value in options.values())
    return has_times, len(options), len(str(options))


def _sends(name: str, value: Any, word: str) -> bool:
    """Whether an option sends a word that is its name with a part before it, or with its value."""
    upper = name.upper()
    return word in {f"FROM{upper}", f"BY{upper}", f"{upper}{str(value).upper()}"} or (
        value is False and word == f"NO{upper}"
    )


def _choices(entry: Entry) -> set[str]:
    """Return the parameters that take one of several words."""
    types: dict[str, str] = {}
    for function in entry.versions:
        arguments = function.args
        for each in (*arguments.args, *arguments.kwonlyargs):
            if each.annotation:
                types[each.arg] = f"{types.get(each.arg, '')} {ast.unparse(each.annotation)}"
        group = re.search(r"Unpack\[(\w+)\]", ast.unparse(arguments.kwarg)) if arguments.kwarg else None
        if group:
            module = sys.modules[f"respool.commands.{entry.module.name}"]
            types |= {name: str(kind) for name, kind in getattr(module, group[1]).__annotations__.items()}
    aliases = _own_aliases()
    return {
        name
        for name, kind in types.items()
        if any("Literal" in aliases.get(part, part) for part in re.findall(r"\w+", kind))
    }


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
    if entry.name in _REDIS_PY:
        lines.append(f"- redis-py differs: {_REDIS_PY[entry.name].format(name=entry.name)}")
    return "\n".join(lines)
