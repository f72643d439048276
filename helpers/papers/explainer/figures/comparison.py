"""Figures 3, 6, 7 and 8 of "What You See is What You Classify": the merged masks of six methods."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from scipy import ndimage
from torch import Tensor

from helpers.core.class_masks import merge_classes
from helpers.metrics import segmentation_scores
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import share, soft_pixel_fraction
from helpers.papers.explainer.figures.names import SHORT_NAMES
from helpers.plots import MASK_COLOURS
from helpers.reporting.mean_table import mean_table
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups

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


def connected_regions(masks: Float[Tensor, "batch height width"], least: float | int = 0.01) -> Int[Tensor, " batch"]:
    """The number of connected regions in which each mask is above one half.

    Args:
        masks: values in [0, 1].
        least: regions that are a smaller share of the image do not count.
    """
    counts = []
    for mask in (masks > 0.5).numpy():
        labelled, found = ndimage.label(mask)
        sizes = ndimage.sum_labels(mask, labelled, range(1, found + 1))
        counts.append(int((sizes >= least * mask.size).sum()))
    return torch.tensor(counts)


def _least_covered(
    masks: Float[Tensor, "batch height width"], regions: Bool[Tensor, "batch classes height width"] | None
) -> Float[Tensor, " batch"]:
    """The mean mask on the visible region of the class that it covers least; nan if the regions are not known."""
    if regions is None:
        return torch.full((len(masks),), torch.nan)
    covered = share((masks[:, None] * regions).sum((2, 3)), regions.sum((2, 3)).float())
    return covered.nan_to_num(torch.inf).amin(1)


def comparison_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: means over images with their intervals."""
    heads = {
        "iou": "IoU with the objects",
        "inside": "mass on the objects",
        "covered": "objects covered",
        "area": "area of the mask",
        "object_area": "area of the objects",
        "between": "between 0.1 and 0.9",
        "pieces": "connected regions",
    }
    shares = {name: (0, 1) for name in heads if name != "pieces"}
    return mean_table(table, {name: SHORT_NAMES[name] for name in COMPARED}, heads, shares)


def least_exact(table: pd.DataFrame, count: int) -> list[str]:
    """The names of the images with the smallest IoU of the Explainer's mask."""
    overlaps = table[table["method"] == "explainer"].set_index("image")["iou"]
    return list(overlaps.sort_values(kind="stable").index[:count])


def draw_comparison(study: ClassStudy, table: pd.DataFrame, *, inexact: int = 2) -> Figure:
    """Figures 3, 6, 7 and 8: images with the merged masks of all methods.

    The images with the smallest IoU of the Explainer's mask are on the right, as the paper's examples 13 and 14; the
    others are on the left.

    Args:
        study: the study of the images and masks.
        table: the result of `comparison_table` for the shown images.
        inexact: the number of images on the right.
    """
    names = list(table["image"].unique())
    last = least_exact(table, inexact)
    chosen = {"first images": [name for name in names if name not in last], "least exact": last}
    index = {name: row for row, name in enumerate(study.segmented.images.names)}
    images, truth = study.segmented.images[: len(names)], study.segmented.objects[: len(names), None]
    masks = {method: merged_masks(study, method, len(names)) for method in COMPARED}
    groups = []
    for title, members in chosen.items():
        rows = [index[name] for name in members]
        heads = tuple(
            "\n".join(images.class_names[k] for k in images.labels[row].nonzero()[:, 0].tolist()) for row in rows
        )
        pictures = [
            PictureRow("image", images.select(rows).images()),
            PictureRow("objects", truth[rows], MASK_COLOURS),
            *(PictureRow(SHORT_NAMES[name], mask[rows], MASK_COLOURS) for name, mask in masks.items()),
        ]
        groups.append(RowGroup(title, heads, tuple(pictures)))
    return draw_groups(groups)
