"""Passes are counted image by image, forward and back; the table of findings is the ledger's."""

from __future__ import annotations

import torch

from helpers.chapters.which_method import counted_passes, found_on_photographs, pass_table
from helpers.classifiers import load_classifier
from helpers.core.statistics import MINIMUM_UNITS
from helpers.methods.baselines import OcclusionOptions, RISEOptions


def test_a_pass_is_one_image_and_a_way_back_counts_only_if_it_is_gone():
    classifier = load_classifier("scenes-multilabel")
    images = torch.rand(3, 3, 64, 64)
    with counted_passes(classifier) as passes:
        classifier(images)
        assert passes() == (3, 0)
        leaves = images.clone().requires_grad_()
        logits = classifier(leaves)
        assert passes() == (6, 0)
        logits.sum().backward()
        assert passes() == (6, 3)
    classifier(images)
    assert passes() == (6, 3), "nothing is counted after the block"


def test_the_counts_follow_from_the_published_settings():
    table = pass_table().set_index("method")
    options = OcclusionOptions()
    side = round(64 * options.window)
    step = max(1, round(64 * options.stride))
    rows = len({*range(0, 64 - side, step), 64 - side})
    assert table.loc["occlusion", "forward"] - rows**2 in (0, 1, 2)
    assert table.loc["RISE", "forward"] - RISEOptions().masks in (0, 1)
    for name in ("Pixel RDE", "CartoonX"):
        assert table.loc[name, "backward"] == 2000 * 64
    assert table.loc["Grad-CAM", "backward"] == 1


def test_few_photographs_have_no_interval():
    found = found_on_photographs()
    few = found["photographs"] < MINIMUM_UNITS
    assert few.any()
    assert not few.all()
    assert (found.loc[few, "effect"] == "–").all()
    assert found.loc[~few, "effect"].str.contains(r"\[").all()
    assert (found.loc[few, "outcome"] == "undecided").all()
