"""Models that nobody here chose: two tiny networks of timm, and the committed table of larger ones."""

import re

import pytest
import torch

from helpers.benchmark import outside_models
from helpers.benchmark.methods import CONTESTANTS, Contestant
from helpers.benchmark.outside_models import LEFT_OUT, MODELS, OUTCOMES, outside_model, outside_rows
from helpers.results import read_table

NEEDS = re.compile(r"train|class token|vision transformer|convolutional|attention|layer")
"""What a refusal must name."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["test_resnet", "test_vit2"])
def test_every_method_explains_or_says_what_it_needs(name, monkeypatch):
    monkeypatch.setitem(outside_models.MODELS, name, {"img_size": 32} if "vit" in name else {})
    monkeypatch.setattr(outside_models, "SHARE", 0.02)
    classifier, images = outside_model(name), torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    rows = {row["method"]: row for row in outside_rows(classifier, images)}
    assert set(rows) == set(CONTESTANTS)
    assert {row["outcome"] for row in rows.values()} <= set(OUTCOMES) - {"fails"}
    for row in rows.values():
        if row["outcome"] == "refuses":
            assert NEEDS.search(row["says"]), row
    assert rows["cartoonx"]["outcome"] == rows["integrated-gradients"]["outcome"] == "explains"
    assert (rows["rollout"]["outcome"] == "refuses") == (name == "test_resnet")


def test_an_error_that_says_nothing_and_a_map_of_the_wrong_shape_fail():
    class Broken:
        def __init__(self, classifier): ...

        def attribute(self, images, targets):
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    class NotFinite(Broken):
        def attribute(self, images, targets):
            return torch.full_like(images, float("nan"))

    classifier, images = outside_model("test_resnet"), torch.rand(1, 3, 32, 32)
    methods = [Contestant("broken", Broken), Contestant("nan", NotFinite), CONTESTANTS["everything"]]
    outcomes = [row["outcome"] for row in outside_rows(classifier, images, methods)]
    assert outcomes == ["fails", "fails", "silent"]


def test_the_committed_table_has_every_method_on_every_model():
    table = read_table("benchmark", "outside-models")
    assert set(zip(table["model"], table["method"], strict=True)) == {
        (f"timm/{model}", method) for model in MODELS for method in CONTESTANTS
    }
    assert set(table["outcome"]) <= set(OUTCOMES) - {"fails"}
    assert set(table.loc[table["outcome"] == "left out", "method"]) == set(LEFT_OUT)
    assert table.loc[table["outcome"] == "refuses", "says"].str.contains(NEEDS).all()
