"""A face is made of public names of respool: whoever needs another one can write it in the same way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import respool.compat

FACES = sorted(Path(respool.compat.__file__).parent.rglob("*.py"))


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
    allowed = own_private_names()
    used = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__")
    }
    assert used - allowed == set()


def own_private_names() -> set[str]:
    """Return the private names that the faces themselves define: attributes, methods, classes and functions."""
    found: set[str] = set()
    for path in FACES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found
