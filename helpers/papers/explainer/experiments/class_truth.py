"""Beyond the paper: each class's mask against the visible region of that class, on scenes."""

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
    """One row per image, class shown in it, and method.

    Returns:
        Columns method, image, class, area (of the class's visible region), visible (the share of its object that
        nothing covers), iou and iou_50 (with the visible region), pointing_game, pixel_auroc (the
        probability that a pixel of the class ranks above one outside it), mass_above_chance (the share of the mask's
        mass on the class, less its area), mass_above_chance_others (the same for the image's other objects).

    Raises:
        ValueError: the images are photographs, whose class regions are not known.
    """
    count = study.settings.evaluation.images
    regions = study.class_regions(count)
    if regions is None or study.scenes is None:
        raise ValueError(
            f"the images of {study.dataset} in profile {study.profile.name!r} are photographs; the visible region "
            "of each class is known for scenes only"
        )
    image, target = study.segmented.images[:count].labels.nonzero(as_tuple=True)
    truth = regions[image, target]
    others = regions.any(1)[image] & ~truth
    shared_columns = {
        "image": [study.segmented.images.names[row] for row in image.tolist()],
        "class": [study.segmented.images.class_names[column] for column in target.tolist()],
        "area": truth.float().mean((1, 2)).tolist(),
        "visible": _visible_shares(study.scenes[:count], regions.shape[1])[image, target].tolist(),
    }
    tables = []
    for name in METHODS:
        masks = study.masks(name, count)[image, target]
        overlap = segmentation_scores(masks, truth.float())
        scores = {
            "iou": overlap["iou"],
            "iou_50": overlap["iou_50"],
            "pointing_game": pointing_game(masks, truth),
            "pixel_auroc": pixel_auroc(masks, truth, ~truth),
            "mass_above_chance": relevance_mass_above_chance(masks, truth),
            "mass_above_chance_others": relevance_mass_above_chance(masks, others),
        }
        columns = {key: values.tolist() for key, values in scores.items()}
        tables.append(pd.DataFrame({"method": name, **shared_columns, **columns}))
    return pd.concat(tables, ignore_index=True)


def _visible_shares(scenes: Scenes, classes: int) -> Float[Tensor, "scenes classes"]:
    """The unoccluded share of each class's object; 0 where the scene has none."""
    seen, full = (masks.flatten(2).sum(2) for masks in (scenes.object_masks, scenes.object_full_masks))
    shares = torch.zeros(len(scenes), classes)
    return shares.scatter_add_(1, scenes.object_classes.clamp_min(0), seen / full.clamp_min(1))
