"""Table 2 of "What You See is What You Classify": masks as segmentations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import Effect, column_words, mean_effect, unit_means
from helpers.metrics.segmentation import IOU_THRESHOLDS, SANITY_COLUMNS
from helpers.papers.explainer.experiments import METHOD_NAMES, METHODS
from helpers.papers.explainer.experiments.class_truth import CENTRE, CONSTANT
from helpers.papers.explainer.experiments.segmentation import RANDOM
from helpers.papers.explainer.figures.names import PAPER_NAMES
from helpers.papers.explainer.measures.segmentation import pair_rows
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words, mean_table

SCORES = {"accuracy": "Acc ↑", "iou": "IoU ↑", "saliency": "Sal ↓", "mae": "MAE ↓"}
"""The four measures of Table 2; the arrow points towards better masks."""

CONTROL_NAMES = {RANDOM: "random order", CONSTANT: "constant", CENTRE: "Gaussian in the centre"}
"""Masks that look neither at the image nor at the classifier."""

TRUTHS = {
    "iou": "IoU ↑",
    "pointing_game": "pointing game ↑",
    "pixel_auroc": "pixel AUROC ↑",
    "mass_above_chance": "mass above chance ↑",
    "mass_above_chance_others": "mass on other objects ↓",
}


def method_title(name: str) -> str:
    """The displayed name of a method or a sanity column."""
    return CONTROL_NAMES.get(name) or METHOD_NAMES.get(name, f"mask {name}")


def table_two(table: pd.DataFrame, score: str, names: Mapping[str, str] = PAPER_NAMES) -> pd.DataFrame:
    """One row per mask, sanity columns first, and one column per pair: means over images with their intervals.

    Args:
        table: `explainer-segmentation` of all pairs.
        score: a key of `SCORES`.
        names: the displayed names of datasets and classifiers.
    """
    present = set(table["method"])
    masks = [name for name in (*SANITY_COLUMNS, RANDOM, *METHODS) if name in present]
    columns = {"mask": [method_title(name) for name in masks]}
    for dataset, classifier in _pairs(table):
        rows = pair_rows(table, dataset, classifier)
        effects = [mean_effect(rows[rows["method"] == name][score]) for name in masks]
        columns[f"{names[dataset]}, {names[classifier]}"] = column_words(effects)
    return pd.DataFrame(columns)


def sanity_numbers(table: pd.DataFrame) -> dict[str, float]:
    """The numbers of images and pairs, and the scores of masks of ones and of halves on the first pair's images."""
    rows = pair_rows(table, *_pairs(table)[0])
    ones, halves = rows[rows["method"] == "1"], rows[rows["method"] == "0.5"]
    pairs = table.groupby(["dataset", "classifier"], sort=False)["image"].nunique()
    return {
        "images": int(pairs.iloc[0]),
        "pairs": len(pairs),
        "object-area": float(ones["truth"].mean()),
        "ones-iou": float(ones["iou"].mean()),
        "ones-accuracy": float(ones["accuracy"].mean()),
        "half-iou": float(halves["iou"].mean()),
        "gray-score": float(halves["accuracy"].mean()),
    }


def compare_variants(table: pd.DataFrame, names: Mapping[str, str] = PAPER_NAMES) -> pd.DataFrame:
    """One row per method: the published − the corrected saliency score, one column per dataset.

    Each image counts once, with the mean over the classifiers.
    """
    values = table.pivot_table(index=["dataset", "classifier", "image", "method"], columns="variant", values="saliency")
    change = (values["published"] - values["corrected"]).groupby(["dataset", "image", "method"]).mean()
    masks = ("G.T.", *METHODS)
    columns = {"mask": [method_title(name) for name in masks]}
    for dataset in dict.fromkeys(table["dataset"]):
        effects = [mean_effect(change.xs((dataset, name), level=("dataset", "method"))) for name in masks]
        columns[names[dataset]] = column_words(effects)
    return pd.DataFrame(columns)


def class_truth_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: scores of the class masks against the visible part of their class, with intervals.

    Each scene counts once, with the mean over its classes and over the classifiers.
    """
    present = set(table["method"])
    names = {name: method_title(name) for name in (*CONTROL_NAMES, *METHODS) if name in present}
    limits = {name: (-1, 1) if name.startswith("mass_above_chance") else (0, 1) for name in TRUTHS}  # differences
    return mean_table(table, names, TRUTHS, limits)


def beyond_control(table: pd.DataFrame, control: str = CENTRE) -> dict[tuple[str, str], Effect]:
    """Each method's scores of the class masks − a control's on the same images, by method and score (of `TRUTHS`).

    An image counts once, with the mean over its classes and over the classifiers.

    Args:
        table: `explainer-class-truth` of all pairs.
        control: a key of `CONTROL_NAMES`.
    """
    present = [name for name in METHODS if name in set(table["method"])]
    unit = [name for name in ("dataset", "image") if name in table]
    means = {name: table[table["method"] == name] for name in (*present, control)}
    return {
        (name, score): mean_effect(
            (unit_means(means[name], score, unit) - unit_means(means[control], score, unit)).dropna()
        )
        for name in present
        for score in TRUTHS
        if not score.endswith("others")
    }


def beyond_control_table(table: pd.DataFrame, control: str = CENTRE) -> pd.DataFrame:
    """`beyond_control` as a table: one row per method, with intervals."""
    effects = beyond_control(table, control)
    names = list(dict.fromkeys(name for name, _ in effects))
    scores = list(dict.fromkeys(score for _, score in effects))
    columns = {TRUTHS[score]: [effects[name, score] for name in names] for score in scores}
    images = {"images": [effects[name, scores[0]].count for name in names]}
    return effects_in_words(pd.DataFrame({"method": [METHOD_NAMES[name] for name in names], **columns, **images}))


def draw_thresholds(table: pd.DataFrame, names: Mapping[str, str] = PAPER_NAMES, *, width: float | int = 9.0) -> Figure:
    """The IoU of the masks binarised at nine thresholds, one panel per pair, one line per method."""
    columns = [f"iou_{round(100 * threshold)}" for threshold in IOU_THRESHOLDS]
    pairs = _pairs(table)
    below = math.ceil(len(pairs) / 2)
    with panels(below, 2, size=(width, 2.9 * below), sharex=True, sharey=True, squeeze=False) as (figure, axes):
        for panel, (dataset, classifier) in zip(axes.flat, pairs, strict=False):
            rows = pair_rows(table, dataset, classifier)
            for number, name in enumerate(METHODS):
                strong = name == "explainer"
                panel.plot(
                    IOU_THRESHOLDS,
                    rows[rows["method"] == name][columns].mean(),
                    label=METHOD_NAMES[name],
                    color="black" if strong else f"C{number}",
                    linewidth=2.6 if strong else 1.4,
                    marker="osv^Dx."[number],
                    markersize=4,
                )
            panel.set_title(f"{names[dataset]},\n{names[classifier]}", fontsize=10)
            panel.set_ylim(bottom=0)
        for panel in axes[-1]:
            panel.set_xlabel("threshold of the mask")
        for panel in axes[:, 0]:
            panel.set_ylabel("IoU with the objects")
        for panel in axes.flat[len(pairs) :]:
            panel.set_axis_off()
        figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=9, loc="outside lower center", ncols=4)
    return figure


def _pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The pairs of a dataset and a classifier, in the order of the table."""
    return list(table[["dataset", "classifier"]].drop_duplicates().itertuples(index=False, name=None))
