"""What a page's outputs depend on: found in the sources, without running them.

A page is run again when one of these files changes, so the search takes one file too many rather than one too few:

- the page itself, and what its front matter lists under `depends` (paths or globs from the project's root);
- every module of `helpers` that its code imports, and what those import, and the packages around them;
- the profile that it runs: its parameter `profile`, or those that its code names, or all where it only loads one;
- every model that a string in the page, in those modules or in the profile names;
- committed results of other profiles that such a string names;
- the locked packages, requirements.txt.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from helpers.core.files import ROOT
from helpers.site.modules import imported_names, module_closure, parse_module
from helpers.site.source import page_code, page_parameters, read_page


def dependencies(page: Path | str, parameters: Mapping[str, object] | None = None, root: Path = ROOT) -> set[Path]:
    """The files of the project that the outputs of `page` depend on.

    Args:
        page: the page, absolute or from the root.
        parameters: what papermill puts in place of the page's own parameters.
        root: the project's root.

    Returns:
        Absolute paths of files that exist.

    Raises:
        ValueError: the page names a profile or lists under `depends` what is not there, or a cell is not Python.
    """
    page = root / page
    settings = {**page_parameters(page), **(parameters or {})}
    page_words = _strings(page_code(page, parameters=False)) | {str(value) for value in settings.values()}
    modules = module_closure(set().union(*map(imported_names, page_code(page))), root)
    profiles = _profiles(settings.get("profile"), page_words, modules, root)
    words = page_words | _strings(map(parse_module, modules)) | set().union(*map(_yaml_strings, profiles))
    own = str((parameters or {}).get("profile"))  # a figure writes the results of its profile: they are no inputs
    found = {page, *modules, *profiles, *_models(words, root), *_results(words, own, root), *_declared(page, root)}
    return found | {path for path in [root / "requirements.txt"] if path.is_file()}


def module_dependencies(module: str, profile: str, root: Path = ROOT) -> set[Path]:
    """The files that `python -m <module> --profile <profile>` depends on, found in the same way."""
    modules = module_closure([module], root)
    profiles = _profiles(profile, set(), modules, root)
    words = _strings(map(parse_module, modules)) | set().union(*map(_yaml_strings, profiles))
    return {*modules, *profiles, *_models(words, root), root / "requirements.txt"}


def inputs_digest(files: Iterable[Path], parameters: Mapping[str, object] | None = None, root: Path = ROOT) -> str:
    """One line for each file with the SHA-256 of its content, then the parameters: equal only if nothing changed."""
    paths = sorted(path.relative_to(root).as_posix() for path in files)
    lines = [f"{hashlib.sha256((root / path).read_bytes()).hexdigest()}  {path}" for path in paths]
    return "\n".join([*lines, json.dumps(dict(parameters or {}), sort_keys=True)]) + "\n"


def _strings(trees: Iterable[ast.Module]) -> set[str]:
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {node.value for node in nodes if isinstance(node.value, str)}


def _yaml_strings(path: Path) -> set[str]:
    found: set[str] = set()
    waiting = [yaml.safe_load(path.read_text(encoding="utf-8"))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, (dict, list)):
            waiting.extend(value.values() if isinstance(value, dict) else value)
    return found


def _profiles(profile: object, page_words: set[str], modules: set[Path], root: Path) -> set[Path]:
    known = {path.stem: path for path in sorted((root / "profiles").glob("*.yaml"))}
    if profile is not None and str(profile) not in known:
        raise ValueError(f"profile {profile!r} is not in profiles/; there are: {', '.join(known) or 'none'}")
    loads_one = any(path.relative_to(root).parts[1] in {"profiles", "profiles.py"} for path in modules)
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
    files = [path for path in (root / "models").glob("*") if path.is_file() and path.suffix != ".md"]
    return {path for path in files if words & {path.stem, path.name, f"models/{path.stem}", f"models/{path.name}"}}


def _results(words: set[str], own_profile: str, root: Path) -> set[Path]:
    files = [path for path in (root / "results").glob("*/*") if path.suffix in {".csv", ".json"}]
    committed = [path for path in files if path.parent.name not in {own_profile, "quick"}]
    return {p for p in committed if words & {p.stem, p.name, f"results/{p.parent.name}/{p.name}"}}


def _declared(page: Path, root: Path) -> set[Path]:
    found: set[Path] = set()
    for pattern in read_page(page).metadata.get("depends", []):
        files = {path for path in root.glob(pattern) if path.is_file()}
        if not files:
            raise ValueError(f"{page}: nothing matches {pattern!r}, which its front matter lists under depends")
        found |= files
    return found
