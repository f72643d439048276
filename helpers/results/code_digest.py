"""A digest of code that changes when its meaning may have changed, and not with its words."""

from __future__ import annotations

import ast
import hashlib
import importlib
from pathlib import Path
from types import ModuleType


def code_digest(*modules: ModuleType | str) -> str:
    """SHA-256 over what modules say to Python: comments, docstrings and layout do not count.

    Stored results carry it, so that a change of the method throws them away, and an edit of its docstring does not.
    Imports are not followed: name every module that the result depends on.

    Args:
        modules: modules or their names; a package stands for all the modules in it. Their order does not matter.

    Raises:
        ValueError: none is given, or one has no Python source.
    """
    if not modules:
        raise ValueError("code_digest needs at least one module, such as code_digest('helpers.methods.rde')")
    sources: dict[str, Path] = {}
    for module in modules:
        sources.update(_source_files(importlib.import_module(module) if isinstance(module, str) else module))
    digest = hashlib.sha256()
    for name in sorted(sources):
        tree = ast.parse(sources[name].read_bytes())
        digest.update(f"{name}\n{_meaning(tree)!r}\n".encode())
    return digest.hexdigest()


def _source_files(module: ModuleType) -> dict[str, Path]:
    """The Python files of a module or package, by dotted name."""
    file = getattr(module, "__file__", None)
    folders = [Path(folder) for folder in getattr(module, "__path__", [])]
    if not folders:
        if file is None or not file.endswith(".py"):
            raise ValueError(f"{module.__name__} has no Python source, so its changes cannot be seen")
        return {module.__name__: Path(file)}
    return {
        ".".join([module.__name__, *path.relative_to(folder).with_suffix("").parts]): path
        for folder in folders
        for path in folder.rglob("*.py")
    }


def _meaning(node: object) -> object:
    """The syntax tree as nested tuples, without docstrings and without what differs between Python versions.

    `ast.dump` prints empty fields, and newer versions have more of these: here they are left out.
    """
    if isinstance(node, list):
        return tuple(_meaning(item) for item in node if not _is_bare_text(item))
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
        return (type(node).__name__, *((name, _meaning(value)) for name, value in fields))
    return (type(node).__name__, node)


def _is_bare_text(node: object) -> bool:
    """Whether a statement is a text that nobody uses: a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
