"""Figures 3, 6, 7 and 8 of "What You See is What You Classify": the merged masks of six methods."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from helpers.papers.explainer.experiments.comparison import COMPARED, merged_masks
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import drawn_methods
from helpers.papers.explainer.figures.names import SHORT_NAMES
from helpers.plots import MASK_COLOURS
from helpers.reporting.mean_table import mean_table
from helpers.reporting.pictures import PictureRow, RowGroup, draw_groups


def comparison_summary(table: pd.DataFrame, methods: Sequence[str] = COMPARED) -> pd.DataFrame:
    """One row for each of these methods: means over images with their intervals."""
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
    return mean_table(table, {name: SHORT_NAMES[name] for name in methods}, heads, shares)


def least_exact(table: pd.DataFrame, count: int) -> list[str]:
    """The names of the images with the smallest IoU of the Explainer's mask."""
    overlaps = table[table["method"] == "explainer"].set_index("image")["iou"]
    return list(overlaps.sort_values(kind="stable").index[:count])


def draw_comparison(study: ClassStudy, table: pd.DataFrame, *, inexact: int = 2) -> Figure:
    """Figures 3, 6, 7 and 8: images with the merged masks of all methods (see `drawn_methods`).

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
    masks = {method: merged_masks(study, method, len(names)) for method in drawn_methods(study, COMPARED)}
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
