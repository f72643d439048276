"""Figure 1 of "What You See is What You Classify" in numbers: the masks of several classes of one image."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.papers.explainer.experiments.mask_measures import share, soft_pixel_fraction
from helpers.papers.explainer.experiments.study import ClassStudy

PER_CLASS = ("explainer", "grad-cam", "extremal-perturbation")
"""The methods of Figure 1, in its order."""


def class_mask_table(study: ClassStudy, count: int | None = None) -> pd.DataFrame:
    """Scores of the mask of each present class on the first `count` images with at least two classes.

    Args:
        study: the study of the images and masks.
        count: None for the number of images that the profile evaluates.

    Returns:
        One row per image, method and class; columns image, method, class, own (the share of the mask's mass on this
        class's object), other (on objects of other classes), between (see `soft_pixel_fraction`). `own` and `other`
        are nan if the regions of the classes are not known.
    """
    count = study.settings.evaluation.images if count is None else count
    all_several = (study.segmented.images.labels.sum(1) > 1).nonzero()[:count, 0].tolist()
    all_regions = study.class_regions()
    slow = study.settings.evaluation.images_of
    rows = []
    for name in PER_CLASS:
        several = [row for row in all_several if name not in slow or row < slow[name]]  # only these masks are stored
        images, counted = study.segmented.images.select(several), study.segmented.counted[several, None]
        regions = None if all_regions is None else all_regions[several]
        masks = study.masks(name, images=images)
        own, other = (torch.full(images.labels.shape, torch.nan) for _ in range(2))
        if regions is not None:
            mass = (masks * counted).sum((2, 3))
            elsewhere = regions.any(1, keepdim=True) & ~regions
            own = share((masks * regions).sum((2, 3)), mass)
            other = share((masks * elsewhere).sum((2, 3)), mass)
        soft = soft_pixel_fraction(masks)
        rows += [
            {
                "image": images.names[i],
                "method": name,
                "class": images.class_names[k],
                "own": float(own[i, k]),
                "other": float(other[i, k]),
                "between": float(soft[i, k]),
            }
            for i, k in images.labels.nonzero().tolist()
        ]
    columns = ["image", "method", "class", "own", "other", "between"]
    return pd.DataFrame(rows, columns=columns)
