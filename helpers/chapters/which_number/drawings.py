"""Drawings of the chapter on which number to believe."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import numpy as np
import pandas as pd
from jaxtyping import Int
from matplotlib.figure import Figure

from helpers.chapters.which_number.gallery import Shown
from helpers.chapters.which_number.places import place_intervals
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.figures import panels

BLUE, RED, GREY, GREEN = (METHOD_COLOURS[name] for name in ("Pixel RDE", "CartoonX", "neutral", "truth"))
LIGHT = "#C8C8C8"
_TICKS = (1, 5, 10, 15, 20)

NAMES = {
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "integrated-gradients": "Integrated Gradients",
    "deeplift": "DeepLIFT",
    "feature-ablation": "Feature Ablation",
    "explainer": "Explainer",
    "rtis": "RTIS",
    "pixel-rde": "Pixel RDE",
    "cartoonx": "CartoonX",
    "waveletx": "WaveletX",
    "shearletx": "ShearletX",
    "wam-gradient": "WAM, gradient",
    "wam-path": "WAM, path",
    "lime": "LIME",
    "kernel-shap": "KernelSHAP",
    "smooth-grad": "SmoothGrad",
    "pixel-rde-rate": "Pixel RDE, rate",
    "cartoonx-rate": "CartoonX, rate",
    "igos++": "iGOS++",
    "extremal-perturbation": "Extremal Perturb.",
}
"""The methods whose names in tables are not their names in words."""


def in_words(method: str) -> str:
    """The name of a method in words."""
    return NAMES.get(method, method)


def draw_gallery(shown: Shown) -> Figure:
    """A scene, its two truths, and the maps of all methods and controls, each with its scores by the two truths.

    Each map is relative to its largest value.

    Args:
        shown: the scene.
    """
    pictures, titles = [shown.image], [f"the scene:\n{shown.class_name}\nwhere · used"]
    for name, values in shown.maps.items():
        where, used = shown.scores[name]
        words = wrap(in_words(name), 13)
        pictures.append(values)
        titles.append("\n" * (len(words) == 1) + "\n".join([*words, f"{where:.2f} · {used:.2f}"]))
    return show_images(pictures, titles, columns=8, colours=MASK_COLOURS, width=10.4)


def draw_places(found: Mapping[int, Int[np.ndarray, "studies methods"]]) -> Figure:
    """The places of made-up methods in one study, and those of most studies, for each number of images.

    Args:
        found: from `simulated_places`, by the number of images.
    """
    with panels(1, len(found), size=(9, 3.4), sharey=True) as (figure, axes):
        for panel, (images, places) in zip(axes, found.items(), strict=True):
            true = np.arange(1, places.shape[1] + 1)
            low, high = place_intervals(places).T
            panel.vlines(true, low, high, color=BLUE, linewidth=5, alpha=0.4, label="95 % of all studies")
            panel.plot(true, places[0], "o", color=RED, markersize=4, label="one study")
            panel.plot(true, true, color=GREY, linewidth=1, label="the truth")
            panel.set(title=f"{images} images", xlabel="true place", xticks=_TICKS, yticks=_TICKS)
        axes[0].set_ylabel("place found")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def draw_standings(table: pd.DataFrame, metric: str) -> Figure:
    """The mean of each method with its interval, from the best to the worst, with its places, and a line at each cut.

    Args:
        table: of `helpers.benchmark.clusters.cluster_table`.
        metric: its name.
    """
    table = table[table["metric"] == metric].reset_index(drop=True)
    with panels(size=(8, 0.27 * len(table) + 1.0)) as (figure, axes):
        rows = np.arange(len(table))
        for control, colour, label in ((False, BLUE, "methods"), (True, GREY, "controls")):
            own = (table["control"] == control).to_numpy()
            ends = [table["mean"] - table["low"], table["high"] - table["mean"]]
            axes.errorbar(
                table["mean"][own], rows[own], xerr=[end[own] for end in ends], fmt="o", color=colour, label=label
            )
        for row in rows[1:][np.diff(table["cluster"]) > 0]:
            axes.axhline(row - 0.5, color=RED, linewidth=1.5)
        words = [f"{in_words(method)}  " for method in table["method"]]
        axes.set_yticks(rows, words)
        places = [f"  {first}" if first == last else f"  {first} to {last}" for first, last in _places(table)]
        side = axes.secondary_yaxis("right")
        side.set_yticks(rows, places)
        side.set_ylabel("places left")
        axes.set(xlabel=metric, ylim=(len(table) - 0.5, -0.5))
        axes.legend(loc="best")
    return figure


def _places(table: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(table["best_place"], table["worst_place"], strict=True))


def draw_shares(rendered: pd.DataFrame) -> Figure:
    """The share of each part of a scene in the drop of the logit, and in the mass of each map, for both classifiers.

    Args:
        rendered: the table `rendered-deletion`.
    """
    colours = dict(zip(("object", "other objects", "mark", "background"), (GREEN, BLUE, RED, LIGHT), strict=True))
    titles = {"plain": "the mark means nothing", "shortcut": "the mark was learned"}
    shown = list(rendered["map"].unique())
    with panels(1, 2, size=(9, 3.2), sharey=True) as (figure, axes):
        for panel, (kind, title) in zip(axes, titles.items(), strict=True):
            shares = rendered[rendered["classifier"] == kind].pivot(index="map", columns="part", values="value")
            start = np.zeros(len(shown))
            for part, colour in colours.items():
                width = 100 * shares.loc[shown, part].to_numpy()
                panel.barh(range(len(shown)), width, left=start, color=colour, label=part)
                start = start + width
            panel.set(title=title, xlabel="share, %", xlim=(0, 100))
            panel.grid(visible=False)
        words = {"logit drop": "used (logit drop)", "truth": "the object's mask"}
        axes[0].set_yticks(range(len(shown)), [words.get(name, in_words(name)) for name in shown])
        axes[0].set_ylim(len(shown) - 0.5, -0.5)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def draw_agreement(matrix: pd.DataFrame) -> Figure:
    """The correlations of all metrics with each other.

    Args:
        matrix: from `agreement_matrix`.
    """
    with panels(size=(8, 6.4)) as (figure, axes):
        image = axes.imshow(matrix, cmap="RdBu", vmin=-1, vmax=1)
        axes.set_xticks(range(len(matrix)), matrix.columns, rotation=90)
        axes.set_yticks(range(len(matrix)), matrix.index)
        axes.grid(False)
        figure.colorbar(image, label="Spearman's correlation", shrink=0.6)
    return figure


def draw_predictions(table: pd.DataFrame, admitted: frozenset[str]) -> Figure:
    """How well each metric predicts each truth: thick intervals over scenes, thin ones over methods.

    Args:
        table: from `predictions`.
        admitted: the metrics that passed the examination.
    """
    order = table[table["over"] == "scenes"].groupby("metric")["value"].mean().sort_values(ascending=False).index
    with panels(1, 2, size=(9, 0.3 * len(order) + 1.0), sharey=True) as (figure, axes):
        for panel, truth in zip(axes, ("where", "used"), strict=True):
            for over, width in (("methods", 1.2), ("scenes", 5)):
                rows = table[(table["truth"] == truth) & (table["over"] == over)].set_index("metric").loc[order]
                panel.hlines(range(len(order)), rows["low"], rows["high"], color=BLUE, linewidth=width, alpha=0.6)
            panel.plot(rows["value"], range(len(order)), "o", color=RED, markersize=5)
            panel.axvline(0, color=GREY, linewidth=0.8)
            panel.set(title=f"with “{truth}”", xlim=(-0.7, 1.02), xlabel="Spearman's correlation")
        axes[0].set_yticks(range(len(order)), [f"{name} *" if name in admitted else name for name in order])
        axes[0].set_ylim(len(order) - 0.5, -0.5)
    return figure
