"""What masks tell about a class, on masks that tell it by construction, and edges that a mask adds."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.benchmark import Contestant, leakage, outlines
from helpers.benchmark.edges import edge_rows, edges_kept
from helpers.benchmark.methods import CONTESTANTS
from helpers.benchmark.table import profile_case
from helpers.papers.recartoonx.experiments import Study


class Telling:
    """A mask whose bright block stands where the number of the class that is asked for says, whatever the image."""

    def __init__(self, classifier): ...

    def attribute(self, images, targets):
        maps = torch.zeros_like(images[:, 0])
        for one, target in zip(maps, targets.tolist(), strict=True):
            one[12 * (target // 2) : 12 * (target // 2) + 8, 32 * (target % 2) : 32 * (target % 2) + 24] = 1
        return maps


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study("benchmark", root=tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def case(study):
    return profile_case(study, 30)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(outlines, "STEPS", 50)
    monkeypatch.setattr(leakage, "FEW", 12)


def test_masks_have_the_pixels_asked_for():
    maps = torch.arange(36.0).view(1, 6, 6).repeat(2, 1, 1)
    masks = outlines.binary_masks(maps, torch.tensor([6, 7]))
    assert masks.sum((1, 2)).tolist() == [6, 7]
    assert masks[0, 5].all()
    assert masks[1, 4, 5]


def test_a_block_that_names_the_class_is_learned_and_noise_is_not():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (80,), generator=generator)
    telling = Telling(None).attribute(torch.zeros(80, 3, 64, 64), labels).bool()
    assert (outlines.predicted(telling, labels, 10) == labels).float().mean() > 0.7
    noise = torch.rand(80, 64, 64, generator=generator) < 0.15
    assert (outlines.predicted(noise, labels, 10) == labels).float().mean() < 0.3
    with pytest.raises(ValueError, match="5 folds"):
        outlines.predicted(telling[:4], labels[:4], 10)


def test_absent_classes_are_not_shown(case):
    absent = leakage.absent_classes(case)
    assert not case.parts.scenes.labels[torch.arange(30), absent].any()
    assert len(absent.unique()) > 5


def test_partners_share_a_class_or_do_not():
    targets = torch.tensor([3, 1, 3, 2, 1])
    same, other = leakage._partners(targets)
    assert same.tolist() == [2, 4, 0, -1, 1]
    assert other.tolist() == [1, 2, 3, 4, 0]


@pytest.mark.slow
def test_a_method_that_writes_the_question_down_leaks(study, case):
    rows = pd.DataFrame(leakage.leakage_rows(Contestant("telling", Telling), study, case)).set_index("test")
    assert rows.loc["learned-absent", "low"] > leakage.CHANCE
    assert rows.loc["learned-question", "low"] > rows.loc["learned-random", "high"]
    assert rows.loc["swapped-same", "n"] <= 12


def test_an_explainer_has_no_mask_for_an_absent_class(study, case, monkeypatch):
    monkeypatch.setattr(leakage, "predicted", lambda masks, labels, classes, seed: labels)
    rows = pd.DataFrame(leakage.leakage_rows(CONTESTANTS["explainer"], study, case)).set_index("test")
    assert rows.loc["absent-area", "value"] < 0.05
    assert rows.loc["own", "value"] > 0.7
    assert rows.loc["swapped-same", "high"] < 0, "its mask belongs to its image"


def test_everything_adds_no_edge_and_says_nothing(study, case):
    rows = pd.DataFrame(edge_rows(CONTESTANTS["everything"], study, profile_case(study, 12)))
    assert set(rows["verdict"]) == {"silent"}
    assert (rows[["value", "edges"]].to_numpy() == [0, 1]).all()
    centre = pd.DataFrame(edge_rows(CONTESTANTS["centre"], study, profile_case(study, 12)))
    assert set(centre["verdict"]) == {"draws"}, "its own border, on whatever scene"


def test_the_edges_of_a_black_picture_are_not_kept():
    images = torch.zeros(1, 3, 32, 32)
    images[..., 8:24, 8:24] = 1
    assert edges_kept(images, images) == 1
    assert edges_kept(images, torch.zeros_like(images)) == 0
    half = images.clone()
    half[..., :16] = 0
    assert 0.3 < edges_kept(images, half) < 0.7
    assert np.isfinite(edges_kept(images, half))
