"""Figures 3, 6, 7 and 8 of "What You See is What You Classify" in numbers: the merged masks of six methods."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.class_masks import merge_classes
from helpers.metrics import segmentation_scores
from helpers.papers.explainer.experiments.mask_measures import connected_regions, share, soft_pixel_fraction
from helpers.papers.explainer.experiments.study import ClassStudy

COMPARED = ("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis", "explainer")
"""The methods of Figure 3, in its order."""


def merged_masks(study: ClassStudy, name: str, count: int) -> Float[Tensor, "count 1 height width"]:
    """A method's masks of the first images, merged over the classes that each image shows."""
    return merge_classes(study.masks(name, count), study.segmented.images.labels[:count])


def comparison_table(study: ClassStudy, count: int | None = None) -> pd.DataFrame:
    """Merged masks against the objects: one row per image and method.

    Args:
        study: the study of the images and masks.
        count: the number of images; None for that of the profile's evaluation.

    Methods may have fewer images than others (`ClassStudy.count_of`).

    Returns:
        Columns image, classes (the number of classes that the image shows), method, iou, inside (the share of the
        mask's mass on the objects), covered (the mean mask on the objects), least_covered (the same for the class that
        is covered least; nan if the regions of the classes are not known), area (of the mask), object_area, between
        (see `soft_pixel_fraction`), pieces (see `connected_regions`). Void pixels are left out.
    """
    most = study.settings.evaluation.images if count is None else count
    all_regions = study.class_regions(most)
    rows = []
    for name in COMPARED:
        masks = merged_masks(study, name, min(most, study.count_of(name)))[:, 0]
        truth = study.segmented[slice(len(masks))]
        counted, objects = truth.counted.float(), truth.objects * truth.counted
        regions = None if all_regions is None else all_regions[: len(masks)]
        counted_masks = masks * counted
        values = {
            "iou": segmentation_scores(masks, truth.objects, truth.counted)["iou"],
            "inside": share((counted_masks * objects).sum((1, 2)), counted_masks.sum((1, 2))),
            "covered": share((masks * objects).sum((1, 2)), objects.sum((1, 2))),
            "least_covered": _least_covered(masks, regions),
            "area": share(counted_masks.sum((1, 2)), counted.sum((1, 2))),
            "object_area": share(objects.sum((1, 2)), counted.sum((1, 2))),
            "between": soft_pixel_fraction(masks),
            "pieces": connected_regions(masks),
        }
        columns = {key: value.tolist() for key, value in values.items()}
        shown = {"image": truth.images.names, "classes": truth.images.labels.sum(1).tolist()}
        rows.append(pd.DataFrame({**shown, "method": name, **columns}))
    return pd.concat(rows, ignore_index=True)


def _least_covered(
    masks: Float[Tensor, "batch height width"], regions: Bool[Tensor, "batch classes height width"] | None
) -> Float[Tensor, " batch"]:
    """The mean mask on the visible region of the class that it covers least; nan if the regions are not known."""
    if regions is None:
        return torch.full((len(masks),), torch.nan)
    covered = share((masks[:, None] * regions).sum((2, 3)), regions.sum((2, 3)).float())
    return covered.nan_to_num(torch.inf).amin(1)
