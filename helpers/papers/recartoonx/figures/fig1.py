"""Figure 1 of [Re] CartoonX: images on which one method is better than the other, chosen by a measure."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.stats import spearmanr
from torch import Tensor

from helpers.metrics.truth_scores import region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import METHODS, Study
from helpers.papers.recartoonx.experiments.study import scene_truth
from helpers.papers.recartoonx.figures.pictures import pictures_of
from helpers.papers.recartoonx.measures.selection import chosen_variant, largest_gaps, relative_gap
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.pictures import draw_groups
from helpers.reporting.words import join_words

GROUPS = ("CartoonX better", "Pixel RDE better")
COLUMN_OF = {"cartoonx": "cartoonx", "pixel-rde": "pixel_rde"}


def gap_table(study: Study, curves: pd.DataFrame) -> pd.DataFrame:
    """One row per image, starting with CartoonX's largest advantage.

    Args:
        study: the study of the images.
        curves: the table `curves`, whose corrected variant gives the gaps.

    Returns:
        Columns image, gap (see `relative_gap`), prediction (the index of the class), confidence, roughness_cartoonx,
        roughness_pixel_rde (see `roughness`), for scenes also area (the predicted class's share of the image),
        inside_cartoonx and inside_pixel_rde (the share of the relevance on that class; nan if the image does not show
        it), and brightness.
    """
    classes, confidence = study.predictions
    columns: dict[str, list] = {
        "image": list(study.images.names),
        "prediction": classes.tolist(),
        "confidence": confidence.tolist(),
    }
    explanations = {method: study.explain(method) for method in METHODS}
    for method, column in COLUMN_OF.items():
        columns[f"roughness_{column}"] = roughness(explanations[method].kept).tolist()
    truth = scene_truth(study.profile.images)
    if truth is not None:
        region = region_of_class(truth, classes)
        absent = ~region.flatten(1).any(1)
        columns["area"] = region.float().mean((1, 2, 3)).tolist()
        for method, column in COLUMN_OF.items():
            inside = relevance_mass_accuracy(explanations[method].mask, region)
            columns[f"inside_{column}"] = inside.masked_fill(absent, float("nan")).tolist()
    columns["brightness"] = study.images.images.mean((1, 2, 3)).tolist()
    gap = relative_gap(chosen_variant(curves, "corrected"))
    return gap.reset_index().merge(pd.DataFrame(columns), on="image")


def roughness(
    pictures: Float[Tensor, "count channels height width"],
) -> Float[Tensor, " count"]:
    """The total variation of each picture divided by its sum: high for scattered dots, low for smooth areas.

    The variation is the sum of the absolute differences of vertical and horizontal neighbours; nan for black pictures.
    """
    variation = sum(pictures.diff(dim=axis).abs().sum((1, 2, 3)) for axis in (2, 3))
    mass = pictures.sum((1, 2, 3))
    return torch.where(mass > 0, variation / mass, torch.nan)


def draw_gaps(study: Study, table: pd.DataFrame, shown: int) -> Figure:
    """The images with the largest gaps in either direction, each with its prediction and gap.

    Args:
        study: the study of the images.
        table: the result of `gap_table`.
        shown: the largest number of images per side.
    """
    rows = {row.image: row for row in table.itertuples()}

    def title(image: str) -> str:
        row = rows[image]
        prediction = f"{study.classifier.class_names[row.prediction]}, {row.confidence:.0%}"
        return f"{prediction}\ngap {row.gap:+.2f}".replace("-", "−")

    groups = [
        pictures_of(study, study.images.select(*images), head, [title(image) for image in images])
        for head, images in zip(GROUPS, largest_gaps(_gap(table), shown), strict=True)
        if images
    ]
    return draw_groups(groups)


def fewer_words(table: pd.DataFrame, shown: int) -> str:
    """A sentence about sides with fewer than `shown` images; empty if both are full."""
    sides = zip(GROUPS, largest_gaps(_gap(table), shown), strict=True)
    short = [head for head, images in sides if len(images) < shown]
    return f"Fewer than {shown} images had a gap of that sign: {join_words(short)}." if short else ""


def brightness_words(table: pd.DataFrame) -> str:
    """The rank correlation of the gap and the image's brightness, in a sentence."""
    if len(table) <= 3:
        return "There are too few images to tell."
    rank = spearmanr(table["gap"], table["brightness"])
    return (
        f"The rank correlation of the gap and the mean brightness is {rank.statistic:.2f} over {len(table)} images "
        f"(p = {rank.pvalue:.2g}). Above 0, bright images favour Pixel RDE, and dark ones CartoonX."
    )


def photograph_words(curves: pd.DataFrame) -> str:
    """The photographs of the profile `study` with the largest gaps; the pictures may not be published themselves."""
    gap = relative_gap(chosen_variant(curves, "corrected"))
    best = [join_words([name.split("_", 1)[-1].replace("_", " ") for name in images]) for images in largest_gaps(gap)]
    return (
        f"On {len(gap)} photographs of ImageNet, CartoonX is furthest ahead on: {best[0]}. Pixel RDE is furthest ahead "
        f"on: {best[1]}. The pictures themselves may not be published here; "
        "`make figure ID=recartoonx-fig1 PROFILE=study` draws them for you."
    )


def draw_photograph_gaps(curves: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """The relative gap of each image as a bar, in order, in the colour of the method that is better.

    Args:
        curves: the table `curves`.
        width: the figure's width in inches.
    """
    gap = relative_gap(chosen_variant(curves, "corrected")).dropna()
    colours = [METHOD_COLOURS["CartoonX" if value < 0 else "Pixel RDE"] for value in gap]
    with panels(1, 1, size=(width, 3.0), squeeze=False) as (figure, axes):
        ax = axes[0, 0]
        ax.bar(range(len(gap)), gap, color=colours, width=0.8)
        ax.axhline(0, color=METHOD_COLOURS["neutral"], linewidth=1)
        ax.set_xlabel("images in the order of the gap")
        ax.set_ylabel("gap, CartoonX − Pixel RDE")
        ax.set_xticks([])
        handles = [Patch(color=METHOD_COLOURS[name], label=f"{name} better") for name in ("CartoonX", "Pixel RDE")]
        ax.legend(handles=handles, loc="upper left")
    return figure


def _gap(table: pd.DataFrame) -> pd.Series:
    return table.set_index("image")["gap"]
