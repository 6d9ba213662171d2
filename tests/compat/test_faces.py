"""A face is made of public names of respool: whoever needs another one can write it in the same way."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import respool
import respool.compat

FACES = tuple(sorted(Path(respool.compat.__file__).parent.rglob("*.py")))
ENGINE = tuple(path for path in Path(respool.__file__).parent.rglob("*.py") if path not in FACES)


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(FACES[0].parent)))
def test_a_face_imports_public_names_of_respool_only(path: Path) -> None:
    ours = {name for name in imported(path) if name.split(".")[0] == "respool"}
    elsewhere = {name for name in ours if not name.startswith("respool.compat.")}
    assert [name for name in elsewhere if any(part.startswith("_") for part in name.split("."))] == []


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(FACES[0].parent)))
def test_a_face_touches_no_private_attribute_of_what_respool_made(path: Path) -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and is_private(node.attr)
    }
    assert used & private_names(ENGINE) - private_names(FACES) == set()


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def private_names(paths: tuple[Path, ...]) -> set[str]:
    """Return the private names that files define: attributes, methods, classes and functions."""
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return {name for name in found if is_private(name)}
