"""The finder of code: what a definition reaches, what of it counts, and that nothing that runs is missed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from helpers.core.files import ROOT
from helpers.methods.baselines import RISE, RISEOptions
from helpers.methods.rde import CartoonX
from helpers.results.code import CodeFinder, code_digest, code_of, project_code

SOURCE = '''"""What it is."""
import math
from helpers.other import scale


class Area:
    """A class."""

    sides: int = 4

    def of(self, side: float) -> float:
        """Its area."""
        # a reason
        if side < 0:
            raise ValueError("too small")
        return math.pow(side, 2) + scale(0.5)


def unused():
    return 1
'''
OTHER = "FACTOR = 1\n\ndef scale(value):\n    return FACTOR * value\n\ndef elsewhere():\n    return 2\n"


def write(folder: Path, **modules: str) -> CodeFinder:
    """A project with some modules, by dotted name below `helpers`."""
    for name, source in {"": "", **modules}.items():
        path = folder / "helpers" / (f"{name.replace('.', '/')}.py" if name else "__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return CodeFinder(folder)


def digest(finder: CodeFinder, module: str = "helpers.made", name: str = "Area") -> str:
    return finder.digest(finder.reached([(module, name)]))


def digest_of(folder: Path, source: str, other: str = OTHER) -> str:
    return digest(write(folder, made=source, other=other))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it is.", "Other words."),
        ('"""A class."""', '"""A class.\n\n    With more to say."""'),
        ('        """Its area."""\n', ""),
        ("# a reason", "# a better reason"),
        ("        # a reason\n", ""),
        ("math.pow(side, 2) + scale", "(math.pow(side,2)\n            +scale"),
        ("(0.5)", "(0.5))"),
        ("too small", "side must be 0 or more"),
        ("side: float", "side: complex"),
        ("-> float", "-> object"),
        ("return 1", "return 3"),
        ("import math\n", "import math\nimport sys\n"),
    ],
)
def test_what_says_nothing_to_a_result_does_not_change_the_digest(tmp_path, old, new):
    assert old in SOURCE
    changed = SOURCE.replace(old, new)
    if changed.count("(") != changed.count(")"):  # the two rows that only belong together
        changed = SOURCE.replace("math.pow(side, 2) + scale(0.5)", "(math.pow(side,2)\n            +scale(0.5))")
    assert digest_of(tmp_path, changed) == digest_of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2)", "3)"),
        ("0.5", "0.6"),
        ("+", "-"),
        ("2)", "2.0)"),
        ("side, 2", "2, side"),
        ("= 4", "= None"),
        ("pow", "fmod"),
    ],
)
def test_what_python_computes_changes_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert digest_of(tmp_path, SOURCE.replace(old, new)) != digest_of(tmp_path, SOURCE)


def test_what_a_definition_uses_changes_the_digest_and_its_neighbours_do_not(tmp_path):
    plain = digest_of(tmp_path, SOURCE)
    assert digest_of(tmp_path, SOURCE, OTHER.replace("FACTOR = 1", "FACTOR = 2")) != plain
    assert digest_of(tmp_path, SOURCE, OTHER.replace("FACTOR * value", "FACTOR + value")) != plain
    assert digest_of(tmp_path, SOURCE, OTHER.replace("return 2", "return 3")) == plain


def test_moving_a_module_changes_nothing(tmp_path):
    plain = digest_of(tmp_path / "before", SOURCE)
    moved = {"rooms.made": SOURCE.replace("helpers.other", "helpers.rooms.floor.other"), "rooms.floor.other": OTHER}
    finder = write(tmp_path / "after", **moved)
    assert digest(finder, "helpers.rooms.made") == plain
    handed_on = write(
        tmp_path / "through",
        made=SOURCE.replace("helpers.other", "helpers.rooms"),
        **{"rooms.__init__": "from .floor.other import scale\n", "rooms.floor.other": OTHER},
    )
    assert digest(handed_on) == plain


@pytest.mark.parametrize(
    "use",
    [
        "from helpers.other import scale\n\ndef f():\n    return scale(1)\n",
        "from helpers.other import scale as s\n\ndef f():\n    return s(1)\n",
        "from helpers import other\n\ndef f():\n    return other.scale(1)\n",
        "import helpers.other as o\n\ndef f():\n    return o.scale(1)\n",
        "import helpers.other\n\ndef f():\n    return helpers.other.scale(1)\n",
        "def f():\n    from helpers.other import scale\n    return scale(1)\n",
        "from helpers.lazy import scale\n\ndef f():\n    return scale(1)\n",
        "from importlib import import_module\n\ndef f():\n    return import_module('helpers.other').scale(1)\n",
        "NAME = 'helpers.other:scale'\n\ndef f():\n    return NAME\n",
        "from helpers.other import scale\n\nclass Base:\n    run = scale\n\nclass f(Base):\n    pass\n",
    ],
    ids=["from", "as", "module", "module as", "dotted", "local", "lazy", "import_module", "text", "base class"],
)
def test_every_way_to_use_a_name(tmp_path, use):
    lazy = "from helpers.core import lazy_exports\nx = lazy_exports(__name__, {'scale': 'helpers.other'})\n"
    finder = write(tmp_path, made=use, other=OTHER, lazy=lazy)
    reached = finder.reached([("helpers.made", "f")])
    assert {("helpers.other", "scale"), ("helpers.other", "FACTOR")} <= reached


def test_modules_can_be_left_out_with_what_only_they_reach(tmp_path):
    finder = write(tmp_path, made=SOURCE, other=OTHER)
    reached = finder.reached([("helpers.made", "Area")], without=["helpers.other"])
    assert {module for module, _ in reached} == {"helpers.made"}


def test_the_digest_is_the_same_on_every_version_of_python(tmp_path):
    """Pinned: if it changes, every stored item of every reader is thrown away."""
    assert digest_of(tmp_path, SOURCE) == "e1b4b4dbca5e3cd303ddccdc196385737c177b5ff7cc614dff22b8db76c97bfb"


def test_what_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        code_digest()
    with pytest.raises(ValueError, match="not defined at the top of a module of helpers"):
        code_digest(Path)
    with pytest.raises(ValueError, match="there is no helpers:nothing"):
        write(tmp_path).reached([("helpers", "nothing")])


def test_editing_a_helper_that_rise_imports_makes_its_masks_anew():
    reached = code_of(RISE)
    assert {("helpers.core.class_masks", "min_max_normalise"), ("helpers.core.masking", "apply_mask")} <= reached
    assert not any(module.startswith("helpers.methods.baselines.igos") for module, _ in reached)


def test_editing_how_a_scene_is_painted_makes_tables_anew():
    from helpers.papers.explainer.experiments.segmentation import segmentation_table
    from helpers.papers.recartoonx.experiments.curves import both_curve_tables
    from helpers.papers.spacevae.experiments.sparsity import sparsity_table

    for table in (both_curve_tables, segmentation_table, sparsity_table):
        assert any(module == "helpers.data.scenes.painter" for module, _ in code_of(table))


IMAGE = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class _Linear(torch.nn.Module):
    def forward(self, images):
        return images.mean((2, 3)) @ torch.eye(3)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="frames do not know the names of their functions in full")
@pytest.mark.parametrize(
    ("root", "run"),
    [
        (
            RISE,
            lambda: RISE(_Linear(), RISEOptions(masks=4)).class_masks(IMAGE, torch.ones(1, 3) > 0),
        ),
        (CartoonX, lambda: CartoonX(_Linear().eval(), steps=2, samples=2, levels=2).explain(IMAGE)),
    ],
    ids=["RISE", "CartoonX"],
)
def test_whatever_runs_was_reached(root, run):
    """An independent check: each function of `helpers` that Python calls is among what the finder reached."""
    ran: set[tuple[str, str]] = set()

    def record(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT / "helpers"):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            ran.add((module, frame.f_code.co_qualname.split(".")[0]))

    sys.setprofile(record)
    try:
        run()
    finally:
        sys.setprofile(None)
    ran = {d for d in ran if d[1].isidentifier()}  # a module's own statements have no name
    definitions = {d for d in ran if d in project_code().reached([d[0]])}
    assert len(definitions) > 5
    assert definitions <= code_of(root)
