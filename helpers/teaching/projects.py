"""What the page of projects gives students: the judgement of their own maps beside controls."""

from __future__ import annotations

import pandas as pd
from jaxtyping import Int
from torch import Tensor

from helpers.chapters.judging import Maps, area_table, truth_scores
from helpers.classifiers import Classifier
from helpers.core.statistics import mean_effect
from helpers.data.scenes import Scenes
from helpers.metrics.truth_scores import region_of_class

BLOB = "centre"
"""The control with which the relevance mass of all other maps is compared."""


def judge_maps(classifier: Classifier, scenes: Scenes, targets: Int[Tensor, " batch"], maps: Maps) -> pd.DataFrame:
    """Two judgements of each map: against the known object, and by deletion with three replacements.

    Args:
        classifier: pixels in [0, 1] to logits.
        scenes: the images, with the regions of their objects.
        targets: the explained class of each image, which must be shown in it.
        maps: one map per image and name, not negative, on any scale; one of the names must be `centre`, the blob.

    Returns:
        One row per map and one for a random order of pixels; columns map; mass (the share of the map on the object, a
        mean over the images); above the blob (the `Effect` of the difference to the blob's mass); and the mean area
        under the deletion curve, one column for each replacement. Empty cells are nan.

    Raises:
        ValueError: there is no map of the name `centre`.
    """
    if BLOB not in maps:
        raise ValueError(f"a map named {BLOB!r} is needed for comparison; found {', '.join(maps)}")
    regions = region_of_class(scenes, targets)[:, 0]
    mass = truth_scores(maps, regions).pivot(index="image", columns="map", values="mass")
    areas = area_table(classifier, scenes.images, maps, targets).set_index("map")
    above = {name: mean_effect((mass[name] - mass[BLOB]).to_numpy()) for name in maps if name != BLOB}
    table = areas.rename(columns=lambda name: f"deletion, {name}")
    table.insert(0, "mass", mass.mean())
    table.insert(1, "above the blob", pd.Series(above))
    return table.reset_index()
