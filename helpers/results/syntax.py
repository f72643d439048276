"""The syntax of a module: its definitions, its imports, and a normal form of its statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "helpers"
DOTTED = re.compile(rf"{PACKAGE}(\.\w+)+(:\w+)?")
"""The name of a module of `helpers`, or of one of its definitions: "helpers.data.images:load_image"."""

Definition = tuple[str, str]
"""A module and a name in it; the name "" stands for the module's statements that define nothing."""

_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass
class ParsedModule:
    """A parsed module: its definitions, what it imports, and its other statements."""

    name: str
    path: Path
    tree: ast.Module
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    rest: list[ast.stmt] = field(default_factory=list)

    def __post_init__(self) -> None:
        for statement in self.tree.body:
            names = _defined(statement)
            for name in names:
                self.definitions.setdefault(name, []).append(statement)
            if not names and not isinstance(statement, _IMPORTS) and not _is_docstring(statement):
                self.rest.append(statement)

    @property
    def package(self) -> str:
        """The package from which relative imports start."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def imports(self) -> dict[str, Definition]:
        """The definitions imported at the top of the module, by local name."""
        imports: dict[str, Definition] = {}
        for statement in self.tree.body:
            if isinstance(statement, (*_IMPORTS, ast.If, ast.Try)):
                imports |= imports_of(statement, self.package)
        return imports

    @cached_property
    def all_imports(self) -> list[Definition]:
        """Everything that is imported anywhere in the module."""
        named = [text for text in string_literals(self.tree.body) if DOTTED.fullmatch(text)]
        return [*imports_of(self.tree, self.package).values(), *((text.partition(":")[0], "") for text in named)]

    @cached_property
    def lazy(self) -> dict[str, str]:
        """Lazy re-exports of a package: the entries of dictionaries from a name to a module of `helpers`."""
        dictionaries = [node for node in ast.walk(self.tree) if isinstance(node, ast.Dict)]
        pairs = [pair for node in dictionaries for pair in zip(node.keys, node.values, strict=True)]
        return {
            key.value: value.value
            for key, value in pairs
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Constant)
            if isinstance(value.value, str) and DOTTED.fullmatch(value.value)
        }


@cache
def parse(path: Path, _modified: int) -> ast.Module:
    """The syntax tree of a file, parsed once for each time of modification."""
    return ast.parse(path.read_bytes(), filename=str(path))


def statements_of(tree: ast.AST) -> list[ast.stmt]:
    """The statements of a module, or a statement itself."""
    return tree.body if isinstance(tree, ast.Module) else [tree]  # type: ignore[list-item]


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return []
    nodes = [node for target in targets if target is not None for node in ast.walk(target)]
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def imports_of(tree: ast.AST, package: str) -> dict[str, Definition]:
    """The names bound by the imports in some code, each with its module and its name there ("": the module itself)."""
    imports: dict[str, Definition] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    imports[alias.asname or PACKAGE] = (alias.name if alias.asname else PACKAGE, "")
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            if base.split(".")[0] == PACKAGE:
                imports |= {alias.asname or alias.name: (base, alias.name) for alias in node.names}
    return imports


def imported_modules(tree: ast.AST) -> list[str]:
    """The modules of `helpers` in statements such as `import helpers.a.b`."""
    aliases = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [name for name in aliases if name.split(".")[0] == PACKAGE]


def attribute_chain(node: ast.Attribute) -> tuple[str, ...]:
    """The names in `a.b.c`; empty if it does not begin with a name."""
    names: list[str] = []
    expression: ast.expr = node
    while isinstance(expression, ast.Attribute):
        names.append(expression.attr)
        expression = expression.value
    return (expression.id, *reversed(names)) if isinstance(expression, ast.Name) else ()


def root_of(node: ast.expr) -> ast.expr:
    """The expression before the first dot."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def string_literals(trees: Iterable[ast.AST]) -> set[str]:
    """All string literals in some syntax trees."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def normal_form(node: object) -> object:
    """Syntax as nested tuples, without elements that affect no result or differ between Python versions.

    Empty fields are left out (unlike in `ast.dump`), since newer versions have more of them.
    """
    if isinstance(node, list):
        return tuple(normal_form(item) for item in node if not _is_docstring(item) and not isinstance(item, _IMPORTS))
    if isinstance(node, ast.Raise):
        return ("Raise",)  # no stored result raised
    if isinstance(node, ast.AST):
        skipped = {"annotation"} if isinstance(node, ast.arg) else {"returns"}
        fields = [(name, value) for name, value in ast.iter_fields(node) if name not in skipped]
        return (
            type(node).__name__,
            *((n, normal_form(value)) for n, value in fields if value is not None and value != []),
        )
    if isinstance(node, str) and DOTTED.fullmatch(node):
        return ("str", node.partition(":")[2])
    return (type(node).__name__, node)


def _is_docstring(node: object) -> bool:
    """Whether a statement is a string literal and nothing else."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
