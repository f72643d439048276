"""Profiles and registries: the project's own with every kind of mistake."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from benchmarks.fuzz.case import Case, Maker
from benchmarks.fuzz.mutations import broken_text, mutated
from helpers.core.files import ROOT
from helpers.core.strict_yaml import read_strict_yaml
from helpers.profiles import Profile, known_profiles, load_profile
from helpers.site.chapters import load_chapters
from helpers.site.registry import load_registry
from helpers.teaching.slides.plan import load_plan

REGISTRIES: dict[str, Callable[[Path], Any]] = {
    "book/figures.yaml": load_registry,
    "book/chapters.yaml": load_chapters,
    "book/slides.yaml": load_plan,
}


@lru_cache
def _tree(name: str) -> Any:
    return read_strict_yaml(ROOT / name)


def _written(random: Random, name: str, path: Path) -> str:
    """A file of settings with mistakes; how they were made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if random.random() < 0.25:
        kind, content = broken_text(random, (ROOT / name).read_text(encoding="utf-8"))
        path.write_bytes(content)
        return kind
    done, tree = mutated(random, _tree(name))
    # JSON is YAML, and takes a tenth of the time to write; NaN and Infinity are then words
    text = json.dumps(tree, ensure_ascii=False) if random.random() < 0.8 else yaml.safe_dump(tree, allow_unicode=True)
    path.write_text(text, encoding="utf-8")
    return done


def profile(random: Random, folder: Path) -> Case:
    """A profile with mistakes."""
    name = random.choice(known_profiles())
    path = folder / f"{name}.yaml"
    done = _written(random, f"profiles/{name}.yaml", path)
    needs = random.choice([None, "rate-distortion"])
    return Case(
        f"{name}: {done}",
        "either",
        lambda: load_profile(path, needs=needs),
        lambda found: None if isinstance(found, Profile) and found.name == name else "it is another profile",
    )


def registry(random: Random, folder: Path) -> Case:
    """A registry with mistakes."""
    name = random.choice(list(REGISTRIES))
    done = _written(random, name, folder / name)
    (folder / "_toc.yml").write_bytes((ROOT / "_toc.yml").read_bytes())
    return Case(
        f"{name}: {done}",
        "either",
        lambda: REGISTRIES[name](folder),
        lambda found: None if found else "it is empty",
    )


KINDS: dict[str, Maker] = {"profiles": profile, "registries": registry}
