"""The code on which a result depends: all definitions that its own code reaches, found by static analysis.

A definition is a function, a class or a constant at the top of a module of `helpers`. It reaches the definitions whose
names it contains, and these reach others: a class is reached with all its methods, and a function reaches the classes
in its annotations. Pages, tables and stored masks share this finder.
"""

from __future__ import annotations

import ast
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from helpers.core.files import ROOT
from helpers.results.syntax import (
    DOTTED,
    PACKAGE,
    Definition,
    ParsedModule,
    attribute_chain,
    imported_modules,
    imports_of,
    normal_form,
    parse,
    root_of,
    statements_of,
    string_literals,
)


class CodeFinder:
    """The finder of definitions of the package `helpers` in a folder.

    Args:
        root: the folder that holds `helpers/`.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._modules: dict[str, ParsedModule | None] = {}
        self._direct: dict[Definition, frozenset[Definition]] = {}

    def reached(self, roots: Iterable[Definition | str], without: Sequence[str] = ()) -> frozenset[Definition]:
        """All definitions that some roots reach, themselves included.

        Args:
            roots: definitions, or modules by name, which stand for all of their definitions.
            without: modules and packages to exclude, with the definitions that only they reach.

        Raises:
            ValueError: a root does not exist.
        """
        waiting: list[Definition] = []
        for root in roots:
            definitions = self._all_of(root) if isinstance(root, str) else self._resolve(*root)
            if not definitions:
                raise ValueError(f"there is no {root if isinstance(root, str) else ':'.join(root)} in {self.root}")
            waiting += definitions
        seen: set[Definition] = set()
        while waiting:
            definition = waiting.pop()
            if definition not in seen and not _is_below(definition[0], without):
                seen.add(definition)
                waiting += self._reached_directly(definition)
        return frozenset(seen)

    def reached_by(self, trees: Iterable[ast.AST], without: Sequence[str] = ()) -> frozenset[Definition]:
        """All definitions reached by code outside of `helpers`, such as the cells of a page (see `reached`)."""
        statements = [statement for tree in trees for statement in statements_of(tree)]
        cells = ParsedModule("", Path(), ast.Module(statements, []))
        direct = {d for statement in cells.tree.body for d in self._references(cells, statement)}
        return self.reached((definition for definition in direct if definition[0]), without)

    def digest(self, definitions: Iterable[Definition]) -> str:
        """SHA-256 of the normal form of some definitions.

        Comments, docstrings, formatting, annotations of arguments, messages of raised errors, imports and module names
        do not count, so that moving a module, or rewording an error, does not change it.
        """
        return hashlib.sha256("\n".join(sorted(map(self._digest, definitions))).encode()).hexdigest()

    def module_digests(self, definitions: Iterable[Definition]) -> dict[str, str]:
        """A short digest of each module's definitions, by module, which tells where the code has changed."""
        by_module: dict[str, list[Definition]] = defaultdict(list)
        for definition in definitions:
            by_module[definition[0]].append(definition)
        return {module: self.digest(by_module[module])[:12] for module in sorted(by_module)}

    def files(self, definitions: Iterable[Definition]) -> set[Path]:
        """The files that contain some definitions."""
        modules = (self._module(name) for name in {module for module, _ in definitions})
        return {module.path for module in modules if module is not None}

    def strings(self, definitions: Iterable[Definition]) -> set[str]:
        """All string literals in the code of some definitions, except docstrings."""
        return {text for definition in definitions for text in self._strings(definition)}

    def imported_files(self, names: Iterable[str]) -> set[Path]:
        """The files that are run when some modules are imported: a superset of those with reached definitions."""
        files: set[Path] = set()
        waiting = list(names)
        while waiting:
            packages = waiting.pop().split(".")
            for length in range(1, len(packages) + 1):
                module = self._module(".".join(packages[:length]))
                if module is not None and module.path not in files:
                    files.add(module.path)
                    waiting += [f"{owner}.{name}" if name else owner for owner, name in module.all_imports]
        return files

    def files_imported_by(self, trees: Iterable[ast.AST]) -> set[Path]:
        """The files that are run by the imports of code outside of `helpers`."""
        cells = ast.Module([statement for tree in trees for statement in statements_of(tree)], [])
        names = [f"{owner}.{name}" if name else owner for owner, name in imports_of(cells, "").values()]
        named = filter(DOTTED.fullmatch, string_literals(cells.body))
        return self.imported_files([*names, *imported_modules(cells), *named])

    def _module(self, name: str) -> ParsedModule | None:
        if name not in self._modules:
            base = self.root.joinpath(*name.split("."))
            paths = [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
            self._modules[name] = (
                ParsedModule(name, paths[0], parse(paths[0], paths[0].stat().st_mtime_ns)) if paths else None
            )
        return self._modules[name]

    def _all_of(self, module: str) -> list[Definition]:
        parsed = self._module(module)
        return [] if parsed is None else [(module, name) for name in ("", *parsed.definitions)]

    def _resolve(self, module: str, name: str) -> list[Definition]:
        """The definition of a name in a module, followed through imports; all definitions of a submodule."""
        parsed = self._module(module)
        if parsed is None:
            return []
        if not name or name in parsed.definitions:
            return [(module, name)]
        if name in parsed.imports:
            owner, original = parsed.imports[name]
            return self._resolve(owner, original) if original else self._all_of(owner)
        if name in parsed.lazy:
            return self._resolve(parsed.lazy[name], name)
        return self._all_of(f"{module}.{name}")

    def _imported(self, module: str, name: str) -> list[Definition]:
        """What an import runs: of a module its own statements, as the dots after its name say what is used of it."""
        resolved = self._resolve(module, name)
        return [definition for definition in resolved if not definition[1]] or resolved

    def _reached_directly(self, definition: Definition) -> frozenset[Definition]:
        if definition not in self._direct:
            module = self._module(definition[0])
            assert module is not None
            direct = {d for statement in self._statements(definition) for d in self._references(module, statement)}
            self._direct[definition] = frozenset(direct | {(definition[0], "")})
        return self._direct[definition]

    def _references(self, module: ParsedModule, statement: ast.AST) -> set[Definition]:
        """The definitions whose names occur in a statement, with a few too many rather than one too few."""
        local = imports_of(statement, module.package)  # imports inside a function
        imports = {**module.imports, **local}
        references = {d for owner, name in local.values() if name for d in self._imported(owner, name)}
        references.update(d for name in imported_modules(statement) for d in self._all_of(name))
        dotted: set[int] = set()  # names before a dot: the attribute is followed, not the whole module
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute):
                chain = attribute_chain(node)
                owner = self._owner(chain, imports) if chain else None
                if owner is not None:
                    references.update(self._resolve(*owner))
                    dotted.add(id(root_of(node)))
            elif isinstance(node, ast.Name) and id(node) not in dotted:
                references.update(self._resolve_name(module, imports, node.id))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                references.update(self._resolve_string(module, imports, node.value))
        return references

    def _resolve_name(self, module: ParsedModule, imports: Mapping[str, Definition], name: str) -> list[Definition]:
        if name in imports:
            owner, original = imports[name]
            return self._resolve(owner, original) if original else self._all_of(owner)
        return [(module.name, name)] if name in module.definitions else []

    def _owner(self, chain: tuple[str, ...], imports: Mapping[str, Definition]) -> Definition | None:
        """The module and the name that `a.b.c` refers to, if `a` is a module or a package."""
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

    def _resolve_string(self, module: ParsedModule, imports: Mapping[str, Definition], text: str) -> list[Definition]:
        """The definitions named by a string: "helpers.data:load", a module, or an annotation in quotes."""
        if DOTTED.fullmatch(text):
            owner, _, name = text.partition(":")
            return self._resolve(owner, name) if name else self._all_of(owner)
        return self._resolve_name(module, imports, text) if text.isidentifier() and text[0].isupper() else []

    def _statements(self, definition: Definition) -> list[ast.stmt]:
        module = self._module(definition[0])
        assert module is not None
        return module.definitions.get(definition[1], []) if definition[1] else module.rest

    @cache  # noqa: B019  finders live as long as the program
    def _digest(self, definition: Definition) -> str:
        return hashlib.sha256(repr([normal_form(s) for s in self._statements(definition)]).encode()).hexdigest()

    @cache  # noqa: B019
    def _strings(self, definition: Definition) -> set[str]:
        return string_literals(self._statements(definition))


def _is_below(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def project_code() -> CodeFinder:
    """The finder of the code that this process runs; created once, since later changes are not imported."""
    return CodeFinder()


@cache
def code_of(*roots: Callable[..., object] | type | str, without: tuple[str, ...] = ()) -> frozenset[Definition]:
    """The definitions reached by some functions, classes, modules by name, or "module:name"s (`CodeFinder.reached`)."""
    definitions = [_named(root) if isinstance(root, str) else definition_of(root) for root in roots]
    return project_code().reached(definitions, without)


def code_digest(*roots: Callable[..., object] | type | str) -> str:
    """The digest of all code reached by some functions, classes or modules (see `CodeFinder.digest`).

    Raises:
        ValueError: no root is given, or one is not defined in `helpers`.
    """
    if not roots:
        raise ValueError("code_digest needs at least one function, class or module, such as code_digest(CartoonX)")
    return project_code().digest(code_of(*roots))


def _named(root: str) -> Definition | str:
    """A module by its name, or the definition that "module:name" names."""
    module, _, name = root.partition(":")
    return (module, name) if name else root


def definition_of(root: Callable[..., object] | type) -> Definition:
    """The module and name of a function or a class.

    Raises:
        ValueError: it is not a function or class at the top of a module of `helpers`.
    """
    name = getattr(root, "__qualname__", "").split(".")[0]
    module = getattr(root, "__module__", "")
    if not name.isidentifier() or module.split(".")[0] != PACKAGE:
        raise ValueError(f"{root!r} is not defined at the top of a module of {PACKAGE}, so its changes cannot be seen")
    return module, name
