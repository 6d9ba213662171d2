"""The floors of docs/explanation/design.md are folders: a file imports only from its own folder and lower floors.

A new file in the right folder needs no line here. Nothing imports in a circle, not even for type checkers.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "respool"

#: The floor of each folder; files at the root are what users import.
FLOORS = {
    "_facts": 0,
    "commands": 1,
    "_protocol": 1,
    "_pooling": 1,
    "_routing": 1,
    "_shell": 2,
    "_async/shell": 2,
    "_sync/shell": 2,
    "_async/node": 3,
    "_sync/node": 3,
    "_async/routing": 3,
    "_sync/routing": 3,
    "_async": 4,
    "_sync": 4,
    "_surfaces": 5,
    "testing": 6,
    "compat": 6,
    "compat/aioredis": 6,
    "compat/pyredis": 6,
    "compat/pyredis/_async": 6,
    "compat/pyredis/_sync": 6,
    "compat/redis": 6,
    "compat/coredis": 6,
    "contrib": 6,
    "_cli": 6,
    "": 6,
}
#: Folders of one floor know nothing of each other, except these: the first may import from the second.
NEIGHBOURS = {
    ("_routing", "_protocol"),
    ("_async/shell", "_shell"),
    ("_sync/shell", "_shell"),
    ("_async/routing", "_async/node"),
    ("_sync/routing", "_sync/node"),
    ("_cli", "testing"),
    ("_cli", ""),
    ("testing", ""),
    ("compat", ""),
    ("compat/aioredis", ""),
    ("compat/pyredis", ""),
    ("compat/pyredis", "compat/pyredis/_async"),
    ("compat/pyredis", "compat/pyredis/_sync"),
    ("compat/pyredis/_async", ""),
    ("compat/pyredis/_async", "compat/pyredis"),
    ("compat/pyredis/_sync", ""),
    ("compat/pyredis/_sync", "compat/pyredis"),
    ("compat/redis", ""),
    ("compat/coredis", ""),
    ("contrib", "compat/redis"),
    ("", "_cli"),
}
#: Connections, pipelines and pools inherit their command methods: generated ``def``s over ``_execute``. So the surfaces
#: (5) are imported from floor 3 on, and import nothing above floor 1 themselves.
SURFACES = "_surfaces"

#: What floors 0 and 1 must not know: every clock, socket, lock, task and random number comes in as an argument.
IMPURE = {"socket", "ssl", "select", "selectors", "asyncio", "threading", "_thread", "time", "random", "secrets", "os"}
PURE_BUT = {"_facts/options": {"ssl"}, "_facts/option_types": {"ssl"}}  # an ssl.SSLContext is one of the values an option may have

LINES, FUNCTION_LINES = 450, 70

#: Generated, with a line for each command.
GENERATED = "commands/__init__"
#: Longer than they should be, and not to grow: the file, its bound, and why it is still one.
LONGER = {
    "_async/door": (464, "the public API that all kinds of pool share: half of the lines are signatures and docstrings"),
    "_sync/door": (464, "the public API that all kinds of pool share: half of the lines are signatures and docstrings"),
    "_async/shell/transport": (534, "one connected socket: sending, receiving, silence and the end share all of its state"),
    "_sync/shell/transport": (899, "leader and followers: one protocol between threads, read as a whole"),
    "commands/strings": (490, "one group of the manual: many short functions, whose signatures and docstrings are long"),
    "commands/sorted_sets": (705, "35 commands, one function each: half of the lines are signatures and overloads"),
    "commands/geo": (625, "the four searches that are older than GEOSEARCH: half of the lines are signatures and overloads"),
}


def files() -> list[str]:
    return sorted(str(path.relative_to(SRC).with_suffix("")) for path in SRC.rglob("*.py"))


def folder_of(name: str) -> str:
    return name.rpartition("/")[0]


def floor_of(name: str) -> int:
    return FLOORS[folder_of(name)]


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((SRC / f"{name}.py").read_text("utf-8"))


@cache
def imports(name: str, *, for_checkers: bool = False) -> list[tuple[int, str]]:
    """Return line and module of every import that happens at run time, wherever in the file it stands.

    ``for_checkers``: those under ``if TYPE_CHECKING`` as well.
    """

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not for_checkers:
            for part in node.orelse:
                yield from walk(part)
            return
        yield node
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    found: list[tuple[int, str]] = []
    for node in walk(tree(name)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                found.append((node.lineno, inner if as_file(inner) else module))
    return found


@cache
def as_file(module: str) -> str | None:
    """Return the file of a module of ours, or None."""
    if module.split(".")[0] != "respool":
        return None
    inner = "/".join(module.split(".")[1:])
    for name in (inner, f"{inner}/__init__".lstrip("/")):
        if name and (SRC / f"{name}.py").exists():
            return name
    return None


@pytest.mark.parametrize("name", files())
def test_every_file_stands_on_a_floor(name: str) -> None:
    assert folder_of(name) in FLOORS, f"{name} stands in a folder without a floor"


@pytest.mark.parametrize("name", files())
def test_a_module_in_a_private_package_has_a_plain_name(name: str) -> None:
    folder, _, own = name.rpartition("/")
    if folder.startswith("_"):
        assert not own.startswith("_") or own == "__init__"
    elif not folder:
        assert not own.startswith("_") or own in ("__init__", "__main__"), "the root holds what users import"


@pytest.mark.parametrize("name", files())
def test_a_file_imports_only_from_its_own_folder_and_lower_floors(name: str) -> None:
    own = folder_of(name)
    for line, module in imports(name):
        target = as_file(module)
        if target is None or folder_of(target) == own:
            continue
        theirs = folder_of(target)
        if theirs == SURFACES:
            is_allowed = FLOORS[own] >= 3
        elif own == SURFACES:
            is_allowed = FLOORS[theirs] <= 1
        else:
            is_allowed = FLOORS[theirs] < FLOORS[own] or (own, theirs) in NEIGHBOURS
        assert is_allowed, f"{name}:{line} imports {module}"


def test_nothing_imports_in_a_circle() -> None:
    known = {name: {as_file(module) for _, module in imports(name, for_checkers=True)} for name in files()}
    known["__init__"] = set()  # it loads names when they are first used
    while leaves := [name for name, wanted in known.items() if not wanted & (known.keys() - {name})]:
        for name in leaves:
            del known[name]
    assert not known, f"these import each other, or what does: {', '.join(known)}"


@pytest.mark.parametrize("name", [name for name in files() if name.startswith(("_async/", "_sync/"))])
def test_the_two_worlds_do_not_know_each_other(name: str) -> None:
    other = "respool._sync" if name.startswith("_async/") else "respool._async"
    assert not [module for _, module in imports(name) if module.startswith(other)]


@pytest.mark.parametrize("name", [name for name in files() if floor_of(name) <= 1])
def test_facts_and_machines_are_pure(name: str) -> None:
    allowed = PURE_BUT.get(name, set())
    for line, module in imports(name):
        assert module.split(".")[0] not in IMPURE - allowed, f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", [name for name in files() if floor_of(name) <= 4 and name != GENERATED])
def test_no_file_of_the_engine_is_too_long(name: str) -> None:
    count = len((SRC / f"{name}.py").read_text("utf-8").splitlines())
    bound, _ = LONGER.get(name, (LINES, ""))
    assert count <= bound, f"{name} has {count} lines, {bound} are enough"


@pytest.mark.parametrize("name", LONGER)
def test_what_became_short_enough_leaves_the_list(name: str) -> None:
    assert len((SRC / f"{name}.py").read_text("utf-8").splitlines()) > LINES, f"{name} needs no exception any more"


@pytest.mark.parametrize("name", [name for name in files() if folder_of(name) != SURFACES])
def test_no_function_is_too_long(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or 0) - node.lineno + 1
            assert count <= FUNCTION_LINES, f"{name}:{node.lineno}: {node.name} has {count} lines"
