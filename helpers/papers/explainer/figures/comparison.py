"""Figures 3, 6, 7 and 8 of "What You See is What You Classify": the merged masks of six methods."""

from __future__ import annotations

import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.class_masks import merge_classes
from helpers.core.statistics import mean_effect
from helpers.metrics import segmentation_scores
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.masks import share, soft_pixel_fraction
from helpers.papers.explainer.figures.names import SHORT_NAMES
from helpers.plots import MASK_COLOURS
from helpers.reporting.claims import Claim
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

    Returns:
        Columns image, method, iou, inside (the share of the mask's mass on the objects), covered (the mean mask on the
        objects), area (of the mask), object_area, between (see `soft_pixel_fraction`). Void pixels are left out.
    """
    count = study.settings.evaluation.images if count is None else count
    truth = study.segmented[slice(count)]
    counted, objects = truth.counted.float(), truth.objects * truth.counted
    rows = []
    for name in COMPARED:
        masks = merged_masks(study, name, count)[:, 0]
        counted_masks = masks * counted
        values = {
            "iou": segmentation_scores(masks, truth.objects, truth.counted)["iou"],
            "inside": share((counted_masks * objects).sum((1, 2)), counted_masks.sum((1, 2))),
            "covered": share((masks * objects).sum((1, 2)), objects.sum((1, 2))),
            "area": share(counted_masks.sum((1, 2)), counted.sum((1, 2))),
            "object_area": share(objects.sum((1, 2)), counted.sum((1, 2))),
            "between": soft_pixel_fraction(masks),
        }
        columns = {key: value.tolist() for key, value in values.items()}
        rows.append(pd.DataFrame({"image": truth.images.names, "method": name, **columns}))
    return pd.concat(rows, ignore_index=True)


def comparison_claims(table: pd.DataFrame) -> list[Claim]:
    """The paper's claims about Figures 3, 6, 7 and 8 (section 4.1, appendices D to F)."""
    iou, inside, area, soft = (
        table.pivot(index="image", columns="method", values=name) for name in ("iou", "inside", "area", "between")
    )
    objects = table.drop_duplicates("image").set_index("image")["object_area"]
    others = [name for name in COMPARED if name != "explainer"]
    best = str(iou[others].mean().idxmax())
    grey = "share of pixels between 0.1 and 0.9"
    return [
        Claim(
            "the Explainer's masks are sharper than those of Grad-CAM and RISE",
            f"Explainer − mean of Grad-CAM and RISE, {grey}",
            mean_effect(soft["explainer"] - soft[["grad-cam", "rise"]].mean(axis=1)),
            -1,
        ),
        Claim(
            "the Explainer's masks are sharper than those of EP and iGOS++",
            f"Explainer − mean of EP and iGOS++, {grey}",
            mean_effect(soft["explainer"] - soft[["extremal-perturbation", "igos++"]].mean(axis=1)),
            -1,
        ),
        Claim(
            "RTIS leaks over the borders of objects more than the Explainer",
            "Explainer − RTIS, share of the mask's mass on the objects",
            mean_effect(inside["explainer"] - inside["rtis"]),
            1,
        ),
        Claim(
            "RTIS marks more than the objects",
            "RTIS, area of the mask − area of the objects",
            mean_effect(area["rtis"] - objects),
            1,
        ),
        Claim(
            "iGOS++ marks small parts of the objects",
            "iGOS++, area of the mask − area of the objects",
            mean_effect(area["igos++"] - objects),
            -1,
        ),
        Claim(
            "the Explainer retains the objects and discards the rest better than all other methods",
            f"Explainer − {SHORT_NAMES[best]} (the best of the others here), IoU with the objects",
            mean_effect(iou["explainer"] - iou[best]),
            1,
        ),
    ]


def comparison_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: means over images with their intervals."""
    heads = {
        "iou": "IoU with the objects",
        "inside": "mass on the objects",
        "covered": "objects covered",
        "area": "area",
        "between": "between 0.1 and 0.9",
    }
    return mean_table(table, {name: SHORT_NAMES[name] for name in COMPARED}, heads)


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
