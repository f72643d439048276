"""Which code a result depends on: the definitions that its own code reaches, read off the syntax; nothing is run.

A definition is a function, a class or a constant at the top of a module of `helpers`. It reaches those whose names
stand in it, wherever they are defined, and these reach others: a class with all of its methods, a function with the
classes that its annotations name. One finder serves pages, tables and stored masks.
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
    chain_of,
    imported_modules,
    imports_of,
    meaning_of,
    parse,
    root_of,
    statements_of,
    texts_of,
)


class CodeFinder:
    """The definitions of `helpers` below a folder.

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
        statements = [statement for tree in trees for statement in statements_of(tree)]
        cells = ParsedModule("", Path(), ast.Module(statements, []))
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
        return {text for definition in definitions for text in texts_of(self._statements(definition))}

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
        cells = ast.Module([statement for tree in trees for statement in statements_of(tree)], [])
        names = [f"{owner}.{name}" if name else owner for owner, name in imports_of(cells, "").values()]
        return self.imported_files([*names, *imported_modules(cells), *filter(DOTTED.fullmatch, texts_of(cells.body))])

    def _module(self, name: str) -> ParsedModule | None:
        if name not in self._modules:
            base = self.root.joinpath(*name.split("."))
            paths = [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
            self._modules[name] = (
                ParsedModule(name, paths[0], parse(paths[0], paths[0].stat().st_mtime_ns)) if paths else None
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

    def _references(self, module: ParsedModule, statement: ast.AST) -> set[Definition]:
        """The definitions whose names stand in a statement; rather one too many than one too few."""
        own = imports_of(statement, module.package)  # what is imported where it is used is run there
        imports = {**module.imports, **own}
        found = {d for owner, name in own.values() for d in (self._resolve(owner, name) if name else [])}
        found.update(d for name in imported_modules(statement) for d in self._all_of(name))
        dotted: set[int] = set()  # names that stand before a dot: the attribute is followed, not the whole module
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute):
                chain = chain_of(node)
                owner = self._owner(chain, imports) if chain else None
                if owner is not None:
                    found.update(self._resolve(*owner))
                    dotted.add(id(root_of(node)))
            elif isinstance(node, ast.Name) and id(node) not in dotted:
                found.update(self._named(module, imports, node.id))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(self._written(module, imports, node.value))
        return found

    def _named(self, module: ParsedModule, imports: Mapping[str, Definition], name: str) -> list[Definition]:
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

    def _written(self, module: ParsedModule, imports: Mapping[str, Definition], text: str) -> list[Definition]:
        """What a text names: "helpers.data:load", a module, or an annotation in quotes."""
        if DOTTED.fullmatch(text):
            owner, _, name = text.partition(":")
            return self._resolve(owner, name) if name else self._all_of(owner)
        return self._named(module, imports, text) if text.isidentifier() and text[0].isupper() else []

    def _statements(self, definition: Definition) -> list[ast.stmt]:
        module = self._module(definition[0])
        assert module is not None
        return module.definitions.get(definition[1], []) if definition[1] else module.rest

    @cache  # noqa: B019  finders live as long as the program
    def _meaning(self, definition: Definition) -> str:
        return hashlib.sha256(repr([meaning_of(s) for s in self._statements(definition)]).encode()).hexdigest()


def _is_below(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


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
