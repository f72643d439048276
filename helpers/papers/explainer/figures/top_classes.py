"""Figures 4 and 5 of "What You See is What You Classify": the five strongest classes of an image."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from helpers.papers.explainer.experiments.activations import all_class_masks
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.plots import MASK_COLOURS, show_images

EMPTY = 0.05
"""The average mask activation, times 100, below which a figure prints 0.0 and draws no mask."""


def mean_activations(table: pd.DataFrame) -> dict[str, float]:
    """The mean AMA of the classes that an image shows ("ama-present"), and of the others ("ama-absent")."""
    means = table.groupby("present")["ama"].mean()
    return {"ama-present": float(means[True]), "ama-absent": float(means[False])}


def draw_top_classes(study: ClassStudy, shown: int = 8, top: int = 5) -> Figure:
    """Figures 4 and 5: each image, the maximum over all masks, and the `top` classes with the largest mean mask.

    Above each mask are the class (with ** if the image shows it), its average mask activation AMA and the classifier's
    score CLS, both times 100. An empty mask is not drawn.
    """
    images = study.images[:shown]
    masks, scores = all_class_masks(study, shown)
    activation = 100 * masks.mean((2, 3))
    pictures: list[Tensor] = []
    titles: list[str] = []
    empty: list[bool] = []
    for row in range(shown):
        best = activation[row].argsort(descending=True, stable=True)[:top].tolist()
        pictures += [images.images()[row], masks[row].amax(0, keepdim=True), *masks[row, best][:, None]]
        titles += ["image", "all classes"] if row == 0 else ["", ""]
        titles += [
            f"{images.class_names[k]}{' **' if images.labels[row, k] else ''}\n"
            f"AMA {activation[row, k]:.1f}\nCLS {100 * scores[row, k]:.0f}"
            for k in best
        ]
        empty += [False, False, *(activation[row, best] < EMPTY).tolist()]
    figure = show_images(pictures, titles, columns=2 + top, colours=MASK_COLOURS, width=9.5)
    for axes, is_empty in zip(figure.axes, empty, strict=True):
        if is_empty:
            axes.images[0].remove()
            axes.text(0.5, 0.5, "empty", transform=axes.transAxes, ha="center", va="center", color="#5A5A5A")
    return figure
