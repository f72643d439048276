"""Table 1 of "What You See is What You Classify": class probabilities under each mask, and the claims about them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.papers.explainer.experiments import METHOD_NAMES, published_class_scores
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words

OWN, OTHERS, PLAIN = "own mask", "other masks", "no mask"


def score_matrix(table: pd.DataFrame, method: str, variant: str = "corrected") -> pd.DataFrame:
    """The mean probability, one row per target class and one column per mask.

    Args:
        table: our table or the paper's.
        method: the method of the masks.
        variant: the variant in our table.
    """
    rows = table[table["method"] == method]
    if "variant" in rows:
        rows = rows[rows["variant"] == variant]
    targets = list(dict.fromkeys(rows["target"]))
    means = rows.pivot_table(index="target", columns="mask", values="probability", aggfunc="mean")
    return means.reindex(index=targets, columns=["none", *targets])


def image_scores(table: pd.DataFrame, variant: str = "corrected") -> pd.DataFrame:
    """Mean probabilities without a mask, under the class's own mask, and under other masks, per method and image.

    Returns:
        One row per method and image, columns `PLAIN`, `OWN` and `OTHERS`. An image that shows several of the classes
        counts with their mean.
    """
    rows = table[table["variant"] == variant]
    masks = pd.Series(OTHERS, index=rows.index).mask(rows["mask"] == rows["target"], OWN)
    masks = masks.mask(rows["mask"] == "none", PLAIN)
    grouped = rows.assign(mask=masks).groupby(["method", "image", "mask"])["probability"].mean()
    return grouped.unstack("mask")[[PLAIN, OWN, OTHERS]]


def class_score_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method and variant: the three means with intervals, and the means of the paper's matrices.

    In the paper's means each class counts once.
    """
    rows = []
    for variant in dict.fromkeys(table["variant"]):
        scores = image_scores(table, variant)
        for method in dict.fromkeys(table["method"]):
            own = scores.loc[method]
            difference = mean_effect(own[OWN] - own[OTHERS], limits=(-1, 1))
            means = {name: mean_effect(own[name], limits=(0, 1)) for name in (PLAIN, OWN, OTHERS)}
            rows.append({"variant": variant, "method": METHOD_NAMES[method], **means, "difference": difference})
    for method in dict.fromkeys(published_class_scores()["method"]):
        matrix = score_matrix(published_class_scores(), method)
        own = [matrix.loc[name, name] for name in matrix.index]
        others = (matrix.drop(columns="none").sum(axis=1) - own) / (len(own) - 1)
        values = (matrix["none"].mean(), sum(own) / len(own), others.mean())
        means = {name: f"{value:.2f}" for name, value in zip((PLAIN, OWN, OTHERS), values, strict=True)}
        rows.append(
            {"variant": "paper", "method": METHOD_NAMES[method], **means, "difference": f"{values[1] - values[2]:.2f}"}
        )
    return effects_in_words(pd.DataFrame(rows))


def draw_matrices(table: pd.DataFrame, *, ours: str = "ours", width: float | int = 9.5) -> Figure:
    """The matrices of all methods in per cent: ours (corrected) above, the paper's below.

    Args:
        table: the table `explainer-class-scores`.
        ours: the name of our images and classifier.
        width: in inches.
    """
    methods = list(dict.fromkeys(table["method"]))
    sources = {ours: table, "the paper": published_class_scores()}
    size = (width, 0.58 * width)
    with panels(len(sources), len(methods), size=size, squeeze=False, style={"axes.grid": False}) as (figure, axes):
        for row, (source, values) in enumerate(sources.items()):
            for column, method in enumerate(methods):
                _draw_matrix(axes[row, column], score_matrix(values, method), method, source, first=column == 0)
    return figure


def _draw_matrix(ax: Axes, matrix: pd.DataFrame, method: str, source: str, *, first: bool) -> None:
    percent = 100 * matrix.to_numpy()
    ax.imshow(percent, vmin=0, vmax=100, cmap="Blues", aspect="auto", interpolation="nearest")
    for (row, column), value in pd.DataFrame(percent).stack().items():
        ax.text(
            column,
            row,
            f"{value:.0f}",
            ha="center",
            va="center",
            fontsize=7.5,
            color="white" if value > 60 else "black",
        )
    ax.set_xticks(range(matrix.shape[1]), matrix.columns, rotation=60, fontsize=8)
    ax.set_yticks(range(matrix.shape[0]), matrix.index if first else [""] * len(matrix), fontsize=8)
    ax.set_title(f"{METHOD_NAMES[method]}\n{source}", fontsize=9)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
