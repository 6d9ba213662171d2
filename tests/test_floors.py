"""The floors of docs/explanation/design.md: a file imports only from its own and lower ones, the pure ones stay pure.

Every file of the engine stands in the table below; a new one has to be put there, which is the moment to think about
where it belongs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "respool"

#: Facts: what things are. Machines: what is decided. Shells: sockets, clocks, tasks. Lanes: which connection, and when.
#: Doors: what a user holds. Surfaces: the command methods. Public: names to import.
FLOORS = [
    (0, "facts", "_errors _url _command _command_table events _stats _version _retry _options commands/*"),
    (1, "machines", "_decoding _frames _packing _entries _wire _redial _ledger _handshake _session _batch _out_of_time _pipeline_result"),
    (2, "shells", "_absent _fork _sockets _async/_compat _async/_transport _sync/_compat _sync/_dial _sync/_sockets _sync/_transport"),
    (5, "surfaces", "_async/_commands _sync/_commands _pipeline_commands"),
    (
        3,
        "lanes",
        "_async/_connection _async/_making _async/_node _async/_lease_lane _async/_shared_lane _async/_select _async/_pieces _async/_pipeline _async/_retrying",
    ),
    (3, "lanes", "_sync/_connection _sync/_making _sync/_node _sync/_lease_lane _sync/_shared_lane _sync/_select _sync/_pieces _sync/_pipeline _sync/_retrying"),
    (4, "doors", "_async/_pool _sync/_pool _from_url"),
    (6, "public", "__init__ errors __main__ _async/__init__ _sync/__init__ testing/* _cli/* compat/*"),
]

#: Connections, pipelines and pools inherit their command methods: generated ``def``s over ``_execute``. So the surfaces
#: (5) are imported from below them, and import no more than facts and machines themselves.
SURFACES = 5
LOWEST_OF_SURFACES = 1

#: What floors 0 and 1 must not know: every clock, socket, lock, task and random number comes in as an argument.
IMPURE = {"socket", "ssl", "select", "selectors", "asyncio", "threading", "_thread", "time", "random", "secrets", "os"}
PURE_BUT = {"_options": {"ssl"}}  # an ssl.SSLContext is one of the values an option may have

LINES, FUNCTION_LINES = 450, 70

#: Longer than they should be, and not to grow: the file, its bound, and why it is still one.
LONGER = {
    "_ledger": (680, "one file moves every slot; its housekeeping would be the part to go"),
    "_async/_pool": (560, "mostly docstrings of the public methods"),
    "_sync/_pool": (560, "generated from the one above"),
    "_async/_transport": (480, "the twin of the next one"),
    "_async/_node": (480, "what closing needs would be the part to go"),
    "_sync/_node": (480, "generated from the one above"),
    "_sync/_transport": (720, "leader and followers: one protocol between threads, read as a whole"),
}

GENERATED = ("_async/_commands", "_sync/_commands", "_pipeline_commands")


def files() -> list[str]:
    return sorted(str(path.relative_to(SRC).with_suffix("")) for path in SRC.rglob("*.py"))


def floor_of(name: str) -> tuple[int, str] | None:
    for floor, title, names in FLOORS:
        for entry in names.split():
            if name == entry or (entry.endswith("/*") and name.startswith(entry[:-1])):
                return floor, title
    return None


def tree(name: str) -> ast.Module:
    return ast.parse((SRC / f"{name}.py").read_text("utf-8"))


def imports(name: str) -> Iterator[tuple[int, str]]:
    """Yield line and module of every import that happens at run time, wherever in the file it stands."""

    def walk(node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for part in node.orelse:
                yield from walk(part)
            return
        yield node
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    for node in walk(tree(name)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield node.lineno, inner if as_file(inner) else module


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
def test_every_file_has_a_floor(name: str) -> None:
    assert floor_of(name) is not None, f"put {name} into the table of this test"


def test_the_table_names_no_file_that_is_gone() -> None:
    there = files()
    for _, _, names in FLOORS:
        for entry in names.split():
            if not entry.endswith("/*"):
                assert entry in there, f"{entry} is gone"
    assert set(LONGER) <= set(there)


@pytest.mark.parametrize("name", files())
def test_a_file_imports_only_from_its_own_floor_and_lower_ones(name: str) -> None:
    own = floor_of(name)
    assert own is not None
    limit = LOWEST_OF_SURFACES if own[0] == SURFACES else own[0]
    for line, module in imports(name):
        target = as_file(module)
        theirs = floor_of(target) if target else None
        if theirs is None or (theirs[0] == SURFACES and own[0] >= 3):
            continue
        assert theirs[0] <= limit, f"{name}:{line} ({own[1]}) imports {module} ({theirs[1]})"


@pytest.mark.parametrize("name", [name for name in files() if name.startswith(("_async/", "_sync/"))])
def test_the_two_worlds_do_not_know_each_other(name: str) -> None:
    other = "respool._sync" if name.startswith("_async/") else "respool._async"
    assert not [module for _, module in imports(name) if module.startswith(other)]


@pytest.mark.parametrize("name", [name for name in files() if (floor_of(name) or (9,))[0] <= 1])
def test_facts_and_machines_are_pure(name: str) -> None:
    allowed = PURE_BUT.get(name, set())
    for line, module in imports(name):
        assert module.split(".")[0] not in IMPURE - allowed, f"{name}:{line} imports {module}"


@pytest.mark.parametrize("name", [name for name in files() if (floor_of(name) or (9,))[0] <= 4])
def test_no_file_of_the_engine_is_too_long(name: str) -> None:
    count = len((SRC / f"{name}.py").read_text("utf-8").splitlines())
    bound, _ = LONGER.get(name, (LINES, ""))
    assert count <= bound, f"{name} has {count} lines, {bound} are enough"


def test_what_became_short_enough_leaves_the_list() -> None:
    for name in LONGER:
        assert len((SRC / f"{name}.py").read_text("utf-8").splitlines()) > LINES, f"{name} needs no exception any more"


@pytest.mark.parametrize("name", [name for name in files() if name not in GENERATED])
def test_no_function_is_too_long(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or 0) - node.lineno + 1
            assert count <= FUNCTION_LINES, f"{name}:{node.lineno}: {node.name} has {count} lines"
