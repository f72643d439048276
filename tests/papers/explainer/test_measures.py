"""Measures where methods have unequal numbers of images, and of classes that occur together, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers.papers.explainer.measures import class_scores, masks, segmentation

RIVALS = ("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis")


def segmentation_rows():
    """Six images; the search of iGOS++ took the first two only, on which Grad-CAM is the best rival."""
    rows = []
    for number in range(6):
        scores = dict.fromkeys(RIVALS, 0.1) | {"explainer": 0.9, "grad-cam": 0.5 if number < 2 else 0.0, "rtis": 0.4}
        if number < 2:
            scores["igos++"] = 0.3
        else:
            del scores["igos++"]
        rows += [{"image": f"{number}", "method": name, "iou": value} for name, value in scores.items()]
    return pd.DataFrame(rows).assign(variant="corrected", dataset="voc2007", classifier="vgg16")


def test_the_best_rival_is_chosen_on_the_images_that_all_have():
    effect = segmentation.beyond_best_rival(segmentation_rows(), "voc2007", "vgg16", "iou")
    assert effect.count == 6
    assert effect.value == pytest.approx(np.mean([0.4] * 2 + [0.9] * 4))


def test_groups_of_methods_are_compared_on_the_images_that_all_have():
    rows = segmentation_rows()
    groups = {"first": ["explainer"], "second": ["igos++", "rtis"]}
    for effect in (
        segmentation.difference(rows, "voc2007", "vgg16", "iou", **groups),
        masks.difference(rows, "iou", **groups),
    ):
        assert effect.count == 2
        assert effect.value == pytest.approx(0.9 - 0.35)


def test_classes_that_occur_together_are_compared_with_the_others_of_the_same_target():
    cells = {
        ("1", "cat", "cat"): 0.9,  # the own mask does not count
        ("1", "cat", "none"): 0.8,
        ("1", "cat", "dog"): 0.5,
        ("1", "cat", "cow"): 0.2,
        ("1", "cat", "horse"): 0.4,
        ("1", "cow", "dog"): 0.7,  # no partner
        ("2", "dog", "cat"): 0.1,
        ("2", "dog", "cow"): 0.3,
        ("2", "horse", "person"): 0.6,
        ("2", "horse", "cow"): 0.2,
    }
    rows = pd.DataFrame(
        [(*key, value) for key, value in cells.items()], columns=["image", "target", "mask", "probability"]
    )
    table = rows.assign(variant="corrected", method="grad-cam")
    other = rows.assign(variant="published", method="grad-cam", probability=1.0)
    pairs = [["cat", "dog"], ["person", "horse"]]
    effect = class_scores.co_occurring(pd.concat([table, other]), "grad-cam", pairs)
    assert effect.count == 2
    assert effect.value == pytest.approx(np.mean([0.5 - 0.3, np.mean([0.1 - 0.3, 0.6 - 0.2])]))
    assert class_scores.co_occurring(table[table["target"] == "cow"], "grad-cam", pairs).count == 0
