"""Which modules of `helpers` a piece of code imports, and what those import: read off the syntax, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PACKAGE = "helpers"


def imported_names(tree: ast.Module, package: str = "") -> set[str]:
    """Dotted names under `helpers` that the code may import, anywhere in it.

    `from helpers.methods.rde import options` gives `helpers.methods.rde` and `helpers.methods.rde.options`, since the syntax does not tell a
    module from a function; a string that reads like a module's name counts as well (`importlib`).

    Args:
        tree: the code.
        package: the package that the code lives in, for relative imports.
    """
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parent, *([node.module] if node.module else [])])
            names.update([base, *(f"{base}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names.add(node.value)
    return {name for name in names if name == PACKAGE or name.startswith(PACKAGE + ".")}


def module_files(name: str, root: Path) -> list[tuple[str, Path]]:
    """The files that importing `name` runs: each package on the way and the module itself, with their packages."""
    files: list[tuple[str, Path]] = []
    folder, package = root, ""
    for part in name.split("."):
        folder, parent, package = folder / part, package, f"{package}.{part}".strip(".")
        if (folder / "__init__.py").is_file():
            files.append((package, folder / "__init__.py"))
        elif folder.with_suffix(".py").is_file():
            return [*files, (parent, folder.with_suffix(".py"))]
    return files


@lru_cache
def _parse(path: Path, _modified: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def parse_module(path: Path) -> ast.Module:
    """The syntax tree of a module, parsed once for each of its versions."""
    return _parse(path, path.stat().st_mtime_ns)


def module_closure(names: Iterable[str], root: Path) -> set[Path]:
    """The files of `helpers` that importing `names` reads, directly or through each other."""
    found: set[Path] = set()
    waiting = list(names)
    while waiting:
        for package, path in module_files(waiting.pop(), root):
            if path not in found:
                found.add(path)
                waiting.extend(imported_names(parse_module(path), package))
    return found
