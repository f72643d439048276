"""Which code a result depends on: the definitions that its own code reaches, read off the syntax; nothing is run.

A definition is a function, a class or a constant at the top of a module of `helpers`. It reaches those whose names
stand in it, wherever they are defined, and these reach others: a class with all of its methods, a function with the
classes that its annotations name. One finder serves pages, tables and stored masks.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from helpers.core.files import ROOT

PACKAGE = "helpers"
_DOTTED = re.compile(rf"{PACKAGE}(\.\w+)+(:\w+)?")
_MARKS = (ast.Import, ast.ImportFrom)

Definition = tuple[str, str]
"""A module and a name in it; the name "" stands for what the module does besides defining something."""


class CodeFinder:
    """The definitions of `helpers` below a folder.

    Args:
        root: the folder that holds `helpers/`.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._modules: dict[str, _Module | None] = {}
        self._direct: dict[Definition, frozenset[Definition]] = {}

    def reached(self, roots: Iterable[Definition | str], without: Sequence[str] = ()) -> frozenset[Definition]:
        """All definitions that some roots reach, themselves included.

        Args:
            roots: definitions, or modules by name, which stand for all of their definitions.
            without: modules and packages that do not count, nor what only they reach.

        Raises:
            ValueError: a root does not exist.
        """
        waiting: list[Definition] = []
        for root in roots:
            found = self._all_of(root) if isinstance(root, str) else self._resolve(*root)
            if not found:
                raise ValueError(f"there is no {root if isinstance(root, str) else ':'.join(root)} in {self.root}")
            waiting += found
        seen: set[Definition] = set()
        while waiting:
            definition = waiting.pop()
            if definition not in seen and not _is_below(definition[0], without):
                seen.add(definition)
                waiting += self._reached_directly(definition)
        return frozenset(seen)

    def reached_by(self, trees: Iterable[ast.AST]) -> frozenset[Definition]:
        """All definitions that some code outside of `helpers` reaches, such as the cells of a page."""
        cells = _Module("", Path(), ast.Module([statement for tree in trees for statement in _body(tree)], []))
        direct = {d for statement in cells.tree.body for d in self._references(cells, statement)}
        return self.reached(definition for definition in direct if definition[0])

    def digest(self, definitions: Iterable[Definition]) -> str:
        """SHA-256 over what definitions say to Python.

        Comments, docstrings, layout, annotations of arguments, the texts of raised errors, imports and the names of
        modules do not count: moving a module, or rewording an error, changes nothing.
        """
        return hashlib.sha256("\n".join(sorted(map(self._meaning, definitions))).encode()).hexdigest()

    def module_digests(self, definitions: Iterable[Definition]) -> dict[str, str]:
        """A short digest of the reached part of each module, by the module's name: to say where a change was."""
        parts: dict[str, list[Definition]] = defaultdict(list)
        for definition in definitions:
            parts[definition[0]].append(definition)
        return {module: self.digest(parts[module])[:12] for module in sorted(parts)}

    def files(self, definitions: Iterable[Definition]) -> set[Path]:
        """The files in which definitions stand."""
        modules = (self._module(name) for name in {module for module, _ in definitions})
        return {module.path for module in modules if module is not None}

    def strings(self, definitions: Iterable[Definition]) -> set[str]:
        """All texts in the code of definitions, docstrings aside."""
        return {text for definition in definitions for text in _texts(self._statements(definition))}

    def imported_files(self, names: Iterable[str]) -> set[Path]:
        """The files that importing some modules runs: a superset of where definitions can come from."""
        found: dict[Path, None] = {}
        waiting = list(names)
        while waiting:
            parts = waiting.pop().split(".")
            for length in range(1, len(parts) + 1):
                module = self._module(".".join(parts[:length]))
                if module is not None and module.path not in found:
                    found[module.path] = None
                    waiting += [f"{owner}.{name}" if name else owner for owner, name in module.all_imports]
        return set(found)

    def files_imported_by(self, trees: Iterable[ast.AST]) -> set[Path]:
        """The files that the imports of some code outside of `helpers` run."""
        cells = ast.Module([statement for tree in trees for statement in _body(tree)], [])
        names = [f"{owner}.{name}" if name else owner for owner, name in _imports(cells, "").values()]
        return self.imported_files([*names, *_imported_modules(cells), *filter(_DOTTED.fullmatch, _texts(cells.body))])

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            base = self.root.joinpath(*name.split("."))
            paths = [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
            self._modules[name] = (
                _Module(name, paths[0], _parse(paths[0], paths[0].stat().st_mtime_ns)) if paths else None
            )
        return self._modules[name]

    def _all_of(self, module: str) -> list[Definition]:
        found = self._module(module)
        return [] if found is None else [(module, name) for name in ("", *found.definitions)]

    def _resolve(self, module: str, name: str) -> list[Definition]:
        """Where a name of a module is defined, followed through imports; all of a submodule where it is one."""
        found = self._module(module)
        if found is None:
            return []
        if name in found.definitions:
            return [(module, name)]
        if name in found.imports:
            owner, original = found.imports[name]
            return self._resolve(owner, original) if original else self._all_of(owner)
        if name in found.lazy:
            return self._resolve(found.lazy[name], name)
        return self._all_of(f"{module}.{name}")

    def _reached_directly(self, definition: Definition) -> frozenset[Definition]:
        if definition not in self._direct:
            module = self._module(definition[0])
            assert module is not None
            found = {d for statement in self._statements(definition) for d in self._references(module, statement)}
            self._direct[definition] = frozenset(found | {(definition[0], "")})
        return self._direct[definition]

    def _references(self, module: _Module, statement: ast.AST) -> set[Definition]:
        """The definitions whose names stand in a statement; rather one too many than one too few."""
        own = _imports(statement, module.package)  # what is imported where it is used is run there
        imports = {**module.imports, **own}
        found = {d for owner, name in own.values() for d in (self._resolve(owner, name) if name else [])}
        found.update(d for name in _imported_modules(statement) for d in self._all_of(name))
        dotted: set[int] = set()  # names that stand before a dot: the attribute is followed, not the whole module
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute):
                chain = _chain(node)
                owner = self._owner(chain, imports) if chain else None
                if owner is not None:
                    found.update(self._resolve(*owner))
                    dotted.add(id(_root(node)))
            elif isinstance(node, ast.Name) and id(node) not in dotted:
                found.update(self._named(module, imports, node.id))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(self._written(module, imports, node.value))
        return found

    def _named(self, module: _Module, imports: Mapping[str, Definition], name: str) -> list[Definition]:
        if name in imports:
            owner, original = imports[name]
            return self._resolve(owner, original) if original else self._all_of(owner)
        return [(module.name, name)] if name in module.definitions else []

    def _owner(self, chain: tuple[str, ...], imports: Mapping[str, Definition]) -> Definition | None:
        """The module and the name that `a.b.c` speaks of, where `a` is a module or a package."""
        if chain[0] not in imports:
            return None
        owner, original = imports[chain[0]]
        dotted = f"{owner}.{original}" if original else owner
        for length in range(1, len(chain)):
            module = self._module(dotted)
            if module is None:
                return None
            if self._module(f"{dotted}.{chain[length]}") is None or chain[length] in module.definitions:
                return dotted, chain[length]
            dotted = f"{dotted}.{chain[length]}"
        return None

    def _written(self, module: _Module, imports: Mapping[str, Definition], text: str) -> list[Definition]:
        """What a text names: "helpers.data:load", a module, or an annotation in quotes."""
        if _DOTTED.fullmatch(text):
            owner, _, name = text.partition(":")
            return self._resolve(owner, name) if name else self._all_of(owner)
        return self._named(module, imports, text) if text.isidentifier() and text[0].isupper() else []

    def _statements(self, definition: Definition) -> list[ast.stmt]:
        module = self._module(definition[0])
        assert module is not None
        return module.definitions.get(definition[1], []) if definition[1] else module.rest

    @cache  # noqa: B019  finders live as long as the program
    def _meaning(self, definition: Definition) -> str:
        return hashlib.sha256(repr([_meaning(s) for s in self._statements(definition)]).encode()).hexdigest()


@dataclass
class _Module:
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
            if not names and not isinstance(statement, _MARKS) and not _is_docstring(statement):
                self.rest.append(statement)

    @property
    def package(self) -> str:
        """The package that relative imports start from."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def imports(self) -> dict[str, Definition]:
        """What the names that are imported at the top stand for."""
        found: dict[str, Definition] = {}
        for statement in self.tree.body:
            if isinstance(statement, (*_MARKS, ast.If, ast.Try)):
                found |= _imports(statement, self.package)
        return found

    @cached_property
    def all_imports(self) -> list[Definition]:
        """Everything that is imported anywhere in the module."""
        named = [text for text in _texts(self.tree.body) if _DOTTED.fullmatch(text)]
        return [*_imports(self.tree, self.package).values(), *((text.partition(":")[0], "") for text in named)]

    @cached_property
    def lazy(self) -> dict[str, str]:
        """Names that a package hands on lazily: the entries of dictionaries from a name to a module of `helpers`."""
        dictionaries = [node for node in ast.walk(self.tree) if isinstance(node, ast.Dict)]
        pairs = [pair for node in dictionaries for pair in zip(node.keys, node.values, strict=True)]
        return {
            key.value: value.value
            for key, value in pairs
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, ast.Constant)
            if isinstance(value.value, str) and _DOTTED.fullmatch(value.value)
        }


def _is_below(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def _parse(path: Path, _modified: int) -> ast.Module:
    return ast.parse(path.read_bytes(), filename=str(path))


def _body(tree: ast.AST) -> list[ast.stmt]:
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


def _imports(tree: ast.AST, package: str) -> dict[str, Definition]:
    """The names that imports in some code bind, each with the module and the name there ("": the module itself)."""
    found: dict[str, Definition] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == PACKAGE:
                    found[alias.asname or PACKAGE] = (alias.name if alias.asname else PACKAGE, "")
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            if base.split(".")[0] == PACKAGE:
                found |= {alias.asname or alias.name: (base, alias.name) for alias in node.names}
    return found


def _imported_modules(tree: ast.AST) -> list[str]:
    """The modules of `helpers` that statements `import helpers.a.b` name."""
    aliases = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return [name for name in aliases if name.split(".")[0] == PACKAGE]


def _chain(node: ast.Attribute) -> tuple[str, ...]:
    """The names of `a.b.c`; nothing where it does not begin with a name."""
    names: list[str] = []
    part: ast.expr = node
    while isinstance(part, ast.Attribute):
        names.append(part.attr)
        part = part.value
    return (part.id, *reversed(names)) if isinstance(part, ast.Name) else ()


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _texts(statements: Iterable[ast.stmt]) -> set[str]:
    nodes = (node for statement in statements for node in ast.walk(statement))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def _meaning(node: object) -> object:
    """Syntax as nested tuples, without what says nothing to a result, and without what differs between Pythons.

    `ast.dump` prints empty fields, and newer versions have more of these: here they are left out.
    """
    if isinstance(node, list):
        return tuple(_meaning(item) for item in node if not _is_docstring(item) and not isinstance(item, _MARKS))
    if isinstance(node, ast.Raise):
        return ("Raise",)  # a result that was stored did not raise
    if isinstance(node, ast.AST):
        skipped = {"annotation"} if isinstance(node, ast.arg) else {"returns"}
        fields = [(name, value) for name, value in ast.iter_fields(node) if name not in skipped]
        return (
            type(node).__name__,
            *((n, _meaning(value)) for n, value in fields if value is not None and value != []),
        )
    if isinstance(node, str) and _DOTTED.fullmatch(node):
        return ("str", node.partition(":")[2])
    return (type(node).__name__, node)


def _is_docstring(node: object) -> bool:
    """Whether a statement is a text that nobody uses."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def project_code() -> CodeFinder:
    """The finder of the code that this process runs, made once: what changes later is not imported again."""
    return CodeFinder()


@cache
def code_of(*roots: Callable[..., object] | type | str, without: tuple[str, ...] = ()) -> frozenset[Definition]:
    """The definitions that some functions or classes reach, or some modules by name (see `CodeFinder.reached`)."""
    named = [root if isinstance(root, str) else definition_of(root) for root in roots]
    return project_code().reached(named, without)


def code_digest(*roots: Callable[..., object] | type | str) -> str:
    """The digest of all code that some functions, classes or modules reach (see `CodeFinder.digest`).

    Raises:
        ValueError: none is given, or one is not defined in `helpers`.
    """
    if not roots:
        raise ValueError("code_digest needs at least one function, class or module, such as code_digest(CartoonX)")
    return project_code().digest(code_of(*roots))


def definition_of(thing: Callable[..., object] | type) -> Definition:
    """Where a function or a class is defined.

    Raises:
        ValueError: it is no function or class at the top of a module of `helpers`.
    """
    name = getattr(thing, "__qualname__", "").split(".")[0]
    module = getattr(thing, "__module__", "")
    if not name.isidentifier() or module.split(".")[0] != PACKAGE:
        raise ValueError(f"{thing!r} is not defined at the top of a module of {PACKAGE}, so its changes cannot be seen")
    return module, name
