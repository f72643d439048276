"""Figure 4 of the SpaCE-VAE paper: accuracy against sparsity, for all methods."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.papers.spacevae.figures.words import COLOURS, METHOD_NAMES
from helpers.papers.spacevae.measures.rows import COMPETITORS, CONTROLS, on_test_images, score
from helpers.papers.spacevae.published import published_table_one
from helpers.plots import PUBLISHED_MARKER
from helpers.plots.figures import panels

LABELS = {"accuracy": "accuracy (true labels)", "agreement": "agreement (predicted labels)"}
NORMS = {"l0": "L0 sparsity, %: pixel values that are black", "l1": "L1 sparsity, %: brightness removed"}


def draw_accuracy_against_sparsity(table: pd.DataFrame, *, paper: bool = True, width: float | int = 9.5) -> Figure:
    """Four panels: true labels above, predicted ones below; L0 sparsity left, L1 sparsity right.

    A competitor's thresholds are joined by a line; each point of SpaCE-VAE is labelled with its β. The paper's points
    (hollow, on CIFAR-10) are in the panels of true labels only.
    """
    rows = on_test_images(table)
    with panels(2, 2, size=(width, 0.78 * width), sharex="col", sharey=True, squeeze=False) as (figure, axes):
        for axes_row, label in zip(axes, LABELS, strict=True):
            for ax, norm in zip(axes_row, NORMS, strict=True):
                for method in (*COMPETITORS, *CONTROLS):
                    _draw_thresholds(ax, rows[rows["method"] == method], norm, label)
                for method in ("space-vae", "vq-vae", "original"):
                    _draw_points(ax, rows[rows["method"] == method], norm, label)
                if paper and label == "accuracy":
                    _draw_published(ax, norm)
                ax.set(ylim=(0, 1.08), yticks=np.linspace(0, 1, 6))
            axes_row[0].set_ylabel(LABELS[label])
        for ax, words in zip(axes[1], NORMS.values(), strict=True):
            ax.set_xlabel(words)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _draw_thresholds(ax: Axes, rows: pd.DataFrame, norm: str, label: str) -> None:
    if rows.empty:
        return
    method = rows["method"].iloc[0]
    ends = np.array([rows[label] - rows[f"{label}_low"], rows[f"{label}_high"] - rows[label]])
    control = method in CONTROLS
    ax.errorbar(
        rows[norm],
        rows[label],
        yerr=np.nan_to_num(ends).clip(0),
        color=COLOURS[method],
        marker="o",
        markersize=3,
        linewidth=1.4,
        linestyle="--" if control else "-",
        elinewidth=0.7,
        label=METHOD_NAMES[method] if control else f"{METHOD_NAMES[method]}, by σ",
    )


def _draw_points(axes: Axes, rows: pd.DataFrame, norm: str, label: str) -> None:
    for index, row in enumerate(rows.to_dict("records")):
        x, y = score(row, norm), score(row, label)
        ends = [[max(0, v.value - v.low)] for v in (x, y)], [[max(0, v.high - v.value)] for v in (x, y)]
        bars = {
            f"{axis}err": np.nan_to_num([low, high]) for axis, low, high in zip("xy", ends[0], ends[1], strict=True)
        }
        method = row["method"]
        name = f"{METHOD_NAMES[method]}, by β" if method == "space-vae" else METHOD_NAMES[method]
        shape = {"space-vae": "D", "vq-vae": "s", "original": "*"}[method]
        axes.errorbar(
            x.value,
            y.value,
            **bars,
            color=COLOURS[method],
            fmt=shape,
            markersize=8 if shape == "*" else 6,
            elinewidth=0.9,
            label=name if index == 0 else None,
        )
        if method == "space-vae":  # a lower step for each label: the points of one L0 sparsity lie close together
            axes.annotate(
                f"β = {row['beta']:g}",
                (x.value, y.value),
                xytext=(12, -18 - 13 * index),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
                arrowprops={"arrowstyle": "-", "color": COLOURS[method], "linewidth": 0.7, "shrinkB": 3},
            )


def _draw_published(axes: Axes, norm: str) -> None:
    rows = published_table_one()
    last = rows["method"].iloc[-1]
    for method, points in rows.groupby("method", sort=False):
        style = {**PUBLISHED_MARKER, "marker": {"space-vae": "D", "vq-vae": "s", "original": "*"}.get(method, "o")}
        style["markersize"] = 8 if method == "original" else 6
        label = "the paper's Table 1 (CIFAR-10)" if method == last else None
        axes.plot(points[norm], points["accuracy"], color=COLOURS[method], label=label, **style)
