"""The inputs of a page's outputs, read from the sources without running them.

A page is run again if one of these changes:

- the page itself, and the files that its front matter lists under `depends` (paths or globs from the project's root);
- the definitions of `helpers` that its code reaches (`helpers.results.code`);
- the tables of its paper that it names, and the definitions that they reach;
- its profile: the value of its parameter `profile`; else the profiles named in its code; else, if it loads one, all;
- the models whose names are strings in the page, in that code or in the profile, and the models made for them;
- the committed results of other profiles whose names are such strings;
- the claims of its figure: their file, the functions that compute their effects, and the tables that these take;
- the locked packages, requirements.txt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from helpers.core.files import ROOT, file_digest
from helpers.results.code import CodeFinder
from helpers.results.registry import STUDIES, TABLES, Table, find_table
from helpers.results.syntax import Definition, string_literals
from helpers.site.source import page_code, page_parameters, page_sources, read_page

_REGISTRY = "helpers.results.registry"
"""It names the functions of all tables of all papers: a page depends on those of the tables that it names only."""


_CLAIMS = "helpers.reporting.ledger.entries"
_ALL_CLAIMS = ("helpers.reporting.ledger.page", "all_verdicts")


@dataclass(frozen=True)
class Inputs:
    """The inputs of a page or a table.

    Attributes:
        code: the definitions of `helpers`.
        files: all other files, absolute paths.
        root: the project's root.
        tables: the tables, as the registry has them.
    """

    code: frozenset[Definition]
    files: frozenset[Path]
    root: Path
    tables: tuple[Table, ...] = ()

    def manifest(self, parameters: Mapping[str, object] | None = None) -> str:
        """A text that differs if an input does: the SHA-256 of the code and of each file, the tables, the parameters.

        It does not depend on the modules in which definitions are.
        """
        names = sorted(path.relative_to(self.root).as_posix() for path in self.files)
        lines = [f"{_digest(self.root / name)}  {name}" for name in names]
        code = f"{finder(self.root).digest(self.code)}  code"
        return (
            "\n".join([code, *lines, *map(repr, self.tables), json.dumps(dict(parameters or {}), sort_keys=True)])
            + "\n"
        )

    def paths(self) -> set[Path]:
        """All files, including those of the code."""
        return {*self.files, *finder(self.root).files(self.code)}


@lru_cache
def finder(root: Path = ROOT) -> CodeFinder:
    """The finder of a project's code, cached since it reads each module once."""
    return CodeFinder(root)


def page_inputs(page: Path | str, parameters: Mapping[str, object] | None = None, root: Path = ROOT) -> Inputs:
    """The inputs of a page's outputs.

    Args:
        page: the page, absolute or from the root.
        parameters: the values that papermill injects for the page's own parameters.
        root: the project's root.

    Raises:
        ValueError: the page names an unknown profile, `depends` matches no file, or a cell is not Python.
    """
    page = root / page
    values = {**page_parameters(page), **(parameters or {})}
    page_strings = string_literals(page_code(page, parameters=False)) | {str(value) for value in values.values()}
    code = finder(root).reached_by(page_code(page), without=[_REGISTRY])
    claims = claims_inputs(page_strings, code, root)
    code |= finder(root).reached(claims.measures, without=[_REGISTRY])
    page_strings |= claims.tables
    tables = _tables(page_strings | finder(root).strings(code), code)
    code = code.union(*(_code_of_table(table, root) for table in tables))
    profiles = _profiles(values.get("profile"), page_strings, code, root)
    strings = page_strings | finder(root).strings(code) | set().union(*map(_yaml_strings, profiles))
    own_profile = str((parameters or {}).get("profile"))  # its results are outputs of a figure, not inputs
    files = {
        *page_sources(page),
        *_declared(page, root),
        *claims.files,
        *profiles,
        *_models(strings, root),
        *_lock(root),
    }
    return Inputs(code, frozenset(files | _results(strings, own_profile, root)), root, tables)


def table_inputs(name: str, profile: str, root: Path = ROOT) -> Inputs:
    """The inputs of a profile's table, or more: the command that makes the table checks whether it is stale.

    Args:
        name: the table.
        profile: the name of the profile.
        root: the project's root.

    Raises:
        ValueError: there is no such table or profile.
    """
    table = find_table(name)
    code = _code_of_table(table, root)
    profiles = _profiles(profile, set(), code, root)
    strings = finder(root).strings(code) | set().union(*map(_yaml_strings, profiles))
    return Inputs(code, frozenset({*profiles, *_models(strings, root), *_lock(root)}), root, (table,))


def module_inputs(modules: Iterable[str], root: Path = ROOT) -> Inputs:
    """The inputs of a target that modules of `helpers` make: their code and the models that it names.

    Raises:
        ValueError: there is no such module.
    """
    code = finder(root).reached(modules)
    return Inputs(code, frozenset({*_models(finder(root).strings(code), root), *_lock(root)}), root)


@dataclass(frozen=True)
class ClaimsInputs:
    """What the claims on a page depend on: their files, the functions of their effects, the names of their tables."""

    files: frozenset[Path] = frozenset()
    measures: frozenset[Definition] = frozenset()
    tables: frozenset[str] = frozenset()


def claims_inputs(page_strings: set[str], code: Iterable[Definition], root: Path) -> ClaimsInputs:
    """The inputs through the claims of the figures that a page names, or through all claims for the page of the ledger.

    The claims are read as YAML: their models are defined above this package.
    """
    code = frozenset(code)
    names = finder(root).strings(definition for definition in code if definition[0] == _CLAIMS)
    files = [root / name for name in sorted(names) if name.endswith("claims.yaml") and (root / name).is_file()]
    every = any(definition == _ALL_CLAIMS for definition in code)
    used: set[Path] = set()
    measures: set[Definition] = set()
    tables: set[str] = set()
    for path in files:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for claim in content["claims"]:
            if not every and not page_strings & set(claim.get("figures", ())):
                continue
            used.add(path)
            tables |= set(claim.get("tables", ()))
            if claim.get("measure"):
                module, _, name = claim["measure"].partition(":")
                measures.add((f"{content['measures']}.{module}", name))
    return ClaimsInputs(frozenset(used), frozenset(measures), frozenset(tables))


def _code_of_table(table: Table, root: Path) -> frozenset[Definition]:
    paths = filter(None, [table.make, table.inputs, STUDIES[table.paper]])
    roots: list[Definition | str] = [tuple(path.split(":")) for path in paths]  # type: ignore[misc]
    return finder(root).reached(roots, without=[_REGISTRY])


def _tables(strings: set[str], code: Iterable[Definition]) -> tuple[Table, ...]:
    """The tables that strings name, of the papers whose experiments the code reaches."""
    packages = {".".join(module.split(".")[:4]) for module, _ in code}
    named = (table for name, table in TABLES.items() if name in strings)
    return tuple(table for table in named if f"helpers.papers.{table.paper}.experiments" in packages)


def files_inputs(files: Iterable[Path], root: Path = ROOT) -> Inputs:
    """The inputs of a target that depends on these files only."""
    return Inputs(frozenset(), frozenset(files), root)


@cache
def _content_digest(path: Path, _modified: int) -> str:
    return file_digest(path)


def _digest(path: Path) -> str:
    """The SHA-256 of a file, computed once per modification."""
    return _content_digest(path, path.stat().st_mtime_ns)


def _lock(root: Path) -> set[Path]:
    return {path for path in [root / "requirements.txt"] if path.is_file()}


@cache
def _parsed_yaml(path: Path, _modified: int) -> frozenset[str]:
    strings: set[str] = set()
    queue = [yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
    while queue:
        value = queue.pop()
        if isinstance(value, str):
            strings.add(value)
        elif isinstance(value, (dict, list)):
            queue.extend(value.values() if isinstance(value, dict) else value)
    return frozenset(strings)


def _yaml_strings(path: Path) -> frozenset[str]:
    """All strings among the values of a YAML file."""
    return _parsed_yaml(path, path.stat().st_mtime_ns)


def _profiles(profile: object, page_strings: set[str], code: Iterable[Definition], root: Path) -> set[Path]:
    """The files of the profiles that a page loads, and of those that they name."""
    known = {path.stem: path for path in sorted((root / "profiles").glob("*.yaml"))}
    if profile is not None and str(profile) not in known:
        raise ValueError(f"profile {profile!r} is not in profiles/; there are: {', '.join(known) or 'none'}")
    loads_one = any(f"{module}.".startswith("helpers.profiles.") for module, _ in code)
    named = page_strings & known.keys() if loads_one else set()
    if profile is not None:
        named |= {str(profile)}
    elif loads_one and not named:
        named = set(known)
    paths = {known[name] for name in named}
    for path in list(paths):  # a profile may build on another one
        paths |= {known[name] for name in _yaml_strings(path) & known.keys()}
    return paths


def _models(strings: set[str], root: Path) -> set[Path]:
    """The models named by strings, and the models made for them, such as scenes-cnn-cartoonx-mask for scenes-cnn."""
    files = [path for path in (root / "models").glob("*") if path.is_file() and path.suffix != ".md"]
    named = {p for p in files if strings & {p.stem, p.name, f"models/{p.stem}", f"models/{p.name}"}}
    return named | {p for p in files if any(p.stem.startswith(f"{other.stem}-") for other in named)}


def _results(strings: set[str], own_profile: str, root: Path) -> set[Path]:
    """The committed results of other profiles that strings name, by file or by table."""
    files = [path for path in (root / "results").glob("*/*") if path.suffix in {".csv", ".json"}]
    committed = [path for path in files if path.parent.name not in {own_profile, "quick"}]
    tables = strings & TABLES.keys()  # some tables have one file per dataset and classifier
    return {
        path
        for path in committed
        if strings & {path.stem, path.name, f"results/{path.parent.name}/{path.name}"}
        or any(path.stem.startswith(f"{name}-") for name in tables)
    }


def _declared(page: Path, root: Path) -> set[Path]:
    """The files that match the patterns under `depends` in the front matter."""
    declared: set[Path] = set()
    for pattern in read_page(page).metadata.get("depends", []):
        files = {path for path in root.glob(pattern) if path.is_file()}
        if not files:
            raise ValueError(f"{page}: nothing matches {pattern!r}, which its front matter lists under depends")
        declared |= files
    return declared
