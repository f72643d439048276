"""helpers/ is read from the bottom up: nothing imports what stands above it."""

import ast

import pytest

from helpers.core.files import ROOT
from helpers.site.modules import imported_names

LAYERS = [
    {"runtime", "explanation", "class_masks"},
    {"images", "data_files"},
    {"scenes", "imagenet", "datasets", "classifiers", "wavelets"},
    {"multilabel", "labelled"},
    {"rde", "training", "rollout"},
    {"masks", "baselines", "explainer", "space_vae"},
    {"metrics"},
    {"profiles", "results", "plots", "widgets"},  # parts that know no protocol
    {"experiments", "explainer_experiments", "space_vae_experiments"},
    {"lessons", "figures"},
    {"pages"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
PARTS = {path.stem for path in (ROOT / "helpers").iterdir()}
MODULES = sorted((ROOT / "helpers").rglob("*.py"))


def part(dotted: str) -> str | None:
    """The part of helpers that a dotted name belongs to: "rde" of "helpers.methods.rde.options"."""
    pieces = dotted.split(".")
    return pieces[1] if len(pieces) > 1 else None


def upward_imports(source: str, dotted: str, package: str) -> list[str]:
    """The imports of a module that go upwards, or to a part that no layer names."""
    own = part(dotted)
    found = []
    for name in imported_names(ast.parse(source), package):
        other = part(name)
        if other is None or other == own or other not in PARTS:
            continue
        if other not in RANK or RANK[other] > RANK[own]:
            found.append(name)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_downwards(path):
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = dotted.removesuffix(".__init__") if path.name == "__init__.py" else dotted.rpartition(".")[0]
    if part(dotted) not in {None, "__init__"}:
        assert part(dotted) in RANK, f"{dotted}: which layer is it in? Say so in tests/test_layers.py"
        assert upward_imports(path.read_text(encoding="utf-8"), dotted, package) == []


def test_an_upward_import_is_found():
    source = "def later():\n    from helpers.metrics import curves\n"
    found = upward_imports(source, "helpers.methods.rde.problem", "helpers.methods.rde")
    assert set(found) == {"helpers.metrics", "helpers.metrics.curves"}


def test_a_relative_upward_import_is_found():
    assert upward_imports("from ..metrics import curves", "helpers.methods.rde.problem", "helpers.methods.rde")


def test_no_module_is_long():
    long = {p.relative_to(ROOT).as_posix(): n for p in MODULES if (n := len(p.read_text().splitlines())) > 300}
    assert long == {}
