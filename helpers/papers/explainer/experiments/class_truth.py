"""What the paper could not measure: each class's mask against the visible part of that class, on scenes."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.scenes import Scenes
from helpers.metrics import pixel_auroc, pointing_game, relevance_mass_above_chance, segmentation_scores
from helpers.papers.explainer.experiments.methods import METHODS
from helpers.papers.explainer.experiments.study import ClassStudy


def class_truth_table(study: ClassStudy) -> pd.DataFrame:
    """One row for each image, class that it shows, and method.

    Returns:
        Columns method, image, class, area (of the class's visible part), visible (the share of its object that
        nothing covers), iou and iou_50 (with the visible part), points (the pointing game), pixel_auroc (the
        probability that a pixel of the class stands above one that is not of it), share (of the mask's mass on the
        class, beyond its area), share_others (the same of the image's other objects).

    Raises:
        ValueError: the images are photographs: what is visible of each class is not known.
    """
    count = study.settings.evaluation.images
    regions = study.class_regions(count)
    if regions is None or study.scenes is None:
        raise ValueError(
            f"the images of {study.dataset} in profile {study.profile.name!r} are photographs; the visible part of "
            "each class is known on scenes only"
        )
    image, kind = study.segmented.images[:count].labels.nonzero(as_tuple=True)
    truth = regions[image, kind]
    others = regions.any(1)[image] & ~truth
    known = {
        "image": [study.segmented.images.names[row] for row in image.tolist()],
        "class": [study.segmented.images.class_names[column] for column in kind.tolist()],
        "area": truth.float().mean((1, 2)).tolist(),
        "visible": _visible_shares(study.scenes[:count], regions.shape[1])[image, kind].tolist(),
    }
    parts = []
    for name in METHODS:
        masks = study.masks(name, count)[image, kind]
        overlap = segmentation_scores(masks, truth.float())
        scores = {
            "iou": overlap["iou"],
            "iou_50": overlap["iou_50"],
            "points": pointing_game(masks, truth),
            "pixel_auroc": pixel_auroc(masks, truth, ~truth),
            "share": relevance_mass_above_chance(masks, truth),
            "share_others": relevance_mass_above_chance(masks, others),
        }
        columns = {key: values.tolist() for key, values in scores.items()}
        parts.append(pd.DataFrame({"method": name, **known, **columns}))
    return pd.concat(parts, ignore_index=True)


def _visible_shares(scenes: Scenes, classes: int) -> Float[Tensor, "scenes classes"]:
    """The share of each class's object that nothing covers; 0 where there is none."""
    seen, full = (masks.flatten(2).sum(2) for masks in (scenes.object_masks, scenes.object_full_masks))
    found = torch.zeros(len(scenes), classes)
    return found.scatter_add_(1, scenes.object_classes.clamp_min(0), seen / full.clamp_min(1))
