"""The inputs of a page's outputs, read from the sources without running them.

A page is run again when one of these changes:

- the page itself, and what its front matter lists under `depends` (paths or globs from the project's root);
- the definitions of `helpers` that its code reaches (`helpers.results.code`);
- the profile that it runs: its parameter `profile`, or those that its code names, or all where it only loads one;
- every model that a text in the page, in that code or in the profile names, and those that were made for it;
- committed results of other profiles that such a text names;
- the locked packages, requirements.txt.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from helpers.core.files import ROOT, file_digest
from helpers.results.code import CodeFinder
from helpers.results.registry import TABLES, find_table
from helpers.results.syntax import Definition
from helpers.site.source import page_code, page_parameters, page_sources, read_page


@dataclass(frozen=True)
class Inputs:
    """The inputs of a page or a table.

    Attributes:
        code: the definitions of `helpers`.
        files: all other files, absolute paths.
        root: the project's root.
    """

    code: frozenset[Definition]
    files: frozenset[Path]
    root: Path

    def listed(self, parameters: Mapping[str, object] | None = None) -> str:
        """A line for the code, one for each file with the SHA-256 of its content, then the parameters.

        Two such texts are equal only if nothing changed; moving a module changes nothing.
        """
        names = sorted(path.relative_to(self.root).as_posix() for path in self.files)
        lines = [f"{_digest(self.root / name)}  {name}" for name in names]
        code = f"{finder(self.root).digest(self.code)}  code"
        return "\n".join([code, *lines, json.dumps(dict(parameters or {}), sort_keys=True)]) + "\n"

    def paths(self) -> set[Path]:
        """All files, those of the code among them."""
        return {*self.files, *finder(self.root).files(self.code)}


@lru_cache
def finder(root: Path = ROOT) -> CodeFinder:
    """The finder of a project's code, which reads each module once."""
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
    settings = {**page_parameters(page), **(parameters or {})}
    own_words = _strings(page_code(page, parameters=False)) | {str(value) for value in settings.values()}
    code = finder(root).reached_by(page_code(page))
    profiles = _profiles(settings.get("profile"), own_words, code, root)
    words = own_words | finder(root).strings(code) | set().union(*map(_yaml_strings, profiles))
    own = str((parameters or {}).get("profile"))  # a figure writes the results of its profile: they are no inputs
    found = {*page_sources(page), *profiles, *_models(words, root), *_results(words, own, root), *_declared(page, root)}
    return Inputs(code, frozenset(found | _lock(root)), root)


def table_inputs(name: str, profile: str, root: Path = ROOT) -> Inputs:
    """The inputs of a profile's table, a superset: its study decides whether the table is stale."""
    table = find_table(name)
    roots: list[Definition | str] = [tuple(path.split(":")) for path in (table.make, table.inputs) if path]  # type: ignore[misc]
    code = finder(root).reached(roots)
    profiles = _profiles(profile, set(), code, root)
    words = finder(root).strings(code) | set().union(*map(_yaml_strings, profiles))
    return Inputs(code, frozenset({*profiles, *_models(words, root), *_lock(root)}), root)


def files_inputs(files: Iterable[Path], root: Path = ROOT) -> Inputs:
    """The inputs of a target that depends on files only."""
    return Inputs(frozenset(), frozenset(files), root)


@cache
def _content_digest(path: Path, _modified: int) -> str:
    return file_digest(path)


def _digest(path: Path) -> str:
    """The SHA-256 of a file, computed once for each of its versions."""
    return _content_digest(path, path.stat().st_mtime_ns)


def _lock(root: Path) -> set[Path]:
    return {path for path in [root / "requirements.txt"] if path.is_file()}


def _strings(trees: Iterable[ast.Module]) -> set[str]:
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


@cache
def _parsed_yaml(path: Path, _modified: int) -> frozenset[str]:
    found: set[str] = set()
    waiting = [yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, (dict, list)):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return frozenset(found)


def _yaml_strings(path: Path) -> frozenset[str]:
    return _parsed_yaml(path, path.stat().st_mtime_ns)


def _profiles(profile: object, page_words: set[str], code: Iterable[Definition], root: Path) -> set[Path]:
    known = {path.stem: path for path in sorted((root / "profiles").glob("*.yaml"))}
    if profile is not None and str(profile) not in known:
        raise ValueError(f"profile {profile!r} is not in profiles/; there are: {', '.join(known) or 'none'}")
    loads_one = any(f"{module}.".startswith("helpers.profiles.") for module, _ in code)
    named = page_words & known.keys() if loads_one else set()
    if profile is not None:
        named |= {str(profile)}
    elif loads_one and not named:
        named = set(known)
    found = {known[name] for name in named}
    for path in list(found):  # a profile may build on another one
        found |= {known[word] for word in _yaml_strings(path) & known.keys()}
    return found


def _models(words: set[str], root: Path) -> set[Path]:
    """The models that texts name, and those that belong to them: "scenes-cnn" names "scenes-cnn-cartoonx-mask"."""
    files = [path for path in (root / "models").glob("*") if path.is_file() and path.suffix != ".md"]
    named = {p for p in files if words & {p.stem, p.name, f"models/{p.stem}", f"models/{p.name}"}}
    return named | {p for p in files if any(p.stem.startswith(f"{other.stem}-") for other in named)}


def _results(words: set[str], own_profile: str, root: Path) -> set[Path]:
    files = [path for path in (root / "results").glob("*/*") if path.suffix in {".csv", ".json"}]
    committed = [path for path in files if path.parent.name not in {own_profile, "quick"}]
    tables = words & TABLES.keys()  # of some, a file for each pair of a dataset and a classifier
    return {
        path
        for path in committed
        if words & {path.stem, path.name, f"results/{path.parent.name}/{path.name}"}
        or any(path.stem.startswith(f"{name}-") for name in tables)
    }


def _declared(page: Path, root: Path) -> set[Path]:
    found: set[Path] = set()
    for pattern in read_page(page).metadata.get("depends", []):
        files = {path for path in root.glob(pattern) if path.is_file()}
        if not files:
            raise ValueError(f"{page}: nothing matches {pattern!r}, which its front matter lists under depends")
        found |= files
    return found
